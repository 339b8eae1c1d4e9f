"""Segmenting files, one after the other; a file that fails does not stop the others, and none is made twice."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.axes import CANONICAL, from_canonical, spatial_axes
from napari_unet.config.execution import ExecutionConfig
from napari_unet.data.reading import Image, read_image
from napari_unet.data.room import map_file
from napari_unet.data.writing import write_float, write_labels
from napari_unet.errors import InputError
from napari_unet.inference.events import Event, FileAdvanced, FileDone, FileFailed, FileStarted, PlaneDone
from napari_unet.inference.report import Entry, Origin, read_report
from napari_unet.inference.segment import SegmentedPlane, Segmenter, TilePredicted
from napari_unet.inference.uncertainty import uncertainty
from napari_unet.models.giving_way import GivingWay, resting
from napari_unet.models.memory_reuse import reuse_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

    from napari_unet.inference.options import SegmentOptions
    from napari_unet.models.model_file import ModelCard, TrainedModel

    Reader = Callable[[Path, str | None], Image]

#: Folders in the output folder where these go, so that labels keep the names of their images.
PROBABILITIES, UNCERTAINTY = "probabilities", "uncertainty"
#: Settings that do not change a result.
_WITHOUT_EFFECT: dict[str, Any] = {"tiling": {"tile_px"}, "execution": {"device"}}


def segment_files(
    model: TrainedModel,
    files: list[Path],
    output: Path,
    options: SegmentOptions,
    read: Reader = read_image,
    way: GivingWay | None = None,
) -> Generator[Event, None, None]:
    """Segment files into a folder; closing the generator keeps the files that are done.

    A file is skipped if its results are there, made by the same model with the same settings from the file as it is
    now: the report in the output folder tells (`napari_unet.inference.report`).

    Parameters
    ----------
    model
        The model.
    files
        Images of any kind that ``read`` reads.
    output
        Folder for ``<stem>.tif``, for ``probabilities/<stem>.tif`` and ``uncertainty/<stem>.tif`` where these are
        wanted, and for the report.
    options
        How.
    read
        Reads an image, given its path and the axes it has according to the options.
    way
        While it holds, the network rests between two layers, if it is computed on the processor. None: it never does.

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
    entries = plan_entries(model.card, files, output, options)
    segmenter = Segmenter(model, options.tiling, options.instances, options.execution)
    network, device = segmenter.predictor.network, segmenter.predictor.device
    with reuse_memory(device), resting(network, way, lambda seconds: None):
        for entry in entries:
            settled = None if options.again else entry.settle()
            if settled:
                yield settled
                continue
            with closing(segment_file(segmenter, entry, options, read)) as events:
                yield from entry.follow(events)


def plan_entries(card: ModelCard, files: list[Path], output: Path, options: SegmentOptions) -> list[Entry]:
    """Plan what is written for each file, and make sure that it can be.

    Parameters
    ----------
    card
        What the model is.
    files, output, options
        As in `segment_files`.

    Returns
    -------
    list of Entry
        One a file; its origin is that of the file as it is now.

    Raises
    ------
    InputError
        As from `plan_targets`, or if the output folder holds something else under the name of the report.
    OSError
        If nothing can be written to the output folder.
    """
    targets, report = plan_targets(files, output, options), read_report(output)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=output):
        return [
            Entry(path, _origin(path, card, options), output, _results(target, options), report.get(target.name))
            for path, target in targets.items()
        ]


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
    taken: dict[Path, Path] = {}
    images = {_identity(path) for path in files if path.exists()}
    for path in files:
        target = output / f"{path.stem.removesuffix('.ome')}.tif"
        if target in taken:
            raise InputError(f"{taken[target]} and {path} would both be written to {target}; rename one of them.")
        for result in _results(target, options):
            if result.exists() and _identity(result) in images:
                raise InputError(f"{path}: its result would overwrite the image {result}; give another output folder.")
        taken[target] = path
        targets[path] = target
    return targets


def _identity(path: Path) -> tuple[int, int]:
    """Tell a file by what two ways to it have in common, whatever they are called."""
    status = path.stat()
    return status.st_dev, status.st_ino


def segment_file(
    segmenter: Segmenter, entry: Entry, options: SegmentOptions, read: Reader = read_image
) -> Generator[Event, None, None]:
    """Segment one file, whatever there is already.

    Parameters
    ----------
    segmenter
        The model, ready for use.
    entry
        The file and its results.
    options, read
        As in `segment_files`.

    Yields
    ------
    Event
        Those of this file.

    Raises
    ------
    OSError
        If the results cannot be written.
    """
    try:
        yield from _segment_file(segmenter, entry, options, read)
    except InputError as error:
        yield FileFailed(entry.path, str(error))
    except MemoryError as error:
        yield FileFailed(entry.path, str(error) or "There is not enough memory for it. Close other programs.")


