"""What became of each file of a batch, in words. Knows nothing of Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from napari_unet.inference.events import Event, FileAdvanced, FileDone, FileFailed, FileSkipped, FileStarted, PlaneDone
from napari_unet.training.pace import duration

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

State = Literal["waiting", "running", "done", "failed", "skipped"]

_WORDS = {"waiting": "waiting", "done": "done", "failed": "failed", "skipped": "was done"}
_MOST_NAMES = 3


@dataclass
class Row:
    """A file and what became of it.

    Attributes
    ----------
    path
        The file.
    state
        How far it is.
    done, total
        Planes done, and of how many.
    predicted
        Part of the pixels that is predicted, 0 … 1.
    n_cells
        Cells; None: the labels are classes, or there are none yet.
    seconds
        Time it took.
    message
        Why it failed.
    written
        The labels.
    """

    path: Path
    state: State = "waiting"
    done: int = 0
    total: int = 0
    predicted: float = 0.0
    n_cells: int | None = None
    seconds: float | None = None
    message: str = ""
    written: Path | None = None

    def follow(self, event: Event) -> None:
        """Take over what happened to the file."""
        if isinstance(event, FileStarted):
            self.state, self.total = "running", event.n_planes
        elif isinstance(event, PlaneDone):
            self.done = event.done
        elif isinstance(event, FileAdvanced):
            self.predicted = event.share
        elif isinstance(event, FileDone):
            self.state, self.written = "done", event.written
            self.n_cells, self.seconds = event.n_cells, event.seconds
        elif isinstance(event, FileSkipped):
            self.state, self.written, self.n_cells = "skipped", event.written, event.n_cells
        elif isinstance(event, FileFailed):
            self.state, self.message = "failed", event.message

    @property
    def share(self) -> float:
        """Part that is done, 0 … 1."""
        if self.state == "running":
            return self.predicted
        return float(self.state != "waiting")

    def texts(self) -> tuple[str, str, str, str]:
        """Write the cells of the table."""
        state = self._progress() if self.state == "running" else _WORDS[self.state]
        n_cells = "" if self.n_cells is None else str(self.n_cells)
        return self.path.name, state, n_cells, "" if self.seconds is None else f"{self.seconds:.1f} s"

    def _progress(self) -> str:
        """Write how far the file is."""
        return f"{self.done}/{self.total} planes" if self.total > 1 else f"{self.predicted:.0%}"

    def sort_keys(self) -> tuple[str, str, int, float]:
        """Give what each column is sorted by."""
        unknown = -1
        return (
            self.path.name.lower(),
            self.texts()[1],
            unknown if self.n_cells is None else self.n_cells,
            unknown if self.seconds is None else self.seconds,
        )


def advance(rows: Collection[Row], seconds: float) -> tuple[float, str]:
    """Tell how far a batch is.

    Parameters
    ----------
    rows
        Its files, at least one.
    seconds
        Time since it began.

    Returns
    -------
    tuple of (float, str)
        Part that is done, 0 … 1, and the same in words with the time left.
    """
    # Files that were done before took no time, and tell nothing of how long the others will take.
    shares = [row.share for row in rows if row.state != "skipped"]
    share = sum(shares) / len(shares) if shares else 1.0
    left = f", {duration(seconds * (1 - share) / share)} left" if 0 < share < 1 else ""
    n_ended = sum(row.share == 1 for row in rows)
    return sum(row.share for row in rows) / len(rows), f"{n_ended} of {len(rows)} files{left}"


def summary(rows: Collection[Row]) -> tuple[str, Literal["info", "warning"]]:
    """Say how a batch ended.

    Parameters
    ----------
    rows
        Its files.

    Returns
    -------
    tuple of (str, str)
        A sentence that names what failed, and how bad that is.

    Examples
    --------
    >>> from pathlib import Path
    >>> summary([Row(Path("a.tif"), "done"), Row(Path("b.tif"), "failed")])
    ('1 done, 1 failed (b.tif).', 'warning')
    """
    names = {state: [row.path.name for row in rows if row.state == state] for state in _WORDS}
    failed = names["failed"]
    parts = [f"{len(names['done'])} done"]
    if failed:
        more = f" and {len(failed) - _MOST_NAMES} more" if len(failed) > _MOST_NAMES else ""
        parts.append(f"{len(failed)} failed ({', '.join(failed[:_MOST_NAMES])}{more})")
    if names["skipped"]:
        parts.append(f"{len(names['skipped'])} skipped, done before")
    if names["waiting"]:
        parts.append(f"{len(names['waiting'])} still to do")
    return ", ".join(parts) + ".", "warning" if failed else "info"
