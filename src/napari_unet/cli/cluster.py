"""Segmenting on a dask cluster: one task a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet.errors import InputError
from napari_unet.inference.batch import plan_entries, segment_file
from napari_unet.inference.events import Event, FileFailed
from napari_unet.inference.segment import Segmenter

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from napari_unet.inference.options import SegmentOptions
    from napari_unet.inference.report import Entry
    from napari_unet.models.model_file import TrainedModel

Job = tuple["TrainedModel", "list[Path]", "Path", "SegmentOptions"]


def segment_on_cluster(address: str, job: Job) -> Generator[Event]:
    """Segment files on the workers of a cluster that see the same folders.

    Parameters
    ----------
    address
        Of the scheduler, such as "tcp://10.0.0.1:8786".
    job
        Model, files, output folder and options, as for `segment_files`.

    Yields
    ------
    Event
        Those of each file, when it has ended.

    Raises
    ------
    InputError
        If `distributed` is not installed or the scheduler does not answer.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise InputError("--scheduler needs dask.distributed: pip install 'napari-unet-interactive[cluster]'") from None
    model, files, output, options = job
    entries = plan_entries(model.card, [file.absolute() for file in files], output.absolute(), options)
    try:
        client = Client(address)
    except (OSError, ValueError) as error:
        raise InputError(f"--scheduler {address}: no answer from there ({error}). Check the address.") from None
    with client:
        shared = client.scatter(model, broadcast=True)
        futures = {}
        for entry in entries:
            if settled := None if options.again else entry.settle():
                yield settled
            else:
                futures[client.submit(_segment_one, shared, entry, options, pure=False)] = entry
        for future in as_completed(futures):
            yield from futures[future].follow(_outcome(future, futures[future].path))


def _segment_one(model: TrainedModel, entry: Entry, options: SegmentOptions) -> list[Event]:
    """Segment one file, on a worker."""
    segmenter = Segmenter(model, options.tiling, options.instances, options.execution)
    return list(segment_file(segmenter, entry, options))


def _outcome(future: Any, file: Path) -> list[Event]:
    """Give the events of a file; a worker that died counts as a failure."""
    try:
        events: list[Event] = future.result()
    except Exception as error:  # whatever a worker raised comes back as it was
        return [FileFailed(file, f"the worker failed ({error})")]
    return events
