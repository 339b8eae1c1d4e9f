"""What the pages point to is there, and keys they name are those of the docks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_points_to_exists(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    missing = [link for link in local if not (page.parent / link).exists()]
    assert not missing


def test_keys_of_the_pages_are_those_of_the_dock() -> None:
    named = {key for page in PAGES for key in re.findall(r"Shift-[A-Z]", page.read_text(encoding="utf-8"))}
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/napari_unet/widgets").rglob("*.py"))
    assert named and named <= set(re.findall(r'"(Shift-[A-Z])"', source))
