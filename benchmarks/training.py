"""Compare a training step with the least that PyTorch needs for it, and tell what augmentation costs.

Run: ``python benchmarks/training.py [--steps N]``. Prints a Markdown table.

The bare loop does forward, loss, backward and optimiser step on tensors that lie ready, in the same precision and
memory format as the trainer. The trainer does the same on the same tensors, and besides all it always does: learning
rate, gradient clipping, weight averaging, checks for numbers that are not finite, events, checkpoints; and on a CPU it
keeps the memory of a step for the next one. Rounds of both take turns, so that a machine that speeds up or slows down
does so for both; the ratios are medians over the rounds.
A second table tells how long a training is held up by a stroke that is painted meanwhile.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from napari_unet.config.presets import preset
from napari_unet.config.recipe import Recipe, parse_recipe
from napari_unet.data.fields import Preparation
from napari_unet.data.normalization import fit_normalization
from napari_unet.data.training_image import TrainingImage
from napari_unet.samples import annotate_sparsely, draw_sample
from napari_unet.training.computation import Computation
from napari_unet.training.events import Stepped
from napari_unet.training.lessons import Lessons
from napari_unet.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_unet.data.sampling import Batch


def make_trainer(recipe: Recipe, folder: str) -> Trainer:
    sample = draw_sample("nuclei", (512, 512), seed=0)
    image = TrainingImage("drawn", sample.image[None, None, None], sample.labels[None, None, None])
    return Trainer([image], recipe, folder)


def bare_loop(trainer: Trainer, batch: Batch) -> Callable[[], None]:
    """Make one step of the loop that anyone would write."""
    computation = Computation.choose(trainer.recipe.execution)
    network = trainer.model().network.requires_grad_(True).to(computation.device, memory_format=torch.channels_last)
    network.train()
    settings = trainer.recipe.training
    optimizers = {
        "adamw": lambda: torch.optim.AdamW(network.parameters(), settings.learning_rate),
        "sgd": lambda: torch.optim.SGD(network.parameters(), settings.learning_rate, momentum=settings.momentum),
    }
    optimizer = optimizers[settings.optimizer]()
    image = computation.place(batch.image)

    def step() -> None:
        with computation.autocast():
            logits = network(image)
        loss = nn.functional.cross_entropy(logits.float(), batch.target, reduction="none")
        optimizer.zero_grad(set_to_none=True)
        ((loss * batch.weights).sum() / batch.weights.sum()).backward()
        optimizer.step()
        loss.detach().sum().item()

    return step


class Frozen:
    """A sampler that gives the same batch every time."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def batch(self, step: int) -> Batch:
        """Give the batch, whatever the step."""
        return self._batch


def trainer_seconds(trainer: Trainer, times: int) -> float:
    """Time steps of the trainer, which goes on where it stopped; before the first it takes its memory."""
    with closing(trainer.run()) as events:
        steps = (event for event in events if isinstance(event, Stepped))
        next(steps)
        return seconds(lambda: next(steps), times)


def seconds(action: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - began) / times


def measure(name: str, recipe: Recipe, rounds: int, steps: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(recipe, folder)
        sampler = trainer._lessons.current.sampler
        batch = sampler.batch(0)
        bare = bare_loop(trainer, batch)
        object.__setattr__(trainer._lessons.current, "sampler", Frozen(batch))
        bare()
        times = [
            {
                "bare": seconds(bare, steps),
                "ours": trainer_seconds(trainer, steps),
                "augmentation": seconds(lambda: sampler.batch(1), steps),
            }
            for _ in range(rounds)
        ]
    bare_s, ours_s, augmentation_s = (statistics.median(t[part] for t in times) for part in times[0])
    speed = statistics.median(t["bare"] / t["ours"] for t in times)
    share = statistics.median(t["augmentation"] / (t["ours"] + t["augmentation"]) for t in times)
    return f"| {name} | {bare_s:.3f} | {ours_s:.3f} | {speed:.0%} | {augmentation_s:.4f} | {share:.1%} |"


def measure_stroke(edge: int, n_planes: int, n_annotated: int, rounds: int) -> str:
    """Hand in strokes of one pixel on one plane of a stack, as a person who paints while it trains."""
    plane = draw_sample("nuclei", (edge, edge), seed=0)
    labels = np.zeros((1, 1, n_planes, edge, edge), np.int32)
    labels[0, 0, :n_annotated] = annotate_sparsely(plane.labels, 20)
    source = TrainingImage("stack", np.repeat(plane.image[None, None, None], n_planes, axis=2), labels)
    recipe = parse_recipe({"training": {"scheme": "sparse"}})
    normalization = fit_normalization([source.image], recipe.normalization)
    began = time.perf_counter()
    lessons = Lessons([source], Preparation(recipe, normalization))
    whole = time.perf_counter() - began
    times = []
    for number in range(rounds + 2):
        labels[0, 0, 0, edge // 2, number] = 1
        lessons.hand_in(source)
        times.append(seconds(lessons.take_in, 1))
    # The first stroke on a plane makes what follows the brush from then on.
    size = f"{n_planes} x {edge} x {edge}, {n_annotated} annotated"
    return f"| {size} | {whole:.2f} | {times[0]:.3f} | {statistics.median(times[2:]):.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="rounds of every measurement")
    parser.add_argument("--presets", nargs="+", default=["default", "tiny", "paper"], help="recipes to measure")
    arguments = parser.parse_args()
    execution = Computation.choose(Recipe().execution)
    machine = f"{execution.device.type}, {execution.precision}, {torch.get_num_threads()} threads"
    print(f"{machine}, torch {torch.__version__}\n")
    print("| recipe | bare PyTorch, s a step | ours, s a step | ours, speed | augmentation, s a step | its share |")
    print("|---|---|---|---|---|---|")
    for name in arguments.presets:
        steps = {"paper": 1, "tiny": 20}.get(name, 5)
        print(measure(name, preset(name), arguments.rounds, steps), flush=True)
    print("\n| stack painted on | all planes read, s | first stroke, s | each further stroke, s |")
    print("|---|---|---|---|")
    for stack in ((512, 1, 1), (1024, 20, 5)):
        print(measure_stroke(*stack, arguments.rounds), flush=True)


if __name__ == "__main__":
    main()
