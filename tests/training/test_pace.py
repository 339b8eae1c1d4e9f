"""The pace is that of the latest steps, and averages forget slowly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.training.events import Stepped
from napari_unet.training.pace import LossHistory, Pace


def test_a_steady_training_has_a_known_rate_and_end() -> None:
    pace = Pace()
    assert pace.rate() is None and pace.seconds_left() is None
    # The first step takes longer than the others.
    for step in range(1, 101):
        pace.add(Stepped(step, 0.5, 1e-3, seconds=10 + 0.5 * step, progress=step / 200))
    assert pace.rate() == pytest.approx(2)
    assert pace.seconds_left() == pytest.approx(50)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(0, 10), min_size=1, max_size=60))
def test_averages_lie_between_the_losses(losses: list[float]) -> None:
    history = LossHistory(losses)
    assert len(history.averages) == len(losses)
    assert all(min(losses) - 1e-9 <= average <= max(losses) + 1e-9 for average in history.averages)


def test_steps_that_were_undone_are_forgotten() -> None:
    history = LossHistory([1.0, 2.0, 3.0])
    history.add(2, 5.0)
    assert history.losses == [1.0, 5.0]
    assert history.averages == LossHistory([1.0, 5.0]).averages
