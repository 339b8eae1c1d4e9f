"""Measure what each part of the method is worth: leave it out, train anew, and score on the same images.

Run: ``python benchmarks/ablations.py [DATA] [--set isbi] [--images N] [--steps N] [--patch-px N] [--seeds 0 1]
[--only NAME ...] [--models FOLDER] [--write]``
Sets, split and measures are those of ``paper_tables.py``. Every run starts from random weights unless its name says
otherwise, and goes on where it was interrupted. With several seeds the figures are means, and in brackets the least and
the most. Few images are learnt from by default, since that is where augmentation and weights have to help. Zeros around
each patch, which other U-Nets have, are those of a network that is made here for the purpose: the product has none.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from _padded import PaddedUNet
from _report import DATA, PAGE, write
from _runs import train
from paper_tables import SEG, TABLES, lessons, score

from napari_unet.config.presets import PRESETS
from napari_unet.config.recipe import parse_recipe
from napari_unet.config.tiling import TilingConfig
from napari_unet.config.training import TrainingConfig
from napari_unet.models.model_file import load_model
from napari_unet.models.registry import ARCHITECTURES
from napari_unet.training.run_folder import RunFolder
from napari_unet.training.starting import NONE, STARTER

if TYPE_CHECKING:
    from napari_unet.models.model_file import TrainedModel

ABOUT = """Each row leaves out, or changes, one part of the default recipe and trains anew from random weights. Scored
are the images of the paper's tables, never learnt from."""
EVERYTHING = "default recipe"
PADDED = "zeros around each patch and tile"
#: Of the measures of a set those that need no long training to mean something.
QUANTITIES = ("wrong pixels at a threshold of one half", "pixel error", "Rand error", SEG, "IoU of the foreground")
#: What is trained, by what it changes of the default recipe.
TRAINED: dict[str, dict[str, dict[str, Any]]] = {
    EVERYTHING: {},
    "from the starter model": {},
    "no border weights": {"weight_map": {"border_weight": 0}},
    "no class balance": {"weight_map": {"balance_classes": False}},
    "no elastic deformation": {"augmentation": {"elastic_px": 0}},
    "no mirroring": {"augmentation": {"flip": False}},
    PADDED: {},
    "no batch normalisation": {"model": {"batch_norm": False}},
    "stochastic gradient descent": {
        "training": {name: PRESETS["paper"]["training"][name] for name in ("optimizer", "momentum", "learning_rate")}
    },
    "classes instead of cells": {"training": {"target": "classes"}},
    "twice the channels": {"model": {"base_channels": 32, "max_channels": 256}},
}
#: What is only predicted in another way, with the model of the default recipe.
PREDICTED = ("class balance not undone", "averaged over rotations", "averaged over rotations and mirrors")


@dataclass
class Row:
    """What the seeds of a variant gave."""

    scores: list[dict[str, float]] = field(default_factory=list)
    step_seconds: list[float] = field(default_factory=list)


def vary(model: TrainedModel, name: str) -> TrainedModel:
    """Give a model that predicts in another way."""
    if name == "class balance not undone":
        return replace(model, card=model.card.model_copy(update={"class_balance": ()}))
    averaging = TilingConfig.model_validate({"averaging": name.removeprefix("averaged over ")})
    recipe = model.card.recipe.model_copy(update={"tiling": averaging})
    return replace(model, card=model.card.model_copy(update={"recipe": recipe}))


def measure(arguments: argparse.Namespace) -> dict[str, Row]:
    """Train and score every variant."""
    rows: dict[str, Row] = {}
    for name in [name for name in TRAINED if name in arguments.only]:
        network = {"unet": PaddedUNet} if name == PADDED else {}
        for seed in arguments.seeds:
            with patch.dict(ARCHITECTURES, network):
                _measure(arguments, name, seed, rows)
    return rows


def _measure(arguments: argparse.Namespace, name: str, seed: int, rows: dict[str, Row]) -> None:
    """Train and score a variant with one seed; with the default recipe also what is only predicted otherwise."""
    table, settings = TABLES[arguments.set], TRAINED[name]
    budget = {"steps": arguments.steps, "seed": seed, "patch_px": arguments.patch_px, "validation_seconds": 60}
    recipe = parse_recipe({**settings, "training": {**settings.get("training", {}), **budget}})
    parts = (arguments.set, re.sub("[^a-z]+", "-", name), arguments.images, arguments.steps, seed)
    path = arguments.models / "-".join(map(str, parts))
    images = lessons(table, arguments.data)
    chosen = [images[int(i)] for i in np.linspace(0, len(images), arguments.images, endpoint=False)]
    run = train(chosen, recipe, path, STARTER if "starter" in name else NONE)
    model = load_model(RunFolder(path).model)
    models = {name: model} | {other: vary(model, other) for other in PREDICTED if name == EVERYTHING}
    for variant, varied in models.items():
        row = rows.setdefault(variant, Row())
        row.scores.append(score(table, varied, arguments.data, [name for name in QUANTITIES if name in table.measures]))
        if variant == name and run.processor_seconds is not None:
            row.step_seconds.append(run.processor_seconds / run.steps)
        print(variant, seed, row.scores[-1], flush=True)


def render(rows: dict[str, Row]) -> str:
    """Write a Markdown table of means, with the least and the most of several seeds."""
    quantities = list(next(iter(rows.values())).scores[0])
    lines = [f"| variant | {' | '.join(quantities)} | processor time a step |", "|---" * (len(quantities) + 2) + "|"]
    for name, row in rows.items():
        figures = [_figure([scores[quantity] for scores in row.scores]) for quantity in quantities]
        cost = f"{np.mean(row.step_seconds):.2f} s" if row.step_seconds else ""
        lines.append(f"| {name} | {' | '.join(figures)} | {cost} |")
    return "\n".join(lines)


def _figure(values: list[float]) -> str:
    """Write what the seeds of a variant gave."""
    mean = f"{np.mean(values):.4f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f} to {max(values):.3f})"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="folder of the sets")
    parser.add_argument("--set", choices=TABLES, default="isbi")
    parser.add_argument("--images", type=int, default=2, help="images to learn from")
    parser.add_argument("--steps", type=int, default=100, help="training steps of each run")
    parser.add_argument("--patch-px", type=int, default=TrainingConfig().patch_px, help="smaller patches are faster")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", choices=TRAINED, default=list(TRAINED), help="what to train")
    parser.add_argument("--models", type=Path, default=Path("ablation_models"), help="where the runs are kept")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.exit(0, f"{arguments.data}: there is no such folder; nothing is measured\n")
    return arguments


def main() -> None:
    arguments = parse()
    text = render(measure(arguments))
    print(text)
    if arguments.write:
        what = f"{arguments.set}, {arguments.images} images, {arguments.steps} steps"
        if len(arguments.seeds) > 1:
            what += f", {len(arguments.seeds)} seeds"
        options = f"--set {arguments.set} --images {arguments.images} --steps {arguments.steps}"
        options += f" --patch-px {arguments.patch_px} --seeds {' '.join(map(str, arguments.seeds))}"
        about = f"{ABOUT}\n`python benchmarks/ablations.py DATA {options}`"
        write(PAGE, f"## What each part is worth: {what}", f"{about}\n\n{text}")


if __name__ == "__main__":
    main()
