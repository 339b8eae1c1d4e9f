"""How closely a network looks at cells: the factor by which the images of a run are resampled."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from napari_unet.data.cell_size import cell_sizes, choose_scale, scale_to_working_size
from napari_unet.data.crowding import are_crowded
from napari_unet.data.fields import Preparation, make_field
from napari_unet.data.image_fields import check_shapes
from napari_unet.data.sampling import PatchReader
from napari_unet.data.training_image import annotated_planes
from napari_unet.training.gentleness import is_known
from napari_unet.training.validation import held_out_batches, validate

if TYPE_CHECKING:
    from napari_unet.config.recipe import Recipe
    from napari_unet.data.fields import Field
    from napari_unet.data.normalization import Normalization
    from napari_unet.data.training_image import TrainingImage
    from napari_unet.models.model_file import TrainedModel
    from napari_unet.training.computation import Computation

#: Planes on which a model is tried, evenly spread over those that are annotated.
_MOST_PLANES = 6


def choose_resolution(
    images: list[TrainingImage],
    recipe: Recipe,
    normalization: Normalization,
    init: TrainedModel | None,
    computation: Computation,
) -> float:
    """Choose the factor by which the images of a run are resampled.

    Cells are brought to the working size, where a starter model knows cells of many kinds, and finds their outlines
    better than where they are smaller. Large cells of which it knows nothing there are looked at more closely: what
    tells them from their surroundings has to be learnt anyway, and may be fine. So are crowded ones, for what lies
    between them. Others of which it knows nothing are left as they are, unless they are tiny.

    Parameters
    ----------
    images
        Images with their annotations.
    recipe
        Every setting; may name the factor.
    normalization
        How intensities are scaled.
    init
        Model to start from; the factor that it was trained with is kept. None: random weights.
    computation
        Where and how precisely ``init`` is tried on the annotated cells.

    Returns
    -------
    float
        Factor along each axis.
    """

    def measure() -> float:
        sizes, crowded = cell_sizes(images, recipe.training.scheme), are_crowded(images, recipe.training.scheme)
        known, unknown = (scale_to_working_size(sizes, crowded, familiar) for familiar in (True, False))
        if known == unknown:
            return known
        if init is None:  # to random weights all is new, and the fewer pixels there are the sooner they are learnt
            return min(known, unknown)
        preparation = Preparation(recipe, normalization, known, computation.device)
        return known if _knows(init, images, preparation, computation) else unknown

    return choose_scale(recipe.training, None if init is None else init.card.scale, measure)


def _knows(
    model: TrainedModel, images: list[TrainingImage], preparation: Preparation, computation: Computation
) -> bool:
    """Tell whether a model finds enough of the annotated cells, before it is taught, for any of it to be kept."""
    fields = _make_fields(images, preparation)
    if not fields:  # everything is ignored, as whoever makes the lessons will say
        return False
    reader = PatchReader.of_run(fields, preparation)
    network = computation.place_network(copy.deepcopy(model.network))
    _, iou = validate(network, held_out_batches(fields, reader), computation, model.card.class_balance)
    return is_known(iou)


def _make_fields(images: list[TrainingImage], preparation: Preparation) -> list[Field]:
    """Prepare some of the annotated planes."""
    planes = annotated_planes(images, _MOST_PLANES)
    for image, _ in planes:
        check_shapes(image)
    scalers = {image.name: preparation.normalization.for_image(image.image) for image, _ in planes}
    made = [make_field(image, place, scalers[image.name], preparation) for image, place in planes]
    return [field for field in made if field is not None]
