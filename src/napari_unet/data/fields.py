"""Annotated planes as the network learns from them: normalised image, class of each pixel, weight of each pixel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from napari_unet.data.rectangles import whole
from napari_unet.data.resampling import ResampledPlane, nearest
from napari_unet.data.targets import NOT_ANNOTATED, make_target, read_annotation
from napari_unet.data.weight_map import class_weights, plane_weights
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_unet.config.recipe import Recipe
    from napari_unet.data.normalization import Normalization
    from napari_unet.data.training_image import TrainingImage


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
    """

    name: str
    image: Tensor
    target: Tensor
    weights: Tensor
    counts: NDArray[np.int64]
    cell_sizes: NDArray[np.int64]
    digest: str

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.target.shape[0], self.target.shape[1]

    def to(self, device: torch.device) -> Field:
        """Give the same field on another device."""
        moved = {name: getattr(self, name).to(device) for name in ("image", "target", "weights")}
        return replace(self, **moved)


def make_fields(
    source: TrainingImage, normalization: Normalization, recipe: Recipe, scale: float = 1.0
) -> Iterator[Field]:
    """Make a field of each annotated plane of an image.

    Parameters
    ----------
    source
        Image and annotation.
    normalization
        How intensities are scaled.
    recipe
        Says what the labels mean and how pixels are weighted.
    scale
        Factor by which planes are resampled.

    Yields
    ------
    Field
        One a plane that has an annotation.

    Raises
    ------
    InputError
        If image and labels differ in shape, or the labels are not integers.
    """
    expected = (source.image.shape[0], 1, *source.image.shape[2:])
    if tuple(source.labels.shape) != expected:
        raise InputError(
            f"{source.name}: the image has shape {tuple(source.image.shape)} (TCZYX) and the labels "
            f"{tuple(source.labels.shape)}; they must agree in T, Z, Y and X. Check that they belong together."
        )
    scaler = normalization.for_image(source.image)
    for t, z in np.ndindex(expected[0], expected[2]):
        labels = np.asarray(source.labels[t, 0, z])
        ignore = None if source.ignore is None else np.asarray(source.ignore[t, 0, z])
        supervision = _supervise(labels, ignore, recipe, scale)
        if supervision is not None:
            resampled = ResampledPlane(source.image[t, :, z], scaler, scale)
            plane = torch.from_numpy(resampled[(..., *whole(resampled.shape[1:]))])
            name = source.name if expected[0] * expected[2] == 1 else f"{source.name} [t={t}, z={z}]"
            yield Field(name, plane, *supervision, hashlib.sha256(labels.tobytes()).hexdigest())


def _supervise(
    labels: NDArray[Any], ignore: NDArray[np.bool_] | None, recipe: Recipe, scale: float
) -> tuple[Tensor, Tensor, NDArray[np.int64], NDArray[np.int64]] | None:
    """Give target, weights, class counts and cell sizes of one plane, None where nothing is annotated."""
    kind = recipe.training.target
    cells, annotated = read_annotation(labels, recipe.training.scheme, ignore)
    # A plane of a dense stack that nobody got round to looks just like one without cells: it teaches nothing.
    if not annotated.any() or (recipe.training.scheme == "dense" and not cells.any()):
        return None
    sizes = np.unique(cells[cells > 0], return_counts=True)[1]
    cells, annotated = nearest(cells, scale), nearest(annotated, scale)
    target = make_target(cells, annotated, kind)
    weights = plane_weights(cells, target, recipe.weight_map, kind)
    counts = np.bincount(target.ravel(), minlength=256)
    counts[NOT_ANNOTATED] = 0
    return torch.from_numpy(target), torch.from_numpy(weights), counts, sizes


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
    log_weights = [(field.weights[field.target == 0] / constant[0]).log1p() for field in fields]
    background = float(torch.cat(log_weights).mean().exp()) if any(part.numel() for part in log_weights) else 1.0
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
