"""What became of each object: the rows of an error table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from napari_unet.metrics.instances import IOU_THRESHOLDS, Overlaps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.metrics._arrays import Labels

Image: TypeAlias = Literal["truth", "predicted"]
Kind: TypeAlias = Literal["matched", "missed", "false", "merged", "split"]
Fates: TypeAlias = "list[tuple[Kind, NDArray[Any]]]"


@dataclass(frozen=True)
class ObjectMatch:
    """What became of one object.

    Attributes
    ----------
    image
        Where the object is: in the truth or in the prediction.
    label
        Its label there.
    partner
        Label of the object in the other image with the largest intersection over union, 0 without overlap.
    iou
        Intersection over union with the partner.
    kind
        ``matched``: the intersection over union is at least 0.5. Otherwise ``merged``: it is part of a merge, one
        predicted object that covers more than half of each of several true ones. Otherwise ``split``: it is part of
        a split, one true object that holds more than half of each of several predicted ones; of a predicted object
        that is part of both, the split is told. Otherwise ``missed`` in the truth, ``false`` in the prediction.
    """

    image: Image
    label: int
    partner: int
    iou: float
    kind: Kind


def object_matches(table: Overlaps) -> list[ObjectMatch]:
    """Say of each object what became of it: the rows of an error table.

    Parameters
    ----------
    table
        From `overlaps`.

    Returns
    -------
    list of ObjectMatch
        All objects of the truth, then all objects of the prediction, each ascending by label.

    Examples
    --------
    >>> from napari_unet.metrics.instances import overlaps
    >>> rows = object_matches(overlaps(np.array([[5, 5, 5, 0]]), np.array([[1, 1, 2, 2]])))
    >>> [(row.image, row.label, row.partner, row.kind) for row in rows]
    [('truth', 1, 5, 'matched'), ('truth', 2, 5, 'missed'), ('predicted', 5, 1, 'matched')]
    """
    real, found = table.truth_ids[table.rows], table.predicted_ids[table.columns]
    truth_kinds, predicted_kinds = _kinds(table)
    return [
        *_rows("truth", table.truth_ids, truth_kinds, _partners(real, found, table.iou)),
        *_rows("predicted", table.predicted_ids, predicted_kinds, _partners(found, real, table.iou)),
    ]


def _rows(image: Image, labels: Labels, kinds: list[Kind], partners: dict[int, tuple[int, float]]) -> list[ObjectMatch]:
    """Fill the rows of one image; an object without a partner overlaps nothing."""
    fates = zip(labels.tolist(), kinds, strict=True)
    return [ObjectMatch(image, label, *partners.get(label, (0, 0.0)), kind) for label, kind in fates]


def _partners(own: Labels, other: Labels, iou: NDArray[np.float64]) -> dict[int, tuple[int, float]]:
    """Map each label to the label it overlaps best and to the intersection over union with it."""
    ascending = np.argsort(iou, kind="stable")
    best = zip(other[ascending].tolist(), iou[ascending].tolist(), strict=True)
    return dict(zip(own[ascending].tolist(), best, strict=True))


def _kinds(table: Overlaps) -> tuple[list[Kind], list[Kind]]:
    """Name the fate of each true and of each predicted object."""
    covered, inside = table.covered, table.inside
    merges = np.bincount(table.columns[covered], minlength=len(table.predicted_ids)) > 1
    splits = np.bincount(table.rows[inside], minlength=len(table.truth_ids)) > 1
    split, merged = np.flatnonzero(inside & splits[table.rows]), np.flatnonzero(covered & merges[table.columns])
    matched = table.matches(IOU_THRESHOLDS[0])
    # Where an object takes part in both, exchanging the images must still turn the one into the other.
    truth_fates: Fates = [("split", split), ("merged", merged), ("matched", matched)]
    predicted_fates: Fates = [("merged", merged), ("split", split), ("matched", matched)]
    return (
        _name(table.rows, ["missed"] * len(table.truth_ids), truth_fates),
        _name(table.columns, ["false"] * len(table.predicted_ids), predicted_fates),
    )


def _name(objects: NDArray[Any], kinds: list[Kind], fates: Fates) -> list[Kind]:
    """Give the objects of some pairs their fate; later fates count more than earlier ones."""
    named = list(kinds)
    for kind, pairs in fates:
        for index in objects[pairs]:
            named[index] = kind
    return named
