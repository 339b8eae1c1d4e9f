"""Writing labels, probabilities and weights as TIFF files that other programs read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_unet.axes import parse_axes
from napari_unet.data.files import atomic_path
from napari_unet.data.seal import seal
from napari_unet.data.tiff import AXES_NOTE
from napari_unet.errors import InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import DTypeLike, NDArray

_CLASSIC_TIFF_BYTES = 2**32 - 2**25
"""Above this size, offsets of 32 bits may run over; tifffile takes the same margin."""


@dataclass(frozen=True)
class Layout:
    """How planes lie in a file.

    Attributes
    ----------
    axes
        Axes of the array, Y and X last.
    shape
        Length of each axis.
    dtype
        Type of the pixels: uint8, uint16, uint32 or float32.
    spacing
        Pixel size in µm by axis (Z, Y, X) and seconds from frame to frame (T), as far as they are known.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: DTypeLike
    spacing: Mapping[str, float] = field(default_factory=dict)


def write_labels(
    path: str | os.PathLike[str],
    labels: NDArray[Any],
    axes: str,
    spacing: Mapping[str, float] | None = None,
    *,
    sealed: bool = False,
) -> None:
    """Write labels as an OME-TIFF of the smallest type that holds them, 16 or 32 bits.

    Parameters
    ----------
    path
        The file; it appears when it is complete.
    labels
        Whole numbers of at least 0.
    axes
        Axes of the array. Y and X are stored last, whatever their order was.
    spacing
        Pixel size in µm by axis; T: seconds from frame to frame.
    sealed
        Whether to seal them, see `napari_unet.data.seal`.

    Raises
    ------
    InputError
        If a label is negative, a fraction, or above 2**32 - 1.
    OSError
        If the file cannot be written.
    """
    _write_array(path, labels, Layout(axes, labels.shape, _dtype_of_labels(labels), spacing or {}), sealed=sealed)


