"""Reading the files of a book: none outside its folder, no bytes that are not text."""

from __future__ import annotations

import hashlib
from pathlib import Path

from generator import __version__
from generator.diagnostics import Diagnostics, Position
from generator.ledger import CHANGES, LEDGER

_MAX_TEXT = 4_000_000
_MAX_PICTURE = 20_000_000
"""Bytes. A chapter of this book has 30,000; beyond these limits something is wrong."""


class BookFiles:
    """The files below a book's root. Paths are relative to it, with forward slashes."""

    def __init__(self, root: Path, diagnostics: Diagnostics) -> None:
        self.root = root.resolve()
        self.diagnostics = diagnostics

    def read_text(
        self,
        path: str,
        mentioned: Position,
        code: str = "file-missing",
        limit: int = _MAX_TEXT,
    ) -> str | None:
        """The text of a UTF-8 file, or ``None`` after a diagnostic.

        ``mentioned`` is the place that names the file, ``code`` what its absence is called.
        """
        data = self.read_bytes(path, mentioned, code, limit)
        if data is None:
            return None
        data = data.removeprefix(b"\xef\xbb\xbf")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            before = data[: error.start].decode("utf-8")
            message = f"byte 0x{data[error.start]:02x} is not UTF-8"
            self.diagnostics.add(
                "file-not-utf8", _after(path, before), message, "Save the file as UTF-8."
            )
            return None
        nul = text.find("\0")
        if nul >= 0:
            self.diagnostics.add("file-nul", _after(path, text[:nul]), "a NUL byte in a text file")
            return None
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def read_bytes(
        self, path: str, mentioned: Position, code: str, limit: int = _MAX_PICTURE
    ) -> bytes | None:
        """The bytes of a file, or ``None`` after a diagnostic."""
        resolved = self.resolve(path, mentioned)
        if resolved is None:
            return None
        try:
            if not resolved.is_file():
                self.diagnostics.add(code, mentioned, f"there is no file {path}")
                return None
            size = resolved.stat().st_size
            if size > limit:
                message = f"{path} has {size:,} bytes; the limit is {limit:,}"
                self.diagnostics.add("file-too-large", mentioned, message)
                return None
            return resolved.read_bytes()
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror or error}"
            self.diagnostics.add("file-missing", mentioned, message)
            return None

    def digest(self) -> str:
        """The hash of all that the book is made of, but for what a release writes.

        The version of this program is part of it: another one may make another book of the same.
        """
        total = hashlib.sha256(__version__.encode())
        for path in sorted(self._own()):
            total.update(path.encode() + b"\0")
            total.update(hashlib.sha256((self.root / path).read_bytes()).digest())
        return total.hexdigest()[:16]

    def _own(self) -> list[str]:
        found = (file for top in ("content", "templates") for file in self.root.glob(f"{top}/**/*"))
        names = (
            file.relative_to(self.root)
            for file in found
            if file.is_file() and file.resolve().is_relative_to(self.root)
        )
        hidden = (name for name in names if not any(part.startswith(".") for part in name.parts))
        return [name.as_posix() for name in hidden if name.as_posix() not in {CHANGES, LEDGER}]

    def resolve(self, path: str, mentioned: Position) -> Path | None:
        """The real place of a file, or ``None`` after a diagnostic if it lies outside the root."""
        try:
            resolved = (self.root / path).resolve()
        except (OSError, RuntimeError, ValueError):  # a loop of links, a name too long
            self.diagnostics.add("file-missing", mentioned, f"{path} leads nowhere")
            return None
        if not resolved.is_relative_to(self.root):
            hint = "Copy the file into the book's folder."
            self.diagnostics.add(
                "path-outside", mentioned, f"{path} is outside the book's folder", hint
            )
            return None
        return resolved


def _after(path: str, before: str) -> Position:
    """The position of the character that follows ``before``."""
    line = before.count("\n") + 1
    return Position(path, line, len(before) - (before.rfind("\n") + 1) + 1)
