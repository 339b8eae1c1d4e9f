"""Run the command line as ``python -m napari_unet``."""

from __future__ import annotations

import sys

from napari_unet.cli import main

sys.exit(main())
