"""Measures and errors of an evaluation as tables for other programs."""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any

from napari_unet.metrics import CellError, Scores

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_unet.inference.evaluation import PlaneReport


def scores_csv(reports: Iterable[PlaneReport]) -> str:
    """Write the measures as a table of comma-separated values, one line a plane.

    Parameters
    ----------
    reports
        Of any number of images.

    Returns
    -------
    str
        With a line of titles: image, t, z and the fields of `Scores`.
    """
    titles = ["image", "t", "z", *(field.name for field in fields(Scores))]
    return _csv(titles, [(report.image, *report.place, *astuple(report.scores)) for report in reports])


def errors_csv(reports: Iterable[PlaneReport]) -> str:
    """Write the errors as a table of comma-separated values, one line an error.

    Parameters
    ----------
    reports
        Of any number of images.

    Returns
    -------
    str
        With a line of titles: image, t, z, kind, labels, place and size in px, and intersection over union.
    """
    titles = "image t z kind truth_labels predicted_labels y x top left bottom right size_px iou".split()
    rows = [(report.image, *report.place, *_error_fields(error)) for report in reports for error in report.errors]
    return _csv(titles, rows)


def _error_fields(error: CellError) -> tuple[Any, ...]:
    """Give kind, labels, place, size and intersection over union of an error."""
    labels = _joined(error.truth), _joined(error.predicted)
    return error.kind, *labels, *error.centre, *error.box, error.size_px, error.iou


def _joined(labels: tuple[int, ...]) -> str:
    """Write labels into one field."""
    return " ".join(map(str, labels))


def _csv(titles: list[str], rows: list[tuple[Any, ...]]) -> str:
    """Write rows as comma-separated values."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([titles, *rows])
    return text.getvalue()
