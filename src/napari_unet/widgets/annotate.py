"""The dock widget *Annotate*: paint cells and background, counted and saved with every stroke."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from napari.utils.theme import get_theme
from qtpy.QtWidgets import QFormLayout, QLabel

from napari_unet.data.annotation_note import read_note
from napari_unet.errors import InputError
from napari_unet.widgets._axes import AxesBox
from napari_unet.widgets._dock import Dock, open_dock
from napari_unet.widgets._layers import is_lasting, is_source, read_scheme
from napari_unet.widgets._project import (
    adopt,
    check_paintable,
    has_scheme,
    linked_image,
    make_annotation,
    new_annotation,
    open_image,
    options_of,
)
from napari_unet.widgets.annotating.book import book_of
from napari_unet.widgets.annotating.hand import Hand
from napari_unet.widgets.annotating.hint import Hint
from napari_unet.widgets.annotating.linking import ShownLink, misfit, refit
from napari_unet.widgets.annotating.offers import RestoreOffer, missing
from napari_unet.widgets.annotating.tools import TOOLS, CountsTable, SavedLine, SchemeQuestion, ToolBox, tool_button
from napari_unet.widgets.training.looking import KEY as NEXT_PLACE_KEY
from napari_unet.widgets.training.looking import NextPlaceButton
from napari_unet.widgets.training.pair import Pair

if TYPE_CHECKING:
    from pathlib import Path

    import napari
    from numpy.typing import NDArray
    from qtpy.QtGui import QHideEvent

    from napari_unet.data.annotation_store import AnnotationStore
    from napari_unet.widgets.annotating.annotation import Annotation

_FRAME_STYLE = "QFrame#offer {{ background-color: {foreground}; border-left: 3px solid {warning}; }}"


class AnnotateWidget(Dock):
    """Makes annotation layers and helps to paint in them.

    Parameters
    ----------
    viewer
        The viewer it is docked in.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer)
        self._layer: Labels | None = None
        self._image: Image | None = None
        self._misfit = ""
        self._book, self._link = book_of(viewer), ShownLink(viewer)
        self.hand = Hand(viewer, self)
        self.image = self.layer_box(Image, "Image to paint cells on.", is_source)
        self.labels = self.layer_box(
            Labels, "Labels layer to paint in: a new one, or one that you have already.", is_lasting
        )
        self.axes, self.offer, self.question = AxesBox(), RestoreOffer(self), SchemeQuestion()
        self.tools, self.brush, self.counts, self.saved = (
            ToolBox(self.hand.actions),
            QLabel(),
            CountsTable(),
            SavedLine(),
        )
        self.new = tool_button(
            "New annotation layer", "Add an empty Labels layer that lies exactly on the image.", self._make_new
        )
        self.next_button = NextPlaceButton(self, self._pair)
        self.train = self.primary_button("Go to Train", "Open the dock that trains, with this image and annotation.")
        self._lay_out()
        self._connect()
        keys = {tool.key: self.hand.actions[tool.name] for tools in TOOLS for tool in tools}
        self.bind_keys({**keys, NEXT_PLACE_KEY: self.next_button.go})
        self.reset_choices()
        self._choose_image(self.image.value)
        self._choose(self.labels.value)

    @property
    def annotation(self) -> Annotation | None:
        """What is painted in now; None: nothing."""
        return self.hand.annotation

    def reset_choices(self, event: Any = None) -> None:
        """Offer the layers that there are now; napari calls it."""
        super().reset_choices()
        if self.image.value is not self._image:
            self._choose_image(self.image.value)
        if self.labels.value is not self._layer:
            self._choose(self.labels.value)

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Give the keys back, and leave no rectangle behind that nobody would take."""
        super().hideEvent(event)
        self.hand.put_rectangle_away()

    def _lay_out(self) -> None:
        """Put everything in its place."""
        rows = QFormLayout()
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, widget in (("Image", self.image.native), ("Axes", self.axes), ("Annotation", self.labels.native)):
            label = QLabel(title)
            label.setToolTip(widget.toolTip())
            rows.addRow(label, widget)
        self.body.addWidget(self.offer)
        self.body.addLayout(rows)
        for part in (self.new, self.question, self.tools, self.next_button, self.brush, self.counts, self.saved):
            self.body.addWidget(part)
        self.body.addWidget(Hint())
        self.body.addStretch()

    def _connect(self) -> None:
        """Let everything follow what happens."""
        self.image.changed.connect(self._choose_image)
        self.axes.changed.connect(self._follow_axes)
        self.labels.changed.connect(self._choose)
        self.session.pair_suggested.connect(self._show_pair)
        self.question.answered.connect(self._adopt)
        self.offer.restored.connect(self._restore)
        self.offer.refused.connect(partial(self.say, level="error"))
        self.train.clicked.connect(self._go_to_train)
        self._book.changed.connect(self._show_state)
        self._book.told.connect(self._show_saved)
        self._book.left.connect(self.offer.reoffer)
        self.hand.changed.connect(self._show_brush)
        self.hand.refused.connect(partial(self.say, level="warning"))
        self.viewer.dims.events.point.connect(self._show_counts)

    def _follow_theme(self, event: Any = None) -> None:
        """Take the colours of the viewer's theme."""
        super()._follow_theme(event)
        frames = _FRAME_STYLE.format(**get_theme(self.viewer.theme).to_rgb_dict())
        self.setStyleSheet(self.styleSheet() + frames)

    def _choose_image(self, image: Image | None) -> None:
        """Take over another image, and the annotation that belongs to it."""
        # Where its image was removed, nobody chose the next one for the annotation.
        is_chosen = self._image is None or self._image in self.viewer.layers
        self._link.give_back()
        self._image = image
        self.axes.show_layer(image)
        own = [
            layer for layer in self.labels.choices if image is not None and linked_image(self.viewer, layer) == image
        ]
        if image is not None and own and self.labels.value not in own:
            self.labels.value = next(filter(is_source, own), own[0])
        elif is_chosen:
            self._link.show(self._layer, image)
        self.new.setEnabled(image is not None)
        self.offer.look_for(image)
        self._show_fit()

    def _show_pair(self, image: Image, labels: Labels) -> None:
        """Show the annotation that is learnt from next: what is painted goes there."""
        for box, layer in ((self.labels, labels), (self.image, image)):
            if layer in box.choices:
                box.value = layer

    def _follow_axes(self) -> None:
        """Look whether the annotation fits with other axes of the image."""
        if self.annotation is not None and self._image is not None:
            refit(self.annotation, self._image, self.axes.axes)
        self._link.show(self._layer, self._image)
        self._show_fit()

    def _show_fit(self) -> None:
        """Say it once if the annotation does not fit the image, and show what can be done now."""
        before, self._misfit = self._misfit, misfit(self.annotation, self._image, self.axes.axes)
        if self._misfit != before:
            self.say(self._misfit, "warning")
        self._show_state()

    def _choose(self, layer: Labels | None) -> None:
        """Take over another Labels layer."""
        self._link.give_back()
        self._leave()
        self._layer = layer
        self.question.ask("")
        self._show_fit()
        if layer is not None:
            self._consider(layer)

    def _consider(self, layer: Labels) -> None:
        """Paint in a layer, or ask what its numbers mean."""
        try:
            check_paintable(layer)
        except InputError as error:
            self.say(str(error), "warning")
            return
        images = sorted(self.image.choices, key=lambda image: image is not self._image)
        if (image := self._link.find(layer, images)) is not None:
            self.image.value = image
        else:  # its image is gone, or was opened again
            self._link.show(layer, self._image)
        if has_scheme(layer):
            self._follow(layer)
        else:
            self.question.ask(layer.name)

    def _adopt(self, scheme: str) -> None:
        """Paint in a layer of which the person said what its numbers mean."""
        if self._layer is not None:
            adopt(self._layer, scheme)
            self.question.ask("")
            self._follow(self._layer)

    def _follow(self, layer: Labels) -> None:
        """Count, save and show an annotation."""
        self.say("")
        self.hand.annotation = self._book.follow(layer)
        layer.events.mode.connect(self._show_brush)
        layer.events.selected_label.connect(self._show_brush)
        layer.events.paint.connect(self._link.keep)
        self._show_fit()

    def _leave(self) -> None:
        """Show an annotation no longer; it is counted and saved as before."""
        if self.annotation is None or self._layer is None:
            return
        self._layer.events.mode.disconnect(self._show_brush)
        self._layer.events.selected_label.disconnect(self._show_brush)
        self._layer.events.paint.disconnect(self._link.keep)
        self.hand.annotation = None

    def _make_new(self) -> None:
        """Add an annotation layer to the image."""
        if self._image is None:
            return
        try:
            layer = new_annotation(self._image, self.axes.axes)
        except InputError as error:
            self.say(str(error), "error")
            return
        self._book.follow(layer, planes=())
        self._add(layer)

    def _restore(self, store: AnnotationStore, labels: NDArray[Any], damaged: list[Path]) -> None:
        """Bring an annotation back, on its image if there is one, and continue its project."""
        assert store.folder is not None
        note = read_note(store.folder)
        image = open_image(self.viewer, note)
        layer = make_annotation(labels, note.scheme, image, options_of(note))
        self.session.set_project(store.folder.parent.parent)
        self._book.follow(layer, store, store.planes)
        self._add(layer)
        if problem := missing(note, image, damaged):
            self.say(problem, "warning")

    def _add(self, layer: Labels) -> None:
        """Add an annotation that is followed already, and begin to paint."""
        self.viewer.add_layer(layer)
        self.labels.reset_choices()
        self.labels.value = layer
        self.hand.take_new_cell()

    def _pair(self) -> Pair | None:
        """Give what is painted in, with its image; None: there is none."""
        if self.annotation is None or self._image is None:
            return None
        return Pair(self._image, self.annotation.layer, self.axes.axes)

    def _go_to_train(self) -> None:
        """Open the dock that trains, with this pair."""
        if (pair := self._pair()) is not None:
            self._link.show(pair.labels, pair.image)
            self._link.keep()
            self.session.suggest_pair(pair.image, pair.labels)
            open_dock(self.viewer, "Train")

    def _show_state(self) -> None:
        """Show what can be done now, and how much has been."""
        annotation = self.annotation
        self.hand.catch_up()
        for button in self.tools.buttons.values():
            button.setEnabled(annotation is not None)
        if annotation is not None:
            self.tools.buttons["new_cell"].setEnabled(annotation.is_counted)
            self.tools.buttons["rest"].setEnabled(read_scheme(annotation.layer) == "sparse")
            self.tools.buttons["undo"].setEnabled(bool(annotation.history.done))
            self.tools.buttons["redo"].setEnabled(bool(annotation.history.undone))
        self.train.setEnabled(annotation is not None and self._image is not None and not self._misfit)
        self._show_brush()
        self._show_counts()
        self._show_saved()

    def _show_counts(self, event: Any = None) -> None:
        """Show how much is annotated."""
        self.counts.show_annotation(self.annotation)

    def _show_saved(self) -> None:
        """Show how it stands with the disk."""
        self.saved.show_annotation(self.annotation)

    def _show_brush(self, event: Any = None) -> None:
        """Show which tool is in the hand, and what it paints."""
        self.brush.setText(self.hand.describe())
        self.tools.mark(self.hand.tool_in_use())
