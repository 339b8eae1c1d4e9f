"""`napari-unet evaluate`: predictions against the truth."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet.cli.messages import error_text, report, say
from napari_unet.cli.options import refuse_input

if TYPE_CHECKING:
    import argparse

    from napari_unet.data.pairing import Pairing
    from napari_unet.inference.evaluation import PlaneReport
    from napari_unet.metrics import Scores

USAGE = "napari-unet evaluate PREDICTED TRUTH [--json] [--csv FILE] [--errors FILE]"


def add_arguments(parser: argparse.ArgumentParser, *, every: bool) -> None:
    """Declare the arguments.

    Parameters
    ----------
    parser
        Of this command.
    every
        Not used: there are no settings.
    """
    parser.add_argument("predicted", metavar="PREDICTED", help="Label images: a file, a folder or a pattern.")
    parser.add_argument("truth", metavar="TRUTH", help="True label images; they pair by the name of the file.")
    parser.add_argument("--json", action="store_true", help="Print one JSON object with full precision.")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="Write the measures of each plane to a table.")
    parser.add_argument("--errors", metavar="FILE", type=Path, help="Write each missed, merged, split … cell there.")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate.

    Parameters
    ----------
    arguments
        What was given.

    Returns
    -------
    int
        0, or 1 if some files failed; what does not pair is named only.

    Raises
    ------
    InputError
        If nothing pairs.
    """
    from napari_unet.data.pairing import pair_files, require_pairs
    from napari_unet.data.reading import find_files
    from napari_unet.inference.evaluation import image_scores
    from napari_unet.metrics import Scores, mean_scores

    pairing = require_pairs(pair_files(find_files(arguments.predicted), find_files(arguments.truth)))
    for option, table in (("--csv", arguments.csv), ("--errors", arguments.errors)):
        if table is not None:
            refuse_input(option, table, [file for pair in pairing.pairs for file in pair])
    if unpaired := pairing.describe_unpaired("prediction", "truth"):
        say(f"not compared, because nothing pairs with them:\n{unpaired}")
    reports, n_failed = _compare(pairing)
    _write_tables(reports, arguments)
    scores = image_scores(reports)
    if scores or arguments.json:
        undefined = dict.fromkeys((field.name for field in fields(Scores)), math.nan)
        means = mean_scores(list(scores.values())) if scores else undefined
        report(_as_json(scores, means, pairing) if arguments.json else _as_table(scores, means))
    return 1 if n_failed else 0


def _compare(pairing: Pairing) -> tuple[list[PlaneReport], int]:
    """Compare all pairs; name those that cannot be, and count them."""
    from napari_unet.inference.evaluation import PairFailed, compare_files

    reports, failed = [], set()
    for event in compare_files(pairing.pairs):
        if isinstance(event, PairFailed):
            failed.add(event.image)
            say(f"failed: {error_text(event.error)}")
        else:
            reports.append(event.report)
    return [report for report in reports if report.image not in failed], len(failed)


def _write_tables(reports: list[PlaneReport], arguments: argparse.Namespace) -> None:
    """Write the tables that are wanted."""
    from napari_unet.data.files import atomic_path
    from napari_unet.inference.evaluation_tables import errors_csv, scores_csv

    for path, as_csv in ((arguments.csv, scores_csv), (arguments.errors, errors_csv)):
        if path is not None:
            with atomic_path(path) as temporary:
                temporary.write_text(as_csv(reports), encoding="utf-8")


def _as_json(scores: dict[str, Scores], means: dict[str, float], pairing: Pairing) -> str:
    """Write means, the scores of each image, and what was not compared; what is undefined is null."""
    images = {name: _defined(asdict(score)) for name, score in scores.items()}
    alone = {"prediction": pairing.images_without_labels, "truth": pairing.labels_without_image}
    unpaired = {kind: [str(path) for path in paths] for kind, paths in alone.items()}
    return json.dumps(_defined(means) | {"images": images, "unpaired": unpaired}, indent=2, allow_nan=False)


def _defined(values: dict[str, Any]) -> dict[str, Any]:
    """Replace nan, which JSON does not know."""
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _as_table(scores: dict[str, Scores], means: dict[str, float]) -> str:
    """Write a line an image and a last one with the means."""
    rows = [["image", *means]]
    rows += [[name, *map(_cell, asdict(score).values())] for name, score in scores.items()]
    rows.append(["mean", *map(_cell, means.values())])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)


def _cell(value: float) -> str:
    """Write a number for a table."""
    return str(value) if isinstance(value, int) else f"{value:.4f}"
