"""`napari-unet train`: from images and labels to a model file."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.cli.interrupt import STOPPED, Interrupt
from napari_unet.cli.messages import report, say
from napari_unet.cli.options import BUDGET, add_settings, given_settings, layered_recipe, set_values
from napari_unet.cli.progress import TrainingProgress
from napari_unet.cli.runs import read_counters, run_folder_of, set_aside
from napari_unet.config.presets import PRESETS
from napari_unet.config.recipe import Recipe, load_recipe, walk_settings
from napari_unet.errors import InputError
from napari_unet.training.pace import duration

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from napari_unet.config.model import ModelConfig
    from napari_unet.data.training_image import TrainingImage
    from napari_unet.models.model_file import TrainedModel
    from napari_unet.training.run_folder import RunFolder
    from napari_unet.training.trainer import Trainer

USAGE = (
    "napari-unet train IMAGES LABELS -o MODEL [--preset NAME] [--recipe FILE] [--init MODEL|starter|none | --resume] "
    "[--seconds S | --steps N] [settings]"
)
SUFFIX = ".safetensors"


def add_arguments(parser: argparse.ArgumentParser, *, every: bool) -> None:
    """Declare the arguments.

    Parameters
    ----------
    parser
        Of this command.
    every
        Whether the help shows the advanced settings.
    """
    parser.add_argument("images", metavar="IMAGES", help="A file, a folder or a pattern such as 'scans/*.tif'.")
    parser.add_argument("labels", metavar="LABELS", help="As many label images; they pair by the name of the file.")
    parser.add_argument(
        "-o",
        "--output",
        metavar="MODEL",
        required=True,
        help=f"The model to write, NAME{SUFFIX}; the run is kept beside it in NAME.run.",
    )
    parser.add_argument("--axes", help="Axes of the images, such as ZYX or YXC; by default as the files say.")
    parser.add_argument("--preset", choices=sorted(PRESETS), help="Values that belong together.")
    parser.add_argument("--recipe", metavar="FILE", help="Settings in a file, laid over the preset; options win.")
    start = parser.add_mutually_exclusive_group()
    start.add_argument(
        "--init",
        metavar="MODEL",
        default="starter",
        help="Model to start from: a file, 'starter' (the default), the model that comes along, or 'none'.",
    )
    start.add_argument("--resume", action="store_true", help="Go on with the run kept in the folder beside MODEL.")
    add_settings(parser, list(Recipe.model_fields), every=every)


def run(arguments: argparse.Namespace) -> int:
    """Train.

    Parameters
    ----------
    arguments
        What was given.

    Returns
    -------
    int
        0, or 130 if stopped by Ctrl-C; the model is written either way.

    Raises
    ------
    InputError
        If the input cannot be learnt from or the output cannot be written.
    """
    output = _checked_output(Path(arguments.output))
    folder = run_folder_of(output)
    holds_model = folder.is_resumable  # what its training wrote to the output stands in the run, too
    trainer = _make_trainer(arguments, folder)
    if not holds_model:
        set_aside(output)
    first_step = trainer.step
    try:
        finished = _follow(trainer)
        _copy(folder.model, output)
    except OSError:
        if folder.is_resumable:
            say(f"What was saved last stands in {folder.path}; --resume goes on with it.")
        raise
    if finished and trainer.step == first_step:
        say("nothing was left to do: this run has used its budget; give more --seconds or --steps")
    _summarise(folder, output)
    return 0 if finished else STOPPED


def _make_trainer(arguments: argparse.Namespace, folder: RunFolder) -> Trainer:
    """Read everything; what stands in the folder is touched only when nothing can be wrong any more."""
    from napari_unet.training.trainer import Trainer

    recipe = _choose_recipe(arguments, folder)
    images = _read_images(arguments.images, arguments.labels, arguments.axes)
    init = _choose_init(arguments, folder, images, recipe)
    _check(images, recipe, init)
    trainer = Trainer(images, recipe, folder.path, init)
    if arguments.resume:
        trainer.resume()
    elif folder.path.exists():
        with folder.claim():  # not while another training writes there
            pass
        set_aside(folder.path)
    return trainer


def _check(images: list[TrainingImage], recipe: Recipe, init: TrainedModel | None) -> None:
    """Say what would spoil the training, and refuse what cannot run."""
    from napari_unet.training.preflight import check_training

    findings = check_training(images, recipe, None if init is None else init.card)
    for finding in findings:
        if finding.level == "error":
            raise InputError(str(finding))
        say(f"{finding.level}: {finding}")


def _choose_recipe(arguments: argparse.Namespace, folder: RunFolder) -> Recipe:
    """Lay options over the recipe file, over the preset, over what a resumed run had."""
    layers = []
    if arguments.resume:
        read_counters(folder)
        before = load_recipe(folder.recipe)
        layers.append(set_values(before))
    if arguments.preset:
        layers.append(PRESETS[arguments.preset])
    if arguments.recipe:
        layers.append(set_values(load_recipe(arguments.recipe)))
    recipe = layered_recipe(*layers, given_settings(arguments))
    if arguments.resume:
        _refuse_changes(before, recipe)
    return recipe


def _refuse_changes(before: Recipe, recipe: Recipe) -> None:
    """Refuse to go on with other settings than the run has; how long and on what machine it trains is free."""
    changed = [
        f"{section}.{name} = {getattr(getattr(before, section), name)}"
        for section, name, _ in walk_settings()
        if section != "execution"
        and f"{section}.{name}" not in BUDGET
        and getattr(getattr(before, section), name) != getattr(getattr(recipe, section), name)
    ]
    if changed:
        raise InputError(
            f"--resume: the settings of a run stay as they are ({', '.join(changed)}); only --steps or --seconds and "
            "--execution.… may change. Leave the others out, or begin a run with them that starts from this model: "
            "--init MODEL and another -o in place of --resume."
        )


def _choose_init(
    arguments: argparse.Namespace, folder: RunFolder, images: list[TrainingImage], recipe: Recipe
) -> TrainedModel | None:
    """Read the model to start from; a resumed run keeps its own network and normalisation."""
    from napari_unet.models.model_file import load_model
    from napari_unet.training.starting import choose_start

    if arguments.resume:
        last = load_model(folder.last)
        _say_other_images(folder, set(last.card.training_data), {image.name for image in images})
        return last
    start = choose_start(arguments.init, images, recipe)
    if start.message:
        say(start.message)
    if start.model is not None:
        _say_kept(recipe.model, start.model.card.recipe.model)
    return start.model


def _say_other_images(folder: RunFolder, planes: set[str], names: set[str]) -> None:
    """Say which images the run has not seen so far, and of which planes it goes on without the image."""
    from napari_unet.data.training_image import image_of_plane

    new = {name for name in names if not folder.annotation(name).exists()}
    gone = {*map(image_of_plane, planes)} - names
    for kind, others in (("new in this run", new), ("no longer in this run", gone)):
        if others:
            say(f"{kind}: {', '.join(sorted(others))}")


def _say_kept(wanted: ModelConfig, kept: ModelConfig) -> None:
    """Say which settings of the network were given in vain: that of the model to start from stays."""
    given = [name for name in type(wanted).model_fields if name in wanted.model_fields_set]
    vain = [f"{name} stays {getattr(kept, name)}" for name in given if getattr(kept, name) != getattr(wanted, name)]
    if vain:
        say(f"the network is that of the model to start from: {', '.join(vain)}; '--init none' begins with another one")


def _read_images(images: str, labels: str, axes: str | None) -> list[TrainingImage]:
    """Read all pairs after saying what does not pair and which axes are a guess."""
    from napari_unet.data.pairing import pair_files, require_pairs
    from napari_unet.data.reading import find_files
    from napari_unet.training.train import load_training_images

    pairing = require_pairs(pair_files(find_files(images), find_files(labels)))
    if unpaired := pairing.describe_unpaired():
        say(f"not used, because nothing pairs with them:\n{unpaired}")
    _say_guesses(pairing.pairs, axes)
    return load_training_images(images, labels, axes)


def _say_guesses(pairs: Iterable[tuple[Path, Path]], axes: str | None) -> None:
    """Show each kind of guess about axes once; where the labels know them, it is none."""
    from napari_unet.axes import from_canonical, spatial_axes
    from napari_unet.data.pairing import settle_axes
    from napari_unet.data.reading import read_image, read_labels

    guesses: dict[str, str] = {}
    for file, labels in pairs:
        image, _ = settle_axes(read_image(file, axes), read_labels(labels, axes and spatial_axes(axes)))
        if image.guessed:
            shape = from_canonical(image.data, image.axes).shape
            guesses.setdefault(image.axes, f"axes {image.axes} guessed from shape {shape} of {image.path}")
    for guess in guesses.values():
        say(f"{guess}; if that is wrong, name them with --axes")


def _follow(trainer: Trainer) -> bool:
    """Train to the end, or until Ctrl-C; closing the events saves everything."""
    from napari_unet.training.events import Finished, Started

    stopping = "stopping after this step and saving; Ctrl-C again stops at once"
    with Interrupt(stopping) as interrupt, TrainingProgress() as progress, closing(trainer.run()) as events:
        for event in events:
            progress.show(event)
            if isinstance(event, Finished):
                return True
            # Before the first step there is no model that could be kept.
            if interrupt.requested and not isinstance(event, Started):
                break
    return False


def _checked_output(path: Path) -> Path:
    """Refuse a model that could not be written after hours of training."""
    if path.is_dir():
        raise InputError(f"-o {path}: this is a folder; give the name of the model file, NAME{SUFFIX}.")
    if path.suffix != SUFFIX:
        raise InputError(f"-o {path}: the name of a model ends in {SUFFIX}; give {path.with_suffix(SUFFIX)}.")
    parent = next(place for place in path.absolute().parents if place.exists())
    try:
        with tempfile.TemporaryFile(dir=parent):
            return path
    except OSError as error:
        raise InputError(f"-o {path}: {parent} cannot be written to ({error.strerror}). Give another place.") from None


def _copy(model: Path, output: Path) -> None:
    """Put the model where it was asked for, whole or not at all."""
    from napari_unet.data.files import atomic_path

    with atomic_path(output) as temporary:
        shutil.copyfile(model, temporary)


def _summarise(folder: RunFolder, output: Path) -> None:
    """Say what came out."""
    from napari_unet.models.model_file import load_model

    counters, metrics = read_counters(folder), load_model(output).card.metrics
    quality = f", validation IoU {metrics['validation_iou']:.3f}" if metrics else ""
    report(f"{output}: {counters['step']} steps in {duration(counters['seconds'])}{quality}")
