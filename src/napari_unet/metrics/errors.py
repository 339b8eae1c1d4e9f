"""Where a segmentation is wrong, and how: cells missed, merged, split, invented or badly outlined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from scipy.ndimage import find_objects

from napari_unet.errors import InputError
from napari_unet.metrics._arrays import checked_pair, components
from napari_unet.metrics.instances import IOU_THRESHOLDS, Overlaps, overlaps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_unet.metrics._arrays import Labels, LabelsOrMask

ErrorKind: TypeAlias = Literal["missed", "merged", "split", "false", "outline"]
ERROR_KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)
"""Kinds of errors; their numbers in an error map count from 1 in this order."""

Case: TypeAlias = "tuple[ErrorKind, list[int], list[int]]"
Box: TypeAlias = tuple[slice, slice]


@dataclass(frozen=True)
class CellError:
    """One thing that is wrong.

    Attributes
    ----------
    kind
        ``merged``: one predicted object covers more than half of each of several true ones. ``split``: one true
        object holds more than half of each of several predicted ones. ``outline``: a true and a predicted object,
        part of neither and without a match, of which at least one lies by more than half in the other. ``missed``: a
        true object with none of these, ``false``: a predicted one. Objects match from an intersection over union of
        0.5 on; a match can still be part of a merge or a split.
    truth, predicted
        Labels of the objects involved.
    box
        First row, first column, row and column behind the last ones, of all of them together.
    centre
        Mean row and column of their pixels.
    size_px
        Number of their pixels.
    iou
        Largest intersection over union of a true and a predicted object involved; 0 for missed and false.
    """

    kind: ErrorKind
    truth: tuple[int, ...]
    predicted: tuple[int, ...]
    box: tuple[int, int, int, int]
    centre: tuple[float, float]
    size_px: int
    iou: float


@dataclass(frozen=True, eq=False)
class Errors:
    """What is right and what is wrong in a plane.

    Attributes
    ----------
    n_correct
        Number of true objects that have a match.
    found
        The errors, the largest first.
    error_map
        uint8 of shape (Y, X): 0 right, else the kind of the error by its place in `ERROR_KINDS`, counted from 1;
        where errors overlap, that of the smallest.
    """

    n_correct: int
    found: tuple[CellError, ...]
    error_map: NDArray[np.uint8]


def find_errors(predicted: LabelsOrMask, truth: LabelsOrMask) -> Errors:
    """Find the errors of a segmentation.

    Each object takes part in an error or has a match, or both. Exchanging the two images exchanges missed and false,
    merged and split.

    Parameters
    ----------
    predicted, truth
        Label images of one shape ``(Y, X)``, 0 background; a mask stands for its face-connected components.

    Returns
    -------
    Errors
        Matches, errors and their map.

    Raises
    ------
    InputError
        If the shapes differ, there are more or fewer than two axes, or a type is neither integer nor boolean.

    References
    ----------
    .. [1] Caicedo et al., "Evaluation of deep learning strategies for nucleus segmentation in fluorescence images",
       Cytometry A 95(9), 2019, doi:10.1002/cyto.a.23863 (missed, extra, merged and split objects)
    .. [2] Matula et al., "Cell tracking accuracy measurement based on comparison of acyclic oriented graphs",
       PLoS ONE 10(12), 2015, doi:10.1371/journal.pone.0144959 (an object belongs to what covers more than half of it)

    Examples
    --------
    >>> errors = find_errors(np.array([[5, 5, 5, 5, 0, 6]]), np.array([[1, 1, 2, 2, 0, 0]]))
    >>> [(error.kind, error.truth, error.predicted, error.size_px) for error in errors.found]
    [('merged', (1, 2), (5,), 4), ('false', (), (6,), 1)]
    >>> errors.n_correct, errors.error_map.tolist()
    (1, [[2, 2, 2, 2, 0, 4]])
    """
    found, real = map(components, checked_pair(predicted, truth))
    if real.ndim != 2:
        raise InputError(f"The arrays have shape {real.shape}. Errors are found plane by plane: give planes (Y, X).")
    table = overlaps(found, real)
    places = _Places(_renumbered(real, table.truth_ids), _renumbered(found, table.predicted_ids))
    errors = [_describe(case, table, places) for case in _cases(table)]
    order = sorted(range(len(errors)), key=lambda index: (-errors[index][0].size_px, errors[index][0].centre))
    error_map = np.zeros(real.shape, np.uint8)
    for error, box, mask in map(errors.__getitem__, order):
        error_map[box][mask] = ERROR_KINDS.index(error.kind) + 1
    n_correct = len(table.matches(IOU_THRESHOLDS[0]))
    return Errors(n_correct, tuple(errors[index][0] for index in order), error_map)


class _Places:
    """Where objects are; they go by their position in the table, counted from 1."""

    def __init__(self, real: Labels, found: Labels) -> None:
        self._images = real, found
        self._boxes = find_objects(real), find_objects(found)

    def locate(self, rows: list[int], columns: list[int]) -> tuple[Box, NDArray[np.bool_]]:
        """Give the common box of some true and predicted objects, and their pixels in it."""
        chosen = rows, columns
        boxes = [self._boxes[side][index] for side in (0, 1) for index in chosen[side]]
        top, left = (min(box[axis].start for box in boxes) for axis in (0, 1))
        bottom, right = (max(box[axis].stop for box in boxes) for axis in (0, 1))
        box = slice(top, bottom), slice(left, right)
        masks = [np.isin(self._images[side][box], np.add(chosen[side], 1)) for side in (0, 1)]
        return box, masks[0] | masks[1]


def _renumbered(labels: Labels, ids: Labels) -> NDArray[np.int32]:
    """Renumber objects from 1 on in the order of their labels."""
    return np.where(labels > 0, np.searchsorted(ids, labels) + 1, 0).astype(np.int32)


def _describe(case: Case, table: Overlaps, places: _Places) -> tuple[CellError, Box, NDArray[np.bool_]]:
    """Measure the objects of an error."""
    kind, rows, columns = case
    box, mask = places.locate(rows, columns)
    ys, xs = np.nonzero(mask)
    top, left = box[0].start, box[1].start
    involved = np.isin(table.rows, rows) & np.isin(table.columns, columns)
    error = CellError(
        kind=kind,
        truth=tuple(table.truth_ids[rows].tolist()),
        predicted=tuple(table.predicted_ids[columns].tolist()),
        box=(top, left, box[0].stop, box[1].stop),
        centre=(top + float(ys.mean()), left + float(xs.mean())),
        size_px=len(ys),
        iou=float(table.iou[involved].max(initial=0.0)),
    )
    return error, box, mask


def _cases(table: Overlaps) -> Iterator[Case]:
    """Tell the errors apart, with the positions of their true and predicted objects in the table."""
    rows, columns = table.rows, table.columns
    merged, split = _groups(columns, rows, table.covered), _groups(rows, columns, table.inside)
    matched = table.matches(IOU_THRESHOLDS[0])
    open_truth, open_predicted = np.ones(len(table.truth_ids), bool), np.ones(len(table.predicted_ids), bool)
    open_truth[[*rows[matched], *split, *_members(merged)]] = False
    open_predicted[[*columns[matched], *merged, *_members(split)]] = False
    outlines = np.flatnonzero((table.covered | table.inside) & open_truth[rows] & open_predicted[columns])
    open_truth[rows[outlines]] = open_predicted[columns[outlines]] = False
    yield from (("merged", members, [one]) for one, members in merged.items())
    yield from (("split", [one], members) for one, members in split.items())
    yield from (("outline", [int(rows[pair])], [int(columns[pair])]) for pair in outlines)
    yield from (("missed", [int(one)], []) for one in np.flatnonzero(open_truth))
    yield from (("false", [], [int(one)]) for one in np.flatnonzero(open_predicted))


def _groups(owners: NDArray[Any], members: NDArray[Any], chosen: NDArray[np.bool_]) -> dict[int, list[int]]:
    """Collect the members of each owner of more than one, of the chosen pairs."""
    groups: dict[int, list[int]] = {}
    for owner, member in zip(owners[chosen].tolist(), members[chosen].tolist(), strict=True):
        groups.setdefault(owner, []).append(member)
    return {owner: group for owner, group in groups.items() if len(group) > 1}


def _members(groups: dict[int, list[int]]) -> Iterator[int]:
    """Give the members of all groups."""
    for group in groups.values():
        yield from group
