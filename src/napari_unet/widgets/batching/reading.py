"""Images from files and layers as the engine takes them: by our own reader, or by any that is installed in napari."""

from __future__ import annotations

import glob
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer
from npe2 import PluginManager
from npe2 import read as read_layers

from napari_unet.axes import parse_axes
from napari_unet.data.reading import SUFFIXES, Image, find_files, read_image
from napari_unet.errors import InputError
from napari_unet.widgets._axes import read_axes, spacing_um
from napari_unet.widgets._layers import read_canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Readers that open models, not images.
_OWN = "napari-unet-interactive"
#: What napari itself reads is a mixed lot; of a folder only what a reader was installed for is meant.
_BUILTIN = "napari"
#: What the pixels mean, of all that a reader tells.
_MEANING = ("rgb", "axis_labels", "scale", "units")
#: Contrast limits that are given need not be searched for in the data.
_CALM = {"contrast_limits": (0, 1)}
_PROGRAM = ".py"


def find_images(place: str) -> list[Path]:
    """List the images that a text means.

    Parameters
    ----------
    place
        A file, a folder or a pattern such as ``scans/*.tif``.

    Returns
    -------
    list of pathlib.Path
        Those that our own reader reads, and then those that a plugin of napari was installed for.

    Raises
    ------
    InputError
        If there are none.
    """
    path = Path(place)
    if path.exists() and _installed_readers(path):
        return [path]
    candidates = path.iterdir() if path.is_dir() else map(Path, glob.glob(place, recursive=True))
    others = sorted(file for file in candidates if file.suffix.lower() not in SUFFIXES and _installed_readers(file))
    try:
        return find_files(place) + [file for file in others if file != path]
    except InputError:
        if others:
            return others
        raise


def is_read_without_napari(path: Path) -> bool:
    """Tell whether the command line reads a file too."""
    return path.suffix.lower() in SUFFIXES


def read_any(path: Path, axes: str | None = None) -> Image:
    """Read an image: by our own reader where it can, else by one that is installed in napari.

    Parameters
    ----------
    path
        File, or a folder that a reader opens.
    axes
        Meaning of its axes; None: what the reader says, or else a guess.

    Returns
    -------
    Image
        The image. Several layers of equal size are its channels.

    Raises
    ------
    InputError
        If there is no such file, no reader for it, or none that reads it.
    """
    if is_read_without_napari(path) or not path.exists():
        return read_image(path, axes)
    pictures = _read_pictures(path)
    try:
        return _join([_read_picture(*picture, path, axes) for picture in pictures])
    except Exception as error:  # also whatever napari raises of layers that it could not show
        raise InputError(f"{path}: {error}") from error


def read_layer(layer: Layer, axes: str, path: Path) -> Image:
    """View a layer of the viewer as an image.

    Parameters
    ----------
    layer
        Image layer; of several resolutions the finest is taken. Nothing is read from the disk.
    axes
        Names of its axes, see `napari_unet.widgets._axes`.
    path
        What the image shall be called.

    Returns
    -------
    Image
        The image, without transparency.
    """
    data = read_canonical(layer, axes)
    colours = data[:, :3] if getattr(layer, "rgb", False) else data
    return Image(colours, parse_axes(axes), spacing_um(layer, axes), path, guessed=False)


def _installed_readers(path: Path) -> list[str]:
    """Name the plugins beside napari's own that say they read a file."""
    return [name for name in _readers(path) if name != _BUILTIN]


def _readers(path: Path) -> list[str]:
    """Name the plugins that say they read a file; a program would be run by its reader."""
    if path.suffix.lower() == _PROGRAM:
        return []
    readers = PluginManager.instance().iter_compatible_readers(str(path))
    return list(dict.fromkeys(reader.plugin_name for reader in readers if reader.plugin_name != _OWN))


def _read_pictures(path: Path) -> list[tuple[Any, Mapping[str, Any]]]:
    """Read the image layers of a file by the first reader that finds some."""
    problems = []
    for plugin in _readers(path):
        try:
            layers = read_layers([str(path)], stack=False, plugin_name=plugin)
        except Exception as error:  # whatever a plugin raises
            problems.append(f"{plugin}: {error}")
            continue
        if pictures := [_unpack(*layer) for layer in layers if _is_picture(*layer)]:
            return pictures
        problems.append(f"{plugin}: no image in it")
    if problems:
        raise InputError(f"{path}: could not be read ({'; '.join(problems)}). Save it as TIFF.")
    raise InputError(
        f"{path}: no reader for {path.suffix or 'this folder'} is installed. Install one (Plugins > Install/Uninstall "
        "Plugins), or save the image as TIFF."
    )


def _is_picture(data: Any, _: Any = None, kind: str = "image") -> bool:
    """Tell images from other layers, and from the word for 'nothing to show'."""
    return data is not None and kind == "image"


def _unpack(data: Any, options: Mapping[str, Any] | None = None, _: str = "image") -> tuple[Any, Mapping[str, Any]]:
    """Give the array of an image, the finest of several resolutions, and what the reader tells of it."""
    known = options or {}
    levels = known.get("multiscale", isinstance(data, list | tuple))
    return (data[0] if levels else data), known


def _read_picture(data: Any, options: Mapping[str, Any], path: Path, axes: str | None) -> Image:
    """Read an image layer as napari would show it; channels that it would split into layers stay together."""
    known = {key: options[key] for key in _MEANING if options.get(key) is not None}
    channel = options.get("channel_axis")
    if channel is None:
        layer = Layer.create(data, known | _CALM, "image")
        found = read_axes(layer)
        image = read_layer(layer, axes or found.names, path)
    else:
        channel %= data.ndim
        shown = Layer.create(data[(slice(None),) * channel + (0,)], known | _CALM | {"rgb": False}, "image")
        found = read_axes(shown)
        names = f"{found.names[:channel]}C{found.names[channel:]}"
        image = read_layer(Layer.create(data, {"rgb": False} | _CALM, "image"), axes or names, path)
        image = replace(image, spacing=spacing_um(shown, found.names))
    return replace(image, guessed=found.guessed and not axes)


def _join(images: list[Image]) -> Image:
    """Make one image of layers, which are its channels."""
    first = images[0]
    if len(images) == 1:
        return first
    if len({image.shape for image in images}) > 1 or "C" in first.axes:
        raise InputError(
            f"It holds {len(images)} images, and they are no channels of one. Open it in napari and segment its layers."
        )
    if all(isinstance(image.data, np.ndarray) for image in images):
        joined = np.concatenate([image.data for image in images], axis=1)
    else:
        import dask.array as da

        joined = da.concatenate([image.data for image in images], axis=1)  # type: ignore[no-untyped-call]
    return replace(first, data=joined, axes=f"C{first.axes}")
