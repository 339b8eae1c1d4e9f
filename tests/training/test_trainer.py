from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open

from drawing import draw_image, quick_recipe
from napari_unet.errors import InputError
from napari_unet.inference.predictor import Predictor
from napari_unet.models.model_file import load_model
from napari_unet.training import clock
from napari_unet.training import step as step_module
from napari_unet.training.clock import Clock
from napari_unet.training.events import Annotated, Finished, Recovered, Saved, Started, Stepped, Validated
from napari_unet.training.recovery import TrainingError
from napari_unet.training.run_folder import RunFolder
from napari_unet.training.schedule import learning_rate
from napari_unet.training.trainer import Trainer

MakeTrainer = Callable[..., Trainer]


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return trainer.model().network.state_dict()


def assert_same_weights(one: Trainer, other: Trainer) -> None:
    for name, tensor in weights(one).items():
        assert torch.equal(tensor, weights(other)[name]), name


def test_events_tell_the_story(make_trainer: MakeTrainer) -> None:
    events = list(make_trainer(steps=3, validation="regions").run())
    assert isinstance(events[0], Started)
    assert [event.step for event in events if isinstance(event, Stepped)] == [1, 2, 3]
    assert isinstance(events[-1], Finished)
    assert any(isinstance(event, Validated) for event in events)
    assert events[-1].path.is_file()


def test_it_learns(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(steps=60, learning_rate=1e-2)
    for _ in trainer.run():
        pass
    assert np.mean(trainer.losses[-10:]) < 0.5 * np.mean(trainer.losses[:5])


def test_the_same_seed_gives_the_same_model(make_trainer: MakeTrainer) -> None:
    one, other = make_trainer("a"), make_trainer("b")
    for trainer in (one, other):
        for _ in trainer.run():
            pass
    assert_same_weights(one, other)
    assert one.losses == other.losses


def test_another_seed_gives_another_model(make_trainer: MakeTrainer) -> None:
    one, other = make_trainer("a"), make_trainer("b", seed=1)
    assert not torch.equal(weights(one)["head.weight"], weights(other)["head.weight"])


@pytest.mark.parametrize("change", ["a resumed run", "a stroke"])
def test_a_model_that_was_the_best_in_another_held_out_part_does_not_stand_for_the_run(
    tmp_path: Path, change: str
) -> None:
    image, recipe = draw_image(), quick_recipe(steps=3, validation="regions")
    trainer = Trainer([image], recipe, tmp_path)
    for event in trainer.run():
        if isinstance(event, Validated):
            trainer._state.remember(-1.0, 2.0)  # no later model will be better
    trainer._save()
    before, changed = load_model(trainer.folder.best), replace(image, labels=np.flip(image.labels, -1).copy())
    trainer = Trainer(
        [changed if change == "a resumed run" else image], quick_recipe(steps=6, validation="regions"), tmp_path
    )
    trainer.resume()
    if change == "a stroke":
        trainer.annotate(changed)
    events = list(trainer.run())
    assert [event.best for event in events if isinstance(event, Validated)][-1]
    after = load_model(trainer.folder.model)
    assert after.card.training_data != before.card.training_data
    assert after.card.weights_sha256 != before.card.weights_sha256


def test_in_the_same_held_out_part_the_best_model_stays(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(steps=3, validation="regions")
    for event in trainer.run():
        if isinstance(event, Validated):
            trainer._state.remember(-1.0, 2.0)
    trainer._save()
    before = load_model(trainer.folder.best).card.weights_sha256
    trainer = make_trainer(steps=6, validation="regions")
    trainer.resume()
    assert not any(event.best for event in trainer.run() if isinstance(event, Validated))
    assert load_model(trainer.folder.model).card.weights_sha256 == before


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("stop_after", [1, 4])
def test_resumed_equals_uninterrupted_bit_for_bit(make_trainer: MakeTrainer, optimizer: str, stop_after: int) -> None:
    whole = make_trainer("whole", optimizer=optimizer)
    for _ in whole.run():
        pass
    with closing(make_trainer("broken", optimizer=optimizer).run()) as events:
        for event in events:
            if isinstance(event, Stepped) and event.step == stop_after:
                break
    resumed = make_trainer("broken", optimizer=optimizer)
    resumed.resume()
    assert resumed.step == stop_after
    for _ in resumed.run():
        pass
    assert_same_weights(whole, resumed)
    assert resumed.losses == whole.losses


def test_resumed_equals_uninterrupted_with_dropout(tmp_path: Path) -> None:
    recipe = quick_recipe()
    recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"dropout": 0.5, "batch_norm": False})})
    whole = Trainer([draw_image()], recipe, tmp_path / "whole")
    for _ in whole.run():
        pass
    with closing(Trainer([draw_image()], recipe, tmp_path / "broken").run()) as events:
        next(event for event in events if isinstance(event, Stepped) and event.step == 3)
    resumed = Trainer([draw_image()], recipe, tmp_path / "broken")
    resumed.resume()
    for _ in resumed.run():
        pass
    assert_same_weights(whole, resumed)


