"""Layers as the engine sees them, and results as layers that lie exactly on their source.

The engine works in the order TCZYX. A result has every axis of its source but C. napari lines axes up from the last one
backwards, so an axis C between others cannot be left out: it stays, one pixel long and as thick as all channels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from napari.layers import Image, Labels

from napari_unet.axes import from_canonical, to_canonical
from napari_unet.config.training import TrainingConfig
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel
    from napari.layers import Layer

_METADATA_KEY = "napari_unet"
#: Roles of Labels layers that a training or a comparison writes.
_MADE_ANEW = ("preview", "errors")


@dataclass(frozen=True)
class Role:
    """What a result is to its source.

    Attributes
    ----------
    suffix
        Tells results of one source apart, and ends their names.
    kind
        Kind of layer.
    look
        Options of the layer when it is made; what a person changes later stays.
    """

    suffix: str
    kind: Literal["labels", "image"]
    look: Mapping[str, Any] = field(default_factory=dict)


def read_canonical(layer: Layer, axes: str) -> Any:
    """View the pixels of a layer in the order TCZYX.

    Parameters
    ----------
    layer
        Image or Labels layer; of several resolutions the finest is taken.
    axes
        Names of its axes, see `napari_unet.widgets._axes.read_axes`.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        View of shape (T, C, Z, Y, X). Nothing is read from the disk.

    Raises
    ------
    InputError
        If the number of axes differs.
    """
    return to_canonical(_array(layer), axes)


def finest(layer: Layer) -> Any:
    """Give the array of a layer as it was added, of several resolutions the finest."""
    return layer.data[0] if layer.multiscale else layer.data


def result_axes(axes: str) -> str:
    """Name the axes of a result.

    Examples
    --------
    >>> [result_axes(axes) for axes in ("ZYX", "YXC", "CYX", "TCYX")]
    ['ZYX', 'YX', 'YX', 'TCYX']
    """
    return axes.removesuffix("C").removeprefix("C")


def result_geometry(source: Layer, axes: str) -> dict[str, Any]:
    """Give the options that put a result exactly onto its source.

    Parameters
    ----------
    source
        Image or Labels layer.
    axes
        Names of its axes.

    Returns
    -------
    dict of str to object
        ``scale``, ``translate``, ``rotate``, ``shear``, ``affine``, ``units`` and ``axis_labels``.

    Raises
    ------
    InputError
        If the layer is turned or sheared along its channels.
    """
    first = int(axes.startswith("C"))
    geometry = {
        "scale": source.scale[first:].copy(),
        "translate": source.translate[first:].copy(),
        "rotate": _without_first(source.rotate, first, source.ndim),
        "shear": _without_first(_shear_matrix(source), first, source.ndim),
        "affine": _without_first(np.asarray(source.affine), first, source.ndim),
        "units": tuple(source.units[first:]),
        "axis_labels": tuple(source.axis_labels[first:]),
    }
    if "C" in axes[first : source.ndim]:
        _stretch_channel(geometry, axes.index("C"), _array(source).shape[axes.index("C")])
    return geometry


def show_result(viewer: ViewerModel, source: Layer, result: Any, role: Role, axes: str) -> Layer:
    """Show a result: in the layer that already shows it, or in a new one.

    Parameters
    ----------
    viewer
        The viewer of the source.
    source
        Layer the result was made from.
    result
        Array of shape (T, 1, Z, Y, X): integers for labels, numbers for an image.
    role
        What the result is to its source.
    axes
        Names of the axes of the source.

    Returns
    -------
    napari.layers.Layer
        Named like its source with the suffix of the role. If it held this very array, it is drawn again.
    """
    data = from_canonical(result, result_axes(axes))
    geometry = result_geometry(source, axes)
    layer = find_result(viewer, source, role)
    if layer is not None and layer.ndim == data.ndim:
        return _update(layer, data, geometry)
    if layer is not None:
        viewer.layers.remove(layer)
    metadata = {_METADATA_KEY: _mark(source, role)}
    options = {"name": f"{source.name}_{role.suffix}", "metadata": metadata, **role.look, **geometry}
    return _add(viewer, data, role, options)


def find_result(viewer: ViewerModel, source: Layer, role: Role) -> Layer | None:
    """Find the layer that shows a result, whatever its name is now.

    Parameters
    ----------
    viewer, source, role
        See `show_result`.

    Returns
    -------
    napari.layers.Layer or None
        None if there is none, or no longer.
    """
    mark = _mark(source, role).items()
    return next((layer for layer in viewer.layers if mark <= _own_note(layer).items()), None)


def result_role(layer: Layer) -> str | None:
    """Tell as what a layer shows a result; None: it is none, or the copy of one, which is the person's own."""
    role: str | None = _own_note(layer).get("role")
    return role


