"""Every process of the tests has napari settings of its own: written by two at once, the file breaks."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Removed with the process.
_folder = tempfile.TemporaryDirectory(prefix="napari-unet-tests-", ignore_cleanup_errors=True)
os.environ["NAPARI_CONFIG"] = str(Path(_folder.name) / "settings.yaml")
