"""Annotations on the disk that nobody works on: finding and deleting them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from napari_unet.data.annotation_note import FOLDER, NOTE, AnnotationNote, read_note
from napari_unet.data.annotation_store import reopen
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def find_annotations(home: Path) -> list[tuple[Path, AnnotationNote]]:
    """Find the annotations that nobody works on.

    Parameters
    ----------
    home
        Folder of the project folders.

    Returns
    -------
    list of (pathlib.Path, AnnotationNote)
        Folder and note of each, the newest first.
    """
    found = []
    for file in home.glob(f"*/{FOLDER}/*/{NOTE}"):
        try:
            note = read_note(file.parent)
        except InputError:
            continue
        store = reopen(file.parent)
        if store.lock():
            store.release()
            found.append((file.parent, note))
    return sorted(found, key=lambda entry: entry[1].saved, reverse=True)


def delete_annotation(folder: Path) -> None:
    """Delete an annotation for good.

    Raises
    ------
    InputError
        If somebody works on it.
    """
    store = reopen(folder)
    if not store.lock():
        raise InputError(f"The annotation in {folder} is open in another window; close it there first.")
    store.release()
    shutil.rmtree(folder)
