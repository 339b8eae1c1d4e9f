"""Which image an annotation belongs to: the one beside which it is shown and used."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from napari_unet.errors import InputError
from napari_unet.widgets._layers import finest
from napari_unet.widgets._project import is_linked, link, linked_image, read_link, renew, write_link
from napari_unet.widgets.annotating.book import book_of
from napari_unet.widgets.training.pair import likeliest_image, match

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from napari_unet.widgets.annotating.annotation import Annotation


class ShownLink:
    """Lets the annotation that is shown belong to the image that is shown.

    Only looked at beside another image, it gets its former one back: the other one may have been chosen to begin an
    annotation of it.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._former: tuple[Labels, dict[str, Any]] | None = None

    def find(self, layer: Labels, images: Sequence[Image]) -> Image | None:
        """Find the image of an annotation; one that has none yet gets the likeliest.

        Parameters
        ----------
        layer
            The annotation.
        images
            Images there are; of those that are as likely, the first is taken.
        """
        if not is_linked(layer):
            link(layer, likeliest_image(self._viewer, layer, images))
        return linked_image(self._viewer, layer)

    def show(self, layer: Labels | None, image: Image | None) -> None:
        """Let an annotation belong to an image that fits, for good if it has none yet.

        Parameters
        ----------
        layer, image
            What is shown; None: nothing.
        """
        if layer is None or image is None or linked_image(self._viewer, layer) is image or match(image, layer) is None:
            return
        if is_linked(layer):
            self._former = layer, read_link(layer)
        link(layer, image)
        book_of(self._viewer).save_note(layer)

    def keep(self, event: Any = None) -> None:
        """Note that the two were used together."""
        self._former = None

    def give_back(self) -> None:
        """Give the annotation its former image back, unless it was used with the other one."""
        if self._former is not None:
            write_link(*self._former)
            book_of(self._viewer).save_note(self._former[0])
            self._former = None


def misfit(annotation: Annotation | None, image: Image | None, axes: str) -> str:
    """Say why an annotation does not fit an image, and what to do; empty: it fits, or there is none.

    Parameters
    ----------
    annotation, image
        What is shown.
    axes
        Names of the axes of the image; empty: it has too many.
    """
    if annotation is None or image is None or match(image, annotation.layer) is not None:
        return ""
    layer = annotation.layer
    sizes = [" x ".join(map(str, finest(each).shape)) for each in (layer, image)]
    reading = f", axes {axes}" if axes else ""
    return (
        f"'{layer.name}' ({sizes[0]} pixels) does not fit the image '{image.name}' ({sizes[1]} pixels{reading}). "
        "Choose the image it was painted on, correct the axes, or click on 'New annotation layer'."
    )


def refit(annotation: Annotation, image: Image, axes: str) -> None:
    """Make an annotation of an image anew where its axes were corrected, if nothing is painted in it yet.

    Parameters
    ----------
    annotation, image
        What is shown.
    axes
        Names of the axes of the image now.
    """
    layer = annotation.layer
    belongs = read_link(layer).get("image") == str(image.unique_id)
    if annotation.is_empty and belongs and match(image, layer) is None:
        # Where it cannot be made, the person is told that it does not fit.
        with suppress(InputError):
            renew(layer, image, axes)
