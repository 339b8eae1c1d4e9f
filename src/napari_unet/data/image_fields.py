"""The fields of an image that is being painted: only what changed is made again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_unet.data.cell_size import count_cell_pixels
from napari_unet.data.fields import Field, Preparation, count_classes, digest, make_field
from napari_unet.data.rectangles import enclose
from napari_unet.data.resampling import nearest
from napari_unet.data.targets import NOT_ANNOTATED, read_annotation
from napari_unet.data.training_image import read_labels
from napari_unet.data.weight_map import WeightMap
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.data.normalization import PlaneScaler
    from napari_unet.data.rectangles import Rectangle
    from napari_unet.data.training_image import TrainingImage

#: Planes whose weight map follows the brush; a person paints on one at a time.
_MOST_FOLLOWED = 4

Annotation = tuple["NDArray[Any]", "NDArray[np.bool_] | None"]


@dataclass
class _Plane:
    """A plane with its field, and what is needed to follow the brush once it is painted on."""

    field: Field
    painted: Annotation | None = None
    followed: WeightMap | None = None


class ImageFields:
    """The fields of one image.

    Parameters
    ----------
    preparation
        How to make them.
    """

    def __init__(self, preparation: Preparation) -> None:
        self._preparation = preparation
        self._image: Any = None
        self._scaler: PlaneScaler | None = None
        self._planes: dict[tuple[int, ...], _Plane] = {}
        self._followed: list[_Plane] = []

    @property
    def fields(self) -> list[Field]:
        """One a plane that has an annotation; a field is the same object until its plane changes."""
        return [self._planes[place].field for place in sorted(self._planes)]

    def update(self, source: TrainingImage) -> None:
        """Take an annotation.

        Parameters
        ----------
        source
            The image and its annotation as it is now. While the image is the same array, only the planes whose
            annotation changed are made again.

        Raises
        ------
        InputError
            If image and labels differ in shape, or the labels are not integers from 0 on.
        """
        check_shapes(source)
        if self._scaler is None or not _is_same(self._image, source.image):
            self._planes.clear()
            self._image, self._scaler = source.image, self._preparation.normalization.for_image(source.image)
        for place in np.ndindex(source.labels.shape[0], source.labels.shape[2]):
            plane = self._renew(self._planes.get(place), source, place)
            if plane is None:
                self._planes.pop(place, None)
            else:
                self._planes[place] = plane

    def _renew(self, plane: _Plane | None, source: TrainingImage, place: tuple[int, ...]) -> _Plane | None:
        """Give the plane as it is now, None where nothing is annotated."""
        assert self._scaler is not None
        labels, ignore = read_labels(source, place)
        if not labels.any():
            return None
        if plane is None:
            field = make_field(source, place, self._scaler, self._preparation)
            return None if field is None else _Plane(field)
        if _is_unchanged(plane, (labels, ignore)):
            return plane
        if self._preparation.recipe.training.target == "classes":
            field = make_field(source, place, self._scaler, self._preparation)
            return None if field is None else _Plane(field)
        return self._follow(plane, (labels, ignore))

    def _follow(self, plane: _Plane, now: Annotation) -> _Plane | None:
        """Bring a plane up to what is painted now."""
        scheme, device = self._preparation.recipe.training.scheme, self._preparation.device
        cells, annotated = read_annotation(now[0], scheme, now[1])
        if not annotated.any() or (scheme == "dense" and not cells.any()):
            return None
        followed = self._update_weights(plane, now)
        target = followed.target.copy()
        if (target == NOT_ANNOTATED).all():
            return None
        ignored = self._resample(now)[1]
        plane.painted = _copy(now)
        plane.field = replace(
            plane.field,
            target=torch.from_numpy(target).to(device),
            weights=torch.from_numpy(followed.place_weights).to(device),
            counts=count_classes(target),
            cell_sizes=count_cell_pixels(cells),
            digest=digest(*now),
            ignored=None if ignored is None else torch.from_numpy(ignored).to(device),
        )
        return plane

    def _update_weights(self, plane: _Plane, now: Annotation) -> WeightMap:
        """Give the weight map of a plane as it is now; from the second time on, only what changed is redone."""
        recipe = self._preparation.recipe
        labels, ignore = self._resample(now)
        if plane.followed is None or plane.painted is None:
            plane.followed = WeightMap(labels, recipe.weight_map, scheme=recipe.training.scheme, ignore=ignore)
            self._followed.append(plane)
            for forgotten in self._followed[:-_MOST_FOLLOWED]:
                forgotten.followed = None
            del self._followed[:-_MOST_FOLLOWED]
        elif changed := _find_changes(self._resample(plane.painted), (labels, ignore)):
            plane.followed.update(labels, changed, ignore)
        return plane.followed

    def _resample(self, annotation: Annotation) -> Annotation:
        """Bring an annotation to the size the network works at."""
        labels, ignore = annotation
        scale = self._preparation.scale
        return nearest(labels, scale), None if ignore is None else nearest(ignore, scale)


def check_shapes(source: TrainingImage) -> None:
    """Refuse labels that do not belong to their image."""
    expected = (source.image.shape[0], 1, *source.image.shape[2:])
    if tuple(source.labels.shape) != expected:
        raise InputError(
            f"{source.name}: the image has shape {tuple(source.image.shape)} (TCZYX) and the labels "
            f"{tuple(source.labels.shape)}; they must agree in T, Z, Y and X. Check that they belong together."
        )


def _is_same(one: Any, other: Any) -> bool:
    """Say whether two images are the same memory, or the same lazy array."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return bool(one.__array_interface__ == other.__array_interface__)
    return one is other or (type(one) is type(other) and getattr(one, "name", 0) == getattr(other, "name", 1))


def _copy(annotation: Annotation) -> Annotation:
    """Keep an annotation: a person goes on painting in the same memory."""
    labels, ignore = annotation
    return labels.copy(), None if ignore is None else ignore.copy()


def _is_unchanged(plane: _Plane, now: Annotation) -> bool:
    """Say whether nobody painted on a plane; once it is asked for, what is painted is kept for the next time."""
    if plane.painted is None:
        unchanged = digest(*now) == plane.field.digest
        plane.painted = _copy(now) if unchanged else None
        return unchanged
    return _find_changes(plane.painted, now) is None


def _find_changes(before: Annotation, now: Annotation) -> Rectangle | None:
    """Give the rectangle that holds all that changed; None: nothing did."""
    changed = before[0] != now[0]
    if (before[1] is None) != (now[1] is None):
        changed[:] = True
    elif before[1] is not None and now[1] is not None:
        changed |= before[1] != now[1]
    return enclose(changed)
