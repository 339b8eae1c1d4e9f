"""Annotations on the disk while one paints: one file a plane, so that a stroke writes only what it changed.

A folder belongs to the program that holds its lock. The system releases the lock of a program that was killed, which
shows that its annotation was not closed properly and can be continued.
"""

from __future__ import annotations

import re
import tempfile
import threading
import time
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from filelock import FileLock, Timeout

from napari_unet.data.annotation_counts import AnnotationCounts, Plane, count_labels
from napari_unet.data.annotation_note import FOLDER, NOTE, AnnotationNote, read_note
from napari_unet.data.files import atomic_path
from napari_unet.data.tiff import reading
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_LOCK = ".lock"


class AnnotationStore:
    """Folder of one annotation. It is made, and locked, by the first pixel that is written.

    Parameters
    ----------
    project
        Project folder that it stands in.
    name
        What to call the folder; a number is added if there is one.

    Attributes
    ----------
    folder
        None: nothing was written yet.
    counts
        Pixels of each label as they are on the disk.

    Examples
    --------
    >>> from pathlib import Path
    >>> store = AnnotationStore(Path(tempfile.mkdtemp()), "cells")
    >>> store.write_plane((), np.array([[0, 1, 2]], np.uint16))
    {1: 1, 2: 1}
    >>> note = AnnotationNote(name="cells", scheme="sparse", shape=(1, 3), dtype="uint16", geometry={})
    >>> store.write_note(note)
    >>> store.release()
    >>> reopen(store.folder).read()[0]
    array([[0, 1, 2]], dtype=uint16)
    """

    def __init__(self, project: Path, name: str) -> None:
        self.folder: Path | None = None
        self.counts = AnnotationCounts()
        self._project = project
        self._name = re.sub(r"[^\w\- ]+", "_", name).strip() or "annotation"
        self._sums: dict[Plane, int] = {}
        self._lock: FileLock | None = None
        self._busy = threading.RLock()

    def write_plane(self, plane: Plane, labels: NDArray[Any]) -> dict[int, int]:
        """Write a plane, unless the disk has it so already.

        Parameters
        ----------
        plane
            Its index along all axes but the last two.
        labels
            Its pixels, (Y, X) integers.

        Returns
        -------
        dict of int to int
            Pixels of each label.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        with self._busy:
            counts = count_labels(labels)
            if not counts and plane not in self._sums:
                return counts
            total, file = _checksum(labels), self._hold() / _file_name(plane)
            if self._sums.get(plane) != total or not file.exists():
                with atomic_path(file) as temporary:
                    tifffile.imwrite(temporary, labels, compression="zlib", compressionargs={"level": 1})
                self._sums[plane] = total
                self.counts.replace(plane, counts)
            return counts

    def write_note(self, note: AnnotationNote) -> None:
        """Write what the annotation is, if any pixel of it was written.

        Parameters
        ----------
        note
            Cells, planes and time are filled in.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        with self._busy:
            if self.folder is None:
                return
            n_cells = self.counts.tally(note.scheme, 0).n_cells
            full = note.model_copy(update={"n_cells": n_cells, "n_planes": len(self._sums), "saved": time.time()})
            with atomic_path(self._hold() / NOTE) as temporary:
                temporary.write_text(full.model_dump_json(indent=1), encoding="utf-8")

    def read(self) -> tuple[NDArray[Any], list[Path]]:
        """Read the annotation.

        Returns
        -------
        numpy.ndarray
            The whole array.
        list of pathlib.Path
            Files that are damaged; their planes are empty.

        Raises
        ------
        InputError
            If the note is damaged.
        """
        assert self.folder is not None
        note = read_note(self.folder)
        array, damaged = blank_labels(note.shape, note.dtype), []
        for plane, file in _plane_files(self.folder):
            try:
                with reading(file):
                    array[plane] = tifffile.imread(file)
            except InputError:
                damaged.append(file)
                continue
            self._sums[plane] = _checksum(array[plane])
            self.counts.replace(plane, count_labels(array[plane]))
        return array, damaged

    def lock(self) -> bool:
        """Take the folder for this program; tell whether it was free."""
        assert self.folder is not None
        lock = FileLock(self.folder / _LOCK, thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
        except OSError:
            # A folder that cannot be written to can still be read; saving will tell.
            return True
        self._lock = lock
        return True

    def release(self) -> None:
        """Leave the folder to others."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @property
    def planes(self) -> list[Plane]:
        """Indices of the planes that have a file."""
        return sorted(self._sums)

    def sibling(self) -> AnnotationStore:
        """Give a store beside it, for an array of another shape."""
        return AnnotationStore(self._project, self._name)

    def _hold(self) -> Path:
        """Make the folder if there is none yet."""
        if self.folder is None:
            self.folder = _make_folder(self._project / FOLDER, self._name)
            self.lock()
        return self.folder


def reopen(folder: Path) -> AnnotationStore:
    """Give the store of an annotation that is on the disk already; it is not locked yet.

    Parameters
    ----------
    folder
        See `find_annotations`.
    """
    store = AnnotationStore(folder.parent.parent, folder.name)
    store.folder = folder
    return store


def blank_labels(shape: tuple[int, ...], dtype: Any = np.uint16) -> NDArray[Any]:
    """Make an array of zeros that needs memory only where something is written.

    Parameters
    ----------
    shape
        Any shape, also one larger than the memory: it then lies in a temporary file.
    dtype
        Integers; 16 bits count up to 65535 cells.
    """
    try:
        return np.zeros(shape, dtype)
    except MemoryError:
        with tempfile.TemporaryFile() as file:
            return np.memmap(file, dtype, "w+", shape=shape)


def _make_folder(parent: Path, name: str) -> Path:
    """Make a folder that nobody else has."""
    parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, 10_000):
        folder = parent / (name if number == 1 else f"{name} ({number})")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{parent} is full of folders named '{name}'")


def _file_name(plane: Plane) -> str:
    """Name the file of a plane."""
    return "_".join(["plane", *(f"{place:05d}" for place in plane)]) + ".tif"


def _checksum(labels: NDArray[Any]) -> int:
    """Sum up pixels so that a change shows."""
    return zlib.crc32(np.ascontiguousarray(labels).data)


def _plane_files(folder: Path) -> Iterator[tuple[Plane, Path]]:
    """Find the planes that have a file."""
    for file in sorted(folder.glob("plane*.tif")):
        yield tuple(int(place) for place in file.stem.split("_")[1:]), file
