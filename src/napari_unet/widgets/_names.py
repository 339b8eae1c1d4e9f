"""Names of folders that are made later."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: A folder that was named may not be there yet when the next one is, as with two viewers within a second.
_given: set[Path] = set()


def name_folder(parent: Path) -> Path:
    """Name a folder that does not exist, and that nobody was given before.

    Parameters
    ----------
    parent
        Where it will be.

    Returns
    -------
    pathlib.Path
        Named after the time; who fills it makes it.
    """
    name = time.strftime("%Y-%m-%d %H-%M-%S")
    names = [name, *(f"{name} ({number})" for number in range(2, 100))]
    folder = next(folder for folder in map(parent.joinpath, names) if folder not in _given and not folder.exists())
    _given.add(folder)
    return folder
