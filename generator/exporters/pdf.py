"""The printed handbook: sections laid out apart, in parallel, and linked into one file.

WeasyPrint's own page counters print wrong numbers in long books, and take three passes over the
whole: here each section is laid out once and kept, and page numbers are filled in at the end.
WeasyPrint is imported when a book is exported, not before: it takes most of a second.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from generator.diagnostics import BookError, Diagnostic, Diagnostics, Position
from generator.exporters import Artifact, Context
from generator.exporters.print_markup import Pictures
from generator.exporters.print_numbers import (
    NumbersUnsettledError,
    Section,
    Settled,
    approach,
    settle,
)
from generator.exporters.print_paper import PAPERS, Paper
from generator.exporters.print_sections import BOOK, Manuscript, SectionWriter
from generator.model import Book
from generator.typography import hooks

if TYPE_CHECKING:
    from generator.exporters.print_workers import Style
    from generator.typography.fonts import BookFonts

FAMILIES = {
    "serif": "Book Song, Book Hei, Book Mono, Book Kai",
    "sans-serif": "Book Hei, Book Song, Book Mono, Book Kai",
    "monospace": "Book Mono, Book Hei, Book Song, Book Kai",
}
"""The book's families for the generic ones that pictures name."""


class PdfExporter:
    """Book → PDF: tagged, with bookmarks, page labels and nothing but the book's own fonts."""

    suffix = ".pdf"
    summary = "the printed handbook (PDF)"

    def export(self, book: Book, context: Context) -> Artifact:
        """Lay out the handbook. Raises :class:`~generator.diagnostics.BookError`."""
        if not hooks.is_pinned_weasyprint():
            message = "lines are justified plainly: this WeasyPrint is not the one that is known"
            hint = "Install the pinned version of WeasyPrint."
            context.warn(Diagnostic("line-finishing-off", BOOK, message, hint))
        pictures = Pictures(context.formulas, FAMILIES)
        writer = SectionWriter(book, context, PAPERS[context.paper], pictures)
        with _fonts_wanted():
            manuscript = writer.write()
        return print_manuscript(book, context, writer, manuscript, pictures)


def print_manuscript(
    book: Book,
    context: Context,
    writer: SectionWriter,
    manuscript: Manuscript,
    pictures: Pictures,
) -> Artifact:
    """The handbook of its sections. Raises :class:`~generator.diagnostics.BookError`."""
    from generator.exporters.print_linker import About, LinkError, link
    from generator.exporters.print_workers import Style

    style = Style(sheets_of(context, PAPERS[context.paper]), _fonts(context))
    _check_characters(book, manuscript.sections, style, pictures)
    identifier = handbook_identifier(book, context.paper)
    about = About(book.title, book.authors, book.subtitle, book.language, identifier, context.date)
    try:
        settled = _typeset(writer, manuscript, style, pictures, context)
        data = link(settled, style.fonts, about)
    except NumbersUnsettledError as error:
        raise _failure("page numbers do not settle") from error
    except LinkError as error:
        raise _failure(str(error)) from error
    counts = {
        "pages": len(settled.numbering.page_labels),
        "questions": sum(1 for _ in book.questions),
    }
    return Artifact(data, counts, _found(settled) | {"identifier": identifier})


def handbook_identifier(book: Book, paper: str) -> str:
    """The URN of this edition on this paper, by which the EPUB names the source of its pages."""
    return uuid5(NAMESPACE_URL, f"studyguide:{book.uid}/{book.id}.pdf/{book.edition}/{paper}").urn


def _typeset(
    writer: SectionWriter,
    manuscript: Manuscript,
    style: Style,
    pictures: Pictures,
    context: Context,
) -> Settled:
    """All sections laid out, the index last: what it lists depends on the pages of all others."""
    from generator.exporters.print_press import Press, read_labels, write_labels
    from generator.exporters.print_workers import Workers

    memory = context.cache / f"{context.paper}{'-print' * context.print_ready}.labels"
    count = len(manuscript.sections) + bool(manuscript.mentions) + 1  # index and colophon
    press = Press(style, pictures.get, context.cache, context.progress, count)
    with closing(Workers(style, context.jobs)) as workers:
        lay_out = partial(press.lay_out, workers=workers)
        labels = read_labels(memory) or approach(
            manuscript.sections, PAPERS[context.paper].markup, lay_out
        )
        body = settle(manuscript.sections, labels, lay_out)
        labels = body.numbering.labels
        settled = settle(writer.write_end(manuscript, labels), labels, lay_out, body)
    press.tidy()
    write_labels(memory, settled.numbering.labels)
    return settled


def _found(settled: Settled) -> dict[str, object]:
    """What the EPUB may use: the pages' labels in order, and that of the page of each anchor."""
    numbering = settled.numbering
    return {"labels": dict(numbering.labels), "pages": tuple(numbering.page_labels)}


def _failure(message: str) -> BookError:
    return BookError([Diagnostic("export-failed", BOOK, f"print: {message}")])


def sheets_of(context: Context, paper: Paper) -> tuple[str, ...]:
    """The style sheets in the order in which later ones overrule."""
    names = ("text", "book", *(("press",) if context.print_ready else ()))
    sheets = (context.templates.source(f"print/{name}.css") for name in names)
    return *sheets, paper.style(print_ready=context.print_ready)


def _fonts(context: Context) -> BookFonts:
    from generator.typography.fonts import prepare_book_fonts

    with _fonts_wanted():
        return prepare_book_fonts(context.cache)


def _check_characters(
    book: Book, sections: Iterable[Section], style: Style, pictures: Pictures
) -> None:
    """Name the characters that no face has, with their places."""
    diagnostics = Diagnostics()
    for character in sorted(style.fonts.missing(_characters(sections, style, pictures))):
        name = unicodedata.name(character, "unnamed")
        message = f"no font of the book has “{character}” (U+{ord(character):04X}, {name})"
        for place in _places(book, character) or [BOOK]:
            diagnostics.add("glyph-missing", place, message, "Write it otherwise, or as math.")
    diagnostics.raise_errors()


def _characters(sections: Iterable[Section], style: Style, pictures: Pictures) -> frozenset[str]:
    """Every character that may be set: the sections', their style sheets', their pictures'."""
    texts = (html.unescape(re.sub(r"<[^>]*>", "", section.markup)) for section in sections)
    return frozenset().union(*texts, *style.sheets, *pictures.texts())


@contextmanager
def _fonts_wanted() -> Generator[None]:
    """Say what is missing where the system lacks a face."""
    from generator.typography.fonts import FontsMissingError

    try:
        yield
    except FontsMissingError as error:
        raise BookError([Diagnostic("fonts-missing", BOOK, str(error))]) from error


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
