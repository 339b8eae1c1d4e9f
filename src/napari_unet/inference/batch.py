"""Segmenting files, one after the other; a file that fails does not stop the others."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np

from napari_unet.axes import CANONICAL, from_canonical, spatial_axes
from napari_unet.data.reading import Image, read_image
from napari_unet.data.writing import write_float, write_labels
from napari_unet.errors import InputError
from napari_unet.inference.events import Event, FileDone, FileFailed, FileStarted, PlaneDone
from napari_unet.inference.segment import Segmenter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet.config.execution import ExecutionConfig
    from napari_unet.config.instances import InstancesConfig
    from napari_unet.config.tiling import TilingConfig
    from napari_unet.models.model_file import TrainedModel

#: Folder in the output folder where probabilities go, so that labels keep the names of their images.
PROBABILITIES = "probabilities"


@dataclass(frozen=True)
class SegmentOptions:
    """How files are segmented.

    Attributes
    ----------
    tiling, instances
        None: as in the recipe of the model.
    execution
        Device and precision; None: the best this machine has.
    axes
        Axes of the images; None: as the files say or as their shape suggests.
    probabilities
        Whether to write the probabilities too.
    """

    tiling: TilingConfig | None = None
    instances: InstancesConfig | None = None
    execution: ExecutionConfig | None = None
    axes: str | None = None
    probabilities: bool = False


def segment_files(
    model: TrainedModel, files: list[Path], output: Path, options: SegmentOptions
) -> Generator[Event, None, None]:
    """Segment files into a folder; closing the generator keeps the files that are done.

    Parameters
    ----------
    model
        The model.
    files
        Images of any kind that `napari_unet.data.reading` reads.
    output
        Folder for ``<stem>.tif``, and for ``probabilities/<stem>.tif`` where they are wanted.
    options
        How.

    Yields
    ------
    Event
        What happened, see `napari_unet.inference.events`.

    Raises
    ------
    InputError
        If two images, or an image and its result, would have the same file; nothing is written then.
    OSError
        If the output cannot be written.
    """
    targets = plan_targets(files, output, options)
    segmenter = Segmenter(model, options.tiling, options.instances, options.execution)
    for path, target in targets.items():
        try:
            yield from _segment_file(segmenter, path, target, options)
        except (InputError, MemoryError) as error:
            yield FileFailed(path, str(error))


def plan_targets(files: list[Path], output: Path, options: SegmentOptions) -> dict[Path, Path]:
    """Give the path of each file's result.

    Parameters
    ----------
    files, output, options
        As in `segment_files`.

    Returns
    -------
    dict
        Result by image.

    Raises
    ------
    InputError
        If a result would replace an image or another result.
    """
    targets: dict[Path, Path] = {}
    images = {_identity(path) for path in files if path.exists()}
    for path in files:
        target = output / f"{path.stem.removesuffix('.ome')}.tif"
        if target in targets.values():
            raise InputError(f"{path}: another image would be written to {target} too; rename one of them.")
        for result in [target, output / PROBABILITIES / target.name][: 1 + options.probabilities]:
            if result.exists() and _identity(result) in images:
                raise InputError(f"{path}: its result would overwrite the image {result}; give another output folder.")
        targets[path] = target
    return targets


def _identity(path: Path) -> tuple[int, int]:
    """Tell a file by what two ways to it have in common, whatever they are called."""
    status = path.stat()
    return status.st_dev, status.st_ino


def _segment_file(segmenter: Segmenter, path: Path, target: Path, options: SegmentOptions) -> Iterator[Event]:
    """Segment one file; finished planes wait on the disk, not in memory, until all are done."""
    began, n_cells = time.perf_counter(), 0
    image = read_image(path, options.axes)
    n_times, _, n_slices, *size = image.shape
    yield FileStarted(path, n_times * n_slices, image.axes, image.guessed)
    with tempfile.TemporaryFile() as labels_file, tempfile.TemporaryFile() as probabilities_file:
        labels = np.memmap(labels_file, np.int32, shape=(n_times, 1, n_slices, *size))
        kept = _room_for_probabilities(segmenter, image, probabilities_file) if options.probabilities else None
        for done, plane in enumerate(segmenter.planes(image.data, keep_probabilities=options.probabilities), start=1):
            labels[plane.t, 0, plane.z] = plane.labels
            if kept is not None and plane.probabilities is not None:
                kept[plane.t, :, plane.z] = plane.probabilities[-kept.shape[1] :]
            n_cells += plane.n_cells
            yield PlaneDone(path, done, n_times * n_slices)
        if kept is not None:
            _write(write_float, target.parent / PROBABILITIES / target.name, kept, image)
        _write(write_labels, target, labels, image)
    yield FileDone(path, target, n_cells if segmenter.makes_instances else None, time.perf_counter() - began)


def _room_for_probabilities(segmenter: Segmenter, image: Image, file: IO[bytes]) -> NDArray[np.float32]:
    """Make room on the disk: one channel says it all of cells, classes need one each."""
    n_channels = 1 if segmenter.makes_instances else segmenter.card.n_classes
    return np.memmap(file, np.float32, shape=(image.shape[0], n_channels, *image.shape[2:]))


def _write(writer: Callable[..., None], path: Path, data: NDArray[np.generic], image: Image) -> None:
    """Write TCZYX data with the axes and pixel size of the image."""
    axes = spatial_axes(image.axes)
    axes = axes if data.shape[1] == 1 else "".join(axis for axis in CANONICAL if axis in axes + "C")
    writer(path, from_canonical(data, axes), axes, image.spacing)
