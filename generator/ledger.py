"""The ledger: what readers hold. Written by ``studyguide release``, committed, read by every build.

An import into Anki knows a note again by its GUID and takes an update only if its time is newer;
both come from here for whatever was released. The file is the lock as well: what it names may not
change its meaning (see :mod:`generator.lock`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TypeVar

from generator.config import ID_PATTERN
from generator.diagnostics import Diagnostics, Position
from generator.model import Kind
from generator.yaml import Fields, Value, parse_yaml

LEDGER = "content/ledger.yaml"
CHANGES = "content/CHANGES.md"

RELEASED = "\n## 第 "
"""What begins a release in the change log."""

KINDS = (Kind.QUESTION, Kind.CLOZE, Kind.TERM)
"""What a note can be of, in the order of the ledger."""

VERSION_PATTERN = r"\d{1,9}(?:\.\d{1,9}){0,3}"
"""Numbers with dots between, so that of two versions one is the older."""

_HEADER = """\
# What readers hold: written by “studyguide release”, committed, never edited by hand.
# Their reviews hang on it: a guid that is lost or changed comes back to them as a second card.
"""
_FORMAT = "1"
_GUID = r"[!-~]{1,64}"
_DIGEST = r"[0-9a-f]{8,64}"
_CHAPTER = rf"{ID_PATTERN}/{ID_PATTERN}"
_CONFLICT = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})(?=\s|$)", re.MULTILINE)
_RESTORE = "Restore the file from version control; only “studyguide release” writes it."


@dataclass(frozen=True, slots=True)
class LedgerNote:
    """A note that was released at least once.

    ``guid`` is Anki's. ``digest`` is the hash of the final fields and tags, ``changed`` the release
    that last changed it. ``chapter`` is ``part/chapter``, empty for terms; ``title``, for the
    change log, is the question's, or the term. ``gaps`` maps the number of a gap to the hash of its
    answer; ``retired`` are numbers that had a gap once. ``was`` are earlier ids, oldest first;
    ``withdrawn`` is the release that took the note out, or ``""``.
    """

    kind: Kind
    id: str
    guid: str
    digest: str
    changed: str
    chapter: str
    title: str
    gaps: Mapping[int, str] = field(default_factory=dict)
    retired: tuple[int, ...] = ()
    was: tuple[str, ...] = ()
    withdrawn: str = ""
    position: Position = field(default=Position(LEDGER), compare=False)

    @property
    def name(self) -> str:
        """Kind and id, as anchors have them: ``q-kv-cache-size``."""
        return f"{self.kind}-{self.id}"


@dataclass(frozen=True, slots=True)
class Move:
    """A note that a release moved; ``before`` and ``after`` are ``part/chapter``."""

    note: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Rename:
    """A note that a release renamed: its name now, and the id that it had."""

    note: str
    before: str


@dataclass(frozen=True, slots=True)
class Release:
    """An edition that went out, at ``time`` in seconds since the epoch.

    ``sizes`` counts the notes of each kind. The rest names notes (``q-…``, ``c-…``, ``t-…``) as
    they were called then; the first release lists none, for all would be new.
    """

    version: str
    time: int
    sizes: Mapping[Kind, int] = field(default_factory=dict)
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    moved: tuple[Move, ...] = ()
    renamed: tuple[Rename, ...] = ()
    withdrawn: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    position: Position = field(default=Position(LEDGER), compare=False)


@dataclass(frozen=True, slots=True)
class LedgerNoteType:
    """A note type as readers have it. ``digest`` is the hash of its templates and style sheet."""

    kind: Kind
    fields: tuple[str, ...]
    templates: tuple[str, ...]
    digest: str
    changed: str
    position: Position = field(default=Position(LEDGER), compare=False)


@dataclass(frozen=True)
class Ledger:
    """All of it; an empty one means that nothing was released yet.

    ``labels`` maps ``part`` and ``part/chapter`` to the deck's label. Notes are by kind and id.
    """

    uid: str = ""
    title: str = ""
    releases: tuple[Release, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    note_types: Mapping[Kind, LedgerNoteType] = field(default_factory=dict)
    notes: Mapping[tuple[Kind, str], LedgerNote] = field(default_factory=dict)

    @property
    def latest(self) -> Release | None:
        """The newest release."""
        return self.releases[-1] if self.releases else None

    @cached_property
    def former(self) -> dict[tuple[Kind, str], LedgerNote]:
        """The notes by each id that they had before a rename."""
        return {(note.kind, old): note for note in self.notes.values() for old in note.was}

    def find(self, kind: Kind, identifier: str, was: str = "") -> LedgerNote | None:
        """The entry of a note under its id now, or under the one that ``was`` names."""
        return (
            self.notes.get((kind, identifier))
            or self.former.get((kind, identifier))  # a rename was taken back
            or self.notes.get((kind, was))
            or self.former.get((kind, was))
        )

    def time(self, version: str) -> int:
        """When a version was released."""
        return self._times[version]

    @cached_property
    def _times(self) -> dict[str, int]:
        return {release.version: release.time for release in self.releases}


def version_key(version: str) -> tuple[int, ...]:
    """What versions are ordered by: ``0.10`` is newer than ``0.9``, and ``1.0`` is ``1``."""
    numbers = [int(number) for number in version.split(".")]
    while numbers[1:] and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


# -- reading --------------------------------------------------------------------------------------


def parse_ledger(text: str, path: str, diagnostics: Diagnostics) -> Ledger | None:
    """Read a ledger; ``None`` if anything in it is damaged, which is recorded."""
    own = Diagnostics()
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        message = "a merge conflict stands in the ledger: whose cards readers hold is undecided"
        hint = "Keep the side that was released, and release the other one again on top of it."
        diagnostics.add("ledger-damaged", Position(path, line), message, hint)
        return None
    head, lines = _split(text)
    fields = parse_yaml(head, path, own)
    first_line = head.count("\n") + 1
    notes = (parse_yaml(line, path, own, number) for number, line in enumerate(lines, first_line))
    ledger = _Reader(own).read(fields, notes) if isinstance(fields, Fields) else None
    if ledger is None and not own:
        message = "the ledger is not a mapping"
        own.add("ledger-damaged", Position(path), message, _RESTORE)
    diagnostics.extend(own)
    return None if own.has_errors else ledger


def _split(text: str) -> tuple[str, list[str]]:
    """The ledger without its notes, and the lines of these, if each has one of its own.

    So written, 30,000 notes are parsed in 2 s and 80 MB; as one document, in 5 s and 330 MB.
    """
    head, found, rest = text.rpartition("\nnotes:\n")
    lines = rest.removesuffix("\n").split("\n")
    if not found or not all(re.fullmatch(r"  - \{.*\}", line) for line in lines):
        return text, []
    return f"{head}\nnotes: []\n", [f"    {line[4:]}" for line in lines]


class _Reader:
    """Reads the parsed file, and holds its parts against each other."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics

    def read(self, fields: Fields, notes: Iterable[Value | None]) -> Ledger:
        """The ledger. ``notes`` are those that have been parsed by themselves."""
        fields.choice("format", (_FORMAT,), _FORMAT)
        ledger = Ledger(
            uid=fields.matching("uid", r"[0-9a-f]{16,64}", "hexadecimal digits", required=True),
            title=fields.text("title", required=True),
            releases=tuple(map(_release, fields.mappings("releases", required=True))),
            labels=self._labels(fields),
            note_types=self._note_types(fields),
            notes=self._notes(chain(fields.mappings("notes"), notes)),
        )
        fields.finish()
        self._check_releases(ledger)
        self._check_guids(ledger)
        self._check_names(ledger)
        return ledger

    def _damaged(self, position: Position, message: str) -> None:
        self.diagnostics.add("ledger-damaged", position, message, _RESTORE)

    def _labels(self, fields: Fields) -> dict[str, str]:
        labels: dict[str, str] = {}
        for entry in fields.mappings("decks"):
            pattern = rf"{ID_PATTERN}(?:/{ID_PATTERN})?"
            place = entry.matching("of", pattern, "part or part/chapter", required=True)
            label = entry.text("label", required=True)
            entry.finish()
            if place in labels:
                self._damaged(entry.position, f"the deck of “{place}” stands twice")
            labels.setdefault(place, label)
        return labels

    def _note_types(self, fields: Fields) -> dict[Kind, LedgerNoteType]:
        found: dict[Kind, LedgerNoteType] = {}
        for entry in map(_note_type, fields.mappings("note-types", required=True)):
            if entry.kind in found:
                self._damaged(entry.position, f"the note type “{entry.kind}” stands twice")
            found.setdefault(entry.kind, entry)
        return found

    def _notes(self, values: Iterable[Value | None]) -> dict[tuple[Kind, str], LedgerNote]:
        found: dict[tuple[Kind, str], LedgerNote] = {}
        for value in values:
            if not isinstance(value, Fields):
                continue  # the parser has complained
            note = self._note(value)
            if (note.kind, note.id) in found:
                self._damaged(note.position, f"the note “{note.name}” stands twice")
            found.setdefault((note.kind, note.id), note)
        return found

    def _note(self, fields: Fields) -> LedgerNote:
        note = LedgerNote(
            kind=_kind(fields),
            id=_id(fields, "id", required=True),
            guid=fields.matching("guid", _GUID, "a GUID of Anki", required=True),
            digest=_digest(fields, "digest"),
            changed=_version(fields, "changed", required=True),
            chapter=fields.matching("chapter", _CHAPTER, "part/chapter"),
            title=fields.text("title"),
            gaps=self._gaps(fields),
            retired=tuple(
                int(number)
                for number in _all_matching(fields, "retired", r"[1-9]\d{0,2}", "gap numbers")
            ),
            was=_all_matching(fields, "was", ID_PATTERN, "ids"),
            withdrawn=_version(fields, "withdrawn"),
            position=fields.position,
        )
        fields.finish()
        return note

    def _gaps(self, fields: Fields) -> dict[int, str]:
        """Gaps stand as ``NUMBER:DIGEST``."""
        gaps: dict[int, str] = {}
        for text in _all_matching(fields, "gaps", r"[1-9]\d{0,2}:[0-9a-f]{8}", "NUMBER:DIGEST"):
            number, _, digest = text.partition(":")
            if int(number) in gaps:
                self._damaged(fields.at("gaps"), f"gap {number} stands twice")
            gaps[int(number)] = digest
        return gaps

    # -- what must fit together -------------------------------------------------------------------

    def _check_releases(self, ledger: Ledger) -> None:
        for before, after in zip(ledger.releases, ledger.releases[1:], strict=False):
            if not (before.version and after.version):
                continue
            older = version_key(after.version) <= version_key(before.version)
            if older or after.time <= before.time:
                message = f"release {after.version} stands after {before.version}, and is no newer"
                self._damaged(after.position, message)
        known = {release.version for release in ledger.releases}
        mentioned = [
            *((note.position, note.changed) for note in ledger.notes.values()),
            *((note.position, note.withdrawn) for note in ledger.notes.values()),
            *((entry.position, entry.changed) for entry in ledger.note_types.values()),
        ]
        for position, version in mentioned:
            if version and version not in known:
                self._damaged(position, f"there was no release {version}")

    def _check_guids(self, ledger: Ledger) -> None:
        seen: dict[str, LedgerNote] = {}
        for note in ledger.notes.values():
            twin = seen.setdefault(note.guid, note)
            if twin is not note and note.guid:
                message = f"“{note.name}” has the guid of “{twin.name}”"
                hint = (
                    "Anki would show readers one of the two instead of the other. "
                    f"The other stands at {twin.position}. {_RESTORE}"
                )
                self.diagnostics.add("guid-duplicate", note.position, message, hint)

    def _check_names(self, ledger: Ledger) -> None:
        """No id may have been two notes of one kind."""
        seen: dict[tuple[Kind, str], LedgerNote] = dict(ledger.notes)
        for note in ledger.notes.values():
            for old in note.was:
                twin = seen.setdefault((note.kind, old), note)
                if twin is not note or old == note.id:
                    self._damaged(note.position, f"“{note.kind}-{old}” is two notes at once")


