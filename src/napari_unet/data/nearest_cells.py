"""Squared distances from every pixel to the nearest and to the second-nearest cell, within a reach.

Squared distances are separable: one axis after the other, a pixel takes the best of what the pixels of its line offer
plus the squared step to them. One distance transform a cell costs cells times pixels. Here a pixel carries its nearest
cell and the distance to the next one from axis to axis, so the number of cells does not matter, and every step is one
operation on whole arrays of small integers. (Arrays of ones below are no oversight: the minimum of two arrays is ten
times as fast as that of an array and a number.)

References
----------
P. F. Felzenszwalb and D. P. Huttenlocher, "Distance Transforms of Sampled Functions", Theory of Computing 8, 2012,
doi:10.4086/toc.2012.v008a019 (the separation by axes).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Integers: TypeAlias = NDArray[np.integer[Any]]
Unsigned: TypeAlias = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class Reach:
    """How far distances matter.

    Attributes
    ----------
    near
        Distance in px up to which the nearest cell is found.
    following
        Distance in px up to which the second-nearest cell is found, where the nearest lies within ``near``.
    spacing
        Size of a pixel along each axis, in px.
    """

    near: float
    following: float
    spacing: tuple[float, ...]

    @property
    def halo(self) -> tuple[int, ...]:
        """Pixels read beyond what is wanted, on both sides of each axis."""
        return tuple(math.floor(max(self.near, self.following) / size) for size in self.spacing)


@dataclass(frozen=True)
class _Code:
    """Squared distances as integers in units of 1 / scale px², and words that hold such a cost and a cell's number."""

    cost: np.dtype[np.unsignedinteger[Any]]
    word: np.dtype[np.unsignedinteger[Any]]
    scale: int

    @property
    def bits(self) -> int:
        """Bits of a cost, and of a number."""
        return 8 * self.cost.itemsize

    @property
    def none(self) -> int:
        """The cost that means: none within reach; adding a step to it does not overflow."""
        return 1 << (self.bits - 1)

    def squares(self, window: int, size: float) -> Unsigned:
        """Costs of 0 to ``window`` pixels."""
        return np.rint((np.arange(window + 1) * size) ** 2 * self.scale).astype(self.cost)

    def pack(self, cost: Unsigned, number: Integers) -> Unsigned:
        """Write the cost before the number, so that the smaller word is the nearer cell."""
        words: Unsigned = cost.astype(self.word) << self.word.type(self.bits)
        words |= number.astype(self.word, copy=False)
        return words

    def costs(self, words: Unsigned) -> Unsigned:
        """Give the costs in the words."""
        return (words >> self.word.type(self.bits)).astype(self.cost)

    def numbers(self, words: Unsigned) -> Unsigned:
        """Give the cells' numbers in the words: their low half."""
        return words.astype(self.cost)


def _code_for(cells: Integers, reach: Reach) -> _Code:
    """Take 16-bit costs where they are exact and the cells few enough, else 32 bits and as fine a unit as fits."""
    largest = max(reach.near, reach.following, 1.0) ** 2
    if all(float(size).is_integer() for size in reach.spacing) and largest < 2**15 and cells.max(initial=0) < 2**16:
        return _Code(np.dtype(np.uint16), np.dtype(np.uint32), 1)
    return _Code(np.dtype(np.uint32), np.dtype(np.uint64), 2 ** math.floor(math.log2(2**31 / (largest + 1))))


def nearest_two(cells: Integers, reach: Reach) -> tuple[Unsigned, Unsigned, int]:
    """Find the squared distances to the nearest and to the second-nearest cell.

    Parameters
    ----------
    cells
        Cell numbers, 0 where no cell is; on both sides of every axis ``reach.halo`` more pixels than wanted.
    reach
        How far to look, and the size of a pixel.

    Returns
    -------
    near, following : numpy.ndarray
        Squared distances in px² times ``scale``, without the halo; larger than the reach where none is within it.
    scale : int
        1 where integers are exact, else a power of two.

    Examples
    --------
    >>> near, following, scale = nearest_two(np.array([0, 0, 1, 0, 0, 0, 2, 0, 0]), Reach(2, 3, (1.0,)))
    >>> near.tolist(), following.tolist(), scale
    ([1, 4, 1], [9, 4, 9], 1)
    """
    code = _code_for(cells, reach)
    near, following = _scan(cells, code, code.squares(reach.halo[0], reach.spacing[0]))
    for axis in range(1, cells.ndim):
        line = _Line(axis, reach.halo[axis])
        squares = code.squares(line.halo, reach.spacing[axis])
        # The last axis decides on its own who is near enough; the ones before must keep what it may need.
        window = math.floor(reach.near / reach.spacing[axis]) if axis == cells.ndim - 1 else line.halo
        nearer = _nearest(near, line, code.pack(squares[: window + 1], np.zeros(1, code.cost)))
        window = math.floor(reach.following / reach.spacing[axis])
        following = _following(code, (near, following), code.numbers(nearer), line, squares[: window + 1])
        near = nearer
    return code.costs(near), following, code.scale


