"""A training rests while a person uses the window, and neither its time nor what it learns feels it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from drawing import draw_image, quick_recipe
from napari_unet.data.training_image import TrainingImage
from napari_unet.models.giving_way import GivingWay
from napari_unet.training.events import Stepped, Validated
from napari_unet.training.live import LiveTraining
from napari_unet.training.previews import Previews
from napari_unet.training.trainer import Trainer
from napari_unet.training.views import View
from networks import brightness_model, random_model
from ways import Slow

if TYPE_CHECKING:
    from pathlib import Path

MakeTrainer = Callable[..., Trainer]
FOREVER_S = 1000.0


def test_a_free_way_costs_nothing() -> None:
    assert GivingWay().wait() == 0.0


def test_who_waits_goes_on_when_the_way_is_free() -> None:
    way, order = GivingWay(), []
    way.hold(FOREVER_S)

    def work() -> None:
        assert way.wait() > 0
        order.append("work")

    thread = threading.Thread(target=work)
    thread.start()
    # Held again and again, as by a mouse that moves.
    for _ in range(5):
        time.sleep(0.01)
        way.hold(FOREVER_S)
    order.append("person")
    way.hold(0)
    thread.join(timeout=60)
    assert order == ["person", "work"]
    assert way.wait() == 0.0


def test_a_training_learns_the_same_and_its_time_stands_still(make_trainer: MakeTrainer) -> None:
    alone, beside = make_trainer("a"), make_trainer("b")
    way = beside.way = Slow()
    for _ in alone.run():
        pass
    began = time.perf_counter()
    for event in beside.run():
        if isinstance(event, Stepped):
            assert event.seconds <= time.perf_counter() - began - way.seconds
    assert alone.losses == beside.losses
    assert way.waits > 10 * beside.step


def test_the_part_held_out_is_looked_at_with_rests(make_trainer: MakeTrainer) -> None:
    waits = {}
    for validation in ("none", "regions"):
        trainer = make_trainer(validation, steps=1, validation=validation)
        way = trainer.way = Slow()
        assert any(isinstance(event, Validated) for event in trainer.run()) == (validation == "regions")
        waits[validation] = way.waits
    assert waits["regions"] > waits["none"] > 0


def test_the_part_held_out_is_looked_at_with_rests_where_old_weights_are_kept(tmp_path: Path) -> None:
    waits, labels = [], np.asarray(draw_image().labels)
    known = TrainingImage("discs", (labels > 0) * np.uint8(100), labels)
    for validation in ("none", "regions"):
        recipe = quick_recipe(steps=1, validation=validation)
        trainer = Trainer([known], recipe, tmp_path / validation, brightness_model())
        way = trainer.way = Slow()
        list(trainer.run())
        assert trainer._state.kept > 0
        waits.append(way.waits)
    assert waits[1] > waits[0] > 0


def test_a_preview_rests_and_does_not_count_it() -> None:
    way, image = Slow(), np.random.default_rng(0).integers(0, 100, (1, 1, 1, 60, 60), np.uint8)
    view = View(image, 0, 0, (slice(0, 60), slice(0, 60)), "a")
    began = time.perf_counter()
    *_, done = Previews(lambda: view, way, 0.0).make(random_model(), step=1)
    assert way.waits
    assert 0 < done.seconds <= time.perf_counter() - began - way.seconds


@pytest.mark.parametrize("is_used", [True, False])
def test_a_live_training_hands_its_way_on(make_trainer: MakeTrainer, is_used: bool) -> None:
    live = LiveTraining(make_trainer)
    if is_used:
        threading.Timer(0.2, lambda: live.way.hold(0)).start()
        live.way.hold(FOREVER_S)
    began = time.perf_counter()
    steps: list[Any] = [event for event in live.run() if isinstance(event, Stepped)]
    assert steps
    if is_used:
        assert steps[-1].seconds <= time.perf_counter() - began - 0.1
