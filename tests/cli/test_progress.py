from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from napari_unet.cli.messages import error_text, say
from napari_unet.cli.progress import FilesProgress, TrainingProgress
from napari_unet.inference.events import FileDone, FileFailed, FileStarted, PlaneDone
from napari_unet.training.events import Recovered, Stepped, Validated
from napari_unet.training.pace import duration

STEPS = [Stepped(step, 0.5, 1e-3, seconds=2.0 * step, progress=step / 10) for step in range(1, 9)]


def pretend_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")


def show_training() -> None:
    with TrainingProgress() as progress:
        for event in [*STEPS[:4], Validated(4, 0.4, 0.75, best=True), Recovered(4, "went back"), *STEPS[4:]]:
            progress.show(event)


def test_a_log_has_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    show_training()
    result, log = capsys.readouterr()
    # Steps take 2 s, so that a line comes with every fifth; 4 steps of 8 s left after step 6.
    assert log.splitlines() == [
        "step 1, loss 0.500",
        "went back",
        "step 6, loss 0.500, validation IoU 0.750 (best), 0.5 steps/s, 8 s left",
    ]
    assert result == ""


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pretend_terminal(monkeypatch)
    show_training()
    result, shown = capsys.readouterr()
    last = shown.rstrip().split("\r")[-1]
    assert result == ""
    assert last.startswith(" 80 %|")
    assert last.endswith("step 8, loss 0.500, validation IoU 0.750 (best), 0.5 steps/s, 4 s left")
    assert "\nwent back\n" in shown.replace("\r", "\n")


def test_files_in_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pretend_terminal(monkeypatch)
    one, two = Path("one.tif"), Path("two.tif")
    events = [
        FileStarted(one, 2, "ZYX", True),
        *(PlaneDone(one, done, 2) for done in (1, 2)),
        FileDone(one, Path("out/one.tif"), 7, 1.25),
        FileFailed(two, "is damaged"),
    ]
    with FilesProgress(2) as progress:
        for event in events:
            progress.show(event)
    result, shown = capsys.readouterr()
    assert "out/one.tif: 7 cells, 1.2 s" in result
    assert "one.tif [1/2]: 100%" in shown
    assert "planes/s" in shown
    assert "axes ZYX guessed from the shape of one.tif" in shown
    assert "failed: two.tif: is damaged" in shown
    assert shown.endswith("1 of 2 files failed\n")
    assert progress.n_failed == 1


def test_messages_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\nb")
    assert capsys.readouterr() == ("", "a\nb\n")


def test_errors_and_times_in_words() -> None:
    assert error_text(OSError(13, "Permission denied")) == "Permission denied"
    assert error_text(MemoryError()) == "MemoryError"
    assert [duration(seconds) for seconds in (59.6, 3599.4, 3600)] == ["1 min 0 s", "59 min 59 s", "1 h 0 min"]


def run_python(program: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, **options)


def test_a_name_that_the_terminal_cannot_show_ends_nothing() -> None:
    program = "from napari_unet.cli import messages as m; m.prepare_streams(); m.report('Za\u017c'); m.say('\u017c')"
    done = run_python(program, env=os.environ | {"PYTHONIOENCODING": "cp1252"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "Za\\u017c\n", "\\u017c\n")


@pytest.mark.skipif(sys.platform == "win32", reason="the shell is another one")
def test_streams_that_are_closed_end_nothing() -> None:
    program = (
        "from napari_unet.cli import messages as m, progress as p; m.prepare_streams(); m.say('x'); m.report('y')\n"
        "with p.FilesProgress(1), p.TrainingProgress(): pass"
    )
    shell = f'exec {shlex.quote(sys.executable)} -c "$PROGRAM" >&- 2>&-'
    done = subprocess.run(["sh", "-c", shell], timeout=60, env=os.environ | {"PROGRAM": program})
    assert done.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are other ones")
def test_the_work_goes_on_when_nobody_reads_any_more() -> None:
    program = (
        "from napari_unet.cli.messages import report\nfor n in range(9): report(str(n))\nopen(0, 'w').write('made')"
    )
    reader, writer = os.pipe()
    os.close(reader)
    with tempfile.TemporaryFile("w+") as made:
        done = subprocess.run([sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, stdin=made)
        os.close(writer)
        made.seek(0)
        assert (done.returncode, done.stderr, made.read()) == (0, b"", "made")
