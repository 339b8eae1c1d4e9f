"""The arithmetic of sizes against networks, and against sizes followed level by level."""

from __future__ import annotations

from functools import cache
from itertools import count

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from napari_unet.config.model import ModelConfig
from napari_unet.geometry import SMALLEST_OUTPUT, AxisGeometry
from napari_unet.models.registry import build_network

DEPTHS = st.integers(1, 4)


@cache
def network_without_memory(depth: int) -> torch.nn.Module:
    with torch.device("meta"):
        return build_network(ModelConfig(depth=depth, base_channels=1), 1, 2)


def network_output(depth: int, size: int) -> int | None:
    """Size that a network gives; None where it cannot be computed."""
    try:
        output = network_without_memory(depth)(torch.empty(1, 1, size, 12 * 2**depth - 4, device="meta"))
    except (RuntimeError, ValueError):
        return None
    return int(output.shape[2])


def size_followed_by_level(depth: int, size: int) -> int | None:
    """Size of the output; None where a level has nothing left or an odd size to halve, or the output is too small."""
    for _ in range(depth):
        size -= 4
        if size <= 0 or size % 2:
            return None
        size //= 2
    size -= 4
    for _ in range(depth):
        size = 2 * size - 4
    return size if size >= SMALLEST_OUTPUT else None


@hypothesis_settings(deadline=None, max_examples=80)
@given(DEPTHS, st.integers(1, 420))
def test_the_sizes_that_fit_are_those_that_every_level_can_halve(depth: int, size: int) -> None:
    geometry = AxisGeometry(depth)
    expected = size_followed_by_level(depth, size)
    if expected is not None:
        assert geometry.output_size(size) == expected == network_output(depth, size)
        assert geometry.input_size(expected) == size
    else:
        lossless = size - 2 * geometry.halo
        assert lossless < SMALLEST_OUTPUT or network_output(depth, size) != lossless
        with pytest.raises(ValueError, match=f"input of {size} px does not fit depth {depth}"):
            geometry.output_size(size)


@hypothesis_settings(deadline=None, max_examples=60)
@given(DEPTHS, st.integers(1, 420))
def test_the_message_names_the_next_size_that_fits(depth: int, size: int) -> None:
    following = next(larger for larger in count(size) if size_followed_by_level(depth, larger) is not None)
    if following != size:
        with pytest.raises(ValueError, match=f"next that fits: {following}$"):
            AxisGeometry(depth).output_size(size)


@hypothesis_settings(deadline=None, max_examples=100)
@given(DEPTHS, st.integers(-50, 400))
def test_the_output_for_a_wish_is_the_smallest_that_is_large_enough(depth: int, least: int) -> None:
    geometry = AxisGeometry(depth)
    output = geometry.fit_output(least)
    assert output >= least
    assert size_followed_by_level(depth, geometry.input_size(output)) == output
    smaller = range(least, output)
    assert all(size_followed_by_level(depth, size + 2 * geometry.halo) is None for size in smaller)


@hypothesis_settings(deadline=None, max_examples=60)
@given(DEPTHS, st.integers(-50, 400))
def test_outputs_that_no_input_gives_are_refused_with_the_next(depth: int, output: int) -> None:
    geometry = AxisGeometry(depth)
    if size_followed_by_level(depth, output + 2 * geometry.halo) != output:
        with pytest.raises(ValueError, match=f"no input gives {output} px .* next: {geometry.fit_output(output)} px"):
            geometry.input_size(output)


@pytest.mark.parametrize(("depth", "halo", "alignment"), [(1, 8, 2), (2, 20, 4), (3, 44, 8), (4, 92, 16), (5, 188, 32)])
def test_halo_and_alignment_by_hand(depth: int, halo: int, alignment: int) -> None:
    geometry = AxisGeometry(depth)
    assert (geometry.halo, geometry.alignment) == (halo, alignment)


def test_the_sizes_of_the_paper() -> None:
    assert AxisGeometry(4).output_size(572) == 388