def _kind(fields: Fields) -> Kind:
    return Kind(fields.choice("kind", tuple(map(str, KINDS)), str(Kind.QUESTION)))


def _id(fields: Fields, key: str, *, required: bool = False) -> str:
    return fields.matching(key, ID_PATTERN, "an id", required=required)


def _digest(fields: Fields, key: str) -> str:
    return fields.matching(key, _DIGEST, "hexadecimal digits", required=True)


def _version(fields: Fields, key: str, *, required: bool = False) -> str:
    return fields.matching(key, VERSION_PATTERN, "a version such as 0.2", required=required)


def _all_matching(fields: Fields, key: str, pattern: str, expected: str) -> tuple[str, ...]:
    values = fields.texts(key)
    for value in values:
        if not re.fullmatch(pattern, value.text):
            message = f"“{key}” must be {expected}"
            fields.diagnostics.add("value-invalid", value.position, message)
    return tuple(value.text for value in values if re.fullmatch(pattern, value.text))


_NAME = rf"[{''.join(KINDS)}]-{ID_PATTERN}"
_SIZES = {Kind.QUESTION: "questions", Kind.CLOZE: "clozes", Kind.TERM: "terms"}


def _release(fields: Fields) -> Release:
    def names(key: str) -> tuple[str, ...]:
        return _all_matching(fields, key, _NAME, "notes, such as q-kv-cache-size")

    release = Release(
        version=_version(fields, "version", required=True),
        time=int(fields.matching("time", r"\d{1,11}", "seconds", required=True) or 0),
        sizes={
            kind: int(fields.matching(key, r"\d{1,9}", "a number", required=True) or 0)
            for kind, key in _SIZES.items()
        },
        new=names("new"),
        changed=names("changed"),
        moved=tuple(map(_move, fields.mappings("moved"))),
        renamed=tuple(map(_rename, fields.mappings("renamed"))),
        withdrawn=names("withdrawn"),
        returned=names("returned"),
        position=fields.position,
    )
    fields.finish()
    return release


