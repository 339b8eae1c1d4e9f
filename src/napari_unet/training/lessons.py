"""What the annotations of the moment make: the patches to learn from, and what is held out."""

from __future__ import annotations

import queue
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.data.fields import Field, class_weight_table, make_fields
from napari_unet.data.sampling import Batch, PatchReader, PatchSampler, divide, plan_hold_out
from napari_unet.errors import InputError
from napari_unet.geometry import AxisGeometry
from napari_unet.training.validation import held_out_batches

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from napari_unet.config.recipe import Recipe
    from napari_unet.data.normalization import Normalization
    from napari_unet.data.training_image import TrainingImage


@dataclass(frozen=True)
class Lesson:
    """What steps and validations read until the annotations change.

    Attributes
    ----------
    sampler
        Draws the batch of each step.
    held_out
        Patches to validate on; empty: none.
    n_fields
        Annotated planes learnt from.
    """

    sampler: PatchSampler
    held_out: list[Batch]
    n_fields: int


class Lessons:
    """Holds the annotated images and takes in new ones while a training runs.

    Parameters
    ----------
    images
        Images with their annotations; names must differ.
    recipe
        Every setting.
    normalization
        How intensities are scaled.
    scale
        Factor by which images are resampled.
    device
        Where the fields lie.

    Raises
    ------
    InputError
        If there is nothing to learn from.
    """

    def __init__(
        self,
        images: list[TrainingImage],
        recipe: Recipe,
        normalization: Normalization,
        scale: float,
        device: torch.device,
    ) -> None:
        self._recipe, self._normalization, self._scale, self._device = recipe, normalization, scale, device
        self._inbox: queue.SimpleQueue[TrainingImage] = queue.SimpleQueue()
        self.images = {image.name: image for image in images}
        self._fields = {image.name: self._read(image) for image in images}
        check_fields(self.fields, recipe)
        self._held_out = plan_hold_out(self.fields, recipe.training)
        self.current = self._make_lesson()

    @property
    def fields(self) -> list[Field]:
        """All annotated planes."""
        return [field for fields in self._fields.values() for field in fields]

    def hand_in(self, image: TrainingImage) -> None:
        """Put an annotation into the inbox; may be called from any thread.

        Parameters
        ----------
        image
            Replaces the image of the same name, or is added.
        """
        self._inbox.put(image)

    def take_in(self, keep: Callable[[TrainingImage], None]) -> bool:
        """Take everything out of the inbox and renew the lesson.

        Parameters
        ----------
        keep
            Called with each new annotation.

        Returns
        -------
        bool
            Whether there was anything.
        """
        if self._inbox.empty():
            return False
        while not self._inbox.empty():
            image = self._inbox.get()
            self.images[image.name] = image
            self._fields[image.name] = self._read(image)
            keep(image)
        self.current = self._make_lesson()
        return True

    def _read(self, image: TrainingImage) -> list[Field]:
        """Make the fields of an image."""
        fields = make_fields(image, self._normalization, self._recipe, self._scale)
        return [field.to(self._device) for field in fields]

    def _make_lesson(self) -> Lesson:
        """Divide the annotations and make what reads them."""
        weights = class_weight_table(self.fields, self._recipe).to(self._device)
        geometry = AxisGeometry(self._recipe.model.depth)
        reader = PatchReader(geometry, self._recipe.training.patch_px, weights)
        learnt, held_out = divide(self.fields, self._held_out)
        sampler = PatchSampler(learnt, reader, self._recipe.training, self._recipe.augmentation)
        return Lesson(sampler, held_out_batches(held_out, reader) if held_out else [], len(learnt))


def check_fields(fields: list[Field], recipe: Recipe) -> None:
    """Refuse annotations from which nothing can be learnt.

    Parameters
    ----------
    fields
        All annotated planes.
    recipe
        Says what the labels mean.

    Raises
    ------
    InputError
        If nothing is annotated, or only one class.
    """
    sparse = recipe.training.scheme == "sparse"
    meaning = "0 not annotated, 1 background, 2 and up cells" if sparse else "0 background, 1 and up cells"
    if not fields:
        raise InputError(
            f"the labels are empty: no cell is annotated in any image (annotation {recipe.training.scheme!r}: "
            f"{meaning}). Paint some cells, or choose the other annotation scheme (training.scheme)."
        )
    present = np.flatnonzero(np.sum([field.counts for field in fields], axis=0))
    if len(present) < 2:
        what = "background" if present[0] == 0 else "cells"
        raise InputError(
            f"the labels hold only {what} (annotation {recipe.training.scheme!r}: {meaning}); a network needs both "
            "cells and background to tell them apart. Paint some of the other."
        )
