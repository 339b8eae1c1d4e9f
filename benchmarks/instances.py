"""Time and memory of finding cells: whole against block by block, and over the width of growing.

Run: ``python benchmarks/instances.py --limit-mpx 64``. Prints markdown tables; times are the best of three.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet.config.instances import InstancesConfig
from napari_unet.inference.instances import find_instances, find_instances_blockwise

if TYPE_CHECKING:
    from collections.abc import Callable

#: Distance of cells, px: 256 cells a megapixel.
CELL_PX = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit-mpx", type=float, default=64, help="largest image, megapixels")
    parser.add_argument("--block-px", type=int, default=1024, help="edge of a block")
    arguments = parser.parse_args()
    compare_sizes(arguments.limit_mpx, arguments.block_px)
    compare_widths(min(arguments.limit_mpx, 4))


def compare_sizes(limit_mpx: float, block_px: int) -> None:
    config = InstancesConfig()
    print(
        f"| Mpx | cells | whole (s) | blocks of {block_px} px (s) | ratio | whole (MiB) | blocks (MiB) | same labels |"
    )
    print("|---|---|---|---|---|---|---|---|")
    edge = 1024
    while edge**2 <= limit_mpx * 2**20:
        mask = draw_cells(edge)
        labels = np.zeros(mask.shape, dtype=np.int32)

        def run_whole(mask: np.ndarray = mask) -> np.ndarray:
            return find_instances(mask, config)

        def run_blocks(mask: np.ndarray = mask, labels: np.ndarray = labels) -> int:
            return find_instances_blockwise(mask, labels, (block_px, block_px), config)

        whole, blocks = measure_time(run_whole), measure_time(run_blocks)
        whole_mib, blocks_mib = measure_memory(run_whole), measure_memory(run_blocks)
        same = "yes" if np.array_equal(run_whole(), labels) else "NO"
        row = [f"{edge**2 / 2**20:.0f}", f"{labels.max()}", f"{whole:.2f}", f"{blocks:.2f}", f"{blocks / whole:.2f}"]
        print("|", " | ".join([*row, f"{whole_mib:.0f}", f"{blocks_mib:.0f}", same]), "|", flush=True)
        edge *= 2


def compare_widths(mpx: float) -> None:
    mask = draw_cells(int((mpx * 2**20) ** 0.5))
    print(f"\n| grow back (px), {mpx:g} Mpx | whole (s) | pixels given to cells |\n|---|---|---|")
    found = np.count_nonzero(find_instances(mask, InstancesConfig(grow_px=0)))
    for grow_px in (0, 1, 2, 4, 8, 16):
        config = InstancesConfig(grow_px=grow_px)
        grown = np.count_nonzero(find_instances(mask, config)) - found
        print(f"| {grow_px} | {measure_time(lambda c=config: find_instances(mask, c)):.2f} | {grown} |", flush=True)


def draw_cells(edge: int) -> np.ndarray:
    """Draw jittered seeds' territories, cut at a radius, with ridges of two pixels where they touch."""
    step = np.arange(CELL_PX // 2, edge, CELL_PX)
    seeds = np.stack(np.meshgrid(step, step, indexing="ij"), axis=-1).reshape(-1, 2)
    seeds = (seeds + np.random.default_rng(0).integers(-20, 21, seeds.shape)).clip(0, edge - 1)
    empty = np.ones((edge, edge), dtype=bool)
    empty[tuple(seeds.T)] = False
    distance, nearest = ndimage.distance_transform_edt(empty, return_indices=True)
    territory = (nearest[0] * edge + nearest[1]).astype(np.int32)
    is_ridge = ndimage.maximum_filter(territory, 3) != ndimage.minimum_filter(territory, 3)
    return (distance < CELL_PX / 2) & ~is_ridge


def measure_time(run: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def measure_memory(run: Callable[[], object]) -> float:
    """Measure the peak of what numpy holds beyond the input, MiB; pages of the temporary file are the system's."""
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


if __name__ == "__main__":
    main()
