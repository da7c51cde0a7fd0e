"""What an inspection finds: faults, with the page and the words where an author finds them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of faults, in the order of the report; each has a bound in book.yaml."""

    FLUSH = "flush"
    LINE_BREAK = "line_breaks"
    GAP = "gap"
    OVERFULL = "overfull"
    GLYPH = "missing_glyphs"
    FONT = "stray_fonts"
    LONE = "lone_characters"
    HOLE = "holes"
    FIGURE = "unnumbered_figures"
    LINK = "dead_links"
    STRUCTURE = "structure"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault. ``page`` is an index, or ``None`` for what concerns the whole file."""

    kind: Kind
    page: int | None
    message: str
    text: str = ""
