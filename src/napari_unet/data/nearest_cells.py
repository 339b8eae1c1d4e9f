"""Squared distances from every pixel to the nearest and to the second-nearest cell, within a reach.

Squared distances are separable: one axis after the other, a pixel takes the best of what the pixels of its line offer
plus the squared step to them. One distance transform a cell costs cells times pixels. Here a pixel carries its nearest
cell and the distance to the next one from axis to axis, so the number of cells does not matter, and every step is one
operation on whole arrays of small integers. Along the first axis plain distances do, and these add up: each pass
reaches twice as far as the one before. (Arrays of ones below are no oversight: the minimum of two arrays is ten times
as fast as that of an array and a number.)

References
----------
P. F. Felzenszwalb and D. P. Huttenlocher, "Distance Transforms of Sampled Functions", Theory of Computing 8, 2012,
doi:10.4086/toc.2012.v008a019 (the separation by axes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Integers: TypeAlias = NDArray[np.integer[Any]]
Unsigned: TypeAlias = NDArray[np.unsignedinteger[Any]]
Steps: TypeAlias = list[tuple[int, int]]  # pixels and what they cost


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
        squares: Unsigned = np.rint((np.arange(window + 1) * size) ** 2 * self.scale).astype(self.cost)
        return squares

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
        Cell numbers along two or more axes, 0 where no cell is; on both sides of every axis ``reach.halo`` more pixels
        than wanted.
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
    >>> near, following, scale = nearest_two(np.array([[0, 0, 1, 0, 0, 0, 2, 0, 0]]), Reach(2, 3, (4.0, 1.0)))
    >>> near.tolist(), following.tolist(), scale
    ([[1, 4, 1]], [[9, 4, 9]], 1)
    """
    code = _code_for(cells, reach)
    pair = _along_first(code, cells, reach)
    for axis in range(1, cells.ndim):
        halo, size, last = reach.halo[axis], reach.spacing[axis], axis == cells.ndim - 1
        line, steps = _Line(axis, halo, last), list(enumerate(code.squares(halo, size).tolist()))
        # The last axis decides on its own who is near enough; the ones before must keep what it may need.
        window = math.floor(reach.near / size) if last else halo
        shape = pair[0].shape
        pair = _along(code, pair, line, (steps[1 : window + 1], steps[1 : math.floor(reach.following / size) + 1]))
    near, following = pair
    return line.without_halo(code.costs(near), shape), line.without_halo(following, shape), code.scale


def _along_first(code: _Code, cells: Integers, reach: Reach) -> tuple[Unsigned, Unsigned]:
    """Give each pixel's nearest cell along the first axis, as words, and the costs of its second-nearest."""
    pair: tuple[Unsigned, Unsigned] = (
        np.where(cells == 0, code.word.type(code.none << code.bits), cells.astype(code.word)),
        np.full(cells.shape, code.none, code.cost),
    )
    halo, reached = reach.halo[0], 0
    while reached < halo:
        shift = min(reached + 1, halo - reached)
        pair = _along(code, pair, _Line(0, shift, False), ([(shift, shift)],) * 2)
        reached += shift
    squares = np.append(code.squares(halo, reach.spacing[0]), code.cost.type(code.none))
    near, following = squares.take(code.costs(pair[0]), mode="clip"), squares.take(pair[1], mode="clip")
    return near.astype(code.word) << code.word.type(code.bits) | code.numbers(pair[0]), following


@dataclass(frozen=True)
class _Line:
    """An axis, with the pixels to read beyond both ends of it."""

    axis: int
    halo: int
    last: bool

    def moved(self, array: Unsigned, shift: int) -> Unsigned:
        """View what lies ``shift`` pixels farther than each wanted pixel.

        Along the last axis as one long row, twice as fast: what runs over from row to row ends in the halo.
        """
        if self.last:
            return array.reshape(-1)[self.halo + shift : array.size - self.halo + shift]
        return array[
            (slice(None),) * self.axis + (slice(self.halo + shift, array.shape[self.axis] - self.halo + shift),)
        ]

    def without_halo(self, row: Unsigned, shape: tuple[int, ...]) -> Unsigned:
        """Bring one long row back to its shape."""
        whole = np.concatenate([row, np.zeros(2 * self.halo, row.dtype)]).reshape(shape)
        return whole[..., : shape[-1] - 2 * self.halo]


def _along(
    code: _Code, pair: tuple[Unsigned, Unsigned], line: _Line, steps: tuple[Steps, Steps]
) -> tuple[Unsigned, Unsigned]:
    """Bring nearest cells and costs of second-nearest ones along an axis, each by its own steps."""
    nearer = _nearest(code, pair[0], line, steps[0])
    return nearer, _following(code, pair, code.numbers(nearer), line, steps[1])


def _nearest(code: _Code, near: Unsigned, line: _Line, steps: Steps) -> Unsigned:
    """Give the nearest cell along one more axis, as words."""
    best = line.moved(near, 0).copy()
    offered = np.empty_like(best)
    for shift, cost in steps:
        np.minimum(line.moved(near, -shift), line.moved(near, shift), out=offered)
        np.add(offered, cost << code.bits, out=offered)
        np.minimum(best, offered, out=best)
    return best


def _following(code: _Code, pair: tuple[Unsigned, Unsigned], own: Unsigned, line: _Line, steps: Steps) -> Unsigned:
    """Give the cost of the nearest cell other than ``own`` along one more axis.

    A pixel offers its nearest cell; to those who have that one already, its second-nearest.
    """
    near, following = pair
    number, gain = code.numbers(near), following - code.costs(near)
    best, one = np.full_like(own, code.none), np.ones_like(own)
    offered, other = np.empty_like(own), np.empty_like(own)

    def offer(shift: int, out: Unsigned) -> None:
        np.bitwise_xor(line.moved(number, shift), own, out=out)
        np.minimum(out, one, out=out)
        np.multiply(out, line.moved(gain, shift), out=out)
        np.subtract(line.moved(following, shift), out, out=out)

    offer(0, best)
    for shift, cost in steps:
        offer(-shift, offered)
        offer(shift, other)
        np.minimum(offered, other, out=offered)
        np.add(offered, cost, out=offered)
        np.minimum(best, offered, out=best)
    return best
