"""What of a layer a person looks at: the plane, and the part of it on the screen; and the way to another place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.widgets._layers import finest

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_unet.data.rectangles import Rectangle


def plane_in_view(viewer: ViewerModel, layer: Layer, axes: str) -> tuple[int, int]:
    """Give time and Z of the plane in view.

    Parameters
    ----------
    viewer
        The viewer.
    layer
        Image or Labels layer.
    axes
        Names of its axes.

    Returns
    -------
    tuple of int
        Time and Z, inside the layer; 0 where it has no such axis.
    """
    index = np.round(layer.world_to_data(viewer.dims.point)).astype(int)
    places = dict(zip(axes, zip(index.tolist(), finest(layer).shape, strict=False), strict=False))
    time, z = (min(max(at, 0), size - 1) for at, size in (places.get(axis, (0, 1)) for axis in "TZ"))
    return time, z


def rectangle_in_view(viewer: ViewerModel, layer: Layer, axes: str) -> Rectangle:
    """Give the part of the plane that is on the screen.

    Parameters
    ----------
    viewer
        The viewer.
    layer
        Image or Labels layer, drawn already.
    axes
        Names of its axes.

    Returns
    -------
    tuple of slice
        Rows and columns at full resolution, px; empty where nothing of it is on the screen, and the whole plane where
        it is seen from the side or in 3D.
    """
    rows, columns = axes.index("Y"), axes.index("X")
    shape = finest(layer).shape
    whole = slice(0, shape[rows]), slice(0, shape[columns])
    shown = np.array(viewer.dims.displayed) - (viewer.dims.ndim - layer.ndim)
    if viewer.dims.ndisplay != 2 or {rows, columns} != set(shown.tolist()):
        return whole
    factors = layer.downsample_factors[layer.data_level] if layer.multiscale else np.ones(layer.ndim)
    corners = np.asarray(layer.corner_pixels) * factors
    first, last = np.floor(corners[0]).astype(int), np.ceil(corners[1] + factors).astype(int)
    # Beyond an edge, napari gives the pixel at the edge for both corners (of several resolutions always the whole).
    sizes = np.array(shape[: layer.ndim])
    is_beyond = (corners[0] == corners[1]) & ((first <= 0) | (last >= sizes)) & (sizes > factors)
    last = np.where(is_beyond, first, last)
    return tuple(slice(max(int(first[axis]), 0), min(int(last[axis]), shape[axis])) for axis in (rows, columns))


@dataclass(frozen=True)
class Target:
    """Something to look at.

    Attributes
    ----------
    middle
        Time point, slice, row and column, px.
    size
        Height and width, px.
    canvas_px
        Least and greatest length on the screen at which the zoom stays as it is, and the one it gets else.
    """

    middle: tuple[float, float, float, float]
    size: tuple[float, float]
    canvas_px: tuple[int, int, int]


def look_at(viewer: ViewerModel, layer: Layer, axes: str, target: Target) -> None:
    """Bring something into the middle of the canvas; the zoom stays, unless it would be a dot or not fit in.

    Parameters
    ----------
    viewer
        The viewer.
    layer
        Layer whose pixels are counted.
    axes
        Names of its axes.
    target
        What to look at.
    """
    t, z, y, x = target.middle
    middle, corner = (_world(layer, axes, (t, z, y + e * target.size[0], x + e * target.size[1])) for e in (0, 1))
    outer = viewer.dims.ndim - layer.ndim
    for axis in set(range(layer.ndim)) - {shown - outer for shown in viewer.dims.displayed}:
        viewer.dims.set_point(axis + outer, float(middle[axis]))
    shown = [axis - outer for axis in viewer.dims.displayed if axis >= outer]
    # napari moved the camera in 0.9.
    camera = getattr(viewer, "scene", viewer).camera
    camera.center = tuple(float(middle[axis]) for axis in shown)
    length = float(np.abs(corner - middle)[shown].max()) * camera.zoom
    least, greatest, good = target.canvas_px
    if not least <= length <= greatest:
        camera.zoom *= good / length


def _world(layer: Layer, axes: str, pixel: tuple[float, ...]) -> Any:
    """Give where a pixel lies in the world."""
    index = dict(zip("TZYX", pixel, strict=True))
    return np.asarray(layer.data_to_world([index.get(axis, 0) for axis in axes[: layer.ndim]]))
