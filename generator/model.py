"""The book as its exporters see it: frozen dataclasses, semantics only, no markup of any output.

``Block.tokens`` is the parsed form of ``Block.text`` (markdown-it tokens, which nobody changes once
the reader has handed them over), so that a text is parsed once however many outputs show it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from generator.diagnostics import Position

if TYPE_CHECKING:
    from markdown_it.token import Token


class Role(StrEnum):
    """What a block of text is for."""

    PROMPT = "prompt"
    BRIEF = "brief"
    ANSWER = "answer"
    PITFALL = "pitfall"
    FOLLOWUP = "followup"
    CLOZE = "cloze"
    ABSTRACT = "abstract"
    DEFINITION = "definition"
    PAGE = "page"


class Kind(StrEnum):
    """What a link can lead to; the prefix of the anchor that stands there in every output."""

    QUESTION = "q"
    CLOZE = "c"
    TERM = "t"
    FIGURE = "f"
    TABLE = "b"


@dataclass(frozen=True, slots=True)
class Block:
    """A run of source text with one role.

    ``plain`` is its text without markup, formulas in readable characters: for titles, bookmarks
    and searching.
    """

    role: Role
    text: str
    position: Position
    plain: str
    tokens: tuple[Token, ...] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Gap:
    """A hidden answer of a cloze. Gaps with one number make one card; numbers are permanent."""

    number: int
    hint: str
    position: Position


@dataclass(frozen=True, slots=True)
class Cloze:
    """A fill-in note with a permanent id. ``was`` is the id it had before a rename, or ``""``."""

    id: str
    block: Block
    gaps: tuple[Gap, ...]
    was: str
    position: Position


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answer.

    ``number`` counts from 1 in the chapter. ``citations`` are the keys of the works that prompt,
    answer and clozes cite, in order of first mention.
    """

    id: str
    number: int
    level: int
    hot: bool
    was: str
    prompt: Block
    brief: Block
    answer: tuple[Block, ...]
    pitfalls: tuple[Block, ...]
    followups: tuple[Block, ...]
    clozes: tuple[Cloze, ...]
    citations: tuple[str, ...]
    position: Position

    @property
    def title(self) -> str:
        """The question in plain text."""
        return self.prompt.plain

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Every block in the order of the page: prompt, answer, boxes, clozes."""
        return (
            self.prompt,
            self.brief,
            *self.answer,
            *self.pitfalls,
            *self.followups,
            *(cloze.block for cloze in self.clozes),
        )


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter. ``number`` counts from 1 in the book; ``label``, its subdeck's, is permanent."""

    id: str
    number: int
    title: str
    label: str
    abstract: Block | None
    questions: tuple[Question, ...]
    citations: tuple[str, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Part:
    """A part. ``number`` counts from 1; ``label`` is its subdeck's, and permanent."""

    id: str
    number: int
    title: str
    label: str
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """An entry of the glossary. ``avoid`` are words that the book does not use for it."""

    id: str
    zh: str
    en: str
    abbr: str
    definition: Block
    see: tuple[str, ...]
    avoid: tuple[str, ...]
    was: str
    position: Position


@dataclass(frozen=True, slots=True)
class Name:
    """An author: family and given name, or a literal (an organisation, ``et al.``)."""

    family: str = ""
    given: str = ""
    literal: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A work of references.yaml; the fields are CSL's."""

    id: str
    type: str
    title: str
    authors: tuple[Name, ...]
    year: str
    container: str
    publisher: str
    volume: str
    issue: str
    pages: str
    number: str
    doi: str
    url: str
    accessed: str
    position: Position


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture file of the book. ``path`` is relative to the root; sizes are in CSS pixels."""

    path: str
    media_type: str
    width: float
    height: float
    data: bytes = field(repr=False)

    @property
    def suffix(self) -> str:
        """The file name's ending, with its dot."""
        return {"image/svg+xml": ".svg", "image/png": ".png", "image/jpeg": ".jpg"}.get(
            self.media_type, ".webp"
        )

    @property
    def digest(self) -> str:
        """The content's name: 16 lower-case hexadecimal digits."""
        return hashlib.sha256(self.data).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place that a link can lead to.

    ``number`` is how books number it (``2.1``, ``2-1``; none for terms), ``title`` its plain title.
    """

    kind: Kind
    id: str
    chapter: str
    number: str
    title: str

    @property
    def name(self) -> str:
        """The anchor's name in EPUB and PDF alike: ``q-kv-cache-size``."""
        return f"{self.kind}-{self.id}"


@dataclass(frozen=True, slots=True)
class Exemption:
    """A lint that book.yaml excuses, with its reason: where ``text`` stands, or in all the book."""

    code: str
    text: str
    reason: str
    position: Position


@dataclass(frozen=True, slots=True)
class Page:
    """A page of front or back matter: a Markdown file of its own."""

    id: str
    title: str
    block: Block


@dataclass(frozen=True)
class Book:
    """A whole book, checked: every link, citation and figure in it resolves."""

    id: str
    uid: str
    title: str
    subtitle: str
    language: str
    authors: tuple[str, ...]
    license: str
    edition: str
    paper: str
    report_url: str
    front: tuple[Page, ...]
    parts: tuple[Part, ...]
    back: tuple[Page, ...]
    terms: tuple[Term, ...]
    references: Mapping[str, Reference]
    figures: Mapping[str, Figure]
    anchors: Mapping[str, Anchor]
    exemptions: tuple[Exemption, ...] = ()

    @property
    def chapters(self) -> Iterator[Chapter]:
        """All chapters in order."""
        return (chapter for part in self.parts for chapter in part.chapters)

    @property
    def questions(self) -> Iterator[Question]:
        """All questions in order."""
        return (question for chapter in self.chapters for question in chapter.questions)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Every block of the book in the order of its pages."""
        return (
            *(page.block for page in self.front),
            *(
                block
                for chapter in self.chapters
                for block in (
                    *((chapter.abstract,) if chapter.abstract else ()),
                    *(block for question in chapter.questions for block in question.blocks),
                )
            ),
            *(term.definition for term in self.terms),
            *(page.block for page in self.back),
        )
