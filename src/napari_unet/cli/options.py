"""Command-line options made from the declared settings, and the recipe made from what was given."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from napari_unet.config.describe import choices, help_text, is_advanced, is_optional, option_name, value_type
from napari_unet.config.recipe import Recipe, parse_recipe, select_settings
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from pydantic.fields import FieldInfo

Settings = dict[str, dict[str, Any]]
"""Values by section and name, as in a recipe file."""

BUDGET = ("training.seconds", "training.steps")
"""Settings that say how long a training takes."""


def add_settings(parser: argparse.ArgumentParser, wanted: Collection[str], *, every: bool) -> None:
    """Add one option for each setting.

    Settings that are not advanced have their bare name as a second, short one.

    Parameters
    ----------
    parser
        Gets the options.
    wanted
        Sections (``"tiling"``) and single settings (``"training.scheme"``).
    every
        Whether the help shows the advanced settings too.
    """
    common = parser.add_argument_group("common settings")
    budget = common.add_mutually_exclusive_group()
    sections = {section: parser.add_argument_group(f"settings: {section}") for section in Recipe.model_fields}
    for section, name, field in select_settings(wanted):
        key = f"{section}.{name}"
        if is_advanced(field):
            _add_setting(sections[section], key, field, shown=every)
        else:
            _add_setting(budget if key in BUDGET else common, key, field, short=True)


def given_settings(arguments: argparse.Namespace) -> Settings:
    """Collect the settings that were given as options.

    Parameters
    ----------
    arguments
        What the parser made.

    Returns
    -------
    dict
        Values by section and name; texts are left to the recipe to check.
    """
    settings: Settings = {}
    for key, value in vars(arguments).items():
        section, dot, name = key.partition(".")
        if dot:
            settings.setdefault(section, {})[name] = value
    return settings


def layered_recipe(*layers: Settings) -> Recipe:
    """Lay settings over each other and over the defaults.

    Parameters
    ----------
    *layers
        Settings, the later ones on top.

    Returns
    -------
    Recipe
        The full recipe.

    Raises
    ------
    InputError
        If a name or a value is wrong.

    Examples
    --------
    >>> layered_recipe({"training": {"steps": 9}}, {"training": {"seconds": "5"}}).training.steps is None
    True
    """
    merged: Settings = {}
    for layer in layers:
        for section, values in layer.items():
            merged[section] = _without_other_budget(merged.get(section, {}), values) | values
    return parse_recipe(merged, "settings")


def set_values(recipe: Recipe) -> Settings:
    """Give the settings that a recipe was made with, without the defaults it was filled up with."""
    return recipe.model_dump(exclude_unset=True)


def _without_other_budget(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Let seconds on an upper layer replace the steps of a lower one, which would win otherwise."""
    return below | {"steps": None} if "seconds" in above else below


def _add_setting(
    group: argparse._ActionsContainer, key: str, field: FieldInfo, *, short: bool = False, shown: bool = True
) -> None:
    """Add the option of one setting."""
    section, name = key.split(".")
    names = [f"--{option_name(section, name)}"]
    if short:
        names.insert(0, "--" + name.replace("_", "-"))
    kind = value_type(field)
    details: dict[str, Any] = {"dest": key, "default": argparse.SUPPRESS}
    details["help"] = help_text(field).replace("%", "%%") if shown else argparse.SUPPRESS
    if kind is bool:
        group.add_argument(*names, action=argparse.BooleanOptionalAction, **details)
    else:
        details["type"] = _none_or_text if is_optional(field) else str
        group.add_argument(*names, metavar=_metavar(field, kind), **details)


def _none_or_text(text: str) -> str | None:
    """Read the word for an empty value."""
    return None if text.lower() == "none" else text


def _metavar(field: FieldInfo, kind: type) -> str:
    """Name the kind of value in the help."""
    return "CHOICE" if choices(field) else {int: "N", float: "X"}.get(kind, kind.__name__.upper())


def refuse_input(option: str, output: Path, inputs: Iterable[Path]) -> None:
    """Refuse to write over what is read.

    Parameters
    ----------
    option
        Option that names the output.
    output
        File to write.
    inputs
        Files that are read.

    Raises
    ------
    InputError
        If it is one of them, under whatever name.
    """
    if output.exists() and any(output.samefile(file) for file in inputs if file.exists()):
        raise InputError(f"{option} {output}: this is read, and would be overwritten; give another name.")
