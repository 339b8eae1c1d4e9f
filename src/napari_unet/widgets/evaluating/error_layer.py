"""The errors of a segmentation as a layer in telling colours, and what to look at to see one of them."""

from __future__ import annotations

from dataclasses import dataclass

from napari.utils.colormaps import DirectLabelColormap

from napari_unet.metrics import ERROR_KINDS, CellError, ErrorKind
from napari_unet.widgets._layers import Role
from napari_unet.widgets._view import Target


@dataclass(frozen=True)
class KindLook:
    """How a kind of errors is shown.

    Attributes
    ----------
    title
        One word.
    color
        Hexadecimal; after Okabe and Ito (2008), so that colour-blind people tell them apart.
    meaning
        For a tooltip.
    """

    title: str
    color: str
    meaning: str


LOOKS: dict[ErrorKind, KindLook] = {
    "missed": KindLook("Missed", "#D55E00", "A cell that the prediction has not found."),
    "merged": KindLook("Merged", "#56B4E9", "Several cells that the prediction takes for one."),
    "split": KindLook("Split", "#F0E442", "One cell that the prediction takes for several."),
    "false": KindLook("False", "#CC79A7", "A predicted cell where there is none."),
    "outline": KindLook(
        "Outline",
        "#009E73",
        "A cell that was found, but with an outline that hardly fits (IoU below 0.5).",
    ),
}

_COLORS: dict[int | None, str] = {number: LOOKS[kind].color for number, kind in enumerate(ERROR_KINDS, 1)}
_COLORS |= {None: "transparent", 0: "transparent"}
ERRORS = Role(
    "errors",
    "labels",
    {"colormap": DirectLabelColormap(color_dict=_COLORS), "opacity": 0.75},
)

#: Least, greatest and good length of an error on the screen.
_CANVAS_PX = (24, 600, 120)


def as_target(place: tuple[int, int], error: CellError) -> Target:
    """Give what to look at to see an error.

    Parameters
    ----------
    place
        Time and Z of the error.
    error
        The error.
    """
    top, left, bottom, right = error.box
    return Target((*place, *error.centre), (bottom - top, right - left), _CANVAS_PX)
