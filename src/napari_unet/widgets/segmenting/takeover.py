"""*Correct and continue*: the result of the plane in view becomes annotation, to be mended and learnt from."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_unet.axes import to_canonical
from napari_unet.errors import InputError
from napari_unet.widgets._layers import find_result, read_canonical, read_scheme, result_axes
from napari_unet.widgets._project import linked_image, new_annotation
from napari_unet.widgets._view import plane_in_view
from napari_unet.widgets.annotating.book import book_of
from napari_unet.widgets.segmenting.result import RESULT, finished_part
from napari_unet.widgets.segmenting.work import TakenOver, correct

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_unet.widgets._dock import Dock, Level


class TakeOver:
    """Takes the result of the plane in view over into an annotation layer; what was painted there stays.

    Only this plane is annotated, in the sparse scheme: planes that nobody looked at must not teach their errors.

    Parameters
    ----------
    dock
        Dock it is part of.
    image
        Image that was segmented; None: there is none.
    axes
        Names of its axes.

    Attributes
    ----------
    pair
        The image and its annotation layer; None: not made yet.

    Raises
    ------
    InputError
        If there is no finished result in view.
    """

    title = "U-Net: taking over"
    share: float | None = None
    text = "Taking the result over …"

    def __init__(self, dock: Dock, image: Image | None, axes: str) -> None:
        self._dock, self._image, self._axes = dock, image, axes
        self.pair: tuple[Image, Labels] | None = None
        result = None if image is None else find_result(dock.viewer, image, RESULT)
        if image is None or result is None:
            raise InputError("There is no result yet. Segment the image first, then correct what is wrong.")
        self._place = t, z = plane_in_view(dock.viewer, image, axes)
        labels = np.asarray(to_canonical(result.data, result_axes(axes))[t, 0, z])
        finished = finished_part(result, self._place, labels.shape)
        if not finished.any():
            raise InputError("The plane in view has no finished result. Segment it first, then correct what is wrong.")
        self._result = result
        self._earlier = find_annotation(dock, image, axes)
        painted = np.zeros(labels.shape, np.uint16) if self._earlier is None else self._plane(self._earlier)
        self.make_events: Callable[[], Generator[Any]] = partial(
            correct, labels, finished, painted, instances=labels.dtype != np.uint8
        )

    def take(self, events: Sequence[TakenOver]) -> None:
        """Write where nothing is annotated, see `Task`."""
        image = self._image
        if image is None or image not in self._dock.viewer.layers:
            return
        is_open = self._earlier is not None and self._earlier in self._dock.viewer.layers
        annotation = self._earlier if self._earlier is not None and is_open else new_annotation(image, self._axes)
        if not is_open:
            self._dock.viewer.add_layer(annotation)
        plane = self._plane(annotation)
        # Somebody may have painted meanwhile.
        np.copyto(plane, events[-1].plane, where=plane == 0, casting="unsafe")
        book_of(self._dock.viewer).follow(annotation)
        annotation.refresh()
        annotation.selected_label = min(int(plane.max()) + 1, int(np.iinfo(plane.dtype).max))
        self.pair = image, annotation
        self._bring_forward(annotation)

    def close(self, problem: str) -> tuple[str, Level]:
        """Say what to do next, see `Task`."""
        if self.pair is None:
            return problem or "Nothing was taken over.", "error" if problem else "warning"
        return (
            f"This plane is annotation now, in '{self.pair[1].name}': mend it with brush, fill and eraser, then "
            "train on. Only this plane was taken over, and what you had painted has stayed.",
            "info",
        )

    def _bring_forward(self, annotation: Labels) -> None:
        """Put the brush into the person's hand."""
        self._result.visible = False
        annotation.visible = True
        self._dock.viewer.layers.selection.active = annotation
        annotation.mode = "paint"

    def _plane(self, layer: Labels) -> NDArray[Any]:
        """Give the pixels of the plane in an annotation layer."""
        t, z = self._place
        plane: NDArray[Any] = to_canonical(layer.data, result_axes(self._axes))[t, 0, z]
        return plane


def find_annotation(dock: Dock, image: Image, axes: str) -> Labels | None:
    """Find the sparse annotation of an image that can be painted in.

    Parameters
    ----------
    dock
        Knows the viewer, and the pair offered last.
    image
        The image.
    axes
        Names of its axes.

    Returns
    -------
    napari.layers.Labels or None
        That of the pair offered last, else the newest one.
    """
    pair = dock.session.suggested_pair()
    suggested = [pair[1]] if pair is not None and pair[0] is image and pair[1] in dock.viewer.layers else []
    layers = [layer for layer in reversed(dock.viewer.layers) if isinstance(layer, Labels)]
    linked = [layer for layer in layers if linked_image(dock.viewer, layer) is image]
    n_times, _, *size = read_canonical(image, axes).shape
    for layer in [*suggested, *linked]:
        is_array = isinstance(layer.data, np.ndarray) and layer.data.ndim == len(result_axes(axes))
        if is_array and read_scheme(layer) == "sparse":
            if to_canonical(layer.data, result_axes(axes)).shape == (n_times, 1, *size):
                return layer
    return None
