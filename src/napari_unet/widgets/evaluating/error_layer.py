"""The errors of a segmentation as a layer in telling colours, and the way of the camera to one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap

from napari_unet.metrics import ERROR_KINDS, CellError, ErrorKind
from napari_unet.widgets._layers import Role

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer


@dataclass(frozen=True)
class KindLook:
    """How a kind of errors is shown.

    Attributes
    ----------
    title
        One word.
    color
        Hexadecimal; after Okabe and Ito (2008), so that colour-blind people tell them apart.
    meaning
        For a tooltip.
    """

    title: str
    color: str
    meaning: str


LOOKS: dict[ErrorKind, KindLook] = {
    "missed": KindLook("Missed", "#D55E00", "A cell that the prediction has not found."),
    "merged": KindLook("Merged", "#56B4E9", "Several cells that the prediction takes for one."),
    "split": KindLook("Split", "#F0E442", "One cell that the prediction takes for several."),
    "false": KindLook("False", "#CC79A7", "A predicted cell where there is none."),
    "outline": KindLook(
        "Outline",
        "#009E73",
        "A cell that was found, but with an outline that hardly fits (IoU below 0.5).",
    ),
}

_COLORS: dict[int | None, str] = {number: LOOKS[kind].color for number, kind in enumerate(ERROR_KINDS, 1)}
_COLORS |= {None: "transparent", 0: "transparent"}
ERRORS = Role(
    "errors",
    "labels",
    {"colormap": DirectLabelColormap(color_dict=_COLORS), "opacity": 0.75},
)

_LEAST_CANVAS_PX = 24
_MOST_CANVAS_PX = 600
_GOOD_CANVAS_PX = 120


def look_at(viewer: ViewerModel, layer: Layer, axes: str, place: tuple[int, int], error: CellError) -> None:
    """Show an error in the middle of the canvas; the zoom stays, unless the error would be a dot or not fit in.

    Parameters
    ----------
    viewer
        The viewer.
    layer
        Layer whose pixels the error counts in.
    axes
        Names of its axes.
    place
        Time and Z of the error.
    error
        What to look at.
    """
    top, left, bottom, right = error.box
    corners = [_world(layer, axes, place, corner) for corner in ((top, left), (bottom, right))]
    middle = _world(layer, axes, place, error.centre)
    outer = viewer.dims.ndim - layer.ndim
    for axis in set(range(layer.ndim)) - {shown - outer for shown in viewer.dims.displayed}:
        viewer.dims.set_point(axis + outer, float(middle[axis]))
    shown = [axis - outer for axis in viewer.dims.displayed if axis >= outer]
    # napari moved the camera in 0.9.
    camera = getattr(viewer, "scene", viewer).camera
    camera.center = tuple(float(middle[axis]) for axis in shown)
    length = float(np.abs(corners[1] - corners[0])[shown].max()) * camera.zoom
    if not _LEAST_CANVAS_PX <= length <= _MOST_CANVAS_PX:
        camera.zoom *= _GOOD_CANVAS_PX / length


def _world(layer: Layer, axes: str, place: tuple[int, int], pixel: tuple[float, float]) -> Any:
    """Give where a pixel of a plane lies in the world."""
    index = dict(zip("TZYX", (*place, *pixel), strict=True))
    return np.asarray(layer.data_to_world([index.get(axis, 0) for axis in axes]))
