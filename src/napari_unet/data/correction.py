"""Results taken over as annotations, to be mended by hand and learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def take_over(result: NDArray[Any], painted: NDArray[Any], *, instances: bool = True) -> NDArray[Any]:
    """Annotate what is not annotated yet with a result.

    What a person painted stays, pixel by pixel. A cell of the result that overlaps a painted cell is the same cell seen
    otherwise: the rest of it is left without annotation, instead of becoming a ring that teaches a wrong border.

    Parameters
    ----------
    result
        (Y, X): 0 is background; cells numbered from 1, or classes.
    painted
        (Y, X) in the sparse scheme: 0 is not annotated, 1 background, cells or classes from 2 on.
    instances
        Whether labels number cells; else they are classes.

    Returns
    -------
    numpy.ndarray
        (Y, X) in the sparse scheme, of the type of ``painted``.

    Raises
    ------
    InputError
        If there are more cells than the type of ``painted`` can number.

    Examples
    --------
    >>> take_over(np.array([[0, 1, 1, 2, 2]]), np.array([[0, 0, 0, 5, 0]]))
    array([[1, 6, 6, 5, 0]])
    """
    values, numbers = np.unique(result, return_inverse=True)
    if not instances:
        fresh = result.astype(np.int64) + 1
    else:
        names = np.arange(len(values)) + max(int(painted.max()), 1) + (values[0] != 0)
        names[values == 0] = 1
        names[np.isin(values, result[painted > 1]) & (values > 0)] = 0
        fresh = names[numbers.reshape(result.shape)]
    greatest, limit = int(fresh.max()), np.iinfo(painted.dtype).max
    if greatest > limit:
        raise InputError(
            f"The annotations are stored as {painted.dtype}, which numbers up to {limit}, but {greatest} are needed. "
            "Convert the layer to int32 (right click on it), or segment a part of the plane."
        )
    return np.where(painted > 0, painted, fresh.astype(painted.dtype))
