"""A segmentation that is watched ends with the same labels as one that is not, and says truly what is done."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.config.recipe import Recipe, parse_recipe
from napari_unet.errors import InputError
from napari_unet.inference.live import segment_live
from napari_unet.inference.live_events import (
    Canvas,
    LiveEvent,
    Opened,
    PlaneBegun,
    PlaneSegmented,
    Request,
    TileSegmented,
)
from napari_unet.inference.segment import Segmenter
from napari_unet.models.model_file import TrainedModel, load_model, save_model
from networks import brightness_model, make_model, random_model
from ways import Slow

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet.data.rectangles import Rectangle

NOISE = np.random.default_rng(3).integers(0, 100, (2, 1, 3, 45, 61), np.uint8)
ALL = tuple(np.ndindex(2, 3))
SMALL_TILES = {"tile_px": 16}


def recipe_of(model: TrainedModel, **sections: Any) -> Recipe:
    return parse_recipe(model.card.recipe.model_dump() | sections)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random.safetensors"
    save_model(random_model(), path)
    return path


def ask(model: Path, places: tuple, rectangle: Rectangle | None = None, **options: Any) -> Request:
    recipe = recipe_of(load_model(model), tiling=SMALL_TILES)
    return Request(options.pop("image", NOISE), places, rectangle, recipe, **options)


def run(model: Path, request: Request, old: Canvas | None = None) -> tuple[Canvas, list[LiveEvent]]:
    events = list(segment_live(model, request, old, model.parent))
    assert isinstance(events[0], Opened)
    return events[0].canvas, events


@functools.cache
def planes_of_noise(model: Path) -> dict:
    return planes_of(model, NOISE)


def planes_of(model: Path, image: np.ndarray, tile_px: int = 16) -> dict:
    trained = load_model(model)
    segmenter = Segmenter(trained, recipe_of(trained, tiling={"tile_px": tile_px}).tiling)
    return {(plane.t, plane.z): plane for plane in segmenter.planes(image, keep_probabilities=True)}


def test_labels_are_those_of_the_segmenter(model: Path) -> None:
    canvas, events = run(model, ask(model, ALL[::-1]))
    expected = planes_of_noise(model)
    done = [event for event in events if isinstance(event, PlaneSegmented)]
    assert [event.place for event in done] == list(ALL[::-1])
    for event in done:
        plane = expected[event.place]
        np.testing.assert_array_equal(canvas.labels[event.place[0], 0, event.place[1]], plane.labels)
        assert event.n_cells == plane.n_cells > 3
    shares = [event.share for event in events if isinstance(event, TileSegmented)]
    assert shares == sorted(shares) and shares[-1] == 1
    assert len(shares) > len(ALL) * 6


def test_it_rests_for_a_person_and_finds_the_same(model: Path) -> None:
    way, request = Slow(), ask(model, ALL[:2])
    began = time.perf_counter()
    events = list(segment_live(model, request, None, model.parent, way))
    assert way.waits > sum(isinstance(event, TileSegmented) for event in events)
    assert isinstance(events[0], Opened)
    np.testing.assert_array_equal(events[0].canvas.labels, run(model, request)[0].labels)
    # A rest says nothing of the time that the rest of the work will take.
    first = next(event for event in events if isinstance(event, TileSegmented))
    worked = time.perf_counter() - began - way.seconds
    assert first.seconds_left <= worked / first.share


def test_one_plane_leaves_the_others_and_is_wiped_first(model: Path) -> None:
    old = Canvas(np.full((2, 1, 3, 45, 61), 7, np.int32))
    events = segment_live(model, ask(model, ((1, 2),)), old, model.parent)
    for event in events:
        if isinstance(event, Opened):
            assert event.canvas.labels is old.labels and (old.labels == 7).all()
        if isinstance(event, PlaneBegun):
            assert not old.labels[1, 0, 2].any()
        assert (np.delete(old.labels.reshape(6, 45, 61), 5, axis=0) == 7).all()
    np.testing.assert_array_equal(old.labels[1, 0, 2], planes_of_noise(model)[1, 2].labels)


def test_a_new_result_of_all_planes_leaves_nothing_of_the_old_one(model: Path) -> None:
    old = Canvas(np.full((2, 1, 3, 45, 61), 7, np.int32))
    events = segment_live(model, ask(model, ALL), old, model.parent)
    opened = next(events)
    assert isinstance(opened, Opened) and not opened.canvas.labels.any()
    events.close()
    assert (old.labels == 7).all()


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_rectangle_is_predicted_as_in_the_whole_plane(model: Path, data: st.DataObject) -> None:
    ends = [data.draw(st.lists(st.integers(0, size), min_size=2, max_size=2, unique=True)) for size in (45, 61)]
    box = tuple(slice(*sorted(pair)) for pair in ends)
    old = Canvas(np.full((2, 1, 3, 45, 61), 7, np.int32))
    canvas, events = run(model, ask(model, ((0, 1),), box, probabilities=True), old)
    whole = planes_of_noise(model)[0, 1]
    # Tiles of other sizes are summed up in another order, which moves the last bit.
    np.testing.assert_allclose(canvas.probabilities[0][0, 0, 1][box], whole.probabilities[1][box], atol=1e-6)
    labels = canvas.labels[0, 0, 1]
    inside = np.zeros(labels.shape, bool)
    inside[box] = True
    assert (labels[~inside] == 7).all() and (canvas.labels[1] == 7).all()
    trained = Segmenter(load_model(model)).label(whole.probabilities[(slice(None), *box)])
    offset = 0 if inside.all() else 7
    np.testing.assert_array_equal(labels[box], np.where(trained, trained + offset, 0))
    assert events[-1] == PlaneSegmented((0, 1), box, int(trained.max()))


def test_a_tile_shows_its_foreground_and_cells_go_on_over_seams(model: Path) -> None:
    foreground = planes_of_noise(model)[0, 0].probabilities[1] >= 0.5
    plain = {"grow_px": 0, "max_hole_px": 0, "min_size_px": 0}
    request = Request(NOISE, ((0, 0),), None, recipe_of(load_model(model), tiling=SMALL_TILES, instances=plain))
    events = segment_live(model, request, None, model.parent)
    opened = next(events)
    assert isinstance(opened, Opened)
    shown, joined = opened.canvas.labels[0, 0, 0], 0
    for event in events:
        if isinstance(event, TileSegmented):
            np.testing.assert_array_equal(shown[event.box] > 0, foreground[event.box])
            if top := event.box[0].start:
                above, below = shown[top - 1, event.box[1]], shown[top, event.box[1]]
                joined += np.count_nonzero((above == below) & (above > 0))
    assert joined > 10


def test_closing_keeps_what_is_done(model: Path) -> None:
    events = segment_live(model, ask(model, ALL), None, model.parent)
    opened = next(events)
    assert isinstance(opened, Opened)
    done = next(event for event in events if isinstance(event, PlaneSegmented))
    events.close()
    np.testing.assert_array_equal(opened.canvas.labels[0, 0, 0], planes_of_noise(model)[done.place].labels)
    assert not opened.canvas.labels[0, 0, 1:].any()


def test_classes_and_their_probabilities(tmp_path: Path) -> None:
    path = tmp_path / "classes.safetensors"
    save_model(brightness_model(n_classes=3, target="classes"), path)
    image = np.random.default_rng(0).integers(0, 255, (1, 1, 2, 20, 30), np.uint8)
    canvas, events = run(path, ask(path, ((0, 1), (0, 0)), image=image, probabilities=True))
    assert canvas.labels.dtype == np.uint8 and len(canvas.probabilities) == 2
    for (t, z), plane in planes_of(path, image).items():
        np.testing.assert_array_equal(canvas.labels[t, 0, z], plane.labels)
        for kept, probabilities in zip(canvas.probabilities, plane.probabilities[1:], strict=True):
            np.testing.assert_array_equal(kept[t, 0, z], probabilities)
    assert isinstance(events[0], Opened) and events[0].class_names == ("class 1", "class 2")


def test_lazy_images_are_read_plane_by_plane(model: Path) -> None:
    lazy = da.from_array(NOISE, chunks=(1, 1, 1, 20, 20))
    canvas, _ = run(model, ask(model, ((1, 1),), image=lazy))
    np.testing.assert_array_equal(canvas.labels[1, 0, 1], planes_of_noise(model)[1, 1].labels)


@pytest.mark.parametrize("damage", ["missing", "damaged", "channels"])
def test_errors_come_before_anything_is_changed(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "cells.safetensors"
    save_model(make_model(in_channels=3 if damage == "channels" else 1), path)
    request = ask(path, ALL)
    if damage == "missing":
        path.unlink()
    if damage == "damaged":
        path.write_bytes(path.read_bytes()[:-9])
    old = Canvas(np.full((2, 1, 3, 45, 61), 7, np.int32))
    with pytest.raises(InputError):
        next(segment_live(path, request, old, tmp_path))
    assert (old.labels == 7).all()


def test_a_result_of_another_kind_is_not_written_into(model: Path) -> None:
    old = Canvas(np.full((2, 1, 3, 45, 61), 7, np.uint8))
    canvas, _ = run(model, ask(model, ((0, 0),)), old)
    assert canvas.labels.dtype == np.int32 and (old.labels == 7).all()
