"""The ledger: what readers hold. Written by ``studyguide release``, committed, read by every build.

An import into Anki knows a note again by its GUID and takes an update only if its time is newer;
both come from here for whatever was released. The file is the lock as well: what it names may not
change its meaning (see :mod:`generator.lock`).
"""

from generator.ledger.entries import (
    CHANGES,
    KINDS,
    LEDGER,
    RELEASED,
    VERSION_PATTERN,
    Ledger,
    LedgerNote,
    LedgerNoteType,
    Move,
    Release,
    Rename,
    version_key,
)
from generator.ledger.reading import parse_ledger
from generator.ledger.writing import write_ledger

__all__ = [
    "CHANGES",
    "KINDS",
    "LEDGER",
    "RELEASED",
    "VERSION_PATTERN",
    "Ledger",
    "LedgerNote",
    "LedgerNoteType",
    "Move",
    "Release",
    "Rename",
    "parse_ledger",
    "version_key",
    "write_ledger",
]
