"""The package file: notes, decks and note types through genanki, with bytes that repeat.

genanki knows the layout of the collection; its subclasses here set what it leaves to chance: ids,
times, the order of new cards.
"""

from __future__ import annotations

import io
import itertools
import json
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import genanki

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold; Anki does not read it."""


class StableModel(genanki.Model):  # type: ignore[misc]  # genanki is untyped
    """A note type with a time of its own. Its fields and templates carry ids."""

    def __init__(self, *, modified: int, **arguments: object) -> None:
        super().__init__(**arguments)
        self.modified = modified

    @property
    def _req(self) -> list[list[object]]:
        """Which fields a card needs. Anki works it out anew; genanki would run every template."""
        return [[ordinal, "any", [1]] for ordinal, _ in enumerate(self.templates)]

    def to_json(self, _timestamp: float, deck_id: int) -> dict[str, Any]:
        """The note type in Anki's JSON, dated by itself."""
        fields: dict[str, Any] = super().to_json(self.modified, deck_id)
        return fields


class StableNote(genanki.Note):  # type: ignore[misc]  # genanki is untyped
    """A note that knows its ids, its time and its cards."""

    def __init__(
        self, *, ids: Sequence[int], modified: int, ordinals: Sequence[int], **arguments: object
    ) -> None:
        super().__init__(**arguments)
        self.ids = ids
        self.modified = modified
        self.ordinals = ordinals

    @property
    def cards(self) -> list[genanki.card.Card]:
        """The cards that the note is known to have."""
        return [genanki.card.Card(ordinal) for ordinal in self.ordinals]

    def write_to_db(
        self, cursor: sqlite3.Cursor, _timestamp: float, deck_id: int, _ids: Iterator[int]
    ) -> None:
        """Write note and cards under their own ids and time."""
        super().write_to_db(cursor, self.modified, deck_id, iter(self.ids))

    def _check_invalid_html_tags_in_fields(self) -> None:
        """Off: quadratic in ``<``, wrong either way, and our fields are written by a serialiser."""


class DescribedDeck(genanki.Deck):  # type: ignore[misc]  # genanki is untyped
    """A deck whose description is Markdown."""

    def __init__(self, *, modified: int, **arguments: object) -> None:
        super().__init__(**arguments)
        self.modified = modified

    def write_to_db(self, cursor: sqlite3.Cursor, timestamp: float, id_gen: Iterator[int]) -> None:
        """Write the deck, and let go of its notes: a large deck fits into memory once."""
        super().write_to_db(cursor, timestamp, id_gen)
        self.notes.clear()

    def to_json(self) -> dict[str, Any]:
        """The deck in Anki's JSON."""
        return {**super().to_json(), "md": True, "mod": self.modified}


@dataclass(frozen=True, slots=True)
class Package:
    """Decks with their notes, and media by name. To be written once: writing empties the decks."""

    decks: Sequence[DescribedDeck]
    media: Mapping[str, bytes]

    def to_bytes(self) -> bytes:
        """The .apkg: entries sorted, deflated, without a time."""
        names = dict(enumerate(self.media))
        entries = {
            "collection.anki2": self._collection(),
            "media": json.dumps(names, ensure_ascii=False).encode(),
            **{str(index): self.media[name] for index, name in names.items()},
        }
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in sorted(entries.items()):
                info = zipfile.ZipInfo(name, _ZIP_TIME)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.create_system = 3  # else the bytes would differ on Windows
                info.external_attr = 0o644 << 16
                archive.writestr(info, data)
        return buffer.getvalue()

    def _collection(self) -> bytes:
        connection = sqlite3.connect(":memory:")
        try:
            # The times and ids that genanki hands down are not used: every object has its own.
            genanki.Package(self.decks).write_to_db(connection.cursor(), 0, itertools.count())
            connection.commit()
            return connection.serialize()
        finally:
            connection.close()