def write_float(
    path: str | os.PathLike[str], array: NDArray[Any], axes: str, spacing: Mapping[str, float] | None = None
) -> None:
    """Write probabilities or weights as an OME-TIFF of 32-bit floats.

    Parameters
    ----------
    path
        The file; it appears when it is complete.
    array
        The values.
    axes
        Axes of the array. Y and X are stored last, whatever their order was.
    spacing
        Pixel size in µm by axis; T: seconds from frame to frame.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    _write_array(path, array, Layout(axes, array.shape, np.float32, spacing or {}))


def write_planes(
    path: str | os.PathLike[str], planes: Iterable[NDArray[Any]], layout: Layout, software: str | None = None
) -> None:
    """Write a stack plane by plane, so that it never needs to be in memory as a whole.

    Parameters
    ----------
    path
        The file; it appears when it is complete.
    planes
        Arrays of shape (Y, X), the last of the other axes running fastest.
    layout
        Axes, shape, type and pixel size of the stack.
    software
        Name of the program that made it; None: that of the library.

    Raises
    ------
    InputError
        If Y and X are not the last axes, if number or shape of the planes differ from the layout, or if a label is
        too large for the type.
    OSError
        If the file cannot be written.
    """
    axes = parse_axes(layout.axes)
    if not axes.endswith("YX"):
        raise InputError(f"Planes of axes {axes} cannot be written: Y and X must be the last axes.")
    dtype = np.dtype(layout.dtype)
    n_bytes = math.prod(layout.shape) * dtype.itemsize
    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            (_convert(plane, layout) for plane in _exactly(planes, math.prod(layout.shape[:-2]))),
            shape=layout.shape,
            dtype=dtype,
            bigtiff=n_bytes > _CLASSIC_TIFF_BYTES,
            ome=True,
            photometric="minisblack",
            compression="zlib",
            software=software,
            **_calibration(axes, layout.spacing),
        )


def label_dtype(highest: int) -> np.dtype[Any]:
    """Choose the smallest type for labels up to a number: 16 bits, or 32 above 65535.

    Parameters
    ----------
    highest
        Largest label.

    Returns
    -------
    numpy.dtype
        uint16 or uint32.

    Raises
    ------
    InputError
        If 32 bits do not hold it.

    Examples
    --------
    >>> label_dtype(65_536)
    dtype('uint32')
    """
    if highest >= 2**32:
        raise InputError(f"The label {highest} is too large: at most {2**32 - 1} is allowed. Renumber the labels.")
    return np.dtype(np.uint16 if highest < 2**16 else np.uint32)


def _dtype_of_labels(labels: NDArray[Any]) -> np.dtype[Any]:
    """Choose the type for labels after a check that they are some."""
    lowest, highest = (labels.min(), labels.max()) if labels.size else (0, 0)
    if labels.dtype.kind not in "bui" or lowest < 0:
        raise InputError(
            f"Labels of type {labels.dtype} with a lowest value of {lowest} cannot be written: "
            "labels are whole numbers from 0. Use write_float for other values."
        )
    return label_dtype(int(highest))


def _write_array(path: str | os.PathLike[str], array: NDArray[Any], layout: Layout, *, sealed: bool = False) -> None:
    """Write an array that is in memory, Y and X last."""
    axes = parse_axes(layout.axes)
    if len(axes) != array.ndim:
        raise InputError(f"Axes {axes} do not fit an array of shape {array.shape}: name each of its axes once.")
    stored = axes.replace("Y", "").replace("X", "") + "YX"
    ordered = array.transpose([axes.index(axis) for axis in stored])
    layout = replace(layout, axes=stored, shape=ordered.shape)

    def planes() -> Iterator[NDArray[Any]]:
        return (ordered[index] for index in np.ndindex(ordered.shape[:-2]))

    software = seal(_convert(plane, layout) for plane in planes()) if sealed else None
    write_planes(path, planes(), layout, software)


def _exactly(planes: Iterable[NDArray[Any]], n_planes: int) -> Iterator[NDArray[Any]]:
    """Pass on the planes; with a wrong number of them the file would look complete all the same."""
    source = iter(planes)
    for index in range(n_planes):
        plane = next(source, None)
        is_last = index == n_planes - 1
        if plane is None or (is_last and next(source, None) is not None):
            came = f"only {index}" if plane is None else "more"
            raise InputError(
                f"The shape needs exactly {n_planes} planes, but {came} came. "
                "Give one for every position on the axes before Y and X."
            )
        yield plane


def _convert(plane: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Convert a plane to the type of the file, unless that would scramble it or turn a label into another one."""
    dtype = np.dtype(layout.dtype)
    if plane.shape != layout.shape[-2:]:
        raise InputError(f"A plane has shape {plane.shape}, but {layout.shape[-2:]} is needed. Give it as (Y, X).")
    if dtype.kind == "u" and plane.size and plane.max() > np.iinfo(dtype).max:
        raise InputError(f"The label {plane.max()} does not fit type {dtype}. Choose the type with label_dtype.")
    return np.ascontiguousarray(plane, dtype)


def _calibration(axes: str, spacing: Mapping[str, float]) -> dict[str, Any]:
    """Give pixel size and axes as tags that ImageJ reads and as the OME header that all others read."""
    known = {axis: size for axis, size in spacing.items() if axis in "ZYX"}
    metadata: dict[str, Any] = {"axes": axes, "Description": AXES_NOTE + axes}
    for axis, size in known.items():
        metadata |= {f"PhysicalSize{axis}": float(size), f"PhysicalSize{axis}Unit": "µm"}
    if "T" in axes and "T" in spacing:
        metadata |= {"TimeIncrement": float(spacing["T"]), "TimeIncrementUnit": "s"}
    if not {"Y", "X"} <= set(known):
        return {"metadata": metadata}
    per_centimetre = (1e4 / known["X"], 1e4 / known["Y"])
    return {"metadata": metadata, "resolution": per_centimetre, "resolutionunit": "CENTIMETER"}
