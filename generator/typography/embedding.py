"""Faces for the finished file: cut to the glyphs in use, which keep their ids; tabular figures.

The sections of a book carry no fonts: :func:`leave_out` keeps WeasyPrint from cutting the faces for
each of them, and the linker embeds one cut of each for the whole book.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from generator.typography.hooks import fit

TABULAR = {"hwid": True}
"""The feature that makes digits equally wide: half an em, in all Noto CJK faces."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A cut face as PDF embeds it (ISO 32000-1, 9.9): the descriptor's key, the stream's entries.

    ``subtype`` is the stream's /Subtype, if it has one.
    """

    key: str
    subtype: str
    data: bytes


class PrintedFace:
    """A face of the book, asked for glyphs, their widths, and a cut. Widths in 1000ths of an em."""

    def __init__(self, data: bytes) -> None:
        import uharfbuzz as hb

        self._face = hb.Face(hb.Blob(data))
        self._font = hb.Font(self._face)

    @cached_property
    def slot_zero(self) -> int | None:
        """The tabular zero, with which slots for page numbers are filled; not all faces have one.

        Nothing else in a book is set in tabular figures: a run of these zeros is a slot.
        """
        (zero,) = self.shape("0", tabular=True)
        return zero if [zero] != self.shape("0", tabular=False) else None

    def shape(self, text: str, *, tabular: bool) -> list[int]:
        """The glyphs of a text, one a character."""
        import uharfbuzz as hb

        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        hb.shape(self._font, buffer, TABULAR if tabular else {"liga": False, "kern": False})
        glyphs: list[int] = [info.codepoint for info in buffer.glyph_infos]
        return glyphs

    def width(self, glyph: int) -> int:
        """The advance of a glyph."""
        advance: int = self._font.get_glyph_h_advance(glyph)
        upem: int = self._face.upem
        return round(advance * 1000 / upem)

    def cut(self, glyphs: Iterable[int]) -> Embedded:
        """The face with these glyphs, under the ids that they have in it.

        A CID-keyed font packs its glyphs and keeps their ids in its charset (Adobe technical note
        5176, 13); other fonts keep empty places.
        """
        import uharfbuzz as hb

        wanted = sorted(set(glyphs))
        request = hb.SubsetInput()
        request.glyph_set.update(wanted)
        request.flags = hb.SubsetFlags.DESUBROUTINIZE | hb.SubsetFlags.NO_HINTING
        request.sets(hb.SubsetInputSets.DROP_TABLE_TAG).update(_tags(_UNUSED))
        if "CFF " in self._face.table_tags:
            cff = hb.subset(self._face, request).reference_table("CFF ").data
            if _charset(cff) == [f"cid{glyph:05}" for glyph in wanted if glyph]:
                return Embedded("/FontFile3", "/CIDFontType0C", bytes(cff))
        request.flags |= hb.SubsetFlags.RETAIN_GIDS
        data = bytes(hb.subset(self._face, request).blob.data)
        if data[:4] == b"OTTO":
            return Embedded("/FontFile3", "/OpenType", data)
        return Embedded("/FontFile2", "", data)


_UNUSED = ("BASE", "GDEF", "GPOS", "GSUB", "VORG", "cmap", "name", "post", "vhea", "vmtx")
"""Tables that nobody reads in a PDF."""


def _tags(names: Iterable[str]) -> list[int]:
    return [int.from_bytes(name.encode(), "big") for name in names]


def _charset(cff: bytes) -> list[str]:
    """The names of the glyphs of a CFF table but for the first, .notdef's."""
    from fontTools.cffLib import CFFFontSet

    fonts: Any = CFFFontSet()
    fonts.decompile(io.BytesIO(cff), None)
    names: list[str] = fonts[0].charset[1:]
    return names


def leave_out() -> bool:
    """Write documents with empty fonts from now on. False, and nothing changed, if it does not fit.

    Then sections carry cuts of their own, which the linker throws away: that takes longer, and
    nothing else.
    """
    if not fit({"weasyprint.pdf.fonts:Font.clean": "self to_unicode hinting"}):
        return False

    def empty(font: Any, to_unicode: object, hinting: object) -> None:
        del to_unicode, hinting
        font.file_content = font.file_content[:4]  # which tells OpenType from TrueType

    importlib.import_module("weasyprint.pdf.fonts").Font.clean = empty
    return True
