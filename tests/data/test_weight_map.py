from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from napari_unet.config.weight_map import WeightMapConfig
from napari_unet.data.targets import NOT_ANNOTATED, make_target, read_annotation
from napari_unet.data.weight_map import class_weights, plane_weights, weight_map

QUICK = settings(deadline=None, max_examples=25)
Formula = Literal["paper", "falk2019"]


def draw_cells(seed: int, shape: tuple[int, ...], count: int) -> NDArray[np.int32]:
    """Balls of random size, touching and overwriting each other."""
    rng = np.random.default_rng(seed)
    cells = np.zeros(shape, np.int32)
    grid = np.indices(shape)
    for number in range(1, count + 1):
        centre = rng.uniform(0, shape).reshape(-1, *(1,) * len(shape))
        cells[((grid - centre) ** 2).sum(axis=0) <= rng.uniform(0.5, 9) ** 2] = number
    return cells


def literal(
    labels: NDArray[Any], formula: Formula, scheme: Literal["dense", "sparse"], spacing: tuple[float, ...] | None
) -> NDArray[np.float64]:
    """Follow the formula with one distance transform a cell."""
    cells, annotated = read_annotation(labels, scheme)
    target = make_target(cells, annotated, "instances")
    sampling = None if spacing is None else [size / min(spacing[-2:]) for size in spacing]
    distances = [np.full(cells.shape, np.inf)] * 2
    for number in np.unique(cells[cells > 0]):
        distances.append(ndimage.distance_transform_edt(cells != number, sampling=sampling))
    d1, d2 = np.sort(distances, axis=0)[:2]
    background, inside = target == 0, target == 1
    if formula == "falk2019":
        term = 0.1 + 50 * np.exp(-((d1 + d2) ** 2) / (2 * 6**2)) + 0.9 * np.exp(-(d1**2) / (2 * 10**2))
        return np.where(background, term, inside)
    present = [mask for mask in (background, inside) if mask.any()]
    balance = sum((mask * annotated.sum() / (len(present) * mask.sum()) for mask in present), np.zeros(cells.shape))
    return balance + background * 10 * np.exp(-((d1 + d2) ** 2) / (2 * 5**2))


@QUICK
@given(
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    count=st.integers(0, 12),
    formula=st.sampled_from(["paper", "falk2019"]),
    scheme=st.sampled_from(["dense", "sparse"]),
)
def test_plane_follows_the_formula(
    seed: int, shape: tuple[int, int], count: int, formula: Formula, scheme: Literal["dense", "sparse"]
) -> None:
    labels = draw_cells(seed, shape, count)
    found = weight_map(labels, WeightMapConfig(formula=formula), scheme=scheme)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, literal(labels, formula, scheme, None), rtol=0, atol=1e-5)


@QUICK
@given(
    seed=st.integers(0, 2**32),
    spacing=st.sampled_from([None, (1.0, 1.0, 1.0), (2.0, 0.5, 0.5), (0.7, 0.4, 0.3), (30.0, 0.1, 0.2)]),
    formula=st.sampled_from(["paper", "falk2019"]),
)
def test_volume_follows_the_formula(seed: int, spacing: tuple[float, ...] | None, formula: Formula) -> None:
    labels = draw_cells(seed, (7, 20, 24), 6)
    found = weight_map(labels, WeightMapConfig(formula=formula), spacing=spacing)
    np.testing.assert_allclose(found, literal(labels, formula, "dense", spacing), rtol=0, atol=1e-5)
