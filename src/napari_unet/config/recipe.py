"""The recipe: every setting of a run, in one file that window, command line and cluster share."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w
from pydantic import BaseModel, ValidationError

from napari_unet.config._base import Settings
from napari_unet.config.augmentation import AugmentationConfig
from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.instances import InstancesConfig
from napari_unet.config.model import ModelConfig
from napari_unet.config.normalization import NormalizationConfig
from napari_unet.config.tiling import TilingConfig
from napari_unet.config.training import TrainingConfig
from napari_unet.config.weight_map import WeightMapConfig
from napari_unet.errors import InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails


class Recipe(Settings):
    """All settings of training and segmentation."""

    training: TrainingConfig = TrainingConfig()
    model: ModelConfig = ModelConfig()
    normalization: NormalizationConfig = NormalizationConfig()
    weight_map: WeightMapConfig = WeightMapConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    tiling: TilingConfig = TilingConfig()
    instances: InstancesConfig = InstancesConfig()
    execution: ExecutionConfig = ExecutionConfig()


def walk_settings() -> Iterator[tuple[str, str, FieldInfo]]:
    """Go through every setting.

    Yields
    ------
    tuple of (str, str, pydantic.fields.FieldInfo)
        Name of the section, name of the setting, its declaration.

    Examples
    --------
    >>> next(walk_settings())[:2]
    ('training', 'seconds')
    """
    for section, field in Recipe.model_fields.items():
        assert isinstance(field.default, BaseModel)
        for name, declaration in type(field.default).model_fields.items():
            yield section, name, declaration


def select_settings(wanted: Collection[str]) -> Iterator[tuple[str, str, FieldInfo]]:
    """Go through some settings.

    Parameters
    ----------
    wanted
        Sections (``"tiling"``) and single settings (``"training.scheme"``).

    Yields
    ------
    tuple of (str, str, pydantic.fields.FieldInfo)
        As from `walk_settings`, in its order.

    Examples
    --------
    >>> [name for _, name, _ in select_settings(["tiling", "training.seed"])]
    ['seed', 'cell_diameter_px', 'tile_px', 'averaging']
    """
    for section, name, field in walk_settings():
        if section in wanted or f"{section}.{name}" in wanted:
            yield section, name, field


def parse_recipe(values: dict[str, Any], source: str = "recipe") -> Recipe:
    """Check values and make a recipe of them.

    Parameters
    ----------
    values
        Sections with settings, as in a recipe file; what is missing takes its default.
    source
        Where the values come from, for the message.

    Returns
    -------
    Recipe
        The full recipe.

    Raises
    ------
    InputError
        If a name is unknown (with the nearest valid one) or a value out of bounds.

    Examples
    --------
    >>> parse_recipe({"model": {"depth": 3}}).model.depth
    3
    """
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(_describe(details) for details in error.errors())
        raise InputError(f"{source}: {problems}") from None


def load_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Read a recipe file.

    Parameters
    ----------
    path
        TOML file with a table a section.

    Returns
    -------
    Recipe
        The full recipe.

    Raises
    ------
    InputError
        If the file is missing, is no TOML, or has a wrong name or value.
    """
    file = Path(path)
    if file.is_dir():
        raise InputError(
            f"recipe {file}: this is a folder; give the file, such as the recipe.toml in the folder of a run"
        )
    if not file.is_file():
        raise InputError(f"recipe {file}: no such file; give a .toml file as `napari-unet train` writes it")
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"recipe {file}: not a TOML file ({error})") from None
    return parse_recipe(values, f"recipe {file}")


def dump_recipe(recipe: Recipe) -> str:
    """Write a recipe as TOML.

    Parameters
    ----------
    recipe
        The recipe.

    Returns
    -------
    str
        Text of the file: every setting, also those at their default; empty ones are left out.

    Examples
    --------
    >>> parse_recipe(tomllib.loads(dump_recipe(Recipe()))) == Recipe()
    True
    """
    return tomli_w.dumps(recipe.model_dump(exclude_none=True))


def _describe(details: ErrorDetails) -> str:
    """Say in one sentence what is wrong with one value."""
    name = ".".join(str(part) for part in details["loc"])
    if details["type"] in ("model_type", "model_attributes_type"):
        return f"{name} = {details['input']!r}: this is a section; give its settings below a line [{name}]"
    if details["type"] != "extra_forbidden":
        return f"{name} = {details['input']!r}: {details['msg'][:1].lower()}{details['msg'][1:]}"
    return f"unknown setting {name!r}; did you mean {_nearest(name)!r}?"


def _nearest(name: str) -> str:
    """Find what was probably meant: a setting without its section, or one or a section of a similar name."""
    valid = [f"{section}.{setting}" for section, setting, _ in walk_settings()]
    without_section = (setting for setting in valid if setting.partition(".")[2] == name)
    similar = difflib.get_close_matches(name, [*valid, *Recipe.model_fields], n=1, cutoff=0.0)
    return next(without_section, similar[0])