def is_source(layer: Layer) -> bool:
    """Tell whether a layer is a person's own: it is none that shows a result."""
    return result_role(layer) is None


def is_lasting(layer: Layer) -> bool:
    """Tell whether what a person paints in a layer stays: it is none that is made anew all the time, unasked."""
    return result_role(layer) not in _MADE_ANEW


def read_scheme(layer: Layer) -> Any:
    """Give the scheme of annotation that a Labels layer is stored with, the usual one where nobody said."""
    return layer.metadata.get(_METADATA_KEY, {}).get("scheme", TrainingConfig().scheme)


def store_scheme(layer: Layer, scheme: str) -> None:
    """Store the scheme of annotation in a Labels layer."""
    layer.metadata.update(scheme_metadata(scheme, layer.metadata))


def scheme_metadata(scheme: str, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write the scheme of annotation as metadata of a layer, beside what is there."""
    return {_METADATA_KEY: {**(metadata or {}).get(_METADATA_KEY, {}), "scheme": scheme}}


def _mark(source: Layer, role: Role) -> dict[str, str]:
    """Write down whose result a layer is."""
    return {"source": str(source.unique_id), "role": role.suffix}


def _own_note(layer: Layer) -> dict[str, Any]:
    """Read what is noted of a layer; a duplicate, or what was opened from a file, bears the note of another one."""
    note: dict[str, Any] = layer.metadata.get(_METADATA_KEY, {})
    return note if note.get("layer", str(layer.unique_id)) == str(layer.unique_id) else {}


def _add(viewer: ViewerModel, data: Any, role: Role, options: dict[str, Any]) -> Layer:
    """Add a layer, and leave the layer selected that a person works on."""
    layer = Labels(data, **options) if role.kind == "labels" else Image(data, rgb=False, **options)
    layer.metadata[_METADATA_KEY]["layer"] = str(layer.unique_id)
    selection = viewer.layers.selection
    selected, active = set(selection), selection.active
    if active is None:
        viewer.layers.append(layer)
        selection.update(selected)
        selection.intersection_update(selected or {layer})
        return layer
    # To show the controls of the new layer for a moment would take half as long as adding it.
    with selection.events.blocker_all():
        viewer.layers.append(layer)
        selection.active = active
    return layer


def _update(layer: Layer, data: Any, geometry: dict[str, Any]) -> Layer:
    """Show other pixels in a layer, and move it where its source is now."""
    if isinstance(data, np.ndarray) and isinstance(layer.data, np.ndarray) and np.may_share_memory(layer.data, data):
        layer.refresh()
    else:
        layer.data = data
    for key, value in geometry.items():
        if not np.array_equal(np.asarray(_shear_matrix(layer) if key == "shear" else getattr(layer, key)), value):
            setattr(layer, key, value)
    return layer


def _array(layer: Layer) -> Any:
    """Give the finest array of a layer, as one that numpy's ways of indexing work on."""
    data = finest(layer)
    if isinstance(data, np.ndarray):
        return data
    # Loading it would be half of what opening a dock takes, and most layers need it not.
    import dask.array as da

    return data if isinstance(data, da.Array) else da.from_array(data)  # type: ignore[no-untyped-call]


def _shear_matrix(layer: Layer) -> Any:
    """Give the shear as a matrix; napari gives the part above the diagonal where that is all."""
    shear = np.asarray(layer.shear)
    if shear.ndim == 2:
        return shear
    matrix = np.eye(layer.ndim)
    matrix[np.triu_indices(layer.ndim, k=1)] = shear
    return matrix


def _without_first(matrix: Any, first: int, ndim: int) -> Any:
    """Take the channels, where they are the first axis, out of a matrix of ``ndim`` axes and perhaps a shift."""
    if matrix[:first, first:ndim].any() or matrix[first:, :first].any():
        raise InputError(
            "The layer is turned or sheared along its channels, so a result could not lie on it. "
            "Split the channels into layers (right click on the layer, 'Split Stack')."
        )
    return matrix[first:, first:].copy()


def _stretch_channel(geometry: dict[str, Any], axis: int, n_channels: int) -> None:
    """Make one pixel as thick as all channels: its middle comes to lie in the middle of theirs."""
    middle = np.zeros(len(geometry["scale"]))
    middle[axis] = (n_channels - 1) / 2 * geometry["scale"][axis]
    geometry["translate"] = geometry["translate"] + geometry["rotate"] @ geometry["shear"] @ middle
    geometry["scale"][axis] *= n_channels
