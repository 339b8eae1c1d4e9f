"""The trainer: a generator of events that can be stopped, resumed and given new annotations at any step."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from napari_unet.models.giving_way import GivingWay, resting
from napari_unet.models.memory_reuse import reuse_memory
from napari_unet.models.model_file import TrainedModel
from napari_unet.training.card import describe, geometry, keep_classes, make_network, prepare, update_card
from napari_unet.training.clock import Clock
from napari_unet.training.computation import Computation
from napari_unet.training.events import Annotated, Event, Finished, Recovered, Saved, Started, Stepped, Validated
from napari_unet.training.fit_instances import fit_saved
from napari_unet.training.gentleness import gentleness, worth_keeping
from napari_unet.training.lessons import Lessons
from napari_unet.training.recovery import SafeState
from napari_unet.training.run_folder import RunFolder
from napari_unet.training.schedule import freshness, learning_rate, progress
from napari_unet.training.snapshots import Snapshots
from napari_unet.training.state import TrainingState
from napari_unet.training.step import choose_teacher, learn
from napari_unet.training.validation import held_out_batches, validate

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from torch import nn

    from napari_unet.config.recipe import Recipe
    from napari_unet.data.sampling import Batch
    from napari_unet.data.training_image import TrainingImage

#: Shares of the budget after which it is asked again how much of the model to start from is worth keeping.
_DOUBTED_AT = (0.5, 1.0)


class Trainer:
    """Teaches a network from annotated images.

    Parameters
    ----------
    images
        Images with their annotations; their names must differ.
    recipe
        Every setting.
    folder
        Where the run is kept.
    init
        Model to start from; its network settings and normalisation are kept. None starts from random weights.

    Attributes
    ----------
    recipe
        Every setting, with the network settings of ``init``.
    card
        Describes the model that is being made.
    folder
        Files of the run.
    way
        While it holds, the training rests between two layers, if it is computed on the processor. None: it never does.

    Raises
    ------
    InputError
        If the images have nothing to learn from, or do not fit ``init``.

    Notes
    -----
    To pause, do not ask for the next event: only the time spent between two events counts against the budget, without
    that in which ``way`` holds.
    """

    def __init__(
        self, images: list[TrainingImage], recipe: Recipe, folder: str | Path, init: TrainedModel | None = None
    ) -> None:
        self.recipe = recipe if init is None else recipe.model_copy(update={"model": init.card.recipe.model})
        self.folder = RunFolder(Path(folder))
        self._computation = Computation.choose(recipe.execution)
        preparation = prepare(images, self.recipe, init, self._computation)
        self._lessons = Lessons(images, preparation)
        self._snapshots = Snapshots(self._lessons, self.folder)
        card = describe(self._lessons.fields, preparation).model_copy(update=geometry(images))
        self.card = card if init is None else keep_classes(card, init.card)
        network = make_network(self.card, init, self.recipe.training.seed)
        self._state = TrainingState(self._computation.place_network(network), self.recipe.training)
        self._state.began_trained = init is not None
        self.way: GivingWay | None = None
        self._safe = SafeState(self._state)

    @property
    def is_trained(self) -> bool:
        """Whether the network has learnt something, here or as the model it started from."""
        return self._state.began_trained or self._state.step > 0

    @property
    def step(self) -> int:
        """Steps done so far."""
        return self._state.step

    @property
    def seconds(self) -> float:
        """Training time so far, pauses not counted."""
        return self._state.seconds

    @property
    def losses(self) -> list[float]:
        """Loss of each step so far."""
        return list(self._state.losses)

    def annotate(self, image: TrainingImage) -> None:
        """Hand over an annotation; the next step learns from it. May be called from any thread.

        Parameters
        ----------
        image
            Replaces the image of the same name, or is added.
        """
        self._lessons.hand_in(image)

    def resume(self) -> None:
        """Go on from the checkpoint in the folder, bit for bit as if never stopped.

        Raises
        ------
        InputError
            If there is no checkpoint, or it belongs to another network.
        """
        record = self.folder.load_checkpoint(self._state)
        # What was painted since then is as new as a stroke.
        if record is not None and self._lessons.go_on(record):
            self._state.taught_at = self._state.step
        self._safe.remember()

    def model(self) -> TrainedModel:
        """Give the model as it is now.

        Returns
        -------
        TrainedModel
            A copy, on the CPU, in evaluation mode.
        """
        network = copy.deepcopy(self._state.predicting).cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        return TrainedModel(network.eval().requires_grad_(False), self.card)

    def run(self) -> Generator[Event]:
        """Train until the budget is used.

        Closing the generator, or an error, ends the training after the current step; checkpoint and model are saved.
        A model that was stopped is fitted to the annotated cells like one that used its budget.

        Yields
        ------
        Event
            What happened, see `napari_unet.training.events`.

        Raises
        ------
        TrainingError
            If steps give no finite number again and again.
        InputError
            If another training is at work in the folder.
        """
        with self.folder.claim():
            yield from self._run()

    def _run(self) -> Generator[Event]:
        """Train in a folder of its own."""
        self.folder.save_inputs(self.recipe, list(self._lessons.images.values()))
        self._hold_out()
        yield self._started()
        broken = False
        try:
            with reuse_memory(self._computation.device):
                if self._state.began_trained and not self._state.step:
                    self._be_gentle()
                yield from self._loop()
        except Exception:
            broken = True
            raise
        finally:
            self._lessons.collect()
            self._snapshots.write(at_once=True)
            self._save()
            if not broken:  # neither is what was stopped
                fit_saved(self.folder.model, self._lessons.images.values(), self._state.step)
        yield Finished(self._state.step, self._state.seconds, self.folder.model, "budget")

    def _be_gentle(self) -> None:
        """Teach a model to start from the gentler, and keep the more of it, the better it knows the annotated cells.

        Finding out takes as long as a few steps: it waits until whoever watches has seen the model as it is.
        """
        if self.recipe.training.kept_share:
            self._state.begin()
        _, iou = validate(self._state.network, self._annotated(), self._computation, self.card.class_balance)
        self._state.rate_factor, self._state.kept = gentleness(self.recipe.training, iou)
        self._safe.remember()

    def _doubt_beginning(self, clock: Clock) -> None:
        """Keep less of a model to start from which what was learnt contradicts."""
        old, new, training = self._state.beginning, self._state.trained, self.recipe.training
        if old is not None:
            with resting(old, self.way, clock.leave_out), resting(new, self.way, clock.leave_out):
                how = self._annotated(), self._computation, self.card.class_balance
                self._state.kept = worth_keeping(training, old, new, *how)

    def _annotated(self) -> list[Batch]:
        """Read patches of all that is annotated now."""
        return held_out_batches(self._lessons.fields, self._lessons.current.reader)

    def _started(self) -> Started:
        """Tell what is about to happen."""
        lesson, computation = self._lessons.current, self._computation
        n_parameters = sum(parameter.numel() for parameter in self._state.network.parameters())
        annotated = lesson.n_fields, self._lessons.n_cells, len(lesson.held_out)
        return Started(computation.device.type, computation.precision, *annotated, n_parameters, self._state.step)

    def _loop(self) -> Iterator[Event]:
        """Work until the budget is used; what the consumer does between two events is not counted."""
        clock = Clock(self._state.seconds, self.recipe.training)
        while (before := self._progress()) < 1:
            clock.start()
            events = self._take_in()
            events.append(self._step(clock))
            self._state.seconds = clock.stop()
            if any(before < share <= self._progress() for share in _DOUBTED_AT):
                self._doubt_beginning(clock)
            events += self._look_after(clock)
            self._state.seconds = clock.stop()
            yield from events

    def _take_in(self) -> list[Event]:
        """Take in new annotations."""
        if not self._lessons.take_in():
            return []
        self.card = update_card(self.card, self._lessons.fields)
        self._state.taught_at = self._state.step
        self._hold_out()
        return [Annotated(self._state.step, self._lessons.current.n_fields, self._lessons.n_cells)]

    def _hold_out(self) -> None:
        """Let a model that was the best in another held-out part no longer stand for the run."""
        if self._state.hold_out(self._lessons.current.held_out_key):
            self.folder.best.unlink(missing_ok=True)

    def _look_after(self, clock: Clock) -> list[Event]:
        """Validate and save where it is time; validate also at the end."""
        events: list[Event] = []
        due = clock.validation_is_due() or self._progress() >= 1
        if due and self._lessons.current.held_out:
            network = self._state.predicting
            with resting(network, self.way, clock.leave_out):
                events.append(self._validate(network))
        if clock.save_is_due():
            events.append(self._save())
        return events

    def _progress(self) -> float:
        """Give the share of the budget that is used."""
        return progress(self.recipe.training, self._state.step, self._state.seconds)

    def _step(self, clock: Clock) -> Stepped | Recovered:
        """Do one optimiser step, or undo it where it gave no finite number."""
        state, training = self._state, self.recipe.training
        fresh = freshness(training, state.step - state.taught_at, self._lessons.current.n_fields)
        rate = learning_rate(training, self._progress()) * state.rate_factor * fresh
        state.set_rate(rate)
        batch = self._lessons.current.sampler.batch(state.step)
        teacher = choose_teacher(state, training, self._progress())
        with resting(state.network, self.way, clock.leave_out), resting(teacher, self.way, clock.leave_out):
            loss = learn(state, batch, self.recipe, self.card.class_balance, self._computation, teacher)
        if not math.isfinite(loss):
            try:
                return self._safe.go_back()
            finally:
                self._hold_out()
        state.advance(loss, fresh)
        state.seconds = clock.stop()
        return Stepped(state.step, loss, rate, state.seconds, self._progress())

    def _validate(self, network: nn.Module) -> Validated:
        """Look at the held-out part; keep the model if it is the best so far."""
        held_out = self._lessons.current.held_out
        loss, iou = validate(network, held_out, self._computation, self.card.class_balance)
        validated = self._state.remember(loss, iou)
        self.card = self.card.model_copy(update={"metrics": {"validation_iou": iou, "validation_loss": loss}})
        if validated.best:
            self.folder.save_model(self.model(), best=True)
        return validated

    def _save(self) -> Saved:
        """Remember the state and write it."""
        self._safe.remember()
        self._snapshots.write(at_once=False)
        self.folder.save_checkpoint(self._safe.tensors, self._safe.counters, self._lessons.record)
        self.folder.save_model(self.model(), best=False)
        return Saved(self._state.step, self.folder.checkpoint)
