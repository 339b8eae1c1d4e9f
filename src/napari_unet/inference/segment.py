"""From an image to labels: prediction and instances, plane by plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.axes import CANONICAL, Array, from_canonical, guess_axes, spatial_axes, to_canonical
from napari_unet.errors import InputError
from napari_unet.inference.collectors import CellCollector, ClassCollector
from napari_unet.inference.instances import find_classes, find_instances
from napari_unet.inference.options import settle
from napari_unet.inference.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_unet.config.execution import ExecutionConfig
    from napari_unet.config.instances import InstancesConfig
    from napari_unet.config.tiling import TilingConfig
    from napari_unet.inference.collectors import Collector
    from napari_unet.models.model_file import TrainedModel


@dataclass(frozen=True)
class SegmentedPlane:
    """The result of one plane.

    Attributes
    ----------
    t, z
        Which plane.
    labels
        (Y, X): cells numbered from 1, 0 is background; or the class of each pixel.
    n_cells
        Number of cells; 0 for classes.
    probabilities
        (classes, Y, X) float32, None unless wanted.
    """

    t: int
    z: int
    labels: NDArray[Any]
    n_cells: int
    probabilities: NDArray[np.float32] | None


@dataclass(frozen=True)
class TilePredicted:
    """A tile of a plane is predicted.

    Attributes
    ----------
    share
        Part of the plane that is predicted, 0 … 1.
    """

    share: float


class Segmenter:
    """A trained model with everything needed to make labels from images.

    Parameters
    ----------
    model
        The model.
    tiling, instances
        None: as in the recipe of the model.
    execution
        Device and precision; None: the best this machine has.

    Attributes
    ----------
    card
        What the model is.
    predictor
        Gives the probabilities.
    """

    def __init__(
        self,
        model: TrainedModel,
        tiling: TilingConfig | None = None,
        instances: InstancesConfig | None = None,
        execution: ExecutionConfig | None = None,
    ) -> None:
        self.card = model.card
        self.predictor = Predictor(model, tiling or model.card.recipe.tiling, execution)
        self._instances = settle(instances or model.card.recipe.instances, model.card, self.predictor.scale)

    @property
    def makes_instances(self) -> bool:
        """Whether labels number cells; else they are classes."""
        return self.card.recipe.training.target == "instances"

    def planes(self, data: Array, *, keep_probabilities: bool = False) -> Iterator[SegmentedPlane]:
        """Segment an image plane by plane.

        Parameters
        ----------
        data
            (T, C, Z, Y, X) of any real type: numpy, memory-mapped or dask.
        keep_probabilities
            Whether to give the probabilities too.

        Returns
        -------
        iterator of SegmentedPlane
            All Z of the first T, then of the next.

        Raises
        ------
        InputError
            If the number of channels is not that of the model.
        """
        parts = self.parts(data, keep_probabilities=keep_probabilities)
        return (part for part in parts if isinstance(part, SegmentedPlane))

    def parts(self, data: Array, *, keep_probabilities: bool = False) -> Iterator[TilePredicted | SegmentedPlane]:
        """Segment an image plane by plane, and tell of each tile, so that one can leave in the middle of a plane.

        Parameters
        ----------
        data, keep_probabilities
            As in `planes`.

        Yields
        ------
        TilePredicted, SegmentedPlane
            The tiles of a plane, then the plane.

        Raises
        ------
        InputError
            As `planes`.
        """
        scaler = self.card.normalization.for_image(data)
        for t, z in np.ndindex(data.shape[0], data.shape[2]):
            kept = np.empty((self.card.n_classes, *data.shape[3:]), np.float32) if keep_probabilities else None
            found, done_px = self.collector(data.shape[3:]), 0
            for tile in self.predictor.predict_plane(data[t, :, z], scaler):
                found.add(tile.inner, tile.probabilities)
                if kept is not None:
                    kept[(slice(None), *tile.inner)] = tile.probabilities
                done_px += tile.probabilities[0].size
                yield TilePredicted(done_px / math.prod(data.shape[3:]))
            labels, n_cells = found.finish()
            yield SegmentedPlane(t, z, labels, n_cells, kept)

    def collector(self, shape: Sequence[int]) -> Collector:
        """Make what turns the tiles of a plane into labels.

        Parameters
        ----------
        shape
            Of the plane, or of the part of it that is wanted.

        Returns
        -------
        Collector
            For cells or for classes, as the model makes.
        """
        if not self.makes_instances:
            return ClassCollector(shape)
        return CellCollector(shape, self._instances)

    def label(self, probabilities: NDArray[np.float32]) -> NDArray[Any]:
        """Make labels of a plane, or of a part of it, whose probabilities are in memory.

        Parameters
        ----------
        probabilities
            (classes, Y, X).

        Returns
        -------
        numpy.ndarray
            (Y, X): int32 cells numbered from 1, 0 is background; or the class of each pixel, uint8.
        """
        if not self.makes_instances:
            return find_classes(probabilities)
        return find_instances(1 - probabilities[0], self._instances)


def segment(
    model: TrainedModel,
    image: Array,
    *,
    axes: str | None = None,
    instances: InstancesConfig | None = None,
    tiling: TilingConfig | None = None,
) -> NDArray[Any]:
    """Segment an image or a stack; each plane is segmented on its own.

    Parameters
    ----------
    model
        The model.
    image
        Array of any real type: numpy, memory-mapped or dask.
    axes
        Its axes, such as "ZYX" or "YXC"; None: as the shape and the channels of the model suggest.
    instances, tiling
        How cells are made and images cut; None: as in the recipe of the model.

    Returns
    -------
    numpy.ndarray
        Labels of the shape of the image without its channels: int32 cells numbered from 1 in each plane, 0 is
        background; or classes, uint8.

    Raises
    ------
    InputError
        If the number of channels is not that of the model, the axes do not fit or could mean two things, or the image
        is no array of real numbers with pixels in it.
    """
    _refuse_other_than_pixels(image)
    known = axes or _guess(image.shape, model.card.in_channels)
    data = to_canonical(image, known)
    planes = [plane.labels for plane in Segmenter(model, tiling, instances).planes(data)]
    stack = np.stack(planes).reshape(data.shape[0], 1, *data.shape[2:])
    return np.asarray(from_canonical(stack, spatial_axes(known)))


def _guess(shape: tuple[int, ...], n_channels: int) -> str:
    """Guess the axes; an axis as long as the model has channels, last or else first, is that of the channels."""
    if n_channels == 1 or len(shape) < 3:
        _refuse_colours(shape)
        return guess_axes(shape)
    return guess_axes(shape[:-1]) + "C" if shape[-1] == n_channels else "C" + guess_axes(shape[1:])


def _refuse_colours(shape: tuple[int, ...]) -> None:
    """Refuse to guess where the last axis looks like colours: a stack of planes 3 pixels wide is what nobody means."""
    if len(shape) > 2 and shape[-1] in (3, 4) and min(shape[:-1]) > 4:
        colours, planes = guess_axes(shape, rgb=True), guess_axes(shape)
        raise InputError(
            f"An array of shape {tuple(shape)} can be a colour picture or a stack of narrow planes: name its axes, "
            f"axes={colours!r} or axes={planes!r}."
        )


def _refuse_other_than_pixels(image: Any) -> None:
    """Refuse what cannot be segmented, before it is looked at."""
    kind = getattr(getattr(image, "dtype", None), "kind", None)
    if kind is None:
        raise InputError(
            f"segment takes an array, not {image!r:.60}. Read a file with napari_unet.read_image(file).data, with "
            f"axes={CANONICAL!r}; or segment files with napari-unet segment."
        )
    if kind not in "biuf":
        raise InputError(f"The image is of type {image.dtype}: integers, floats and booleans are allowed.")
    if 0 in image.shape:
        raise InputError(f"The image has the shape {tuple(image.shape)}: there is no pixel in it.")