def test_dropout_leaves_the_randomness_of_the_caller_alone(tmp_path: Path) -> None:
    recipe = quick_recipe(steps=2)
    recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"dropout": 0.5})})
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    for _ in Trainer([draw_image()], recipe, tmp_path).run():
        pass
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("validation", ["images", "regions"])
def test_resumed_equals_uninterrupted_with_an_image_that_came_later(tmp_path: Path, validation: str) -> None:
    """What was held out stays so, and nothing that was learnt from is held out."""
    images = [draw_image(str(number), seed=number) for number in range(3)]
    recipe = quick_recipe(steps=6, validation=validation)

    def learn(trainer: Trainer, until: int) -> None:
        with closing(trainer.run()) as events:
            for event in events:
                if isinstance(event, Stepped) and event.step == 2:
                    trainer.annotate(draw_image("new", seed=9))
                if isinstance(event, Stepped) and event.step == until:
                    return

    whole, broken = (Trainer(images, recipe, tmp_path / name) for name in ("whole", "broken"))
    learn(whole, until=6)
    learn(broken, until=4)
    resumed = Trainer([*images, draw_image("new", seed=9)], recipe, tmp_path / "broken")
    resumed.resume()
    held_out = [{field.name for field in trainer._lessons.current.held_out_fields} for trainer in (whole, resumed)]
    assert held_out[0] == held_out[1] and "new" not in held_out[1]
    learn(resumed, until=6)
    assert_same_weights(whole, resumed)
    elsewhere = Trainer([draw_image("other", seed=4), draw_image("another", seed=5)], recipe, tmp_path / "broken")
    elsewhere.resume()
    assert elsewhere._lessons.current.held_out_fields


