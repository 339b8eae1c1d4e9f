"""The vocabulary of axes: T (time), C (channel), Z, Y, X, and the way to the canonical order and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

CANONICAL = "TCZYX"
"""Order in which every image travels through the project."""


class Array(Protocol):
    """What numpy arrays, memory maps and dask arrays have in common, as far as it is used here."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def dtype(self) -> Any:
        """Type of the elements."""

    def transpose(self, *axes: Any) -> Any:
        """Reorder the axes."""

    def astype(self, dtype: Any, /) -> Any:
        """Convert the elements to another type."""

    def view(self, dtype: Any, /) -> Any:
        """Read the same bytes as another type."""

    def __getitem__(self, key: Any, /) -> Any: ...

    def __array__(self) -> Any: ...


def parse_axes(axes: str) -> str:
    """Check a string that names the axes of an image.

    Parameters
    ----------
    axes
        One letter an axis, slowest first: T, C, Z, Y, X in any order and case; Y and X must be there. S, the samples
        of a colour picture, is another word for C.

    Returns
    -------
    str
        The same axes in upper case, with C for S.

    Raises
    ------
    InputError
        If a letter is unknown or repeated, or if Y or X is missing.

    Examples
    --------
    >>> parse_axes("zyx"), parse_axes("YXS")
    ('ZYX', 'YXC')
    """
    parsed = axes.upper().replace("S", "C")
    allowed = set(parsed) <= set(CANONICAL) and len(set(parsed)) == len(parsed)
    if not allowed or not {"Y", "X"} <= set(parsed):
        raise InputError(
            f"Axes {axes!r} cannot be used: each of T, C, Z, Y, X may stand once, and Y and X must be there. "
            "Name the axes as they are stored, slowest first, for example 'ZYX'."
        )
    return parsed


def guess_axes(shape: Sequence[int], *, rgb: bool = False) -> str:
    """Guess what the axes mean when nothing says it; whoever uses the guess must show it.

    Parameters
    ----------
    shape
        Length of each axis.
    rgb
        Whether the last axis may hold the 3 or 4 samples of a colour picture.

    Returns
    -------
    str
        YX, ZYX, TZYX or TCZYX, or with colours YXC, ZYXC or TZYXC.

    Raises
    ------
    InputError
        If the array has fewer axes than a picture or more than there are names.

    Examples
    --------
    >>> guess_axes((10, 64, 64)), guess_axes((64, 64, 3), rgb=True)
    ('ZYX', 'YXC')
    """
    colours = rgb and len(shape) > 2 and shape[-1] in (3, 4)
    guesses = {3: "YXC", 4: "ZYXC", 5: "TZYXC"} if colours else {2: "YX", 3: "ZYX", 4: "TZYX", 5: CANONICAL}
    if len(shape) not in guesses:
        raise InputError(
            f"An array of shape {tuple(shape)} cannot be used: an image has 2 to 5 axes out of {CANONICAL}. "
            "Remove axes or save its parts as separate images."
        )
    return guesses[len(shape)]


def spatial_axes(axes: str) -> str:
    """Give the axes of the labels that belong to an image: those of the image without C.

    Examples
    --------
    >>> spatial_axes("ZYXC")
    'ZYX'
    """
    return parse_axes(axes).replace("C", "")


def to_canonical(array: Array, axes: str) -> Any:
    """View an array in the order TCZYX; axes that it has not get the length 1.

    Parameters
    ----------
    array
        Array with one axis for each letter of ``axes``: numpy, memory-mapped or dask. It is not copied.
    axes
        Names of its axes, as in `parse_axes`.

    Returns
    -------
    Array
        View of shape (T, C, Z, Y, X) and of the same kind.

    Raises
    ------
    InputError
        If the number of axes differs.

    Examples
    --------
    >>> import numpy as np
    >>> to_canonical(np.zeros((64, 48, 3)), "YXC").shape
    (1, 3, 1, 64, 48)
    """
    names = parse_axes(axes)
    if len(names) != len(array.shape):
        raise InputError(
            f"Axes {axes!r} name {len(names)} axes, but the array of shape {tuple(array.shape)} has "
            f"{len(array.shape)}. Name each of its axes once."
        )
    present = [axis for axis in CANONICAL if axis in names]
    ordered = array.transpose([names.index(axis) for axis in present])
    return ordered[tuple(slice(None) if axis in names else None for axis in CANONICAL)]


def from_canonical(array: Array, axes: str) -> Any:
    """View an array of the order TCZYX in the order it came from.

    Parameters
    ----------
    array
        Array of shape (T, C, Z, Y, X). It is not copied.
    axes
        Axes to return; those not named must have the length 1. For labels: `spatial_axes`.

    Returns
    -------
    Array
        View with one axis for each letter of ``axes``.

    Raises
    ------
    InputError
        If the array is not five-dimensional or if an axis that would be dropped is longer than 1.

    Examples
    --------
    >>> import numpy as np
    >>> from_canonical(np.zeros((1, 3, 1, 64, 48)), "YXC").shape
    (64, 48, 3)
    """
    names = parse_axes(axes)
    sizes = dict(zip(CANONICAL, array.shape, strict=False))
    lost = [axis for axis, size in sizes.items() if axis not in names and size != 1]
    if len(array.shape) != len(CANONICAL) or lost:
        raise InputError(
            f"An array of shape {tuple(array.shape)} in the order {CANONICAL} does not fit axes {axes!r}: "
            "every axis that is not named must have the length 1."
        )
    kept = [axis for axis in CANONICAL if axis in names]
    picked = array[tuple(slice(None) if axis in names else 0 for axis in CANONICAL)]
    return picked.transpose([kept.index(axis) for axis in names])
