"""Training with previews: what is in view is predicted as a segmentation would, and the training is not disturbed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawing import draw_image
from napari_unet.inference.place_search import Found, Search
from napari_unet.inference.segment import Segmenter
from napari_unet.models.giving_way import GivingWay
from napari_unet.models.model_file import load_model
from napari_unet.training import live as live_module
from napari_unet.training import previews as previews_module
from napari_unet.training.events import Annotated, Finished, Started, Stepped
from napari_unet.training.live import LiveTraining, Paused, SearchFailed
from napari_unet.training.previews import Previews
from napari_unet.training.trainer import Trainer
from napari_unet.training.views import Previewed, PreviewFailed, Previewing, View
from networks import random_model

MakeTrainer = Callable[..., Trainer]
WHOLE = (slice(None), slice(None))
IMAGE = draw_image().image


@pytest.fixture(autouse=True)
def _look_after_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "_FIRST_LOOK_S", 1e-9)


def view(image: Any = IMAGE, rectangle: tuple[slice, slice] = WHOLE, place: object = "discs") -> View:
    return View(image, 0, 0, rectangle, place)


def preview(looked_at: View, model: Any) -> Previewed:
    *_, done = Previews(lambda: looked_at, GivingWay(), first_s=0).make(model, step=7)
    return done


@given(st.data())
@settings(deadline=None, max_examples=15)
def test_a_preview_is_that_part_of_the_segmentation_of_the_whole(data: st.DataObject) -> None:
    height, width = (data.draw(st.integers(1, 90)) for _ in range(2))
    top, left = (data.draw(st.integers(0, size - 1)) for size in (height, width))
    bottom, right = data.draw(st.integers(top + 1, height)), data.draw(st.integers(left + 1, width))
    model = random_model(depth=data.draw(st.integers(1, 3)))
    image = np.random.default_rng(height).integers(0, 100, (2, 1, 2, height, width), np.uint8)
    # Measured over the whole image the normalisation is another one than measured over the plane.
    image[1] *= 2
    normalization = model.card.normalization
    by_image = normalization.model_copy(
        update={"intervals": (), "config": normalization.config.model_copy(update={"over": "image"})}
    )
    model = type(model)(model.network, model.card.model_copy(update={"normalization": by_image}))
    whole = Segmenter(model).predictor.probabilities(image)[0, 1]
    done = preview(View(image, 0, 1, (slice(top, bottom), slice(left, right)), "a"), model)
    assert done.rectangle == (slice(top, bottom), slice(left, right))
    np.testing.assert_allclose(done.probabilities, whole[:, top:bottom, left:right], atol=1e-5)


def test_a_whole_plane_gets_the_labels_of_a_segmentation() -> None:
    model = random_model()
    image = np.random.default_rng(0).integers(0, 100, (1, 1, 1, 70, 80), np.uint8)
    (segmented,) = Segmenter(model).planes(image)
    assert segmented.n_cells > 1
    assert (preview(view(image), model).labels == segmented.labels).all()


def test_only_what_is_in_view_and_around_is_read() -> None:
    class Recorded:
        shape, dtype, read = (1, 900, 900), np.dtype(np.uint8), []

        def __getitem__(self, key: Any) -> Any:
            self.read.append(key)
            return np.zeros(self.shape, self.dtype)[key]

    plane, model, box = Recorded(), random_model(depth=1), (slice(300, 340), slice(500, 520))
    tiles = list(Segmenter(model).predictor.predict_plane(plane, model.card.normalization.for_image(IMAGE), box))
    assert [tile.inner for tile in tiles] == [box]
    assert all(rows.stop - rows.start < 80 and columns.stop - columns.start < 60 for _, rows, columns in plane.read)


def test_previews_do_not_disturb_the_training(make_trainer: MakeTrainer) -> None:
    plain, watched = make_trainer("plain"), make_trainer("watched")
    for _ in plain.run():
        pass
    live, n_previews = LiveTraining(lambda: watched), 0
    for number, event in enumerate(live.run()):
        live.look_at(view(rectangle=(slice(number % 50, None), slice(None))))
        n_previews += isinstance(event, Previewed)
    assert n_previews >= watched.step
    assert watched.losses == plain.losses


def test_events_tell_the_story(make_trainer: MakeTrainer) -> None:
    live, looked_at = LiveTraining(make_trainer), view(place=("layer", 0, 0))
    live.look_at(looked_at)
    events = list(live.run())
    kinds = [type(event) for event in events]
    assert kinds[:4] == [Started, Stepped, Previewing, Previewed]
    assert kinds[-2:] == [Previewed, Finished]
    assert events[3].view is looked_at
    assert events[3].step == 1


def test_the_last_preview_shows_the_model_that_is_kept(make_trainer: MakeTrainer) -> None:
    live = LiveTraining(make_trainer)
    live.look_at(view())
    *_, last, finished = live.run()
    np.testing.assert_allclose(last.probabilities, preview(view(), load_model(finished.path)).probabilities, atol=1e-5)


def test_another_view_is_previewed_at_the_next_step_and_the_same_one_later(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews_module, "_SHORTEST_PAUSE_S", 1e6)
    live, steps = LiveTraining(make_trainer), []
    live.look_at(view())
    for event in live.run():
        if isinstance(event, Stepped) and event.step == 3:
            live.look_at(view(place="other"))
        if isinstance(event, Previewed):
            steps.append((event.view.place, event.step))
    assert steps == [("discs", 1), ("other", 3), ("other", 6)]


def test_a_trained_network_is_looked_at_before_its_first_step(make_trainer: MakeTrainer) -> None:
    for _ in make_trainer(steps=1).run():
        pass

    def resumed() -> Trainer:
        trainer = make_trainer(steps=2)
        trainer.resume()
        return trainer

    live = LiveTraining(resumed)
    live.look_at(view())
    with closing(live.run()) as events:
        assert [type(event) for event in itertools.islice(events, 3)] == [Started, Previewing, Previewed]


def test_nothing_in_view_gives_no_preview(make_trainer: MakeTrainer) -> None:
    assert not any(isinstance(event, Previewed | Previewing) for event in LiveTraining(make_trainer).run())


def test_a_preview_in_vain_is_told_once_and_the_training_goes_on(make_trainer: MakeTrainer) -> None:
    live, colour, failed = LiveTraining(make_trainer), np.repeat(IMAGE, 3, axis=1), []
    for number, event in enumerate(live.run()):
        live.look_at(view(colour, (slice(0, 10 + number), slice(None))))
        failed += [event] if isinstance(event, PreviewFailed) else []
    assert isinstance(event, Finished)
    (told,) = failed
    assert "3 channels" in told.message


def test_a_preview_is_given_up_when_another_view_comes() -> None:
    wanted = [view(np.zeros((1, 1, 1, 64, 700), np.uint8))]
    model = random_model()
    tiling = model.card.recipe.tiling.model_copy(update={"tile_px": 350})
    recipe = model.card.recipe.model_copy(update={"tiling": tiling})
    previews = Previews(lambda: wanted[-1], GivingWay(), first_s=0)
    events = previews.make(type(model)(model.network, model.card.model_copy(update={"recipe": recipe})), step=1)
    assert next(events).progress < 1
    wanted.append(view(place="other"))
    assert not list(events)
    assert previews.are_due(0.1)


def test_previews_take_at_most_their_share_of_the_time() -> None:
    previews = Previews(view, GivingWay(), first_s=2.0)
    assert not previews.are_due(1.0)
    assert previews.are_due(3.0)
    *_, done = previews.make(random_model(), step=1)
    assert not previews.are_due(3.0 + done.seconds * 0.85 / 0.15)
    assert previews.are_due(1e6)


def test_painted_before_and_during_the_run(make_trainer: MakeTrainer) -> None:
    live, counts = LiveTraining(make_trainer), []
    live.annotate(draw_image("before", seed=1))
    for event in live.run():
        if isinstance(event, Stepped) and event.step == 2:
            live.annotate(draw_image("during", seed=2))
        counts += [event.n_fields] if isinstance(event, Annotated) else []
    assert counts == [2, 3]


def test_while_paused_no_step_is_taken_but_another_view_is_previewed(make_trainer: MakeTrainer) -> None:
    live = LiveTraining(make_trainer)
    with closing(live.run()) as events:
        next(event for event in events if isinstance(event, Stepped))
        live.pause()
        live.look_at(view(place="other"))
        seen = list(itertools.islice(events, 5))
        assert not any(isinstance(event, Stepped) for event in seen)
        assert any(isinstance(event, Previewed) for event in seen)
        assert isinstance(seen[-1], Paused)
        live.resume()
        assert any(isinstance(event, Stepped) for event in events)


def test_closing_saves(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(steps=1000)
    live = LiveTraining(lambda: trainer)
    live.look_at(view())
    with closing(live.run()) as events:
        next(event for event in events if isinstance(event, Previewed))
    assert trainer.folder.last.is_file()
    assert trainer.folder.checkpoint.is_file()


def search(image: Any = IMAGE) -> Search:
    size = slice(0, image.shape[3]), slice(0, image.shape[4])
    labels = np.zeros((image.shape[0], 1, *image.shape[2:]), np.uint8)
    return Search(image, "discs", labels, "sparse", (0, 0), size)


def test_a_place_is_looked_for_between_steps_with_the_model_of_the_moment(make_trainer: MakeTrainer) -> None:
    live = LiveTraining(lambda: make_trainer(steps=6))
    events = []
    with closing(live.run()) as running:
        for event in running:
            events.append(event)
            if isinstance(event, Stepped) and event.step == 3:
                live.search(search())
    found = [number for number, event in enumerate(events) if isinstance(event, Found)]
    steps = [event.step for event in events[: found[0]] if isinstance(event, Stepped)]
    assert len(found) == 1 and steps == [1, 2, 3]
    assert isinstance(events[-1], Finished) and events[-1].step == 6
    assert events[found[0]].uncertainty[0, 0].shape == IMAGE.shape[3:]


def test_a_place_is_looked_for_while_it_rests(make_trainer: MakeTrainer) -> None:
    live = LiveTraining(lambda: make_trainer(steps=6))
    with closing(live.run()) as running:
        next(event for event in running if isinstance(event, Stepped))
        live.pause()
        next(event for event in running if isinstance(event, Paused))
        live.search(search())
        seen = list(itertools.takewhile(lambda event: not isinstance(event, Found), running))
        assert not any(isinstance(event, Stepped) for event in seen)


def test_a_search_that_fails_does_not_end_the_training(make_trainer: MakeTrainer) -> None:
    live = LiveTraining(lambda: make_trainer(steps=3))
    live.search(search(np.zeros((1, 2, 1, 40, 40), np.uint8)))
    events = list(live.run())
    (failed,) = (event for event in events if isinstance(event, SearchFailed))
    assert "channels" in failed.message
    assert isinstance(events[-1], Finished)
