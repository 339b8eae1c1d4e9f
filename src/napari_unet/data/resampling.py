"""Images at another pixel size: the same value at the same place, whatever part is read.

Pixel ``i`` of an axis resampled by ``ratio`` lies at ``(i + 0.5) / ratio - 0.5`` of the original. Its value is a mean
of the pixels around, with weights that fall off linearly: to the next pixel when enlarging, as far as the new pixel is
wide when reducing. Place and weights follow from ``i`` alone and are added up in one order, so that parts read one by
one equal the whole to the last bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_unet.axes import Array
    from napari_unet.data.rectangles import Rectangle

    #: Maps intensities, such as a `PlaneScaler`.
    Scaler = Callable[[NDArray[Any]], NDArray[np.float32]]


def resampled_shape(shape: Sequence[int], ratio: float) -> tuple[int, ...]:
    """Give the shape of a resampled plane, which covers all of the original.

    Examples
    --------
    >>> resampled_shape((100, 33), 0.5)
    (50, 17)
    """
    # Rounding errors must not add a pixel that lies beyond the image.
    return tuple(max(1, math.ceil(round(size * ratio, 6))) for size in shape)


def resample(
    read: Callable[[Rectangle], NDArray[np.float32]], shape: Sequence[int], box: Rectangle, ratio: float
) -> NDArray[np.float32]:
    """Compute a part of a resampled image.

    Parameters
    ----------
    read
        Gives the pixels of a box of the original, (..., y, x); called once.
    shape
        Rows and columns of the original.
    box
        Rows and columns of the resampled image, both ends given.
    ratio
        Pixels of the resampled image for each original one, along Y as along X.

    Returns
    -------
    numpy.ndarray
        float32, the box, with the leading axes of what is read.

    Examples
    --------
    >>> image = np.array([[0.0, 2.0, 4.0, 6.0]])
    >>> resample(image.__getitem__, image.shape, (slice(0, 1), slice(0, 2)), 0.5).tolist()
    [[1.25, 4.75]]
    """
    rows, columns = (_Taps.of(part, size, ratio) for part, size in zip(box, shape, strict=True))
    values = read((rows.needed, columns.needed))
    return columns.average(rows.average(values, -2), -1)


def nearest(source: NDArray[Any], ratio: float) -> NDArray[Any]:
    """Give a resampled plane of labels, each pixel that of the original in which its middle lies.

    Parameters
    ----------
    source
        (Y, X).
    ratio
        As in `resample`.

    Returns
    -------
    numpy.ndarray
        Of the type of ``source``; itself where the ratio is 1.

    Examples
    --------
    >>> nearest(np.array([[1, 2]]), 2).tolist()
    [[1, 1, 2, 2], [1, 1, 2, 2]]
    """
    if ratio == 1:
        return source
    rows, columns = (
        np.minimum((np.arange(count) + 0.5) / ratio, size - 1).astype(np.intp)
        for count, size in zip(resampled_shape(source.shape, ratio), source.shape, strict=True)
    )
    return source[np.ix_(rows, columns)]


@dataclass(frozen=True)
class ResampledPlane:
    """A plane at another pixel size, computed where it is read.

    Attributes
    ----------
    source
        (C, Y, X) of any real type: numpy, memory-mapped or dask.
    scaler
        What maps the intensities of ``source`` before they are averaged.
    ratio
        As in `resample`.
    """

    source: Array
    scaler: Scaler
    ratio: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, and pixels along Y and X."""
        return (self.source.shape[0], *resampled_shape(self.source.shape[1:], self.ratio))

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        """Read all channels of a box given as ``[..., rows, columns]``."""
        return resample(self._read, self.source.shape[1:], key[-2:], self.ratio)

    def _read(self, box: Rectangle) -> NDArray[np.float32]:
        """Read and map a box of the original."""
        return self.scaler(np.asarray(self.source[(slice(None), *box)]))


@dataclass(frozen=True)
class _Taps:
    """Which pixels of an axis are averaged, counted from the first needed one, and their weights: (pixels, taps)."""

    needed: slice
    index: NDArray[np.intp]
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, part: slice, size: int, ratio: float) -> _Taps:
        """Find them for an interval of the resampled axis, of ``size`` original pixels."""
        reach = max(1.0, 1 / ratio)
        centre = (np.arange(part.start, part.stop) + 0.5) / ratio - 0.5
        index = np.floor(centre - reach)[:, None] + np.arange(1, math.ceil(2 * reach) + 1)
        weights = np.clip(1 - np.abs(index - centre[:, None]) / reach, 0, None)
        # Beyond the image its edge pixel goes on.
        index = index.clip(0, size - 1).astype(np.intp)
        first, last = int(index.min()), int(index.max())
        weights /= weights.sum(axis=1, keepdims=True)
        return cls(slice(first, last + 1), index - first, weights.astype(np.float32))

    def average(self, values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
        """Average along an axis."""
        total: NDArray[np.float32] = np.zeros((), np.float32)
        shape = (-1, 1) if axis == -2 else (-1,)
        for index, weights in zip(self.index.T, self.weights.T, strict=True):
            total = total + values.take(index, axis) * weights.reshape(shape)
        return total
