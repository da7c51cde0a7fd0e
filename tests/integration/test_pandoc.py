"""The source stays portable: Pandoc reads every chapter as this project does."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypandoc
import pytest
from markdown_it.token import Token

from generator.diagnostics import Diagnostics
from generator.markdown import Attributes
from generator.model import Role
from generator.source import walk
from generator.source.chapter import read_front_matter
from generator.source.files import BookFiles
from generator.source.text import Findings, Library, TextReader

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(
    path
    for folder in ("content", "templates/starter/content", "tests/fixtures")
    for path in (ROOT / folder).rglob("*/*.md")
    if path.parent.name != "content"  # front and back matter hold no questions
)
Elements = Counter[tuple[Any, ...]]


def _attributes(attributes: Attributes | None) -> tuple[Any, ...]:
    found = attributes or Attributes()
    return found.id, found.classes, tuple(sorted(found.values.items()))


def _tex(content: str) -> str:
    return re.sub(r"\s+", " ", content).strip()


def _ours(path: Path) -> Elements:
    text = path.read_text("utf-8")
    body = read_front_matter(text, path.name, Diagnostics(), abstract=True).body
    library = Library(BookFiles(ROOT, Diagnostics()), Diagnostics(), frozenset())
    reader = TextReader(path.name, body, library)
    reader.block(Role.PAGE, reader.tokens, Findings(), gaps=True)
    return Counter(element for token in walk(reader.tokens) if (element := _element(token)))


def _element(token: Token) -> tuple[Any, ...] | None:
    if token.nesting < 0:
        return None
    kind = token.type.removesuffix("_open")
    content: tuple[Any, ...] = ()
    if kind == "heading":
        attributes = token.meta.get("attributes")
        content = int(token.tag[1]), *(_attributes(attributes) if attributes else ())
    elif kind in {"div", "span"}:
        content = _attributes(token.meta["attributes"])
    elif kind in {"math_inline", "math_display"}:
        content = (_tex(token.content),)
    elif kind == "citation":
        content = tuple(key for key, _ in token.meta["works"])
    elif kind in {"figure", "image"}:
        kind, content = "picture", (token.attrs["src"],)
    elif kind not in SIMPLE.values():
        return None
    return kind, *content


SIMPLE = {
    "Strong": "strong",
    "Emph": "em",
    "Table": "table",
    "CodeBlock": "fence",
    "Note": "footnote_ref",
    "DefinitionList": "dl",
}


def _pandocs(path: Path) -> Elements:
    document = pypandoc.convert_file(path, "json", format="markdown+east_asian_line_breaks")
    return Counter(_pandoc_elements(json.loads(document)["blocks"]))


def _pandoc_elements(node: Any) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, list):
        for item in node:
            yield from _pandoc_elements(item)
    elif isinstance(node, dict) and "t" in node:
        content = node.get("c", [])
        element = _pandoc_element(node["t"], content)
        if element:
            yield element
        yield from _pandoc_elements(content)
    elif isinstance(node, dict):
        for item in node.values():
            yield from _pandoc_elements(item)


def _pandoc_element(kind: str, content: Any) -> tuple[Any, ...] | None:
    if kind == "Header":
        level, (identifier, classes, values), _ = content
        is_explicit = bool(classes or values) or level == 2
        attributes = identifier, tuple(classes), tuple(sorted(map(tuple, values)))
        return ("heading", level, *(attributes if is_explicit else ()))
    if kind in {"Div", "Span"}:
        identifier, classes, values = content[0]
        return kind.lower(), identifier, tuple(classes), tuple(sorted(map(tuple, values)))
    if kind == "Math":
        return f"math_{content[0]['t'].removesuffix('Math').lower()}", _tex(content[1])
    if kind == "Cite":
        return "citation", *(citation["citationId"] for citation in content[0])
    if kind == "Image":
        return "picture", content[2][0]
    return (SIMPLE[kind],) if kind in SIMPLE else None


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_pandoc_sees_the_same(path: Path) -> None:
    ours, pandocs = _ours(path), _pandocs(path)
    assert ours - pandocs == Counter()
    assert pandocs - ours == Counter()


def test_the_comparison_would_notice(tmp_path: Path) -> None:
    path = tmp_path / "chapter.md"
    path.write_text("---\ntitle: x\n---\n\n## 题 {#a}\n\n正文^[行内注]。\n", "utf-8")
    assert _ours(path) != _pandocs(path)
