"""What a person hands over to learn from: an image with its annotation. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_unet.data.evenly import evenly

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

#: Stands between the name of an image and the place of a plane in it.
_PLACE = " [t="


@dataclass(frozen=True)
class TrainingImage:
    """An image with its annotation, as a person hands it over.

    Attributes
    ----------
    name
        Names the image in messages and in the run folder.
    image
        Array-like of axes TCZYX; planes without annotation are not read.
    labels
        Integer array-like of axes TCZYX with one channel, in the scheme of the recipe.
    ignore
        Boolean array-like of the shape of ``labels``: pixels to leave out; None: none.
    axes
        Axes that the image had before.
    spacing
        Pixel size in µm by axis (Z, Y, X); axes of unknown size are absent.
    """

    name: str
    image: Any
    labels: Any
    ignore: Any = None
    axes: str = "YX"
    spacing: dict[str, float] = field(default_factory=dict)


ImagePlane: TypeAlias = tuple[TrainingImage, tuple[int, ...]]
"""An annotated image, and T and Z of one of its planes."""


def annotated_planes(images: Iterable[TrainingImage], most: int) -> list[ImagePlane]:
    """Choose planes on which something is annotated, evenly spread where there are more than wanted.

    Parameters
    ----------
    images
        Images with their annotations.
    most
        How many planes are wanted.

    Returns
    -------
    list of tuple
        Image, and time and Z of the plane.

    Examples
    --------
    >>> labels = np.zeros((4, 1, 1, 2, 2), int)
    >>> labels[1:] = 1
    >>> [place for _, place in annotated_planes([TrainingImage("series", labels, labels)], most=2)]
    [(1, 0), (3, 0)]
    """
    planes = [
        (image, (t, z))
        for image in images
        for t, z in np.ndindex(image.labels.shape[0], image.labels.shape[2])
        if np.any(image.labels[t, 0, z])
    ]
    return evenly(planes, most)


def read_labels(source: TrainingImage, place: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Read the annotation of one plane.

    Parameters
    ----------
    source
        Image and annotation.
    place
        Time and Z.

    Returns
    -------
    tuple
        Labels and, where there is one, the mask of what to ignore, both (Y, X).
    """
    t, z = place
    return np.asarray(source.labels[t, 0, z]), None if source.ignore is None else np.asarray(source.ignore[t, 0, z])


def plane_name(source: TrainingImage, place: tuple[int, ...]) -> str:
    """Name a plane of an image, see `image_of_plane`.

    Parameters
    ----------
    source
        The image.
    place
        Time and Z.

    Returns
    -------
    str
        That of the image where it has one plane only.
    """
    single = source.labels.shape[0] * source.labels.shape[2] == 1
    return source.name if single else f"{source.name}{_PLACE}{place[0]}, z={place[1]}]"


def image_of_plane(name: str) -> str:
    """Give the name of the image of a plane.

    Parameters
    ----------
    name
        From `plane_name`.

    Examples
    --------
    >>> image_of_plane("cells [t=0, z=1]"), image_of_plane("cells")
    ('cells', 'cells')
    """
    return name.rpartition(_PLACE)[0] or name
