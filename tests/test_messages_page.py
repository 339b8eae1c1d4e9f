"""The page that explains messages: it knows each message of the engine, and none that does not exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import napari_unet

ROOT = Path(napari_unet.__file__).parent
PAGE = (ROOT.parents[1] / "docs" / "my-images-do-not-work.md").read_text(encoding="utf-8")
#: What only a person who writes Python can meet; there the call stands beside the message.
FOR_PROGRAMMERS = {
    *("data/writing.py", "data/surround.py", "inference/blockwise.py", "inference/instances.py"),
    *("inference/tiling.py", "metrics/instances.py", "samples/annotation.py", "samples/drawing.py"),
}
FILES = [
    file
    for part in ("axes.py", "config", "data", "models", "metrics", "samples", "training", "inference")
    for file in sorted([ROOT / part] if part.endswith(".py") else (ROOT / part).rglob("*.py"))
    if file.relative_to(ROOT).as_posix() not in FOR_PROGRAMMERS
]
GAP = "\0"


def literal(node: ast.expr) -> str:
    """The text that an expression makes, with a gap for what is known only when it runs."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(map(literal, values))
        case ast.BinOp(left=left, right=right):
            return literal(left) + literal(right)
        case ast.FormattedValue(value=value):
            inside = [inner.value for inner in ast.walk(value) if isinstance(inner, ast.Constant)]
            return GAP.join(["", *(text for text in inside if isinstance(text, str)), ""])
    return GAP


def messages() -> dict[str, str]:
    """Every message of the engine that a person may see, by where it stands."""
    found = {}
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                place = {"InputError": 0, "Finding": 2}.get(node.func.id)
                text = literal(node.args[place]) if place is not None and len(node.args) > place else GAP
                if text.strip(GAP + " :.()"):
                    found[f"{file.relative_to(ROOT).as_posix()}:{node.lineno}"] = text
    return found


def codes() -> set[str]:
    """Every kind of finding."""
    calls = (
        node
        for file in (ROOT / "training").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
    )
    return {literal(call.args[0]) for call in calls}


MESSAGES = messages()
ROWS = [row.split("|")[1].strip() for row in PAGE.splitlines() if row.startswith("| `")]


def fits(row: str, message: str) -> bool:
    """Whether all words that a row quotes stand in a message, in their order."""
    quoted = " … ".join(re.findall("`(.+?)`", row))
    parts = [part.strip() for part in quoted.split("…")]
    return re.search(".*".join(map(re.escape, parts)), message, re.DOTALL) is not None


@pytest.mark.parametrize("place", MESSAGES)
def test_the_page_explains_each_message(place: str) -> None:
    assert any(fits(row, MESSAGES[place]) for row in ROWS), MESSAGES[place].replace(GAP, "…")


def test_the_page_explains_each_finding() -> None:
    explained = re.findall(r"^\| .+? \| ([a-z-]+) \|", PAGE, re.MULTILINE)
    assert set(explained) == codes()


def test_the_page_quotes_no_message_that_does_not_exist() -> None:
    source = "\n".join(
        literal(node)
        for file in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.JoinedStr | ast.Constant | ast.BinOp)
    )
    lines = source.split("\n")
    assert [row for row in ROWS if not any(fits(row, line) for line in lines)] == []


def test_links_lead_to_headings() -> None:
    titles = [line.lower() for line in PAGE.splitlines() if line.startswith("#")]
    headings = {re.sub(r"[^a-z -]", "", title).strip().replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#(.+?)\)", PAGE)) <= headings
