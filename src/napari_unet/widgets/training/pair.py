"""Images with their annotations, as layers of the viewer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_unet.axes import parse_axes
from napari_unet.data.training_image import TrainingImage
from napari_unet.errors import InputError
from napari_unet.training.record import Source
from napari_unet.widgets._axes import read_axes, spacing_um
from napari_unet.widgets._layers import is_source, read_canonical, read_scheme, result_axes
from napari_unet.widgets._project import image_path, linked_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer


@dataclass(frozen=True, eq=False)
class Pair:
    """An image layer with the Labels layer that annotates it.

    Attributes
    ----------
    image, labels
        Layers.
    axes
        Names of the axes of the image.
    """

    image: Image
    labels: Labels
    axes: str

    def pixels(self, name: str) -> TrainingImage:
        """View the pixels as the engine wants them; nothing is copied or read.

        Parameters
        ----------
        name
            Name of the image in the run.

        Returns
        -------
        TrainingImage
            Image and annotation, TCZYX.

        Raises
        ------
        InputError
            If the number of axes does not fit.
        """
        labels = read_canonical(self.labels, labels_axes(self.labels, self.axes))
        image, axes = read_canonical(self.image, self.axes), parse_axes(self.axes)
        return TrainingImage(name, image, labels, axes=axes, spacing=spacing_um(self.image, axes))

    def source(self, name: str) -> Source:
        """Write down where the pixels come from."""
        return Source(
            name=name,
            image=self.image.name,
            labels=self.labels.name,
            axes=self.axes,
            image_path=image_path(self.image),
        )

    def lies_apart(self) -> bool:
        """Tell whether the annotation lies elsewhere on the screen than the image."""
        spatial = len(labels_axes(self.labels, self.axes).replace("C", ""))
        first, second = (_placement(layer, spatial) for layer in (self.image, self.labels))
        return not np.allclose(first, second)


def name_pairs(pairs: Sequence[Pair]) -> list[str]:
    """Name each pair after its image, and after its labels too where an image has several.

    Parameters
    ----------
    pairs
        Pairs of a run.

    Returns
    -------
    list of str
        Names that differ.
    """
    images = [pair.image for pair in pairs]
    return [
        pair.image.name if images.count(pair.image) == 1 else f"{pair.image.name}, {pair.labels.name}" for pair in pairs
    ]


def common_scheme(pairs: Sequence[Pair]) -> str:
    """Give the scheme of annotation of all pairs.

    Parameters
    ----------
    pairs
        At least one.

    Returns
    -------
    str
        The one scheme.

    Raises
    ------
    InputError
        If they differ.
    """
    schemes = {pair.labels.name: str(read_scheme(pair.labels)) for pair in pairs}
    if len(set(schemes.values())) > 1:
        listed = ", ".join(f"{name!r} is {scheme}" for name, scheme in schemes.items())
        raise InputError(
            f"The labels are annotated in different ways: {listed}. Learn from those of one way, or choose the way "
            "again under 'Annotation', which sets it for all."
        )
    return next(iter(schemes.values()))


def labels_axes(labels: Labels, axes: str) -> str:
    """Name the axes of a Labels layer after those of its image.

    Parameters
    ----------
    labels
        The layer.
    axes
        Names of the axes of the image.

    Returns
    -------
    str
        One letter an axis.

    Raises
    ------
    InputError
        If it has too few or too many axes.
    """
    fitting = [names for names in (result_axes(axes), axes.replace("C", "")) if len(names) == labels.ndim]
    if fitting:
        return fitting[0]
    raise InputError(
        f"The labels {labels.name!r} have {labels.ndim} axes, but the image has {axes}. Choose the labels that belong "
        "to the image, or correct the axes."
    )


def find_pairs(viewer: ViewerModel) -> list[Pair]:
    """Find the images that have annotations, the newest annotations first.

    Parameters
    ----------
    viewer
        The viewer.

    Returns
    -------
    list of Pair
        Pairs that agree in their numbers of pixels; first those that were painted as one, lie on each other or are
        named alike.
    """
    images = [layer for layer in viewer.layers if isinstance(layer, Image) and is_source(layer)]
    labels = [layer for layer in reversed(viewer.layers) if isinstance(layer, Labels) and is_source(layer)]
    pairs = [pair for label in labels for image in images if (pair := match(image, label)) is not None]
    return sorted(pairs, key=partial(_strangeness, viewer))


def match(image: Image, labels: Labels) -> Pair | None:
    """Pair layers whose numbers of pixels agree.

    Parameters
    ----------
    image, labels
        Any layers.

    Returns
    -------
    Pair or None
        None if they do not agree.
    """
    try:
        pair = Pair(image, labels, read_axes(image).names)
        pixels = pair.pixels("")
    except InputError:
        return None
    expected = (pixels.image.shape[0], 1, *pixels.image.shape[2:])
    return pair if tuple(pixels.labels.shape) == expected else None


def likeliest_image(viewer: ViewerModel, labels: Labels, images: Sequence[Image]) -> Image | None:
    """Choose the image that a Labels layer annotates.

    Parameters
    ----------
    viewer
        The viewer.
    labels
        The layer.
    images
        Images to choose from; of those that are as likely, the first is taken.

    Returns
    -------
    napari.layers.Image or None
        That it was painted on, lies on or is named after, if their numbers of pixels agree; None: none agrees.
    """
    pairs = [pair for image in images if (pair := match(image, labels)) is not None]
    return min(pairs, key=partial(_strangeness, viewer)).image if pairs else None


def pair_in_view(viewer: ViewerModel, pairs: Sequence[Pair]) -> Pair | None:
    """Choose the pair that a person looks at.

    Parameters
    ----------
    viewer
        The viewer.
    pairs
        Pairs to choose from.

    Returns
    -------
    Pair or None
        That of the selected layer or, if none is, of the topmost image that is visible; None: no image is.
    """
    shown = [layer for layer in reversed(viewer.layers) if layer.visible]
    active = viewer.layers.selection.active
    visible = sorted((pair for pair in pairs if pair.image in shown), key=lambda pair: shown.index(pair.image))
    chosen = [pair for pair in visible if active in (pair.image, pair.labels)] + visible
    return chosen[0] if chosen else None


def _strangeness(viewer: ViewerModel, pair: Pair) -> tuple[bool, bool, bool]:
    """Sort pairs that were painted as one, lie on each other or are named alike before others."""
    return (
        linked_image(viewer, pair.labels) is not pair.image,
        pair.lies_apart(),
        not pair.labels.name.startswith(pair.image.name),
    )


def _placement(layer: Layer, n_axes: int) -> Any:
    """Give where the last axes of a layer lie on the screen."""
    # napari adds the colours as a last axis to the data, but not to the layer.
    corners = np.array([[0.0] * layer.ndim, [1.0] * layer.ndim])
    return np.array([layer.data_to_world(corner) for corner in corners])[:, -n_axes:]
