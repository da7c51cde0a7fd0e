"""What the ledger holds: frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from generator.diagnostics import Position
from generator.model import Kind

LEDGER = "content/ledger.yaml"
CHANGES = "content/CHANGES.md"

RELEASED = "\n## 第 "
"""What begins a release in the change log."""

KINDS = (Kind.QUESTION, Kind.CLOZE, Kind.TERM)
"""What a note can be of, in the order of the ledger."""

VERSION_PATTERN = r"\d{1,9}(?:\.\d{1,9}){0,3}"
"""Numbers with dots between, so that of two versions one is the older."""

FORMAT = "1"
"""The version of the file's form."""

SIZES = {Kind.QUESTION: "questions", Kind.CLOZE: "clozes", Kind.TERM: "terms"}
"""What the file calls the number of notes of each kind."""


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

    ``content`` is the hash of the book's files, by which a build of the same ones is dated.
    ``sizes`` counts the notes of each kind. The rest names notes (``q-…``, ``c-…``, ``t-…``) as
    they were called then; the first release lists none, for all would be new.
    """

    version: str
    time: int
    content: str
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
