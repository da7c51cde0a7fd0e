"""ARCHITECTURE.md against the code: which modules there are, and who imports whom."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "generator"
FILES = sorted((ROOT / PACKAGE).rglob("*.py"))
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def _layers() -> list[list[str]]:
    block = re.search(r"^```layers\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert block, "ARCHITECTURE.md has no block ```layers"
    return [line.split(" | ") for line in block[1].splitlines()]


LAYER = {name: number for number, names in enumerate(_layers()) for name in names}


def _top_level(path: Path) -> str:
    """The module or package right below ours that a file belongs to; ours for its __init__."""
    parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
    return PACKAGE if parts == ("__init__",) else parts[0]


TOP_LEVEL = {_top_level(path) for path in FILES}


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and top-level name of all that a file imports of ours, wherever in it."""
    folder = path.parent.relative_to(ROOT).parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            if first == PACKAGE:
                below = rest.partition(".")[0]
                yield node.lineno, below if below in TOP_LEVEL else PACKAGE


def test_every_module_has_a_layer_and_no_layer_is_stale() -> None:
    assert sorted(name for names in _layers() for name in names) == sorted(TOP_LEVEL)


def test_every_module_is_described_and_no_description_is_stale() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert [name for name, _ in rows] == [name for names in _layers() for name in names]


@pytest.mark.parametrize(
    "package", sorted({_top_level(p) for p in FILES if p.parent.parent != ROOT})
)
def test_the_parts_of_a_package_are_named(package: str) -> None:
    row = re.search(rf"^\| `{package}` \| (.*) \|$", PAGE, re.MULTILINE)
    assert row
    named = re.findall(r"`([\w*.]+)`", row[1])
    files = {path.name for path in (ROOT / PACKAGE / package).iterdir() if path.is_file()}
    files.remove("__init__.py")
    for file in files:
        assert any(fnmatch(file.removesuffix(".py"), name) for name in named), (
            f"{file} is not named"
        )
    for name in named:
        assert any(fnmatch(file.removesuffix(".py"), name) for file in files), f"{name} is stale"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_lead_to_the_left(path: Path) -> None:
    own = _top_level(path)
    wrong = [
        f"line {line}: {own} imports {name}"
        for line, name in _imports(path)
        if name != own and LAYER[name] >= LAYER[own]
    ]
    assert not wrong
