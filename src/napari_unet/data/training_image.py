"""What a person hands over to learn from: an image with its annotation. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TrainingImage:
    """An image with its annotation, as a person hands it over.

    Attributes
    ----------
    name
        Names the image in messages and in the run folder.
    image
        Array-like of axes TCZYX; planes without annotation are not read.
    labels
        Integer array-like of axes TCZYX with one channel, in the scheme of the recipe.
    ignore
        Boolean array-like of the shape of ``labels``: pixels to leave out; None: none.
    """

    name: str
    image: Any
    labels: Any
    ignore: Any = None
