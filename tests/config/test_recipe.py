"""Recipe files: any valid recipe comes back, wrong names and values are refused with a message that helps."""

from __future__ import annotations

import math
import tomllib
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from napari_unet.config.recipe import Recipe, dump_recipe, load_recipe, parse_recipe, walk_settings
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic.fields import FieldInfo

SETTINGS = {f"{section}.{name}": field for section, name, field in walk_settings()}


def bound(field: FieldInfo, name: str) -> Any:
    """Value of a bound: gt, ge, lt or le; None where there is none."""
    return next((getattr(item, name) for item in field.metadata if hasattr(item, name)), None)


def kinds(field: FieldInfo) -> tuple[Any, ...]:
    """Types a setting may have, for example float and NoneType."""
    is_choice = get_origin(field.annotation) is Literal
    return () if is_choice else get_args(field.annotation) or (field.annotation,)


def values_of(field: FieldInfo) -> st.SearchStrategy[Any]:
    """Draw what the declaration of a setting allows."""
    if get_origin(field.annotation) is Literal:
        return st.sampled_from(get_args(field.annotation))
    gt, ge, lt, le = (bound(field, name) for name in ("gt", "ge", "lt", "le"))
    low, high = (ge if gt is None else gt), (le if lt is None else lt)
    numbers = {
        bool: st.booleans(),
        int: st.integers(low if gt is None else gt + 1, high if lt is None else lt - 1),
        float: st.floats(low, high, exclude_min=gt is not None, exclude_max=lt is not None, allow_infinity=False),
        NoneType: st.none(),
    }
    return st.one_of(*(numbers[kind] for kind in kinds(field)))


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    values: dict[str, dict[str, Any]] = {}
    for section, name, field in walk_settings():
        values.setdefault(section, {})[name] = draw(values_of(field))
    dark, bright = sorted(draw(st.sets(st.floats(0, 100), min_size=2, max_size=2)))
    values["normalization"] |= {"low_percentile": dark, "high_percentile": bright}
    return Recipe.model_validate(values)


@hypothesis_settings(deadline=None, max_examples=100)
@given(recipes())
def test_any_valid_recipe_comes_back_from_its_file(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe) -> None:
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_text(dump_recipe(recipe), encoding="utf-8")
    assert load_recipe(path) == recipe


@hypothesis_settings(deadline=None, max_examples=30)
@given(recipes(), st.sets(st.sampled_from(sorted(SETTINGS))))
def test_what_a_file_leaves_out_takes_its_default(recipe: Recipe, left_out: set[str]) -> None:
    values = recipe.model_dump()
    # Two settings that bind each other stay or go together.
    left_out -= {"normalization.low_percentile", "normalization.high_percentile"}
    for name in left_out:
        section, setting = name.split(".")
        del values[section][setting]
    parsed = parse_recipe(values)
    for name, field in SETTINGS.items():
        section, setting = name.split(".")
        source = getattr(recipe, section)
        expected = field.default if name in left_out else getattr(source, setting)
        assert getattr(getattr(parsed, section), setting) == expected


def test_a_file_says_every_value_so_that_later_defaults_do_not_change_it() -> None:
    written = tomllib.loads(dump_recipe(Recipe()))
    names = {f"{section}.{name}" for section, values in written.items() for name in values}
    assert names == {name for name, field in SETTINGS.items() if field.default is not None}


def test_a_recipe_and_its_sections_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Recipe().model = Recipe().model  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        Recipe().model.depth = 2  # type: ignore[misc]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_slip_of_the_pen_gets_the_right_name(name: str) -> None:
    section, setting = name.split(".")
    wrong = setting + setting[-1]
    with pytest.raises(InputError, match=rf"unknown setting '{section}\.{wrong}'; did you mean '{name}'\?"):
        parse_recipe({section: {wrong: 1}})


@pytest.mark.parametrize("section", Recipe.model_fields)
def test_a_wrong_section_gets_the_right_name(section: str) -> None:
    with pytest.raises(InputError, match=rf"unknown setting '{section}x'; did you mean '{section}'\?"):
        parse_recipe({section + "x": {}})


