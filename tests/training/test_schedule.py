from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from napari_unet.config.training import TrainingConfig
from napari_unet.training.schedule import freshness, learning_rate, progress


def test_steps_count_before_seconds() -> None:
    assert progress(TrainingConfig(steps=10, seconds=1), step=4, seconds=100) == 0.4
    assert progress(TrainingConfig(seconds=50), step=4, seconds=100) == 1


@given(st.floats(0, 1), st.floats(0, 0.5))
def test_the_rate_stays_between_zero_and_its_peak(used: float, warm_up: float) -> None:
    config = TrainingConfig(warm_up=warm_up)
    assert 0 <= learning_rate(config, used) <= config.learning_rate


@given(st.integers(0, 10_000), st.integers(1, 100), st.integers(1, 500))
def test_the_more_images_the_longer_there_is_something_to_learn(step: int, n_images: int, each: int) -> None:
    config = TrainingConfig(steps_per_image=each)
    assert (freshness(config, step, n_images) == 1) == (step < each * n_images)
    assert freshness(config, step + 1, n_images) <= freshness(config, step, n_images)
    assert freshness(config, step, n_images) <= freshness(config, step, n_images + 1)


def test_it_rises_then_falls() -> None:
    config = TrainingConfig(warm_up=0.2)
    rates = [learning_rate(config, used / 100) for used in range(101)]
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert rates[20] == config.learning_rate
