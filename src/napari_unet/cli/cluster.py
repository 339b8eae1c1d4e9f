"""Segmenting on a dask cluster: one task a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet.errors import InputError
from napari_unet.inference.batch import SegmentOptions, plan_targets, segment_files
from napari_unet.inference.events import Event, FileFailed

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from napari_unet.models.model_file import TrainedModel

Job = tuple["TrainedModel", "list[Path]", "Path", SegmentOptions]


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
    plan_targets(files, output, options)
    try:
        client = Client(address)
    except (OSError, ValueError) as error:
        raise InputError(f"--scheduler {address}: no answer from there ({error}). Check the address.") from None
    with client:
        shared = client.scatter(model, broadcast=True)
        futures = {
            client.submit(_segment_one, shared, file.absolute(), output.absolute(), options, pure=False): file
            for file in files
        }
        for future in as_completed(futures):
            yield from _outcome(future, futures[future])


def _segment_one(model: TrainedModel, file: Path, output: Path, options: SegmentOptions) -> list[Event]:
    """Segment one file, on a worker."""
    return list(segment_files(model, [file], output, options))


def _outcome(future: Any, file: Path) -> list[Event]:
    """Give the events of a file; a worker that died counts as a failure."""
    try:
        events: list[Event] = future.result()
    except Exception as error:  # whatever a worker raised comes back as it was
        return [FileFailed(file, f"the worker failed ({error})")]
    return events
