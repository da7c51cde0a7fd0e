"""Releasing an edition: ``studyguide release``. It moves the ledger and the change log on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator.build import MATH_CACHE, Reporter, check_edition, write_together
from generator.changes import render_changes
from generator.diagnostics import Diagnostics, Position
from generator.exporters import Context
from generator.exporters.anki_edition import note_digest
from generator.exporters.anki_notes import CardNote, NoteMaker, check_notes
from generator.exporters.anki_schema import NOTE_TYPES
from generator.exporters.apkg import note_type_digest
from generator.ledger import (
    CHANGES,
    KINDS,
    LEDGER,
    VERSION_PATTERN,
    Ledger,
    LedgerNote,
    LedgerNoteType,
    Move,
    Release,
    Rename,
    version_key,
    write_ledger,
)
from generator.lock import BOOK, Item, items, places
from generator.model import Book, Kind
from generator.render import Templates
from generator.source.files import BookFiles


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a release did. ``release`` is ``None`` if nothing had changed: then nothing was written.

    ``last`` is the version before, ``listed`` whether book.yaml shows the change log.
    """

    release: Release | None
    last: str
    listed: bool


@dataclass(frozen=True, slots=True)
class Deck:
    """What a build would put into the deck now: GUIDs and hashes of notes, hashes of note types."""

    notes: Mapping[tuple[Kind, str], tuple[str, str]]
    note_types: Mapping[Kind, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A release as it was asked for: at ``time``, which is not later than ``now``."""

    version: str
    time: int
    now: int


def release_book(
    root: Path, wanted: Wanted, diagnostics: Diagnostics, reporter: Reporter
) -> Outcome:
    """Check a book and move its ledger on to the release.

    Raises :class:`~generator.diagnostics.BookError`; nothing has been written then. Warnings stay
    in ``diagnostics``.
    """
    cache = root / "build" / "cache" / MATH_CACHE
    book, formulas, ledger = check_edition(
        root, cache if cache.parent.is_dir() else None, diagnostics, reporter
    )
    check_release(wanted, book, ledger, (root / BOOK).read_text("utf-8"), diagnostics)
    reporter.step("deck")
    templates = Templates(root / "templates")
    context = Context(formulas, templates, cache.parent, wanted.time, ledger=ledger)
    content = BookFiles(root, diagnostics).digest()
    after = next_ledger(book, make_deck(book, context), ledger, wanted, content)
    last = ledger.latest.version if ledger.latest else ""
    listed = any(Path(CHANGES).stem == page.id for page in (*book.front, *book.back))
    if holds_the_same(ledger, after):
        return Outcome(None, last, listed)
    # The ledger comes last: as long as it is the old one, the release has not happened.
    write_together(
        {
            root / CHANGES: render_changes(after).encode(),
            root / LEDGER: write_ledger(after).encode(),
        }
    )
    return Outcome(after.latest, last, listed)


def check_release(
    wanted: Wanted, book: Book, ledger: Ledger, book_yaml: str, diagnostics: Diagnostics
) -> None:
    """Hold a release against book.yaml, the release before it, and the clock."""
    version = wanted.version
    edition = places(book_yaml).get("edition", Position(BOOK))
    if not re.fullmatch(VERSION_PATTERN, version):
        message = f"“{version}” is not a version: numbers with dots between, such as 0.2"
        diagnostics.add("value-invalid", edition, message)
        diagnostics.raise_errors()
    if version != book.edition:
        message = f"the release is {version}, but the book calls itself edition {book.edition}"
        hint = "Readers would look up the wrong edition in the change log: make both the same."
        diagnostics.add("release-edition", edition, message, hint)
    last = ledger.latest
    if last and version_key(version) <= version_key(last.version):
        message = f"release {version} is not newer than {last.version}, the last one"
        hint = "Readers tell by the version which of two decks they are to import last."
        diagnostics.add("release-order", edition, message, hint)
    if last and wanted.time <= last.time:
        message = f"the release's time, {wanted.time}, is not after that of {last.version}"
        hint = (
            f"That was {last.time}. Anki takes an update only if it is newer: readers would never "
            "see what has changed. Correct the clock or SOURCE_DATE_EPOCH."
        )
        diagnostics.add("release-order", last.position, message, hint)
    if wanted.time > wanted.now:
        message = f"the release's time, {wanted.time}, lies in the future"
        hint = "Anki would take what readers edit until then for older than the book's text."
        diagnostics.add("release-order", edition, message, hint)
    diagnostics.raise_errors()


def make_deck(book: Book, context: Context) -> Deck:
    """The deck as a build would make it, as far as the ledger looks at it."""
    notes: list[CardNote] = list(NoteMaker(book, context).notes())
    check_notes(notes)
    return Deck(
        {(note.kind, note.fields[0]): (note.guid, note_digest(note)) for note in notes},
        {kind: note_type_digest(book, context, NOTE_TYPES[kind]) for kind in KINDS},
    )


def holds_the_same(one: Ledger, other: Ledger) -> bool:
    """Whether two ledgers differ in nothing but their releases."""
    return replace(one, releases=()) == replace(other, releases=())


# -- from one ledger to the next ------------------------------------------------------------------


def next_ledger(book: Book, deck: Deck, ledger: Ledger, wanted: Wanted, content: str) -> Ledger:
    """The ledger after a release of the book, whose files have the hash ``content``."""
    notes = _Notes(deck, ledger, wanted.version)
    labels = {**ledger.labels, **_labels(book)}
    found = list(items(book))
    for item in found:
        notes.add(item)
    notes.withdraw_the_rest()
    sizes = {kind: _count(found, kind) for kind in KINDS}
    release = notes.release(Release(wanted.version, wanted.time, content, sizes), labels)
    return Ledger(
        uid=book.uid,
        title=book.title,
        releases=(*ledger.releases, release),
        labels=labels,
        note_types=_note_types(deck, ledger, wanted.version),
        notes=notes.entries,
    )


def _count(found: Sequence[Item], kind: Kind) -> int:
    return sum(item.kind is kind for item in found)


def _labels(book: Book) -> dict[str, str]:
    labels = {}
    for part in book.parts:
        labels[part.id] = part.label
        for chapter in part.chapters:
            labels[f"{part.id}/{chapter.id}"] = chapter.label
    return labels


def _note_types(deck: Deck, ledger: Ledger, version: str) -> dict[Kind, LedgerNoteType]:
    entries = {}
    for kind, digest in deck.note_types.items():
        before = ledger.note_types.get(kind)
        same = before is not None and before.digest == digest
        note_type = NOTE_TYPES[kind]
        entries[kind] = LedgerNoteType(
            kind=kind,
            fields=note_type.fields,
            templates=tuple(template.name for template in note_type.templates),
            digest=digest,
            changed=before.changed if before and same else version,
        )
    return entries


class _Notes:
    """The notes of the next ledger, and what sets them apart from those of the last."""

    def __init__(self, deck: Deck, ledger: Ledger, version: str) -> None:
        self.deck = deck
        self.ledger = ledger
        self.version = version
        self.entries: dict[tuple[Kind, str], LedgerNote] = {}
        self._pairs: list[tuple[LedgerNote | None, LedgerNote]] = []

    def add(self, item: Item) -> None:
        """Enter an item of the book."""
        guid, digest = self.deck.notes[item.kind, item.id]
        before = self.ledger.find(item.kind, item.id, item.was)
        same = before is not None and before.digest == digest
        names = (*(before.was if before else ()), before.id if before else "", item.was)
        retired = {*before.retired, *(before.gaps.keys() - item.gaps.keys())} if before else ()
        after = LedgerNote(
            kind=item.kind,
            id=item.id,
            guid=guid,
            digest=digest,
            changed=before.changed if before and same else self.version,
            chapter=item.chapter,
            title=item.title,
            gaps=item.gaps,
            retired=tuple(sorted(retired)),
            was=tuple(dict.fromkeys(name for name in names if name not in {"", item.id})),
        )
        self.entries[after.kind, after.id] = after
        self._pairs.append((before, after))

    def withdraw_the_rest(self) -> None:
        """Keep the place of what was released and is no longer in the book."""
        live = {entry.guid for entry in self.entries.values()}
        for key, before in self.ledger.notes.items():
            if before.guid not in live:
                after = replace(before, withdrawn=before.withdrawn or self.version)
                self.entries[key] = after
                self._pairs.append((before, after))

    def release(self, release: Release, labels: Mapping[str, str]) -> Release:
        """The entry of the release, with what it changed."""
        if not self.ledger.releases:
            return release
        new, changed, withdrawn, returned = [], [], [], []
        moved, renamed = [], []
        for before, after in self._pairs:
            name = after.name
            if before is None:
                new.append(name)
            elif after.withdrawn:
                withdrawn += [name] if not before.withdrawn else []
            elif before.withdrawn:
                returned.append(name)
            else:
                is_moved = _deck(before, self.ledger.labels) != _deck(after, labels)
                moved += [Move(name, before.chapter, after.chapter)] if is_moved else []
                is_renamed = before.id != after.id
                renamed += [Rename(name, before.id)] if is_renamed else []
                is_changed = before.digest != after.digest and not (is_moved or is_renamed)
                changed += [name] if is_changed else []
        return replace(
            release,
            new=tuple(new),
            changed=tuple(changed),
            moved=tuple(moved),
            renamed=tuple(renamed),
            withdrawn=tuple(withdrawn),
            returned=tuple(returned),
        )


def _deck(note: LedgerNote, labels: Mapping[str, str]) -> tuple[str, ...]:
    """A note's deck. A chapter's id may change without it."""
    part = note.chapter.partition("/")[0]
    return labels.get(part, part), labels.get(note.chapter, note.chapter)
