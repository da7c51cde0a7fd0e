"""From a book to its notes: what stands in every field, which tags, in which deck."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from generator.diagnostics import Diagnostics, Position
from generator.exporters import Context
from generator.exporters.anki_schema import NOTE_TYPES, guid
from generator.exporters.anki_target import CardTarget, ClozeTarget, finish_field, source_entry
from generator.exporters.anki_text import anki_text, keep_code_points
from generator.model import Book, Chapter, Cloze, Kind, Part, Question, Term
from generator.render import Writer

TERMS_LABEL = "99 术语"
"""The subdeck of the glossary: last, as far as labels begin with two digits."""


@dataclass(frozen=True, slots=True)
class CardNote:
    """A note as the package holds it.

    ``fields`` are in the order of its note type; ``ordinals`` say which cards it has: indexes of
    templates, or numbers of gaps less one.
    """

    kind: Kind
    guid: str
    fields: tuple[str, ...]
    tags: tuple[str, ...]
    ordinals: tuple[int, ...]
    deck: str
    position: Position


def deck_name(*labels: str) -> str:
    """A deck's full name. Anki parts levels by ``::`` and drops quotes."""
    return unicodedata.normalize("NFC", "::".join(map(_deck_label, labels)))


def _deck_label(label: str) -> str:
    return re.sub(r'["\x00-\x1f]+', "", label.replace("::", "：")).strip()


def tag(*titles: str) -> str:
    """A hierarchical tag. Anki parts tags at spaces, and their levels at ``::``."""
    levels = (re.sub(r'[\s:"\x00-\x1f]+', "_", title).strip("_") for title in titles)
    return unicodedata.normalize("NFC", "::".join(levels))


class NoteMaker:
    """Makes the notes of a book; afterwards ``media`` holds the pictures that they show."""

    def __init__(self, book: Book, context: Context) -> None:
        self.book = book
        self.templates = context.templates
        self.ledger = context.ledger
        self._target = CardTarget(book, context.formulas)
        self._writer = Writer(book, self._target)
        self._cloze_target = ClozeTarget(book, context.formulas)
        self._cloze_writer = Writer(book, self._cloze_target)

    @property
    def media(self) -> dict[str, bytes]:
        """Pictures by the name that the notes show them under."""
        return dict(sorted((self._target.media | self._cloze_target.media).items()))

    def notes(self) -> Iterator[CardNote]:
        """All notes in the book's order, each question before its clozes; the glossary last."""
        for part in self.book.parts:
            for chapter in part.chapters:
                for question in chapter.questions:
                    yield self._question(part, chapter, question)
                    for cloze in question.clozes:
                        yield self._cloze(part, chapter, question, cloze)
        for term in self.book.terms:
            yield self._term(term)

    def _question(self, part: Part, chapter: Chapter, question: Question) -> CardNote:
        values = {
            "编号": question.id,
            "问题": self._part("prompt", question),
            "一句话": self._part("brief", question),
            "详解": self._part("answer", question),
            "误区": self._part("pitfall", question),
            "追问": self._part("followup", question),
            "出处": self._sources(question),
            "章节": _trail(part, chapter),
            "级别": str(question.level),
            "高频": "高频" if question.hot else "",
        }
        return CardNote(
            kind=Kind.QUESTION,
            guid=self._guid(Kind.QUESTION, question),
            fields=NOTE_TYPES[Kind.QUESTION].fill(values),
            tags=(*_topic_tags(part, chapter, question), _kind_tag(Kind.QUESTION)),
            ordinals=(0,),
            deck=deck_name(self.book.title, part.label, chapter.label),
            position=question.position,
        )

    def _cloze(self, part: Part, chapter: Chapter, question: Question, cloze: Cloze) -> CardNote:
        values = {
            "编号": cloze.id,
            "填空": self._render("cloze", self._cloze_writer, cloze),
            "问题": self._part("prompt", question),
            "出处": self._sources(question),
            "章节": _trail(part, chapter),
        }
        return CardNote(
            kind=Kind.CLOZE,
            guid=self._guid(Kind.CLOZE, cloze),
            fields=NOTE_TYPES[Kind.CLOZE].fill(values),
            tags=(*_topic_tags(part, chapter, question), _kind_tag(Kind.CLOZE)),
            ordinals=tuple(sorted({gap.number - 1 for gap in cloze.gaps})),
            deck=deck_name(self.book.title, part.label, chapter.label),
            position=cloze.position,
        )

    def _term(self, term: Term) -> CardNote:
        values = {
            "编号": term.id,
            "中文": finish_field(anki_text(term.zh)),
            "英文": finish_field(anki_text(term.en)),
            "缩写": finish_field(anki_text(term.abbr)),
            "释义": finish_field(self._writer.block(term.definition)),
        }
        return CardNote(
            kind=Kind.TERM,
            guid=self._guid(Kind.TERM, term),
            fields=NOTE_TYPES[Kind.TERM].fill(values),
            tags=(_kind_tag(Kind.TERM),),
            ordinals=(0, 1),
            deck=deck_name(self.book.title, TERMS_LABEL),
            position=term.position,
        )

    def _guid(self, kind: Kind, item: Question | Cloze | Term) -> str:
        """What was released keeps its GUID; a renamed item stays the note that it was."""
        entry = self.ledger.find(kind, item.id, item.was)
        return entry.guid if entry else guid(self.book, kind, item.was or item.id)

    def _part(self, macro: str, question: Question) -> str:
        return self._render(macro, self._writer, question)

    def _sources(self, question: Question) -> str:
        entries = (source_entry(self.book.references[key]) for key in question.citations)
        return self._render("sources", [Markup(entry) for entry in entries])  # noqa: S704 - escaped

    def _render(self, macro: str, *arguments: object) -> str:
        return finish_field(self.templates.call("question.html.j2", macro, *arguments))


def _trail(part: Part, chapter: Chapter) -> str:
    """Where the note is from, in titles: numbers would change with the neighbours."""
    return keep_code_points(f"{anki_text(part.title)} · {anki_text(chapter.title)}")


def _topic_tags(part: Part, chapter: Chapter, question: Question) -> tuple[str, ...]:
    hot = ("高频",) if question.hot else ()
    return tag("主题", part.title, chapter.title), tag("级别", str(question.level)), *hot


def _kind_tag(kind: Kind) -> str:
    return tag("题型", NOTE_TYPES[kind].name)


def check_notes(notes: list[CardNote]) -> None:
    """Hold against the notes what Anki would lose silently: twins, empty fronts, gapless clozes."""
    diagnostics = Diagnostics()
    seen: dict[str, CardNote] = {}
    for note in notes:
        identifier, front = note.fields[0], note.fields[1]
        twin = seen.setdefault(note.guid, note)
        if twin is not note:
            message = f"the note “{identifier}” would replace “{twin.fields[0]}” of {twin.position}"
            diagnostics.add("export-failed", note.position, message, "Is a “was” used twice?")
        if not front:
            message = f"the card “{identifier}” has nothing on its front"
            diagnostics.add("export-failed", note.position, message)
        if not note.ordinals:
            diagnostics.add("cloze-no-gap", note.position, f"the cloze “{identifier}” has no gap")
    diagnostics.raise_errors()
