"""The cache of SVG outlines: what it draws is what WeasyPrint draws, and it does not grow."""

from __future__ import annotations

import inspect
import sys

import pytest
import weasyprint
from weasyprint import svg

from generator.typography import hooks, svg_paths

GLYPH = "M10 10C20 20 40 20 50 10S80 0 90 10L90 90Q50 50 10 90ZM30 30h10v10h-10z"
FIGURE = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="400" height="400">
<defs><marker id="m" markerWidth="4" markerHeight="4"><path d="M0 0L4 2L0 4z"/></marker></defs>
<path d="{GLYPH}" fill="#a00"/>
<path d="{GLYPH}" fill="none" stroke="#00a" stroke-width="3" stroke-dasharray="4 2"/>
<g transform="translate(120 0) scale(2)" opacity=".5"><path d="{GLYPH}" fill-rule="evenodd"/></g>
<path d="{GLYPH}" transform="rotate(30)" marker-mid="url(#m)" marker-end="url(#m)" stroke="#0a0"/>
<path d="M0 0A30 40 10 1 0 60 70t5 5" style="fill:url(#none)"/>
<path d=""/><path d="{GLYPH}" font-size="40"/><path d="M1 1L2"/><path d="{GLYPH}" stroke="red"/>
</svg>"""


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(svg.TAGS, "path", inspect.unwrap(svg.TAGS["path"]))
    monkeypatch.setattr(svg_paths, "_installed", False)
    monkeypatch.setattr(svg_paths, "_outlines", {})


def draw() -> bytes:
    data = weasyprint.HTML(string=f"<body>{FIGURE}{FIGURE}</body>").write_pdf(
        pdf_identifier=b"x", uncompressed_pdf=True
    )
    assert isinstance(data, bytes)
    return data


def test_pages_are_the_same_to_the_byte() -> None:
    plain = draw()
    assert svg_paths.install()
    assert draw() == plain  # filling the cache
    assert GLYPH in svg_paths._outlines
    assert draw() == plain  # from the cache


def test_outlines_hold_path_operators_only() -> None:
    assert svg_paths.install()
    draw()
    operators, vertices = svg_paths._outlines[GLYPH]
    assert {operator.split()[-1] for operator in operators} <= {b"m", b"l", b"c", b"h"}
    assert vertices


def test_an_outline_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    original = svg.TAGS["path"]

    def path(svg, node, font_size):  # type: ignore[no-untyped-def]
        parsed.append(node.get("d"))
        original(svg, node, font_size)

    monkeypatch.setattr(sys.modules["weasyprint.svg.path"], "path", path)
    monkeypatch.setitem(svg.TAGS, "path", path)
    assert svg_paths.install()
    draw()
    assert parsed.count(GLYPH) == 1


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svg_paths, "_MOST", 2)
    monkeypatch.setattr(svg_paths, "_LONGEST", len(GLYPH) - 1)
    assert svg_paths.install()
    draw()
    assert len(svg_paths._outlines) <= 2
    assert GLYPH not in svg_paths._outlines


def test_install_is_idempotent() -> None:
    assert svg_paths.install()
    hook = svg.TAGS["path"]
    assert svg_paths.install()
    assert svg.TAGS["path"] is hook


def test_another_version_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    original = svg.TAGS["path"]
    monkeypatch.setattr(hooks, "PINNED_WEASYPRINT", "70.1")
    assert not svg_paths.install()
    assert svg.TAGS["path"] is original


def test_another_parser_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def path(image: object, node: object) -> None:
        del image, node

    monkeypatch.setattr(sys.modules["weasyprint.svg.path"], "path", path)
    assert not svg_paths.install()
    monkeypatch.setitem(svg.TAGS, "path", path)
    assert not svg_paths.install()
    assert svg.TAGS["path"] is path