def _move(fields: Fields) -> Move:
    move = Move(
        fields.matching("note", _NAME, "a note", required=True),
        fields.matching("from", _CHAPTER, "part/chapter", required=True),
        fields.matching("to", _CHAPTER, "part/chapter", required=True),
    )
    fields.finish()
    return move


def _rename(fields: Fields) -> Rename:
    rename = Rename(
        fields.matching("note", _NAME, "a note", required=True),
        _id(fields, "from", required=True),
    )
    fields.finish()
    return rename


def _note_type(fields: Fields) -> LedgerNoteType:
    note_type = LedgerNoteType(
        kind=_kind(fields),
        fields=tuple(value.text for value in fields.texts("fields")),
        templates=tuple(value.text for value in fields.texts("templates")),
        digest=_digest(fields, "digest"),
        changed=_version(fields, "changed", required=True),
        position=fields.position,
    )
    fields.finish()
    return note_type


_Entry = TypeVar("_Entry", LedgerNote, LedgerNoteType)

# -- writing --------------------------------------------------------------------------------------

_PLAIN = re.compile(
    r"(?!(?:null|true|false|yes|no|on|off|y|n)\Z)(?![0-9a-f]{8,}\Z)[a-z][a-z0-9]*(?:[-/][a-z0-9]+)*"
)
"""Scalars that no reader of YAML takes for anything but text. Hashes are always quoted: some of
them look like numbers."""

