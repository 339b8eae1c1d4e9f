"""Drawn samples: the truth is exact, the same for a seed, and visible in the image."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from napari_unet.config.samples import SamplesConfig
from napari_unet.errors import InputError
from napari_unet.samples import KINDS, draw_sample

SHAPES = [((33, 47), "YX"), ((8, 8), "YX"), ((200, 180), "YX"), ((7, 50, 61), "ZYX"), ((3, 64, 50), "TYX")]
SHAPES += [((2, 5, 40, 40), "TZYX"), ((1, 40, 40), "ZYX")]
DTYPES = {"nuclei": "uint16", "phase": "uint8", "membranes": "uint8"}
BRIGHT_CELLS = {"nuclei": True, "phase": False, "membranes": True}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("shape", "axes"), SHAPES)
def test_every_shape_has_cells_in_one_piece_numbered_without_gap(kind, shape, axes):
    sample = draw_sample(kind, shape, seed=5, axes=axes)
    assert sample.image.shape == sample.labels.shape == shape
    assert sample.image.dtype == DTYPES[kind]
    assert sample.labels.dtype == np.int32
    assert sample.axes == axes
    assert len(sample.spacing) == len(axes.removeprefix("T"))
    numbers = np.unique(sample.labels)
    assert numbers.max() >= 1
    assert set(numbers) - {0} == set(range(1, numbers.max() + 1))
    for frame in sample.labels if axes[0] == "T" else [sample.labels]:
        assert all(label(frame == number)[1] == 1 for number in set(np.unique(frame)) - {0})


@settings(deadline=None, max_examples=12)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32),
    size=st.tuples(st.integers(8, 90), st.integers(8, 90)),
    object_px=st.floats(6, 200),
    density=st.floats(0.1, 3),
)
def test_truth_is_sound_for_any_seed_and_setting(kind, seed, size, object_px, density):
    config = SamplesConfig(object_px=object_px, density=density)
    sample = draw_sample(kind, size, seed=seed, config=config)
    numbers = np.unique(sample.labels)
    assert set(numbers) - {0} == set(range(1, numbers.max() + 1))
    assert numbers.max() >= 1
    assert all(label(sample.labels == number)[1] == 1 for number in numbers[numbers > 0])


@pytest.mark.parametrize("kind", KINDS)
def test_seed_decides_everything(kind):
    first, again, other = (draw_sample(kind, (70, 90), seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert not np.array_equal(first.labels, other.labels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("object_px", [10, None, 90])
def test_cells_differ_from_what_is_between_them_as_the_kind_says(kind, inverted, object_px):
    sample = draw_sample(kind, (256, 256), seed=1, config=SamplesConfig(inverted=inverted, object_px=object_px))
    inside, outside = sample.image[sample.labels > 0].astype(float), sample.image[sample.labels == 0].astype(float)
    difference = inside.mean() - outside.mean()
    assert (difference > 0) == (BRIGHT_CELLS[kind] != inverted)
    assert abs(difference) > 0.5 * outside.std()


def test_nuclei_touch_and_membranes_separate():
    for kind, touching in (("nuclei", True), ("membranes", False)):
        labels = draw_sample(kind, (300, 300), seed=0).labels
        left, right = labels[:, :-1], labels[:, 1:]
        assert ((left != right) & (left > 0) & (right > 0)).any() == touching


@pytest.mark.parametrize("kind", KINDS)
def test_cells_keep_their_number_while_they_move(kind):
    labels = draw_sample(kind, (8, 160, 160), seed=2, axes="TYX").labels
    assert (labels[0] != labels[-1]).any()
    for earlier, later in pairwise(labels):
        sizes = np.bincount(earlier.ravel(), minlength=labels.max() + 1)
        for number in np.flatnonzero(sizes[1:] > 200) + 1:
            assert (later[earlier == number] == number).mean() > 0.5


def test_noise_and_motion_can_be_switched_off():
    still = draw_sample("nuclei", (2, 60, 60), axes="TYX", config=SamplesConfig(noise=0, motion=0))
    np.testing.assert_array_equal(still.image[0], still.image[1])
    noisy = draw_sample("nuclei", (2, 60, 60), axes="TYX", config=SamplesConfig(motion=0))
    np.testing.assert_array_equal(noisy.labels, still.labels)
    assert (noisy.image[0] != noisy.image[1]).mean() > 0.5


def test_size_and_density_are_what_was_asked_for():
    for object_px in (16, 40):
        labels = draw_sample("nuclei", (400, 400), config=SamplesConfig(object_px=object_px)).labels
        diameter = 2 * np.sqrt(np.median(np.bincount(labels.ravel())[1:]) / np.pi)
        assert diameter == pytest.approx(object_px, rel=0.2)
    sparse, dense = (
        (draw_sample("phase", (500, 500), config=SamplesConfig(density=density)).labels > 0).mean()
        for density in (0.5, 2)
    )
    assert dense > 1.5 * sparse


def test_spacing_tells_the_distance_of_planes():
    spacing = draw_sample("nuclei", (4, 40, 40), config=SamplesConfig(anisotropy=5)).spacing
    assert spacing[0] == pytest.approx(5 * spacing[2])
    assert spacing[1] == spacing[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "plants"}, "choose one of nuclei, phase, membranes"),
        ({"kind": "nuclei", "shape": (40,)}, "do not fit"),
        ({"kind": "nuclei", "shape": (40, 40), "axes": "ZYX"}, "do not fit"),
        ({"kind": "nuclei", "shape": (40, 40, 3), "axes": "YXC"}, "one of YX"),
        ({"kind": "nuclei", "shape": (40, 7)}, "at least 8 px"),
        ({"kind": "nuclei", "shape": (0, 40, 40)}, "other axes 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        draw_sample(**arguments)