def _segment_file(segmenter: Segmenter, entry: Entry, options: SegmentOptions, read: Reader) -> Iterator[Event]:
    """Segment one file; finished planes wait on the disk, not in memory, until all are done."""
    began, n_cells, path = time.perf_counter(), 0, entry.path
    image = _read(read, path, options.axes)
    n_times, _, n_slices, *_ = image.shape
    if 0 in image.shape:
        raise InputError(f"{path}: there is no pixel in it, its size is {image.shape} in the order {CANONICAL}.")
    yield FileStarted(path, n_times * n_slices, image.axes, image.guessed)
    with ExitStack() as files:
        room = partial(_make_room, files, image)
        labels, further = room(1, np.int32), _further_results(segmenter, options, room)
        done, total = 0, n_times * n_slices
        for part in _parts(segmenter, image, keep_probabilities=bool(further)):
            if isinstance(part, TilePredicted):
                yield FileAdvanced(path, (done + part.share) / total)
                continue
            labels[part.t, 0, part.z] = part.labels
            for kept, make in further:
                kept[part.t, :, part.z] = make(part.probabilities)
            done, n_cells = done + 1, n_cells + part.n_cells
            yield PlaneDone(path, done, total)
        entry.set_aside()
        for (kept, _), target in zip(further, entry.results[1:], strict=True):
            _write(write_float, target, kept, image)
        _write(partial(write_labels, sealed=True), entry.results[0], labels, image)
    seconds = time.perf_counter() - began
    yield FileDone(path, entry.results[0], n_cells if segmenter.makes_instances else None, seconds)


def _read(read: Reader, path: Path, axes: str | None) -> Image:
    """Read an image; what the system refuses is a failure of this file, and not of the folder of results."""
    try:
        return read(path, axes)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from error


def _parts(segmenter: Segmenter, image: Image, *, keep_probabilities: bool) -> Iterator[TilePredicted | SegmentedPlane]:
    """Segment tile by tile; a lazy image may raise whatever its reader raises, and only now."""
    try:
        yield from segmenter.parts(image.data, keep_probabilities=keep_probabilities)
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError(f"{image.path}: could not be segmented ({type(error).__name__}: {error}).") from error


def _results(target: Path, options: SegmentOptions) -> tuple[Path, ...]:
    """Give the files that are written beside and with the labels."""
    folders = [PROBABILITIES] * options.probabilities + [UNCERTAINTY] * options.uncertainty
    return (target, *(target.parent / folder / target.name for folder in folders))


def _origin(path: Path, card: ModelCard, options: SegmentOptions) -> Origin:
    """Write down what the results of a file depend on."""
    recipe = card.recipe.model_copy(
        update={
            "tiling": options.tiling or card.recipe.tiling,
            "instances": options.instances or card.recipe.instances,
            "execution": options.execution or ExecutionConfig(),
        }
    )
    settings = recipe.model_dump(include={"tiling", "instances", "execution"}, exclude=_WITHOUT_EFFECT)
    status = path.stat() if path.exists() else None
    return Origin(
        image=str(path.absolute()),
        size_bytes=status and status.st_size,
        modified_ns=status and status.st_mtime_ns,
        model=card.card_sha256,
        settings=settings | {"axes": options.axes},
    )


def _make_room(files: ExitStack, image: Image, n_channels: int, dtype: DTypeLike) -> NDArray[Any]:
    """Make room on the disk for a result of an image, as long as the files are open."""
    shape = (image.shape[0], n_channels, *image.shape[2:])
    return map_file(files.enter_context(tempfile.TemporaryFile()), shape, dtype)


def _further_results(
    segmenter: Segmenter, options: SegmentOptions, room: Callable[[int, DTypeLike], NDArray[Any]]
) -> list[tuple[NDArray[np.float32], Callable[[Any], NDArray[np.float32]]]]:
    """Make room for what is wanted beside the labels, and say how it is made of the probabilities of a plane."""
    results: list[tuple[NDArray[np.float32], Callable[[Any], NDArray[np.float32]]]] = []
    if options.probabilities:
        # One channel says it all of cells, classes need one each.
        n_channels = 1 if segmenter.makes_instances else segmenter.card.n_classes
        results.append((room(n_channels, np.float32), lambda made: made[-n_channels:]))
    if options.uncertainty:
        results.append((room(1, np.float32), lambda made: uncertainty(made)[None]))
    return results


def _write(writer: Callable[..., None], path: Path, data: NDArray[np.generic], image: Image) -> None:
    """Write TCZYX data with the axes, pixel size and time interval of the image."""
    axes = spatial_axes(image.axes)
    axes = axes if data.shape[1] == 1 else "".join(axis for axis in CANONICAL if axis in axes + "C")
    writer(path, from_canonical(data, axes), axes, image.calibration)
