"""The note types, and the ids by which Anki knows a book's notes, note types and decks again.

Everything here is frozen for ever: a field or template that is renamed, moved, added or removed
makes Anki treat the notes of readers as conflicting, and their reviews are lost to the book. Hence
explicit ids, spare fields, and a spare template that makes no card as long as its field is empty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from generator.model import Book, Kind

SPARE_FIELDS = ("备用1", "备用2", "备用3", "备用4")


@dataclass(frozen=True, slots=True)
class CardTemplate:
    """A card of a note type. ``stem`` names its files: ``templates/anki/<stem>-front.html.j2``."""

    name: str
    stem: str


@dataclass(frozen=True, slots=True)
class NoteType:
    """A note type. ``sort_field`` is the field that Anki's browser shows and sorts by."""

    kind: Kind
    name: str
    fields: tuple[str, ...]
    templates: tuple[CardTemplate, ...]
    sort_field: str

    def fill(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """The values in the order of the fields; fields without one are empty."""
        return tuple(values.get(name, "") for name in self.fields)


_SPARE_TEMPLATE = CardTemplate("备用", "spare")

NOTE_TYPES: Mapping[Kind, NoteType] = MappingProxyType(
    {
        Kind.QUESTION: NoteType(
            Kind.QUESTION,
            "问答",
            (
                *("编号", "问题", "一句话", "详解", "误区", "追问", "出处"),
                *("章节", "级别", "高频", *SPARE_FIELDS),
            ),
            (CardTemplate("问答", "question"), _SPARE_TEMPLATE),
            "问题",
        ),
        Kind.CLOZE: NoteType(
            Kind.CLOZE,
            "填空",
            ("编号", "填空", "问题", "出处", "章节", *SPARE_FIELDS),
            (CardTemplate("填空", "cloze"),),  # Anki makes a cloze's cards from one template
            "填空",
        ),
        Kind.TERM: NoteType(
            Kind.TERM,
            "术语",
            ("编号", "中文", "英文", "缩写", "释义", *SPARE_FIELDS),
            (
                CardTemplate("中→英", "term-forward"),
                CardTemplate("英→中", "term-backward"),
                _SPARE_TEMPLATE,
            ),
            "中文",
        ),
    }
)


def guid(book: Book, kind: Kind, identifier: str) -> str:
    """The GUID of a note, by which an import finds it again: 80 bits in hexadecimal."""
    return _digest(book, "note", kind, identifier)[:20]


def permanent_id(book: Book, *names: str) -> int:
    """The id of a note type, field, template or deck: positive, and exact as a JSON number.

    Anki's desktop passes ids through JavaScript, whose integers end at 2^53.
    """
    return int(_digest(book, *names)[:13], 16) | 1 << 51


def _digest(book: Book, *names: str) -> str:
    return hashlib.sha256("\x1f".join((book.uid, *names)).encode()).hexdigest()
