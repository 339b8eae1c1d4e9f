"""Processes of the tests keep out of each other's way; settings of napari that two write at once break."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Removed with the process.
_folder = tempfile.TemporaryDirectory(prefix="napari-unet-tests-", ignore_cleanup_errors=True)
# Threads of torch that wait shall sleep: spinning, they slow each other several times where processes share the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ["NAPARI_CONFIG"] = str(Path(_folder.name) / "settings.yaml")
