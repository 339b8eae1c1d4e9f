"""One normalisation of intensities, fitted once and applied alike in training, preview and prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_unet.config.normalization import NormalizationConfig
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_unet.axes import Array

CLIP = (-3.0, 5.0)
"""Range of normalised intensities: wide enough for real signal, narrow enough that a hot pixel drowns nothing."""

_MAX_PLANES = 64
_MAX_SAMPLES = 2**20
_EXACT_IN_FLOAT32 = ("float16", "float32", "uint8", "uint16", "int8", "int16", "bool")


@dataclass(frozen=True)
class PlaneScaler:
    """Map the intensities of one image to those that the network sees.

    Attributes
    ----------
    low, high
        For each channel the intensities that become -1 and 1. Where they are equal, the channel becomes 0.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def is_blank(self) -> bool:
        """Whether the image has nothing to see, in any channel."""
        return self.low == self.high

    def __call__(self, plane: NDArray[Any]) -> NDArray[np.float32]:
        """Normalise a part of the image.

        Parameters
        ----------
        plane
            Array of shape (C, Y, X) and any real type; NaN counts as dark.

        Returns
        -------
        numpy.ndarray
            float32 array of the same shape, within -3 to 5.

        Examples
        --------
        >>> import numpy as np
        >>> PlaneScaler((10.0,), (30.0,))(np.array([[[10, 20, 30]]])).tolist()
        [[[-1.0, 0.0, 1.0]]]
        """
        low, high = (np.array(values)[:, None, None] for values in (self.low, self.high))
        middle, half = low / 2 + high / 2, high / 2 - low / 2
        working = np.float32 if plane.dtype.name in _EXACT_IN_FLOAT32 else np.float64
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            scaled: NDArray[Any] = (plane.astype(working) - middle.astype(working)) / half.astype(working)
        np.nan_to_num(scaled, copy=False, nan=-1.0, posinf=CLIP[1], neginf=CLIP[0])
        return np.where(half > 0, scaled.clip(*CLIP), 0).astype(np.float32, copy=False)


class Normalization(BaseModel):
    """The normalisation of a model, as it is stored in the model's file.

    Attributes
    ----------
    config
        The settings it was fitted with.
    n_channels
        Number of channels of the images.
    intervals
        Dark and bright intensity of each channel of the training data; empty if each image is measured for itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    config: NormalizationConfig
    n_channels: int
    intervals: tuple[tuple[float, float], ...] = ()

    def for_image(self, data: Array) -> PlaneScaler:
        """Prepare the normalisation of one image or stack.

        Parameters
        ----------
        data
            The whole image, of shape (T, C, Z, Y, X), never a part of it. At most a million pixels are read from at
            most 64 planes, always the same ones.

        Returns
        -------
        PlaneScaler
            What maps planes or patches of this image.

        Raises
        ------
        InputError
            If the number of channels differs from that of the training data.
        """
        n_channels = data.shape[1]
        if n_channels != self.n_channels:
            raise InputError(
                f"The image has {n_channels} channels, but the model was trained on {self.n_channels}. Give images of "
                "the same kind (a colour picture has 3 channels), or name the axes if they were misunderstood."
            )
        intervals = self.intervals or _intervals(_samples(data), self.config)
        return PlaneScaler(low=tuple(low for low, _ in intervals), high=tuple(high for _, high in intervals))


def fit_normalization(images: Iterable[Array], config: NormalizationConfig) -> Normalization:
    """Fit the normalisation of a new model to its training data.

    Parameters
    ----------
    images
        Images of shape (T, C, Z, Y, X).
    config
        Percentiles, and over what they are taken.

    Returns
    -------
    Normalization
        The one normalisation, to be stored with the model.

    Raises
    ------
    InputError
        If there is no image, or if the images differ in their number of channels.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(100.0).reshape(1, 1, 1, 10, 10)
    >>> fit_normalization([image], NormalizationConfig(over="training data", low_percentile=0)).intervals[0][0]
    0.0
    """
    pooled = config.over == "training data"
    numbers, samples = [], []
    for image in images:
        numbers.append(image.shape[1])
        samples += [_samples(image)] if pooled else []
    if len(set(numbers)) != 1:
        raise InputError(
            f"The training images have {sorted(set(numbers))} channels, but one number of channels, the same in all of "
            "them, is needed. Give at least one image, and only images of one kind."
        )
    intervals = _intervals(np.concatenate(samples, axis=1), config) if pooled else ()
    return Normalization(config=config, n_channels=numbers[0], intervals=intervals)


def _samples(data: Array) -> NDArray[np.float64]:
    """Take pixels at a fixed stride from planes at a fixed stride: cheap for lazy stacks, the same every time."""
    n_times, n_channels, n_slices, height, width = data.shape
    planes = list(np.ndindex(n_times, n_slices))[:: math.ceil(n_times * n_slices / _MAX_PLANES)]
    step = math.ceil(math.sqrt(len(planes) * height * width / _MAX_SAMPLES))
    parts = [np.asarray(data[t, :, z, ::step, ::step], np.float64).reshape(n_channels, -1) for t, z in planes]
    samples = np.concatenate(parts, axis=1)
    # All that there is to see may lie between the pixels looked at.
    is_constant = any(low == high for low, high in map(_extremes, samples))
    return np.concatenate([samples, _all_extremes(data)], axis=1) if is_constant else samples


def _all_extremes(data: Array) -> NDArray[np.float64]:
    """Give the least and the largest intensity of each channel and plane, (C, n); all pixels are read."""
    planes = (np.asarray(data[t, :, z]) for t, z in np.ndindex(data.shape[0], data.shape[2]))
    return np.concatenate([[_extremes(channel) for channel in plane] for plane in planes], axis=1)


def _extremes(channel: NDArray[Any]) -> tuple[float, float]:
    """Give the least and the largest intensity that is a number; twice 0 where none is."""
    numbers = channel[np.isfinite(channel)]
    return (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)


def _intervals(samples: NDArray[np.float64], config: NormalizationConfig) -> tuple[tuple[float, float], ...]:
    """Give the dark and the bright intensity of each channel of samples of shape (C, n)."""
    return tuple(_interval(channel[np.isfinite(channel)], config) for channel in samples)


def _interval(samples: NDArray[np.float64], config: NormalizationConfig) -> tuple[float, float]:
    """Give two percentiles, or the extremes where few bright pixels stand on a constant ground."""
    if not samples.size:
        return 0.0, 0.0
    low, high = np.percentile(samples, [config.low_percentile, config.high_percentile])
    return _extremes(samples) if low == high else (float(low), float(high))
