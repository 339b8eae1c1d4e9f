from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from drawing import draw_image, fields_of, quick_recipe
from napari_unet.config.recipe import parse_recipe
from napari_unet.data.fields import Preparation, class_balance, class_weight_table
from napari_unet.data.image_fields import ImageFields
from napari_unet.data.normalization import fit_normalization
from napari_unet.data.targets import NOT_ANNOTATED
from napari_unet.data.training_image import TrainingImage
from napari_unet.data.weight_map import weight_map
from napari_unet.errors import InputError


def test_weights_of_a_field_are_the_weight_map() -> None:
    source, recipe = draw_image(), quick_recipe()
    (field,) = fields_of(source, recipe)
    table = class_weight_table([field], recipe)
    whole = table[field.target.long()] + field.weights
    np.testing.assert_allclose(whole.numpy(), weight_map(source.labels[0, 0, 0], recipe.weight_map), rtol=1e-6)


def test_only_annotated_planes_are_read() -> None:
    source = draw_image()
    stack = replace(
        source,
        image=np.repeat(source.image, 4, axis=2),
        labels=np.concatenate([source.labels * 0, source.labels, source.labels * 0, source.labels], axis=2),
    )
    assert [field.name for field in fields_of(stack, quick_recipe())] == ["discs [t=0, z=1]", "discs [t=0, z=3]"]


def test_sparse_annotations_leave_the_rest_unknown() -> None:
    labels = np.zeros((1, 1, 1, 20, 20), np.uint8)
    labels[..., :5] = 1
    labels[..., 10:12] = 2
    source = TrainingImage("sparse", np.random.default_rng(0).normal(size=labels.shape), labels)
    (field,) = fields_of(source, quick_recipe(scheme="sparse"))
    assert (field.target[:, :5] == 0).all()
    assert (field.target[:, 10:12] == 1).all()
    assert (field.target[:, 5:10] == NOT_ANNOTATED).all()
    assert field.counts[[0, 1]].tolist() == [100, 40]
    assert field.cell_sizes.tolist() == [40]


def test_ignored_pixels_are_not_annotated() -> None:
    source = draw_image()
    ignore = np.zeros(source.labels.shape, bool)
    ignore[..., :30] = True
    (field,) = fields_of(replace(source, ignore=ignore), quick_recipe())
    assert (field.target[:, :30] == NOT_ANNOTATED).all()
    assert not field.weights[:, :30][torch.zeros(64, 30) > 0].any()


def test_labels_of_another_shape_are_refused_by_name() -> None:
    source = draw_image()
    with pytest.raises(InputError, match=r"discs.*shape"):
        fields_of(replace(source, labels=source.labels[..., :-1]), quick_recipe())


def test_the_weight_of_a_class_is_its_mean_on_the_scale_of_logits() -> None:
    source, recipe = draw_image(seed=2), quick_recipe()
    fields = fields_of(source, recipe)
    weights, target = weight_map(source.labels[0, 0, 0], recipe.weight_map), fields[0].target.numpy()
    expected = [np.exp(np.log(weights[target == number]).mean()) for number in (0, 1)]
    np.testing.assert_allclose(class_balance(fields, recipe), expected, rtol=1e-4)


def test_weights_that_are_one_everywhere_leave_nothing_to_take_out() -> None:
    recipe = parse_recipe({"weight_map": {"balance_classes": False, "border_weight": 0}})
    assert class_balance(fields_of(draw_image(), recipe), recipe) == (1, 1)


def test_dots_that_are_gone_in_a_smaller_image_are_no_annotation() -> None:
    source, recipe = draw_image(), quick_recipe(scheme="sparse")
    labels = np.zeros_like(source.labels)
    labels[..., 3, 3] = 2
    preparation = Preparation(recipe, fit_normalization([source.image], recipe.normalization), 0.1)
    fields = ImageFields(preparation)
    fields.update(replace(source, labels=labels))
    assert not fields.fields
    large = labels.copy()
    large[..., 20:40, 20:40] = 3
    fields.update(replace(source, labels=large))
    assert len(fields.fields) == 1
    fields.update(replace(source, labels=labels))
    assert not fields.fields
