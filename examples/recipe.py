"""Keep all settings in one file that Python, the command line and a cluster share.

A recipe starts from the defaults or from a preset. The file can be edited; `load_recipe` checks every name and value,
and ``napari-unet train --recipe recipe.toml`` takes the same file.

Run: python examples/recipe.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from napari_unet import load_recipe, preset
from napari_unet.config.recipe import dump_recipe

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
file = folder / "recipe.toml"

recipe = preset("paper")
print(f"the paper's network: depth {recipe.model.depth}, {recipe.model.base_channels} channels")

file.write_text(dump_recipe(recipe).replace("base_channels = 64", "base_channels = 16"))
edited = load_recipe(file)
print(f"edited in {file}: {edited.model.base_channels} channels, {edited.training.optimizer} as before")
