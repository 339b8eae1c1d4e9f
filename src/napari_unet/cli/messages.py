"""What goes to the terminal besides results: lines and progress bars on stderr."""

from __future__ import annotations

import sys

from tqdm import tqdm


def say(message: str) -> None:
    """Write a line to stderr, above a progress bar if there is one.

    Parameters
    ----------
    message
        One or more lines.
    """
    with tqdm.external_write_mode(sys.stderr):
        print(message, file=sys.stderr, flush=True)


def report(result: str) -> None:
    """Write a line of the result to stdout, above a progress bar if there is one.

    Parameters
    ----------
    result
        One or more lines.
    """
    with tqdm.external_write_mode(sys.stdout):
        print(result, flush=True)


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
