"""Train a U-Net and segment an image it has not seen.

The images are drawn, so their labels are known exactly. With images of your own, give `train` two folders instead:
``train("images", "labels")`` pairs their files by name.

Run: python examples/train_and_segment.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import tifffile

from napari_unet import Recipe, draw_sample, evaluate, save_model, segment, train

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
known, new = draw_sample("nuclei", (256, 256), seed=1), draw_sample("nuclei", (256, 256), seed=2)

# A small network and few steps, for a look; leave both out for your own images.
recipe = Recipe(model={"depth": 3, "base_channels": 8}, training={"steps": 40, "patch_px": 68})
model = train(known.image, known.labels, recipe)
labels = segment(model, new.image)

save_model(model, folder / "nuclei.safetensors")
tifffile.imwrite(folder / "labels.tif", labels)
print(f"{labels.max()} cells, IoU {evaluate(labels, new.labels).means['iou']:.2f}; written to {folder}")
