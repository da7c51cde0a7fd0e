"""Book → sections of the handbook: what is laid out apart, from cover to colophon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from generator.diagnostics import Position
from generator.exporters import Context
from generator.exporters.glossary import glossary_entries
from generator.exporters.print_book import PrintChapter, PrintPage, PrintPart, Scope
from generator.exporters.print_composition import compose
from generator.exporters.print_index import Mention, TermFinder, index_groups
from generator.exporters.print_markup import Pictures, join_citations
from generator.exporters.print_numbers import ARABIC, ROMAN, Section
from generator.exporters.print_paper import Paper
from generator.model import Book

BOOK = Position("content/book.yaml")
_FONTS = ("思源宋体", "思源黑体", "霞鹜文楷")


@dataclass(frozen=True, slots=True)
class Manuscript:
    """The sections up to the index, and what the index is made of."""

    sections: tuple[Section, ...]
    mentions: tuple[Mention, ...]


class SectionWriter:
    """Writes a book's sections by the templates."""

    def __init__(self, book: Book, context: Context, paper: Paper, pictures: Pictures) -> None:
        self._book = book
        self._templates = context.templates
        self._pictures = pictures
        self._front = [PrintPage(book, page, pictures, "front") for page in book.front]
        self._parts = [PrintPart(book, part, pictures, paper.head) for part in book.parts]
        self._back = [PrintPage(book, page, pictures, "back") for page in book.back]
        self._terms = glossary_entries(book)

    def write(self) -> Manuscript:
        """Everything up to the index, which is made when the pages of all this are known."""
        finder = TermFinder(self._book.terms)
        mentions: list[Mention] = []
        body: list[Section] = []
        for part in self._parts:
            body.append(self._section(part.anchor, "part", part=part))
            for chapter in part.chapters:
                section = self._chapter(chapter)
                markup, found = finder.mark(section.markup)
                body.append(replace(section, markup=markup))
                mentions += found
        front = self._section(
            "front",
            numbering=ROMAN,
            front=self._front,
            parts=self._parts,
            back=self._back,
            terms=self._terms,
            has_index=bool(mentions),
        )
        sections = [front, *body]
        if self._back or self._terms:
            glossary = Scope(self._book, "glossary", "", self._pictures, ()).writer
            sections.append(
                self._section("back", back=self._back, terms=self._terms, glossary=glossary)
            )
        return Manuscript(tuple(sections), tuple(mentions))

    def write_end(self, manuscript: Manuscript, labels: Mapping[str, str]) -> list[Section]:
        """The index, if there is anything in it, and the colophon."""
        sections = []
        if manuscript.mentions:
            groups = index_groups(self._book.terms, manuscript.mentions, labels)
            sections.append(self._section("index", groups=groups))
        return [*sections, self._section("colophon", fonts=_FONTS)]

    def _chapter(self, chapter: PrintChapter) -> Section:
        return self._section(chapter.anchor, "chapter", position=chapter.position, chapter=chapter)

    def _section(
        self,
        name: str,
        template: str = "",
        *,
        position: Position = BOOK,
        numbering: str = ARABIC,
        **variables: object,
    ) -> Section:
        markup = self._templates.render(
            "print/section.html.j2",
            content=f"print/{template or name}.html.j2",
            book=self._book,
            **variables,
        )
        return Section(name, compose(join_citations(markup), self._pictures), position, numbering)
