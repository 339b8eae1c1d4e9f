"""The dock widget *Start here*: the way from an image to segmented stacks, in steps that open what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        self.steps = [self._add_step(number, title, text) for number, (title, text) in enumerate(_STEPS.items(), 1)]
        self.body.addStretch()

    def _add_step(self, number: int, title: str, text: str) -> QLabel:
        """Add one step."""
        step = QLabel(f"<p><b>{number}. {title}</b><br>{' '.join(text.split())}</p>")
        step.setWordWrap(True)
        step.setToolTip("<p>Click on a coloured word to open it.</p>")
        step.linkActivated.connect(self._open)
        self.body.addWidget(step)
        return step

    def _open(self, link: str) -> None:
        """Open a dock or a sample."""
        kind, name = link.split(":")
        if kind == "dock":
            open_dock(self.viewer, name)
        else:
            self.viewer.open_sample(PLUGIN, name)
