"""Typeset formulas kept between builds, in one SQLite file.

A cache is an optimisation: whatever is wrong with it (damage, a foreign file, a full disk, another
process that holds the lock) costs time, never the build.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Final

from generator.formula.engine import MATHJAX_VERSION
from generator.formula.values import Break, Formula, Request

# Marks the file as ours ("SGfm"); a database without it is foreign and makes room.
_APPLICATION_ID: Final = 0x5347666D
_TABLE: Final = "CREATE TABLE formula (key TEXT PRIMARY KEY, checksum BLOB, payload BLOB)"
_SELECT: Final = (
    "SELECT key, checksum, payload FROM formula WHERE key IN (SELECT value FROM json_each(?))"
)
_LOCK_WAIT: Final = 10.0
"""Seconds to wait for another process."""

# SQLite's codes for a file that will not get better by itself; the others (locked, full disk,
# read-only) mean that the file is sound and only out of reach. https://sqlite.org/rescode.html
_DAMAGED: Final = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR})
# What shapes the output: a change in one of them makes every stored formula stale.
_SOURCES: Final = ("glue.js", "ink.py", "markup.py", "values.py")


class Cache:
    """Formulas by request. Failures are not kept: their author is about to mend them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database: sqlite3.Connection | None = None
        self._format = _format()

    def read(self, requests: Iterable[Request]) -> dict[Request, Formula]:
        """Those of the requests that the cache holds, in one query."""
        keys = {self._key(request): request for request in requests}
        found: dict[Request, Formula] = {}
        with self._forgiving():
            for key, checksum, payload in self._connect().execute(_SELECT, [json.dumps([*keys])]):
                formula = _decode(keys[key], checksum, payload)
                if formula is not None:
                    found[keys[key]] = formula
        return found

    def write(self, formulas: Mapping[Request, Formula]) -> None:
        """Keep the formulas, in one transaction."""
        rows = [(self._key(request), *_encode(formula)) for request, formula in formulas.items()]
        with self._forgiving():
            database = self._connect()
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT OR REPLACE INTO formula VALUES (?, ?, ?)", rows)
            database.execute("COMMIT")

    def close(self) -> None:
        """Release the file; an unfinished transaction is rolled back."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _key(self, request: Request) -> str:
        parts = [self._format, MATHJAX_VERSION, request.display, request.tex]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _connect(self) -> sqlite3.Connection:
        if self._database is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._database = _open(self._path)
            if self._database is None:
                _remove(self._path)
                self._database = _open(self._path)
        if self._database is None:
            raise OSError(f"{self._path} was replaced by another program")
        return self._database

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            self.close()
            if getattr(error, "sqlite_errorcode", None) in _DAMAGED:
                with contextlib.suppress(OSError):
                    _remove(self._path)
        except OSError:
            self.close()


def _open(path: Path) -> sqlite3.Connection | None:
    """Connect, creating the table in a new file; None when the file is somebody else's."""
    database = sqlite3.connect(path, timeout=_LOCK_WAIT, isolation_level=None)
    try:
        if _owner(database) == _APPLICATION_ID:
            return database
        # Under the write lock, because another process may be creating the same file.
        database.execute("BEGIN IMMEDIATE")
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables:
            database.execute(_TABLE)
            database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        database.execute("COMMIT")
        if _owner(database) == _APPLICATION_ID:
            return database
    except BaseException:
        database.close()
        raise
    database.close()
    return None


def _owner(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA application_id").fetchone()[0])


def _remove(path: Path) -> None:
    # A journal left behind would be replayed into the new file.
    path.with_name(path.name + "-journal").unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _format() -> str:
    folder = resources.files(__package__)
    sources = b"".join((folder / name).read_bytes() for name in _SOURCES)
    return hashlib.sha256(sources).hexdigest()


def _encode(formula: Formula) -> tuple[bytes, bytes]:
    sizes = [formula.width, formula.height, formula.depth]
    fields = [formula.svg, formula.mathml, *sizes, formula.breaks]
    payload = json.dumps(fields, ensure_ascii=False).encode()
    return hashlib.sha256(payload).digest(), payload


def _decode(request: Request, checksum: object, payload: object) -> Formula | None:
    """The stored formula, or None when its bytes are not those that were written."""
    if not isinstance(payload, bytes) or checksum != hashlib.sha256(payload).digest():
        return None
    svg, mathml, width, height, depth, breaks = json.loads(payload)
    places = tuple(Break(*place) for place in breaks)
    return Formula(request.tex, request.display, svg, mathml, width, height, depth, places)
