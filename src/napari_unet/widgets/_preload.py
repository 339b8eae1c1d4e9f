"""Loading PyTorch beside the window so that the window goes on meanwhile."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

#: A full collection comes after so many smaller ones: never, while it loads.
_NEVER = 1_000_000
_lock = threading.Lock()


def load_torch() -> None:
    """Import the engine with PyTorch; to be called in a thread beside the window, as often as one likes.

    Notes
    -----
    Two things would stop the window for a fifth of a second and more. The import opens a library of hundreds of
    megabytes while it holds the interpreter's lock: here it is opened first, by a foreign call, which does not hold
    it. And the many new objects make Python look through all objects of the window again and again: here it looks
    through the new ones only.
    """
    with _lock:
        if "napari_unet.training.trainer" in sys.modules:
            return
        # Threads that wait by turning round take the processors from the window.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        _open_library()
        young, middle, old = gc.get_threshold()
        gc.set_threshold(young, middle, _NEVER)
        try:
            # The first optimiser imports this, which takes as long as all the rest.
            import torch._dynamo  # noqa: F401

            import napari_unet.inference.segment
            import napari_unet.training.trainer  # noqa: F401
        finally:
            gc.set_threshold(young, middle, old)


def _open_library() -> None:
    """Open the large library of PyTorch; where this cannot be done, the import does it."""
    found = find_spec("torch")
    if found is None or found.origin is None or sys.platform == "win32":
        return
    suffix = "dylib" if sys.platform == "darwin" else "so"
    library = Path(found.origin).parent / "lib" / f"libtorch_cpu.{suffix}"
    opener = ctypes.CDLL(None).dlopen
    opener.argtypes, opener.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    opener(os.fsencode(library), os.RTLD_LAZY)
