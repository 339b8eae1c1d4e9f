"""PyTorch is loaded beside the window, and Python's collector is left as it was."""

from __future__ import annotations

import gc
import sys
import threading

from napari_unet.widgets._preload import load_torch


def test_it_loads_once_and_leaves_the_collector_alone() -> None:
    before = gc.get_threshold()
    threads = [threading.Thread(target=load_torch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {"torch", "napari_unet.training.trainer"} <= set(sys.modules)
    assert gc.get_threshold() == before
