"""Keeping what is painted on the disk, however often it changes and however large it is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet.training.lessons import Lessons
    from napari_unet.training.run_folder import RunFolder

#: Writing takes at most this share of the time.
_SHARE = 0.05


class Snapshots:
    """Writes the annotations of a run that are not on the disk yet.

    Parameters
    ----------
    lessons
        Holds the annotations.
    folder
        Where they are written.
    """

    def __init__(self, lessons: Lessons, folder: RunFolder) -> None:
        self._lessons, self._folder = lessons, folder
        self._next = 0.0

    def write(self, *, at_once: bool) -> None:
        """Write what changed.

        Parameters
        ----------
        at_once
            Also if this was done so short a time ago, measured by what it took, that it would hold up the training.
        """
        began = time.perf_counter()
        if began < self._next and not at_once:
            return
        for name in sorted(self._lessons.unsaved):
            self._folder.save_annotation(self._lessons.images[name])
            self._lessons.unsaved.discard(name)
        self._next = began + (time.perf_counter() - began) / _SHARE
