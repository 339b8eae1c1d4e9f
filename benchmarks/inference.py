"""Prediction side by side: overlap-tile, one pass over the whole image, the paper's loop, MONAI.

    python benchmarks/inference.py                  # 2048 x 2048, default network and that of the paper
    python benchmarks/inference.py --growth 1 4 16 64    # time and memory against megapixels

Prints markdown tables. Weights are random, which changes neither time nor the meaning of "equal". Needs ``monai``.
"""

from __future__ import annotations

import argparse
import copy
import multiprocessing
import resource
import time
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.normalization import NormalizationConfig
from napari_unet.config.presets import PRESETS, preset
from napari_unet.data.normalization import Normalization
from napari_unet.inference.predictor import Predictor
from napari_unet.inference.tiling import plan_tiles, read_mirrored
from napari_unet.models.folding import fold_batch_norm
from napari_unet.models.model_file import ModelCard, TrainedModel
from napari_unet.models.registry import build_network

#: Edge of the paper's output tile, px.
PAPER_TILE_PX = 388
FLOAT32_PASS = "one pass, folded, float32"
Probabilities = NDArray[np.float32]
Run = Callable[[], Probabilities]


def random_model(name: str) -> TrainedModel:
    recipe = preset(name)
    torch.manual_seed(0)
    network = build_network(recipe.model, in_channels=1, n_classes=2).eval()
    normalization = Normalization(config=NormalizationConfig(), n_channels=1)
    return TrainedModel(network, ModelCard(in_channels=1, n_classes=2, recipe=recipe, normalization=normalization))


def draw_image(size: int) -> NDArray[np.uint16]:
    return np.random.default_rng(0).integers(0, 4096, (1, 1, 1, size, size), dtype=np.uint16)


def predict_ours(predictor: Predictor, image: NDArray[np.uint16]) -> Probabilities:
    return predictor.probabilities(image)[0, 0]


@torch.inference_mode()
def predict_whole(predictor: Predictor, image: NDArray[np.uint16]) -> Probabilities:
    """One pass of the same folded network in bare PyTorch, over the mirrored image."""
    [tile] = plan_tiles(image.shape[-2:], predictor.geometry, tile_px=2 * image.shape[-1])
    window = torch.from_numpy(scaled(predictor, image, tile.outer))[None]
    window = window.to(predictor.precision).contiguous(memory_format=torch.channels_last)
    probabilities = predictor.network(window.to(predictor.device)).float().softmax(1)
    return probabilities[0, :, : image.shape[-2], : image.shape[-1]].cpu().numpy()


@torch.inference_mode()
def predict_paper_loop(model: TrainedModel, predictor: Predictor, image: NDArray[np.uint16]) -> Probabilities:
    """Follow the paper to the letter: outputs of 388 px next to each other, float32, the network as it was trained."""
    size, halo = image.shape[-1], predictor.geometry[0].halo
    filled = np.empty((2, size, size), np.float32)
    for y in range(0, size, PAPER_TILE_PX):
        for x in range(0, size, PAPER_TILE_PX):
            outer = [slice(start - halo, start + PAPER_TILE_PX + halo) for start in (y, x)]
            outputs = model.network(torch.from_numpy(scaled(predictor, image, outer))[None]).softmax(1)[0].numpy()
            part = filled[:, y : y + PAPER_TILE_PX, x : x + PAPER_TILE_PX]
            part[...] = outputs[:, : part.shape[1], : part.shape[2]]
    return filled


@torch.inference_mode()
def predict_monai(network: nn.Module, roi_px: int, predictor: Predictor, image: NDArray[np.uint16]) -> Probabilities:
    """MONAI's sliding window at its defaults (overlap of a quarter, constant blending), float32."""
    from monai.inferers import sliding_window_inference

    size = image.shape[-1]
    whole = torch.from_numpy(scaled(predictor, image, [slice(0, size), slice(0, size)]))[None]
    return sliding_window_inference(whole, (roi_px, roi_px), 1, network).softmax(1)[0].numpy()


def scaled(predictor: Predictor, image: NDArray[np.uint16], outer: list[slice]) -> NDArray[np.float32]:
    return predictor.card.normalization.for_image(image)(read_mirrored(image[0, :, 0], outer))


class MirroredInput(nn.Module):
    """A network of unpadded convolutions as MONAI needs it: as large an output as the input, which is mirrored."""

    def __init__(self, network: nn.Module, halo: int) -> None:
        super().__init__()
        self.network, self.halo = network, halo

    def forward(self, window: Tensor) -> Tensor:
        """Map (N, C, Y, X) to logits (N, classes, Y, X)."""
        return self.network(nn.functional.pad(window, (self.halo,) * 4, mode="reflect"))


