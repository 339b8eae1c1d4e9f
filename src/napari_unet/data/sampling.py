"""Cutting patches: where to look, what to hold out, and the batch of a step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_unet.data.fields import class_weight_table
from napari_unet.data.grey_change import change_grey, draw_grey_change
from napari_unet.data.targets import NOT_ANNOTATED
from napari_unet.data.warp import Warp, draw_warp, nearest_index, sample_image, warp_coordinates
from napari_unet.geometry import AxisGeometry

if TYPE_CHECKING:
    from napari_unet.config.augmentation import AugmentationConfig
    from napari_unet.config.training import TrainingConfig
    from napari_unet.data.fields import Field, Places, Preparation

Rectangle = tuple[slice, slice]


@dataclass(frozen=True)
class Batch:
    """Patches of one step.

    Attributes
    ----------
    image
        (N, C, y, x) float32.
    target
        (N, y - 2 halo, x - 2 halo) int64, class of each pixel, 0 where the weight is 0.
    weights
        (N, y - 2 halo, x - 2 halo) float32.
    is_open
        (N, y - 2 halo, x - 2 halo) bool, where nobody said what is there, nor that it is to be left out.
    """

    image: Tensor
    target: Tensor
    weights: Tensor
    is_open: Tensor


class PatchReader:
    """Reads patches from fields on one device.

    Parameters
    ----------
    geometry
        Geometry of the network.
    output_px
        Wanted edge of the predicted part, rounded up to what fits.
    class_weights
        (256,) float32, weight of each class; 0 at `NOT_ANNOTATED`.
    """

    def __init__(self, geometry: AxisGeometry, output_px: int, class_weights: Tensor) -> None:
        self.output_px = geometry.fit_output(output_px)
        self.input_px = geometry.input_size(self.output_px)
        self._halo = geometry.halo
        self._class_weights = class_weights

    @classmethod
    def of_run(cls, fields: list[Field], preparation: Preparation) -> PatchReader:
        """Make the reader of a run.

        Parameters
        ----------
        fields
            All annotated planes, which say how often each class is; at least one.
        preparation
            How they were made.

        Returns
        -------
        PatchReader
            Of patches as large as the recipe has them.
        """
        recipe = preparation.recipe
        weights = class_weight_table(fields, recipe).to(preparation.device)
        return cls(AxisGeometry(recipe.model.depth), recipe.training.patch_px, weights)

    def read(self, field: Field, centre: tuple[float, float], warp: Warp) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Read one patch.

        Parameters
        ----------
        field
            Where to read.
        centre
            Middle of the patch in the field, px, order (y, x).
        warp
            Geometry of the patch.

        Returns
        -------
        tuple of torch.Tensor
            Image (C, y, x), and target, weights and what is open, (y - 2 halo, x - 2 halo); see `Batch`.
        """
        coordinates = warp_coordinates(warp, torch.tensor(centre), self.input_px, field.image.device)
        inner = slice(self._halo, self._halo + self.output_px)
        index = nearest_index(coordinates[:, inner, inner], field.shape)
        target = field.target.view(-1)[index].long()
        is_open = target == NOT_ANNOTATED
        weights = (field.weights.view(-1)[index] + self._class_weights[target]) * ~is_open
        if field.ignored is not None:
            is_open &= ~field.ignored.view(-1)[index]
        return sample_image(field.image, coordinates), target.remainder(NOT_ANNOTATED), weights, is_open

    def still(self, field: Field, corner: tuple[int, int]) -> Batch:
        """Read one patch as it is, its predicted part starting at a corner; what is beyond the field weighs nothing.

        Parameters
        ----------
        field
            Where to read.
        corner
            First row and column of the predicted part.

        Returns
        -------
        Batch
            Of one patch.
        """
        unmoved = Warp(torch.eye(2), torch.zeros(2, 3, 3))
        middle = (self.output_px - 1) / 2
        image, target, weights, is_open = self.read(field, (corner[0] + middle, corner[1] + middle), unmoved)
        rows, columns = (size - start for size, start in zip(field.shape, corner, strict=True))
        weights[rows:] = 0
        weights[:, columns:] = 0
        return Batch(image[None], target[None], weights[None], is_open[None])


