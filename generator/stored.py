"""Files of a cache: each stands behind its own digest, and is there whole or not at all.

A cache costs time where it is damaged or cannot be written, never the build; several processes may
use one at the same time.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_DIGEST_SIZE = 32


def read_stored(path: Path) -> bytes | None:
    """What was stored, unless the file is absent or damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, payload = data[:_DIGEST_SIZE], data[_DIGEST_SIZE:]
    return payload if hashlib.sha256(payload).digest() == digest else None


def write_stored(path: Path, payload: bytes) -> None:
    """Store a file for :func:`read_stored`. Where that fails, do without.

    The bytes go to a file of another name first: another process sees the whole file or none.
    """
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".new", delete=False) as file:
            temporary = Path(file.name)
        try:
            temporary.write_bytes(hashlib.sha256(payload).digest() + payload)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def keep_newest(paths: Iterable[Path], count: int) -> None:
    """Delete all but the ``count`` files that were written or touched last."""

    def age(path: Path) -> int:
        with suppress(OSError):  # another process may have deleted it
            return path.stat().st_mtime_ns
        return 0

    for old in sorted(paths, key=age, reverse=True)[count:]:
        with suppress(OSError):
            old.unlink(missing_ok=True)
