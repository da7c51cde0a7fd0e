"""Handbooks to test, read back from the finished file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2

from generator.diagnostics import Diagnostic
from generator.exporters import Context
from generator.exporters.pdf import PdfExporter
from generator.model import Book
from generator.render import Templates
from tests.epub_client import ROOT, Source, load_source

MINIMAL = ROOT / "tests" / "fixtures" / "minimal"
TIMESTAMP = 1_795_305_600  # 2026-11-22T00:00:00Z


@dataclass(frozen=True)
class PdfFile:
    """A PDF opened twice: by structure and by page. Pages are counted from 0."""

    data: bytes

    @cached_property
    def file(self) -> pikepdf.Pdf:
        return pikepdf.open(io.BytesIO(self.data))

    @cached_property
    def pages(self) -> pypdfium2.PdfDocument:
        return pypdfium2.PdfDocument(self.data)

    @cached_property
    def anchors(self) -> dict[str, int]:
        """Named destinations and their pages."""
        index = {page.objgen: number for number, page in enumerate(self.file.pages)}
        names = list(self.file.Root.Names.Dests.Names)
        return {
            str(name): index[place[0].objgen]
            for name, place in zip(names[::2], names[1::2], strict=True)
        }

    @cached_property
    def labels(self) -> list[str]:
        return [self.pages.get_page_label(number) for number in range(len(self.pages))]

    @cached_property
    def _textpages(self) -> dict[int, pypdfium2.PdfTextPage]:
        return {}

    def textpage(self, page: int) -> pypdfium2.PdfTextPage:
        """A page's text, read once for all that is asked of it in turn."""
        if page not in self._textpages:
            self._textpages.clear()
            self._textpages[page] = self.pages[page].get_textpage()
        return self._textpages[page]

    def text(self, page: int) -> str:
        found: str = self.textpage(page).get_text_range()
        return found

    @property
    def whole_text(self) -> str:
        return "".join(map(self.text, range(len(self.pages))))


@dataclass(frozen=True)
class Handbook(PdfFile):
    """A built book: from what and how, what was warned of, and what it tells other exporters."""

    book: Book
    context: Context
    warnings: list[Diagnostic]
    counts: Mapping[str, int]
    found: Mapping[str, Any]


def print_book(
    source: Source, cache: Path, paper: str = "A4", *, jobs: int = 2, print_ready: bool = False
) -> Handbook:
    warnings: list[Diagnostic] = []
    context = Context(
        source.formulas,
        Templates(),
        cache,
        TIMESTAMP,
        paper=paper,
        print_ready=print_ready,
        jobs=jobs,
        warn=warnings.append,
    )
    made = PdfExporter().export(source.book, context)
    return Handbook(made.data, source.book, context, warnings, made.counts, dict(made.found))


def make_handbook(root: Path, cache: Path, paper: str = "A4", **options: Any) -> Handbook:
    """The handbook of the book in a folder; ``options`` are those of :func:`print_book`."""
    return print_book(load_source(root), cache, paper, **options)
