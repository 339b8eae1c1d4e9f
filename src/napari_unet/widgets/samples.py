"""Samples for File > Open Sample: drawn images, and a few cells painted as a person would begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet.samples import annotate_sparsely, draw_sample
from napari_unet.widgets._layers import scheme_metadata

if TYPE_CHECKING:
    from napari.types import LayerData

_N_PAINTED = 8


def open_nuclei() -> list[LayerData]:
    """Draw touching fluorescent nuclei.

    Returns
    -------
    list of LayerData
        Image and painted cells.
    """
    return _sample("nuclei", (512, 512))


def open_phase() -> list[LayerData]:
    """Draw cells in phase contrast."""
    return _sample("phase", (512, 512))


def open_membranes() -> list[LayerData]:
    """Draw tissue in an electron microscope."""
    return _sample("membranes", (512, 512))


def open_nuclei_stack() -> list[LayerData]:
    """Draw a stack of fluorescent nuclei."""
    return _sample("nuclei", (16, 256, 256))


def open_phase_series() -> list[LayerData]:
    """Draw a series of cells that move, in phase contrast."""
    return _sample("phase", (8, 512, 512), "TYX")


def _sample(kind: str, shape: tuple[int, ...], axes: str | None = None) -> list[LayerData]:
    """Draw a sample as layers."""
    sample = draw_sample(kind, shape, axes=axes)
    n_spatial = len(sample.spacing)
    time = sample.axes[:-n_spatial]
    geometry: dict[str, Any] = {
        "scale": (1.0,) * len(time) + sample.spacing,
        "units": ("pixel",) * len(time) + ("um",) * n_spatial,
        "axis_labels": tuple(sample.axes.lower()),
    }
    painted = annotate_sparsely(sample.labels, _N_PAINTED)
    metadata = scheme_metadata("sparse")
    return [
        (sample.image, {"name": kind, **geometry}, "image"),
        (painted, {"name": f"{kind}_painted", "metadata": metadata, **geometry}, "labels"),
    ]
