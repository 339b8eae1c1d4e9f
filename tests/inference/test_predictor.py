from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.normalization import NormalizationConfig
from napari_unet.config.tiling import TilingConfig
from napari_unet.data.normalization import Normalization
from napari_unet.errors import InputError
from napari_unet.inference.averaging import VIEWS
from napari_unet.inference.predictor import Predictor
from networks import brightness_model, make_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.models.model_file import TrainedModel

FLOAT32 = ExecutionConfig(device="cpu", precision="float32")
WHOLE_PX = 4096
#: The paper's network and the default one, with fewer channels: the channels change no geometry.
NETWORKS = {
    "default": {"base_channels": 4, "max_channels": 16},
    "paper": {"base_channels": 4, "max_channels": 64, "batch_norm": False, "dropout": 0.5},
    "tiny": {"depth": 3, "base_channels": 4, "max_channels": 32},
    "shallow": {"depth": 1, "base_channels": 4},
}


def noisy_model(kind: str = "shallow", in_channels: int = 1, n_classes: int = 2) -> TrainedModel:
    """Random weights, batch normalisation that is far from doing nothing, and classes about equally frequent."""
    model = make_model(in_channels, n_classes, model=NETWORKS[kind])
    for module in model.network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.3, 0.9)
            nn.init.normal_(module.bias, std=0.3)
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.7, 1.5)
    with torch.no_grad():
        logits = model.network(torch.rand(1, in_channels, 220, 220) * 2 - 1)[0]
        model.network.head.bias -= logits.flatten(1).median(1).values
    return model


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(sum(shape)).integers(0, 100, shape, np.uint8)


def predict(
    model: TrainedModel, data: NDArray[np.uint8], tile_px: int = WHOLE_PX, **tiling: str
) -> NDArray[np.float32]:
    return Predictor(model, TilingConfig(tile_px=tile_px, **tiling), FLOAT32).probabilities(data)


