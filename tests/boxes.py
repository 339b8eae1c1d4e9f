"""Images of bright boxes that do not touch, and the check that labels number exactly these."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

#: Lengths of the axes: different ones, and no multiples of the period of a pooling.
LENGTHS = {"T": 2, "Z": 3, "Y": 23, "X": 37}


def draw_boxes(axes: str, seed: int = 0) -> np.ndarray:
    """Boxes of 100 on a ground of 0, others in each plane; the axes of YX, Z and T are stored as named."""
    random = np.random.default_rng(seed)
    ordered = "".join(axis for axis in "TZYX" if axis in axes)
    image = np.zeros([LENGTHS[axis] for axis in ordered], np.uint8)
    for index in np.ndindex(image.shape[:-2]):
        for top, left in np.ndindex(3, 5):
            height, width = random.integers(0, 6, 2)
            image[(*index, slice(8 * top, 8 * top + height), slice(8 * left, 8 * left + width))] = 100
    return image.transpose([ordered.index(axis) for axis in axes])


def assert_same_cells(labels: np.ndarray, image: np.ndarray, axes: str) -> None:
    """Check that each plane numbers its boxes from 1, each with one number of its own."""
    assert labels.shape == image.shape
    in_planes = [axes.index(axis) for axis in axes if axis not in "YX"]
    order = [*in_planes, axes.index("Y"), axes.index("X")]
    labels, image = labels.transpose(order), image.transpose(order)
    for index in np.ndindex(image.shape[:-2]):
        boxes, n_boxes = ndimage.label(image[index])
        pairs = {(int(box), int(label)) for box, label in zip(boxes.flat, labels[index].flat, strict=True)}
        assert len(pairs) == n_boxes + 1 > 3
        assert (0, 0) in pairs
        assert sorted(label for _, label in pairs) == list(range(n_boxes + 1))
