"""The next place to paint: where uncertainty lies in lumps, off what is annotated."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import disk
from skimage.segmentation import find_boundaries

from napari_unet.inference.places import next_places

DIAMETER = 20


def discs(*centres: tuple[int, int], radius: float = DIAMETER / 2, shape: tuple[int, int] = (120, 160)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for centre in centres:
        mask[disk(centre, radius, shape=shape)] = True
    return mask


def places(
    uncertainty: np.ndarray, annotated: np.ndarray | None = None, cells: np.ndarray | None = None, n: int = 5
) -> list[tuple[int, int]]:
    nothing = np.zeros(uncertainty.shape, bool)
    masks = (nothing if mask is None else mask for mask in (annotated, cells))
    found = next_places(uncertainty[None], *(mask[None] for mask in masks), DIAMETER, n)
    return [(spot.y, spot.x) for spot in found]


def test_the_largest_doubt_comes_first_and_in_its_middle() -> None:
    doubt = (0.5 * discs((30, 40)) + 0.9 * discs((80, 120))).astype(np.float32)
    first, second, *_ = places(doubt)
    assert np.hypot(*np.subtract(first, (80, 120))) < 2
    assert np.hypot(*np.subtract(second, (30, 40))) < 2


def test_outlines_count_nothing_however_many() -> None:
    """Twelve cells with uncertain outlines, and one cell in doubt as a whole, though less than the outlines."""
    centres = [(y, x) for y in (20, 50, 80) for x in (20, 45, 70, 95)]
    doubt = (0.9 * find_boundaries(discs(*centres)) + 0.4 * discs((60, 140))).astype(np.float32)
    assert np.hypot(*np.subtract(places(doubt)[0], (60, 140))) < 2


def test_what_is_annotated_counts_no_more() -> None:
    doubt = (0.5 * discs((30, 40)) + 0.9 * discs((80, 120))).astype(np.float32)
    found = places(doubt, discs((80, 120), radius=DIAMETER / 2 + 1))
    assert found and np.hypot(*np.subtract(found[0], (30, 40))) < 2
    assert places(doubt, np.ones(doubt.shape, bool)) == []
    assert places(np.zeros_like(doubt)) == []


def test_next_to_a_painted_cell_comes_before_greater_doubt() -> None:
    """Background that is painted draws nobody near; nor does a painted cell in another plane."""
    doubt = (0.3 * discs((30, 40)) + 0.9 * discs((80, 120))).astype(np.float32)
    painted = discs((30, 61))
    far = discs((30, 90))
    (first, second, *_) = places(doubt, painted, painted)
    assert np.hypot(*np.subtract(first, (30, 40))) < 2 and np.hypot(*np.subtract(second, (80, 120))) < 2
    for cells in (np.zeros_like(painted), far):
        assert np.hypot(*np.subtract(places(doubt, painted | far, cells)[0], (80, 120))) < 2
    stack, elsewhere = np.stack([doubt, doubt]), np.stack([painted, np.zeros_like(painted)])
    spots = next_places(stack, elsewhere, elsewhere, DIAMETER, 2)
    assert [spot.plane for spot in spots] == [0, 0]
    assert next_places(stack, elsewhere, elsewhere[::-1], DIAMETER, 1)[0].plane == 1


def test_what_was_visited_counts_no_more_in_any_plane() -> None:
    doubt = np.stack([0.9 * discs((80, 120)), 0.8 * discs((80, 120)), 0.3 * discs((30, 40))]).astype(np.float32)
    nothing = np.zeros(doubt.shape, bool)
    (spot,) = next_places(doubt, nothing, nothing, DIAMETER, 1)
    assert spot.plane == 0
    (other,) = next_places(doubt, nothing, nothing, DIAMETER, 1, [(spot.y, spot.x)])
    assert (other.plane, abs(other.y - 30) < 2, abs(other.x - 40) < 2) == (2, True, True)


@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(3, 40), st.integers(0, 8))
@settings(deadline=None, max_examples=20)
def test_spots_lie_on_open_ground_and_apart(seed: int, n_planes: int, diameter: int, n: int) -> None:
    random = np.random.default_rng(seed)
    doubt = random.random((n_planes, 50, 70), np.float32)
    annotated = random.random(doubt.shape) < 0.2
    cells = annotated & (random.random(doubt.shape) < 0.01)
    spots = next_places(doubt, annotated, cells, diameter, n)
    assert spots == next_places(doubt, annotated, cells, diameter, n)
    assert len(spots) <= n
    assert not any(annotated[spot.plane, spot.y, spot.x] for spot in spots)
    gains = [spot.gain for spot in spots]
    assert gains == sorted(gains, reverse=True) and all(0 < gain <= 1 for gain in gains)
    distances = [np.hypot(a.y - b.y, a.x - b.x) for i, a in enumerate(spots) for b in spots[:i]]
    assert all(distance > diameter for distance in distances)


def test_at_the_edge_of_the_image_the_place_is_in_the_doubt_too() -> None:
    doubt = 0.9 * discs((2, 157), radius=DIAMETER / 3).astype(np.float32)
    ((y, x),) = places(doubt, n=1)
    assert doubt[y, x] > 0