def assert_same_prediction(first: NDArray[np.float32], second: NDArray[np.float32]) -> None:
    """Probabilities within 1e-5; equal classes wherever the two best are further apart than that."""
    np.testing.assert_allclose(first, second, atol=1e-5, rtol=0)
    margin = np.diff(np.sort(second, axis=2)[:, :, -2:], axis=2)[:, :, 0]
    decided = margin > 2e-5
    assert (first.argmax(2) == second.argmax(2))[decided].all()
    assert decided.mean() > 0.5


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(list(NETWORKS)),
    st.tuples(st.integers(1, 150), st.integers(1, 150)),
    st.integers(4, 120),
    st.sampled_from(list(VIEWS)),
)
def test_tiled_equals_whole(kind, shape, tile_px, averaging):
    model, image = noisy_model(kind), noise(1, 1, 1, *shape)
    tiled = predict(model, image, max(tile_px, max(shape) // 3), averaging=averaging)
    assert_same_prediction(tiled, predict(model, image, averaging=averaging))


def test_tiled_classes_equal_whole_classes_in_bfloat16():
    model, image = noisy_model("tiny"), noise(1, 1, 1, 130, 110)
    bfloat16 = ExecutionConfig(device="cpu", precision="bfloat16")
    tiled, whole = (Predictor(model, TilingConfig(tile_px=edge), bfloat16).classes(image) for edge in (40, WHOLE_PX))
    assert (tiled == whole).all()
    assert 0.2 < whole.mean() < 0.8


@pytest.mark.parametrize("averaging", ["rotations", "rotations and mirrors"])
def test_averaging_changes_the_prediction_of_a_random_network(averaging):
    model, image = noisy_model(), noise(1, 1, 1, 20, 20)
    assert np.abs(predict(model, image, averaging=averaging) - predict(model, image)).max() > 1e-3


def test_a_prediction_is_that_of_the_bare_network_on_the_mirrored_image():
    model, image = noisy_model("tiny"), noise(1, 1, 1, 68, 52)
    halo = 44
    window = np.pad(image[0, 0, 0] / np.float32(50) - np.float32(1), halo, mode="reflect")
    with torch.no_grad():
        expected = model.network(torch.from_numpy(window)[None, None]).softmax(1)[0].numpy()
    np.testing.assert_allclose(predict(model, image)[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (3, 2)])
def test_images_smaller_than_the_halo_are_predicted(shape):
    probabilities = predict(noisy_model("default"), noise(1, 1, 1, *shape))
    assert probabilities.shape == (1, 1, 2, *shape)
    np.testing.assert_allclose(probabilities.sum(2), 1, atol=1e-6)


@pytest.mark.parametrize("value", [0, 30, 255])
def test_where_there_is_nothing_to_see_there_is_background(value):
    noisy = noisy_model()
    measured = Normalization(config=NormalizationConfig(), n_channels=1)  # each image for itself
    model = replace(noisy, card=noisy.card.model_copy(update={"normalization": measured}))
    image = np.full((2, 1, 1, 70, 50), value, np.uint8)
    assert (predict(model, image)[:, :, 0] == 1).all()
    image[0, 0, 0, 30:40, 20:30] += 1
    assert (predict(model, image)[:, :, 0] < 1).any()


def test_a_pixel_alone_is_predicted_as_a_constant_image():
    model = noisy_model("tiny")
    pixel, constant = np.full((1, 1, 1, 1, 1), 30, np.uint8), np.full((1, 1, 1, 200, 200), 30, np.uint8)
    middle = predict(model, constant)[..., 96:97, 96:97]
    np.testing.assert_allclose(predict(model, pixel)[..., :1, :1], middle, atol=1e-5)


def test_stacks_series_and_channels_keep_their_places():
    data = noise(2, 3, 4, 30, 25)
    predicted = Predictor(brightness_model(in_channels=3, read=2), TilingConfig(tile_px=12), FLOAT32).classes(data)
    assert predicted.dtype == np.uint8
    # 50 is the threshold itself.
    decided = data[:, 2] != 50
    assert (predicted == (data[:, 2] > 50))[decided].all()


@pytest.mark.parametrize(
    ("shape", "message"), [((3, 40, 40), "has 3 channels, but .* with 2"), ((2, 0, 4), r"\(2, 0, 4\)"), ((4, 4), "4")]
)
def test_planes_that_do_not_fit_are_refused_at_once(shape, message):
    model = noisy_model(in_channels=2)
    scaler = model.card.normalization.for_image(noise(1, 2, 1, 8, 8))
    with pytest.raises(InputError, match=message):
        Predictor(model, execution=FLOAT32).predict_plane(np.zeros(shape, np.uint8), scaler)


def test_a_lazy_image_is_read_tile_by_tile():
    read = []

    def load(block_info):
        read.append(block_info[None]["chunk-location"])
        return np.zeros((1, 20, 20), np.uint8)

    plane = da.map_blocks(load, chunks=((1,), (20,) * 6, (20,) * 6), dtype=np.uint8, meta=np.zeros((0, 0, 0), np.uint8))
    model = noisy_model()
    scaler = model.card.normalization.for_image(noise(1, 1, 1, 8, 8))
    tiles = Predictor(model, TilingConfig(tile_px=40), FLOAT32).predict_plane(plane, scaler)
    assert read == []
    first = next(tiles)
    # The first tile with its halo of 8 px.
    needed = -(-(first.inner[0].stop + 8) // 20)
    assert needed < 6
    assert set(read) == set(np.ndindex(1, needed, needed))


def test_closing_ends_the_prediction():
    predictor = Predictor(noisy_model(), TilingConfig(tile_px=20), FLOAT32)
    calls = count_calls(predictor)
    tiles = predictor.predict_image(noise(1, 1, 3, 60, 60))
    next(tiles)
    tiles.close()
    assert list(tiles) == []
    assert len(calls) == 1


def test_the_model_is_left_as_it_was():
    model = noisy_model("tiny")
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    predict(model, noise(1, 1, 1, 20, 20))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.network.state_dict().items())


def count_calls(predictor: Predictor, largest_px: int = WHOLE_PX, error: type[Exception] = MemoryError) -> list[int]:
    """Note the edge of each input of the network, and run out of memory above a size."""
    network, calls = predictor.network, []

    def limited(window: torch.Tensor) -> torch.Tensor:
        calls.append(max(window.shape[-2:]))
        if calls[-1] > largest_px:
            raise error("DefaultCPUAllocator: not enough memory")
        return network(window)

    predictor.network = limited
    return calls


@pytest.mark.parametrize("error", [MemoryError, RuntimeError, torch.OutOfMemoryError])
def test_out_of_memory_halves_the_tiles_and_goes_on(error):
    model, image = noisy_model(), noise(1, 1, 2, 90, 70)
    predictor = Predictor(model, TilingConfig(tile_px=WHOLE_PX), FLOAT32)
    calls = count_calls(predictor, largest_px=60, error=error)
    assert_same_prediction(predictor.probabilities(image), predict(model, image))
    # The second plane starts with the size that worked.
    assert [edge for edge in calls if edge > 60] == calls[:1]


def test_tiles_that_are_done_are_not_done_again():
    predictor = Predictor(noisy_model(), TilingConfig(tile_px=44), FLOAT32)
    image, count = noise(1, 1, 1, 80, 80), np.zeros((80, 80), int)
    tiles = predictor.predict_plane(image[0, :, 0], predictor.card.normalization.for_image(image))
    count[next(tiles).inner] += 1
    calls = count_calls(predictor, largest_px=50)
    for tile in tiles:
        count[tile.inner] += 1
    assert calls[0] > 50 >= max(calls[1:])
    assert (count == 1).all()


def test_too_little_memory_for_the_smallest_tile_is_said():
    predictor = Predictor(noisy_model(), TilingConfig(tile_px=40), FLOAT32)
    count_calls(predictor, largest_px=1)
    with pytest.raises(MemoryError, match="smallest possible"):
        predictor.classes(noise(1, 1, 1, 60, 60))


def test_other_errors_pass_through():
    predictor = Predictor(noisy_model(), execution=FLOAT32)

    def broken(_: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("weights of another shape")

    predictor.network = broken
    with pytest.raises(RuntimeError, match="another shape"):
        predictor.classes(noise(1, 1, 1, 8, 8))
