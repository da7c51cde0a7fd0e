"""How well the lines of a handbook are set, measured in the finished file.

The terms are those of CLREQ (W3C, Requirements for Chinese Text Layout); lengths in messages are
ems of the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from generator.characters import is_han, is_wide
from generator.inspection.edges import Edges
from generator.inspection.findings import Finding, Kind
from generator.inspection.lines import OBJECT, Line, Piece, TextBlock
from generator.typography.finishing import CLOSING, OPENING

FLUSH = 0.15
"""Ems by which a flush line may miss the edge."""

_ROUNDING = 0.005
"""Ems: WeasyPrint writes thousandths, and Pango 1024ths of a pixel."""

_NEVER_FIRST = CLOSING | frozenset("·・—…～–‰％℃")
_NEVER_LAST = OPENING
_PAIRS = frozenset("—…")
"""Marks of two characters that belong together."""


class Flush(NamedTuple):
    """How many lines of body paragraphs go on below, and how many of them end at the edge."""

    flush: int
    lines: int

    @property
    def share(self) -> float:
        """The share of flush lines; 1 where there are none."""
        return self.flush / self.lines if self.lines else 1.0


def find_ragged(blocks: Sequence[TextBlock], edges: Edges) -> tuple[Flush, list[Finding]]:
    """The lines of body paragraphs that go on below and do not end at the edge."""
    count, ragged = 0, []
    for block in blocks:
        right = edges.right(block) if block.is_body else None
        if right is None:
            continue
        for line in block.lines[:-1]:
            count += 1
            over = (line.right - right) / line.size
            if abs(over) > FLUSH:
                message = f"ends {abs(over):.2f} em {'behind' if over > 0 else 'before'} the edge"
                ragged.append(Finding(Kind.FLUSH, line.page, message, line.text))
    return Flush(count - len(ragged), count), ragged


# -- 禁则 -----------------------------------------------------------------------------------------


def find_bad_breaks(blocks: Sequence[TextBlock]) -> Iterator[Finding]:
    """Line breaks where none may be: 禁则 at its strict level (CLREQ, 3.1.4 and 3.1.5)."""
    for block in blocks:
        for before, after in pairwise(block.lines):
            last, first = before.text[-1], after.text[0]
            if last == first and first in _PAIRS:
                message = f"“{first}{first}” is split between two lines"
            elif first in _NEVER_FIRST:
                message = f"“{first}” begins a line"
            elif last in _NEVER_LAST:
                message = f"“{last}” ends a line"
            else:
                continue
            text = f"{before.text[-8:]}⏎{after.text[:8]}"
            yield Finding(Kind.LINE_BREAK, after.page, message, text)


def find_lone_characters(blocks: Sequence[TextBlock]) -> Iterator[Finding]:
    """Paragraphs whose last line is a single character, marks not counted (孤字)."""
    for block in blocks:
        if block.role in {"/P", "/LBody"} and len(block.lines) > 1:
            before, line = block.lines[-2:]
            words = [char for char in line.text if char not in CLOSING and char not in OPENING]
            if len(words) == 1 and is_han(words[0]):
                text = f"{before.text[-8:]}⏎{line.text}"
                yield Finding(Kind.LONE, line.page, f"“{words[0]}” stands alone", text)


# -- gaps -----------------------------------------------------------------------------------------


class Gap(NamedTuple):
    """What is added between two neighbours, in ems."""

    added: float
    line: Line
    text: str


def measure_gaps(blocks: Sequence[TextBlock]) -> list[Gap]:
    """What justification adds where it may: at spaces, beside what is wide, and beside objects."""
    return list(
        chain.from_iterable(
            _gaps(line) for block in blocks if block.is_body for line in block.lines[:-1]
        )
    )


def _gaps(line: Line) -> Iterator[Gap]:
    for before, after in pairwise(line.pieces):
        if before.left == before.right or after.left == after.right:
            continue  # a space that is not drawn
        if before.text == OBJECT:
            added = (after.left - before.right) / line.size
        elif before.text.isspace() or _is_wide(before) or _is_wide(after):
            added = before.added / line.size + _squeeze(before, after)
        else:
            continue  # letters of a word, which kerning moves
        yield Gap(added, line, before.text + after.text)


def _is_wide(piece: Piece) -> bool:
    return piece.text == OBJECT or any(map(is_wide, piece.text))


def _squeeze(before: Piece, after: Piece) -> float:
    """The half em that neighbouring marks lose (CLREQ, 3.1.6.1), which is no stretch."""
    is_squeezed = before.added < -0.2 * before.size
    are_marks = before.is_trimmed_at_end or after.is_trimmed_at_start
    return 0.5 if is_squeezed and are_marks else 0.0


def find_wide_gaps(gaps: Sequence[Gap], bound: float) -> Iterator[Finding]:
    """Lines with gaps that are wider than allowed; of each the widest."""
    widest: dict[int, Gap] = {}
    for gap in gaps:
        if gap.added > bound + _ROUNDING:
            known = widest.setdefault(id(gap.line), gap)
            if gap.added > known.added:
                widest[id(gap.line)] = gap
    for gap in widest.values():
        message = f"{gap.added:.2f} em added at “{gap.text}”"
        yield Finding(Kind.GAP, gap.line.page, message, gap.line.text)
