"""One parameter, one declaration: default, form, command line and recipe file agree for every setting."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from napari_unet.cli import build_parser
from napari_unet.cli.options import given_settings, layered_recipe
from napari_unet.config.describe import allowed_text, choices, default_text, is_optional, option_name, value_type
from napari_unet.config.presets import PRESETS, preset
from napari_unet.config.recipe import Recipe, dump_recipe, load_recipe, parse_recipe, walk_settings
from napari_unet.errors import InputError
from napari_unet.widgets._form import SettingsForm

if TYPE_CHECKING:
    from types import ModuleType

    from pydantic.fields import FieldInfo

SETTINGS = [pytest.param(*entry, id=f"{entry[0]}.{entry[1]}") for entry in walk_settings()]
DOCS = Path(__file__).parents[2] / "docs"


def from_command_line(*options: str) -> Recipe:
    arguments = build_parser().parse_args(["train", "images", "labels", "-o", "model.safetensors", *options])
    return layered_recipe(given_settings(arguments))


def bound(field: FieldInfo, *names: str) -> float | None:
    values = [getattr(part, name) for part in field.metadata for name in names if hasattr(part, name)]
    return values[0] if values else None


def candidates(field: FieldInfo) -> list[Any]:
    if value_type(field) is bool:
        return [not field.default]
    if options := choices(field):
        return list(options)
    low, high = bound(field, "ge", "gt"), bound(field, "le", "lt")
    start = field.default if field.default is not None else (low or 0)
    numbers = [start + 1, start / 2, (start + (low or 0)) / 2, (start + (high or start)) / 2]
    return [value_type(field)(number) for number in numbers]


def other_value(section: str, name: str, field: FieldInfo) -> Any:
    """A valid value that is not the default; the default where a choice has only one."""
    for value in candidates(field):
        try:
            parse_recipe({section: {name: value}})
        except InputError:
            continue
        if value != field.default:
            return value
    assert len(choices(field)) == 1, f"no valid value besides the default of {section}.{name}"
    return field.default


def as_options(section: str, name: str, value: Any) -> list[str]:
    option = option_name(section, name)
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    return [f"--{option}", str(value)]


@pytest.fixture
def form(qtbot) -> SettingsForm:
    form = SettingsForm(list(Recipe.model_fields))
    qtbot.addWidget(form)
    return form


def test_defaults_agree(form: SettingsForm, tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text(dump_recipe(Recipe()), encoding="utf-8")
    assert from_command_line() == load_recipe(file) == form.recipe() == preset("default") == Recipe()


@pytest.mark.parametrize(("section", "name", "field"), SETTINGS)
def test_form_command_line_and_file_agree(
    section: str, name: str, field: FieldInfo, form: SettingsForm, tmp_path: Path
) -> None:
    value = other_value(section, name, field)
    expected = parse_recipe({section: {name: value}})
    file = tmp_path / "recipe.toml"
    file.write_text(dump_recipe(expected), encoding="utf-8")
    assert getattr(getattr(expected, section), name) == value
    assert from_command_line(*as_options(section, name, value)) == expected
    assert load_recipe(file) == expected
    form.editors[f"{section}.{name}"].setValue(value)
    assert form.recipe() == expected
    form.show_recipe(Recipe())
    assert form.recipe() == Recipe()
    form.show_recipe(expected)
    assert form.recipe() == expected


@pytest.mark.parametrize(("section", "name", "field"), SETTINGS)
def test_every_setting_says_what_it_is(section: str, name: str, field: FieldInfo) -> None:
    assert field.title and field.description and field.description.endswith(".")
    shown = default_text(field)
    assert (
        from_command_line(*as_options(section, name, field.default if value_type(field) is bool else shown)) == Recipe()
    )
    is_number = value_type(field) in (int, float)
    assert bool(allowed_text(field)) == (is_number or bool(choices(field)))
    if value_type(field) is float and not is_optional(field):
        assert field.json_schema_extra["step"], "a spin box cannot guess the step of a fraction"


def test_empty_is_written_none() -> None:
    assert from_command_line("--tiling.tile-px", "64", "--instances.max-hole-px", "NONE").instances.max_hole_px is None


def test_later_layers_win() -> None:
    layers = PRESETS["paper"], {"model": {"depth": 3}}, {"training": {"patch_px": "100"}}
    recipe = layered_recipe(*layers)
    assert (recipe.model.base_channels, recipe.model.depth, recipe.training.patch_px) == (64, 3, 100)


def test_a_value_out_of_bounds_is_named() -> None:
    with pytest.raises(InputError, match=r"model\.depth = '9': input should be less than or equal to 6"):
        from_command_line("--model.depth", "9")


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_settings", DOCS / "make_settings.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_the_page_of_settings_is_up_to_date() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert page == load_script().make_page(), "run `python docs/make_settings.py`"