def with_padding(network: nn.Module) -> nn.Module:
    """Give the convolutions zero padding: fewer pixels than a mirrored input, but wrong near every window's edge."""
    padded = copy.deepcopy(network)
    for module in padded.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            module.padding = (1, 1)
    return padded


def compare(name: str, size: int, repeats: int) -> None:
    """Print the table of one network."""
    image, model = draw_image(size), random_model(name)
    ours = Predictor(model)
    ours_float32 = Predictor(model, execution=ExecutionConfig(precision="float32"))
    folded, halo = fold_batch_norm(model.network), ours.geometry[0].halo
    print(f"\n### Preset `{name}`, {size} x {size} px, {ours.device}, {torch.get_num_threads()} threads\n", flush=True)
    runs: dict[str, Run] = {
        f"napari-unet, auto ({precision_name(ours)})": partial(predict_ours, ours, image),
        f"one pass, folded, {precision_name(ours)}": partial(predict_whole, ours, image),
        "napari-unet, float32": partial(predict_ours, ours_float32, image),
        FLOAT32_PASS: partial(predict_whole, ours_float32, image),
        "the paper's loop, 572 -> 388, float32": partial(predict_paper_loop, model, ours, image),
        "MONAI, mirrored 388 -> 572 -> 388": partial(
            predict_monai, MirroredInput(folded, halo), PAPER_TILE_PX, ours, image
        ),
        "MONAI, zero-padded convolutions, 384": partial(predict_monai, with_padding(folded), 384, ours, image),
    }
    print_runs(*time_runs(runs, repeats))


def precision_name(predictor: Predictor) -> str:
    return str(predictor.precision).removeprefix("torch.")


def time_runs(runs: dict[str, Run], repeats: int) -> tuple[dict[str, float], dict[str, Probabilities]]:
    """Give the shortest time and the result of each run; repeats take turns, so that a busy moment hits all alike."""
    seconds, results = dict.fromkeys(runs, float("inf")), {}
    for _ in range(repeats):
        for label, run in runs.items():
            start = time.perf_counter()
            results[label] = run()
            seconds[label] = min(seconds[label], time.perf_counter() - start)
    return seconds, results


def print_runs(seconds: dict[str, float], results: dict[str, Probabilities]) -> None:
    """Compare each run with the first in time, and with one pass in float32 in its result."""
    first, second, *_ = seconds
    reference = results[FLOAT32_PASS]
    print("| Prediction | s | Mpx/s | time against the first | difference to the float32 pass | classes changed |")
    print("|---|---|---|---|---|---|")
    for label, taken in seconds.items():
        difference = np.abs(results[label] - reference).max()
        changed = np.mean(results[label].argmax(0) != reference.argmax(0))
        speed = reference[0].size / taken / 1e6
        ratio = taken / seconds[first]
        print(f"| {label} | {taken:.2f} | {speed:.3f} | {ratio:.2f} | {difference:.1e} | {changed:.3%} |")
    difference = np.abs(results[first] - results[second]).max()
    changed = np.count_nonzero(results[first].argmax(0) != results[second].argmax(0))
    print(f"\nTiled against one pass in the same precision: {difference:.1e}, {changed} pixels of another class.")


def measure_growth(name: str, megapixels: float, queue: multiprocessing.Queue[tuple[float, float]]) -> None:
    """Predict one image in a process of its own, whose peak memory is then that of this image (Linux counts in KiB)."""
    image, predictor = draw_image(round((megapixels * 2**20) ** 0.5)), Predictor(random_model(name))
    scaler = predictor.card.normalization.for_image(image)
    start = time.perf_counter()
    for _ in predictor.predict_plane(image[0, :, 0], scaler):
        pass
    queue.put((time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20))


def print_growth(name: str, megapixels: list[float]) -> None:
    """Print time and peak memory against the size of the image; results are dropped tile by tile."""
    print(f"\n### Growth, preset `{name}`\n\n| Mpx | s | Mpx/s | peak memory, GB |\n|---|---|---|---|", flush=True)
    context = multiprocessing.get_context("spawn")
    for size in megapixels:
        queue = context.Queue()
        process = context.Process(target=measure_growth, args=(name, size, queue))
        process.start()
        seconds, gigabytes = queue.get()
        process.join()
        print(f"| {size:g} | {seconds:.2f} | {size * 2**20 / 1e6 / seconds:.3f} | {gigabytes:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2048, help="edge of the image, px")
    parser.add_argument("--repeats", type=int, default=2, help="runs of each, of which the fastest counts")
    parser.add_argument("--presets", nargs="*", choices=list(PRESETS), default=["default", "paper"])
    parser.add_argument("--growth", nargs="*", type=float, default=[], metavar="MPX", help="megapixels to try")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in arguments.presets:
        if arguments.growth:
            print_growth(name, arguments.growth)
        else:
            compare(name, arguments.size, arguments.repeats)


if __name__ == "__main__":
    main()
