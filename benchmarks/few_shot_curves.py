"""Score how the result grows with the time of training, and with the number of painted cells.

Run: ``python benchmarks/few_shot_curves.py [DATA] [--models FOLDER] [--write]``
DATA and FOLDER are those of ``few_shot.py``, and so are the scores; all start from the starter model. Prints Markdown
tables; ``--write`` puts them into ``docs/accuracy.md``, and draws them into ``docs/images/few_shot_curves.png``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from _few_shot_methods import Trial, average_precision
from _few_shot_tasks import Effort
from _report import DATA, PAGE, write

SETS = ("u2os", "dic_hela", "psc")
#: Steps that two idle cores do in so many seconds.
STEPS = {10: 32, 20: 63, 60: 190, 300: 950}
#: Painted cells; the steps of the trainings on them.
CELLS, CELLS_STEPS = (1, 5, 20), 190
PICTURE = PAGE.parent / "images" / "few_shot_curves.png"
TIMES_TITLE, CELLS_TITLE = "seconds of training, one image", f"painted cells, {CELLS_STEPS} steps"

Curves = dict[str, dict[int, float]]
"""By set and what is varied."""


def measure(arguments: argparse.Namespace, runs: Path) -> tuple[Curves, Curves]:
    """Score on every set after every time, and with every number of cells."""

    def score(name: str, effort: Effort, steps: int) -> float:
        return average_precision(Trial(name, "starter", effort, steps), arguments.data, arguments.tests, runs)

    times = {name: {time: score(name, Effort(1), STEPS[time]) for time in arguments.seconds} for name in SETS}
    cells = {name: {count: score(name, Effort(1, count), CELLS_STEPS) for count in CELLS} for name in SETS}
    return times, cells


def table(title: str, curves: Curves) -> str:
    """Write a Markdown table."""
    counts = list(next(iter(curves.values())))
    lines = [f"| {title} | {' | '.join(map(str, counts))} |", "|---" * (len(counts) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(f'{ap:.2f}' for ap in by.values())} |" for name, by in curves.items()]
    return "\n".join(lines)


def draw(path: Path, panels: dict[str, Curves]) -> None:
    """Draw the curves side by side."""
    figure, axes = plt.subplots(1, len(panels), figsize=(8, 3), sharey=True, layout="constrained")
    for axis, (title, curves) in zip(axes, panels.items(), strict=True):
        for name, by in curves.items():
            axis.plot(list(by), list(by.values()), "o-", label=name)
        counts = list(next(iter(curves.values())))
        axis.set(xscale="log", xlabel=title, ylim=(0, 1), xticks=counts, xticklabels=map(str, counts))
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("average precision at IoU 0.5")
    axes[0].legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=150)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="folder of the sets")
    parser.add_argument("--tests", type=int, default=8, help="images to score on")
    parser.add_argument("--seconds", type=int, nargs="+", choices=STEPS, default=list(STEPS), help="times of training")
    parser.add_argument("--models", type=Path, help="folder in which trainings are kept and found again")
    parser.add_argument("--write", action="store_true", help=f"put tables and picture into {PAGE.name}")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.exit(0, f"{arguments.data}: there is no such folder; nothing is measured\n")
    return arguments


def main() -> None:
    arguments = parse()
    with tempfile.TemporaryDirectory() as folder:
        times, cells = measure(arguments, arguments.models or Path(folder))
    text = "\n\n".join([table(TIMES_TITLE, times), table(CELLS_TITLE, cells)])
    print(text)
    if arguments.write:
        draw(PICTURE, {TIMES_TITLE: times, CELLS_TITLE: cells})
        command = f"python benchmarks/{Path(__file__).name} DATA --seconds {' '.join(map(str, arguments.seconds))}"
        about = f"Average precision at IoU 0.5 from the starter model, each a single training:\n`{command}`"
        picture = f"![Average precision by time and by painted cells](images/{PICTURE.name})"
        write(PAGE, "## Few shots: more time, more cells", f"{about}\n\n{text}\n\n{picture}")


if __name__ == "__main__":
    main()
