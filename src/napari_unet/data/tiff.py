"""Reading TIFF files of all kinds, lazily where the file allows it."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_unet.data.tiff_calibration import ome_image, read_calibration
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_unet.axes import Array

AXES_NOTE = "axes="
"""Start of the OME description in which our own files name their axes; OME alone cannot tell (1, Y, X) from (Y, X)."""

_SIGNS_OF_DAMAGE = ("offset", "corrupt", "missing")


@dataclass(frozen=True)
class FileContent:
    """What a file holds: array, its axes as the file names them, pixel size in µm, number of transparency channels.

    Among the pixel sizes may be that of T, the seconds from frame to frame.
    """

    array: Array
    axes: str
    spacing: dict[str, float]
    n_alpha: int


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong in a decoder into one clear message about the file.

    Parameters
    ----------
    path
        The file being read.

    Raises
    ------
    InputError
        If the block raises anything that comes from the content of the file.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:  # decoders of foreign bytes raise anything, from struct.error to IndexError
        if isinstance(error, OSError) and error.errno:
            raise
        raise _damaged(path, str(error)) from error


def read_tiff(path: Path) -> FileContent:
    """Open the image of a TIFF file: memory-mapped if stored plainly, page by page if it has several pages.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    FileContent
        Array in the file's own order of axes.

    Raises
    ------
    InputError
        If the file is damaged, cut off, or holds several images of different shape.
    """
    with reading(path), _listening(path), tifffile.TiffFile(path) as tif:
        series = _only_series(path, tif)
        shape, axes = _shape_and_axes(tif, series)
        return FileContent(
            array=_open_array(path, series, shape, tif.byteorder),
            axes=axes,
            spacing=read_calibration(tif),
            n_alpha=sum(int(sample) in (1, 2) for sample in series.keyframe.extrasamples),
        )


def _damaged(path: Path, detail: str) -> InputError:
    """Say that a file cannot be decoded, and what to do."""
    return InputError(
        f"Cannot read {path}: the file is damaged, cut off or of an unknown kind ({detail}). "
        "Copy it again from where it came from, or open it in Fiji and save it as TIFF."
    )


class _Collector(logging.Filter):
    """Keep what tifffile logs in this thread, so that it neither clutters the terminal nor gets lost."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()
        self.messages: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the message away from the logger; those of other threads are about other files."""
        if record.thread != self.thread:
            return True
        self.messages.append(record.getMessage())
        return False


@contextmanager
def _listening(path: Path) -> Iterator[None]:
    """Refuse files of which tifffile reads a part only: it says so in its log and goes on."""
    logger, collector = logging.getLogger("tifffile"), _Collector()
    logger.addFilter(collector)
    try:
        yield
    finally:
        logger.removeFilter(collector)
    for message in collector.messages:
        if any(sign in message for sign in _SIGNS_OF_DAMAGE):
            raise _damaged(path, message)


def _only_series(path: Path, tif: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    """Give the image of the file; a file with several images would silently lose all but the first."""
    images = [series for series in tif.series if not series.keyframe.is_reduced]
    if not images:
        raise _damaged(path, "it holds no image")
    if len(images) > 1:
        shapes = ", ".join(str(series.shape) for series in images[:4])
        raise InputError(
            f"{path} holds {len(images)} images ({shapes}{', ...' if len(images) > 4 else ''}), one is allowed. "
            "Save them as separate files."
        )
    return images[0]


def _shape_and_axes(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> tuple[tuple[int, ...], str]:
    """Give shape and axes, with axes of length 1 where the file names them."""
    noted = _noted_axes(tif) if series.kind == "ome" else ""
    if not noted and series.kind != "shaped":
        return series.shape, series.axes
    shape, axes = _unsqueezed(tif, series)
    if not noted:
        return shape, axes
    sizes = dict(zip(axes, shape, strict=True))
    return tuple(sizes.get(axis, 1) for axis in noted), noted


def _unsqueezed(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> tuple[tuple[int, ...], str]:
    """Give shape and axes with those of length 1."""
    if hasattr(series, "get_shape"):
        return series.get_shape(False), series.get_axes(False)
    # tifffile has taken that away in 2026: now it gives all series anew.
    every: Any = tif.series
    whole = next(other for other in every(squeeze=False) if not other.keyframe.is_reduced)
    return whole.shape, whole.axes


def _open_array(path: Path, series: tifffile.TiffPageSeries, shape: tuple[int, ...], byteorder: str) -> Array:
    """Choose the laziest way in which the pixels can be read."""
    page_shape = series.keyframe.shape
    if series.dataoffset is not None:
        stored = np.dtype(byteorder + series.dtype.char)
        mapped = np.memmap(path, stored, "r", series.dataoffset, shape)
        return mapped if stored.isnative else _turned(mapped, len(page_shape))
    places = _places_of_pages(path, series)
    if len(places) > 1 and shape[-len(page_shape) :] == page_shape:
        return _Pages(places, shape[: -len(page_shape)]).as_dask(page_shape, series.dtype)
    return np.reshape(series.asarray(), shape)


def _turned(mapped: Array, page_ndim: int) -> Array:
    """Turn a foreign byte order into this machine's, page by page when it is read."""
    import dask.array as da  # here, because it takes longer to import than most files to read

    chunks = (1,) * (len(mapped.shape) - page_ndim) + mapped.shape[-page_ndim:]
    lazy: Array = da.from_array(mapped, chunks=chunks)  # type: ignore[no-untyped-call]
    native: Array = lazy.astype(mapped.dtype.newbyteorder("="))
    return native


def _places_of_pages(path: Path, series: tifffile.TiffPageSeries) -> tuple[tuple[Path, int], ...]:
    """Give file and offset of every page, after a check that its pixels are inside the file."""
    places = []
    for page in series.pages:
        if page is None:
            raise _damaged(path, "pages are missing")
        handle = page.parent.filehandle
        ends = map(sum, zip(page.dataoffsets, page.databytecounts, strict=True))
        if max(ends, default=0) > handle.size:
            raise _damaged(path, "it ends before its pixels do")
        places.append((Path(handle.path), page.offset))
    return tuple(places)


@dataclass(frozen=True)
class _Pages:
    """Reader of one page at a time; keeps no file open, so that it may be sent to another process."""

    places: tuple[tuple[Path, int], ...]
    grid: tuple[int, ...]

    def __call__(self, block_id: tuple[int, ...]) -> NDArray[Any]:
        """Read the page of one block of the dask array."""
        path, offset = self.places[np.ravel_multi_index(block_id[: len(self.grid)], self.grid)]
        with reading(path), _listening(path), tifffile.TiffFile(path) as tif:
            tif.filehandle.seek(offset)
            return tifffile.TiffPage(tif, 0).asarray()[(None,) * len(self.grid)]

    def as_dask(self, page_shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Make the dask array with one chunk a page."""
        import dask.array as da

        chunks = tuple((1,) * size for size in self.grid) + tuple((size,) for size in page_shape)
        meta = np.empty((0,) * len(chunks), dtype)
        array: Array = da.map_blocks(self, chunks=chunks, dtype=dtype, meta=meta)  # type: ignore[no-untyped-call]
        return array


def _noted_axes(tif: tifffile.TiffFile) -> str:
    """Give the axes that our own files name in their description."""
    description = str(ome_image(tif).get("Description", ""))
    return description.removeprefix(AXES_NOTE) if description.startswith(AXES_NOTE) else ""
