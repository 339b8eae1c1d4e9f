"""Annotated planes as the network learns from them: normalised image, class of each pixel, weight of each pixel."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from napari_unet.data.cell_size import count_cell_pixels
from napari_unet.data.rectangles import whole
from napari_unet.data.resampling import ResampledPlane, nearest
from napari_unet.data.targets import NOT_ANNOTATED, make_target, read_annotation
from napari_unet.data.training_image import plane_name, read_labels
from napari_unet.data.weight_map import class_weights, plane_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.config.recipe import Recipe
    from napari_unet.data.normalization import Normalization, PlaneScaler
    from napari_unet.data.training_image import TrainingImage


_CPU = torch.device("cpu")
_HALF_BITS, _HALF = np.uint32(16), np.uint32(2**15)
#: Places remembered a field and kind; more would not make the draws any more even.
_MOST_PLACES = 250_000


@dataclass(frozen=True)
class Places:
    """Pixels of one kind in a field.

    Attributes
    ----------
    kept
        Flat indices, evenly thinned, int32.
    total
        How many there are.
    """

    kept: NDArray[np.int32]
    total: int


@dataclass(frozen=True)
class Preparation:
    """How annotated planes are made into fields.

    Attributes
    ----------
    recipe
        Says what the labels mean and how pixels are weighted.
    normalization
        How intensities are scaled.
    scale
        Factor by which planes are resampled.
    device
        Where the fields lie.
    """

    recipe: Recipe
    normalization: Normalization
    scale: float = 1.0
    device: torch.device = _CPU


@dataclass(frozen=True)
class Field:
    """One annotated plane.

    Attributes
    ----------
    name
        Name of the image and place of the plane in it.
    image
        (C, Y, X) float32, normalised and resampled, as are target and weights.
    target
        (Y, X) uint8: class of each pixel, `NOT_ANNOTATED` where nobody said.
    weights
        (Y, X) float32: weight of each pixel besides that of its class, see `napari_unet.data.weight_map`.
    counts
        (256,) int64: annotated pixels of each class.
    cell_sizes
        Pixels of each cell, of the image as it was given.
    digest
        SHA-256 of the annotation.
    ignored
        (Y, X) bool: what is to be left out; None: nothing.
    """

    name: str
    image: Tensor
    target: Tensor
    weights: Tensor
    counts: NDArray[np.int64]
    cell_sizes: NDArray[np.int64]
    digest: str
    ignored: Tensor | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.target.shape[0], self.target.shape[1]

    @cached_property
    def annotated(self) -> Places:
        """Annotated pixels."""
        return _find_places(self.target.cpu().numpy() != NOT_ANNOTATED)

    @cached_property
    def in_cells(self) -> Places:
        """Annotated pixels of any class but the background."""
        target = self.target.cpu().numpy()
        return _find_places((target != NOT_ANNOTATED) & (target > 0))

    @cached_property
    def background_weights(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Different weights of background pixels, to three digits, and how many pixels have each."""
        weights = self.weights.cpu().numpy()[self.target.cpu().numpy() == 0]
        # The first half of a float32 holds three digits of it: cut to that, a million weights are a few hundred.
        counts = np.bincount((weights.view(np.uint32) + _HALF) >> _HALF_BITS)
        present = np.flatnonzero(counts)
        values = (present.astype(np.uint32) << _HALF_BITS).view(np.float32)
        return values.astype(np.float64), counts[present]

    def to(self, device: torch.device) -> Field:
        """Give the same field on another device."""
        names = ["image", "target", "weights"] + ["ignored"] * (self.ignored is not None)
        return replace(self, **{name: getattr(self, name).to(device) for name in names})


