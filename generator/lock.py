"""The lock: what was released keeps its meaning, or readers would lose reviews.

Every breach is a diagnostic that says what they would suffer.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from generator.diagnostics import Diagnostics, Position
from generator.ledger import KINDS, Ledger, LedgerNote
from generator.markdown import plain
from generator.model import Block, Book, Cloze, Kind
from generator.yaml import Fields, parse_yaml

BOOK = "content/book.yaml"

Schema = Mapping[Kind, tuple[Sequence[str], Sequence[str]]]
"""The names of a note type's fields, and of its templates."""


@dataclass(frozen=True, slots=True)
class Item:
    """What becomes a note, as the ledger sees it: a question, a cloze or a term.

    ``chapter`` is ``part/chapter``; ``gaps`` maps the numbers to the hashes of what they hide.
    """

    kind: Kind
    id: str
    was: str
    chapter: str
    title: str
    position: Position
    gaps: Mapping[int, str] = field(default_factory=dict)
    gap_positions: Mapping[int, Position] = field(default_factory=dict)


def items(book: Book) -> Iterator[Item]:
    """All items in the book's order, each question before its clozes; the glossary last."""
    for part in book.parts:
        for chapter in part.chapters:
            place = f"{part.id}/{chapter.id}"
            for question in chapter.questions:
                title = question.title
                yield Item(
                    Kind.QUESTION, question.id, question.was, place, title, question.position
                )
                for cloze in question.clozes:
                    yield Item(
                        kind=Kind.CLOZE,
                        id=cloze.id,
                        was=cloze.was,
                        chapter=place,
                        title=title,
                        position=cloze.position,
                        gaps=_answers(cloze),
                        gap_positions={gap.number: gap.position for gap in reversed(cloze.gaps)},
                    )
    for term in book.terms:
        yield Item(Kind.TERM, term.id, term.was, "", term.zh, term.position)


def _answers(cloze: Cloze) -> dict[int, str]:
    """The hash of what each number hides. It tells an answer that moved from one that was edited.

    It is of the words, not of the markup, so that new markup looks like no move.
    """
    answers: defaultdict[int, list[str]] = defaultdict(list)
    for number, words in _gaps(cloze.block):
        answers[number].append("".join(words.split()))
    return {
        number: hashlib.sha256("\x1f".join(words).encode()).hexdigest()[:8]
        for number, words in sorted(answers.items())
    }


def _gaps(block: Block) -> Iterator[tuple[int, str]]:
    for inline in block.tokens:
        children = inline.children or []
        for start, token in enumerate(children):
            if token.type != "span_open":
                continue
            depth = 0
            for end in count(start):
                depth += {"span_open": 1, "span_close": -1}.get(children[end].type, 0)
                if not depth:
                    break
            yield token.meta["gap"], plain(children[start + 1 : end])


# -- checking -------------------------------------------------------------------------------------


def check_lock(
    book: Book, ledger: Ledger, book_yaml: str, schema: Schema, diagnostics: Diagnostics
) -> None:
    """Hold a book against what was released. ``book_yaml`` is the text of its book.yaml.

    Without a release there is nothing to lock.
    """
    if not ledger.releases:
        return
    where = places(book_yaml)
    if book.uid != ledger.uid:
        message = f"the uid was “{ledger.uid}” when the book was released"
        hint = (
            "Under another one Anki takes all note types and decks for those of another book, and "
            "no update reaches a card that readers hold. For a book of your own, delete "
            "content/ledger.yaml and content/CHANGES.md."
        )
        diagnostics.add("uid-changed", where.get("uid", Position(BOOK)), message, hint)
    _check_labels(book, ledger, where, diagnostics)
    _check_schema(ledger, schema, diagnostics)
    _ItemLock(list(items(book)), ledger, diagnostics).check()


def places(book_yaml: str) -> dict[str, Position]:
    """Where book.yaml says what the lock looks at: the uid, the title, and every label."""
    fields = parse_yaml(book_yaml, BOOK, Diagnostics())
    if not isinstance(fields, Fields):
        return {}
    found = {"uid": fields.at("uid"), "": fields.at("title"), "edition": fields.at("edition")}
    for part in fields.mappings("parts"):
        found[part.text("id")] = part.at("label")
        for chapter in part.mappings("chapters"):
            found[f"{part.text('id')}/{chapter.text('id')}"] = chapter.at("label")
    return found


def _check_labels(
    book: Book, ledger: Ledger, where: Mapping[str, Position], diagnostics: Diagnostics
) -> None:
    if book.title != ledger.title:
        message = f"the book was released as “{ledger.title}”, which is its deck's name"
        hint = (
            "Under another name readers would get a second deck beside the old one: new cards "
            "there, all that they have studied here."
        )
        diagnostics.add("label-changed", where.get("", Position(BOOK)), message, hint)
    labels = {part.id: part.label for part in book.parts} | {
        f"{part.id}/{chapter.id}": chapter.label for part in book.parts for chapter in part.chapters
    }
    for place, label in labels.items():
        released = ledger.labels.get(place, label)
        if label != released:
            message = f"the deck of “{place}” was released as “{released}”"
            hint = (
                "Under another label readers would get a second deck: new cards there, the old "
                "ones here. A chapter that comes between two takes a label that sorts between "
                "theirs, such as “02a …”."
            )
            diagnostics.add("label-changed", where.get(place, Position(BOOK)), message, hint)