_ESCAPED = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def write_ledger(ledger: Ledger) -> str:
    """The ledger's file: sorted, one line a note, so that its difference can be reviewed."""
    lines = [
        f"format: {_FORMAT}",
        f"uid: {_scalar(ledger.uid)}",
        f"title: {_scalar(ledger.title)}",
        *_section("releases", map(_release_line, ledger.releases)),
        *_section(
            "decks",
            (_flow(of=place, label=label) for place, label in sorted(ledger.labels.items())),
        ),
        *_section("note-types", map(_note_type_line, _in_order(ledger.note_types.values()))),
        *_section("notes", map(_note_line, _in_order(ledger.notes.values()))),
    ]
    return _HEADER + "\n".join(lines) + "\n"


def _in_order(entries: Iterable[_Entry]) -> list[_Entry]:
    return sorted(entries, key=lambda entry: (KINDS.index(entry.kind), getattr(entry, "id", "")))


def _section(key: str, lines: Iterable[str]) -> list[str]:
    items = [f"  - {line}" for line in lines]
    return [f"{key}:", *items] if items else [f"{key}: []"]


def _release_line(release: Release) -> str:
    """A release: several lines, for its lists are long."""
    sizes = {key: release.sizes.get(kind, 0) for kind, key in _SIZES.items()}
    lists: dict[str, list[str]] = {
        "new": [_scalar(name) for name in release.new],
        "changed": [_scalar(name) for name in release.changed],
        "moved": [
            _flow(**{"note": move.note, "from": move.before, "to": move.after})
            for move in release.moved
        ],
        "renamed": [
            _flow(**{"note": rename.note, "from": rename.before}) for rename in release.renamed
        ],
        "withdrawn": [_scalar(name) for name in release.withdrawn],
        "returned": [_scalar(name) for name in release.returned],
    }
    lines = [
        f"version: {_scalar(release.version)}",
        f"time: {release.time}",
        *(f"{key}: {size}" for key, size in sizes.items()),
    ]
    for key, items in lists.items():
        if items:
            lines += [f"{key}:", *(f"  - {item}" for item in items)]
    return "\n    ".join(lines)


def _note_type_line(entry: LedgerNoteType) -> str:
    return _flow(
        kind=entry.kind,
        digest=entry.digest,
        changed=entry.changed,
        fields=entry.fields,
        templates=entry.templates,
    )


def _note_line(note: LedgerNote) -> str:
    return _flow(
        kind=note.kind,
        id=note.id,
        guid=note.guid,
        digest=note.digest,
        changed=note.changed,
        chapter=note.chapter,
        gaps=[f"{number}:{digest}" for number, digest in sorted(note.gaps.items())],
        retired=[str(number) for number in note.retired],
        was=note.was,
        withdrawn=note.withdrawn,
        title=note.title,
    )


def _flow(**values: str | Sequence[str]) -> str:
    """A mapping on one line; what is empty is left out."""
    pairs = (
        f"{key}: {_scalar(value) if isinstance(value, str) else _list(value)}"
        for key, value in values.items()
        if value
    )
    return "{" + ", ".join(pairs) + "}"


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(map(_scalar, values)) + "]"


def _scalar(text: str) -> str:
    """A scalar: JSON's strings are YAML's, but for characters that YAML wants escaped."""
    if _PLAIN.fullmatch(text):
        return str(text)
    return _ESCAPED.sub(
        lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False)
    )