def outside_bounds() -> list[tuple[str, Any, Any]]:
    """Every setting with a bound: its name, a value just beyond the bound, the bound."""
    beyond = {"gt": 0, "lt": 0, "ge": -1, "le": 1}
    cases = []
    for name, field in SETTINGS.items():
        for kind, step in beyond.items():
            limit = bound(field, kind)
            if limit is not None and int in kinds(field):
                cases.append((name, limit + step, limit))
            elif limit is not None:
                cases.append((name, math.nextafter(limit, step * math.inf) if step else limit, limit))
    return cases


@pytest.mark.parametrize(("name", "value", "limit"), outside_bounds())
def test_a_value_out_of_bounds_is_refused_with_its_name_and_the_bound(name: str, value: Any, limit: Any) -> None:
    section, setting = name.split(".")
    with pytest.raises(InputError) as caught:
        parse_recipe({section: {setting: value}}, "recipe a.toml")
    message = str(caught.value)
    assert message.startswith(f"recipe a.toml: {name} = {value!r}: input should be ")
    assert message.endswith(f" {limit}")


@pytest.mark.parametrize("name", [name for name, field in SETTINGS.items() if get_origin(field.annotation) is Literal])
def test_a_wrong_choice_is_refused_with_all_choices(name: str) -> None:
    section, setting = name.split(".")
    with pytest.raises(InputError) as caught:
        parse_recipe({section: {setting: "nonsense"}})
    assert f"{name} = 'nonsense'" in str(caught.value)
    assert all(repr(choice) in str(caught.value) for choice in get_args(SETTINGS[name].annotation))


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("value", [[], {}, "nonsense", math.nan, math.inf])
def test_a_value_of_another_type_is_refused_with_its_name(name: str, value: Any) -> None:
    section, setting = name.split(".")
    with pytest.raises(InputError, match=rf"{section}\.{setting} = "):
        parse_recipe({section: {setting: value}})


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parse_recipe({"model": {"depth": 0, "width": 3}, "training": {"seconds": -1}})
    assert all(name in str(caught.value) for name in ("model.depth", "model.width", "training.seconds"))


def test_percentiles_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(InputError, match=r"normalization.*dark percentile 90.0 must be below"):
        parse_recipe({"normalization": {"low_percentile": 90, "high_percentile": 10}})


@pytest.mark.parametrize("values", [{"model": 3}, {"model": None}, {"model": []}])
def test_a_section_that_is_no_table_is_refused_by_name(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="recipe: model = "):
        parse_recipe(values)


@pytest.mark.parametrize("content", [b"depth = = 3", b"\xff\xfe\x00", b"[model]\ndepth = 3\n[model]\ndepth = 4\n"])
def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.toml: not a TOML file"):
        load_recipe(path)


def test_a_file_as_windows_editors_save_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xef\xbb\xbf[model]\r\ndepth = 3\r\n")
    assert load_recipe(path).model.depth == 3


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    for path, trouble in ((tmp_path / "none.toml", "no such file"), (tmp_path, "this is a folder")):
        with pytest.raises(InputError, match=rf"{path.name}: {trouble}"):
            load_recipe(path)


@pytest.mark.parametrize("name", ["steps", "depth"])
def test_a_setting_without_its_section_gets_it(name: str) -> None:
    expected = next(key for key in SETTINGS if key.endswith(f".{name}"))
    with pytest.raises(InputError, match=f"unknown setting '{name}'; did you mean '{expected}'"):
        parse_recipe({name: 3})


def test_a_section_is_no_value() -> None:
    with pytest.raises(InputError, match=r"training = 3: this is a section; .* below a line \[training\]"):
        parse_recipe({"training": 3})


def test_a_wrong_value_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("[model]\ndepth = 99\n")
    with pytest.raises(InputError, match=r"recipe\.toml: model\.depth = 99"):
        load_recipe(path)


def test_every_section_is_walked_once() -> None:
    names = [(section, name) for section, name, _ in walk_settings()]
    sections = {section: type(field.default) for section, field in Recipe.model_fields.items()}
    assert len(names) == len(set(names))
    assert all(issubclass(kind, BaseModel) for kind in sections.values())
    assert set(names) == {(section, name) for section, kind in sections.items() for name in kind.model_fields}