class PatchSampler:
    """Draws the batch of each step, the same for the same seed and step.

    Half of the patches look at a random cell pixel, half at a random annotated pixel.

    Parameters
    ----------
    fields
        At least one, all on one device.
    reader
        Reads the patches.
    training, augmentation
        Batch size, seed, and how patches are varied.
    """

    def __init__(
        self, fields: list[Field], reader: PatchReader, training: TrainingConfig, augmentation: AugmentationConfig
    ) -> None:
        self._fields, self._reader = fields, reader
        self._training, self._augmentation = training, augmentation
        kinds = _Pool([field.in_cells for field in fields]), _Pool([field.annotated for field in fields])
        self._kinds = [kind for kind in kinds if kind.total]
        self._generator = torch.Generator()

    def batch(self, step: int) -> Batch:
        """Draw the patches of a step.

        Parameters
        ----------
        step
            Number of the step.

        Returns
        -------
        Batch
            ``batch_size`` patches.
        """
        random = np.random.default_rng((self._training.seed, step))
        self._generator.manual_seed(int(random.integers(2**62)))
        patches = [self._patch(random, number) for number in range(self._training.batch_size)]
        return Batch(*(torch.stack(parts) for parts in zip(*patches, strict=True)))

    def _patch(self, random: np.random.Generator, number: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Draw one patch."""
        kind = self._kinds[int(random.integers(len(self._kinds)))]
        which, place = kind.draw(random)
        field = self._fields[which]
        row, column = divmod(place, field.shape[1])
        jitter = random.uniform(-0.25, 0.25, 2) * self._reader.output_px
        warp = draw_warp(self._augmentation, self._generator)
        image, target, weights, is_open = self._reader.read(field, (row + jitter[0], column + jitter[1]), warp)
        change = draw_grey_change(self._augmentation, image.shape[0], self._generator)
        return change_grey(image, change), target, weights, is_open


class _Pool:
    """Pixels of one kind over all fields."""

    def __init__(self, places: list[Places]) -> None:
        self._places = places
        self._ends = np.cumsum([field.total for field in places])
        self.total = int(self._ends[-1])

    def draw(self, random: np.random.Generator) -> tuple[int, int]:
        """Give the number of a field, by its share of the pixels, and the flat index of a pixel in it."""
        which = int(np.searchsorted(self._ends, random.integers(self.total), side="right"))
        return which, int(random.choice(self._places[which].kept))


def plan_hold_out(fields: list[Field], config: TrainingConfig) -> dict[str, Rectangle]:
    """Choose what is held out for validation.

    Parameters
    ----------
    fields
        All fields.
    config
        How and how much.

    Returns
    -------
    dict
        For fields that give something: the rectangle that is held out, the whole plane in the mode "images".
    """
    mode = config.validation
    if mode == "auto":
        mode = "images" if len(fields) >= 5 else "none" if config.scheme == "sparse" else "regions"
    if mode == "images" and len(fields) > 1:
        count = min(max(1, round(len(fields) * config.validation_fraction)), len(fields) - 1)
        chosen = np.linspace(0, len(fields), count, endpoint=False) + len(fields) / (2 * count)
        return {fields[int(index)].name: (slice(None), slice(None)) for index in chosen}
    if mode == "none":
        return {}
    return {field.name: _strip(field.shape, config.validation_fraction) for field in fields}


def _strip(shape: tuple[int, int], fraction: float) -> Rectangle:
    """Give the last part of the longer axis."""
    longer = int(np.argmax(shape))
    start = round(shape[longer] * (1 - fraction))
    return (slice(start, None), slice(None)) if longer == 0 else (slice(None), slice(start, None))


def divide(field: Field, held_out: Rectangle | None) -> tuple[Field | None, Field | None]:
    """Divide an annotation into what is learnt from and what is held out; no pixel is in both.

    Parameters
    ----------
    field
        Annotated plane.
    held_out
        Rectangle that is held out; None: nothing.

    Returns
    -------
    tuple of Field
        To learn from, and to validate on; None where nothing is left. A field of which nothing is held out is learnt
        from as it is, the same object.
    """
    if held_out is None:
        return field, None
    inside = torch.zeros(field.shape, dtype=torch.bool)
    inside[held_out] = True
    return _keep(field, ~inside), _keep(field, inside)


def _keep(field: Field, mask: Tensor) -> Field | None:
    """Forget the annotation outside a mask; None when nothing is left."""
    target = torch.where(mask.to(field.target.device), field.target, NOT_ANNOTATED)
    return replace(field, target=target) if bool((target != NOT_ANNOTATED).any()) else None


def validation_corners(field: Field, output_px: int) -> list[tuple[int, int]]:
    """Give the corners of the tiles of a field that hold an annotation.

    Parameters
    ----------
    field
        A held-out field.
    output_px
        Edge of a tile, px.

    Returns
    -------
    list of tuple of int
        First row and column of each tile; the tiles do not overlap.
    """
    annotated = field.target.cpu().numpy() != NOT_ANNOTATED
    top, left = (int(annotated.any(axis=axis).argmax()) for axis in (1, 0))
    beyond = [(0, -(size - start) % output_px) for size, start in zip(field.shape, (top, left), strict=True)]
    whole_tiles = np.pad(annotated[top:, left:], beyond)
    rows, columns = (size // output_px for size in whole_tiles.shape)
    hold = whole_tiles.reshape(rows, output_px, columns, output_px).any(axis=(1, 3))
    return [(top + int(row) * output_px, left + int(column) * output_px) for row, column in np.argwhere(hold)]