def _check_schema(ledger: Ledger, schema: Schema, diagnostics: Diagnostics) -> None:
    for kind, entry in ledger.note_types.items():
        released = (entry.fields, entry.templates)
        for what, before, now in zip(
            ("fields", "templates"), released, schema.get(kind, ((), ())), strict=True
        ):
            if tuple(now) == before:
                continue
            names = ", ".join(before)
            message = f"the note type “{kind}” was released with the {what} {names}"
            hint = (
                f"Now it has {', '.join(now) or 'none'}. Anki would call every note of this type "
                "conflicting, update none of them any more, and add a second note type. Use the "
                "spare fields and templates."
            )
            diagnostics.add("schema-changed", entry.position, message, hint)


class _ItemLock:
    """Holds the items against the ledger's notes."""

    def __init__(self, found: Sequence[Item], ledger: Ledger, diagnostics: Diagnostics) -> None:
        self.items = found
        self.ledger = ledger
        self.diagnostics = diagnostics
        self.live = {(item.kind, item.id) for item in found}
        self.claimed: dict[str, Item] = {}

    def check(self) -> None:
        for item in self.items:
            if item.was:
                self._check_rename(item)
            entry = self.ledger.find(item.kind, item.id, item.was)
            if entry is None:
                self._check_new(item)
                continue
            self._check_claim(item, entry)
            self._check_gaps(item, entry)

    def _add(self, code: str, position: Position, message: str, hint: str) -> None:
        self.diagnostics.add(code, position, message, hint)

    def _check_rename(self, item: Item) -> None:
        own = self.ledger.find(item.kind, item.id)
        before = self.ledger.find(item.kind, item.was)
        if own and own is before:
            return  # the release has it already
        if (item.kind, item.was) in self.live:
            message = f"“{item.id}” was “{item.was}”, which is still in the book"
            hint = "Two notes cannot share one history: readers' reviews would go to either."
        elif own:
            message = f"“{item.id}” was released itself, and not as “{item.was}”"
            hint = "Its cards have reviews of their own: remove the “was”."
        elif before is None:
            message = f"nothing was ever released as “{item.was}”"
            hint = (
                "The cards would be new to readers, and the reviews of the old ones stay behind. "
                "Write the id of the last release, or remove the “was”."
            )
        else:
            return
        self._add("rename-unknown", item.position, message, hint)

    def _check_new(self, item: Item) -> None:
        """An id that is new for its kind must not have stood for another one."""
        for kind in KINDS:
            entry = self.ledger.notes.get((kind, item.id))
            if kind is item.kind or entry is None or (kind, item.id) in self.live:
                continue
            message = f"“{item.id}” was released as {_WHAT[kind]}, and is {_WHAT[item.kind]} now"
            hint = (
                "Readers would keep the old cards, get new ones without a review, and find both "
                "under one 编号. Choose another id."
            )
            self._add("id-reused", item.position, message, hint)

    def _check_claim(self, item: Item, entry: LedgerNote) -> None:
        """One note of readers for one item."""
        other = self.claimed.setdefault(entry.guid, item)
        if other is not item:
            message = f"“{item.id}” would replace “{other.id}” of {other.position}"
            hint = (
                f"Both are what readers hold as “{entry.id}”: one would come with the reviews of "
                "the other. Choose another id."
            )
            self._add("id-reused", item.position, message, hint)

    def _check_gaps(self, item: Item, entry: LedgerNote) -> None:
        released = entry.gaps
        for number, answer in item.gaps.items():
            position = item.gap_positions[number]
            if number in entry.retired:
                message = f"gap {number} was another card until it was taken out"
                hint = (
                    "Readers still have that card, and its reviews would be taken for this "
                    f"answer's. Take a number that was never used, such as {_unused(item, entry)}."
                )
                self._add("gap-reused", position, message, hint)
            elif released.get(number) != answer:
                origin = _origin(answer, number, item.gaps, released)
                if origin:
                    message = f"gap {number} hides what gap {origin} hid in the last release"
                    hint = (
                        "Readers' reviews stay with the number: they would be asked one answer at "
                        f"the intervals of another. Give this answer {origin} again, and new "
                        f"gaps numbers that were never used, such as {_unused(item, entry)}."
                    )
                    self._add("gap-moved", position, message, hint)


def _origin(
    answer: str, number: int, now: Mapping[int, str], released: Mapping[int, str]
) -> int | None:
    """The number that hid this answer, if it hides it no more."""
    for other, before in released.items():
        if other != number and before == answer != now.get(other):
            return other
    return None


def _unused(item: Item, entry: LedgerNote) -> int:
    return max((*item.gaps, *entry.gaps, *entry.retired, 0)) + 1


_WHAT = {Kind.QUESTION: "a question", Kind.CLOZE: "a cloze", Kind.TERM: "a term"}
