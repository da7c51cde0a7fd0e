"""How the pages of a handbook are filled: nothing beyond the edges, no holes at the bottom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import quantiles

from generator.inspection.content import Box, hull
from generator.inspection.document import Document
from generator.inspection.edges import Edges
from generator.inspection.findings import Finding, Kind
from generator.inspection.lines import Line, TextBlock

HOLE = 0.25
"""The share of the text block's height from which white space at its bottom is a hole."""

_OVER = 0.1
"""Ems by which a line may leave the text block: letters have no sharp edges."""

_POINT = 1.0


# -- edges ----------------------------------------------------------------------------------------


def find_overfull(
    document: Document, blocks: Sequence[TextBlock], edges: Edges
) -> Iterator[Finding]:
    """Lines and pictures that reach beyond the text block, and text beyond the page."""
    filled = _filled_pages(blocks, edges)
    for line in _lines(blocks):
        page = document.pages[line.page].box
        block = edges.block(line.page) if line.page in filled else None
        over = max(line.right - page.right, page.left - line.left, page.bottom - line.box.bottom)
        if over > _POINT:
            yield _overfull(line, over, "page")
        elif block is not None:
            over = max(line.right - block.right, block.left - line.left)
            if over > max(_POINT, _OVER * line.size):
                yield _overfull(line, over, "text block")


def _overfull(line: Line, over: float, what: str) -> Finding:
    return Finding(Kind.OVERFULL, line.page, f"{over:.1f} pt beyond the {what}", line.text)


def _filled_pages(blocks: Sequence[TextBlock], edges: Edges) -> set[int]:
    """The pages whose text keeps to the text block: not a cover that places its lines freely."""
    pages = set()
    for line in _lines(blocks):
        block = edges.block(line.page)
        if block is not None and abs(line.left - block.left) < _POINT:
            pages.add(line.page)
    return pages


def _lines(blocks: Sequence[TextBlock]) -> Iterator[Line]:
    return (line for block in blocks for line in block.lines)


# -- holes ----------------------------------------------------------------------------------------


def find_holes(document: Document, blocks: Sequence[TextBlock]) -> Iterator[Finding]:
    """Pages that end early though the chapter goes on, with the last line before the hole."""
    text, notes = _columns(document, blocks)
    if not text:
        return
    bottom, top = _text_block(list(text.values()))
    openings = {block.page for block in blocks if block.role == "/H1"}
    pages = sorted(text)
    for page, following in pairwise(pages):
        if following in openings:
            continue
        floor = notes[page].top if page in notes else bottom
        empty = (text[page].bottom - floor) / (top - bottom)
        if empty > HOLE:
            own = [block for block in blocks if block.page == page and not _is_note(block)]
            last = min(_lines(own), key=lambda line: line.box.bottom)
            message = f"{empty:.0%} of the page are empty below"
            yield Finding(Kind.HOLE, page, message, last.text)


def _columns(
    document: Document, blocks: Sequence[TextBlock]
) -> tuple[dict[int, Box], dict[int, Box]]:
    """The boxes of all text and of all notes by page, without what lies below the page."""
    text: defaultdict[int, list[Box]] = defaultdict(list)
    notes: defaultdict[int, list[Box]] = defaultdict(list)
    for block in blocks:
        edge = document.pages[block.page].box.bottom
        boxes = [line.box for line in block.lines if line.box.bottom >= edge]
        if boxes:
            (notes if _is_note(block) else text)[block.page] += boxes
    return (
        {page: hull(boxes) for page, boxes in text.items()},
        {page: hull(boxes) for page, boxes in notes.items()},
    )


def _is_note(block: TextBlock) -> bool:
    """Whether it is a note, or stands where WeasyPrint puts notes: outside of all sections."""
    return block.role in {"/Note", "/Document"}


def _text_block(columns: Sequence[Box]) -> tuple[float, float]:
    """Where full pages end and begin; one in ten may be lower or higher, as covers are."""
    if len(columns) < 10:
        box = hull(columns)
        return box.bottom, box.top
    bottoms = quantiles([box.bottom for box in columns], n=10)
    tops = quantiles([box.top for box in columns], n=10)
    return bottoms[0], tops[-1]
