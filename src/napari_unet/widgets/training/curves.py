"""The curves of a training: loss of each step, and what the held-out part says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from napari.utils.theme import get_theme
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_unet.training.events import Stepped, Validated
from napari_unet.training.pace import LossHistory

if TYPE_CHECKING:
    from collections.abc import Iterable

    import napari

_HEIGHT_PX = 170
_RAW_OPACITY = 0.35
_VEIL_OPACITY = 0.75
_PADDING = 0.15

# While a closed dock is collected, Qt may ask a title for its size whose attributes are gone: then it has none.
pg.LabelItem._sizeHint = {}


class Curves(QWidget):
    """Loss over the steps and, where something is held out, its IoU below.

    Parameters
    ----------
    viewer
        Whose colours they take.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.setFixedHeight(_HEIGHT_PX)
        self._canvas = pg.GraphicsLayoutWidget()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._canvas)
        self.setToolTip(
            "<p>Loss: how wrong the network is on what it has just seen; thin of each step, thick on average. "
            "IoU: how well it covers the cells that are held out, 1 is perfect.</p>"
        )
        self._viewer = viewer
        self._history = LossHistory()
        self._validated: list[Validated] = []
        self._is_drawn = False
        self.loss_plot, self.iou_plot = self._add_plot(0, "loss", (-1, 1)), self._add_plot(1, "IoU", (-1, -1))
        self.iou_plot.setYRange(0, 1)
        self.iou_plot.setXLink(self.loss_plot)
        self.raw, self.smoothed = self.loss_plot.plot(name="each step"), self.loss_plot.plot(name="average")
        self.iou = self.iou_plot.plot(name="held out", symbol="o", symbolSize=5)
        viewer.events.theme.connect(self._follow_theme)
        self._follow_theme()
        self.draw()

    def begin(self, losses: Iterable[float] = (), validated: Iterable[Validated] = ()) -> None:
        """Begin anew.

        Parameters
        ----------
        losses
            Losses of the steps that were done before.
        validated
            What was found when the held-out part was looked at before.
        """
        self._history, self._validated = LossHistory(losses), list(validated)
        self._is_drawn = False
        self.draw()

    def add(self, event: Stepped | Validated) -> None:
        """Add a point, to be drawn with others by `draw`.

        Parameters
        ----------
        event
            What the training tells.
        """
        if isinstance(event, Validated):
            # A training that goes back to an earlier step leaves points behind that never were.
            self._validated = [*(point for point in self._validated if point.step < event.step), event]
        else:
            self._history.add(event.step, event.loss)
        self._is_drawn = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self._history.losses

    def draw(self) -> None:
        """Draw what is known now, unless that is on the screen already."""
        if self._is_drawn:
            return
        self._is_drawn = True
        steps = np.arange(1, len(self._history.losses) + 1)
        self.raw.setData(steps, np.array(self._history.losses))
        self.smoothed.setData(steps, np.array(self._history.averages))
        self.iou.setData([event.step for event in self._validated], [event.iou for event in self._validated])
        self.iou_plot.setVisible(bool(self._validated))
        self.loss_plot.getAxis("bottom").setStyle(showValues=not self._validated)
        self.loss_plot.setLabel("bottom", "" if self._validated else "step")
        # It would find its limits while it is painted, and be painted once more, the whole window with it.
        self.loss_plot.scene().prepareForPaint()

    def _add_plot(self, row: int, name: str, corner: tuple[int, int]) -> Any:
        """Add a plot that cannot be dragged about by accident, its legend in the corner that its curve leaves free."""
        plot = self._canvas.addPlot(row=row, col=0)
        plot.setLabel("left", name)
        plot.setLabel("bottom", "step")
        plot.setMouseEnabled(x=False, y=False)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setDownsampling(auto=True, mode="mean")
        plot.setClipToView(True)
        plot.setLimits(xMin=0, yMin=0)
        # Room for the legend.
        plot.getViewBox().setDefaultPadding(_PADDING)
        plot.addLegend(offset=corner, colCount=2)
        for side in ("left", "bottom"):
            plot.getAxis(side).enableAutoSIPrefix(False)
        return plot

    def _follow_theme(self, event: Any = None) -> None:
        """Take the colours of the viewer's theme."""
        theme = get_theme(self._viewer.theme)
        ground, text, line = (getattr(theme, part).as_hex() for part in ("background", "text", "current"))
        self._canvas.setBackground(ground)
        faint = pg.mkColor(text)
        faint.setAlphaF(_RAW_OPACITY)
        self.raw.setPen(faint)
        self.smoothed.setPen(line, width=2)
        self.iou.setPen(line, width=2)
        self.iou.setSymbolBrush(line)
        veil = pg.mkColor(ground)  # a curve may run behind the legend
        veil.setAlphaF(_VEIL_OPACITY)
        for plot in (self.loss_plot, self.iou_plot):
            plot.legend.setLabelTextColor(text)
            plot.legend.setBrush(veil)
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(text)
                plot.getAxis(side).setTextPen(text)
