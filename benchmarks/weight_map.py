"""Time and memory of the weight map, side by side with one distance transform of the same image.

Run with ``python benchmarks/weight_map.py --megapixels 16``; ``taskset -c 0`` before it shows one core alone.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet.config.weight_map import WeightMapConfig
from napari_unet.data.weight_map import WeightMap, weight_map

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LITERAL_COST = 2e8  # cells times pixels above which one distance transform a cell takes too long to wait for
BRUSH_PX = 30


def draw_discs(edge: int, count: int) -> NDArray[np.int32]:
    """Draw discs that cover about a third of the image, on a shaken grid."""
    rng = np.random.default_rng(count)
    labels = np.zeros((edge, edge), np.int32)
    pitch = edge / np.ceil(np.sqrt(count))
    rows, columns = np.divmod(np.arange(count), round(edge / pitch))
    for number, (row, column) in enumerate(zip(rows, columns, strict=True), start=1):
        y, x = (np.array([row, column]) + rng.uniform(0.4, 0.6, 2)) * pitch
        radius = pitch * rng.uniform(0.22, 0.42)
        corner = max(int(y - radius), 0), max(int(x - radius), 0)
        window = labels[corner[0] : int(y + radius) + 2, corner[1] : int(x + radius) + 2]
        grid = np.indices(window.shape)
        window[(grid[0] + corner[0] - y) ** 2 + (grid[1] + corner[1] - x) ** 2 <= radius**2] = number
    return labels


def best_time(function: Callable[[], object], repeats: int) -> float:
    """Give the shortest of some runs in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_bytes_a_pixel(labels: NDArray[np.int32]) -> float:
    """Give the memory that one weight map needs at most, its result included."""
    tracemalloc.start()
    weight_map(labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / labels.size


def literal_formula(labels: NDArray[np.int32]) -> None:
    """Find d1 and d2 with one distance transform a cell."""
    nearest = np.full((3, *labels.shape), np.inf)
    for number in range(1, labels.max() + 1):
        nearest[2] = ndimage.distance_transform_edt(labels != number)
        nearest.sort(axis=0)


def brush_times(labels: NDArray[np.int32]) -> tuple[float, float]:
    """Give the seconds to follow one dab of a brush, and to read the whole map afterwards."""
    followed, painted = WeightMap(labels), labels.copy()
    corners = iter(np.random.default_rng(0).integers(0, len(labels) - BRUSH_PX, (99, 2)))

    def dab() -> None:
        rectangle = tuple(slice(int(start), int(start) + BRUSH_PX) for start in next(corners))
        painted[rectangle] = 1 + labels.max()
        followed.update(painted, rectangle)

    return best_time(dab, 9), best_time(lambda: followed.weights, 3)


def row(edge: int, count: int, repeats: int) -> str:
    """Measure one line of the table."""
    labels = draw_discs(edge, count)
    transform = best_time(lambda: ndimage.distance_transform_edt(labels == 0), repeats)
    paper = best_time(lambda: weight_map(labels), repeats)
    falk = best_time(lambda: weight_map(labels, WeightMapConfig(formula="falk2019")), repeats)
    literal = "-"
    if count * labels.size <= LITERAL_COST:
        literal = f"{best_time(lambda: literal_formula(labels), 1) / transform:.0f}"
    dab, read = brush_times(labels)
    return (
        f"| {edge} x {edge} | {count} | {transform:.3f} | {paper / transform:.2f} | {falk / transform:.2f} | {literal} "
        f"| {peak_bytes_a_pixel(labels):.0f} | {dab * 1e3:.1f} | {read * 1e3:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=int, default=64, help="largest image")
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the shortest counts")
    arguments = parser.parse_args()
    print(
        "| image | cells | one transform (s) | paper (transforms) | falk2019 (transforms) | literal (transforms) "
        f"| peak (bytes/px) | {BRUSH_PX} px dab (ms) | whole map after it (ms) |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for edge in (1024, 2048, 4096, 8192):
        for count in (10, 100, 1000, 10_000):
            if edge**2 <= arguments.megapixels * 2**20:
                print(row(edge, count, arguments.repeats), flush=True)


if __name__ == "__main__":
    main()
