"""Drawn microscopy whose labels are known exactly: for demo, tests and benchmarks."""

from __future__ import annotations

from napari_unet.samples.annotation import annotate_sparsely
from napari_unet.samples.drawing import KINDS, Sample, draw_sample

__all__ = ["KINDS", "Sample", "annotate_sparsely", "draw_sample"]
