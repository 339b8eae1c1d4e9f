"""All measures together: of a pair, of many, and their means."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_unet.errors import InputError
from napari_unet.metrics import evaluate, mean_scores, pixel_error, score_pair

DATA = Path(__file__).parents[3] / "shared" / "data"
LABELS = arrays(np.uint16, (5, 6), elements=st.integers(0, 3))
ERRORS = {"rand_error", "warping_error", "pixel_error"}
COUNTS = {"n_predicted", "n_truth"}

#  truth            predicted
#  1 1 0 2 2 0      1 1 1 1 1 0
#  1 1 0 2 2 0      1 1 1 1 1 0
#  0 0 0 0 0 0      0 0 0 0 0 0
TRUTH = np.array([[1, 1, 0, 2, 2, 0], [1, 1, 0, 2, 2, 0], [0, 0, 0, 0, 0, 0]], np.uint8)
MERGED = np.array([[1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0]], np.uint8)


def test_a_merge_by_hand() -> None:
    assert asdict(score_pair(MERGED, TRUTH)) == {
        "iou": 8 / 10,
        "seg": 4 / 10,  # the merge covers both cells, 4 of its 10 pixels each
        "ap50": 0.0,
        "ap": 0.0,
        "f1": 0.0,
        "pq": 0.0,
        "rand_error": pytest.approx(1 - 2 * 12 / (28 + 12)),  # 8 pixels: 28 pairs predicted, 6 + 6 true
        "warping_error": 2 / 18,  # neither pixel between the cells can turn without joining them
        "pixel_error": 2 / 18,
        "n_predicted": 1,
        "n_truth": 2,
    }


@settings(deadline=None, max_examples=30)
@given(LABELS)
def test_a_perfect_prediction(labels: np.ndarray) -> None:
    scores = asdict(score_pair(labels * 9, labels))
    assert all(scores[name] == 0 for name in ERRORS)
    assert all(value == 1 for name, value in scores.items() if name not in ERRORS | COUNTS)


@settings(deadline=None, max_examples=30)
@given(LABELS, LABELS)
def test_scores_lie_between_zero_and_one(predicted: np.ndarray, truth: np.ndarray) -> None:
    scores = asdict(score_pair(predicted, truth))
    assert all(0 <= value <= 1 for name, value in scores.items() if name not in COUNTS and not math.isnan(value))
    assert scores["ap"] <= scores["ap50"] <= scores["f1"]
    assert scores["pq"] <= scores["f1"]


def test_cells_where_there_are_none() -> None:
    scores = asdict(score_pair(TRUTH, np.zeros_like(TRUTH)))
    assert {name for name, value in scores.items() if math.isnan(value)} == {"seg", "rand_error"}
    assert scores["iou"] == scores["ap"] == scores["f1"] == scores["pq"] == 0


def test_a_mask_stands_for_its_components() -> None:
    assert score_pair(TRUTH > 0, TRUTH) == score_pair(TRUTH, TRUTH)


def test_means_over_images() -> None:
    first, second = score_pair(TRUTH, TRUTH), score_pair(MERGED, TRUTH)
    means = mean_scores([first, second])
    assert means == {name: pytest.approx((value + asdict(second)[name]) / 2) for name, value in asdict(first).items()}


def test_means_leave_out_what_is_undefined() -> None:
    perfect, invented = score_pair(TRUTH, TRUTH), score_pair(TRUTH, np.zeros_like(TRUTH))
    means = mean_scores([perfect, invented])
    assert (means["seg"], means["rand_error"], means["iou"]) == (1, 0, 0.5)
    assert math.isnan(mean_scores([invented])["seg"])


def test_evaluate_takes_one_array_or_many() -> None:
    one, many = evaluate(MERGED, TRUTH), evaluate([MERGED, TRUTH], [TRUTH, TRUTH])
    assert one.images == (score_pair(MERGED, TRUTH),)
    assert many.images == (score_pair(MERGED, TRUTH), score_pair(TRUTH, TRUTH))
    assert many.means == mean_scores(many.images)


def test_a_stack_is_one_image() -> None:
    stack = np.stack([TRUTH, TRUTH])[None]
    result = evaluate(stack, stack)
    assert len(result.images) == 1
    assert result.images[0].n_truth == 2


def test_refuses_lists_that_do_not_pair() -> None:
    with pytest.raises(InputError, match=r"2 predicted and 1 true"):
        evaluate([TRUTH, TRUTH], [TRUTH])
    with pytest.raises(InputError, match="no image"):
        evaluate([], [])


@pytest.mark.parametrize("name", ["isbi2012_em", "ctc_dic_c2dh_hela", "plant_nuclei_3d_mini"])
def test_real_labels(name: str) -> None:
    if not (DATA / name).is_dir():
        pytest.skip(f"needs {DATA / name}")
    truth = tifffile.imread(min((DATA / name / "labels").glob("*.tif")))
    shifted = score_pair(np.roll(truth, 2, axis=-1), truth)
    assert score_pair(truth, truth).pq == 1
    assert shifted.warping_error < shifted.pixel_error
    assert 0 < shifted.ap <= shifted.ap50
    assert shifted.pq < 1


@pytest.mark.parametrize("files", ["p.tif", ["p.tif"]])
def test_files_are_no_arrays(files: Any) -> None:
    with pytest.raises(InputError, match="an array or a list of arrays is allowed"):
        evaluate(files, files)


def test_whole_numbers_of_a_wrong_type_are_called_labels() -> None:
    with pytest.raises(InputError, match="predicted holds whole numbers up to 2 as float32"):
        pixel_error(TRUTH.astype(np.float32), TRUTH)
