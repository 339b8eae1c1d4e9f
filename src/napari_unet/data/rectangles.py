"""Rectangles of pixels: a slice with both ends along each axis."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

Rectangle: TypeAlias = tuple[slice, ...]


def whole(shape: Sequence[int]) -> Rectangle:
    """Give the rectangle of a whole array.

    Examples
    --------
    >>> whole((4, 5))
    (slice(0, 4, None), slice(0, 5, None))
    """
    return tuple(slice(0, size) for size in shape)


def enclose(mask: NDArray[np.bool_]) -> Rectangle | None:
    """Give the smallest rectangle of a plane that holds all marked pixels; None: none is marked.

    Examples
    --------
    >>> enclose(np.array([[False, False, False], [False, True, True]]))
    (slice(1, 2, None), slice(1, 3, None))
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def grow(rectangle: Rectangle, margins: Sequence[int], shape: Sequence[int]) -> Rectangle:
    """Grow a rectangle on both sides of each axis, as far as the array goes.

    Examples
    --------
    >>> grow((slice(1, 2), slice(3, 4)), (2, 1), (9, 9))
    (slice(0, 4, None), slice(2, 5, None))
    """
    return tuple(
        slice(max(part.start - margin, 0), min(part.stop + margin, size))
        for part, margin, size in zip(rectangle, margins, shape, strict=True)
    )


def split(rectangle: Rectangle, largest: Sequence[int]) -> Iterator[Rectangle]:
    """Cut a rectangle into parts of nearly equal size, none larger than given.

    Examples
    --------
    >>> list(split((slice(2, 7),), (3,)))
    [(slice(2, 4, None),), (slice(4, 7, None),)]
    """
    axes = []
    for part, most in zip(rectangle, largest, strict=True):
        length, count = part.stop - part.start, -(-(part.stop - part.start) // most)
        cuts = [part.start + length * number // count for number in range(count + 1)]
        axes.append([slice(*ends) for ends in pairwise(cuts)])
    yield from product(*axes)


def union(first: Rectangle, second: Rectangle) -> Rectangle:
    """Give the smallest rectangle that holds both.

    Examples
    --------
    >>> union((slice(1, 2),), (slice(5, 9),))
    (slice(1, 9, None),)
    """
    return tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(first, second, strict=True))


def within(rectangle: Rectangle, frame: Rectangle) -> Rectangle:
    """Give a rectangle as counted from the corner of another.

    Examples
    --------
    >>> within((slice(3, 5),), (slice(2, 9),))
    (slice(1, 3, None),)
    """
    return tuple(
        slice(part.start - outer.start, part.stop - outer.start) for part, outer in zip(rectangle, frame, strict=True)
    )
