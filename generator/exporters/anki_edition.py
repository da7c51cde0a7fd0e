"""What of a deck readers hold already: hashes to tell, and the times by which Anki updates.

Anki takes an update only if its time is newer, and then replaces text and tags, a reader's own
among them. So what was released and has not changed keeps the time of the release that last changed
it, whenever it is built; what has changed is newer than that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

from generator.exporters.anki_notes import CardNote
from generator.ledger import Ledger, LedgerNote, LedgerNoteType


def note_digest(note: CardNote) -> str:
    """The hash of all that an update of the note brings: fields and tags.

    Tags count: the searches for moved questions go by them, and a cloze shows its level nowhere
    else. What is not here, such as the deck, no update changes.
    """
    return _digest(note.fields, sorted(note.tags))


def type_digest(templates: Sequence[tuple[str, str]], css: str) -> str:
    """The hash of what an update of a note type brings. Names of fields are locked."""
    return _digest(templates, css)


def _digest(*values: object) -> str:
    text = json.dumps(values, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Times:
    """The times of a package's objects; ``preview`` is that of all that was not yet released."""

    def __init__(self, ledger: Ledger, preview: int) -> None:
        self.ledger = ledger
        self.preview = preview
        self.newest = 0
        self.notes = {note.guid: note for note in ledger.notes.values()}

    def of(self, entry: LedgerNote | LedgerNoteType | None, digest: Callable[[], str]) -> int:
        """The time of an object that has this entry in the ledger and, now, this hash."""
        if entry is None:
            time = self.preview
        elif entry.digest == digest():
            time = self.ledger.time(entry.changed)
        else:
            # A SOURCE_DATE_EPOCH from before the release must not keep the change from readers.
            time = max(self.preview, self.ledger.time(entry.changed) + 1)
        self.newest = max(self.newest, time)
        return time
