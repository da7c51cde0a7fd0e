"""Lines of text as a reader sees them, put together from the content of structure elements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from generator.inspection.content import Box, Glyph, Run, hull
from generator.inspection.document import Document
from generator.inspection.structure import Content, Element
from generator.typography.finishing import CLOSING, OPENING

OBJECT = "\ufffc"
"""Stands for what is not text: a formula, a picture."""

_UNKNOWN = "\ufffd"
"""Stands for a glyph of which the file does not say what it means."""

_INVISIBLE = frozenset("\u2060\u200b\u200c\u200d\ufeff\xad")
PICTURES = frozenset({"/Figure", "/Formula"})
"""Structure types that stand on a line as one object."""

_INLINE = frozenset(
    {"/Span", "/NonStruct", "/Link", "/Reference", "/Quote", "/Annot", "/BibEntry", *PICTURES}
)
_OUTER = frozenset({"/Document", "/Part", "/Art", "/Sect", "/Div", "/BlockQuote", "/LBody", "/Lbl"})
"""What may hold text as well as paragraphs."""

_PARAGRAPHS = frozenset(
    {"/P", "/H1", "/H2", "/H3", "/H4", "/H5", "/H6", "/Caption", "/TD", "/TH", "/Note"}
)

_LOW = 2.0
"""Ems: a frame as low as this is a word's, not a paragraph's."""

_RAISED = 0.6
"""Ems by which marks on a line may be raised: lines are further apart."""

_HANGING = 0.3
"""Ems by which a formula may stand above the line of its text."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A character or an object on a line: its ends, and what is added behind it, in points."""

    text: str
    left: float
    right: float
    added: float
    size: float

    @property
    def is_trimmed_at_start(self) -> bool:
        """Whether it is a full-width mark whose left half is empty."""
        return self.text in OPENING and self.right - self.left > 0.9 * self.size

    @property
    def is_trimmed_at_end(self) -> bool:
        """Whether it is a full-width mark whose right half is empty."""
        return self.text in CLOSING and self.right - self.left > 0.9 * self.size


