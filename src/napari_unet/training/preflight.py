"""What to know before a training starts: mistakes that can be seen in a second and would cost an hour.

Needs no torch, and reads only a little of large images.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_unet.errors import InputError
from napari_unet.training.annotation_checks import ANNOTATION_CHECKS
from napari_unet.training.findings import Case, Finding
from napari_unet.training.image_checks import IMAGE_CHECKS
from napari_unet.training.survey import survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_unet.config.recipe import Recipe
    from napari_unet.data.training_image import TrainingImage
    from napari_unet.models.card import ModelCard
    from napari_unet.training.survey import SurveyedImage

__all__ = ["Finding", "check_training"]

#: Planes looked at closely, over all images.
_MOST_PLANES = 16
_LEVELS = ("error", "warning", "hint")


def check_training(images: list[TrainingImage], recipe: Recipe, init: ModelCard | None = None) -> list[Finding]:
    """Look for what would spoil a training.

    Parameters
    ----------
    images
        Images with their annotations; large ones are looked at in a few places.
    recipe
        Every setting.
    init
        Card of the model to start from; None: none.

    Returns
    -------
    list of Finding
        Errors first; empty: nothing to say.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_unet.config.recipe import Recipe
    >>> from napari_unet.data.training_image import TrainingImage
    >>> blank = TrainingImage("blank", np.zeros((1, 1, 1, 256, 256)), np.zeros((1, 1, 1, 256, 256), int))
    >>> [finding.code for finding in check_training([blank], Recipe())]
    ['nothing-annotated']
    """
    findings = list(_misfits(images))
    if not findings:
        try:
            case = Case(_survey(images, recipe), recipe, init)
        except InputError as error:
            return [Finding("labels-type", "error", str(error), "")]
        findings = [finding for check in (*ANNOTATION_CHECKS, *IMAGE_CHECKS) for finding in check(case)]
    return sorted(findings, key=lambda finding: _LEVELS.index(finding.level))


def _survey(images: list[TrainingImage], recipe: Recipe) -> list[SurveyedImage]:
    """Look at all images, and closely at some planes of some of them."""
    step = math.ceil(len(images) / _MOST_PLANES)
    each = max(1, _MOST_PLANES // len(images))
    return [survey(image, recipe.training.scheme, 0 if number % step else each) for number, image in enumerate(images)]


def _misfits(images: list[TrainingImage]) -> Iterator[Finding]:
    """Find labels that are not of the shape of their image."""
    if not images:
        yield Finding("no-image", "error", "There is no image to learn from.", "Add an image with its labels.")
    for image in images:
        expected = (image.image.shape[0], 1, *image.image.shape[2:])
        if tuple(image.labels.shape) != expected:
            sizes, wanted = (" x ".join(map(str, shape)) for shape in (image.labels.shape, expected))
            yield Finding(
                "labels-shape",
                "error",
                f"The labels of {image.name} have the size {sizes} (T, C, Z, Y, X), but the image needs {wanted}.",
                "Check that they belong together and that the axes are right; colours are channels, not planes.",
            )
