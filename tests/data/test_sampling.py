from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drawing import draw_image, fields_of, quick_recipe
from napari_unet.config.augmentation import AugmentationConfig
from napari_unet.config.training import TrainingConfig
from napari_unet.data.fields import Field, class_weight_table
from napari_unet.data.sampling import PatchReader, PatchSampler, divide, plan_hold_out, validation_corners
from napari_unet.data.targets import NOT_ANNOTATED
from napari_unet.geometry import AxisGeometry

RECIPE = quick_recipe()
GEOMETRY = AxisGeometry(depth=2)
OFF = AugmentationConfig(
    elastic_px=0, rotation=False, flip=False, scale=0, contrast=0, brightness=0, noise=0, uneven_light=0
)


def make_field(name: str = "discs", seed: int = 0) -> Field:
    source = draw_image(name, seed)
    (field,) = fields_of(source, RECIPE)
    return field


def make_reader(fields: list[Field], output_px: int = 20) -> PatchReader:
    return PatchReader(GEOMETRY, output_px, class_weight_table(fields, RECIPE))


def test_a_patch_read_as_it_is_equals_the_field() -> None:
    field = make_field()
    reader = make_reader([field])
    batch = reader.still(field, (30, 25))
    inner = (slice(30, 30 + reader.output_px), slice(25, 25 + reader.output_px))
    assert torch.equal(batch.target[0], field.target[inner].long())
    outer = np.pad(field.image[0].numpy(), GEOMETRY.halo, mode="reflect")[30 : 30 + reader.input_px, 25:][
        :, : reader.input_px
    ]
    np.testing.assert_allclose(batch.image[0, 0], outer, rtol=1e-3, atol=1e-3)


def test_batches_replay_from_seed_and_step() -> None:
    field = make_field()
    samplers = [PatchSampler([field], make_reader([field]), TrainingConfig(), AugmentationConfig()) for _ in range(2)]
    for step in (0, 7):
        one, other = (sampler.batch(step) for sampler in samplers)
        assert torch.equal(one.image, other.image)
        assert torch.equal(one.weights, other.weights)
    assert not torch.equal(samplers[0].batch(0).image, samplers[0].batch(1).image)


def test_nothing_weighs_where_nobody_annotated() -> None:
    field = make_field()
    target = field.target.clone()
    target[:, 32:] = NOT_ANNOTATED
    field = replace(field, target=target)
    sampler = PatchSampler([field], make_reader([field], 36), TrainingConfig(batch_size=8), OFF)
    batch = sampler.batch(0)
    # Read through the place of each pixel, which an image of column numbers tells.
    columns = torch.arange(64.0).expand(1, 64, 64)
    place = PatchSampler([replace(field, image=columns)], make_reader([field], 36), TrainingConfig(batch_size=8), OFF)
    halo = GEOMETRY.halo
    where = place.batch(0).image[:, 0, halo:-halo, halo:-halo].round()
    assert (batch.weights[where >= 33] == 0).all()
    assert (batch.weights[where <= 31] > 0).all()


def test_patches_are_drawn_from_every_field_and_look_at_cells() -> None:
    fields = [make_field("a", 1), make_field("b", 2)]
    marked = [
        replace(field, image=torch.full_like(field.image, value)) for field, value in zip(fields, (0, 1), strict=True)
    ]
    sampler = PatchSampler(marked, make_reader(fields), TrainingConfig(batch_size=16), OFF)
    assert sampler.batch(0).image.mean(dim=(1, 2, 3)).unique().tolist() == [0, 1]
    batch = sampler.batch(1)
    assert (batch.target.flatten(1) == 1).any(1).float().mean() > 0.5


@given(st.integers(1, 12), st.sampled_from(["images", "regions", "auto", "none"]), st.sampled_from([0.1, 0.3, 0.5]))
@settings(deadline=None, max_examples=25)
def test_no_pixel_is_both_learnt_and_held_out(count: int, mode: str, fraction: float) -> None:
    fields = [replace(make_field(), name=f"{number}") for number in range(count)]
    config = TrainingConfig(validation=mode, validation_fraction=fraction)
    held_out_parts = plan_hold_out(fields, config)
    parts = [divide(field, held_out_parts.get(field.name)) for field in fields]
    learnt, held_out = ([part for part in side if part is not None] for side in zip(*parts, strict=True))
    assert learnt
    seen = {field.name: field.target != NOT_ANNOTATED for field in learnt}
    for field in held_out:
        assert not ((field.target != NOT_ANNOTATED) & seen.get(field.name, torch.zeros(64, 64, dtype=torch.bool))).any()
    kept = sum(int((field.target != NOT_ANNOTATED).sum()) for field in learnt + held_out)
    assert kept == count * 64 * 64
    assert bool(held_out) == (mode != "none")


def test_sparse_annotations_are_all_learnt_from_by_default() -> None:
    assert plan_hold_out([make_field()], TrainingConfig(scheme="sparse")) == {}


@pytest.mark.parametrize("output_px", [20, 36])
def test_validation_tiles_cover_the_annotation_once(output_px: int) -> None:
    field = make_field()
    target = torch.full_like(field.target, NOT_ANNOTATED)
    target[13:50, 7:61] = 0
    corners = validation_corners(replace(field, target=target), output_px)
    hits = np.zeros((200, 200), int)
    for row, column in corners:
        hits[row : row + output_px, column : column + output_px] += 1
    assert (hits[13:50, 7:61] == 1).all()
    assert hits.max() == 1


def test_what_is_beyond_the_field_is_not_validated() -> None:
    field = make_field()
    batch = make_reader([field]).still(field, (50, 60))
    assert (batch.weights[0, :14, :4] > 0).all()
    assert not batch.weights[0, 14:].any()
    assert not batch.weights[0, :, 4:].any()
