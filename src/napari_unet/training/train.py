"""From files or arrays to a trained model, in one call."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.axes import guess_axes, parse_axes, spatial_axes, to_canonical
from napari_unet.config.recipe import Recipe
from napari_unet.data.pairing import check_shapes, pair_files, require_pairs, settle_axes
from napari_unet.data.reading import find_files, read_image, read_labels
from napari_unet.data.training_image import TrainingImage
from napari_unet.errors import InputError
from napari_unet.models.model_file import TrainedModel, load_model
from napari_unet.training.events import Event, Finished
from napari_unet.training.starting import STARTER, choose_start
from napari_unet.training.trainer import Trainer

if TYPE_CHECKING:
    from pathlib import Path

_LOG = logging.getLogger(__name__)

Arrays = NDArray[Any] | Sequence[NDArray[Any]]
Files = str | os.PathLike[str]


def train(
    images: Arrays | Files,
    labels: Arrays | Files,
    recipe: Recipe | None = None,
    *,
    init: Files = STARTER,
    axes: str | None = None,
    on_event: Callable[[Event], object] | None = None,
) -> TrainedModel:
    """Train a U-Net and give the model back.

    For a run that is kept on the disk, resumed, stopped or given new annotations use
    `napari_unet.training.trainer.Trainer`.

    Parameters
    ----------
    images
        One array or a list of arrays of any real type; or a file, a folder or a pattern.
    labels
        As many integer arrays, of the shape of the images without the channel axis; or files, paired by their stem.
    recipe
        Every setting; None: the defaults.
    init
        Model file to start from; ``"starter"``, the model that comes with the package, which gives way to random
        weights where the recipe asks for another network; ``"none"`` for random weights.
    axes
        Axes of the images, such as "ZYX" or "YXC"; None: as the files say or as the shape suggests.
    on_event
        Called with each event of the training.

    Returns
    -------
    TrainedModel
        The best model where something was held out, else the last.

    Raises
    ------
    InputError
        If the input cannot be learnt from; the message says what to do.

    Examples
    --------
    >>> from napari_unet.config.presets import preset
    >>> from napari_unet.config.recipe import parse_recipe
    >>> from napari_unet.samples import draw_sample
    >>> sample = draw_sample("nuclei", (64, 64))
    >>> quick = {"model": {"depth": 1, "base_channels": 2}, "training": {"steps": 1, "patch_px": 32}}
    >>> model = train(sample.image, sample.labels, parse_recipe(quick))
    >>> model.card.class_names
    ('background', 'cell')
    """
    pairs, recipe = load_training_images(images, labels, axes), recipe or Recipe()
    start = choose_start(init, pairs, recipe)
    if start.message:
        _LOG.warning(start.message)
    folder = tempfile.mkdtemp(prefix="napari-unet-")
    try:
        return _run(Trainer(pairs, recipe, folder, start.model), on_event)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(trainer: Trainer, on_event: Callable[[Event], object] | None) -> TrainedModel:
    """Run to the end and read the model."""
    with closing(trainer.run()) as events:
        for event in events:
            if on_event is not None:
                on_event(event)
            if isinstance(event, Finished):
                return load_model(event.path)
    raise AssertionError("a training ends with an event")


def load_training_images(
    images: Arrays | Files, labels: Arrays | Files, axes: str | None = None
) -> list[TrainingImage]:
    """Bring images and labels together.

    Parameters
    ----------
    images, labels, axes
        As in `train`.

    Returns
    -------
    list of TrainingImage
        One a pair.

    Raises
    ------
    InputError
        If nothing pairs, shapes differ, or a file cannot be read.
    """
    if isinstance(images, str | os.PathLike) and isinstance(labels, str | os.PathLike):
        pairing = require_pairs(pair_files(find_files(images), find_files(labels)))
        return [_read_pair(image, label, axes) for image, label in pairing.pairs]
    if isinstance(images, str | os.PathLike) or isinstance(labels, str | os.PathLike):
        raise InputError("images and labels must both be arrays, or both be files")
    return _pair_arrays(_as_list(images), _as_list(labels), axes)


def _read_pair(image_path: Path, labels_path: Path, axes: str | None) -> TrainingImage:
    """Read one pair of files."""
    image, labels = settle_axes(read_image(image_path, axes), read_labels(labels_path, axes and spatial_axes(axes)))
    check_shapes(image, labels)
    return TrainingImage(image_path.stem, image.data, labels.data, axes=image.axes, spacing=image.spacing)


def _pair_arrays(images: list[NDArray[Any]], labels: list[NDArray[Any]], axes: str | None) -> list[TrainingImage]:
    """Pair arrays by their place in the list."""
    if len(images) != len(labels):
        raise InputError(f"{len(images)} images and {len(labels)} labels were given; give labels for each image")
    pairs = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        if other := [item for item in (image, label) if not hasattr(item, "dtype")]:
            raise InputError(
                f"a list holds {other[0]!r:.60}: lists of arrays are allowed, or one file, folder or pattern for all "
                "images and one for all labels"
            )
        if label.dtype.kind not in "bui":
            raise InputError(f"labels {number} are of type {label.dtype}; whole numbers are needed: 0, 1, 2 …")
        image_axes = axes or _guess(image, label)
        canonical = to_canonical(image, image_axes), to_canonical(label, spatial_axes(image_axes))
        pairs.append(TrainingImage(f"{number:03d}", *canonical, axes=parse_axes(image_axes)))
    return pairs


def _guess(image: NDArray[Any], label: NDArray[Any]) -> str:
    """Guess the axes of an image, with the help of its labels: an axis more is that of the channels."""
    if image.ndim != label.ndim + 1:
        return guess_axes(image.shape)
    return guess_axes(label.shape) + "C" if image.shape[:-1] == label.shape else "C" + guess_axes(label.shape)


def _as_list(arrays: Arrays) -> list[NDArray[Any]]:
    """Give a list, also of one array."""
    return [arrays] if isinstance(arrays, np.ndarray) else list(arrays)
