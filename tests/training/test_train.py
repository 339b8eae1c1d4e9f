from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drawing import draw_image, quick_recipe
from napari_unet.data.writing import write_labels
from napari_unet.errors import InputError
from napari_unet.models.model_file import load_model
from napari_unet.training.card import geometry
from napari_unet.training.events import Finished
from napari_unet.training.train import load_training_images, train
from napari_unet.training.trainer import Trainer

if TYPE_CHECKING:
    from pathlib import Path


def test_arrays_in_model_out() -> None:
    source, events = draw_image(), []
    model = train(source.image[0, 0, 0], source.labels[0, 0, 0], quick_recipe(steps=2), on_event=events.append)
    assert model.card.in_channels == 1
    assert isinstance(events[-1], Finished)


def test_files_are_paired_by_their_stem(tmp_path: Path) -> None:
    for name in ("a", "b"):
        source = draw_image(name)
        write_labels(tmp_path / "images" / f"{name}.tif", source.image[0, 0, 0], "YX")
        write_labels(tmp_path / "labels" / f"{name}.tif", source.labels[0, 0, 0], "YX")
    assert [image.name for image in load_training_images(tmp_path / "images", tmp_path / "labels")] == ["a", "b"]


@pytest.mark.parametrize(
    ("image_shape", "label_shape", "canonical"),
    [
        ((5, 6), (5, 6), (1, 1, 1, 5, 6)),
        ((4, 5, 6), (4, 5, 6), (1, 1, 4, 5, 6)),
        ((3, 5, 6), (5, 6), (1, 3, 1, 5, 6)),
        ((5, 6, 3), (5, 6), (1, 3, 1, 5, 6)),
        ((2, 4, 5, 6), (4, 5, 6), (1, 2, 4, 5, 6)),
    ],
)
def test_the_labels_tell_which_axis_is_that_of_the_channels(
    image_shape: tuple[int, ...], label_shape: tuple[int, ...], canonical: tuple[int, ...]
) -> None:
    (pair,) = load_training_images(np.zeros(image_shape), np.zeros(label_shape, int))
    assert pair.image.shape == canonical


def test_the_model_knows_axes_and_pixel_size_of_the_files_also_after_a_stroke(tmp_path: Path) -> None:
    source = draw_image()
    for folder, part in (("images", source.image), ("labels", source.labels)):
        write_labels(tmp_path / folder / "a.tif", part[0, 0], "ZYX", {"Z": 2.0, "Y": 0.5, "X": 0.5})
    pairs = load_training_images(tmp_path / "images", tmp_path / "labels")
    trainer = Trainer(pairs, quick_recipe(steps=2), tmp_path / "run")
    trainer.annotate(pairs[0])
    list(trainer.run())
    card = load_model(trainer.folder.model).card
    assert (card.axes, card.spacing) == ("ZYX", {"Z": 2.0, "Y": 0.5, "X": 0.5})


def test_axes_and_pixel_sizes_that_differ_are_not_told() -> None:
    image = draw_image()
    one, other = (replace(image, axes="ZYX", spacing={"Y": size, "X": 0.5}) for size in (0.5, 0.6))
    assert geometry([one]) == {"axes": "ZYX", "spacing": {"Y": 0.5, "X": 0.5}}
    assert geometry([one, other]) == {"axes": "ZYX", "spacing": {"X": 0.5}}
    assert geometry([one, image]) == geometry([image]) == {"axes": "YX", "spacing": {}}


def test_wrong_input_is_refused() -> None:
    image = np.zeros((8, 8))
    with pytest.raises(InputError, match="whole numbers"):
        load_training_images(image, image)
    with pytest.raises(InputError, match="2 images and 1 labels"):
        load_training_images([image, image], [image.astype(int)])
    with pytest.raises(InputError, match="both"):
        load_training_images("folder", image.astype(int))


def test_a_list_of_files_is_refused() -> None:
    with pytest.raises(InputError, match=r"a list holds 'a.tif': lists of arrays are allowed"):
        train(["a.tif"], ["b.tif"])  # type: ignore[list-item]
