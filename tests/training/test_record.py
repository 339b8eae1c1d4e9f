"""A run can be found again and told from a finished one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from napari_unet.errors import InputError
from napari_unet.training.record import (
    RunRecord,
    Source,
    find_unfinished,
    read_losses,
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
    assert len(read_losses(folder)) == 3
    assert find_unfinished([tmp_path / "project"], busy={folder}) is None


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
