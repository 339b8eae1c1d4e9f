"""Images of files as layers, with the labels that were made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.axes import from_canonical
from napari_unet.widgets._layers import Role, find_result, result_axes, show_result

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_unet.data.reading import Image

_LABELS = Role("batch", "labels", {"opacity": 0.5})
_METADATA_KEY = "napari_unet"


def show_pair(viewer: ViewerModel, image: Image, labels: Any, layer: Layer | None = None) -> None:
    """Show an image and its labels.

    Parameters
    ----------
    viewer
        The viewer.
    image
        The image.
    labels
        Array of shape (T, 1, Z, Y, X).
    layer
        Layer that shows the image; None: the one of an earlier call for the same file, or a new one.

    Notes
    -----
    Other labels of the same image that are shown already stay, as a layer of their own.
    """
    mark = {"file": str(image.path)}
    known = (each for each in viewer.layers if mark.items() <= each.metadata.get(_METADATA_KEY, {}).items())
    source = layer or next(known, None) or _show(viewer, image, mark)
    before = find_result(viewer, source, _LABELS)
    if before is not None and not np.array_equal(before.data, from_canonical(labels, result_axes(image.axes))):
        _release(before)
    show_result(viewer, source, labels, _LABELS, image.axes)


def _release(layer: Layer) -> None:
    """Let labels be a layer of their own: they may have been corrected by hand."""
    note = layer.metadata[_METADATA_KEY]
    layer.metadata[_METADATA_KEY] = {key: value for key, value in note.items() if key not in ("source", "role")}
    layer.name = f"{layer.name}_before"


def _show(viewer: ViewerModel, image: Image, mark: dict[str, str]) -> Layer:
    """Show an image in its size, its axes named."""
    rgb = image.axes.endswith("C") and image.n_channels == 3
    axes = image.axes[:-1] if rgb else image.axes
    return viewer.add_image(
        from_canonical(image.data, image.axes),
        name=image.path.stem,
        rgb=rgb,
        scale=[image.spacing.get(axis, 1.0) for axis in axes],
        units=["um" if axis in image.spacing else "pixel" for axis in axes],
        axis_labels=tuple(axes.lower()),
        metadata={_METADATA_KEY: mark},
    )
