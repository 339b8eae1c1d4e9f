"""What the annotations of the moment make: the patches to learn from, and what is held out."""

from __future__ import annotations

import hashlib
import queue
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.data.image_fields import ImageFields
from napari_unet.data.sampling import Batch, PatchReader, PatchSampler, divide, plan_hold_out
from napari_unet.errors import InputError
from napari_unet.training.validation import held_out_batches

if TYPE_CHECKING:
    from napari_unet.config.recipe import Recipe
    from napari_unet.data.fields import Field, Preparation
    from napari_unet.data.training_image import TrainingImage


@dataclass(frozen=True)
class Lesson:
    """What steps and validations read until the annotations change.

    Attributes
    ----------
    sampler
        Draws the batch of each step.
    reader
        Reads the patches to validate on.
    held_out_fields
        Annotated planes to validate on; empty: none.
    n_fields
        Annotated planes learnt from.
    """

    sampler: PatchSampler
    reader: PatchReader
    held_out_fields: list[Field]
    n_fields: int

    @cached_property
    def held_out_key(self) -> int:
        """A number that changes with what is held out and how it is annotated."""
        parts = [(field.name, tuple(field.shape), field.digest) for field in self.held_out_fields]
        # So many bits are exact in a JSON number.
        return int(hashlib.sha256(repr(parts).encode()).hexdigest()[:12], 16)

    @cached_property
    def held_out(self) -> list[Batch]:
        """Patches to validate on, read when they are first asked for; empty: none."""
        return held_out_batches(self.held_out_fields, self.reader) if self.held_out_fields else []


class Lessons:
    """Holds the annotated images and takes in new ones while a training runs.

    Parameters
    ----------
    images
        Images with their annotations; names must differ.
    preparation
        How they are made into fields.

    Attributes
    ----------
    images
        Images with their newest annotations, by name.
    unsaved
        Names of those that were handed in and are not on the disk yet.
    current
        What is learnt from now.

    Raises
    ------
    InputError
        If there is nothing to learn from.
    """

    def __init__(self, images: list[TrainingImage], preparation: Preparation) -> None:
        self._preparation = preparation
        self._inbox: queue.SimpleQueue[TrainingImage] = queue.SimpleQueue()
        self.images = {image.name: image for image in images}
        self.unsaved: set[str] = set()
        self._fields: dict[str, ImageFields] = {}
        self._divided: dict[str, _Divided] = {}
        for image in images:
            self._update(image)
        check_fields(self.fields, preparation.recipe)
        self._held_out = plan_hold_out(self.fields, preparation.recipe.training)
        self.current = self._first_lesson()

    @property
    def fields(self) -> list[Field]:
        """All annotated planes."""
        return [field for fields in self._fields.values() for field in fields.fields]

    @property
    def n_cells(self) -> int:
        """Annotated cells; 0 where classes are learnt."""
        if self._preparation.recipe.training.target == "classes":
            return 0
        return sum(field.cell_sizes.size for field in self.fields)

    @property
    def record(self) -> dict[str, Any]:
        """What `go_on` needs, fit for JSON: what is held out, and what is annotated."""
        held_out = {name: [(p.start, p.stop) for p in rectangle] for name, rectangle in self._held_out.items()}
        return {"held_out": held_out, "annotated": {field.name: field.digest for field in self.fields}}

    def go_on(self, record: dict[str, Any]) -> bool:
        """Go on where a run was: what was learnt from before is not held out now.

        Parameters
        ----------
        record
            Of the run. Where nothing of what it held out is there any more, what is held out is chosen anew.

        Returns
        -------
        bool
            Whether the annotation is another one than then.
        """
        held_out = {name: (slice(*rows), slice(*columns)) for name, (rows, columns) in record["held_out"].items()}
        if not held_out or held_out.keys() & {field.name for field in self.fields}:
            self._held_out = held_out
            self._divided.clear()
            self.current = self._first_lesson()
        return bool(record["annotated"] != self.record["annotated"])

    def hand_in(self, image: TrainingImage) -> None:
        """Put an annotation into the inbox; may be called from any thread.

        Parameters
        ----------
        image
            Replaces the image of the same name, or is added.
        """
        self._inbox.put(image)

    def collect(self) -> list[TrainingImage]:
        """Take everything out of the inbox, to be kept.

        Returns
        -------
        list of TrainingImage
            What is new; of each image only the newest annotation.
        """
        newest: dict[str, TrainingImage] = {}
        while not self._inbox.empty():
            image = self._inbox.get()
            newest[image.name] = image
        self.images |= newest
        self.unsaved |= newest.keys()
        return list(newest.values())

    def take_in(self) -> bool:
        """Take everything out of the inbox and renew the lesson.

        Returns
        -------
        bool
            Whether anything is new and can be learnt from; when all is erased, the lesson stays as it was.
        """
        before = self.fields
        for image in self.collect():
            self._update(image)
        # What has not changed is still the same object.
        lesson = self._make_lesson() if list(map(id, before)) != list(map(id, self.fields)) else None
        self.current = lesson or self.current
        return lesson is not None

    def _update(self, image: TrainingImage) -> None:
        """Bring the fields of an image up to its annotation."""
        self._fields.setdefault(image.name, ImageFields(self._preparation)).update(image)

    def _first_lesson(self) -> Lesson:
        """Make the lesson to begin with."""
        lesson = self._make_lesson()
        if lesson is None:
            raise InputError(
                "everything that is annotated is held out for validation; annotate more, or hold nothing out "
                "(training.validation)."
            )
        return lesson

    def _make_lesson(self) -> Lesson | None:
        """Divide the annotations and make what reads them; None when nothing is left to learn from."""
        recipe = self._preparation.recipe
        self._divided = {field.name: self._divide(field) for field in self.fields}
        learnt = [part.learnt for part in self._divided.values() if part.learnt is not None]
        if not learnt:
            return None
        reader = PatchReader.of_run(self.fields, self._preparation)
        held_out = [part.held_out for part in self._divided.values() if part.held_out is not None]
        sampler = PatchSampler(learnt, reader, recipe.training, recipe.augmentation)
        return Lesson(sampler, reader, held_out, len(learnt))

    def _divide(self, field: Field) -> _Divided:
        """Divide a field, as before where it has not changed: its parts remember where cells are."""
        known = self._divided.get(field.name)
        if known is not None and known.field is field:
            return known
        return _Divided(field, *divide(field, self._held_out.get(field.name)))


@dataclass(frozen=True)
class _Divided:
    """A field, what is learnt from it and what is held out."""

    field: Field
    learnt: Field | None
    held_out: Field | None


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
