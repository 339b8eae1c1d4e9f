"""Annotation layers and the images they belong to, in the window and in the notes on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import CyclicLabelColormap

from napari_unet.axes import from_canonical
from napari_unet.data.annotation_note import AnnotationNote
from napari_unet.data.annotation_store import blank_labels
from napari_unet.errors import InputError
from napari_unet.widgets._layers import (
    read_canonical,
    read_scheme,
    result_axes,
    result_geometry,
    scheme_metadata,
    store_scheme,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray

_METADATA_KEY = "napari_unet"
#: Background is everywhere, so it is shown in a calm blue grey that no cell stands back behind.
_BACKGROUND_COLOR = (0.38, 0.48, 0.60, 0.6)
#: The colours repeat after so many labels; so many cells nobody paints.
_N_COLORS = 2**15
_LINK = ("image", "image_name", "image_path")
_GEOMETRY = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
_BRUSH_SHARE = 0.02
_BRUSH_PX = (3, 40)


def new_annotation(image: Image, axes: str) -> Labels:
    """Make an empty annotation layer that lies on an image.

    Parameters
    ----------
    image
        Of any kind; nothing is read from it.
    axes
        Names of its axes, see `napari_unet.widgets._axes.read_axes`.

    Returns
    -------
    napari.layers.Labels
        In the sparse scheme.
    """
    canonical = read_canonical(image, axes).shape
    one_channel = np.broadcast_to(np.uint16(0), (canonical[0], 1, *canonical[2:]))
    shape = from_canonical(one_channel, result_axes(axes)).shape
    options = {"name": f"{image.name}_painted", **result_geometry(image, axes)}
    return make_annotation(blank_labels(shape), "sparse", image, options)


def make_annotation(labels: NDArray[Any], scheme: str, image: Image | None, options: dict[str, Any]) -> Labels:
    """Make an annotation layer.

    Parameters
    ----------
    labels
        Its pixels.
    scheme
        "sparse" or "dense".
    image
        What it was painted on, if that is open.
    options
        Name and geometry.
    """
    layer = Labels(labels, metadata=scheme_metadata(scheme), **options)
    link(layer, image)
    show_background(layer)
    low, high = _BRUSH_PX
    layer.brush_size = int(np.clip(_BRUSH_SHARE * min(labels.shape[-2:]), low, high))
    return layer


def renew(layer: Labels, image: Image, axes: str) -> None:
    """Make an annotation layer, nothing painted in it yet, fit its image with other axes.

    Parameters
    ----------
    layer
        The layer; name, tool and colours stay.
    image, axes
        See `new_annotation`.
    """
    fresh = new_annotation(image, axes)
    layer.data = fresh.data
    for key in _GEOMETRY:
        setattr(layer, key, getattr(fresh, key))


def adopt(layer: Labels, scheme: str) -> None:
    """Make an annotation of a Labels layer; its pixels stay as they are.

    Parameters
    ----------
    layer
        Layer that holds its pixels in memory.
    scheme
        What its numbers mean.
    """
    store_scheme(layer, scheme)
    show_background(layer)


def check_paintable(layer: Labels) -> None:
    """Refuse a layer that one cannot paint in.

    Raises
    ------
    InputError
        If it has several resolutions, or is read from the disk piece by piece.
    """
    if layer.multiscale or not isinstance(layer.data, np.ndarray):
        raise InputError(
            f"'{layer.name}' is not held in memory, so nothing can be painted in it. "
            "Choose another layer, or click on 'New annotation layer'."
        )


def has_scheme(layer: Layer) -> bool:
    """Tell whether somebody said what the numbers of a layer mean."""
    return "scheme" in layer.metadata.get(_METADATA_KEY, {})


def show_background(layer: Labels) -> None:
    """Show the background of the sparse scheme in a colour that no cell has."""
    if read_scheme(layer) == "sparse" and isinstance(layer.colormap, CyclicLabelColormap):
        colors = layer.colormap.map(np.arange(_N_COLORS)).copy()
        colors[1] = _BACKGROUND_COLOR
        layer.colormap = CyclicLabelColormap(colors=colors, background_value=0)


def link(layer: Labels, image: Image | None) -> None:
    """Let an annotation remember its image."""
    if image is not None:
        note = (str(image.unique_id), image.name, image_path(image))
        write_link(layer, dict(zip(_LINK, note, strict=True)))


def read_link(layer: Labels) -> dict[str, Any]:
    """Give what an annotation remembers of its image."""
    note = layer.metadata.get(_METADATA_KEY, {})
    return {key: note[key] for key in _LINK if key in note}


def write_link(layer: Labels, remembered: dict[str, Any]) -> None:
    """Let an annotation remember an image as `read_link` gave it."""
    layer.metadata[_METADATA_KEY] = {**layer.metadata.get(_METADATA_KEY, {}), **remembered}


def is_linked(layer: Labels) -> bool:
    """Tell whether an annotation remembers an image, open or not."""
    return "image" in layer.metadata.get(_METADATA_KEY, {})


def linked_image(viewer: ViewerModel, layer: Labels) -> Image | None:
    """Give the image an annotation was painted on; None: it is not open, or nobody knows."""
    wanted = layer.metadata.get(_METADATA_KEY, {}).get("image")
    return next((each for each in viewer.layers if isinstance(each, Image) and str(each.unique_id) == wanted), None)


def image_path(image: Image) -> str | None:
    """Give the file of an image; None: it came from no file."""
    path = image.source.path
    return None if path is None else str(Path(path).absolute())


def describe(layer: Labels) -> AnnotationNote:
    """Write down what an annotation layer is, so that it can be brought back."""
    notes = layer.metadata.get(_METADATA_KEY, {})
    return AnnotationNote(
        name=layer.name,
        scheme=read_scheme(layer),
        shape=layer.data.shape,
        dtype=str(layer.data.dtype),
        geometry={key: _plain(getattr(layer, key)) for key in _GEOMETRY},
        image_name=notes.get("image_name", ""),
        image_path=notes.get("image_path"),
    )


def options_of(note: AnnotationNote) -> dict[str, Any]:
    """Give name and geometry of the layer that a note describes."""
    words = ("units", "axis_labels")
    numbers = {key: np.asarray(value) for key, value in note.geometry.items() if key not in words}
    return {"name": note.name, **numbers, **{key: tuple(note.geometry[key]) for key in words if key in note.geometry}}


def belongs(note: AnnotationNote, image: Image) -> bool:
    """Tell whether an annotation was painted on an image: on its file, or on one of this name if there is no file."""
    path = image_path(image)
    if path is not None or note.image_path is not None:
        return path == note.image_path
    return str(image.name) == note.image_name


def open_image(viewer: ViewerModel, note: AnnotationNote) -> Image | None:
    """Find the image of an annotation among the layers, or open its file.

    Returns
    -------
    napari.layers.Image or None
        None if it is neither open nor on the disk.
    """
    images = [layer for layer in viewer.layers if isinstance(layer, Image)]
    if not any(belongs(note, image) for image in images) and note.image_path and Path(note.image_path).exists():
        images = [layer for layer in viewer.open(note.image_path) if isinstance(layer, Image)]
    candidates = [image for image in images if belongs(note, image)]
    named = [image for image in candidates if image.name == note.image_name]
    return next(iter(named or candidates), None)


def _plain(value: Any) -> Any:
    """Give a property of a layer as numbers and words."""
    if hasattr(value, "affine_matrix"):
        return value.affine_matrix.tolist()
    return value.tolist() if isinstance(value, np.ndarray) else [str(part) for part in value]