def test_the_model_of_a_killed_run_is_that_of_its_checkpoint(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(steps=4, checkpoint_seconds=1e-9)
    events = trainer.run()
    for event in events:
        if isinstance(event, Saved) and event.step == 3:
            saved = load_model(trainer.folder.last).network.state_dict()
            assert all(torch.equal(tensor, saved[name]) for name, tensor in weights(trainer).items())
            break
    else:
        pytest.fail("nothing was saved")
    events.close()


def test_one_training_at_a_time_in_a_folder(make_trainer: MakeTrainer) -> None:
    first, second = make_trainer(steps=4), make_trainer(steps=4)
    with closing(first.run()) as events:
        next(event for event in events if isinstance(event, Stepped))
        with pytest.raises(InputError, match="a training is going on there"):
            next(second.run())
    assert [event.step for event in second.run() if isinstance(event, Stepped)] == [1, 2, 3, 4]


def test_a_run_goes_on_after_a_class_was_erased(tmp_path: Path) -> None:
    labels = np.zeros((1, 1, 1, 64, 64), np.uint16)
    labels[..., 8:24, 8:24], labels[..., 40:56, 40:56] = 1, 2
    both = replace(draw_image(), labels=labels)
    recipe = quick_recipe(steps=6, target="classes")
    with closing(Trainer([both], recipe, tmp_path).run()) as events:
        next(event for event in events if isinstance(event, Stepped) and event.step == 3)
    one = replace(both, labels=np.where(labels == 2, 0, labels))
    trainer = Trainer([one], recipe, tmp_path, load_model(RunFolder(tmp_path).last))
    trainer.resume()
    assert [event.step for event in trainer.run() if isinstance(event, Stepped)] == [4, 5, 6]
    assert trainer.card.n_classes == 3 == len(trainer.card.class_balance)


def test_annotations_of_names_alike_do_not_share_a_file(tmp_path: Path) -> None:
    names = ["a/b", "a_b", "a%2Fb"]
    files = {RunFolder(tmp_path).annotation(name) for name in names}
    assert len(files) == 3 and {file.parent for file in files} == {tmp_path / "annotations"}


def test_closing_takes_effect_within_a_step_and_keeps_everything(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(steps=1000)
    with closing(trainer.run()) as events:
        next(event for event in events if isinstance(event, Stepped) and event.step == 2)
    assert trainer.step == 2
    kept = load_model(trainer.folder.last).network.state_dict()
    assert all(torch.equal(tensor, kept[name]) for name, tensor in weights(trainer).items())
    assert trainer.folder.checkpoint.is_file()


def test_pauses_are_not_counted(make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    paused, real = [0.0], time.perf_counter
    monkeypatch.setattr(clock, "time", SimpleNamespace(perf_counter=lambda: real() + paused[0]))
    events = make_trainer(steps=3).run()
    for event in events:
        paused[0] += 1000.0
        if isinstance(event, Finished):
            assert event.seconds < 1000
            return
    raise AssertionError(paused)


def test_a_budget_in_seconds_ends_with_a_learning_rate_near_zero(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(clock, "time", SimpleNamespace(perf_counter=lambda: next(ticks) * 0.01))
    events = list(make_trainer(steps=None, seconds=1.0).run())
    steps = [event for event in events if isinstance(event, Stepped)]
    assert steps[-1].progress <= 1
    assert steps[-1].learning_rate < 0.2 * max(step.learning_rate for step in steps)


def test_a_step_without_a_finite_loss_is_undone_and_reported(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    honest = step_module.weighted_cross_entropy

    def fails_once(*arguments: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return honest(*arguments) * (float("nan") if calls == 3 else 1.0)

    monkeypatch.setattr(step_module, "weighted_cross_entropy", fails_once)
    trainer = make_trainer(steps=4)
    events = list(trainer.run())
    recovered = [event for event in events if isinstance(event, Recovered)]
    assert len(recovered) == 1
    assert "step 3" in recovered[0].message
    assert trainer.step == 4
    assert all(torch.isfinite(tensor).all() for tensor in weights(trainer).values())
    last = [event for event in events if isinstance(event, Stepped)][-1]
    assert last.learning_rate == pytest.approx(learning_rate(trainer.recipe.training, used=3 / 4) / 2)


def test_a_hopeless_training_gives_up_and_keeps_the_last_good_model(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(steps=4)
    monkeypatch.setattr(step_module, "weighted_cross_entropy", lambda logits, *_: logits.sum() * float("nan"))
    with pytest.raises(TrainingError, match="finite"):
        list(trainer.run())
    saved = load_model(trainer.folder.last)
    assert all(torch.isfinite(tensor).all() for tensor in saved.network.state_dict().values())


def test_new_annotations_are_learnt_from_the_next_step_on(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(steps=6)
    order: list[str] = []
    for event in trainer.run():
        if isinstance(event, Stepped):
            order.append(f"step {event.step}")
            if event.step == 2:
                trainer.annotate(draw_image("second", seed=5))
        if isinstance(event, Annotated):
            order.append(f"annotated {event.n_fields}")
    assert order[:4] == ["step 1", "step 2", "annotated 2", "step 3"]
    assert set(trainer.card.training_data) == {"discs", "second"}
    assert (trainer.folder.path / "annotations" / "second.tif").is_file()


def test_with_a_stroke_the_rate_is_full_again_also_after_a_break(make_trainer: MakeTrainer) -> None:
    def learn(trainer: Trainer, until: int) -> Iterator[float]:
        with closing(trainer.run()) as events:
            for event in events:
                if isinstance(event, Stepped):
                    yield event.learning_rate / learning_rate(trainer.recipe.training, (event.step - 1) / 6)
                    if event.step == 3:
                        trainer.annotate(draw_image(seed=2))
                    if event.step == until:
                        return

    whole = make_trainer("whole", steps=6, steps_per_image=1, warm_up=0.0)
    shares = [1, 1 / 2, 1 / 3, 1, 1 / 2, 1 / 3]
    assert list(learn(whole, until=6)) == pytest.approx(shares)
    broken = make_trainer("broken", steps=6, steps_per_image=1, warm_up=0.0)
    assert list(learn(broken, until=4)) == pytest.approx(shares[:4])
    resumed = Trainer([draw_image(seed=2)], broken.recipe, broken.folder.path)
    resumed.resume()
    assert list(learn(resumed, until=5)) == pytest.approx(shares[4:5])
    # What was painted in the break is a stroke, too.
    again = Trainer([draw_image(seed=3)], broken.recipe, broken.folder.path)
    again.resume()
    assert list(learn(again, until=6)) == pytest.approx([1])


def test_a_changed_annotation_replaces_the_old_one(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(steps=2)
    old = trainer.card.training_data["discs"]
    for event in trainer.run():
        if isinstance(event, Started):
            trainer.annotate(replace(draw_image(seed=3), name="discs"))
    assert trainer.card.training_data["discs"] != old


def test_what_is_painted_while_the_last_step_runs_is_kept(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(steps=2)
    for event in trainer.run():
        if isinstance(event, Stepped) and event.step == 2:
            trainer.annotate(draw_image("late", seed=5))
    assert (trainer.folder.path / "annotations" / "late.tif").is_file()


def test_a_stroke_that_cannot_be_learnt_from_is_kept(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(steps=4)
    source = draw_image("other shape", seed=5)
    trainer.annotate(replace(source, labels=source.labels[..., 1:]))
    with pytest.raises(InputError, match="must agree"):
        list(trainer.run())
    assert (trainer.folder.path / "annotations" / "other shape.tif").is_file()


def test_when_all_is_erased_the_training_goes_on_with_what_it_had(make_trainer: MakeTrainer) -> None:
    trainer, source = make_trainer(steps=4), draw_image()
    trainer.annotate(replace(source, labels=source.labels * 0))
    events = list(trainer.run())
    assert not any(isinstance(event, Annotated) for event in events)
    assert trainer.step == 4


def test_everything_held_out_is_refused(tmp_path: Path) -> None:
    source = draw_image()
    labels = np.zeros_like(source.labels)
    labels[..., 60:, :30], labels[..., 60:, 30:] = 1, 2
    with pytest.raises(InputError, match="held out"):
        Trainer([replace(source, labels=labels)], quick_recipe(scheme="sparse", validation="regions"), tmp_path)


def test_many_strokes_are_written_once(make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr(RunFolder, "save_annotation", lambda _, image: written.append(image.name))
    monkeypatch.setattr(Clock, "save_is_due", lambda _: False)
    trainer = make_trainer(steps=6)
    for event in trainer.run():
        if isinstance(event, Stepped):
            trainer.annotate(draw_image("painted", seed=event.step))
    assert written == ["discs", "painted"]


def test_validation_keeps_the_best_model(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(steps=8, validation="regions", validation_seconds=0.01)
    validated = [event for event in trainer.run() if isinstance(event, Validated)]
    best = [event for event in validated if event.best][-1]
    assert load_model(trainer.folder.best).card.metrics["validation_iou"] == pytest.approx(best.iou)
    assert trainer.folder.model == trainer.folder.best


def test_a_later_model_is_the_best_unless_an_earlier_one_did_better_in_both(make_trainer: MakeTrainer) -> None:
    """Of a few held-out pixels the overlap is chance; the learning rate has fallen since."""
    state = make_trainer()._state
    losses, overlaps = (0.4, 0.5, 0.3, 0.45, 0.3), (0.6, 0.5, 0.2, 0.55, 0.2)
    found = [state.remember(loss, iou).best for loss, iou in zip(losses, overlaps, strict=True)]
    assert found == [True, False, True, False, True]


def test_starting_from_a_model_keeps_its_network_and_normalisation(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    first = make_trainer()
    for _ in first.run():
        pass
    recipe = quick_recipe(steps=1)
    wider = recipe.model_copy(update={"model": recipe.model.model_copy(update={"base_channels": 8})})
    second = Trainer([draw_image()], wider, tmp_path / "second", init=first.model())
    assert second.recipe.model.base_channels == 4
    assert_same_weights(first, second)


def test_a_model_with_other_channels_is_refused(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    grey = make_trainer().model()
    source = draw_image()
    colour = replace(source, image=np.repeat(source.image, 3, axis=1))
    with pytest.raises(InputError, match="channels"):
        Trainer([colour], quick_recipe(), tmp_path / "colour", init=grey)


def test_resuming_with_another_network_is_refused(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    for _ in make_trainer(steps=1).run():
        pass
    recipe = quick_recipe()
    other = recipe.model_copy(update={"model": recipe.model.model_copy(update={"depth": 1})})
    with pytest.raises(InputError, match="another network"):
        Trainer([draw_image()], other, tmp_path / "run").resume()


def test_resuming_nothing_is_refused(make_trainer: MakeTrainer) -> None:
    with pytest.raises(InputError, match="no such"):
        make_trainer().resume()


def test_nothing_annotated_is_refused(tmp_path: Path) -> None:
    source = draw_image()
    with pytest.raises(InputError, match="empty"):
        Trainer([replace(source, labels=source.labels * 0)], quick_recipe(), tmp_path)


def test_one_class_only_is_refused(tmp_path: Path) -> None:
    source = draw_image()
    with pytest.raises(InputError, match="only cells"):
        Trainer([replace(source, labels=np.ones_like(source.labels))], quick_recipe(), tmp_path)
    with pytest.raises(InputError, match="only background"):
        Trainer([replace(source, labels=np.ones_like(source.labels))], quick_recipe(scheme="sparse"), tmp_path)


def test_no_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no image"):
        Trainer([], quick_recipe(), tmp_path)


def test_a_checkpoint_executes_nothing_and_names_its_parts(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(steps=1)
    for _ in trainer.run():
        pass
    with safe_open(trainer.folder.checkpoint, framework="np") as file:
        parts = {name.split("/")[0] for name in file.keys()}
        counters = json.loads(file.metadata()["napari_unet_checkpoint"])
    assert parts == {"network", "average", "optimizer", "losses", "validated"}
    assert counters["step"] == 1


@pytest.mark.parametrize("target", ["instances", "classes"])
def test_channels_and_classes(tmp_path: Path, target: str) -> None:
    source = draw_image()
    image = replace(source, image=np.repeat(source.image, 3, axis=1), labels=source.labels % 3)
    trainer = Trainer([image], quick_recipe(steps=1, target=target), tmp_path)
    for _ in trainer.run():
        pass
    assert trainer.card.in_channels == 3
    assert trainer.card.n_classes == (2 if target == "instances" else 3)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_both_precisions_train(tmp_path: Path, precision: str) -> None:
    recipe = quick_recipe(steps=2)
    recipe = recipe.model_copy(update={"execution": recipe.execution.model_copy(update={"precision": precision})})
    trainer = Trainer([draw_image()], recipe, tmp_path)
    started = next(event for event in trainer.run() if isinstance(event, Started))
    assert started.precision == precision
    assert all(tensor.dtype != torch.bfloat16 for tensor in weights(trainer).values())


def test_a_killed_run_is_loadable_and_can_be_resumed(tmp_path: Path) -> None:
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[1])!r})
        from drawing import draw_image, quick_recipe
        from napari_unet.training.trainer import Trainer
        recipe = quick_recipe(steps=100_000, checkpoint_seconds=0.05)
        for event in Trainer([draw_image()], recipe, {str(tmp_path / "run")!r}).run():
            print(type(event).__name__, flush=True)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        saved = 0
        for line in process.stdout:
            saved += line.strip() == Saved.__name__
            if saved == 3:
                os.kill(process.pid, signal.SIGKILL)
                break
    trainer = Trainer([draw_image()], quick_recipe(steps=100_000), tmp_path / "run")
    trainer.resume()
    assert trainer.step > 0
    load_model(trainer.folder.last)
    with closing(trainer.run()) as events:
        assert any(isinstance(event, Stepped) for event in events)


def test_starting_from_a_model_says_the_same_under_another_balance_of_classes(
    make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    first = make_trainer()
    fewer = draw_image(seed=4)
    fewer = replace(fewer, labels=np.where(fewer.labels == 1, 1, 0).astype(np.uint16))
    second = Trainer([fewer], quick_recipe(), tmp_path / "second", init=first.model())
    assert second.card.class_balance != first.card.class_balance
    told = [Predictor(trainer.model(), execution=trainer.recipe.execution) for trainer in (first, second)]
    one, other = (predictor.probabilities(fewer.image) for predictor in told)
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_class_that_the_network_lacks_is_refused(tmp_path: Path) -> None:
    source = draw_image()
    known = replace(source, labels=source.labels % 2)
    trainer = Trainer([known], quick_recipe(target="classes"), tmp_path)
    trainer.annotate(replace(source, name="later", labels=source.labels % 4))
    with pytest.raises(InputError, match="class 3"):
        list(trainer.run())
    assert trainer.folder.checkpoint.is_file()


def test_a_model_with_other_classes_is_refused(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    source = draw_image()
    with pytest.raises(InputError, match="2 classes, but the labels have 3"):
        Trainer(
            [replace(source, labels=source.labels % 3)],
            quick_recipe(target="classes"),
            tmp_path / "classes",
            init=make_trainer().model(),
        )
