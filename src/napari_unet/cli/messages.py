"""What goes to the terminal besides results: lines and progress bars on stderr."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from tqdm import tqdm


def prepare_streams() -> None:
    """Make stdout and stderr take everything: a name that they cannot encode must not end the work.

    A stream that is closed leads nowhere from now on.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # open as long as the process is
        elif isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def say(message: str) -> None:
    """Write a line to stderr, above a progress bar if there is one.

    Parameters
    ----------
    message
        One or more lines.
    """
    _write(message, sys.stderr)


def report(result: str) -> None:
    """Write a line of the result to stdout, above a progress bar if there is one.

    Parameters
    ----------
    result
        One or more lines.
    """
    _write(result, sys.stdout)


def _write(text: str, stream: TextIO) -> None:
    """Write a line; when nobody reads any more (``| head``), the work goes on and the rest leads nowhere."""
    try:
        with tqdm.external_write_mode(stream):
            print(text, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def error_text(error: BaseException) -> str:
    """Say what went wrong, in words for people.

    Parameters
    ----------
    error
        What was raised.

    Returns
    -------
    str
        The message, without numbers of the operating system.

    Examples
    --------
    >>> error_text(OSError(28, "No space left on device", "out/a.tif"))
    'out/a.tif: No space left on device'
    """
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}"
    return str(error) or type(error).__name__
