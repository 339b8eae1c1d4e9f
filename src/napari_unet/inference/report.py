"""The report of an output folder: what was made of which file, and how, so that nothing is made twice."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_unet.data.files import atomic_path, numbered
from napari_unet.data.seal import is_sealed
from napari_unet.errors import InputError
from napari_unet.inference.events import Event, FileDone, FileFailed, FileSkipped, FileStarted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: Name of the report in the output folder.
REPORT = "segmentation.json"
#: Folder in it for labels that a person corrected, and wanted made again all the same.
REPLACED = "replaced"
#: What else can be done about labels that are in the way; each program adds how.
MAKE_AGAIN = "ask for everything to be made again"


class Origin(BaseModel):
    """All that a result depends on; of equal origins, results are equal.

    Attributes
    ----------
    image
        Absolute path of the image.
    size_bytes, modified_ns
        Size and time of the last change of the image; None: it is no file.
    model
        Checksum of the model; empty: the model was never saved.
    settings
        Settings that make a difference.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str
    size_bytes: int | None
    modified_ns: int | None
    model: str
    settings: dict[str, Any]

    @property
    def is_known(self) -> bool:
        """Whether another file or another model would have another origin."""
        return bool(self.model) and self.size_bytes is not None

    def is_other_image(self, later: Origin) -> bool:
        """Tell whether a later image of the same name is another one: neither in the same place, nor moved as it is."""
        content = (self.size_bytes, self.modified_ns) == (later.size_bytes, later.modified_ns)
        return self.image != later.image and not content


class FileRecord(BaseModel):
    """What the report says of a file.

    Attributes
    ----------
    state
        How it ended.
    origin
        What the results were made of, or would have been.
    axes
        Axes of the image, as they were read.
    n_planes
        Planes of the image.
    n_cells
        Cells over all planes; None: the labels are classes, or there are none.
    seconds
        Time it took.
    message
        Why it failed.
    results
        SHA-256 of each file written last, by its path in the output folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Literal["done", "failed"]
    origin: Origin
    axes: str = ""
    n_planes: int = 0
    n_cells: int | None = None
    seconds: float | None = None
    message: str = ""
    results: dict[str, str] = {}


def read_report(folder: Path) -> dict[str, FileRecord]:
    """Read the report of an output folder.

    Parameters
    ----------
    folder
        The output folder; may be absent.

    Returns
    -------
    dict of str to FileRecord
        By the file name of the labels.

    Raises
    ------
    InputError
        If there is a file of that name that is no report.
    """
    try:
        return {name: FileRecord.model_validate(values) for name, values in _read(folder).items()}
    except ValidationError:
        raise _foreign(folder / REPORT) from None


@dataclass(frozen=True)
class Entry:
    """The place of one file in a report.

    Attributes
    ----------
    path
        The image.
    origin
        What its results shall be made of.
    folder
        The output folder.
    results
        Files to write, the labels first.
    before
        What the report said of it when this run began.
    """

    path: Path
    origin: Origin
    folder: Path
    results: tuple[Path, ...]
    before: FileRecord | None = None

    def settle(self) -> FileSkipped | FileFailed | None:
        """Tell of a file that is not to be segmented.

        Returns
        -------
        FileSkipped, FileFailed or None
            Its results are there already; or there are labels that this program did not make, or that were changed
            since, and what a person did is never overwritten; or None: it is to be segmented.
        """
        record, labels = self.before, self.results[0]
        if record is None:
            return self._protect("was not made by this program")
        if record.origin.is_other_image(self.origin) and labels.is_file():
            return FileFailed(
                self.path,
                f"{labels} was made of another image of this name, {record.origin.image}, and was not overwritten. "
                f"Give another output folder, or {MAKE_AGAIN}.",
            )
        complete = all(self._key(file) in record.results and file.is_file() for file in self.results)
        if record.state == "done" and complete and self.origin.is_known and record.origin == self.origin:
            return FileSkipped(self.path, labels, record.n_cells)
        return self._protect("was changed after it was made")

    def set_aside(self) -> None:
        """Keep labels that are about to be overwritten, if a person had a hand in them.

        Raises
        ------
        OSError
            If they cannot be moved.
        """
        if self._protect("is kept") is not None:
            kept = self.folder / REPLACED
            kept.mkdir(exist_ok=True)
            self.results[0].rename(numbered(kept / self.results[0].name))

    def _protect(self, trouble: str) -> FileFailed | None:
        """Refuse to overwrite labels that are neither those of which the report tells, nor sealed.

        Those of a run that was cut off before it could tell are sealed.
        """
        labels = self.results[0]
        made = self.before.results.get(self._key(labels), "") if self.before else ""
        if not labels.is_file() or _digest(labels) == made or is_sealed(labels):
            return None
        advice = f"Move it to another folder, or {MAKE_AGAIN}: it is kept in '{REPLACED}' then."
        return FileFailed(self.path, f"{labels} {trouble}, and was not overwritten. {advice}")

    def follow(self, events: Iterable[Event]) -> Iterator[Event]:
        """Pass on the events of the file, and write into the report how it ended before telling it.

        Parameters
        ----------
        events
            As the file is segmented.

        Yields
        ------
        Event
            The same.
        """
        details: dict[str, Any] = {}
        for event in events:
            if isinstance(event, FileStarted):
                details = {"axes": event.axes, "n_planes": event.n_planes}
            elif isinstance(event, FileDone):
                results = {self._key(file): _digest(file) for file in self.results}
                details |= {"n_cells": event.n_cells, "seconds": round(event.seconds, 3), "results": results}
                self._write(FileRecord(state="done", origin=self.origin, **details))
            elif isinstance(event, FileFailed):
                details |= {"message": event.message, "results": self.before.results if self.before else {}}
                self._write(FileRecord(state="failed", origin=self.origin, **details))
            yield event

    def _write(self, record: FileRecord) -> None:
        """Add to the report as it is now: another process may write to the same folder."""
        records = _read(self.folder) | {self.results[0].name: record.model_dump()}
        # One line a file: readable, and quick to write for many thousand files.
        lines = (f"{json.dumps(name)}: {json.dumps(values)}" for name, values in records.items())
        with atomic_path(self.folder / REPORT) as temporary:
            temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")

    def _key(self, file: Path) -> str:
        """Name a result within the output folder."""
        return file.relative_to(self.folder).as_posix()


def _read(folder: Path) -> dict[str, Any]:
    """Read the report as it stands in the file."""
    path = folder / REPORT
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise _foreign(path)
    return values


def _foreign(path: Path) -> InputError:
    """Say that a file is no report, which must not be overwritten then."""
    return InputError(f"{path}: no report of this version of napari-unet. Move it, or give another output folder.")


def _digest(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
