"""The models of the project, to go back to an earlier one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QMenu, QPushButton

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet.widgets._session import Session

_MOST = 12
_PATTERNS = ("*.safetensors", "*/*.safetensors", "*/*/*.safetensors")
_CHECKPOINT = "checkpoint.safetensors"


class RecentModels(QPushButton):
    """Offers the models of the project, the newest first.

    Parameters
    ----------
    session
        Knows the project, and takes the choice.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.setText("Recent")
        self.setToolTip("<p>Models of this project, the newest first.</p>")
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self.fill)
        self.setMenu(self._menu)

    def fill(self) -> None:
        """List the models that there are now."""
        self._menu.clear()
        for path in find_models(self._session.project):
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))
            action = self._menu.addAction(f"{path.relative_to(self._session.project)}   {when}")
            assert action is not None
            action.triggered.connect(lambda _=False, path=path: self._session.set_model(path))
        if self._menu.isEmpty():
            action = self._menu.addAction("No models in this project yet")
            assert action is not None
            action.setEnabled(False)


def find_models(project: Path) -> list[Path]:
    """Find the models of a project.

    Parameters
    ----------
    project
        Its folder; may be absent.

    Returns
    -------
    list of pathlib.Path
        The newest first, not more than a menu can hold. Of a run, the best model stands for its last one.
    """
    found = [path for pattern in _PATTERNS for path in project.glob(pattern) if path.name != _CHECKPOINT]
    chosen = [path for path in found if path.name != "last.safetensors" or path.with_stem("best") not in found]
    return sorted(chosen, key=lambda path: path.stat().st_mtime, reverse=True)[:_MOST]
