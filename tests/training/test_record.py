"""A run can be found again and told from a finished one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from napari_unet.errors import InputError
from napari_unet.training.events import Stepped, Validated
from napari_unet.training.record import (
    RunRecord,
    Source,
    find_unfinished,
    read_curves,
    read_run,
    save_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECORD = RunRecord(sources=(Source(name="discs", image="discs", labels="painted", axes="YX"),))


def train(make_trainer: Callable, folder: str, n_steps: int) -> Path:
    trainer = make_trainer(folder, steps=6)
    save_record(trainer.folder.path, RECORD)
    events = trainer.run()
    for event in events:
        if getattr(event, "step", 0) >= n_steps:
            break
    events.close()
    return trainer.folder.path


def test_a_run_that_was_broken_off_is_found_again(make_trainer, tmp_path: Path) -> None:
    folder = train(make_trainer, "project/runs/a", 3)
    run = find_unfinished([tmp_path / "project"])
    assert run is not None and run == read_run(folder)
    assert (run.step, run.record, run.is_finished) == (3, RECORD, False)
    losses, validated = read_curves(folder)
    assert len(losses) == 3 and not validated
    assert find_unfinished([tmp_path / "project"], busy={folder}) is None


def test_the_curves_are_those_of_all_parts_of_a_run(make_trainer) -> None:
    told = []
    for steps in (3, 5):
        trainer = make_trainer(steps=steps, validation="regions", validation_seconds=1e-6)
        if told:
            trainer.resume()
        told += [event for event in trainer.run() if isinstance(event, Stepped | Validated)]
    losses, validated = read_curves(trainer.folder.path)
    assert losses == [event.loss for event in told if isinstance(event, Stepped)] and len(losses) == 5
    assert validated == [event for event in told if isinstance(event, Validated)] and validated[-1].step == 5
    assert validated[0].best and not any(point.best for point in validated if point.iou < validated[0].iou)


def test_only_the_last_run_is_offered(make_trainer, tmp_path: Path) -> None:
    old, new = train(make_trainer, "project/runs/a", 2), train(make_trainer, "project/runs/b", 6)
    os.utime(old / "checkpoint.safetensors", (0, 0))
    assert read_run(new).is_finished
    assert find_unfinished([tmp_path / "project"]) is None


@pytest.mark.parametrize("damaged", ["pairs.json", "checkpoint.safetensors"])
def test_a_damaged_run_is_passed_over(make_trainer, tmp_path: Path, damaged: str) -> None:
    folder = train(make_trainer, "project/runs/a", 2)
    (folder / damaged).write_text("{}")
    with pytest.raises(InputError, match="Start a new one"):
        read_run(folder)
    assert find_unfinished([tmp_path / "project"]) is None
