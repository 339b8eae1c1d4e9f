"""`napari-unet weight-map`: how much each pixel of a label image counts in training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.cli.messages import report
from napari_unet.cli.options import add_settings, given_settings, layered_recipe, refuse_input
from napari_unet.errors import InputError

if TYPE_CHECKING:
    import argparse

USAGE = "napari-unet weight-map LABELS -o FILE [settings]"


def add_arguments(parser: argparse.ArgumentParser, *, every: bool) -> None:
    """Declare the arguments.

    Parameters
    ----------
    parser
        Of this command.
    every
        Whether the help shows the advanced settings.
    """
    parser.add_argument("labels", metavar="LABELS", help="A label image; each plane of a stack stands for itself.")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="The TIFF to write, 32-bit floats.")
    add_settings(parser, ("weight_map", "training.scheme"), every=every)


def run(arguments: argparse.Namespace) -> int:
    """Compute and write the weight map.

    Parameters
    ----------
    arguments
        What was given.

    Returns
    -------
    int
        0.

    Raises
    ------
    InputError
        If the labels are no single label image, or the output is no TIFF.
    """
    import numpy as np

    from napari_unet.axes import from_canonical, spatial_axes
    from napari_unet.data.reading import TIFF_SUFFIXES, read_labels
    from napari_unet.data.weight_map import weight_map
    from napari_unet.data.writing import write_float

    output = Path(arguments.output)
    if output.suffix.lower() not in TIFF_SUFFIXES:
        raise InputError(f"-o {output}: a weight map is written as TIFF; give a name that ends in .tif.")
    recipe = layered_recipe(given_settings(arguments))
    file = _only_file(arguments.labels)
    refuse_input("-o", output, [file])
    labels = read_labels(file)
    try:
        planes = [weight_map(p[0], recipe.weight_map, scheme=recipe.training.scheme) for p in labels.planes()]
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    canonical = np.stack(planes).reshape(labels.shape)
    axes = spatial_axes(labels.axes)
    write_float(output, from_canonical(canonical, axes), axes, labels.calibration)
    report(f"{output}: weights from {canonical.min():.3g} to {canonical.max():.3g}")
    return 0


def _only_file(argument: str) -> Path:
    """Give the one file that is meant."""
    from napari_unet.data.reading import find_files

    files = find_files(argument)
    if len(files) > 1:
        raise InputError(f"{argument}: {len(files)} files; one weight map is made of one label image, give one file.")
    return files[0]
