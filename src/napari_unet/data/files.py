"""Writing files so that a crash, a full disk or a second run never leaves half of one."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary name beside ``path`` that becomes ``path`` when the block ends without an error.

    Parameters
    ----------
    path
        Where the finished file shall stand. Its folder is created.

    Yields
    ------
    pathlib.Path
        The name to write to, with the same suffix. It is removed if the block raises.

    Raises
    ------
    OSError
        If it cannot be written, under the name of ``path``.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_path(folder / "notes.txt") as temporary:
    ...     _ = temporary.write_text("kept")
    >>> [file.name for file in folder.iterdir()]
    ['notes.txt']
    """
    target = Path(path)
    # Cut short: a name may be as long as the system allows. The number alone makes it one of its own.
    temporary = target.with_name(f".{target.stem[:40]}-{uuid.uuid4().hex[:8]}{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
        usual_mode = temporary.stat().st_mode
        temporary.unlink()
        yield temporary
        # Some libraries write files that nobody else may read, which is no use in a shared folder.
        temporary.chmod(usual_mode)
        os.replace(temporary, target)
    except OSError as error:
        # A temporary name, or none at all, tells a person nothing.
        ours = {"None", *map(str, (temporary, *target.parents))}
        if error.errno is None or str(error.filename) not in ours:
            raise
        raise OSError(error.errno, error.strerror, str(target)) from error
    finally:
        with suppress(OSError):  # where there can be no such file, there is none
            temporary.unlink()


def numbered(path: Path) -> Path:
    """Give a free name beside a path: ``cells.run.1`` for a folder, ``cells.1.tif`` for a file, then 2, 3 and so on.

    Parameters
    ----------
    path
        The name that is taken; the suffix of a file says what it is, and stays the last part.

    Returns
    -------
    pathlib.Path
        A name that nothing has.

    Examples
    --------
    >>> numbered(Path("no such folder", "cells.tif")).name
    'cells.1.tif'
    """
    names = (f"{path.name}.{n}" if path.is_dir() else f"{path.stem}.{n}{path.suffix}" for n in count(1))
    return next(free for free in map(path.with_name, names) if not free.exists())
