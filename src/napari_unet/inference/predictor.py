"""Application of a trained network to images of any size, tile by tile."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.tiling import TilingConfig
from napari_unet.data.cell_size import scale_to_wanted
from napari_unet.data.rectangles import split, within
from napari_unet.data.resampling import ResampledPlane, resample
from napari_unet.errors import InputError
from napari_unet.geometry import AxisGeometry
from napari_unet.inference.averaging import average_views
from napari_unet.inference.instances import find_classes
from napari_unet.inference.memory import affordable_tile_px, bytes_per_px, fitting_tile_px, is_out_of_memory
from napari_unet.inference.tiling import Tile, clip, cover, read_mirrored, split_tile
from napari_unet.models.device import choose_device, choose_precision
from napari_unet.models.folding import fold_batch_norm, undo_class_balance

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_unet.axes import Array
    from napari_unet.data.normalization import PlaneScaler
    from napari_unet.data.rectangles import Rectangle
    from napari_unet.data.resampling import Scaler
    from napari_unet.inference.instances import Readable
    from napari_unet.models.model_file import TrainedModel


@dataclass(frozen=True)
class TileDone:
    """A part of a plane has been predicted.

    Attributes
    ----------
    inner
        Where it is: slices along Y and X.
    probabilities
        Probabilities of the classes, float32, (classes, y, x).
    """

    inner: tuple[slice, ...]
    probabilities: NDArray[np.float32]


class Predictor:
    """A trained network, ready to predict on the best device.

    Parameters
    ----------
    model
        The trained model; it is not changed.
    tiling
        How images are cut and averaged.
    execution
        Device and precision.

    Attributes
    ----------
    card
        What the model is.
    device, precision
        Where and in which type the network is computed.
    scale
        Factor by which images are resampled before the network sees them.
    geometry
        Geometry of the network along Y and X.
    network
        The network with folded batch normalisation, on the device: maps (N, C, Y, X) to logits.

    Raises
    ------
    InputError
        If the device asked for is not there.
    """

    def __init__(
        self, model: TrainedModel, tiling: TilingConfig | None = None, execution: ExecutionConfig | None = None
    ) -> None:
        self.card = model.card
        self.tiling = tiling or TilingConfig()
        self.device = choose_device(execution or ExecutionConfig())
        self.precision = choose_precision(execution or ExecutionConfig(), self.device)
        self.geometry = (AxisGeometry(model.card.recipe.model.depth),) * 2
        network = fold_batch_norm(model.network)
        undo_class_balance(network, model.card.class_balance)
        network = network.to(self.device, self.precision)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._tile_px = self.tiling.tile_px
        self._px_bytes = bytes_per_px(model.card, self.precision)
        self.scale = scale_to_wanted(model.card.scale, model.card.cell_diameter_px, self.tiling.cell_diameter_px)

    def predict_plane(
        self, plane: Array, scaler: PlaneScaler, rectangle: Rectangle | None = None
    ) -> Generator[TileDone, None, None]:
        """Predict a plane tile by tile; closing the generator cancels.

        When memory runs out, the tiles that are left are halved, also those of later planes.

        Parameters
        ----------
        plane
            Intensities, (C, Y, X), of any real type: numpy, memory-mapped or dask. Each tile reads what it needs.
        scaler
            Normalisation of the image that the plane belongs to.
        rectangle
            Part of the plane that is wanted, rows and columns; None: all. The rest is read as far as the network sees,
            so that the part is predicted as if the whole plane were.

        Returns
        -------
        generator of TileDone
            The tiles as they are done; together they cover what is wanted once. Of an image whose pixels are all equal
            everything is background.

        Raises
        ------
        InputError
            If the number of channels is not that of the model, or if the plane or the rectangle is empty.
        MemoryError
            While predicting, if memory is not enough for the smallest tile.
        """
        _check_plane(plane, self.card.in_channels)
        box = clip(rectangle or (slice(None),) * 2, plane.shape[1:])
        if scaler.is_blank:
            return self._see_nothing(box)
        if self.scale == 1:
            return self._predict_tiles(plane, scaler, box)
        return self._predict_resampled(ResampledPlane(plane, scaler, self.scale), box)

    def predict_image(self, data: Array) -> Generator[tuple[int, int, TileDone], None, None]:
        """Predict a stack or a series plane after plane, as `predict_plane` does.

        Parameters
        ----------
        data
            Intensities of any real type, (T, C, Z, Y, X): numpy, memory-mapped or dask.

        Yields
        ------
        tuple of (int, int, TileDone)
            Time point, slice, and the tile that is done there.

        Raises
        ------
        InputError, MemoryError
            As `predict_plane`.
        """
        n_times, _, n_slices, _, _ = data.shape
        scaler = self.card.normalization.for_image(data)
        for t, z in np.ndindex(n_times, n_slices):
            for tile in self.predict_plane(data[t, :, z], scaler):
                yield t, z, tile

    def probabilities(self, data: Array) -> NDArray[np.float32]:
        """Predict the probabilities of the classes of a whole image.

        Parameters
        ----------
        data
            As in `predict_image`.

        Returns
        -------
        numpy.ndarray
            float32 array of shape (T, Z, classes, Y, X); classes sum to 1.

        Raises
        ------
        InputError, MemoryError
            As `predict_plane`.
        """
        n_times, _, n_slices, *plane_shape = data.shape
        filled = np.empty((n_times, n_slices, self.card.n_classes, *plane_shape), np.float32)
        for t, z, tile in self.predict_image(data):
            filled[t, z][(slice(None), *tile.inner)] = tile.probabilities
        return filled

    def classes(self, data: Array) -> NDArray[np.uint8]:
        """Predict the most probable class of each pixel.

        Parameters
        ----------
        data
            As in `predict_image`.

        Returns
        -------
        numpy.ndarray
            Classes from 0 (background), (T, Z, Y, X).

        Raises
        ------
        InputError, MemoryError
            As `predict_plane`.
        """
        n_times, _, n_slices, *plane_shape = data.shape
        filled = np.empty((n_times, n_slices, *plane_shape), np.uint8)
        for t, z, tile in self.predict_image(data):
            filled[t, z][tile.inner] = find_classes(tile.probabilities)
        return filled

    def tile_limits_px(self) -> tuple[int, int]:
        """Tell the largest edge of a tile, and the largest that memory would allow, px at the network's resolution."""
        return self._largest_tile_px(), fitting_tile_px(self.device, self._px_bytes, self.geometry[0].halo)

    def tile_bytes(self, edge: int) -> int:
        """Estimate the memory that a tile takes whose output is ``edge`` px wide and high, bytes."""
        return int((edge + 2 * self.geometry[0].halo) ** 2 * self._px_bytes)

    def _see_nothing(self, box: Rectangle) -> Generator[TileDone]:
        """Give background where all pixels are equal: what a network makes of that is chance."""
        edge = self._largest_tile_px()
        for block in split(box, (edge, edge)):
            probabilities = np.zeros((self.card.n_classes, *(part.stop - part.start for part in block)), np.float32)
            probabilities[0] = 1
            yield TileDone(block, probabilities)

    def _predict_resampled(self, plane: ResampledPlane, box: Rectangle) -> Generator[TileDone]:
        """Predict at the size the network works at, block after block, and bring the probabilities back."""
        # What a block needs shall fit into one tile, though tiles start on multiples of the alignment only.
        alignment = self.geometry[0].alignment
        edge = max(1, int(max(self._largest_tile_px() - 2 * alignment, alignment) / self.scale))
        for block in split(box, (edge, edge)):
            yield TileDone(block, resample(partial(self._assemble, plane), plane.shape[1:], block, 1 / self.scale))

    def _assemble(self, plane: ResampledPlane, box: Rectangle) -> NDArray[np.float32]:
        """Predict a box of a plane that is already normalised."""
        filled = np.empty((self.card.n_classes, *(part.stop - part.start for part in box)), np.float32)
        for tile in self._predict_tiles(plane, np.asarray, box):
            filled[(slice(None), *within(tile.inner, box))] = tile.probabilities
        return filled

    def _largest_tile_px(self) -> int:
        """Give the largest edge of a tile."""
        return self._tile_px or affordable_tile_px(self.device, self._px_bytes, self.geometry[0].halo)

    def _predict_tiles(self, plane: Readable, scaler: Scaler, box: Rectangle) -> Generator[TileDone]:
        """Predict tile after tile, and smaller ones when memory runs out."""
        tiles = deque(cover(box, self.geometry, self._largest_tile_px()))
        while tiles:
            probabilities = self._try_tile(tiles[0], plane, scaler)
            if probabilities is not None:
                yield _crop(tiles.popleft().inner, probabilities, box)
            else:
                tiles = self._halve(tiles)

    def _try_tile(self, tile: Tile, plane: Readable, scaler: Scaler) -> NDArray[np.float32] | None:
        """Predict one tile; None if memory was not enough."""
        try:
            return self._predict_tile(tile, plane, scaler)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        return None

    @torch.inference_mode()
    def _predict_tile(self, tile: Tile, plane: Readable, scaler: Scaler) -> NDArray[np.float32]:
        """Read, normalise and predict one tile."""
        window = torch.from_numpy(scaler(read_mirrored(plane, tile.outer)))[None]
        # Unless told, cuDNN rounds float32 to TF32, whose ten bits make the result depend on the tile.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            outputs = average_views(self.network, window.to(self.device, self.precision), self.tiling.averaging)
        height, width = (part.stop - part.start for part in tile.inner)
        kept: Tensor = outputs[0, :, :height, :width].contiguous()
        return kept.cpu().numpy()

    def _halve(self, tiles: deque[Tile]) -> deque[Tile]:
        """Cut the tiles that are left into quarters, and remember the size for later planes."""
        edge = max(part.stop - part.start for part in tiles[0].inner)
        self._tile_px = edge // 2
        if len(split_tile(tiles[0], self.geometry, self._tile_px)) == 1:
            raise MemoryError(f"not enough memory for a tile of {edge} px, the smallest possible; close other programs")
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return deque(part for tile in tiles for part in split_tile(tile, self.geometry, self._tile_px))


def _crop(inner: tuple[slice, ...], probabilities: NDArray[np.float32], box: tuple[slice, ...]) -> TileDone:
    """Leave out what a tile begins with before the box that is wanted."""
    starts = [max(part.start, wanted.start) for part, wanted in zip(inner, box, strict=True)]
    top, left = (start - part.start for start, part in zip(starts, inner, strict=True))
    kept = tuple(slice(start, part.stop) for start, part in zip(starts, inner, strict=True))
    return TileDone(kept, probabilities[:, top:, left:])


def _check_plane(plane: Array, in_channels: int) -> None:
    """Refuse planes that the network cannot read."""
    if len(plane.shape) != 3 or 0 in plane.shape:
        raise InputError(f"A plane of shape {tuple(plane.shape)} cannot be predicted: (channels, Y, X) is needed.")
    if plane.shape[0] != in_channels:
        raise InputError(
            f"The image has {plane.shape[0]} channels, but the model was trained with {in_channels}. Select these "
            "channels of the image, or take a model trained with such images."
        )
