"""The dock widget *Start here*: the way from an image to segmented stacks, in steps that open what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.theme import get_theme
from qtpy.QtWidgets import QLabel

from napari_unet.widgets._dock import PLUGIN, Dock, open_dock

if TYPE_CHECKING:
    import napari

_STEPS = {
    "Open": """Drag an image or a stack onto the window, or take
        <a href="sample:nuclei">nuclei of which 8 are painted</a>, and begin with step 3.""",
    "Paint": """<a href="dock:Annotate">Annotate</a>: paint a few cells wholly, each with its own number, and some
        background around them. What you leave unpainted is not learnt from.""",
    "Look": """<a href="dock:Weight map">Weight map</a>: bright are the gaps between touching cells, which the network
        must learn most of all; black is what does not count.""",
    "Train": """<a href="dock:Train">Train</a>: one button. The preview shows what the network has learnt so far.
        Where it is wrong, paint on: it learns from every stroke at once.""",
    "Segment": """<a href="dock:Segment">Segment</a>: the slice, what is in view or the whole stack; for many files
        <a href="dock:Batch">Batch</a>.""",
    "Check": """<a href="dock:Evaluate">Evaluate</a>: compare with cells painted by hand, and jump to what is wrong.""",
}


class GuideWidget(Dock):
    """Shows the steps; each opens the dock it is about.

    Parameters
    ----------
    viewer
        The viewer it is docked in.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer)
        self.steps = [self._add_step() for _ in _STEPS]
        self.body.addStretch()
        self.viewer.events.theme.connect(self._write)
        self._write()

    def _add_step(self) -> QLabel:
        """Add room for a step."""
        step = QLabel()
        step.setWordWrap(True)
        step.setToolTip("<p>Click on an underlined word to open it.</p>")
        step.linkActivated.connect(self._open)
        self.body.addWidget(step)
        return step

    def _write(self, event: Any = None) -> None:
        """Write the steps; links need the colour of the theme, their usual blue cannot be read on dark ground."""
        colour = get_theme(self.viewer.theme).text.as_hex()
        for number, (step, (title, text)) in enumerate(zip(self.steps, _STEPS.items(), strict=True), 1):
            linked = " ".join(text.split()).replace("<a ", f'<a style="color: {colour}" ')
            step.setText(f"<p><b>{number}. {title}</b><br>{linked}</p>")

    def _open(self, link: str) -> None:
        """Open a dock or a sample."""
        kind, name = link.split(":")
        if kind == "dock":
            open_dock(self.viewer, name)
        else:
            self.viewer.open_sample(PLUGIN, name)
