"""What a segmentation of files tells while it runs: small frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileStarted:
    """A file has been opened.

    Attributes
    ----------
    path
        The image.
    n_planes
        Planes to segment.
    axes
        Axes of the image.
    guessed
        Whether the axes are a guess.
    """

    path: Path
    n_planes: int
    axes: str
    guessed: bool


@dataclass(frozen=True, slots=True)
class PlaneDone:
    """A plane has been segmented.

    Attributes
    ----------
    path
        The image.
    done, total
        Planes done, and of how many.
    """

    path: Path
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class FileAdvanced:
    """A tile more of a file has been predicted.

    Attributes
    ----------
    path
        The image.
    share
        Part of the file that is predicted, 0 … 1.
    """

    path: Path
    share: float


@dataclass(frozen=True, slots=True)
class FileDone:
    """The labels of a file are written.

    Attributes
    ----------
    path
        The image.
    written
        The labels.
    n_cells
        Cells over all planes; None when the labels are classes.
    seconds
        Time it took.
    """

    path: Path
    written: Path
    n_cells: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class FileFailed:
    """A file could not be segmented; nothing of it was written.

    Attributes
    ----------
    path
        The image.
    message
        What was wrong and what to do.
    """

    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class FileSkipped:
    """The labels of a file were there already: made by the same model, with the same settings, from the same file.

    Attributes
    ----------
    path
        The image.
    written
        The labels.
    n_cells
        Cells over all planes; None when the labels are classes.
    """

    path: Path
    written: Path
    n_cells: int | None


Event = FileStarted | FileAdvanced | PlaneDone | FileDone | FileFailed | FileSkipped
