"""The printed handbook: one document from cover to colophon, laid out by WeasyPrint.

WeasyPrint is imported when a book is exported, not before: it takes most of a second.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from generator.diagnostics import BookError, Diagnostic, Diagnostics, Position
from generator.exporters import Artifact, Context
from generator.exporters.glossary import glossary_entries
from generator.exporters.print_book import PrintPage, PrintPart, Section
from generator.exporters.print_composition import compose
from generator.exporters.print_markup import Pictures, join_citations, number_pages
from generator.exporters.print_paper import PAPERS, Paper
from generator.model import Book

if TYPE_CHECKING:
    from generator.typography.fonts import BookFonts

_FAMILIES = {
    "serif": "Book Song, Book Hei, Book Mono, Book Kai",
    "sans-serif": "Book Hei, Book Song, Book Mono, Book Kai",
    "monospace": "Book Mono, Book Hei, Book Song, Book Kai",
}
"""The book's families for the generic ones that pictures name."""

_BOOK = Position("content/book.yaml")


class PdfExporter:
    """Book → PDF: tagged, with bookmarks, page labels and nothing but the book's own fonts."""

    suffix = ".pdf"
    summary = "the printed handbook (PDF)"

    def export(self, book: Book, context: Context) -> Artifact:
        """Lay out the handbook. Raises :class:`~generator.diagnostics.BookError`."""
        from generator import typography
        from generator.exporters import print_layout

        if not typography.install():
            message = "lines are justified plainly: this WeasyPrint is not the one that is known"
            hint = "Install the pinned version of WeasyPrint."
            context.warn(Diagnostic("line-finishing-off", _BOOK, message, hint))
        paper = PAPERS[context.paper]
        pictures = Pictures(context.formulas, _FAMILIES)
        with _fonts_wanted():
            markup = _write(book, context, paper, pictures)
        sheets = _style(context, paper)
        fonts = _fonts(book, _characters(markup, sheets, pictures), context)
        source = print_layout.Source(
            markup=partial(number_pages, markup),
            sheets=(fonts.css, *sheets),
            fetch=lambda address: pictures.get(address) or fonts.get(address),
            first=f"part-{book.parts[0].id}",
        )
        layout = print_layout.lay_out(source, context.progress)
        counts = {"pages": layout.pages, "questions": sum(1 for _ in book.questions)}
        return Artifact(layout.data, counts, {"labels": layout.labels})


def _write(book: Book, context: Context, paper: Paper, pictures: Pictures) -> str:
    """The document's XHTML."""
    glossary = Section(book, "glossary", "", pictures, ())
    markup = context.templates.render(
        "print/book.html.j2",
        book=book,
        time=_w3c(context.date),
        front=[PrintPage(book, page, pictures, "front") for page in book.front],
        parts=[PrintPart(book, part, pictures, paper.head) for part in book.parts],
        back=[PrintPage(book, page, pictures, "back") for page in book.back],
        glossary=glossary.writer,
        terms=glossary_entries(book),
        fonts=("思源宋体", "思源黑体", "霞鹜文楷"),
    )
    return compose(join_citations(markup), pictures)


def _w3c(timestamp: int) -> str:
    """A time as HTML's metadata write it."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _style(context: Context, paper: Paper) -> tuple[str, ...]:
    """The style sheets in the order in which later ones overrule."""
    names = ("text", "book", *(("press",) if context.print_ready else ()))
    sheets = (context.templates.source(f"print/{name}.css") for name in names)
    return *sheets, paper.style(print_ready=context.print_ready)


def _characters(markup: str, sheets: tuple[str, ...], pictures: Pictures) -> frozenset[str]:
    """Every character that may be set: the document's, its style sheets', its pictures'."""
    text = html.unescape(re.sub(r"<[^>]*>", "", markup))
    return frozenset().union(text, *sheets, *pictures.texts())


def _fonts(book: Book, characters: frozenset[str], context: Context) -> BookFonts:
    """The book's faces, which have every character of it."""
    from generator.typography.fonts import build_book_fonts

    with _fonts_wanted():
        fonts = build_book_fonts(characters, context.cache)
    diagnostics = Diagnostics()
    for character in sorted(fonts.missing):
        name = unicodedata.name(character, "unnamed")
        message = f"no font of the book has “{character}” (U+{ord(character):04X}, {name})"
        for place in _places(book, character) or [_BOOK]:
            diagnostics.add("glyph-missing", place, message, "Write it otherwise, or as math.")
    diagnostics.raise_errors()
    return fonts


@contextmanager
def _fonts_wanted() -> Generator[None]:
    """Say what is missing where the system lacks a face."""
    from generator.typography.fonts import FontsMissingError

    try:
        yield
    except FontsMissingError as error:
        raise BookError([Diagnostic("fonts-missing", _BOOK, str(error))]) from error


def _places(book: Book, character: str) -> list[Position]:
    """Where the book's text holds a character."""
    texts: list[tuple[str, Position]] = [(block.text, block.position) for block in book.blocks]
    texts += [(chapter.title, chapter.position) for chapter in book.chapters]
    texts += [(f"{term.zh}{term.en}{term.abbr}", term.position) for term in book.terms]
    texts += [(repr(work), work.position) for work in book.references.values()]
    texts += [
        (html.unescape(figure.data.decode()), Position(path))
        for path, figure in book.figures.items()
        if figure.media_type == "image/svg+xml"
    ]
    return [position for text, position in texts if character in text]
