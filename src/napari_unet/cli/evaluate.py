"""`napari-unet evaluate`: predictions against the truth."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from napari_unet.cli.messages import error_text, report, say
from napari_unet.errors import InputError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from napari_unet.data.pairing import Pairing
    from napari_unet.metrics import Scores

USAGE = "napari-unet evaluate PREDICTED TRUTH [--json]"


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
    parser.add_argument("--json", action="store_true", help="Print one JSON object with full precision.")


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
        If nothing pairs.
    """
    from napari_unet.data.pairing import pair_files, require_pairs
    from napari_unet.data.reading import find_files
    from napari_unet.metrics import mean_scores

    pairing = require_pairs(pair_files(find_files(arguments.predicted), find_files(arguments.truth)))
    if unpaired := pairing.describe_unpaired():
        say(f"not compared, because nothing pairs with them:\n{unpaired}")
    scores = _score_all(pairing)
    if scores:
        means = mean_scores(list(scores.values()))
        report(_as_json(scores, means) if arguments.json else _as_table(scores, means))
    return 0 if len(scores) == len(pairing.pairs) else 1


def _score_all(pairing: Pairing) -> dict[str, Scores]:
    """Score each pair by name, and name those that cannot be."""
    scores = {}
    for predicted, truth in pairing.pairs:
        try:
            scores[predicted.stem] = _score(predicted, truth)
        except (InputError, OSError) as error:
            say(f"failed: {error_text(error)}")
    return scores


def _score(predicted: Path, truth: Path) -> Scores:
    """Score one pair, plane by plane, as its planes were segmented."""
    from napari_unet.data.pairing import check_shapes
    from napari_unet.data.reading import read_image, read_labels
    from napari_unet.metrics import score_pair

    found, real = read_image(predicted), read_labels(truth)
    is_probability = found.data.dtype.kind == "f" and found.n_channels == 1
    found = found if is_probability else read_labels(predicted)
    check_shapes(found, real)
    score = _score_probability if is_probability else score_pair
    return _merge([score(plane[0], truth[0]) for plane, truth in zip(found.planes(), real.planes(), strict=True)])


def _score_probability(values: Any, labels: Any) -> Scores:
    """Score a plane of probabilities: the errors of the ISBI 2012 challenge take the best threshold."""
    from napari_unet.metrics import pixel_error, rand_error, score_pair, warping_error

    return replace(
        score_pair(values >= 0.5, labels),
        rand_error=rand_error(values, labels),
        warping_error=warping_error(values, labels),
        pixel_error=pixel_error(values, labels),
    )


def _merge(planes: list[Scores]) -> Scores:
    """Give the means over the planes of an image, and the sums of its cells."""
    from napari_unet.metrics import Scores, mean_scores

    counts = {name: sum(getattr(plane, name) for plane in planes) for name in ("n_predicted", "n_truth")}
    return Scores(**(mean_scores(planes) | counts))


def _as_json(scores: dict[str, Scores], means: dict[str, float]) -> str:
    """Write means and the scores of each image; what is undefined is null."""
    images = {name: _defined(asdict(score)) for name, score in scores.items()}
    return json.dumps(_defined(means) | {"images": images}, indent=2, allow_nan=False)


def _defined(values: dict[str, Any]) -> dict[str, Any]:
    """Replace nan, which JSON does not know."""
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _as_table(scores: dict[str, Scores], means: dict[str, float]) -> str:
    """Write a line an image and a last one with the means."""
    rows = [["image", *means]]
    rows += [[name, *map(_cell, asdict(score).values())] for name, score in scores.items()]
    rows.append(["mean", *map(_cell, means.values())])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)


def _cell(value: float) -> str:
    """Write a number for a table."""
    return str(value) if isinstance(value, int) else f"{value:.4f}"