def _find_places(mask: NDArray[np.bool_]) -> Places:
    """Give the pixels of a mask."""
    places = np.flatnonzero(mask).astype(np.int32)
    return Places(places[:: max(1, -(-places.size // _MOST_PLACES))], places.size)


def make_field(
    source: TrainingImage, place: tuple[int, ...], scaler: PlaneScaler, preparation: Preparation
) -> Field | None:
    """Make a field of one plane.

    Parameters
    ----------
    source
        Image and annotation.
    place
        Time and Z of the plane.
    scaler
        Normalisation of the image.
    preparation
        How to make it.

    Returns
    -------
    Field
        None where nothing is annotated.

    Raises
    ------
    InputError
        If the labels are not integers from 0 on.
    """
    labels, ignore = read_labels(source, place)
    recipe, scale = preparation.recipe, preparation.scale
    cells, annotated = read_annotation(labels, recipe.training.scheme, ignore)
    # A plane of a dense stack that nobody got round to looks just like one without cells: it teaches nothing.
    if not annotated.any() or (recipe.training.scheme == "dense" and not cells.any()):
        return None
    sizes = count_cell_pixels(cells)
    cells, annotated = nearest(cells, scale), nearest(annotated, scale)
    if not annotated.any():  # dots that are gone in a smaller image
        return None
    target = make_target(cells, annotated, recipe.training.target)
    weights = plane_weights(cells, target, recipe.weight_map, recipe.training.target)
    resampled = ResampledPlane(source.image[place[0], :, place[1]], scaler, scale)
    image = torch.from_numpy(resampled[(..., *whole(resampled.shape[1:]))])
    tensors = image, torch.from_numpy(target), torch.from_numpy(weights)
    ignored = None if ignore is None else torch.from_numpy(nearest(ignore, scale))
    field = Field(plane_name(source, place), *tensors, count_classes(target), sizes, digest(labels, ignore), ignored)
    return field.to(preparation.device)


def count_classes(target: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the pixels of each class, those that nobody annotated left out."""
    counts = np.bincount(target.ravel(), minlength=256)
    counts[NOT_ANNOTATED] = 0
    return counts


def digest(labels: NDArray[Any], ignore: NDArray[np.bool_] | None) -> str:
    """Give the SHA-256 of an annotation."""
    return hashlib.sha256(labels.tobytes() + (b"" if ignore is None else ignore.tobytes())).hexdigest()


def class_weight_table(fields: list[Field], recipe: Recipe) -> Tensor:
    """Give the weight of each class over all fields.

    Parameters
    ----------
    fields
        At least one.
    recipe
        Says how classes are weighted.

    Returns
    -------
    torch.Tensor
        (256,) float32; 0 at `NOT_ANNOTATED`.
    """
    counts = np.sum([field.counts for field in fields], axis=0)
    return torch.from_numpy(class_weights(counts, recipe.weight_map, recipe.training.target))


def class_balance(fields: list[Field], recipe: Recipe) -> tuple[float, ...]:
    """Give the weight of each class in the loss, so that prediction can take it out again.

    The weight of the background varies with the place. What shifts the logits of a network is the logarithm of a
    weight, so its mean over the pixels is taken: in tissue, where nearly all background lies between cells, the border
    term counts; between cells that rarely touch it does not, and there it goes on keeping them apart.

    Parameters
    ----------
    fields
        At least one.
    recipe
        Says how classes are weighted.

    Returns
    -------
    tuple of float
        A weight a class; empty for formula ``falk2019``: near cells, where it matters, its background weighs as much as
        cells do.
    """
    by_place = recipe.weight_map.formula == "falk2019" and recipe.training.target == "instances"
    if by_place:
        return ()
    constant = class_weight_table(fields, recipe)[: n_classes(fields)]
    values, counts = (np.concatenate(parts) for parts in zip(*(f.background_weights for f in fields), strict=True))
    total = counts.sum()
    background = math.exp(np.log1p(values / float(constant[0])) @ counts / total) if total else 1.0
    return (float(constant[0]) * background, *constant[1:].tolist())


def n_classes(fields: list[Field]) -> int:
    """Give the number of classes, the background included.

    Parameters
    ----------
    fields
        At least one.

    Returns
    -------
    int
        At least 2.
    """
    return max(2, 1 + int(np.flatnonzero(np.sum([field.counts for field in fields], axis=0))[-1]))
