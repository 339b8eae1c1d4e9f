"""How long a stroke takes to the disk: idle, while it trains, and while other programs keep all cores busy, too.

Measured in the real window, on a display or a virtual one, from the end of a stroke until the window knows that the
disk has everything. Each state is measured with the writer as it is and, in turns in the same run, with one that lets
the window and other programs go first, as a training does.

    python benchmarks/autosave.py [--strokes 20] [--size 2048]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from window import Brush, has_preview, main_button, open_window, wait_for

from napari_unet.widgets._dock import open_dock
from napari_unet.widgets._session import HOME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import napari

    from napari_unet.widgets.annotating.annotation import Annotation

#: The longest that a stroke may take to the disk, seconds.
LIMIT_S = 2.0
#: As it is and giving way take turns so often.
N_TURNS = 2
PAUSE_MS = 300
BUSY = "while True: pass"


@contextmanager
def busy(n_programs: int) -> Iterator[None]:
    """Keep cores busy with other programs."""
    programs = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(n_programs)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


@contextmanager
def giving_way(annotation: Annotation) -> Iterator[None]:
    """Let the writer step back behind the window and other programs."""
    runner = annotation._autosave._runner
    runner._gives_way = True
    try:
        yield
    finally:
        runner._gives_way = False


class Painter:
    """A person who paints one stroke after another, and waits for the disk."""

    def __init__(self, viewer: napari.Viewer, annotation: Annotation) -> None:
        self._brush, self._annotation, self._n_ended = Brush(viewer), annotation, 0
        annotation.layer.events.paint.connect(self._end)

    def seconds(self, n_strokes: int) -> list[float]:
        """Give the seconds from the end of each stroke until the disk has it."""
        return [self._paint() for _ in range(n_strokes)]

    def _paint(self) -> float:
        n_before = self._n_ended
        self._brush.paint()
        wait_for(lambda: self._n_ended > n_before)
        seconds = wait_for(lambda: self._annotation.is_saved)
        QTest.qWait(PAUSE_MS)
        return seconds

    def _end(self, event: object) -> None:
        self._n_ended += 1


def measure(viewer: napari.Viewer, n_strokes: int) -> dict[str, tuple[list[float], list[float]]]:
    """Give the seconds of strokes in each state: as the writer is, and with one that gives way."""
    annotate = open_dock(viewer, "Annotate")
    wait_for(lambda: annotate.annotation is not None and annotate.annotation.is_saved)
    painter = Painter(viewer, annotate.annotation)

    def both() -> tuple[list[float], list[float]]:
        as_it_is, after_others = [], []
        for _ in range(N_TURNS):
            as_it_is += painter.seconds(n_strokes // N_TURNS)
            with giving_way(annotate.annotation):
                after_others += painter.seconds(n_strokes // N_TURNS)
        return as_it_is, after_others

    states = {"idle": both()}
    train = open_dock(viewer, "Train")
    wait_for(main_button(train).isEnabled)
    main_button(train).click()
    wait_for(lambda: has_preview(viewer))
    states["training"] = both()
    n_cores = os.cpu_count() or 1
    with busy(n_cores):
        states[f"training, beside {n_cores} busy programs"] = both()
    main_button(train).click()
    wait_for(lambda: main_button(train).text() == "Train")
    viewer.close()
    return states


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strokes", type=int, default=20, help="how many strokes each state is watched for")
    parser.add_argument("--size", type=int, default=2048, help="edge of the image in px")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ[HOME_VARIABLE] = folder
        application = QApplication.instance() or QApplication([])
        states = measure(open_window(options.size), options.strokes)
        application.processEvents()
    print(f"\n{options.size}x{options.size} px, {options.strokes} strokes each; a stroke may take {LIMIT_S:g} s\n")
    print("| window | median, s | longest, s | longest, of the limit | a writer that gives way: median | longest |")
    print("|---|---|---|---|---|---|")
    for name, (ours, other) in states.items():
        figures = [np.median(ours), max(ours), max(ours) / LIMIT_S, np.median(other), max(other)]
        print(f"| {name} | {' | '.join(f'{figure:.2f}' for figure in figures)} |")


if __name__ == "__main__":
    main()
