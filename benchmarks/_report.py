"""Where the benchmarks find their data, and the page on which their tables are published."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
DATA = Path(__file__).parents[2] / "shared" / "data"


def write(page: Path, heading: str, text: str) -> None:
    """Replace a section of the page where it stands, or add it at the end."""
    sections = [part.rstrip() for part in re.split(r"\n(?=## )", page.read_text(encoding="utf-8"))]
    known = [part.partition("\n")[0] for part in sections]
    place = known.index(heading) if heading in known else len(sections)
    sections[place : place + 1] = [f"{heading}\n\n{text}"]
    page.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
