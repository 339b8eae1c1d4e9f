"""Train from a few painted cells; what nobody painted does not count.

In a sparse annotation 0 is not annotated, 1 is background, and from 2 on each number is one cell. Paint some whole
cells, among them some that touch, the background right around them, and strokes of background elsewhere.

Run: python examples/sparse_annotation.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import tifffile

from napari_unet import Recipe, draw_sample, segment, train
from napari_unet.samples import annotate_sparsely

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
sample = draw_sample("nuclei", (256, 256), seed=1)

# Stands for your painting: ten cells, some of them side by side, with a ring of background around each, and a stroke of
# background every 64 rows.
annotation = annotate_sparsely(sample.labels, 10)
stroke = annotation[32::64]
stroke[sample.labels[32::64] == 0] = 1

recipe = Recipe(training={"scheme": "sparse", "steps": 20, "patch_px": 100})
labels = segment(train(sample.image, annotation, recipe), sample.image)

tifffile.imwrite(folder / "annotation.tif", annotation)
tifffile.imwrite(folder / "labels.tif", labels)
print(f"10 of {sample.labels.max()} cells annotated, {labels.max()} found; written to {folder}")
