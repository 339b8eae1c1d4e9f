"""Choosing some of many."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


def evenly(items: Sequence[T], most: int) -> list[T]:
    """Choose some of many, evenly spread, the first and the last among them.

    Parameters
    ----------
    items
        What there is to choose from.
    most
        How many are wanted; all where there are no more.

    Returns
    -------
    list
        In their order.

    Examples
    --------
    >>> evenly("abcdefg", 3), evenly("ab", 3), evenly("", 3)
    (['a', 'd', 'g'], ['a', 'b'], [])
    """
    numbers = np.linspace(0, len(items) - 1, min(len(items), most)).round().astype(int)
    return [items[number] for number in numbers]
