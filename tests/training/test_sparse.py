"""A few painted cells: what nobody painted is not learnt as background."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import disk

from drawing import QUICK
from napari_unet.config.recipe import parse_recipe
from napari_unet.data.training_image import TrainingImage
from napari_unet.inference.segment import Segmenter
from napari_unet.samples.annotation import paint_cells
from napari_unet.training.trainer import Trainer


def draw_pairs(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Nine pairs of bright cells that touch, numbered one after the other."""
    random = np.random.default_rng(seed)
    truth = np.zeros((96, 96), np.int32)
    for pair, (row, column) in enumerate(np.ndindex(3, 3)):
        place = np.array([row, column]) * 32 + 16 + random.integers(-3, 4, 2)
        for half, side in enumerate((-5, 5), start=1):
            rows, columns = disk((place[0], place[1] + side), 7, shape=truth.shape)
            mine = (columns - place[1] < 0) == (side < 0)
            truth[rows[mine], columns[mine]] = 2 * pair + half
    image = 100 + 80 * (truth > 0) + random.normal(0, 8, truth.shape)
    return image.astype(np.uint16), truth


@pytest.fixture(scope="module")
def foreground(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Probability of cells, learnt from one cell of each pair with its surroundings."""
    image, truth = draw_pairs()
    painted = paint_cells(truth, range(1, 19, 2))
    assert set(painted[truth % 2 == 0][truth[truth % 2 == 0] > 0]) == {0}
    training = QUICK["training"] | {"scheme": "sparse", "steps": 80, "learning_rate": 1e-2, "weight_averaging": 0.9}
    trainer = Trainer(
        [TrainingImage("pairs", image[None, None, None], painted[None, None, None])],
        parse_recipe(QUICK | {"training": training}),
        tmp_path_factory.mktemp("run"),
    )
    for _ in trainer.run():
        pass
    plane = next(Segmenter(trainer.model()).planes(image[None, None, None], keep_probabilities=True))
    return 1 - plane.probabilities[0]


def test_a_neighbour_that_nobody_painted_is_found_as_a_cell(foreground: np.ndarray) -> None:
    truth = draw_pairs()[1]
    for number in range(2, 19, 2):
        assert np.mean(foreground[truth == number] > 0.5) > 0.8


def test_the_painted_surroundings_are_background(foreground: np.ndarray) -> None:
    painted = paint_cells(draw_pairs()[1], range(1, 19, 2))
    assert np.mean(foreground[painted == 1] < 0.5) > 0.9
