"""What is found before a training starts, and what it is found in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_unet.data.cell_size import choose_scale, scale_to_working_size
from napari_unet.data.crowding import are_many

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.config.model import ModelConfig
    from napari_unet.config.recipe import Recipe
    from napari_unet.models.card import ModelCard
    from napari_unet.training.survey import AnnotatedPlane, SurveyedImage

Level = Literal["error", "warning", "hint"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should know before the training.

    Attributes
    ----------
    code
        Short name of the kind of finding, which stays the same.
    level
        ``error``: the training cannot run or would be in vain; ``warning``: the result is likely bad; ``hint``: it
        could be better.
    message
        What was found, for a biologist.
    remedy
        What to do.
    """

    code: str
    level: Level
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


@dataclass(frozen=True)
class Case:
    """What the checks look at.

    Attributes
    ----------
    images
        What is known of each image.
    recipe
        Every setting.
    init
        Card of the model to start from; None: none.
    """

    images: list[SurveyedImage]
    recipe: Recipe
    init: ModelCard | None

    @property
    def is_sparse(self) -> bool:
        """Whether 0 is not annotated."""
        return self.recipe.training.scheme == "sparse"

    @property
    def finds_cells(self) -> bool:
        """Whether each label is a cell."""
        return self.recipe.training.target == "instances"

    @property
    def network(self) -> ModelConfig:
        """The network that will be trained: that of the model to start from."""
        return self.recipe.model if self.init is None else self.init.recipe.model

    @property
    def planes(self) -> list[AnnotatedPlane]:
        """Planes that were looked at closely."""
        return [plane for image in self.images for plane in image.planes]

    @property
    def cell_px(self) -> NDArray[np.int64]:
        """Pixels of each cell."""
        return np.concatenate([np.zeros(0, np.int64), *(image.cell_px for image in self.images)])

    @property
    def scale(self) -> float:
        """Factor by which the images will be resampled, if the model to start from knows such cells."""
        kept, crowded = self.init.scale if self.init else None, are_many(plane.neighbours for plane in self.planes)
        return choose_scale(self.recipe.training, kept, lambda: scale_to_working_size(self.cell_px, crowded))