@dataclass(frozen=True)
class _Line:
    """An axis, with the pixels to read beyond both ends of it."""

    axis: int
    halo: int

    def moved(self, array: Unsigned, shift: int) -> Unsigned:
        """View what lies ``shift`` pixels farther than each wanted pixel."""
        stop = array.shape[self.axis] - self.halo + shift
        return array[(slice(None),) * self.axis + (slice(self.halo + shift, stop),)]


def _scan(cells: Integers, code: _Code, squares: Unsigned) -> tuple[Unsigned, Unsigned]:
    """Give along the first axis the nearest cell (as words) and the cost of the second-nearest.

    Within one line costs are plain steps, which add up: by doubling them few merges reach the whole window.
    """
    none = len(squares)
    near = code.pack(np.where(cells > 0, 0, none), cells)
    following = np.full(cells.shape, none, code.cost)
    for step in _doubling(none - 1):
        line = _Line(0, step)
        merged = line.moved(near, 0).copy(), line.moved(following, 0).copy()
        for shift in (-step, step):
            _merge(code, merged, (line.moved(near, shift), line.moved(following, shift)), step)
        near, following = merged
    costs = np.append(squares, code.cost.type(code.none))
    return code.pack(costs[code.costs(near)], code.numbers(near)), costs[np.minimum(following, none)]


def _doubling(window: int) -> Iterator[int]:
    """Give steps that each at most double the reach and add up to ``window``."""
    reached = 0
    while reached < window:
        step = min(reached + 1, window - reached)
        yield step
        reached += step


def _merge(code: _Code, pair: tuple[Unsigned, Unsigned], other: tuple[Unsigned, Unsigned], step: int) -> None:
    """Let each pixel also know, in place, what a pixel ``step`` away knows."""
    near, following = pair
    offered = other[0] + code.word.type(step << code.bits)
    # All ones where both mean the same cell: then the farther of the two is no second cell.
    same = np.minimum(code.numbers(near ^ offered), np.ones_like(following)) - code.cost.type(1)
    same |= code.costs(np.maximum(near, offered))
    np.minimum(following, same, out=following)
    np.minimum(following, other[1] + code.cost.type(step), out=following)
    np.minimum(near, offered, out=near)


def _nearest(near: Unsigned, line: _Line, steps: Unsigned) -> Unsigned:
    """Give the nearest cell along one more axis, as words."""
    best = line.moved(near, 0).copy()
    offered = np.empty_like(best)
    for shift in range(1, len(steps)):
        np.minimum(line.moved(near, -shift), line.moved(near, shift), out=offered)
        np.add(offered, steps[shift], out=offered)
        np.minimum(best, offered, out=best)
    return best


def _following(code: _Code, pair: tuple[Unsigned, Unsigned], own: Unsigned, line: _Line, squares: Unsigned) -> Unsigned:
    """Give the cost of the nearest cell other than ``own`` along one more axis.

    A pixel offers its nearest cell; to those who have that one already, its second-nearest.
    """
    near, following = pair
    number, gain = code.numbers(near), following - code.costs(near)
    best, one, offered = np.full_like(own, code.none), np.ones_like(own), np.empty_like(own)
    for shift in range(1 - len(squares), len(squares)):
        np.bitwise_xor(line.moved(number, shift), own, out=offered)
        np.minimum(offered, one, out=offered)
        np.multiply(offered, line.moved(gain, shift), out=offered)
        np.subtract(line.moved(following, shift), offered, out=offered)
        np.add(offered, squares[abs(shift)], out=offered)
        np.minimum(best, offered, out=best)
    return best
