"""What to mind while one annotates."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel

_HINT = (
    "<p><b>How to annotate well</b></p><ul style='margin-left: -24px'><li>Paint few cells, but each one wholly.</li>"
    "<li>Paint background round them, right up to their edge.</li>"
    "<li>Two cells that touch get two numbers.</li></ul>"
)


class Hint(QLabel):
    """Says how to annotate well."""

    def __init__(self) -> None:
        super().__init__(_HINT)
        self.setWordWrap(True)
