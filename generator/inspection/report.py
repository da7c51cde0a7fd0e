"""The typography report of a PDF: what was measured, held against the bounds of the book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pikepdf

from generator.config import Bounds
from generator.inspection.accessibility import structure_faults
from generator.inspection.document import Document, UnreadableError, open_document
from generator.inspection.edges import find_edges
from generator.inspection.findings import Finding, Kind
from generator.inspection.glyphs import find_missing_glyphs, find_stray_fonts
from generator.inspection.lines import read_blocks
from generator.inspection.measures import (
    Flush,
    find_bad_breaks,
    find_lone_characters,
    find_ragged,
    find_wide_gaps,
    measure_gaps,
)
from generator.inspection.pages import find_holes, find_overfull
from generator.inspection.references import find_dead_links, find_unnumbered_figures

__all__ = ["Measure", "Report", "UnreadableError", "inspect_file"]

_NAMES = {
    Kind.FLUSH: "flush lines",
    Kind.LINE_BREAK: "forbidden line breaks (禁则)",
    Kind.GAP: "added to gaps, in ems (p50, p95, max)",
    Kind.OVERFULL: "overfull lines and boxes",
    Kind.GLYPH: "missing glyphs",
    Kind.FONT: "stray fonts",
    Kind.LONE: "lone characters (孤字)",
    Kind.HOLE: "page-bottom holes",
    Kind.FIGURE: "unnumbered figures",
    Kind.LINK: "dead links",
    Kind.STRUCTURE: "faults of the structure (PDF/UA)",
}

_TEXT = 48
"""Characters of a finding's text that its line shows."""


class GapSizes(NamedTuple):
    """What is added to gaps, in ems: the median, the 95th percentile, the largest."""

    median: float = 0.0
    p95: float = 0.0
    largest: float = 0.0


class Measure(NamedTuple):
    """A line of the report: what was measured, and the bound that a book sets for it."""

    name: str
    found: str
    bound: str
    is_exceeded: bool


@dataclass(frozen=True)
class Report:
    """What was measured in a file. ``labels`` are its page labels by the page's index."""

    labels: Sequence[str]
    flush: Flush
    gaps: GapSizes
    findings: Sequence[Finding]
    bounds: Bounds

    @cached_property
    def counts(self) -> Counter[Kind]:
        """The number of findings of each kind."""
        return Counter(finding.kind for finding in self.findings)

    @property
    def exceeded(self) -> list[Kind]:
        """The kinds of faults of which there is more than the book allows."""
        return [kind for kind in Kind if self._is_exceeded(kind)]

    def _is_exceeded(self, kind: Kind) -> bool:
        if kind is Kind.FLUSH:
            return self.flush.share < self.bounds.flush
        if kind is Kind.GAP:
            return self.counts[kind] > 0  # the wider ones alone are findings
        return self.counts[kind] > self._bound(kind)

    def _bound(self, kind: Kind) -> float:
        return float(getattr(self.bounds, kind))

    def measures(self) -> Iterator[Measure]:
        """The lines of the report."""
        yield Measure("pages", f"{len(self.labels):,}", "", is_exceeded=False)
        for kind in Kind:
            found, bound = f"{self.counts[kind]:,}", f"≤ {self._bound(kind):,.0f}"
            if kind is Kind.FLUSH:
                found = f"{self.flush.share:.1%} of {self.flush.lines:,}"
                bound = f"≥ {self.bounds.flush:.1%}"
            elif kind is Kind.GAP:
                found, bound = (
                    ", ".join(f"{size:.2f}" for size in self.gaps),
                    f"≤ {self.bounds.gap}",
                )
            yield Measure(_NAMES[kind], found, bound, self._is_exceeded(kind))

    def listing(self, most: int) -> Iterator[str]:
        """The findings by kind, with page and text; no more than ``most`` of each."""
        for kind in Kind:
            findings = [finding for finding in self.findings if finding.kind == kind]
            if findings:
                yield f"\n{_NAMES[kind]}"
                yield from (f"  {self._line(finding)}" for finding in findings[:most])
            if len(findings) > most:
                yield f"  … and {len(findings) - most:,} more: --json lists them all"

    def _line(self, finding: Finding) -> str:
        text = finding.text
        if len(text) > _TEXT:
            text = f"{text[: _TEXT - 1]}…"
        page = "" if finding.page is None else f"page {self.labels[finding.page]}: "
        return page + finding.message + (f" | {text}" if text else "")

    def as_json(self) -> dict[str, Any]:
        """All of it for programs. ``page`` counts from 1, ``label`` is what the page shows."""
        return {
            "pages": len(self.labels),
            "flush": {"lines": self.flush.lines, "flush": self.flush.flush},
            "gaps": self.gaps._asdict(),
            "counts": {kind: self.counts[kind] for kind in Kind},
            "bounds": asdict(self.bounds),
            "exceeded": self.exceeded,
            "findings": [
                {
                    "kind": finding.kind,
                    "page": None if finding.page is None else finding.page + 1,
                    "label": None if finding.page is None else self.labels[finding.page],
                    "message": finding.message,
                    "text": finding.text,
                }
                for finding in self.findings
            ],
        }


def inspect_file(source: Path | pikepdf.Pdf, bounds: Bounds) -> Report:
    """Measure a PDF.

    Raises :class:`~generator.inspection.document.UnreadableError` for what is none.
    """
    with open_document(source) as document:
        return _inspect(document, bounds)


def _inspect(document: Document, bounds: Bounds) -> Report:
    blocks = read_blocks(document)
    edges = find_edges(blocks)
    flush, ragged = find_ragged(blocks, edges)
    gaps = measure_gaps(blocks)
    findings = [
        *ragged,
        *find_bad_breaks(blocks),
        *find_wide_gaps(gaps, bounds.gap),
        *find_overfull(document, blocks, edges),
        *find_missing_glyphs(document),
        *find_stray_fonts(document),
        *find_lone_characters(blocks),
        *find_holes(document, blocks),
        *find_unnumbered_figures(document),
        *find_dead_links(document),
        *structure_faults(document),
    ]
    sizes = _sizes([gap.added for gap in gaps])
    return Report(document.labels, flush, sizes, findings, bounds)


def _sizes(gaps: Sequence[float]) -> GapSizes:
    if not gaps:
        return GapSizes()
    ordered = sorted(gaps)
    return GapSizes(ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)], ordered[-1])
