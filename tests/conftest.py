"""Every process of the tests has napari settings of its own: written by two at once, the file breaks."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp(prefix="napari-unet-tests-")) / "settings.yaml")
