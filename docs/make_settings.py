"""Write docs/settings.md from the declared settings: `python docs/make_settings.py`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.config.describe import allowed_text, default_text, option_name
from napari_unet.config.presets import PRESETS
from napari_unet.config.recipe import Recipe, walk_settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

PAGE = Path(__file__).with_name("settings.md")

_INTRODUCTION = """# Settings

This page is made from the declarations in `src/napari_unet/config` by `docs/make_settings.py`.

Each setting has the same name everywhere: `patch_px` of the section `training` is `--training.patch-px` on the command
line, `patch_px` in the table `[training]` of a recipe file, and `recipe.training.patch_px` in Python. Later ones win:
defaults, `--preset`, `--recipe FILE`, options. "none" is a setting left empty; a recipe file leaves it out. A switch is
turned off by `--no-` in front: `--no-augmentation.flip`. The settings that `napari-unet train --help` shows have a
short name too, such as `--seconds`.
"""


def make_page() -> str:
    """Write the page.

    Returns
    -------
    str
        Markdown.
    """
    sections = [_section(name, list(group)) for name, group in groupby(walk_settings(), key=lambda entry: entry[0])]
    return "\n".join([_INTRODUCTION, *sections, _presets()])


def _section(section: str, entries: list[tuple[str, str, FieldInfo]]) -> str:
    """Write a section."""
    summary = str(type(Recipe.model_fields[section].default).__doc__).splitlines()[0]
    rows = [_row(section, name, field) for _, name, field in entries]
    header = ["| Setting | Option | Default | Allowed | Meaning |", "|---|---|---|---|---|"]
    return "\n".join([f"## {section}", "", summary, "", *header, *rows, ""])


def _row(section: str, name: str, field: FieldInfo) -> str:
    """Write a row of a table."""
    cells = [
        str(field.title),
        f"`--{option_name(section, name)}`",
        default_text(field),
        allowed_text(field),
        str(field.description),
    ]
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _presets() -> str:
    """Write what each preset changes."""
    lines = ["## Presets", "", "What each preset changes against the defaults.", ""]
    for preset, sections in PRESETS.items():
        changes = [
            f"`{section}.{name} = {value}`" for section, values in sections.items() for name, value in values.items()
        ]
        lines.append(f"- `{preset}`: {', '.join(changes) or 'nothing'}")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(make_page(), encoding="utf-8")
