from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.config.training import TrainingConfig
from napari_unet.training.schedule import freshness, learning_rate, progress, renewal


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


@given(
    st.floats(0, 1, exclude_max=True, exclude_min=True),
    st.integers(1, 10_000),
    st.integers(0, 10_000),
    st.integers(1, 40),
)
def test_an_average_becomes_longer_with_each_step_that_learns_from_the_same(
    decay: float, since: int, before: int, n_images: int
) -> None:
    config = TrainingConfig(weight_averaging=decay)
    shares = [
        renewal(config, before + at, at, freshness(config, at - 1, n_images)) for at in (since, since + 1, since + 500)
    ]
    assert shares == sorted(shares, reverse=True) and 0 < shares[-1] and shares[0] <= 1
    # New annotations are to be seen soon, however long the training, and so are many images.
    usual = pytest.approx(max(1 - decay, 9 / (10 + before + since)))
    assert renewal(config, before + since, since, 1.0) == usual
    assert (shares[0] == usual) or since > config.steps_per_image * n_images


@pytest.mark.parametrize("n_images", [1, 3])
def test_a_step_of_a_long_training_counts_as_much_as_it_could_learn(n_images: int) -> None:
    config, weights = TrainingConfig(), np.zeros(0)
    for step in range(1, 3001):
        share = renewal(config, step, step, freshness(config, step - 1, n_images))
        weights = np.append(weights * (1 - share), share)
    assert weights.sum() == pytest.approx(1)
    fallen = int(config.steps_per_image * n_images / 0.6)
    number = np.arange(1, 3001)
    in_full = number > 1.2 * fallen
    np.testing.assert_allclose(weights[in_full], 1 / number[in_full] / np.log(3000 / fallen), rtol=0.02)
    # What came before the rate had fallen is nearly forgotten.
    assert weights[number < 0.8 * fallen].sum() < 0.02
