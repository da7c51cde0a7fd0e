"""The running text of a block, with the place of every character: what the lints look at.

Code, math, citations, attributes and addresses are not prose. Code and math leave a letter in
their place, so that what surrounds them is judged as it is beside a Latin word. The space that
Markdown needs between a label in bold and the text after its full stop is markup, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from generator.characters import is_han, join_lines
from generator.diagnostics import Position
from generator.model import Block

_FENCE = re.compile(r"\s*(?P<mark>`{3,}|~{3,}|\$\$)")
_SKIPPED = re.compile(r"\s*(?::{3,}|(?=.*-)[\s|:-]{3,}$|\[\^[^\]]+\]:\s*$|$)")
_MARKERS = re.compile(r"\s*(?:(?:#{1,6}|[-*+]|\d{1,9}[.)]|>|:|\[\^[^\]]+\]:)\s+)*")
_STARTS = re.compile(r"\s*(?:#{1,6}|[-*+]|\d{1,9}[.)]|>|:|\||\[\^[^\]]+\]:)\s?")

_MARKUP = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)(?:\{[^}]*\})?)"
    r"|(?P<math>\$\$.+?\$\$|\$(?!\s)(?:\\.|[^$\\])+?(?<!\s)\$(?!\d))"
    r"|(?P<cited>\s*\[[^\[\]]*?@[\w][^\[\]]*\](?: (?=[\u3400-\u9fff]))?)"
    r"|(?P<note>\[\^[^\]]+\])"
    r"|(?P<pointer>\[\]\(#[^)\s]*\))"
    r"|(?P<address><[a-z]+:[^>\s]*>|https?://[^\s，。；）]+)"
    r"|(?P<dropped>\]\([^)\s]*(?:\s+\"[^\"]*\")?\)(?:\{[^}]*\})?|\](?:\{[^}]*\})?|!?\["
    r"|\s*\{[^{}]*\}\s*$|(?<=[。：！？…])\*+\s|\*+|~~)",
    re.DOTALL,
)
_STAND_IN = {"code": "x", "math": "x", "address": "x", "pointer": "图", "escaped": None}


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph, an item, a title or a table's cell, without markup.

    ``places`` are the offsets of its characters in the block's source; ``cited`` tells whether it,
    or the row that a cell is of, cites a work.
    """

    block: Block
    text: str
    places: tuple[int, ...]
    cited: bool

    @property
    def is_chinese(self) -> bool:
        """Whether it is a sentence, or part of one, in Chinese."""
        return any(map(is_han, self.text))

    def position(self, index: int) -> Position:
        """Where a character of the text stands in the file."""
        offset = self.places[min(index, len(self.places) - 1)] if self.places else 0
        before = self.block.text[:offset]
        start = self.block.position
        line_start = before.rfind("\n") + 1
        return Position(start.path, start.line + before.count("\n"), offset - line_start + 1)


def passages(block: Block) -> Iterator[Passage]:
    """The block's running text, passage by passage."""
    source = block.text
    for pieces in _paragraphs(source):
        text = "".join(source[start:end] if start >= 0 else joint for start, end, joint in pieces)
        places = [
            place
            for start, end, joint in pieces
            for place in (range(start, end) if start >= 0 else [end] * len(joint))
        ]
        cited = any(match.lastgroup == "cited" for match in _MARKUP.finditer(text))
        for first, last in _cells(text):
            yield _strip(block, text[first:last], places[first:last], cited=cited)


_Piece = tuple[int, int, str]
"""A stretch of the source, or (with a start of -1) what joins two of its lines."""


def _paragraphs(source: str) -> Iterator[list[_Piece]]:
    """The lines of running text, put together where one sentence goes on in the next."""
    pieces: list[_Piece] = []
    fence = ""
    offset = 0
    for line in source.split("\n"):
        start, offset = offset, offset + len(line) + 1
        mark = _FENCE.match(line)
        fenced = bool(fence)
        if mark and not (fence or line.count("$$") > 1):
            fence, fenced = mark["mark"], True
        elif fence and fence in line:
            fence = ""
        if fenced or (mark and line.count("$$") > 1) or _SKIPPED.match(line):
            if pieces:
                yield pieces
            pieces = []
            continue
        if pieces and _STARTS.match(line):
            yield pieces
            pieces = []
        marker = _MARKERS.match(line)
        begin = start + (marker.end() if marker else 0)
        end = start + len(line.rstrip())
        if pieces:
            before = source[pieces[-1][0] : pieces[-1][1]]
            pieces.append((-1, pieces[-1][1], join_lines(before, source[begin:end])))
        pieces.append((begin, end, ""))
    if pieces:
        yield pieces


def _cells(text: str) -> Iterator[tuple[int, int]]:
    """The cells of a table's row; all of any other text."""
    if not text.startswith("|"):
        yield 0, len(text)
        return
    bars = [
        match.start()
        for match in re.finditer(r"\\.|(`+).+?\1|\$(?!\s)(?:\\.|[^$\\])+?\$|(\|)", text)
        if match[2]
    ]
    for bar, end in zip(bars, [*bars[1:], len(text)], strict=True):
        cell = text[bar + 1 : end]
        start = bar + 1 + len(cell) - len(cell.lstrip())
        if cell.strip():
            yield start, start + len(cell.strip())


def _strip(block: Block, text: str, places: list[int], *, cited: bool) -> Passage:
    """A passage without its markup."""
    characters: list[str] = []
    kept: list[int] = []
    index = 0
    for match in _MARKUP.finditer(text):
        characters += text[index : match.start()]
        kept += places[index : match.start()]
        index = match.end()
        kind = match.lastgroup if match.lastgroup != "ticks" else "code"
        stand_in = match["escaped"] if kind == "escaped" else _STAND_IN.get(kind or "")
        if (
            kind == "cited"
            and match[0].endswith(" ")
            and characters[-1:]
            and characters[-1].isascii()
        ):
            stand_in = " "  # between a Latin word and Han
        if stand_in:
            characters.append(stand_in)
            kept.append(places[match.start()])
    characters += text[index:]
    kept += places[index:]
    return Passage(block, "".join(characters), tuple(kept), cited)
