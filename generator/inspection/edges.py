"""Where lines begin and end on the pages of a PDF: it does not say so, but its lines do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from generator.inspection.lines import TextBlock

_SAME = 0.5
"""Points: edges within one such step are the same."""

_FEW = 3
"""So many lines make an edge of the text block."""


class Edge(NamedTuple):
    """The left and the right edge of a stretch of text, in points."""

    left: float
    right: float


class _Key(NamedTuple):
    """Paragraphs of one kind: where they begin in the text block, and the size of their text."""

    indent: int
    size: float


@dataclass(frozen=True)
class Edges:
    """The edges of the text block by the parity of the page's index (margins are mirrored).

    ``measures`` are the right edges of paragraphs by their kind, from the block's left edge.
    """

    blocks: Mapping[int, Edge]
    measures: Mapping[_Key, float]

    def block(self, page: int) -> Edge | None:
        """The text block of a page; ``None`` where too few lines show one."""
        return self.blocks.get(page % 2)

    def right(self, paragraph: TextBlock) -> float | None:
        """The right edge of a paragraph, if lines show one."""
        block = self.block(paragraph.page)
        right = block and self.measures.get(_key(paragraph, block))
        return block.left + right if block and right is not None else None


def find_edges(blocks: Iterable[TextBlock]) -> Edges:
    """Find the edges of body paragraphs from their lines."""
    body = [block for block in blocks if block.is_body and len(block.lines) > 1]
    found: dict[int, Edge] = {}
    for parity in (0, 1):
        lines = [block.lines for block in body if block.page % 2 == parity]
        left = _outermost([line.left for rows in lines for line in rows[1:]], min)
        right = _outermost([line.right for rows in lines for line in rows[:-1]], max)
        if left is not None and right is not None:
            found[parity] = Edge(left, right)
    ends: defaultdict[_Key, list[float]] = defaultdict(list)
    for block in body:
        edge = found.get(block.page % 2)
        if edge:
            ends[_key(block, edge)] += [line.right - edge.left for line in block.lines[:-1]]
    return Edges(found, {key: _commonest(values) for key, values in ends.items()})


def _key(paragraph: TextBlock, block: Edge) -> _Key:
    left = min(line.left for line in paragraph.lines[1:] or paragraph.lines)
    return _Key(_step(left - block.left), round(paragraph.lines[0].size, 1))


def _step(length: float) -> int:
    return round(length / _SAME)


def _outermost(values: Sequence[float], choose: Callable[[Iterable[int]], int]) -> float | None:
    """The outermost of the places that several lines share."""
    counts = Counter(map(_step, values))
    few = max(_FEW, len(values) // 50)
    steps = [step for step, count in counts.items() if count >= few]
    return _mean(values, choose(steps)) if steps else None


def _commonest(values: Sequence[float]) -> float:
    """The place where most lines end; of two that are as common, the right one."""
    counts = Counter(map(_step, values))
    return _mean(values, max(counts, key=lambda step: (counts[step], step)))


def _mean(values: Sequence[float], step: int) -> float:
    own = [value for value in values if _step(value) == step]
    return sum(own) / len(own)
