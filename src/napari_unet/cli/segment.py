"""`napari-unet segment`: label images of many files."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.axes import parse_axes
from napari_unet.cli.interrupt import STOPPED, Interrupt
from napari_unet.cli.options import add_settings, given_settings, layered_recipe
from napari_unet.cli.progress import FilesProgress
from napari_unet.cli.runs import named_model
from napari_unet.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator

    from napari_unet.inference.events import Event
    from napari_unet.inference.options import SegmentOptions
    from napari_unet.models.model_file import TrainedModel

USAGE = (
    "napari-unet segment MODEL IMAGES... -o DIR [--probabilities] [--uncertainty] [--again] [--scheduler ADDRESS] "
    "[settings]"
)


def add_arguments(parser: argparse.ArgumentParser, *, every: bool) -> None:
    """Declare the arguments.

    Parameters
    ----------
    parser
        Of this command.
    every
        Whether the help shows the advanced settings.
    """
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="Model file, as 'napari-unet train' writes it, or the folder of a run; 'starter': the model that comes "
        "along, for nuclei.",
    )
    images = "Files, folders or patterns such as 'scans/*.tif'."
    parser.add_argument("images", metavar="IMAGES", nargs="+", help=images)
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        required=True,
        help="Folder of the label images, <name>.tif; cells are numbered anew in each plane of a stack.",
    )
    parser.add_argument("--probabilities", action="store_true", help="Write the probabilities of the classes too.")
    unsure = "Write how unsure the model is of each pixel too, 0 … 1: the entropy of the probabilities."
    parser.add_argument("--uncertainty", action="store_true", help=unsure)
    again = "Make again what is done already; labels that somebody corrected are kept in DIR/replaced."
    parser.add_argument("--again", action="store_true", help=again)
    parser.add_argument("--axes", help="Axes of the images, such as ZYX or YXC; by default as the files say.")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="Share the files among the workers of a dask cluster.")
    parser.epilog = (
        "Settings of tiling and instances that are not given are those the model was trained with. What became of each "
        "file stands in DIR/segmentation.json; the same call again goes on where it was stopped."
    )
    add_settings(parser, ("tiling", "instances", "execution"), every=every)


def run(arguments: argparse.Namespace) -> int:
    """Segment.

    Parameters
    ----------
    arguments
        What was given.

    Returns
    -------
    int
        0, 1 if some files failed, or 130 if stopped; the same call goes on.

    Raises
    ------
    InputError
        If there are no files, the model cannot be read, or the output is no folder.
    """
    from napari_unet.data.reading import find_files
    from napari_unet.inference.batch import segment_files
    from napari_unet.models.model_file import load_model

    if arguments.axes is not None:
        parse_axes(arguments.axes)
    if Path(arguments.output).is_file():
        raise InputError(f"-o {arguments.output}: this is a file, and results need a folder; give another name.")
    model = load_model(named_model(arguments.model))
    found = [file for images in arguments.images for file in find_files(images)]
    files: dict[Path, Path] = {}
    for file in found:
        files.setdefault(file.parent.resolve() / file.name, file)  # one file under two spellings is one
    job = model, list(files.values()), Path(arguments.output), _choose_options(arguments, model)
    if not arguments.scheduler:
        return _follow(segment_files(*job), len(files))
    from napari_unet.cli.cluster import segment_on_cluster

    return _follow(segment_on_cluster(arguments.scheduler, job), len(files))


def _choose_options(arguments: argparse.Namespace, model: TrainedModel) -> SegmentOptions:
    """Lay options over what the model was made with; the machine it was made on does not matter here."""
    from napari_unet.inference.options import SegmentOptions

    own = model.card.recipe.model_dump(include={"tiling", "instances"})
    recipe = layered_recipe(own, given_settings(arguments))
    return SegmentOptions(
        tiling=recipe.tiling,
        instances=recipe.instances,
        execution=recipe.execution,
        axes=arguments.axes,
        probabilities=arguments.probabilities,
        uncertainty=arguments.uncertainty,
        again=arguments.again,
    )


def _follow(events: Generator[Event], n_files: int) -> int:
    """Show the progress and give the exit code; a file that is not done when a person stops is left out."""
    stopping = "stopping; Ctrl-C again stops at once"
    with Interrupt(stopping) as interrupt, FilesProgress(n_files) as progress, closing(events):
        for event in events:
            progress.show(event)
            if interrupt.requested:
                return STOPPED
    return 1 if progress.n_failed else 0
