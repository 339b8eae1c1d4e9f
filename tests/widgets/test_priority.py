"""Work beside the window gives way to it."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from napari_unet.widgets._priority import step_back

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority belongs to the whole program")


def test_only_the_work_and_what_it_starts_step_back() -> None:
    """Threads of the window keep their rank; a thread that the work starts takes the rank of the work."""
    ranks: list[int] = []

    def look() -> None:
        ranks.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    def work() -> None:
        step_back()
        look()
        helper = threading.Thread(target=look)
        helper.start()
        helper.join()

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert ranks == [max(before, 10)] * 2
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_a_program_that_stepped_back_further_stays_there() -> None:
    """A niceness that a person gave the whole program is never lowered."""
    ranks: list[int] = []

    def work() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 12)
        step_back()
        ranks.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert ranks == [12]
