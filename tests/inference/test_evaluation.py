"""Judging plane by plane: dense truth, sparse truth, files, tables."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.data.writing import write_labels
from napari_unet.errors import InputError
from napari_unet.inference.evaluation import (
    PairFailed,
    PlaneCompared,
    PlaneReport,
    compare_files,
    compare_stack,
    image_scores,
)
from napari_unet.inference.evaluation_tables import errors_csv, scores_csv
from napari_unet.metrics import Scores, find_errors, score_pair
from napari_unet.samples import annotate_sparsely, draw_sample

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = draw_sample("nuclei", (96, 96)).labels
N_CELLS = len(np.unique(SAMPLE[SAMPLE > 0]))


def stack(*planes: np.ndarray) -> np.ndarray:
    """Planes as the slices of one time."""
    return np.stack(planes)[None, None]


def compare(predicted: np.ndarray, truth: np.ndarray, scheme: str = "dense") -> PlaneReport:
    """Report of a single plane."""
    (event,) = compare_stack("plane", stack(predicted), stack(truth), scheme)
    return event.report


def line(*labels: int) -> np.ndarray:
    return np.array([labels])


def test_planes_are_judged_on_their_own() -> None:
    found = SAMPLE.copy()
    found[found == found.max()] = 0
    events = list(compare_stack("cells", stack(SAMPLE, found), stack(SAMPLE, SAMPLE)))
    assert [event.share for event in events] == [0.5, 1.0]
    assert [event.report for event in events] == [
        PlaneReport("cells", (0, 0), score_pair(SAMPLE, SAMPLE), ()),
        PlaneReport("cells", (0, 1), score_pair(found, SAMPLE), find_errors(found, SAMPLE).found),
    ]
    assert np.array_equal(events[1].error_map, find_errors(found, SAMPLE).error_map)


def test_only_the_wanted_planes_are_judged() -> None:
    three = stack(SAMPLE, SAMPLE, SAMPLE)
    (event,) = compare_stack("cells", three, three, places=[(0, 2)])
    assert (event.report.place, event.share) == ((0, 2), 1.0)


@settings(deadline=None, max_examples=5)
@given(st.integers(1, min(8, N_CELLS)), st.integers(0, 99))
def test_a_sparse_truth_does_not_blame_cells_that_nobody_annotated(n_cells: int, seed: int) -> None:
    painted = annotate_sparsely(SAMPLE, n_cells, seed=seed)
    report = compare(SAMPLE, painted, "sparse")
    assert report.errors == ()
    assert report.scores == Scores(
        **dict.fromkeys(("iou", "seg", "ap50", "ap", "f1", "pq"), 1.0),
        **dict.fromkeys(("rand_error", "warping_error", "pixel_error"), 0.0),
        n_predicted=n_cells,
        n_truth=n_cells,
    )


def test_a_sparse_truth_by_hand() -> None:
    # 2 is found; 3 is merged with ground nobody annotated and still found; 8 lies mostly outside; 9 is invented.
    truth = line(2, 2, 1, 1, 3, 3, 0, 0, 0, 0, 0, 1, 1, 1, 0)
    predicted = line(5, 5, 0, 0, 6, 6, 6, 6, 6, 8, 8, 8, 0, 9, 9)
    report = compare(predicted, truth, "sparse")
    assert [(error.kind, error.predicted, error.size_px) for error in report.errors] == [("false", (9,), 1)]
    assert (report.scores.n_truth, report.scores.n_predicted) == (2, 3)
    # One wrong pixel of nine annotated ones.
    assert report.scores.pixel_error == pytest.approx(1 / 9)
    assert report.scores.iou == pytest.approx(4 / 5)


def test_a_sparse_truth_does_not_blame_probabilities_where_nobody_annotated() -> None:
    truth = line(2, 2, 1, 1, 3, 3, 0, 0, 1, 1, 0, 0)
    predicted = line(9, 9, 1, 1, 8, 8, 8, 1, 1, 7, 1, 9).astype(np.float32) / 10
    report = compare(predicted, truth, "sparse")
    assert [(error.kind, error.size_px) for error in report.errors] == [("false", 1)]
    assert (report.scores.n_truth, report.scores.n_predicted, report.scores.f1) == (2, 3, 0.8)
    # At the best threshold what is invented is gone.
    assert report.scores.pixel_error == 0


def test_planes_without_annotation_are_left_out() -> None:
    painted = annotate_sparsely(SAMPLE, 2)
    events = compare_stack("cells", stack(SAMPLE, SAMPLE), stack(0 * painted, painted), "sparse")
    assert [event.report.place for event in events] == [(0, 1)]
    with pytest.raises(InputError, match="Nothing is annotated"):
        list(compare_stack("cells", stack(SAMPLE), stack(0 * painted), "sparse"))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="same pixels"):
        next(compare_stack("cells", stack(SAMPLE), stack(SAMPLE[1:])))
    channels = np.stack([SAMPLE, SAMPLE])[None, :, None]
    with pytest.raises(InputError, match="without channels"):
        next(compare_stack("cells", channels, channels))


def test_probabilities_are_cut_at_a_half_for_objects() -> None:
    probability = np.where(SAMPLE > 0, 0.3, 0.1).astype(np.float32)
    report = compare(probability, SAMPLE)
    assert (report.scores.iou, report.scores.pixel_error) == (0, 0)
    assert {error.kind for error in report.errors} == {"missed"}


def test_a_file_that_cannot_be_compared_is_named_and_the_others_done(tmp_path: Path) -> None:
    for name, labels in {"a": SAMPLE, "b": SAMPLE[1:], "truth": SAMPLE}.items():
        write_labels(tmp_path / f"{name}.tif", labels, "YX")
    truth = tmp_path / "truth.tif"
    events = list(compare_files([(tmp_path / f"{name}.tif", truth) for name in ("b", "none", "a")]))
    failures = [event for event in events if isinstance(event, PairFailed)]
    assert [failure.image for failure in failures] == ["b", "none"]
    assert "differ in Y" in str(failures[0].error) and "There is no file" in str(failures[1].error)
    (done,) = [event for event in events if isinstance(event, PlaneCompared)]
    assert (done.report.image, done.report.scores.f1, done.share) == ("a", 1.0, 1.0)


def test_images_are_the_means_of_their_planes() -> None:
    scores = image_scores([compare(SAMPLE, SAMPLE), compare(0 * SAMPLE, SAMPLE)])
    assert scores.keys() == {"plane"}
    merged = scores["plane"]
    assert (merged.f1, merged.n_truth, merged.n_predicted) == (0.5, 2 * N_CELLS, N_CELLS)


def test_tables_hold_full_precision() -> None:
    reports = [replace(compare(line(5, 5, 5, 5, 0, 6), line(1, 1, 2, 2, 0, 0)), image='a "b", c')]
    (row,) = csv.DictReader(scores_csv(reports).splitlines())
    assert (row["image"], row["t"], row["z"]) == ('a "b", c', "0", "0")
    assert float(row["seg"]) == reports[0].scores.seg
    assert math.isclose(float(row["pixel_error"]), 1 / 6)
    merged, false = csv.DictReader(errors_csv(reports).splitlines())
    assert (merged["kind"], merged["truth_labels"], merged["predicted_labels"]) == ("merged", "1 2", "5")
    assert (false["kind"], false["x"], false["left"], false["size_px"], false["iou"]) == (
        "false",
        "5.0",
        "5",
        "1",
        "0.0",
    )
