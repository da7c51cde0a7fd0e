"""A new book: ``studyguide init``."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from generator.build import write_atomically
from generator.config import ID_PATTERN
from generator.render import template_folder

_UID = "00000000000000000000000000000000"
_ID = "my-book"


def create_book(folder: Path) -> list[Path]:
    """Create a book that builds at once and return its files.

    Its uid is drawn here, once for ever: readers' cards hang on it. The book's id is the folder's
    name where that can be one. Raises :class:`FileExistsError` if ``folder`` holds a book already.
    """
    if (folder / "content").exists():
        raise FileExistsError(folder / "content")
    source = template_folder() / "starter"
    name = folder.resolve().name
    identifier = name if re.fullmatch(ID_PATTERN, name) else _ID
    written = []
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        data = file.read_bytes()
        if file.name == "book.yaml":
            text = data.decode("utf-8").replace(_UID, secrets.token_hex(16), 1)
            data = text.replace(f"id: {_ID}\n", f"id: {identifier}\n", 1).encode("utf-8")
        target = folder / file.relative_to(source)
        write_atomically(target, data)
        written.append(target)
    return written
