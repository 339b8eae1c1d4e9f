"""Score what a minute of training on one annotated image, or on five annotated cells, is worth on other images.

Run: ``python benchmarks/few_shot.py [DATA] [--sets NAME ...] [--methods NAME ...] [--cells N] [--steps N]
[--settings SECTION.NAME=VALUE ...] [--write]``
DATA is a folder of public sets, each with ``images/NNN.tif`` and ``labels/NNN.tif``. Prints a Markdown table of the
average precision at IoU 0.5, mean over the test images; ``--write`` puts it into ``docs/accuracy.md``. With ``--models
FOLDER`` trainings are kept and used again, so that a table can be made in pieces, and made anew when cells are made of
probabilities in another way.

Series are learnt from at their beginning and scored later. Of the 2018 Data Science Bowl only fields take part that
the starter model has never seen. ``forest`` is a random forest on intensity, edges and texture of each pixel, as the
common tools for interactive segmentation have it (needs scikit-learn); ``cellpose`` Cellpose 3 from random weights
(needs cellpose); ``scratch`` our U-Net from random weights; ``untouched`` the starter model as it is; ``starter`` the
same after training, which is what our users get.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from _few_shot_methods import METHODS, Trial, average_precision
from _few_shot_tasks import SETS, Effort
from _report import DATA, PAGE, write

#: Two idle cores take a minute for 190 steps.
IDLE_SECONDS_PER_STEP = 60 / 190
Scores = dict[str, dict[str, float]]
"""By set and method."""


def measure(arguments: argparse.Namespace, runs: Path) -> Scores:
    """Score every method on every set."""
    effort, settings = Effort(arguments.images, arguments.cells), tuple(arguments.settings)
    scores: Scores = {}
    for name in arguments.sets:
        trials = [Trial(name, method, effort, arguments.steps, settings) for method in arguments.methods]
        scores[name] = {t.method: average_precision(t, arguments.data, arguments.tests, runs) for t in trials}
    return scores


def table(scores: Scores) -> str:
    """Write a Markdown table, with the mean over the sets in the last row."""
    methods = list(next(iter(scores.values())))
    rows = {**scores, "mean": {m: statistics.mean(row[m] for row in scores.values()) for m in methods}}
    lines = [f"| set | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(f'{row[m]:.2f}' for m in methods)} |" for name, row in rows.items()]
    return "\n".join(lines)


def describe(arguments: argparse.Namespace) -> str:
    """Say what the table shows and how it was made."""
    left_out = ("--write", "--models", str(arguments.models), str(arguments.data))
    command = " ".join(["benchmarks/few_shot.py", "DATA", *(part for part in sys.argv[1:] if part not in left_out)])
    seconds = arguments.steps * IDLE_SECONDS_PER_STEP
    text = (
        f"Average precision at IoU 0.5, mean over up to {arguments.tests} other images:\n`python {command}`.\n"
        f"On two idle cores {arguments.steps} steps take about {seconds:.0f} s."
    )
    if "cellpose" in arguments.methods:
        text += (
            "\n\nTime is that of the processor, as machines are rarely idle: Cellpose had as much as so many steps of "
            "our U-Net take. The forest takes less, and has no use for more."
        )
    return text


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="folder of the sets")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["scratch", "untouched", "starter"])
    parser.add_argument("--images", type=int, default=1, help="annotated images to learn from")
    parser.add_argument("--cells", type=int, help="annotate so many cells of an image, with a ring around; else all")
    parser.add_argument("--steps", type=int, default=190, help="training steps; two idle cores take 190 in a minute")
    parser.add_argument("--settings", nargs="+", default=[], help="of our U-Net, such as training.rescale=0.5")
    parser.add_argument("--tests", type=int, default=8, help="images to score on")
    parser.add_argument("--models", type=Path, help="folder in which trainings are kept and found again")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    if arguments.cells and "cellpose" in arguments.methods:
        parser.error("cellpose learns from images in which every cell is annotated; leave out --cells")
    if not arguments.data.is_dir():
        parser.exit(0, f"{arguments.data}: there is no such folder; nothing is measured\n")
    return arguments


def main() -> None:
    arguments = parse()
    with tempfile.TemporaryDirectory() as folder:
        text = table(measure(arguments, arguments.models or Path(folder)))
    print(text)
    if arguments.write:
        what = [str(Effort(arguments.images, arguments.cells)), f"{arguments.steps} steps", *arguments.settings]
        heading = f"## Few shots: {', '.join(what)}"
        write(PAGE, heading, f"{describe(arguments)}\n\n{text}")


if __name__ == "__main__":
    main()
