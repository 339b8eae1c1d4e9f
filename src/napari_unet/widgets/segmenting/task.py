"""What the dock *Segment* can be busy with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari_unet.widgets._dock import Level


class Task(Protocol):
    """Something that runs beside the window, once."""

    @property
    def title(self) -> str:
        """What is done, while it is done."""

    @property
    def share(self) -> float | None:
        """Part that is done, 0 … 1; None: it has not begun yet."""

    @property
    def text(self) -> str:
        """How far it is, in words."""

    def make_events(self) -> Generator[Any]:
        """Do it; called in the other thread."""

    def take(self, events: Sequence[Any]) -> None:
        """Take what was done.

        Parameters
        ----------
        events
            Oldest first.
        """

    def close(self, problem: str) -> tuple[str, Level]:
        """Tidy up, and say what came of it.

        Parameters
        ----------
        problem
            Why it ended before its time; empty: it did not, or a person stopped it.
        """
