"""Pictures as PNG, for the cover and for readers that show no SVG.

Amazon's Kindle Publishing Guidelines (on SVG images) support no ``<text>`` in SVG, and set a book
of more than 25 SVG images without Enhanced Typesetting; so the compatible flavour holds no SVG.
resvg draws the same pixels everywhere, given the same fonts.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path

import resvg_py
from PIL import Image

from generator.formula import Formula
from generator.model import Figure

SERIF = "Noto Serif CJK SC"
SANS = "Noto Sans CJK SC"

FORMULA_RESOLUTION = 64
"""Pixels to the em of a formula: body text of 14 pt on an e-reader's 300 dpi has 58."""

FORMULA_MARGIN = 4
"""White pixels around a formula, so that it does not touch the edge of its ground at night."""

_FIGURE_WIDTH = 1440
_COVER_WIDTH = 1600
_FORMULA_COLOURS = 16
_PICTURE_COLOURS = 128
_PNG_END = b"IEND\xaeB`\x82"

# Noto's CJK faces have no italic; variables in a figure are told apart by it.
_ITALICS = (
    '[font-style="italic"]{font-family:"Noto Sans","DejaVu Sans","Liberation Sans",Helvetica,'
    f'"{SANS}"}}'
)


class Drawings:
    """Draws PNG, and keeps what it drew in a folder between builds.

    The folder may vanish, or hold anything: what is wrong with it costs time, never the build.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def formula(self, formula: Formula) -> bytes:
        """A formula in black on white, with :data:`FORMULA_MARGIN` around it."""
        return self._keep(formula.svg, "formula", lambda: _draw_formula(formula))

    def figure(self, figure: Figure) -> bytes:
        """A figure of the book on white."""
        if figure.media_type == "image/svg+xml":
            svg = figure.data.decode()
            return self._keep(svg, "figure", lambda: _draw_picture(svg, _FIGURE_WIDTH))
        picture = Image.open(io.BytesIO(figure.data)).convert("RGBA")
        ground = Image.new("RGBA", picture.size, "#ffffff")
        return _save(Image.alpha_composite(ground, picture).convert("RGB"))

    def cover(self, svg: str) -> bytes:
        """The cover, 1600 pixels wide."""
        return self._keep(svg, "cover", lambda: _draw_picture(svg, _COVER_WIDTH))

    def _keep(self, svg: str, use: str, draw: Callable[[], bytes]) -> bytes:
        # What else decides how a drawing looks; fonts only where text is drawn.
        surroundings = f"{resvg_py.__version__}/{use}/{_fonts() if '<text' in svg else ''}"
        name = hashlib.sha256(f"{surroundings}/{svg}".encode()).hexdigest()
        path = self._folder / f"{name}.png"
        with contextlib.suppress(OSError):
            kept = path.read_bytes()
            if kept.endswith(_PNG_END):
                return kept
        drawn = draw()
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}.partial")
            partial.write_bytes(drawn)
            partial.replace(path)
        return drawn


@cache
def _fonts() -> str:
    """This machine's fonts, known by what they draw: systems keep them in many places."""
    probe = "".join(
        f'<text y="{y}" font-size="20" font-family="{family}" font-weight="{weight}">骨Ag∈</text>'
        for y, (family, weight) in enumerate(product((SERIF, SANS), (400, 700)), start=1)
    )
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -20 90 26">{probe}</svg>'
    return hashlib.sha256(_draw_picture(svg, 90)).hexdigest()


def _draw_formula(formula: Formula) -> bytes:
    # MathJax draws its glyphs as paths; only characters that it lacks (中文) are text.
    has_text = "<text" in formula.svg
    png = resvg_py.svg_to_bytes(
        svg_string=formula.svg,
        width=max(1, round(formula.width * FORMULA_RESOLUTION)),
        height=max(1, round((formula.height + formula.depth) * FORMULA_RESOLUTION)),
        background="#ffffff",
        skip_system_fonts=not has_text,
        serif_family=SERIF if has_text else None,
    )
    drawn = Image.open(io.BytesIO(png)).convert("RGB")
    margin = FORMULA_MARGIN
    page = Image.new("RGB", (drawn.width + 2 * margin, drawn.height + 2 * margin), "#ffffff")
    page.paste(drawn, (margin, margin))
    return _compress(page, _FORMULA_COLOURS)


def _draw_picture(svg: str, width: int) -> bytes:
    png = resvg_py.svg_to_bytes(
        svg_string=svg,
        width=width,
        background="#ffffff",
        style_sheet=_ITALICS,
        languages=["zh-CN"],
        font_family=SANS,
        serif_family=SERIF,
        sans_serif_family=SANS,
    )
    return _compress(Image.open(io.BytesIO(png)).convert("RGB"), _PICTURE_COLOURS)


def _compress(picture: Image.Image, colours: int) -> bytes:
    """Few colours, exactly placed: line drawings shrink to a third and look the same."""
    return _save(picture.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE))


def _save(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=6)  # 9 is 6 % smaller and ten times as slow
    return buffer.getvalue()
