"""The documents of an EPUB in reading order: which files there are, and what each one says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup

from generator.diagnostics import BookError, Diagnostic, Position
from generator.exporters import Context
from generator.exporters.epub_raster import Drawings
from generator.exporters.epub_text import EpubTarget, Images, Note, finish
from generator.exporters.glossary import glossary_entries
from generator.exporters.numerals import chinese_numeral
from generator.model import Block, Book, Chapter, Cloze, Kind, Page, Part, Question
from generator.render import Writer

SIZE_LIMIT = 280_000
"""Bytes of text to a file. Old readers stumble over files beyond 300 KB; the rest is the frame."""

_HREF = re.compile(r' href="#([^"]+)"')
_ID = re.compile(r' id="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Document:
    """A content document; ``landmark`` is its structural role for landmarks and guide, if any."""

    name: str
    title: str
    xhtml: str
    landmark: str = ""

    @property
    def path(self) -> str:
        """Where the file lies, seen from the package document."""
        return f"text/{self.name}.xhtml"


@dataclass(slots=True)
class Entry:
    """An entry of the table of contents: plain text, since readers strip or mangle markup there."""

    title: str
    path: str
    children: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a chapter that stays in one file, with the footnotes called in it."""

    xhtml: Markup
    notes: tuple[Note, ...] = ()
    questions: tuple[Question, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that it adds to a file."""
        notes = sum(len(note.body.encode()) for note in self.notes)
        return len(self.xhtml.encode()) + notes


@dataclass(frozen=True, slots=True)
class SelfTest:
    """A cloze as the reader meets it: a sentence with gaps, and what belongs in them."""

    anchor: str
    answer: str
    question: str
    number: str
    text: Markup
    answers: tuple[tuple[str, Markup], ...]
    """Marks, as they stand in the gaps, and words."""


@dataclass(frozen=True, slots=True)
class Flavour:
    """What the two EPUBs do differently.

    ``folds``: the answer to a self-test waits in ``<details>``; otherwise behind a link, since
    some readers cannot open ``<details>`` and others always show it open.
    """

    target: type[EpubTarget]
    folds: bool


class Volume:
    """All documents of one EPUB."""

    def __init__(self, book: Book, context: Context, flavour: Flavour) -> None:
        self.book = book
        self.context = context
        self.flavour = flavour
        self.images = Images(Drawings(context.cache))
        self.documents: list[Document] = []
        self.contents: list[Entry] = []
        self.contents_position = 0
        """How many documents stand before the table of contents."""
        self._compose()

    # -- the order of the book --------------------------------------------------------------------

    def _compose(self) -> None:
        book = self.book
        self._add("cover", "封面", "cover", "cover")
        self._add("title", book.title, "title", "titlepage")
        for number, page in enumerate(book.front, start=1):
            self._matter(page, f"front{number:02d}")
        self.contents_position = len(self.documents)
        chapters = sum(1 for _ in book.chapters)
        for part in book.parts:
            self._part(part, chapters)
        if book.terms:
            self._glossary()
        for number, page in enumerate(book.back, start=1):
            self._matter(page, f"back{number:02d}")
        self._list(self._add("colophon", "版权页", "colophon", "colophon"))
        self.documents = link(self.documents)

    def _matter(self, page: Page, name: str) -> None:
        target, writer = self._writer(name)
        text = Markup(finish(writer.block(page.block)))  # noqa: S704 - the writer escaped it
        notes, works = target.take_notes(), target.works
        self._list(
            self._add(name, page.title, "matter", text=text, notes=notes, works=works, scope=name)
        )

    def _part(self, part: Part, total: int) -> None:
        name = f"part{part.number:02d}"
        ordinal = f"第{chinese_numeral(part.number)}篇"
        title = f"{ordinal}　{part.title}"
        chapters = [
            (_ordinal(chapter), chapter, f"h-{_scope(chapter)}") for chapter in part.chapters
        ]
        landmark = "bodymatter" if part.number == 1 else ""
        entry = self._list(
            self._add(
                name,
                title,
                "part",
                landmark,
                ordinal=ordinal,
                part=part,
                anchor=f"h-{name}",
                chapters=chapters,
            )
        )
        for chapter in part.chapters:
            entry.children.append(self._chapter(chapter))
            self.context.progress(chapter.number, total)

    # -- chapters ---------------------------------------------------------------------------------

    def _chapter(self, chapter: Chapter) -> Entry:
        scope = _scope(chapter)
        title = f"{_ordinal(chapter)}　{chapter.title}"
        entry = Entry(title, f"text/{scope}.xhtml")
        for number, pieces in enumerate(_chunks(self._pieces(chapter, scope)), start=1):
            document = self._add(
                scope if number == 1 else f"{scope}-{number}",
                title,
                "chapter",
                anchor=f"h-{scope}",
                first=number == 1,
                pieces=[piece.xhtml for piece in pieces],
                notes=[note for piece in pieces for note in piece.notes],
            )
            entry.children += [
                Entry(f"{anchor.number}　{question.title}", f"{document.path}#{anchor.name}")
                for piece in pieces
                for question in piece.questions
                for anchor in (self.book.anchors[question.id],)
            ]
        return entry

    def _pieces(self, chapter: Chapter, scope: str) -> Iterator[Piece]:
        target, writer = self._writer(scope, chapter.citations)

        def piece(template: str, *questions: Question, **variables: object) -> Piece:
            xhtml = self._render(template, w=writer, **variables)
            # Notes stand behind the text that calls them, so ask for them last.
            return Piece(Markup(finish(xhtml)), target.take_notes(), questions)  # noqa: S704 - rendered

        anchors = self.book.anchors
        outline = [(anchors[question.id], question) for question in chapter.questions]
        yield piece(
            "opening",
            chapter=chapter,
            ordinal=_ordinal(chapter),
            anchor=f"h-{scope}",
            outline=outline,
        )
        for anchor, question in outline:
            yield piece("question", question, question=question, anchor=anchor)
        tests = [
            self._self_test(writer, target, question, cloze)
            for question in chapter.questions
            for cloze in question.clozes
        ]
        if tests:
            yield piece("selftest", tests=tests, scope=scope, folds=self.flavour.folds)
            if not self.flavour.folds:
                yield piece("answers", tests=tests, scope=scope)
        if works := target.works:
            yield piece("references", works=works, scope=scope)

    def _self_test(
        self, writer: Writer, target: EpubTarget, question: Question, cloze: Cloze
    ) -> SelfTest:
        text = writer.block(cloze.block)
        answers = tuple((mark, Markup(words)) for mark, words in target.take_answers())  # noqa: S704 - written by the writer
        anchor = self.book.anchors[question.id]
        return SelfTest(
            f"{Kind.CLOZE}-{cloze.id}", f"a-{cloze.id}", anchor.name, anchor.number, text, answers
        )

    # -- the glossary -----------------------------------------------------------------------------

    def _glossary(self) -> None:
        target, writer = self._writer("glossary")

        def define(block: Block) -> Markup:
            return Markup(finish(writer.inline(block)))  # noqa: S704 - the writer escaped it

        terms = [(term, define(term.definition)) for term in glossary_entries(self.book)]
        notes, works = target.take_notes(), target.works
        self._list(
            self._add(
                "glossary",
                "术语表",
                "glossary",
                "glossary",
                terms=terms,
                notes=notes,
                works=works,
                scope="glossary",
            )
        )

    # -- templates --------------------------------------------------------------------------------

    def _writer(self, scope: str, cited: Sequence[str] = ()) -> tuple[EpubTarget, Writer]:
        target = self.flavour.target(self.book, self.context.formulas, self.images, scope, cited)
        return target, Writer(self.book, target, places=True)

    def _add(
        self, name: str, title: str, template: str, landmark: str = "", **variables: object
    ) -> Document:
        xhtml = self._render(template, title=title, **variables)
        document = Document(name, title, xhtml, landmark)
        self.documents.append(document)
        return document

    def _list(self, document: Document) -> Entry:
        entry = Entry(document.title, document.path)
        self.contents.append(entry)
        return entry

    def _render(self, template: str, **variables: object) -> str:
        return self.context.templates.render(
            f"epub/{template}.xhtml.j2", book=self.book, **variables
        )


def _scope(chapter: Chapter) -> str:
    return f"ch{chapter.number:02d}"


def _ordinal(chapter: Chapter) -> str:
    return f"第{chinese_numeral(chapter.number)}章"


def _chunks(pieces: Iterator[Piece]) -> list[list[Piece]]:
    """The pieces, shared out among files below :data:`SIZE_LIMIT`."""
    chunks: list[list[Piece]] = [[]]
    size = 0
    for piece in pieces:
        if chunks[-1] and size + piece.size > SIZE_LIMIT:
            chunks.append([])
            size = 0
        chunks[-1].append(piece)
        size += piece.size
    return chunks


def link(documents: Sequence[Document]) -> list[Document]:
    """Complete the links between the documents: ``#q-x`` becomes ``ch03.xhtml#q-x``.

    Only now is it known which file a question has come to stand in.
    """
    homes = {name: document.name for document in documents for name in _ID.findall(document.xhtml)}

    def complete(document: Document) -> Document:
        def resolve(match: re.Match[str]) -> str:
            name = match[1]
            if name not in homes:
                raise BookError([_dangling(document, name)])
            home = "" if homes[name] == document.name else f"{homes[name]}.xhtml"
            return f' href="{home}#{name}"'

        return replace(document, xhtml=_HREF.sub(resolve, document.xhtml))

    return [complete(document) for document in documents]


def _dangling(document: Document, name: str) -> Diagnostic:
    return Diagnostic(
        "export-failed",
        Position(f"templates/epub/{document.name}"),
        f"a link leads to “{name}”, which no page of the EPUB holds",
        "A template of your own may have dropped an id.",
    )
