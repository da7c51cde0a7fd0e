"""From the ledger's entries to its file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from generator.ledger.entries import (
    FORMAT,
    KINDS,
    SIZES,
    Ledger,
    LedgerNote,
    LedgerNoteType,
    Release,
)

_Entry = TypeVar("_Entry", LedgerNote, LedgerNoteType)

_HEADER = """\
# What readers hold: written by “studyguide release”, committed, never edited by hand.
# Their reviews hang on it: a guid that is lost or changed comes back to them as a second card.
"""

_PLAIN = re.compile(
    r"(?!(?:null|true|false|yes|no|on|off|y|n)\Z)(?![0-9a-f]{8,}\Z)[a-z][a-z0-9]*(?:[-/][a-z0-9]+)*"
)
"""Scalars that no reader of YAML takes for anything but text. Hashes are always quoted: some of
them look like numbers."""

_ESCAPED = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def write_ledger(ledger: Ledger) -> str:
    """The ledger's file: sorted, one line a note, so that its difference can be reviewed."""
    lines = [
        f"format: {FORMAT}",
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
    sizes = {key: release.sizes.get(kind, 0) for kind, key in SIZES.items()}
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
        f"content: {_scalar(release.content)}",
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
