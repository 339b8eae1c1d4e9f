"""Look at the weight map: how much each pixel counts in training.

Background squeezed between two cells counts most, so that the network learns to keep them apart. The formula of 2015
is the default; that of 2019 also lets background far from any cell count less.

Run: python examples/weight_map.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from napari_unet import draw_sample, weight_map
from napari_unet.cli.pictures import Panel, draw_labels, draw_weights, write_figure
from napari_unet.config.weight_map import WeightMapConfig

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
labels = draw_sample("nuclei", (256, 256), seed=1).labels

weights = weight_map(labels)
weights_2019 = weight_map(labels, WeightMapConfig(formula="falk2019"))

panels = [
    Panel("Labels", draw_labels(labels)),
    Panel("Weights, 2015", draw_weights(weights)),
    Panel("Weights, 2019", draw_weights(weights_2019)),
]
write_figure(folder / "weight_map.png", panels)
print(f"weights from {weights.min():.2f} to {weights.max():.2f}; written to {folder}")
