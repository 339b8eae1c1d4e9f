"""Threshold and smallest cell follow the annotated cells, where there are enough of them to say something."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from drawing import draw_image
from napari_unet.config.instances import InstancesConfig
from napari_unet.config.recipe import parse_recipe
from napari_unet.data.training_image import TrainingImage
from napari_unet.inference.segment import Segmenter
from napari_unet.models.model_file import TrainedModel, load_model, save_model
from napari_unet.training.annotated_windows import Sample
from napari_unet.training.events import Stepped
from napari_unet.training.fit_instances import as_sure, choose, count, fit_instances, fit_saved
from napari_unet.training.recovery import TrainingError
from napari_unet.training.trainer import Trainer
from networks import brightness_model, make_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet.models.card import ModelCard

#: As `brightness_model` sees them: a threshold of 0.4 finds what is dim, one of 0.6 leaves out what is faint.
BRIGHT, DIM, FAINT = 90, 48.5, 51.5
ALL_PX = 10**6
RECIPE = parse_recipe({"model": {"depth": 1, "base_channels": 2}, "training": {"steps": 2, "patch_px": 20}})


def squares(n: int, edge: int = 6) -> NDArray[np.int32]:
    """Cells of ``edge`` px in a row."""
    labels = np.zeros((12, 12 * n), np.int32)
    for number in range(n):
        labels[3 : 3 + edge, 12 * number + 3 : 12 * number + 3 + edge] = number + 1
    return labels


def pair(image: NDArray[Any], labels: NDArray[Any]) -> TrainingImage:
    return TrainingImage("drawn", image[None, None, None], labels[None, None, None])


def model(**recipe: dict[str, Any]) -> TrainedModel:
    """Foreground is what is bright; small cells have 36 px."""
    made = brightness_model()
    settings = {"model": made.card.recipe.model.model_dump(), "instances": {"grow_px": 0}}
    return replace(
        made, card=made.card.model_copy(update={"recipe": parse_recipe(settings | recipe), "small_cell_px": 36.0})
    )


def choice(card: ModelCard) -> tuple[float, float]:
    return card.threshold, card.smallest_share


@pytest.mark.parametrize(("value", "n_cells", "expected"), [(DIM, 40, 0.4), (BRIGHT, 40, 0.5), (DIM, 4, 0.5)])
def test_the_threshold_falls_where_many_cells_are_dim(value: float, n_cells: int, expected: float) -> None:
    labels = squares(n_cells)
    # One in four is what matters: of forty cells ten, of four only one.
    image = np.where(labels > 0, np.where(labels % 4, BRIGHT, value), 0)
    assert choice(fit_instances(model(), [pair(image, labels)], ALL_PX)) == (expected, 0.5)


def test_the_threshold_rises_where_faint_things_are_no_cells() -> None:
    labels = squares(40)
    image = np.where(labels % 4, BRIGHT, np.where(labels, FAINT, 0))
    assert choice(fit_instances(model(), [pair(image, np.where(labels % 4, labels, 0))], ALL_PX))[0] == 0.6


@pytest.mark.parametrize(("speck_edge", "expected"), [(5, 0.75), (3, 0.5)])
def test_the_smallest_cell_grows_where_specks_are_found(speck_edge: int, expected: float) -> None:
    cells, specks = squares(30), squares(3, speck_edge)
    cells[:, :36] = 0
    # Those of 25 px are more than half of a small cell, those of 9 px are dropped anyhow.
    image = np.where(cells + np.pad(specks, ((0, 0), (0, 324))) > 0, BRIGHT, 0)
    assert choice(fit_instances(model(), [pair(image, cells)], ALL_PX)) == (0.5, expected)


def row_of_cells(gap: int, between: float, n: int = 12) -> Sample:
    """Cells of 6 x 6 px with gaps in which the network sees half foreground, as joined as ``between`` says."""
    labels, foreground = np.zeros((12, (6 + gap) * n + 6), np.int32), np.zeros((12, (6 + gap) * n + 6), np.float32)
    foreground[3:9, 3 : 3 + (6 + gap) * n - gap] = between
    for number in range(n):
        cell = (slice(3, 9), slice(3 + (6 + gap) * number, 9 + (6 + gap) * number))
        labels[cell], foreground[cell] = number + 1, 0.95
    return Sample(foreground, labels, np.ones(labels.shape, bool))


@pytest.mark.parametrize(
    ("gap", "between", "expected"),
    [
        # Odds of 19 to 1 inside a cell, of their root for a core.
        (1, 0.7, 0.813),  # crowded and joined
        (1, 0.1, 0.813),  # crowded and kept apart already: other images may need it
        (6, 0.1, None),  # far apart
        (6, 0.7, 0.813),  # far apart, but joined all the same: a gain that cannot be overlooked
        (6, 0.85, None),  # far apart, and joined so surely that no core tells them apart
    ],
)
def test_the_core_follows_the_gaps_between_cells(gap: int, between: float, expected: float | None) -> None:
    card = choose(model().card, [row_of_cells(gap, between)], 1.0)
    assert card.core_threshold == expected
    settled = model(instances={"grow_px": 0, "core_threshold": 0.7}).card
    assert choose(settled, [row_of_cells(gap, between)], 1.0).core_threshold is None


@given(st.floats(0, 5), st.floats(1, 2), st.sampled_from([0.4, 0.5]))
def test_the_core_is_as_sure_as_the_network(log_odds: float, longer: float, share: float) -> None:
    def core(sureness: float) -> float:
        foreground = np.full((3, 3), expit(sureness), np.float32)
        return as_sure([Sample(foreground, np.ones((3, 3), np.int32), np.ones((3, 3), bool))], share)

    assert core(log_odds) == pytest.approx(expit(share * log_odds), abs=1e-3)
    assert 0.5 <= core(log_odds) <= core(longer * log_odds) < 1


def test_crowded_cells_that_the_core_would_break_stay_whole() -> None:
    sample = row_of_cells(1, 0.1)
    # Every cell is dim in its middle.
    foreground = sample.foreground.copy()
    foreground[5:7] = np.minimum(foreground[5:7], 0.6)
    card = model().card.model_copy(update={"small_cell_px": 16.0})
    assert choose(card, [replace(sample, foreground=foreground)], 1.0).core_threshold is None


@pytest.mark.parametrize("n_unsure", [0, 1, 6])
@pytest.mark.parametrize("sure", [0.6, 0.95])
def test_unsure_cells_are_dropped_unless_some_are_annotated(n_unsure: int, sure: float) -> None:
    labels = squares(40)
    foreground = np.where(labels > 0, sure, 0).astype(np.float32)
    foreground[(labels > 0) & (labels <= n_unsure)] = 0.51
    card = choose(model().card, [Sample(foreground, labels, np.ones(labels.shape, bool))], 1.0)
    # One of forty cells is too few to tell.
    expected = 0.0 if n_unsure == 6 else {0.6: 0.54, 0.95: 0.731}[sure]
    assert card.min_probability == expected


def test_the_least_probability_leaves_what_the_threshold_was_lowered_for() -> None:
    labels = squares(40)
    image = np.where(labels > 0, np.where(labels % 4, BRIGHT, DIM), 0)
    card = fit_instances(model(), [pair(image, labels)], ALL_PX)
    assert (card.threshold, card.min_probability) == (0.4, 0.0)


def test_what_a_person_has_settled_is_not_chosen() -> None:
    labels = squares(40)
    image = np.where(labels > 0, np.where(labels % 4, BRIGHT, DIM), 0)
    settled = model(instances={"grow_px": 0, "threshold": 0.5, "min_size_px": 3, "min_probability": 0.1})
    card = fit_instances(settled, [pair(image, labels)], ALL_PX)
    assert (*choice(card), card.min_probability) == (0.5, 0.5, 0.0)
    classes = model(training={"target": "classes"})
    assert fit_instances(classes, [pair(image, labels)], ALL_PX) == classes.card


def test_what_lies_where_nobody_annotated_is_neither_right_nor_wrong() -> None:
    cells = squares(3)
    found = squares(5)
    annotated = np.zeros(found.shape, bool)
    annotated[:, :36] = True
    sample = Sample(np.zeros(found.shape, np.float32), np.pad(cells, ((0, 0), (0, 24))), annotated)
    assert count(found, sample).tolist() == [3, 0, 0]
    assert count(np.where(found == 2, 0, found), sample).tolist() == [2, 0, 1]
    everywhere = replace(sample, annotated=np.ones_like(annotated))
    assert count(found, everywhere).tolist() == [3, 2, 0]


def test_without_a_gain_the_usual_values_stay() -> None:
    labels = squares(50)
    sample = Sample((labels > 0).astype(np.float32), labels, np.ones(labels.shape, bool))
    assert choice(choose(model().card, [sample], 1.0)) == (0.5, 0.5)


@pytest.mark.parametrize("scheme", ["dense", "sparse"])
@pytest.mark.parametrize("n_px", [0, 300, 2000, ALL_PX])
def test_a_few_pixels_are_enough_and_cells_cut_by_the_window_do_not_count(scheme: str, n_px: int) -> None:
    labels = np.concatenate([np.where(squares(10), squares(10) + 10 * row, 0) for row in range(10)])
    image = pair(np.where(labels > 0, BRIGHT, 0), labels + (scheme == "sparse"))
    card = fit_instances(model(training={"scheme": scheme}), [image, image], n_px)
    assert choice(card) == (0.5, 0.5)


def test_the_choice_is_kept_in_the_file_and_used(tmp_path: Path) -> None:
    labels = squares(40)
    image = np.where(labels > 0, np.where(labels % 4, BRIGHT, DIM), 0)
    path = tmp_path / "cells.safetensors"
    save_model(model(), path)
    fit_saved(path, [pair(image, labels)], 100)
    chosen = load_model(path)
    assert chosen.card.threshold == 0.4
    data = image[None, None, None]
    assert next(Segmenter(chosen).planes(data)).n_cells == 40
    assert next(Segmenter(chosen, instances=InstancesConfig(threshold=0.5)).planes(data)).n_cells == 30


def test_models_of_old_files_find_what_they_found() -> None:
    card = make_model(instances={"threshold": 0.5}).card
    old = {k: v for k, v in card.model_dump().items() if k not in ("threshold", "smallest_share", "cell_diameter_px")}
    assert choice(type(card).model_validate(old)) == (0.5, 0.5)


@pytest.mark.parametrize("stop_after", [None, 1])
def test_a_training_ends_with_a_choice_also_when_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int | None
) -> None:
    seen: list[int] = []
    monkeypatch.setattr("napari_unet.training.trainer.fit_saved", lambda path, images, steps: seen.append(steps))
    with closing(Trainer([draw_image()], RECIPE, tmp_path).run()) as events:
        for event in events:
            if isinstance(event, Stepped) and event.step == stop_after:
                break
    assert seen == [stop_after or 2]


def test_after_an_error_nothing_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr("napari_unet.training.trainer.fit_saved", lambda path, images, steps: seen.append(steps))
    monkeypatch.setattr("napari_unet.training.trainer.learn", lambda *arguments: float("nan"))
    with pytest.raises(TrainingError, match="20 times"):
        list(Trainer([draw_image()], RECIPE, tmp_path).run())
    assert not seen


def test_what_was_chosen_at_a_stop_is_forgotten(tmp_path: Path) -> None:
    labels = squares(40)
    image = pair(np.where(labels > 0, np.where(labels % 4, BRIGHT, DIM), 0), labels)
    cards = []
    for name, stopped in (("once", {}), ("twice", {"threshold": 0.6, "smallest_share": 1.0, "min_probability": 0.9})):
        path = tmp_path / f"{name}.safetensors"
        save_model(replace(model(), card=model().card.model_copy(update=stopped)), path)
        fit_saved(path, [image], 100)
        cards.append(load_model(path).card)
    assert cards[0] == cards[1]


def test_a_plane_that_is_ignored_as_a_whole_is_left_out() -> None:
    labels = squares(10)
    image = pair(np.where(labels > 0, BRIGHT, 0), np.where(labels, labels + 1, 1))
    ignored = replace(image, name="ignored", ignore=np.ones(image.labels.shape, bool))
    sparse = model(training={"scheme": "sparse"})
    assert fit_instances(sparse, [ignored], ALL_PX) == sparse.card
    assert choice(fit_instances(sparse, [image, ignored], ALL_PX)) == (0.5, 0.5)
