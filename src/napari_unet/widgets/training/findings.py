"""What would spoil a training, as a list with what to do."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet.training.preflight import Finding


class FindingsLabel(QLabel):
    """Lists findings, the worst first; out of sight while there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.hide()

    def show_list(self, findings: Sequence[Finding]) -> None:
        """Show other findings.

        Parameters
        ----------
        findings
            In the order of the list; empty: none.
        """
        self.setText("".join(map(_paragraph, findings)))
        self.setVisible(bool(findings))


def _paragraph(finding: Finding) -> str:
    """Write a finding and its remedy."""
    message, remedy = html.escape(finding.message), html.escape(finding.remedy)
    return f"<p><b>{finding.level.capitalize()}:</b> {message} <i>{remedy}</i></p>"
