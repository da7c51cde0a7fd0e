"""Pictures as PNG: their size, their ground, and the folder that keeps them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from generator.exporters import epub_raster
from generator.exporters.epub_raster import Drawings
from generator.formula import Formula
from generator.model import Figure

SQUARE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><path d="M0 0H2V1H0Z"/></svg>'
FORMULA = Formula("x", False, SQUARE, "<math/>", 2.0, 0.75, 0.25)


def _open(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def test_a_formula_has_its_size_and_a_white_margin(tmp_path: Path) -> None:
    picture = _open(Drawings(tmp_path).formula(FORMULA))
    assert picture.size == (128 + 8, 64 + 8)
    assert picture.getpixel((0, 0)) == (255, 255, 255)
    assert picture.getpixel((4, 4)) == (0, 0, 0)
    assert picture.getpixel((131, 67)) == (0, 0, 0)


def test_characters_that_mathjax_lacks_are_drawn(tmp_path: Path) -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -1000 1000 1200">'
        '<text font-size="1000px" font-family="serif">中</text></svg>'
    )
    picture = _open(Drawings(tmp_path).formula(Formula("中", False, svg, "", 1, 1, 0.2)))
    dark = sum(picture.convert("L").histogram()[:128])
    assert dark > 100


def test_an_svg_figure_is_drawn_wide_enough_for_print_resolution(tmp_path: Path) -> None:
    figure = Figure("a.svg", "image/svg+xml", 2, 1, SQUARE.encode())
    assert _open(Drawings(tmp_path).figure(figure)).size == (1440, 720)


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(buffer, "WEBP")
    figure = Figure("a.webp", "image/webp", 2, 2, buffer.getvalue())
    assert _open(Drawings(tmp_path).figure(figure)).getpixel((0, 0)) == (255, 255, 255)


def test_a_drawing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Drawings(tmp_path / "new").formula(FORMULA)
    monkeypatch.delattr(epub_raster, "_draw_formula")
    assert Drawings(tmp_path / "new").formula(FORMULA) == drawn


def test_a_damaged_drawing_is_drawn_again(tmp_path: Path) -> None:
    drawn = Drawings(tmp_path).formula(FORMULA)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(drawn[:-5])
    assert Drawings(tmp_path).formula(FORMULA) == drawn
    assert kept.read_bytes() == drawn


def test_without_a_folder_drawings_are_made_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Drawings(tmp_path / "file").formula(FORMULA) == Drawings(tmp_path).formula(FORMULA)
