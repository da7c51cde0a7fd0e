"""What can be wrong with a book, and where: every problem is a :class:`Diagnostic`.

A phase collects all of its problems in a :class:`Diagnostics` and raises one :class:`BookError` at
its end, so that an author sees everything at once, in order of position.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Severity(StrEnum):
    """How much a diagnostic matters: only errors fail a check or stop a build."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a source file.

    ``path`` is relative to the book's root, with forward slashes; ``line`` and ``column`` count
    from 1, in characters.
    """

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of problem: its name, how severe it is, and one sentence for the documentation."""

    name: str
    severity: Severity
    summary: str


def _codes(severity: Severity, summaries: dict[str, str]) -> dict[str, Code]:
    return {name: Code(name, severity, summary) for name, summary in summaries.items()}


CODES = MappingProxyType(
    _codes(
        Severity.ERROR,
        {
            # Files
            "file-missing": "A file that the book names does not exist or cannot be read.",
            "file-not-utf8": "A text file holds bytes that are not UTF-8.",
            "file-nul": "A text file holds a NUL byte.",
            "file-too-large": "A source file is larger than the limit.",
            "path-outside": "A path leaves the book's folder.",
            # YAML
            "yaml-syntax": "A YAML file or a front matter does not parse.",
            "yaml-alias": "YAML anchors and aliases are refused: they can stand for gigabytes.",
            "yaml-depth": "YAML is nested too deeply.",
            "yaml-duplicate-key": "A YAML mapping holds a key twice.",
            "key-unknown": "A mapping holds a key that nobody reads.",
            "key-missing": "A mapping lacks a key that is required.",
            "value-invalid": "A value is of the wrong type or form.",
            # Book
            "chapter-missing": "book.yaml lists a chapter that has no file.",
            "chapter-duplicate": "book.yaml lists a chapter or a deck label twice.",
            "chapter-unlisted": "A chapter file is not listed in book.yaml.",
            "front-matter-missing": "A chapter does not begin with a front matter.",
            # Identity
            "id-missing": "A level-2 heading or a cloze has no id.",
            "id-malformed": "An id is not ASCII kebab-case.",
            "id-duplicate": "An id is used twice.",
            # Questions
            "level-missing": "A question has no level.",
            "answer-empty": "An answer is empty, or does not begin with a paragraph.",
            "text-outside-question": "A chapter holds text before its first question.",
            "heading-level": "A heading has a level that its place does not allow.",
            # Attributes, divs and spans
            "attribute-invalid": "An attribute is malformed, unknown, or has a bad value.",
            "div-unclosed": "A fenced div is never closed, or closed without being opened.",
            "div-unknown": "A fenced div has a class that is not known.",
            "div-nested": "A fenced div stands where its kind may not stand.",
            "cloze-no-gap": "A cloze holds no gap.",
            "cloze-number": "A gap has no number, or a number that is not between 1 and 500.",
            "gap-outside-cloze": "A gap stands outside a cloze.",
            "gap-empty": "A gap hides nothing.",
            # Links, citations, notes
            "link-broken": "A link leads to an id that does not exist.",
            "link-empty": "A link to a page outside the book has no text.",
            "address-forbidden": "An address is not one that a book may hold.",
            "citation-unknown": "A citation names a work that is not in references.yaml.",
            "citation-bare": "A citation stands outside square brackets.",
            "citation-misplaced": "A citation stands where no list of works follows.",
            "footnote-unknown": "A footnote is referred to but not defined.",
            "footnote-nested": "A footnote calls another one.",
            "term-unknown": "A glossary entry refers to an entry that does not exist.",
            # Figures
            "figure-missing": "A figure's file does not exist.",
            "figure-unreadable": "A figure is damaged, too large, or of no supported kind.",
            "figure-hostile": "An SVG figure holds something that is not drawing.",
            "figure-alt-missing": "A figure has no description.",
            # Text
            "raw-html": "Raw HTML stands in the text.",
            "nesting-too-deep": "Blocks or spans are nested too deeply.",
            "paragraph-too-long": "A paragraph is longer than the limit.",
            "math-failed": "A formula cannot be typeset.",
            "math-misplaced": "Display math stands inside a paragraph.",
            "code-unclosed": "A fenced code block is never closed.",
            "fonts-missing": "The fonts that print needs are not installed.",
            "glyph-missing": "A character is in none of the fonts that print uses.",
            # Editions
            "ledger-damaged": "The ledger is not as `studyguide release` wrote it.",
            "guid-duplicate": "Two notes of the ledger share a GUID.",
            "uid-changed": "The book's uid is not the one that it was released with.",
            "id-reused": "An id stands for something other than what was released under it.",
            "gap-reused": "A gap has a number that another gap had in an earlier release.",
            "gap-moved": "An answer has moved from one gap number to another.",
            "label-changed": "The name of a deck is not the one that it was released with.",
            "schema-changed": "A note type's fields or templates are not the released ones.",
            "rename-unknown": "A “was” names nothing that could have been renamed.",
            "release-order": "A release is not newer than the last one.",
            "release-edition": "A release's version is not the edition of book.yaml.",
            # Chinese text: found by `studyguide check`, they stop no build
            "text-spacing": "Spaces or marks are not as autocorrect writes them.",
            "mark-half-width": "A half-width mark stands in a Chinese sentence.",
            "quote-straight": "A straight quote stands in a Chinese sentence.",
            "ellipsis-malformed": "An ellipsis is not ……",
            "dash-malformed": "A dash is not ——",
            "bracket-unpaired": "A bracket or quote has no partner in its paragraph.",
            "term-variant": "A term is not written as the glossary has it.",
            "answer-long": "The first paragraph is too long for a one-sentence answer.",
            "reference-unused": "Nobody cites a work of references.yaml.",
            "question-duplicate": "Two questions ask almost the same.",
            "exemption-unused": "book.yaml excuses what is not there.",
            # Builds
            "template-failed": "A template cannot be rendered.",
            "export-failed": "An exporter could not write its artefact.",
        },
    )
    | _codes(
        Severity.WARNING,
        {
            "chapter-empty": "A chapter holds no question.",
            "footnote-unused": "A footnote is defined but never referred to.",
            "line-finishing-off": "The line finishing does not know this WeasyPrint and is off.",
        },
    )
    | _codes(
        Severity.ADVICE,
        {
            "abbreviation-early": "An abbreviation stands before what it is short for.",
            "number-unsourced": "A figure in an often-asked answer has no source beside it.",
        },
    )
)
"""Every code, by name. The documentation and a golden test hold one entry for each."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: what, where, and what to do about it."""

    code: str
    position: Position
    message: str
    hint: str = ""

    @property
    def severity(self) -> Severity:
        """The severity of the code."""
        return CODES[self.code].severity

    def __str__(self) -> str:
        return f"{self.position}: {self.severity} [{self.code}] {self.message}"


class BookError(Exception):
    """A phase ended with errors; ``diagnostics`` holds all that it found, sorted."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(str, self.diagnostics)))


@dataclass(slots=True)
class Diagnostics:
    """A collector of problems, each kept once."""

    _items: dict[Diagnostic, None] = field(default_factory=dict)

    def add(self, code: str, position: Position, message: str, hint: str = "") -> None:
        """Record a problem. ``code`` is a key of :data:`CODES`."""
        if code not in CODES:
            raise KeyError(code)
        self._items[Diagnostic(code, position, message, hint)] = None

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Record problems that another phase found."""
        self._items.update(dict.fromkeys(diagnostics))

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(sorted(self._items, key=lambda d: (d.position, d.code, d.message)))

    def __len__(self) -> int:
        return len(self._items)

    @property
    def has_errors(self) -> bool:
        """Whether anything recorded stops a build."""
        return any(item.severity is Severity.ERROR for item in self._items)

    def raise_errors(self) -> None:
        """End a phase: raise :class:`BookError` if any error was recorded."""
        if self.has_errors:
            raise BookError(self)
