"""`napari-unet evaluate`: predictions against the truth."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet.cli.messages import error_text, report, say
from napari_unet.cli.options import refuse_input
from napari_unet.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from napari_unet.data.pairing import Pairing
    from napari_unet.inference.evaluation import PlaneReport

    ImageScores = dict[str, dict[str, float]]

USAGE = "napari-unet evaluate PREDICTED TRUTH [--target instances|classes] [--json] [--csv FILE] [--errors FILE]"


def add_arguments(parser: argparse.ArgumentParser, *, every: bool) -> None:
    """Declare the arguments.

    Parameters
    ----------
    parser
        Of this command.
    every
        Not used: there are no settings.
    """
    parser.add_argument("predicted", metavar="PREDICTED", help="Label images: a file, a folder or a pattern.")
    parser.add_argument("truth", metavar="TRUTH", help="True label images; they pair by the name of the file.")
    parser.add_argument(
        "--target",
        choices=("instances", "classes"),
        default="instances",
        help="'instances' (the default): each label is one cell. 'classes': the label is the class of the pixel.",
    )
    parser.add_argument("--json", action="store_true", help="Print one JSON object with full precision.")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="Write the measures of each plane to a table (.csv).")
    parser.add_argument(
        "--errors", metavar="FILE", type=Path, help="Write each missed, merged, split … cell there (.csv)."
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate.

    Parameters
    ----------
    arguments
        What was given.

    Returns
    -------
    int
        0, or 1 if some files failed; what does not pair is named only.

    Raises
    ------
    InputError
        If nothing pairs, or a table would replace something else.
    """
    from napari_unet.data.pairing import pair_files, require_pairs
    from napari_unet.data.reading import find_files

    predicted, truth = find_files(arguments.predicted), find_files(arguments.truth)
    _check_tables(arguments, [*predicted, *truth])
    pairing = require_pairs(pair_files(predicted, truth))
    if unpaired := pairing.describe_unpaired("prediction", "truth"):
        say(f"not compared, because nothing pairs with them:\n{unpaired}")
    return (_run_classes if arguments.target == "classes" else _run_instances)(arguments, pairing)


def _run_instances(arguments: argparse.Namespace, pairing: Pairing) -> int:
    """Compare cells."""
    from napari_unet.inference.evaluation import image_scores
    from napari_unet.metrics import Scores, mean_scores

    reports, n_failed = _compare(pairing)
    scores = image_scores(reports)
    undefined = dict.fromkeys((field.name for field in fields(Scores)), math.nan)
    means = mean_scores(list(scores.values())) if scores else undefined
    _show(arguments, {name: asdict(score) for name, score in scores.items()}, means, pairing)
    _write_tables(reports, arguments)  # last: where they cannot be written, the scores are shown all the same
    return 1 if n_failed else 0


def _run_classes(arguments: argparse.Namespace, pairing: Pairing) -> int:
    """Compare class maps."""
    from napari_unet.inference.class_evaluation import compare_classes
    from napari_unet.metrics.classes import mean_class_scores

    scores, failed = compare_classes(pairing.pairs)
    for failure in failed:
        say(f"failed: {failure.image}: {error_text(failure.error)}")
    _show(arguments, scores, mean_class_scores(scores.values()), pairing)
    return 1 if failed else 0


def _show(arguments: argparse.Namespace, scores: ImageScores, means: dict[str, float], pairing: Pairing) -> None:
    """Print the scores."""
    if scores or arguments.json:
        report(_as_json(scores, means, pairing) if arguments.json else _as_table(scores, means))


def _check_tables(arguments: argparse.Namespace, inputs: Sequence[Path]) -> None:
    """Refuse tables that would replace what is read, what is no table, or each other."""
    tables = {"--csv": arguments.csv, "--errors": arguments.errors}
    if arguments.target == "classes" and any(tables.values()):
        raise InputError("--csv and --errors are tables of cells: leave them out, --json prints the scores of classes.")
    given = {option: table for option, table in tables.items() if table is not None}
    for option, table in given.items():
        refuse_input(option, table, inputs)
        if table.suffix.lower() != ".csv":
            raise InputError(f"{option} {table}: the name of a table ends in .csv; give one such as scores.csv.")
    if len({table.resolve() for table in given.values()}) < len(given):
        raise InputError(f"--csv and --errors are both {arguments.csv}: give each table a name of its own.")


def _compare(pairing: Pairing) -> tuple[list[PlaneReport], int]:
    """Compare all pairs; name those that cannot be, and count them."""
    from napari_unet.inference.evaluation import PairFailed, compare_files

    reports, failed = [], set()
    for event in compare_files(pairing.pairs):
        if isinstance(event, PairFailed):
            failed.add(event.image)
            say(f"failed: {event.image}: {error_text(event.error)}")
        else:
            reports.append(event.report)
    return [report for report in reports if report.image not in failed], len(failed)


def _write_tables(reports: list[PlaneReport], arguments: argparse.Namespace) -> None:
    """Write the tables that are wanted."""
    from napari_unet.data.files import atomic_path
    from napari_unet.inference.evaluation_tables import errors_csv, scores_csv

    for path, as_csv in ((arguments.csv, scores_csv), (arguments.errors, errors_csv)):
        if path is not None:
            with atomic_path(path) as temporary:
                temporary.write_text(as_csv(reports), encoding="utf-8")


def _as_json(scores: ImageScores, means: dict[str, float], pairing: Pairing) -> str:
    """Write means, the scores of each image, and what was not compared; what is undefined is null."""
    images = {name: _defined(score) for name, score in scores.items()}
    alone = {"prediction": pairing.images_without_labels, "truth": pairing.labels_without_image}
    unpaired = {kind: [str(path) for path in paths] for kind, paths in alone.items()}
    return json.dumps(_defined(means) | {"images": images, "unpaired": unpaired}, indent=2, allow_nan=False)


def _defined(values: dict[str, Any]) -> dict[str, Any]:
    """Replace nan, which JSON does not know."""
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _as_table(scores: ImageScores, means: dict[str, float]) -> str:
    """Write a line an image and a last one with the means."""
    rows = [["image", *means]]
    rows += [[name, *map(_cell, score.values())] for name, score in scores.items()]
    rows.append(["mean", *map(_cell, means.values())])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)


def _cell(value: float) -> str:
    """Write a number for a table."""
    return str(value) if isinstance(value, int) else f"{value:.4f}"
