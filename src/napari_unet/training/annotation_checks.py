"""Checks of what is painted: enough, in the right scheme, and of a size that the network can see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet.geometry import AxisGeometry
from napari_unet.training.findings import Case, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from napari_unet.training.survey import AnnotatedPlane

#: Diameter below which there is not enough to see, at the size the network works at.
_SMALLEST_CELL_PX = 6
_DEEPEST = 6
_MOST_CLASSES = 20
#: Typical diameters of two images further apart than this are of another magnification.
_LARGEST_RATIO = 2.5
#: Label 1 is background if it is so many times as large as the other labels and touches so many of them.
_GROUND_RATIO, _GROUND_TOUCHES = 2.0, 0.5
_FEW_CELLS, _LITTLE_COVER = 5, 0.03
_FRAGMENTED_SHARE = 0.2


def check_content(case: Case) -> Iterator[Finding]:
    """Check that there is something to tell apart."""
    planes, sparse = case.planes, case.is_sparse
    if not planes:
        some = "some cells (label 2 and up) and some background (label 1)"
        what = some if sparse else f"all cells of an image; or choose the annotation 'sparse' and paint {some}"
        yield Finding("nothing-annotated", "error", "Nothing is annotated in any image.", f"Paint {what}.")
    elif not any(plane.cell_px.size for plane in planes):
        yield Finding(
            "no-cells",
            "error",
            "Only background is painted (label 1), no cell.",
            "Paint some cells, each with a number of its own from 2 on. If 1 is a cell, choose the annotation 'dense'.",
        )
    elif sparse and not any(plane.background_px for plane in planes):
        yield Finding(
            "no-background",
            "error",
            "Cells are painted, but no background (label 1).",
            "Paint background with label 1, best between and around the cells. If 0 is the background, choose the "
            "annotation 'dense'.",
        )
    elif not any(plane.background_px for plane in planes):
        message = "There is no background: the labels fill all of the images."
        yield Finding("no-background", "error", message, "Leave 0 where no cell is.")


def check_scheme(case: Case) -> Iterator[Finding]:
    """Check that the labels look like what they are said to mean."""
    grounds = [_is_ground(plane) for plane in case.planes if plane.first_px and plane.others_px]
    if not case.finds_cells or not case.planes:
        return
    if case.is_sparse and grounds and not any(grounds) and all(map(_looks_complete, case.planes)):
        yield Finding(
            "looks-dense",
            "warning",
            "Label 1 means background in this annotation, but here it looks like one cell among many.",
            "If 0 is the background in these labels, choose the annotation 'dense'.",
        )
    if not case.is_sparse and any(grounds):
        yield Finding(
            "looks-sparse",
            "warning",
            "Label 1 means a cell in this annotation, but here it lies around the other labels like background.",
            "If 1 is background and 0 is not annotated, choose the annotation 'sparse'.",
        )
    elif not case.is_sparse and all(map(_is_nearly_empty, case.planes)):
        yield Finding(
            "few-cells",
            "hint",
            f"Only {sum(plane.cell_px.size for plane in case.planes)} cells are labelled, and everything else counts "
            "as background.",
            "If there are more cells than that, choose the annotation 'sparse' and paint some background with label 1.",
        )


def _is_ground(plane: AnnotatedPlane) -> bool:
    """Say whether label 1 looks like background around the others."""
    return plane.first_px > _GROUND_RATIO * plane.others_px and plane.first_touches >= _GROUND_TOUCHES


def _looks_complete(plane: AnnotatedPlane) -> bool:
    """Say whether many cells are labelled, and label 1 is no larger than they are."""
    return plane.cell_px.size >= _FEW_CELLS and plane.first_px <= _GROUND_RATIO * plane.others_px


def _is_nearly_empty(plane: AnnotatedPlane) -> bool:
    """Say whether there are a few cells on a large plane."""
    area = plane.shape[0] * plane.shape[1]
    return plane.cell_px.size <= _FEW_CELLS and plane.cell_px.sum() < _LITTLE_COVER * area


def check_numbers(case: Case) -> Iterator[Finding]:
    """Check that labels are cells, or classes, as the target says."""
    n_cells, n_split = case.cell_px.size, sum(plane.n_split for plane in case.planes)
    largest = max((plane.largest_class for plane in case.planes), default=0)
    if case.finds_cells and n_split > _FRAGMENTED_SHARE * n_cells:
        yield Finding(
            "cells-in-pieces",
            "warning",
            f"{n_split} of {n_cells} labels lie in several pieces.",
            "Give each cell a number of its own. If the labels are kinds of tissue rather than cells, choose the "
            "target 'classes'.",
        )
    if not case.finds_cells and largest > _MOST_CLASSES:
        yield Finding(
            "many-classes",
            "warning",
            f"The labels go up to class {largest}.",
            "If each label is one cell, choose the target 'instances'.",
        )


def check_sizes(case: Case) -> Iterator[Finding]:
    """Check that the network can see cells whole, and that they are more than a few pixels."""
    if not case.finds_cells or not case.cell_px.size:
        return
    scale, depth = case.scale, case.network.depth
    typical = float(np.median(_diameters(case.cell_px))) * scale
    longest = float(np.percentile(np.concatenate([plane.extents_px for plane in case.planes]), 90)) * scale
    seen = 2 * AxisGeometry(depth).halo
    if longest > seen:
        deeper = next((more for more in range(depth + 1, _DEEPEST + 1) if 2 * AxisGeometry(more).halo >= longest), None)
        yield Finding(
            "cells-large",
            "warning",
            f"Cells are up to {longest / scale:.0f} px long, but the network sees only {seen / scale:.0f} px at once.",
            (f"Set depth to {deeper}, or set" if deeper else "Set")
            + f" rescale to about {scale * seen / (2 * longest):.2g}.",
        )
    if typical < _SMALLEST_CELL_PX:
        yield Finding(
            "cells-small",
            "warning",
            f"A typical cell is only {typical / scale:.1f} px across.",
            f"Set rescale to about {scale * 3 * _SMALLEST_CELL_PX / typical:.2g}, or take images of a higher "
            "magnification.",
        )


def check_magnification(case: Case) -> Iterator[Finding]:
    """Check that cells are of like size in all images."""
    if not case.finds_cells:
        return
    typical = {i.name: float(np.median(_diameters(i.cell_px))) for i in case.images if i.cell_px.size}
    if len(typical) < 2:
        return
    small, large = min(typical, key=typical.__getitem__), max(typical, key=typical.__getitem__)
    if typical[large] > _LARGEST_RATIO * typical[small]:
        yield Finding(
            "sizes-differ",
            "warning",
            f"Cells are {typical[small]:.0f} px across in {small}, but {typical[large]:.0f} px in {large}.",
            "Bring the images to one magnification before, or train a model for each.",
        )


def _diameters(cell_px: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the diameters of discs of these areas."""
    diameters: NDArray[np.float64] = np.sqrt(cell_px * (4 / np.pi))
    return diameters


ANNOTATION_CHECKS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    check_content,
    check_scheme,
    check_numbers,
    check_sizes,
    check_magnification,
)
