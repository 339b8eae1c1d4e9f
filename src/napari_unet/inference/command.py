"""The command line that does what was chosen in the window."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from napari_unet.config.describe import option_name
from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.recipe import select_settings

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet.config._base import Settings
    from napari_unet.config.recipe import Recipe
    from napari_unet.inference.options import SegmentOptions


def segment_command(model: Path, own: Recipe, images: list[str], output: Path, options: SegmentOptions) -> str:
    """Write the command that segments files with the same settings.

    Parameters
    ----------
    model
        The model file.
    own
        Recipe of the model, whose settings need not be given.
    images
        Files, folders or patterns.
    output
        Folder of the label images.
    options
        How.

    Returns
    -------
    str
        One line for a shell.

    Examples
    --------
    >>> from pathlib import Path
    >>> from napari_unet.config.instances import InstancesConfig
    >>> from napari_unet.config.recipe import Recipe
    >>> from napari_unet.inference.options import SegmentOptions
    >>> options = SegmentOptions(instances=InstancesConfig(threshold=0.4))
    >>> segment_command(Path("cells.safetensors"), Recipe(), ["my scans"], Path("out"), options)
    "napari-unet segment cells.safetensors 'my scans' -o out --instances.threshold 0.4"
    """
    words = ["napari-unet", "segment", str(model), *images, "-o", str(output)]
    if options.axes:
        words += ["--axes", options.axes]
    words += ["--probabilities"] * options.probabilities + ["--uncertainty"] * options.uncertainty
    words += ["--again"] * options.again
    words += _given("tiling", options.tiling, own.tiling) + _given("instances", options.instances, own.instances)
    return shlex.join([*words, *_given("execution", options.execution, ExecutionConfig())])


def _given(section: str, chosen: Settings | None, own: Settings) -> list[str]:
    """Give the options of the settings that differ."""
    words: list[str] = []
    for _, name, _ in select_settings([section]):
        value = getattr(chosen or own, name)
        if value != getattr(own, name):
            words += _option(option_name(section, name), value)
    return words


def _option(name: str, value: Any) -> list[str]:
    """Write one option as the command line reads it."""
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", "none" if value is None else str(value)]
