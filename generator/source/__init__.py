"""Reading a book: files in, a checked :class:`~generator.model.Book` or all diagnostics out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from generator.config import (
    BookConfig,
    Bounds,
    ChapterEntry,
    PartEntry,
    parse_book,
    parse_glossary,
    parse_references,
)
from generator.diagnostics import Diagnostics, Position
from generator.markdown import plain
from generator.model import Anchor, Block, Book, Chapter, Figure, Kind, Page, Part, Role, Term
from generator.source.chapter import ChapterReader, read_front_matter, read_text
from generator.source.files import BookFiles
from generator.source.text import Findings, Library, TextReader, walk
from generator.yaml import Text

__all__ = ["load_book", "load_bounds", "read_book", "walk"]

_T = TypeVar("_T")

BOOK = "content/book.yaml"
REFERENCES = "content/references.yaml"
GLOSSARY = "content/glossary.yaml"


def read_book(root: Path, diagnostics: Diagnostics) -> Book | None:
    """Read the book below ``root`` as far as it can be read, and record all that is wrong.

    A book that was read with errors is good for finding more of them, and for nothing else.
    ``None`` means that there is not even a book.yaml.
    """
    files = BookFiles(root, diagnostics)
    text = files.read_text(BOOK, Position(BOOK))
    config = parse_book(text, BOOK, diagnostics) if text is not None else None
    return _Reader(files, config).read() if config else None


def load_book(root: Path) -> Book:
    """Read the book below ``root``; :class:`~generator.diagnostics.BookError` if it has errors."""
    diagnostics = Diagnostics()
    book = read_book(root, diagnostics)
    diagnostics.raise_errors()
    if book is None:  # pragma: no cover - then there was an error
        raise FileNotFoundError(root / BOOK)
    return book


def load_bounds(root: Path) -> Bounds:
    """What the book below ``root`` asks of its handbook; the defaults where there is no book.

    Raises :class:`~generator.diagnostics.BookError` if its book.yaml has errors.
    """
    if not (root / BOOK).is_file():
        return Bounds()
    diagnostics = Diagnostics()
    text = BookFiles(root, diagnostics).read_text(BOOK, Position(BOOK))
    config = parse_book(text, BOOK, diagnostics) if text is not None else None
    diagnostics.raise_errors()
    return config.inspect if config else Bounds()


class _Reader:
    """Reads what book.yaml lists."""

    def __init__(self, files: BookFiles, config: BookConfig) -> None:
        self.files = files
        self.config = config
        self.diagnostics = files.diagnostics
        self.references = self._optional(REFERENCES, parse_references) or {}
        self.library = Library(files, self.diagnostics, frozenset(self.references))
        self.ids: dict[str, Position] = {}

    def read(self) -> Book:
        config = self.config
        parts = tuple(self._parts())
        terms = tuple(self._terms())
        front = tuple(self._page(path) for path in config.front)
        back = tuple(self._page(path) for path in config.back)
        anchors = self._anchors(parts, terms)
        self._check_links(anchors)
        self._check_unlisted(config)
        return Book(
            id=config.id,
            uid=config.uid,
            title=config.title,
            subtitle=config.subtitle,
            language=config.language,
            authors=config.authors,
            license=config.license,
            edition=config.edition,
            paper=config.paper,
            report_url=config.report_url,
            front=tuple(page for page in front if page),
            parts=parts,
            back=tuple(page for page in back if page),
            terms=terms,
            references=self.references,
            figures=self._figures(),
            anchors=anchors,
            exemptions=config.exemptions,
        )

    # -- chapters ---------------------------------------------------------------------------------

    def _parts(self) -> Iterator[Part]:
        number = 0
        for index, entry in enumerate(self.config.parts, start=1):
            chapters = []
            for chapter in entry.chapters:
                number += 1
                chapters.append(self._chapter(entry, chapter, number))
            present = tuple(chapter for chapter in chapters if chapter)
            yield Part(entry.id, index, entry.title, entry.label, present)

    def _chapter(self, part: PartEntry, entry: ChapterEntry, number: int) -> Chapter | None:
        if not part.id or not entry.id:
            return None  # the configuration has complained
        path = f"content/{part.id}/{entry.id}.md"
        text = self.files.read_text(path, entry.position, "chapter-missing")
        if text is None:
            return None
        reader = ChapterReader(path, text, self.library, self._register)
        return reader.read(entry.id, number, entry.label)

    def _register(self, identifier: str, position: Position) -> None:
        if identifier in self.ids:
            first = self.ids[identifier]
            hint = f"First used at {first}. Ids are unique in the whole book, and permanent."
            self.diagnostics.add("id-duplicate", position, f"the id “{identifier}” is taken", hint)
        self.ids.setdefault(identifier, position)

    def _check_unlisted(self, config: BookConfig) -> None:
        listed = {
            f"content/{part.id}/{chapter.id}.md"
            for part in config.parts
            for chapter in part.chapters
        }
        listed |= {f"content/{page.text}" for page in (*config.front, *config.back)}
        parts = {part.id for part in config.parts}
        for file in sorted((self.files.root / "content").glob("*/*.md")):
            path = file.relative_to(self.files.root).as_posix()
            if file.parent.name in parts and path not in listed:
                hint = f"Add it to {BOOK}, or move it elsewhere."
                message = f"{BOOK} does not list this chapter"
                self.diagnostics.add("chapter-unlisted", Position(path), message, hint)

    # -- the rest ---------------------------------------------------------------------------------

    def _optional(self, path: str, parse: Callable[[str, str, Diagnostics], _T]) -> _T | None:
        """Parse a file that a book may do without."""
        if not (self.files.root / path).exists():
            return None
        text = self.files.read_text(path, Position(path))
        return None if text is None else parse(text, path, self.diagnostics)

    def _terms(self) -> Iterator[Term]:
        for entry in self._optional(GLOSSARY, parse_glossary) or ():
            findings = Findings()
            definition = read_text(Role.DEFINITION, entry.definition, self.library, findings)
            self._refuse_citations(findings, entry.definition.position)
            see = tuple(text.text for text in entry.see)
            yield Term(
                id=entry.id,
                zh=entry.zh,
                en=entry.en,
                abbr=entry.abbr,
                definition=definition,
                see=see,
                avoid=entry.avoid,
                was=entry.was,
                position=entry.position,
            )

    def _page(self, name: Text) -> Page | None:
        path = f"content/{name.text}"
        text = self.files.read_text(path, name.position)
        if text is None:
            return None
        matter = read_front_matter(text, path, self.diagnostics, abstract=False)
        reader = TextReader(path, matter.body, self.library)
        findings = Findings()
        reader.check_nesting(reader.tokens, 1)
        block = reader.block(Role.PAGE, reader.tokens, findings)
        self._refuse_citations(findings, block.position)
        reader.finish()
        return Page(Path(name.text).stem, matter.title, block)

    def _refuse_citations(self, findings: Findings, position: Position) -> None:
        """Only chapters end in a list of works."""
        for key in findings.citations:
            hint = "Name the work in words, or cite it in a chapter."
            self.diagnostics.add("citation-misplaced", position, f"“{key}” is cited here", hint)

    def _figures(self) -> dict[str, Figure]:
        return {path: figure for path, figure in self.library.figures.items() if figure}

    # -- links ------------------------------------------------------------------------------------

    def _anchors(self, parts: Sequence[Part], terms: Sequence[Term]) -> dict[str, Anchor]:
        """Every place that a link can lead to, by the id that links name."""
        anchors: dict[str, Anchor] = {}
        for chapter in (chapter for part in parts for chapter in part.chapters):
            for question in chapter.questions:
                number = f"{chapter.number}.{question.number}"
                anchors[question.id] = Anchor(
                    Kind.QUESTION, question.id, chapter.id, number, question.title
                )
            anchors |= self._numbered(chapter)
        for term in terms:
            anchors[f"term-{term.id}"] = Anchor(Kind.TERM, term.id, "", "", term.zh)
        return anchors

    def _numbered(self, chapter: Chapter) -> dict[str, Anchor]:
        """The chapter's figures and tables, numbered in reading order; all of them get an id."""
        anchors: dict[str, Anchor] = {}
        counts = {Kind.FIGURE: 0, Kind.TABLE: 0}
        for token in walk([token for block in _page_order(chapter) for token in block.tokens]):
            if token.type not in {"figure", "table_open"}:
                continue
            kind = Kind.FIGURE if token.type == "figure" else Kind.TABLE
            caption = token.children if kind is Kind.FIGURE else token.meta.get("caption")
            if not caption and not token.meta["id"]:
                continue
            counts[kind] += 1
            identifier = token.meta["id"] or f"{chapter.id}-{counts[kind]}"
            if token.meta["id"]:
                self._register(identifier, token.meta["position"])
            token.meta["anchor"] = f"{kind}:{identifier}" if not token.meta["id"] else identifier
            number = f"{chapter.number}-{counts[kind]}"
            name = identifier.removeprefix("fig-").removeprefix("tbl-")
            anchors[token.meta["anchor"]] = Anchor(
                kind, name, chapter.id, number, plain(caption or [])
            )
        return anchors

    def _check_links(self, anchors: dict[str, Anchor]) -> None:
        for identifier, position in self.library.links:
            if identifier not in anchors:
                hint = "Links lead to questions, #fig-… figures, #tbl-… tables and #term-… terms."
                self.diagnostics.add("link-broken", position, f"there is no “{identifier}”", hint)


def _page_order(chapter: Chapter) -> Iterator[Block]:
    """The chapter's blocks as they stand on its pages: by line, boxes between paragraphs."""
    for question in chapter.questions:
        yield from sorted(question.blocks, key=lambda block: block.position)
