"""What happens beside the window of a batch: segmenting files, reading a result. Knows nothing of Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.data.reading import Image, read_labels
from napari_unet.errors import InputError
from napari_unet.widgets._preload import load_torch
from napari_unet.widgets.batching.reading import read_any

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet.inference.events import Event
    from napari_unet.inference.options import SegmentOptions
    from napari_unet.models.giving_way import GivingWay


@dataclass(frozen=True)
class Work:
    """A batch as it is ordered.

    Attributes
    ----------
    model
        The model file.
    files
        The images.
    output
        Folder for the results.
    options
        How.
    image
        The image, where it is a layer; the only file is its name then. None: files are read.
    """

    model: Path
    files: tuple[Path, ...]
    output: Path
    options: SegmentOptions
    image: Image | None = None

    def read(self, path: Path, axes: str | None) -> Image:
        """Read an image of the batch."""
        return read_any(path, axes) if self.image is None else self.image


def segment(work: Work, way: GivingWay) -> Generator[Event]:
    """Segment.

    Parameters
    ----------
    work
        What was ordered.
    way
        Held while a person uses the image.

    Yields
    ------
    Event
        See `napari_unet.inference.batch.segment_files`.

    Raises
    ------
    InputError
        If the model cannot be read, results would replace images, or the output cannot be written.
    """
    load_torch()
    from napari_unet.inference.batch import segment_files
    from napari_unet.models.model_file import load_model

    try:
        model = load_model(work.model)
        yield from segment_files(model, list(work.files), work.output, work.options, work.read, way)
    except OSError as error:
        raise InputError(
            f"{error.filename or work.output}: {error.strerror or error}. Finished files are kept; free some space or "
            "choose another output folder, then segment again to go on."
        ) from error


def read_result(work: Work, path: Path, written: Path) -> Generator[tuple[Image, NDArray[Any]]]:
    """Read an image and its labels.

    Parameters
    ----------
    work
        The batch that made it.
    path
        The image.
    written
        The labels.

    Yields
    ------
    tuple of (Image, numpy.ndarray)
        The image, and the labels of shape (T, 1, Z, Y, X), in memory so that they can be painted.
    """
    labels = np.asarray(read_labels(written).data)
    yield work.read(path, work.options.axes), labels
