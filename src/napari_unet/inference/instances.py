"""From the probability of foreground to cells, the same whether made whole or block by block."""

from __future__ import annotations

import tempfile
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_unet.errors import InputError
from napari_unet.inference.blockwise import BlockwiseInstances

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_unet.config.instances import InstancesConfig
    from napari_unet.inference.components import Box


class Readable(Protocol):
    """What is read in boxes: a numpy array, a memory map, a dask array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels of each axis."""

    def __getitem__(self, box: Any, /) -> Any:
        """Read a box."""


class Writable(Protocol):
    """What is written in boxes."""

    def __setitem__(self, box: Any, values: Any, /) -> None:
        """Write a box."""


def find_instances(foreground: NDArray[Any], config: InstancesConfig, *, min_size_px: int = 0) -> NDArray[np.int32]:
    """Find the cells of an image.

    Foreground pixels that share faces are a cell; background within one cell is filled; small cells are dropped;
    touching cells grow back over the ridge between them, and all a little, up to their outlines: a network that is
    not sure where a cell ends overlaps best with it where it says less than one half [1]_. What a cell encloses only
    by growing stays background.

    Parameters
    ----------
    foreground
        Mask, bool, or probability of foreground, 0 to 1; (y, x) or (z, y, x).
    config
        How cells are made.
    min_size_px
        Size of the smallest cell, px, where ``config`` leaves it open.

    Returns
    -------
    ndarray
        Cells numbered from 1 in raster order of their first pixel before growing, 0 is background, int32, shape of
        ``foreground``.

    References
    ----------
    .. [1] Z. C. Lipton, C. Elkan and B. Naryanaswamy, "Optimal Thresholding of Classifiers to Maximize F1 Measure",
       ECML PKDD 2014, arXiv:1402.1892: best is half the F1 (Dice) that can be reached, so 0.4 where that is 0.8.

    Examples
    --------
    >>> from napari_unet.config.instances import InstancesConfig
    >>> find_instances(np.array([[0.9, 0.2, 0.1, 0.8], [0.7, 0.6, 0.3, 0.9]]), InstancesConfig(grow_px=1))
    array([[1, 0, 0, 2],
           [1, 1, 1, 2]], dtype=int32)
    """
    cells = BlockwiseInstances(np.zeros(foreground.shape, dtype=np.int32), config, min_size_px=min_size_px)
    cells.add((0,) * foreground.ndim, foreground)
    return cells.finish().read(tuple(slice(0, size) for size in foreground.shape))


def find_instances_blockwise(
    foreground: Readable,
    labels: Writable,
    block_shape: Sequence[int],
    config: InstancesConfig,
    *,
    min_size_px: int = 0,
) -> int:
    """Find the cells of an array too large for memory: the same labels as `find_instances` gives.

    Each block is read once and written once. Between, 4 bytes a pixel are kept in a temporary file.

    Parameters
    ----------
    foreground
        Mask, bool, or probability of foreground, 0 to 1; (y, x) or (z, y, x).
    labels
        Where the cells are written, an integer array of the shape of ``foreground``.
    block_shape
        Size of a block on each axis, px.
    config
        How cells are made.
    min_size_px
        Size of the smallest cell, px, where ``config`` leaves it open.

    Returns
    -------
    int
        Number of cells.

    Raises
    ------
    InputError
        If ``block_shape`` is not one positive size for each axis.

    Examples
    --------
    >>> from napari_unet.config.instances import InstancesConfig
    >>> labels = np.zeros((1, 5), dtype=np.int32)
    >>> find_instances_blockwise(np.array([[True, True, True, False, True]]), labels, (1, 2), InstancesConfig())
    2
    >>> labels
    array([[1, 1, 1, 1, 2]], dtype=int32)
    """
    boxes = list(_split(foreground.shape, block_shape))
    if not boxes:
        return 0
    with tempfile.TemporaryFile() as file:
        scratch: NDArray[np.int32] = np.memmap(file, dtype=np.int32, shape=foreground.shape)
        blockwise = BlockwiseInstances(scratch, config, min_size_px=min_size_px)
        for box in boxes:
            blockwise.add([part.start for part in box], np.asarray(foreground[box]))
        cells = blockwise.finish()
        for box in boxes:
            labels[box] = cells.read(box)
    return cells.count


def find_classes(probabilities: NDArray[Any]) -> NDArray[np.uint8]:
    """Give each pixel its most probable class.

    Parameters
    ----------
    probabilities
        Probability of each class, (class, y, x) or (class, z, y, x).

    Returns
    -------
    ndarray
        Class, the first of equals, uint8, (y, x) or (z, y, x).

    Examples
    --------
    >>> find_classes(np.array([[[0.2, 0.5]], [[0.7, 0.5]], [[0.1, 0.0]]]))
    array([[1, 0]], dtype=uint8)
    """
    classes: NDArray[np.uint8] = np.argmax(probabilities, axis=0).astype(np.uint8)
    return classes


def _split(shape: Sequence[int], block_shape: Sequence[int]) -> Iterator[Box]:
    """Cut an array in blocks, the last of each axis cut short."""
    if len(block_shape) != len(shape) or min(block_shape) < 1:
        raise InputError(f"block shape {tuple(block_shape)} for an array of {tuple(shape)}: give a size for each axis")
    axes = zip(shape, block_shape, strict=True)
    yield from product(*([slice(at, min(at + step, size)) for at in range(0, size, step)] for size, step in axes))
