"""The handbook's contents as its templates see them: numbered, named, and with works cited."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from markupsafe import Markup

from generator.bibliography import gbt7714
from generator.characters import is_wide
from generator.exporters.numerals import chinese_numeral
from generator.exporters.print_markup import Pictures, PrintTarget, TitleTarget
from generator.model import Block, Book, Chapter, Kind, Page, Part, Question
from generator.render import Writer


@dataclass(frozen=True, slots=True)
class Work:
    """An entry of a reference list."""

    number: int
    anchor: str
    text: str
    address: str


@dataclass(frozen=True, slots=True)
class PrintQuestion:
    """A question with its printed number. ``short`` is its title for the contents."""

    source: Question
    number: str
    anchor: str
    title: str
    head: str
    short: Markup


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer of a self-test, under its mark."""

    mark: str
    text: Markup


@dataclass(frozen=True, slots=True)
class SelfTest:
    """A cloze as a line with blanks, and what belongs in them."""

    anchor: str
    question: PrintQuestion
    text: Markup
    answers: tuple[GivenAnswer, ...]


class Scope:
    """A chapter or a page: the stretch within which citations are numbered."""

    def __init__(
        self, book: Book, name: str, chapter: str, pictures: Pictures, works: Sequence[str]
    ):
        self.book = book
        self.target = PrintTarget(name, chapter, pictures, works)
        self.writer = Writer(book, self.target, places=True)

    @property
    def works(self) -> list[Work]:
        """The works cited so far. Ask when everything else of the section has been written."""
        works = []
        for key in self.target.works:
            entry = gbt7714(self.book.references[key])
            number, anchor = self.target.work_number(key), self.target.work_anchor(key)
            works.append(Work(number, anchor, entry.text, entry.address))
        return works


class PrintChapter(Scope):
    """A chapter for the templates."""

    def __init__(self, book: Book, chapter: Chapter, pictures: Pictures, head: int):
        super().__init__(book, str(chapter.number), chapter.id, pictures, chapter.citations)
        self.anchor = f"chapter-{chapter.id}"
        self.numeral = chinese_numeral(chapter.number)
        self.title = chapter.title
        self.position = chapter.position
        self.abstract: Block | None = chapter.abstract
        self.head = shorten(f"第{self.numeral}章　{chapter.title}", head // 2)
        left = head - columns(self.head)
        titles = Writer(book, TitleTarget("titles", chapter.id, pictures, ()))
        self.questions = [_question(book, question, titles, left) for question in chapter.questions]

    def self_tests(self) -> list[SelfTest]:
        """The chapter's clozes in order."""
        tests = []
        for question in self.questions:
            for cloze in question.source.clozes:
                text = self.writer.block(cloze.block)
                answers = tuple(
                    GivenAnswer(answer.mark, Markup(answer.words))  # noqa: S704 - the writer escaped it
                    for answer in self.target.take_answers()
                )
                tests.append(SelfTest(f"{Kind.CLOZE}-{cloze.id}", question, text, answers))
        return tests


class PrintPart:
    """A part for the templates."""

    def __init__(self, book: Book, part: Part, pictures: Pictures, head: int):
        self.anchor = f"part-{part.id}"
        self.number = part.number
        self.numeral = chinese_numeral(part.number)
        self.title = part.title
        self.chapters = [PrintChapter(book, chapter, pictures, head) for chapter in part.chapters]


class PrintPage(Scope):
    """A page of front or back matter for the templates. ``side`` is ``front`` or ``back``."""

    def __init__(self, book: Book, page: Page, pictures: Pictures, side: str):
        super().__init__(book, page.id, "", pictures, ())
        self.anchor = f"page-{page.id}"
        self.title = page.title
        self.block = page.block
        self.side = side


def _question(book: Book, question: Question, titles: Writer, head: int) -> PrintQuestion:
    anchor = book.anchors[question.id]
    running = shorten(f"{anchor.number}　{question.title}", head - 2)
    short = titles.inline(question.prompt)
    return PrintQuestion(question, anchor.number, anchor.name, question.title, running, short)


_WORD_END = re.compile(r"[0-9A-Za-z-]+$")
_WORD_START = re.compile(r"[0-9A-Za-z-]")


def columns(text: str) -> int:
    """The width of a text in columns: two for what is as wide as a Han character."""
    return ceil(sum(map(_columns, text)))


def _columns(character: str) -> float:
    return 2 if is_wide(character) else 1.5 if character.isupper() else 1


def shorten(text: str, width: int) -> str:
    """Cut a text to ``width`` columns, the ellipsis among them."""
    if columns(text) <= width:
        return text
    kept = text
    while columns(kept) > width - 4:
        kept = kept[:-1]
    if _WORD_END.search(kept) and _WORD_START.match(text, len(kept)):
        kept = _WORD_END.sub("", kept)
    return kept.rstrip("，、；：　 ") + "……"
