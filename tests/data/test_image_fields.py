"""Fields that follow the brush are those made anew; what nobody touched stays the same object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dask.array as da
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drawing import draw_image, fields_of, quick_recipe
from napari_unet.data.fields import Field, Preparation
from napari_unet.data.image_fields import ImageFields
from napari_unet.data.normalization import fit_normalization
from napari_unet.data.training_image import TrainingImage
from napari_unet.errors import InputError


def draw_stack(seed: int = 0, n_planes: int = 3) -> TrainingImage:
    """Two annotated planes and one without."""
    planes = [draw_image(seed=seed + number) for number in range(n_planes)]
    labels = np.concatenate([plane.labels for plane in planes], axis=2).astype(np.int32)
    labels[:, :, -1] = 0
    return TrainingImage("stack", np.concatenate([plane.image for plane in planes], axis=2), labels)


def followed(source: TrainingImage, scale: float = 1.0, **training: Any) -> ImageFields:
    recipe = quick_recipe(**training)
    fields = ImageFields(Preparation(recipe, fit_normalization([source.image], recipe.normalization), scale))
    fields.update(source)
    return fields


def assert_equal(one: Field, other: Field) -> None:
    assert (one.name, one.digest) == (other.name, other.digest)
    assert all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("image", "target", "weights"))
    assert (one.counts == other.counts).all()
    assert one.cell_sizes.tolist() == other.cell_sizes.tolist()


@given(
    st.sampled_from(["dense", "sparse"]),
    st.sampled_from(["instances", "classes"]),
    st.sampled_from([1.0, 0.5, 1.5]),
    st.lists(
        st.tuples(*(st.integers(0, size) for size in (2, 63, 63)), st.integers(1, 9), st.integers(0, 4)), max_size=6
    ),
    st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_fields_after_strokes_are_those_made_anew(
    scheme: str, target: str, scale: float, strokes: list[tuple[int, ...]], ignoring: bool
) -> None:
    source = draw_stack()
    if ignoring:
        source = replace(source, ignore=np.zeros(source.labels.shape, bool))
    fields = followed(source, scale, scheme=scheme, target=target)
    for z, row, column, size, label in strokes:
        where = (0, 0, z, slice(row, row + size), slice(column, column + size))
        if ignoring and label == 4:
            source.ignore[where] = True
        else:
            source.labels[where] = label
        fields.update(source)
    anew = followed(source, scale, scheme=scheme, target=target)
    assert len(fields.fields) == len(anew.fields)
    for one, other in zip(fields.fields, anew.fields, strict=True):
        assert_equal(one, other)


def test_only_the_plane_that_was_painted_on_is_made_again() -> None:
    source = draw_stack()
    fields = followed(source)
    before = fields.fields
    source.labels[0, 0, 1, 5, 5] = 9
    # As a window hands over anew what is the same memory.
    fields.update(replace(source, image=source.image[:], labels=source.labels.copy()))
    assert fields.fields[0] is before[0]
    assert fields.fields[1] is not before[1]
    assert fields.fields[1].image is before[1].image


def test_a_plane_can_be_annotated_later_and_emptied_again() -> None:
    source = draw_stack()
    fields = followed(source)
    source.labels[0, 0, 2, 10:20, 10:20] = 1
    fields.update(source)
    assert [field.name[-4:] for field in fields.fields] == ["z=0]", "z=1]", "z=2]"]
    source.labels[0, 0, 1] = 0
    fields.update(source)
    assert [field.name[-4:] for field in fields.fields] == ["z=0]", "z=2]"]


def test_another_image_under_the_same_name_is_read_anew() -> None:
    fields, other = followed(draw_stack()), draw_stack(seed=7)
    fields.update(other)
    for one, expected in zip(fields.fields, fields_of(other, quick_recipe()), strict=True):
        assert_equal(one, expected)


def test_a_lazy_image_is_not_read_again() -> None:
    source, read = draw_stack(), []

    def plane(block_info: Any = None) -> np.ndarray:
        read.append(block_info[None]["chunk-location"])
        return source.image[:, :, :1]

    lazy = da.map_blocks(plane, chunks=((1,), (1,), (1, 1, 1), (64,), (64,)), dtype=np.uint16)
    fields = followed(replace(source, image=lazy))
    read.clear()
    source.labels[0, 0, 0, 5, 5] = 9
    fields.update(replace(source, image=lazy[:]))
    assert not read


def test_labels_of_another_shape_are_refused() -> None:
    source = draw_stack()
    with pytest.raises(InputError, match="must agree"):
        followed(replace(source, labels=source.labels[..., 1:]))