@dataclass(frozen=True)
class Line:
    """A line of a block, and the box of all that stands on it."""

    page: int
    box: Box
    size: float
    pieces: tuple[Piece, ...]

    @cached_property
    def text(self) -> str:
        """What stands on it, objects as U+FFFC."""
        return "".join(piece.text for piece in self.pieces)

    @cached_property
    def left(self) -> float:
        """Where it begins, without the empty half of an opening mark."""
        first = self.pieces[0]
        return first.left + (first.size / 2 if first.is_trimmed_at_start else 0)

    @cached_property
    def right(self) -> float:
        """Where it ends, without the empty half of a closing mark, which hangs or is cut off."""
        last = self.pieces[-1]
        return last.left + last.size / 2 if last.is_trimmed_at_end else last.right


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A paragraph, heading, cell, … as far as it stands on one page."""

    element: Element
    lines: tuple[Line, ...]

    @property
    def role(self) -> str:
        """The structure type of its element."""
        return self.element.role

    @property
    def page(self) -> int:
        """The index of its page."""
        return self.lines[0].page

    @property
    def is_body(self) -> bool:
        """Whether it is a paragraph of the text: not of a cell, a caption or a note."""
        return self.role == "/P" and not any(
            outer.role in _PARAGRAPHS for outer in self.element.ancestors
        )


def read_blocks(document: Document) -> list[TextBlock]:
    """All blocks of text in logical order, page by page."""
    blocks = []
    for element in document.elements:
        if element.role in _PARAGRAPHS | _OUTER:
            pages: dict[int, list[Content]] = {}
            for content in _own_contents(element):
                pages.setdefault(content.page, []).append(content)
            for page, contents in pages.items():
                lines = _lines(document, page, contents)
                if lines:
                    blocks.append(TextBlock(element, lines))
    return blocks


def _own_contents(element: Element) -> Iterator[Content]:
    """The content of an element that belongs to no block within it."""
    for kid in element.kids:
        if isinstance(kid, Content):
            yield kid
        elif isinstance(kid, Element) and kid.role in _INLINE:
            yield from _own_contents(kid)


def _lines(document: Document, page: int, contents: Iterable[Content]) -> tuple[Line, ...]:
    """Put pieces on lines by their places: those of a broken formula come in an order of their own.

    A block that goes on in another column is another element to WeasyPrint, as on another page.
    """
    rows: list[_Row] = []
    last: _Row | None = None
    for content in contents:
        if last and content not in document.runs and not _is_picture(document, content):
            last.space()  # WeasyPrint draws no text that is a space alone
        for row in _rows(document, content):
            last = _place(row, rows)
    for row in rows:
        row.finish(document.pages[page].frames)
    rows = sorted((row for row in rows if row.pieces), key=lambda row: -row.baseline)
    size = max((row.size for row in rows), default=0)  # for lines of nothing but pictures
    return tuple(
        Line(page, row.box, row.size or size or _height(row.box), tuple(row.pieces)) for row in rows
    )


def _place(row: _Row, rows: list[_Row]) -> _Row:
    """Put a piece on the line where it belongs, or on a new one; return the line."""
    for line in reversed(rows):
        if line.holds(row):
            line.join(row)
            return line
    rows.append(row)
    return row


@dataclass(slots=True)
class _Row:
    """A line in the making; ``size`` is that of its largest text, 0 if it has none."""

    pieces: list[Piece]
    box: Box
    baseline: float
    size: float

    def holds(self, other: _Row) -> bool:
        """Whether a piece stands on this line."""
        if self.size and other.size:
            return abs(self.baseline - other.baseline) < _RAISED * max(self.size, other.size)
        if not self.size and not other.size:
            common = min(self.box.top, other.box.top) - max(self.box.bottom, other.box.bottom)
            return common > min(_height(self.box), _height(other.box)) / 2
        text, picture = (self, other) if self.size else (other, self)
        return picture.box.bottom - _HANGING * text.size <= text.baseline <= picture.box.top

    def join(self, other: _Row) -> None:
        """Put what comes next behind."""
        if other.size > self.size:
            self.baseline, self.size = other.baseline, other.size
        self.pieces += other.pieces
        self.box = hull([self.box, other.box])

    def space(self) -> None:
        """Put a space of unknown width behind."""
        right = self.pieces[-1].right if self.pieces else self.box.right
        self.pieces.append(Piece(" ", right, right, 0.0, self.size))

    def finish(self, frames: Iterable[Box]) -> None:
        """Put the pieces in order, without spaces at the ends; let frames end what they hold."""
        self.pieces.sort(key=lambda piece: piece.left)
        while self.pieces and self.pieces[-1].text.isspace():
            self.pieces.pop()
        while self.pieces and self.pieces[0].text.isspace():
            self.pieces.pop(0)
        for frame in frames:
            is_of_words = frame.top - frame.bottom < _LOW * self.size
            if self.pieces and is_of_words and frame.bottom < self.baseline < frame.top:
                self._widen(frame)

    def _widen(self, frame: Box) -> None:
        """Let the pieces that a frame holds reach from its left to its right side."""
        inside = [
            index
            for index, piece in enumerate(self.pieces)
            if frame.left <= piece.left and piece.right <= frame.right
        ]
        if inside and len(inside) < len(self.pieces):
            first, last = inside[0], inside[-1]
            self.pieces[first] = replace(self.pieces[first], left=frame.left)
            self.pieces[last] = replace(self.pieces[last], right=frame.right, added=0.0)


def _rows(document: Document, content: Content) -> Iterator[_Row]:
    """What a piece of marked content puts on lines: its text, or itself as one object."""
    if _is_picture(document, content):
        box = document.pages[content.page].clips[content.id]
        if box.right > box.left:
            yield _Row([Piece(OBJECT, box.left, box.right, 0.0, 0.0)], box, box.bottom, 0.0)
        return
    for run in document.runs.get(content, []):
        if run.is_upright and run.is_drawn:
            pieces = list(_pieces(run.glyphs, run.size))
            yield _Row(pieces, _extent(run), run.baseline, run.size)


def _is_picture(document: Document, content: Content) -> bool:
    owner = document.structure.owners.get(content) if document.structure else None
    is_drawn = content.id in document.pages[content.page].clips
    return owner is not None and owner.role in PICTURES and is_drawn


def _height(box: Box) -> float:
    return box.top - box.bottom


def _extent(run: Run) -> Box:
    """The box of a run, as high as its letters."""
    return Box(run.left, run.baseline - 0.2 * run.size, run.right, run.baseline + 0.8 * run.size)


def _pieces(glyphs: Iterable[Glyph], size: float) -> Iterator[Piece]:
    """The characters of a run; what is added behind one without width goes to the one before."""
    last: Piece | None = None
    for glyph in glyphs:
        if last and (glyph.text in _INVISIBLE or (not glyph.width and glyph.text)):
            last = Piece(last.text, last.left, last.right, last.added + glyph.added, size)
            continue
        if last:
            yield last
        text = glyph.text or _UNKNOWN
        last = Piece(text, glyph.left, glyph.right, glyph.added, size)
    if last and last.text not in _INVISIBLE:
        yield last
