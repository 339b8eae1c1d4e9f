"""One drawn case for each finding, and nothing to say about good samples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dask.array as da
import numpy as np
import pytest
from skimage.draw import disk

from napari_unet.config.normalization import NormalizationConfig
from napari_unet.config.recipe import Recipe, parse_recipe
from napari_unet.data.cell_size import cell_sizes, scale_to_working_size
from napari_unet.data.crowding import are_crowded
from napari_unet.data.normalization import Normalization
from napari_unet.data.training_image import TrainingImage
from napari_unet.models.card import ModelCard
from napari_unet.samples import KINDS, annotate_sparsely, draw_sample
from napari_unet.training import image_checks
from napari_unet.training.findings import Case
from napari_unet.training.preflight import check_training
from napari_unet.training.survey import survey

DENSE, SPARSE, CLASSES, AS_IT_IS = (
    parse_recipe({"training": training})
    for training in ({}, {"scheme": "sparse"}, {"target": "classes"}, {"rescale": 1.0})
)


def image_of(labels: Any, image: Any = None, name: str = "drawn") -> TrainingImage:
    """Make a picture of labels: brighter where cells are, with noise."""
    labels = np.asarray(labels)
    if image is None:
        image = 100 + 80 * (labels > 0) + np.random.default_rng(0).normal(0, 8, labels.shape)
    return TrainingImage(name, np.asarray(image)[None, None, None], labels[None, None, None])


def discs(radius: float = 8, number: int = 12, size: int = 256) -> np.ndarray:
    """Draw cells far from each other, numbered from 1."""
    labels = np.zeros((size, size), np.int32)
    step = size / np.ceil(np.sqrt(number))
    for cell in range(number):
        row, column = divmod(cell, int(np.ceil(np.sqrt(number))))
        labels[disk(((row + 0.5) * step, (column + 0.5) * step), radius, shape=labels.shape)] = cell + 1
    return labels


def codes(*images: TrainingImage, recipe: Recipe = DENSE, init: ModelCard | None = None) -> list[str]:
    findings = check_training(list(images), recipe, init)
    assert all(finding.message and finding.remedy for finding in findings if finding.code != "labels-type")
    return [finding.code for finding in findings]


def card(in_channels: int = 1, n_classes: int = 2) -> ModelCard:
    normalization = Normalization(config=NormalizationConfig(), n_channels=in_channels)
    names = tuple(f"class {number}" for number in range(n_classes))
    return ModelCard(in_channels=in_channels, n_classes=n_classes, class_names=names, normalization=normalization)


@pytest.mark.parametrize(("gap", "expected"), [(4, 0.57), (60, 0.32)])
def test_crowded_cells_are_looked_at_as_closely_as_in_the_training(gap: int, expected: float) -> None:
    labels = np.zeros((500, 500), np.int32)
    for number, (row, column) in enumerate(np.ndindex(3, 3)):
        centre = 80 + row * (98 + gap), 80 + column * (98 + gap)
        labels[disk(centre, 49.5, shape=labels.shape)] = number + 1
    image = image_of(labels)
    case = Case([survey(image, "dense", 1)], DENSE, None)
    sizes, crowded = cell_sizes([image], "dense"), are_crowded([image], "dense")
    assert case.scale == scale_to_working_size(sizes, crowded) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_good_samples_give_no_finding(kind: str, seed: int) -> None:
    sample = draw_sample(kind, (512, 512), seed=seed)
    assert codes(image_of(sample.labels, sample.image)) == []
    sparse = annotate_sparsely(sample.labels, 6, seed=seed)
    assert codes(image_of(sparse, sample.image), recipe=SPARSE) == []
    tissue = np.minimum(sample.labels, 1)
    assert codes(image_of(tissue, sample.image), recipe=CLASSES) == []


def test_a_good_stack_gives_no_finding_and_little_of_it_is_read() -> None:
    sample = draw_sample("nuclei", (256, 256))
    labels = np.zeros((1, 1, 30, 256, 256), np.int32)
    labels[0, 0, [3, 17]] = sample.labels
    read = []

    def plane(block_info: Any = None) -> np.ndarray:
        read.append(block_info[None]["chunk-location"])
        return sample.image[None, None, None]

    lazy = da.map_blocks(plane, chunks=((1,), (1,), (1,) * 30, (256,), (256,)), dtype=sample.image.dtype)
    assert codes(TrainingImage("stack", lazy, labels)) == []
    assert len(set(read)) < 5


@pytest.mark.parametrize(
    ("code", "labels", "recipe"),
    [
        ("nothing-annotated", np.zeros((256, 256), int), DENSE),
        ("nothing-annotated", np.zeros((256, 256), int), SPARSE),
        ("no-cells", (discs() > 0).astype(int), SPARSE),
        ("no-background", np.ones((256, 256), int), DENSE),
        ("no-background", discs() + (discs() > 0), SPARSE),
        ("looks-sparse", annotate_sparsely(discs(), 5), DENSE),
        ("looks-dense", discs(), SPARSE),
        ("few-cells", discs(number=2, size=512), DENSE),
        ("cells-in-pieces", (discs(number=16) + 1) // 4, DENSE),
        ("many-classes", discs(number=25), CLASSES),
        ("labels-type", -discs(), DENSE),
    ],
)
def test_what_is_painted(code: str, labels: np.ndarray, recipe: Recipe) -> None:
    assert code in codes(image_of(labels), recipe=recipe)


@pytest.mark.parametrize(
    ("code", "radius", "recipe"),
    [
        ("cells-large", 30, {"model": {"depth": 1}, "training": {"rescale": 1.0}}),
        ("cells-small", 2, {"training": {"rescale": 1.0}}),
    ],
)
def test_the_size_of_cells(code: str, radius: float, recipe: dict[str, Any]) -> None:
    labels = discs(radius, number=36, size=512)
    assert codes(image_of(labels), recipe=parse_recipe(recipe)) == [code]
    (finding,) = check_training([image_of(labels)], parse_recipe(recipe))
    assert "rescale" in finding.remedy
    assert codes(image_of(labels)) == []


def test_another_magnification() -> None:
    assert codes(image_of(discs(5), name="far"), image_of(discs(20), name="near")) == ["sizes-differ"]


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("constant", lambda image: image * 0),
        ("not-finite", lambda image: np.where(image > 190, np.nan, image)),
        ("not-finite", lambda image: np.where(image > 190, np.inf, image)),
        ("saturated", lambda image: np.minimum(image, 150)),
        ("grey-as-colour", lambda image: np.repeat(image, 3, axis=1)),
        ("constant", lambda image: np.concatenate([image, image * 0 + 255], axis=1)),
    ],
)
def test_the_intensities(code: str, change: Any) -> None:
    source = image_of(discs())
    assert codes(replace(source, image=change(source.image))) == [code]


def test_the_white_ground_of_a_stained_slide_is_no_mistake() -> None:
    source = image_of(discs())
    colours = np.concatenate([source.image, source.image * 1.1, source.image * 0.9], axis=1)
    white = np.where(source.labels > 0, colours, 255).clip(0, 255).astype(np.uint8)
    assert codes(replace(source, image=white)) == []


def test_a_blank_image_is_an_error_and_a_blank_channel_a_warning() -> None:
    source = image_of(discs())
    blank = source.image * 0
    levels = [
        check_training([replace(source, image=image)], DENSE)[0].level
        for image in (blank, np.concatenate([source.image, blank], axis=1))
    ]
    assert levels == ["error", "warning"]


def test_shapes_and_channels() -> None:
    source = image_of(discs())
    colour = replace(source, image=np.random.default_rng(0).normal(size=(1, 3, 1, 256, 256)), name="colour")
    assert codes() == ["no-image"]
    assert codes(replace(source, labels=source.labels[..., 1:])) == ["labels-shape"]
    assert codes(source, colour) == ["channels-differ"]
    assert codes(colour, init=card()) == ["other-channels"]
    assert codes(source, recipe=AS_IT_IS, init=card(n_classes=3)) == ["other-classes"]
    assert codes(source, init=card()) == []


def test_an_image_smaller_than_a_patch() -> None:
    assert codes(image_of(discs(number=4, size=100)), recipe=AS_IT_IS) == ["small-image"]


def test_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_checks, "free_main_memory", lambda: 10**6)
    assert codes(image_of(discs())) == ["memory"]


def test_errors_come_first() -> None:
    source = image_of(discs(number=4, size=100))
    assert codes(source, recipe=AS_IT_IS, init=card(n_classes=3)) == ["other-classes", "small-image"]
