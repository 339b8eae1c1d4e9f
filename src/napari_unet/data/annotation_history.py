"""Undo for annotations: what strokes changed, and which of them stand in the array now.

Other programs undo and paint in the same array. So a step is never replayed blindly: it touches only pixels that still
are as the step left them, and a step that somebody else has undone is found to be so by looking.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.data.rectangles import Rectangle, union, within

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

#: Steps, and bytes of them, that are kept; the oldest are forgotten first.
MOST_STEPS = 200
MOST_BYTES = 128 * 2**20


@dataclass(frozen=True)
class Edit:
    """One change of an array.

    Attributes
    ----------
    box
        Where it was.
    mask
        Which pixels of the box were changed, boolean; None: all.
    before, after
        Their values: one a pixel of the mask in its order, or in the shape of the box, or a single one for all.
    """

    box: Rectangle
    mask: NDArray[np.bool_] | None
    before: NDArray[Any]
    after: NDArray[Any] | int


@dataclass(eq=False)
class Step:
    """What one stroke changed.

    Attributes
    ----------
    box
        Smallest rectangle, or box in a stack, around it.
    before, after
        Values of the changed pixels, one-dimensional.
    packed
        Which pixels of the box were changed, eight a byte.
    native
        Whether the program in which one paints can undo it too.
    """

    box: Rectangle
    before: NDArray[Any] = field(repr=False)
    after: NDArray[Any] = field(repr=False)
    packed: NDArray[np.uint8] = field(repr=False)
    native: bool = True

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Which pixels of the box were changed."""
        shape = tuple(part.stop - part.start for part in self.box)
        return np.unpackbits(self.packed, count=int(np.prod(shape))).reshape(shape).view(bool)

    @property
    def n_bytes(self) -> int:
        """Memory it takes."""
        return self.before.nbytes + self.after.nbytes + self.packed.nbytes

    def stands(self, array: NDArray[Any]) -> bool:
        """Tell whether all its pixels are as it left them."""
        return bool((array[self.box][self.changed] == self.after).all())

    def is_undone(self, array: NDArray[Any]) -> bool:
        """Tell whether all its pixels are as they were before it."""
        return bool((array[self.box][self.changed] == self.before).all())

    def write(self, array: NDArray[Any], *, undo: bool) -> None:
        """Undo or redo it, in place, in those pixels that nobody else changed since.

        Parameters
        ----------
        array
            The annotation.
        undo
            Whether to undo it; else it is done again.
        """
        present, wanted = (self.after, self.before) if undo else (self.before, self.after)
        changed, region = self.changed, array[self.box]
        values = region[changed]
        region[changed] = np.where(values == present, wanted, values)

    def planes(self) -> Iterator[tuple[tuple[int, ...], NDArray[Any], NDArray[Any]]]:
        """Give, for each plane of the last two axes, its index and the values before and after."""
        changed, start = self.changed, 0
        corner = tuple(part.start for part in self.box[:-2])
        for index in np.ndindex(changed.shape[:-2]):
            stop = start + int(np.count_nonzero(changed[index]))
            if stop > start:
                place = tuple(first + step for first, step in zip(corner, index, strict=True))
                yield place, self.before[start:stop], self.after[start:stop]
            start = stop


def make_step(array: NDArray[Any], edits: Sequence[Edit]) -> Step | None:
    """Sum up the edits of a stroke.

    Parameters
    ----------
    array
        The annotation. The last edit may or may not stand in it already: napari tells of some before it makes them.
    edits
        At least one, in the order in which they were made.

    Returns
    -------
    Step or None
        None if all is as it was before.

    Examples
    --------
    >>> array = np.array([[0, 2, 2]])
    >>> step = make_step(array, [Edit((slice(0, 1), slice(1, 3)), None, np.array([[0, 1]]), 2)])
    >>> step.write(array, undo=True)
    >>> array
    array([[0, 0, 1]])
    """
    box = reduce(union, (edit.box for edit in edits))
    before = array[box].copy()
    for edit in reversed(edits):
        _put(before, edit, within(edit.box, box), edit.before)
    after = before.copy()
    for edit in edits:
        _put(after, edit, within(edit.box, box), edit.after)
    changed = before != after
    if not changed.any():
        return None
    return Step(box, before[changed], after[changed], np.packbits(changed))


class EditHistory:
    """Steps that were done, and those that were undone and can be done again.

    Attributes
    ----------
    done, undone
        Steps, the one to undo or to redo next at the end.
    """

    def __init__(self) -> None:
        self.done: list[Step] = []
        self.undone: list[Step] = []

    def add(self, step: Step) -> None:
        """Note a new step; what was undone cannot be done again after it.

        Parameters
        ----------
        step
            It stands in the array already.
        """
        self.undone.clear()
        self.done.append(step)
        n_bytes = sum(each.n_bytes for each in self.done)
        while len(self.done) > MOST_STEPS or (n_bytes > MOST_BYTES and len(self.done) > 1):
            n_bytes -= self.done.pop(0).n_bytes

    def forget(self) -> None:
        """Forget all steps."""
        self.done.clear()
        self.undone.clear()

    def let_go(self) -> None:
        """Note that nobody else can undo these steps any more."""
        for step in (*self.done, *self.undone):
            step.native = False

    def follow(self, array: NDArray[Any]) -> list[Step]:
        """Find out what somebody else has undone or done again, and note it.

        Parameters
        ----------
        array
            The annotation as it is now.

        Returns
        -------
        list of Step
            Those that were.
        """
        moved: list[Step] = []
        while self.done and self.done[-1].is_undone(array):
            moved.append(self.done.pop())
            self.undone.append(moved[-1])
        while not moved and self.undone and self.undone[-1].stands(array):
            self.done.append(self.undone.pop())
            return [self.done[-1], *self.follow(array)]
        return moved


def _put(region: NDArray[Any], edit: Edit, part: Rectangle, values: NDArray[Any] | int) -> None:
    """Write the values of an edit into a part of a region."""
    if edit.mask is None:
        region[part] = values
    else:
        region[part][edit.mask] = values
