"""Sparse annotation: whole cells, a ring of true background, nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.errors import InputError
from napari_unet.samples import KINDS, annotate_sparsely, draw_sample

TRUTHS = {kind: draw_sample(kind, (120, 130), seed=6).labels for kind in KINDS}
TRUTHS["stack"] = draw_sample("nuclei", (6, 60, 60), seed=6).labels


@settings(deadline=None, max_examples=30)
@given(kind=st.sampled_from(sorted(TRUTHS)), seed=st.integers(0, 1000), share=st.floats(0, 1))
def test_annotation_never_contradicts_the_truth(kind, seed, share):
    truth = TRUTHS[kind]
    n_cells = max(1, round(share * truth.max()))
    annotated = annotate_sparsely(truth, n_cells, seed=seed)
    assert set(np.unique(annotated)) - {0, 1} == set(range(2, n_cells + 2))
    assert (truth[annotated == 1] == 0).all()
    for painted in range(2, n_cells + 2):
        owners = np.unique(truth[annotated == painted])
        assert len(owners) == 1
        np.testing.assert_array_equal(annotated == painted, truth == owners[0])


def test_unpainted_neighbours_stay_unannotated():
    truth = np.zeros((20, 20), np.int32)
    truth[5:10, 5:10], truth[5:10, 10:15] = 1, 2
    annotated = annotate_sparsely(truth, 1, seed=0)
    chosen = int(truth[annotated == 2][0])
    assert (annotated[truth == 3 - chosen] == 0).all()
    assert (annotated[4, 5:10] == 1).all() or (annotated[4, 10:15] == 1).all()
    assert annotated[19, 19] == 0


def test_seed_chooses_the_cells():
    truth = TRUTHS["nuclei"]
    np.testing.assert_array_equal(annotate_sparsely(truth, 2, seed=1), annotate_sparsely(truth, 2, seed=1))
    choices = {tuple(np.unique(truth[annotate_sparsely(truth, 2, seed=seed) > 1])) for seed in range(5)}
    assert len(choices) > 1


@pytest.mark.parametrize("n_cells", [0, 3])
def test_too_many_or_no_cells_are_refused(n_cells):
    with pytest.raises(InputError, match="the labels have 2"):
        annotate_sparsely(np.array([[1, 0, 0, 5]]), n_cells)


def test_cells_are_painted_side_by_side():
    """Pairs of touching cells far apart: of two painted cells both are of one pair."""
    truth = np.zeros((40, 100), np.int32)
    for pair in range(5):
        truth[10:20, 20 * pair + 2 : 20 * pair + 8] = 2 * pair + 1
        truth[10:20, 20 * pair + 8 : 20 * pair + 14] = 2 * pair + 2
    for seed in range(5):
        first, second = np.unique(truth[annotate_sparsely(truth, 2, seed=seed) > 1])
        assert first % 2 == 1
        assert second == first + 1


@pytest.mark.parametrize("seed", range(5))
def test_cells_cut_off_by_the_edge_come_last(seed):
    truth = np.zeros((30, 50), np.int32)
    for column, number in zip((0, 10, 20, 30, 45), (4, 3, 9, 1, 2), strict=True):
        truth[10:15, column : column + 5] = number
    assert set(truth[annotate_sparsely(truth, 3, seed=seed) > 1]) == {1, 3, 9}
    assert set(truth[annotate_sparsely(truth, 5, seed=seed) > 1]) == {1, 2, 3, 4, 9}
