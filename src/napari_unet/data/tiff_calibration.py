"""Pixel size and time interval of TIFF files, in each of the ways in which programs write them."""

from __future__ import annotations

import math
from typing import Any

import tifffile

_MICROMETRES = {
    **dict.fromkeys(("um", "µm", "μm", "\\u00b5m", "micron", "microns", "micrometer"), 1.0),
    **{"nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0, "å": 1e-4},
}
_SECONDS = {
    **{"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "µs": 1e-6},
    **{"min": 60.0, "h": 3600.0, "d": 86400.0},
}


def read_calibration(tif: tifffile.TiffFile) -> dict[str, float]:
    """Read the pixel size.

    Parameters
    ----------
    tif
        The open file.

    Returns
    -------
    dict of str to float
        Micrometres by axis (Z, Y, X), and the seconds from frame to frame (T), as far as the file tells them.
    """
    if tif.is_ome:
        found = _ome_spacing(ome_image(tif).get("Pixels", {}))
    elif tif.is_imagej:
        found = _imagej_spacing(tif)
    else:
        found = _centimetre_spacing(tif)
    return {axis: size for axis, size in found.items() if math.isfinite(size) and size > 0}


def ome_image(tif: tifffile.TiffFile) -> dict[str, Any]:
    """Give the first image element of the OME header.

    Parameters
    ----------
    tif
        The open file.

    Returns
    -------
    dict
        Its attributes and elements by name; empty: there is none.
    """
    image = tifffile.xml2dict(tif.ome_metadata or "").get("OME", {}).get("Image", {})
    return dict(image[0] if isinstance(image, (list, tuple)) else image)


def _ome_spacing(pixels: dict[str, Any]) -> dict[str, float]:
    """Read the physical sizes of OME, micrometres where no unit is named, and the time between frames, seconds."""
    found = _sizes_of_ome(pixels)
    unit = _SECONDS.get(str(pixels.get("TimeIncrementUnit", "s")))
    return found if unit is None else found | {"T": float(pixels.get("TimeIncrement", 0)) * unit}


def _sizes_of_ome(pixels: dict[str, Any]) -> dict[str, float]:
    """Read the physical sizes of OME in micrometres."""
    units = {axis: str(pixels.get(f"PhysicalSize{axis}Unit", "µm")).lower() for axis in "ZYX"}
    return {
        axis: float(pixels[f"PhysicalSize{axis}"]) * _MICROMETRES[unit]
        for axis, unit in units.items()
        if f"PhysicalSize{axis}" in pixels and unit in _MICROMETRES
    }


def _imagej_spacing(tif: tifffile.TiffFile) -> dict[str, float]:
    """Read the scale of ImageJ: pixels a unit in the resolution tags, distance of slices in the description."""
    metadata = tif.imagej_metadata or {}
    seconds = _SECONDS.get(str(metadata.get("tunit", "s")), 0.0)
    found = {"T": float(metadata.get("finterval", 0)) * seconds}
    unit = _MICROMETRES.get(str(metadata.get("unit", "")).lower())
    if unit is None:
        return found
    return found | {"Z": float(metadata.get("spacing", 0)) * unit} | _resolution(tif, unit)


def _centimetre_spacing(tif: tifffile.TiffFile) -> dict[str, float]:
    """Read the resolution tags of other programs, where they count in centimetres: in inches it is that of print."""
    unit = tif.pages.first.tags.valueof("ResolutionUnit", default=0)
    return _resolution(tif, _MICROMETRES["cm"]) if unit == tifffile.RESUNIT.CENTIMETER else {}


def _resolution(tif: tifffile.TiffFile, unit: float) -> dict[str, float]:
    """Read the pixels a unit in the resolution tags."""
    found = {}
    for axis in "YX":
        pixels, units = tif.pages.first.tags.valueof(f"{axis}Resolution", default=(0, 1))
        found[axis] = units / pixels * unit if pixels else 0.0
    return found
