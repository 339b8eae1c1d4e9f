"""Reading images and labels from files."""

from __future__ import annotations

import glob
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import PIL.Image

from napari_unet.axes import CANONICAL, Array, guess_axes, parse_axes, to_canonical
from napari_unet.data.tiff import FileContent, read_tiff, reading
from napari_unet.errors import InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

TIFF_SUFFIXES = (".tif", ".tiff", ".btf")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
SUFFIXES = TIFF_SUFFIXES + PICTURE_SUFFIXES


@dataclass(frozen=True, eq=False)
class Image:
    """An image or labels from a file, in the order TCZYX, read where it is looked at.

    Attributes
    ----------
    data
        Array of shape (T, C, Z, Y, X): numpy, memory-mapped or dask.
    axes
        The file's own axes, for example ZYX: what a result of this image shall have.
    spacing
        Pixel size in µm by axis (Z, Y, X); axes of unknown size are absent.
    path
        Where the image came from.
    guessed
        Whether the axes are a guess, because neither file nor caller named them.
    interval_s
        Seconds from frame to frame; None: unknown.
    """

    data: Array
    axes: str
    spacing: dict[str, float]
    path: Path
    guessed: bool
    interval_s: float | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of T, C, Z, Y and X."""
        return tuple(self.data.shape)

    @property
    def calibration(self) -> dict[str, float]:
        """Spacing, and with it the seconds from frame to frame as T, as far as they are known."""
        return self.spacing if self.interval_s is None else self.spacing | {"T": self.interval_s}

    @property
    def n_channels(self) -> int:
        """Length of C."""
        return self.shape[1]

    def plane(self, t: int, z: int) -> NDArray[Any]:
        """Read one plane, and only it, as an array of its own of shape (C, Y, X)."""
        return np.array(self.data[t, :, z])

    def planes(self) -> Iterator[NDArray[Any]]:
        """Read plane after plane, each of shape (C, Y, X): all Z of the first T, then of the next."""
        n_times, _, n_slices, _, _ = self.shape
        for t, z in np.ndindex(n_times, n_slices):
            yield self.plane(t, z)


def read_image(path: str | os.PathLike[str], axes: str | None = None) -> Image:
    """Read an image: TIFF of any kind, PNG or JPEG.

    Parameters
    ----------
    path
        The file.
    axes
        Meaning of its axes, for example ``"ZYX"``; by default what the file says, or else a guess.

    Returns
    -------
    Image
        Intensities of any integer, float or boolean type; colours are C, a transparency channel is dropped.

    Raises
    ------
    InputError
        If the file is missing, damaged or of another kind, or if the axes do not fit.
    """
    return _read(Path(path), axes, _decode_picture)


def read_labels(path: str | os.PathLike[str], axes: str | None = None) -> Image:
    """Read labels: integer numbers of cells, or a mask.

    Parameters
    ----------
    path
        The file.
    axes
        Meaning of its axes, as in `read_image`.

    Returns
    -------
    Image
        Labels of an integer type with one channel; a mask of booleans becomes 0 and 1.

    Raises
    ------
    InputError
        As `read_image`, and if the labels are fractions or colours.
    """
    labels = _read(Path(path), axes, _decode_label_picture)
    if labels.n_channels != 1:
        raise InputError(
            f"{path} has axes {labels.axes} with {labels.n_channels} channels, but labels have one number a pixel. "
            "If it is a coloured picture, save the label numbers themselves (16-bit TIFF); if the axis is no channel, "
            "name the axes, for example 'ZYX'."
        )
    if labels.data.dtype.kind == "f":
        raise InputError(
            f"{path} is of type {labels.data.dtype}, but labels are whole numbers: 8-, 16- or 32-bit integers or "
            "booleans. Convert it (in Fiji: Image > Type > 16-bit, without scaling) and save it again."
        )
    is_mask = labels.data.dtype.kind == "b"
    return replace(labels, data=labels.data.view(np.uint8)) if is_mask else labels


def find_files(path: str | os.PathLike[str]) -> list[Path]:
    """List the image files that an argument means.

    Parameters
    ----------
    path
        A file, a folder, or a pattern such as ``scans/*.tif``.

    Returns
    -------
    list of pathlib.Path
        The file, or the images in the folder or of the pattern: sorted as people count (2 before 10), hidden files
        left out.

    Raises
    ------
    InputError
        If there is no such file, folder or match, or if the folder holds no image.
    """
    place = Path(path)
    if place.is_file():
        return [place]
    candidates = place.iterdir() if place.is_dir() else map(Path, glob.glob(str(path), recursive=True))
    if found := [file for file in candidates if _is_image(file)]:
        return sorted(found, key=_as_people_count)
    if place.is_dir():
        raise InputError(f"The folder {place} holds no image ({', '.join(SUFFIXES)}). Give the folder with the images.")
    raise InputError(
        f"There is no file, folder or match {str(path)!r}. Check the spelling and the folder you are in ({Path.cwd()})."
    )


def _is_image(path: Path) -> bool:
    """Tell images from folders, hidden files and files of other kinds; a link to nothing is a damaged image."""
    if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
        return False
    return path.is_file() or _leads_nowhere(path)


def _leads_nowhere(path: Path) -> bool:
    """Tell a link to a file that is not there."""
    return path.is_symlink() and not path.exists()


def _as_people_count(path: Path) -> list[tuple[int, str]]:
    """Sort key in which digits count as numbers."""
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), "") if index % 2 else (0, part.lower()) for index, part in enumerate(parts)] + [(0, str(path))]


def _read(path: Path, axes: str | None, decode_picture: Callable[[Path], FileContent]) -> Image:
    """Read a file by its suffix and bring it to the canonical order."""
    suffix = path.suffix.lower()
    if _leads_nowhere(path):
        raise InputError(f"{path} is a link to a file that is not there. Remove the link, or bring the file back.")
    if not path.is_file():
        raise InputError(f"There is no file {path}. Check the spelling and the folder you are in ({Path.cwd()}).")
    if suffix not in SUFFIXES:
        raise InputError(f"{path} is no image that can be read: {', '.join(SUFFIXES)} are. Save it as TIFF.")
    content = read_tiff(path) if suffix in TIFF_SUFFIXES else decode_picture(path)
    if content.array.dtype.kind not in "biuf":
        raise InputError(f"{path} is of type {content.array.dtype}: integers, floats and booleans are allowed.")
    try:
        names, guessed = _name_axes(content, axes)
        data = to_canonical(content.array, names)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    n_colours = max(data.shape[1] - content.n_alpha, 1)
    sizes = {axis: size for axis, size in content.spacing.items() if axis != "T"}
    return Image(data[:, :n_colours], names, sizes, path, guessed, content.spacing.get("T"))


def _name_axes(content: FileContent, axes: str | None) -> tuple[str, bool]:
    """Give the axes by the word of the caller, else of the file, else by a guess; and whether it is one."""
    if axes:
        return parse_axes(axes), False
    if set(content.axes) <= set(CANONICAL + "S"):
        return parse_axes(content.axes), False
    return guess_axes(content.array.shape, rgb=content.axes.endswith("S")), True


def _decode_picture(path: Path) -> FileContent:
    """Read a PNG or a JPEG; imagecodecs keeps the 16 bits of coloured PNGs, Pillow notices JPEGs that are cut off."""
    with reading(path):
        is_png = path.suffix.lower() == ".png"
        array = imagecodecs.png_decode(path.read_bytes()) if is_png else _decode_jpeg(path)
    has_alpha = array.ndim == 3 and array.shape[-1] in (2, 4)
    return FileContent(array, "YXC" if array.ndim == 3 else "YX", {}, int(has_alpha))


def _decode_label_picture(path: Path) -> FileContent:
    """Read a PNG or a JPEG of labels: in a picture with a palette, the label is the index, not the colour."""
    with reading(path), _pillow(path) as picture:
        indices = np.asarray(picture) if picture.mode == "P" else None
    return _decode_picture(path) if indices is None else FileContent(indices, "YX", {}, 0)


def _decode_jpeg(path: Path) -> NDArray[Any]:
    """Decode grey values or red, green and blue; the colours of print become those."""
    with _pillow(path) as picture:
        return np.asarray(picture if picture.mode == "L" else picture.convert("RGB"))


@contextmanager
def _pillow(path: Path) -> Iterator[PIL.Image.Image]:
    """Open a picture without Pillow's warning of big ones, which are nothing unusual in microscopy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
        with PIL.Image.open(path) as picture:
            yield picture
