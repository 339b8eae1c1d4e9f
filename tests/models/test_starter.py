from __future__ import annotations

import pytest
import torch

from napari_unet.inference.segment import Segmenter
from napari_unet.metrics import detection, overlaps
from napari_unet.models.card import locate, read_card
from napari_unet.models.starter import load_starter
from napari_unet.samples import draw_sample


def test_the_starter_is_small_enough_to_come_along_and_names_its_data() -> None:
    assert locate("starter").stat().st_size < 10e6
    card = read_card("starter")
    assert (card.in_channels, card.n_classes, card.scale) == (1, 2, None)
    assert {name.split("-")[0] for name in card.training_data} == {"dsb2018", "nuclei", "phase", "membranes"}


@pytest.mark.parametrize("sign", [1, -1])
def test_nuclei_are_found_without_any_training(sign: int) -> None:
    sample = draw_sample("nuclei", (256, 256), seed=123)
    image = sign * sample.image.astype(int)
    found = next(Segmenter(load_starter()).planes(image[None, None, None])).labels
    assert detection(overlaps(found, sample.labels), 0.5).ap > 0.6


def test_to_a_widened_starter_channels_and_classes_are_alike() -> None:
    plane = torch.rand(1, 1, 188, 188) * 2 - 1
    narrow, wide = load_starter(), load_starter(n_channels=3, n_classes=4)
    with torch.no_grad():
        cell = narrow.network(plane).softmax(1)[:, 1]
        classes = wide.network(plane.expand(-1, 3, -1, -1)).softmax(1)
    torch.testing.assert_close(classes[:, 1:].sum(1), cell, atol=1e-4, rtol=0)
    torch.testing.assert_close(classes[:, 1], classes[:, 3])


def test_the_card_follows_the_widened_network() -> None:
    card = load_starter(n_channels=2, n_classes=3).card
    assert (card.in_channels, card.normalization.n_channels, card.n_classes) == (2, 2, 3)
    assert (len(card.class_names), len(card.class_balance)) == (3, 3)
