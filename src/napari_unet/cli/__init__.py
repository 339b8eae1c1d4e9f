"""The command line: one file a command; whatever is slow to import is imported by the command that needs it."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import napari_unet
from napari_unet.cli import evaluate, info, segment, train, weight_map
from napari_unet.cli.interrupt import STOPPED
from napari_unet.cli.messages import error_text, prepare_streams, say
from napari_unet.config.describe import option_name
from napari_unet.config.recipe import walk_settings
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["build_parser", "main"]

_NAME = "napari-unet"
_DEBUG = "NAPARI_UNET_DEBUG"


class _Command(Protocol):
    """What the module of a command has."""

    USAGE: str

    def add_arguments(self, parser: argparse.ArgumentParser, *, every: bool) -> None:
        """Declare the arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do the work and give the exit code."""


_COMMANDS: dict[str, tuple[_Command, str]] = {
    "train": (train, "Teach a network from images and their labels."),
    "segment": (segment, "Find the cells in images with a trained model."),
    "evaluate": (evaluate, "Compare label images with the truth."),
    "weight-map": (weight_map, "Write how much each pixel of a label image counts in training."),
    "info": (info, "Show what a model is, or where a run stands."),
}
_DEMO = "Draw cells, train on some, segment the others, and measure."
_Help = partial(argparse.HelpFormatter, max_help_position=8)
_EPILOG = (
    "Results go to stdout, progress and messages to stderr. Exit codes: 0 done; 1 some inputs failed (each is named, "
    "the others are done) or the machine did (disk full); 2 wrong call; 130 stopped by Ctrl-C (training: the model is "
    f"written all the same). For the traceback of an error give --debug or set {_DEBUG}=1."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv
        The arguments; None: those of the process.

    Returns
    -------
    int
        Exit code: 0 done, 1 some inputs failed, 2 wrong call, 130 stopped by Ctrl-C.
    """
    # Threads that wait for work by spinning take the cores from each other on a busy machine: steps take 4 times as
    # long there. Must be said before PyTorch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    prepare_streams()
    given = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser(every="--help-all" in given)
    arguments, unknown = parser.parse_known_args(given)
    if unknown:
        parser.error(f"unknown argument {unknown[0]}{_nearest_setting(unknown[0])}")
    return _run(arguments)


def build_parser(*, every: bool = False) -> argparse.ArgumentParser:
    """Make the parser of all commands.

    Parameters
    ----------
    every
        Whether the help shows the advanced settings.

    Returns
    -------
    argparse.ArgumentParser
        Gives the function to call as ``run``.
    """
    summary = "Teach a U-Net to see your cells, and segment whole stacks with it."
    call = "COMMAND [arguments]"
    parser = argparse.ArgumentParser(_NAME, f"{_NAME} {call}", description=summary, epilog=_EPILOG, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=napari_unet.__version__)
    commands = parser.add_subparsers(title="commands", metavar=call, prog=_NAME, required=True)
    for name, (module, summary) in _COMMANDS.items():
        command = commands.add_parser(
            name, usage=module.USAGE, help=summary, description=summary, formatter_class=_Help, allow_abbrev=False
        )
        module.add_arguments(command, every=every)
        _add_general(command, module.run)
    demo = commands.add_parser("demo", help=_DEMO, description=_DEMO, formatter_class=_Help, allow_abbrev=False)
    demo.add_argument("-o", "--output", metavar="DIR", type=Path, default="demo", help="Folder to write; else 'demo'.")
    _add_general(demo, _run_demo)
    return parser


def _add_general(command: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    """Add what every command has."""
    command.add_argument("--help-all", action="help", help="Show this help with every setting.")
    command.add_argument("--debug", action="store_true", help="Show the traceback of an error.")
    command.set_defaults(run=run)


def _run_demo(arguments: argparse.Namespace) -> int:
    """Run the demo."""
    from napari_unet.cli.demo import demo

    code: int = demo(arguments.output)
    return code


def _run(arguments: argparse.Namespace) -> int:
    """Run the command, and turn an error to a message and an exit code."""
    try:
        code: int = arguments.run(arguments)
        return code
    except KeyboardInterrupt:
        say("stopped")
        return STOPPED
    except Exception as error:
        if arguments.debug or os.environ.get(_DEBUG):
            raise
        say(f"{_NAME}: {_describe(error)}")
        return 2 if isinstance(error, InputError) else 1


def _describe(error: Exception) -> str:
    """Say what went wrong; an error nobody foresaw is named, so that it can be reported."""
    if isinstance(error, InputError | OSError):
        return error_text(error)
    return f"{type(error).__name__}: {error} (--debug shows where)"


def _nearest_setting(option: str) -> str:
    """Suggest the setting that was probably meant."""
    settings = [f"--{option_name(section, name)}" for section, name, _ in walk_settings()]
    nearest = difflib.get_close_matches(option.partition("=")[0], settings, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""
