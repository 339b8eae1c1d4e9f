"""Samples for File > Open Sample: drawn images with a few cells painted as a person would begin, and public ones."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_unet.samples import annotate_sparsely, draw_sample
from napari_unet.samples.fetch import PUBLIC_IMAGES, Transfer, load
from napari_unet.widgets._layers import scheme_metadata
from napari_unet.widgets._waiting import wait_for

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


def open_human_mitosis() -> list[LayerData]:
    """Fetch fluorescent nuclei, some of which divide.

    Returns
    -------
    list of LayerData
        The image, each channel on its own.
    """
    return _public("human_mitosis")


def open_cells3d() -> list[LayerData]:
    """Fetch a stack of cells: their membranes and their nuclei."""
    return _public("cells3d")


def open_immunohistochemistry() -> list[LayerData]:
    """Fetch stained tissue in colour."""
    return _public("immunohistochemistry")


def _sample(kind: str, shape: tuple[int, ...], axes: str | None = None) -> list[LayerData]:
    """Draw a sample as layers."""
    sample = wait_for(partial(draw_sample, kind, shape, axes=axes), f"Drawing {kind}.")
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


def _public(name: str) -> list[LayerData]:
    """Fetch a public image as layers, one a channel unless they are colours."""
    image, transfer = PUBLIC_IMAGES[name], Transfer()
    pixels = wait_for(partial(load, image, transfer), f"Fetching {name}, {image.megabytes:g} MB.", transfer)
    options: dict[str, Any] = {
        "axis_labels": tuple(image.axes.replace("C", "").lower()),
        "metadata": {"source": image.source, "licence": image.licence},
    }
    if image.spacing:
        options |= {"scale": image.spacing, "units": ("um",) * len(image.spacing)}
    if not image.channels:
        return [(pixels, {"name": name, "rgb": "C" in image.axes, **options}, "image")]
    axis = image.axes.index("C")
    return [
        (pixels.take(number, axis), {"name": f"{name}_{channel}", **options}, "image")
        for number, channel in enumerate(image.channels)
    ]
