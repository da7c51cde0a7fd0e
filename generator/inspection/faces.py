"""The fonts of a finished PDF: how wide its glyphs are, what they mean, whether they are there."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pikepdf

_DEFAULT_WIDTH = 1000
"""Thousandths of an em (ISO 32000-1, 9.7.4.3)."""

_FONT_FILES = ("/FontFile", "/FontFile2", "/FontFile3")
_SUBSET_TAG = re.compile(r"^[A-Z]{6}\+")
_CMAP_BLOCK = re.compile(r"begin(bfchar|bfrange)(.*?)end\1", re.DOTALL)
_CMAP_TOKEN = re.compile(r"<([0-9A-Fa-f\s]*)>|(\[|\])")


@dataclass(slots=True)
class Face:
    """A font as a PDF has it.

    ``size`` is the number of bytes of a character code, ``widths`` are in ems by code, ``texts``
    what the codes stand for. ``used`` collects the codes that are shown.
    """

    name: str
    size: int
    widths: dict[int, float]
    default: float
    texts: dict[int, str]
    program: bytes | None
    used: set[int] = field(default_factory=set)

    @property
    def family(self) -> str:
        """The name without the tag of a subset (ISO 32000-1, 9.6.4)."""
        return _SUBSET_TAG.sub("", self.name)

    @property
    def is_embedded(self) -> bool:
        """Whether the file brings the font along."""
        return self.program is not None

    def codes(self, data: bytes) -> Sequence[int]:
        """The character codes of a shown string."""
        if self.size == 1:
            return data
        return struct.unpack_from(f">{len(data) // 2}H", data)

    def width(self, code: int) -> float:
        """The advance of a glyph in ems."""
        return self.widths.get(code, self.default)

    def text(self, code: int) -> str:
        """What a glyph stands for; ``""`` if the file does not say."""
        return self.texts.get(code, "")

    def missing(self) -> frozenset[int]:
        """The used codes that have no glyph of their own: .notdef, or none, is drawn for them.

        WeasyPrint writes a character that no face has as an id beyond the font's last glyph, so
        that looking for glyph 0 is not enough. Only composite fonts with Identity encoding are
        looked into; in others the code is no glyph id.
        """
        if self.size == 1 or self.program is None:
            return frozenset()
        there = _glyphs(self.program)
        return frozenset(code for code in self.used if code == 0 or code not in there)


def read_face(font: pikepdf.Dictionary) -> Face:
    """Read a font dictionary."""
    texts = _texts(font.ToUnicode.read_bytes()) if "/ToUnicode" in font else {}
    if font.get("/Subtype") == "/Type0":
        descendant = font.DescendantFonts[0]
        widths = dict(_composite_widths(descendant.get("/W", [])))
        default = float(descendant.get("/DW", _DEFAULT_WIDTH)) / 1000
        return Face(_name(descendant), 2, widths, default, texts, _program(descendant))
    first = int(font.get("/FirstChar", 0))
    scale = float(font.FontMatrix[0]) if "/FontMatrix" in font else 0.001
    widths = {
        code: float(width) * scale for code, width in enumerate(font.get("/Widths", []), first)
    }
    latin = {code: bytes([code]).decode("cp1252", "replace") for code in range(32, 256)}
    return Face(_name(font), 1, widths, 0.0, latin | texts, _program(font))


def _name(font: Any) -> str:
    return str(font.get("/BaseFont", "/Type3")).removeprefix("/")


def _program(font: Any) -> bytes | None:
    descriptor = font.get("/FontDescriptor", {})
    for key in _FONT_FILES:
        if key in descriptor:
            return bytes(descriptor[key].read_bytes())
    return b"" if font.get("/Subtype") == "/Type3" else None  # its glyphs are in the file itself


def _composite_widths(array: Any) -> Iterator[tuple[int, float]]:
    """The widths of a CIDFont in ems: ``c [w …]`` or ``first last w`` (ISO 32000-1, 9.7.4.3)."""
    items = iter(array)
    for item in items:
        first, second = int(item), next(items)
        if isinstance(second, pikepdf.Array):
            yield from ((code, float(width) / 1000) for code, width in enumerate(second, first))
        else:
            common = float(next(items)) / 1000
            yield from ((code, common) for code in range(first, int(second) + 1))


def _texts(cmap: bytes) -> dict[int, str]:
    """A ToUnicode CMap: what the codes stand for (ISO 32000-1, 9.10.3)."""
    texts: dict[int, str] = {}
    for kind, body in _CMAP_BLOCK.findall(cmap.decode("latin-1")):
        tokens = [bracket or text for text, bracket in _CMAP_TOKEN.findall(body)]
        if kind == "bfchar":
            texts.update(
                (int(tokens[i], 16), _utf16(tokens[i + 1])) for i in range(0, len(tokens), 2)
            )
        else:
            texts.update(_ranges(tokens))
    return texts


def _ranges(tokens: list[str]) -> Iterator[tuple[int, str]]:
    """``first last text``, which counts up in its last unit, or ``first last [text …]``."""
    items = iter(tokens)
    for token in items:
        first, last, target = int(token, 16), int(next(items), 16), next(items)
        if target == "[":
            targets = list(iter(lambda: next(items), "]"))
        else:
            start, digits = int(target, 16), len(target)
            targets = [f"{start + offset:0{digits}x}" for offset in range(last - first + 1)]
        yield from ((first + offset, _utf16(text)) for offset, text in enumerate(targets))


def _utf16(digits: str) -> str:
    return bytes.fromhex(digits).decode("utf-16-be", "replace")


def _glyphs(program: bytes) -> frozenset[int]:
    """The glyph ids (or CIDs) that a font program has."""
    from fontTools.cffLib import CFFFontSet
    from fontTools.ttLib import TTFont

    if program[:4] in {b"OTTO", b"\0\1\0\0", b"true"}:
        return frozenset(range(TTFont(io.BytesIO(program), lazy=True)["maxp"].numGlyphs))
    fonts = CFFFontSet()
    fonts.decompile(io.BytesIO(program), None)
    names = fonts[fonts.fontNames[0]].charset
    if hasattr(fonts[fonts.fontNames[0]], "ROS"):
        return frozenset(
            int(name.removeprefix("cid")) if name != ".notdef" else 0 for name in names
        )
    return frozenset(range(len(names)))
