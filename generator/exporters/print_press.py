"""Sections → objects: from the cache what is there, the rest from workers."""

from __future__ import annotations

import ctypes
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from generator.diagnostics import BookError, Diagnostic, Position
from generator.exporters.print_numbers import Section
from generator.exporters.print_object import LaidOut
from generator.exporters.print_workers import Answer, Style, Task, WorkerDiedError, Workers
from generator.stored import keep_newest, read_stored, write_stored

_SOURCES = ("exporters/print_layout.py", "exporters/print_object.py", "typography/*.py")
"""Our own code that shapes an object: a change in one of them makes all stored ones stale."""

_PACKAGES = ("weasyprint", "pydyf", "tinycss2", "tinyhtml5", "pillow", "uharfbuzz")

_KEPT = 8
"""How many objects the cache keeps for each section: of a book's papers, and of its drafts."""

_PICTURE = re.compile(r'(?:\bsrc="|\burl\()(studyguide:[^")]+)')


class Press:
    """Lays sections out, each only once for the same markup, pictures, style and versions.

    ``pictures`` answers an address with a picture and its media type; ``progress`` is told how many
    of the ``count`` sections are done. What is laid out once more counts once more.
    """

    def __init__(
        self,
        style: Style,
        pictures: Callable[[str], tuple[bytes, str] | None],
        cache: Path,
        progress: Callable[[int, int], None],
        count: int,
    ) -> None:
        self._pictures = pictures
        self._cache = cache
        self._progress = progress
        self._identity = _identity(style)
        self._objects: dict[str, LaidOut] = {}
        self._done, self._total = 0, count
        self._begun: set[str] = set()

    def lay_out(self, sections: Sequence[Section], workers: Workers) -> list[LaidOut]:
        """The objects of the sections.

        Raises :class:`~generator.diagnostics.BookError` with everything that WeasyPrint warned of,
        and with the section at which a worker died.
        """
        keys = {section.name: self._key(section) for section in sections}
        lacking = [section for section in sections if not self._find(keys[section.name])]
        self._total += sum(section.name in self._begun for section in lacking)
        self._done += len(keys.keys() - self._begun - {section.name for section in lacking})
        self._begun |= keys.keys()
        self._progress(self._done, self._total)
        places = {section.name: section.position for section in lacking}
        failures: dict[str, Diagnostic] = {}  # a fault of the style sheet is one of all sections
        # Long ones first, so that all workers finish at about the same time.
        lacking.sort(key=lambda section: len(section.markup), reverse=True)
        try:
            for answer in workers.lay_out(map(self._task, lacking)):
                for failure in _failures(answer, places[answer.name]):
                    failures.setdefault(failure.message, failure)
                if not answer.failures:
                    self._keep(keys[answer.name], answer.data)
                self._done += 1
                self._progress(self._done, self._total)
        except WorkerDiedError as error:
            message = f"print: the process that laid out “{error.name}” {error.reason}"
            hint = "Is there enough memory? --jobs 1 takes the least."
            raise BookError([_failure(message, places[error.name], hint)]) from error
        if failures:
            raise BookError(failures.values())
        return [self._objects[keys[section.name]] for section in sections]

    def tidy(self) -> None:
        """Delete what has not been used for long."""
        keep_newest(self._cache.glob("*.section"), _KEPT * len(self._objects))

    def _task(self, section: Section) -> Task:
        return Task(section.name, section.markup, self._pictures_of(section))

    def _pictures_of(self, section: Section) -> dict[str, tuple[bytes, str]]:
        addresses = sorted(set(_PICTURE.findall(section.markup)))
        found = ((address, self._pictures(address)) for address in addresses)
        return {address: picture for address, picture in found if picture is not None}

    # -- cache --

    def _key(self, section: Section) -> str:
        key = hashlib.sha256(self._identity)
        for text in (section.name, section.markup):
            key.update(hashlib.sha256(text.encode()).digest())
        for address, (data, media_type) in self._pictures_of(section).items():
            for part in (address.encode(), data, media_type.encode()):
                key.update(hashlib.sha256(part).digest())
        return key.hexdigest()[:40]

    def _find(self, key: str) -> bool:
        if key not in self._objects:
            path = self._path(key)
            data = read_stored(path)
            if data is None:
                return False
            with suppress(OSError):
                path.touch()  # what is used is kept
            self._objects[key] = LaidOut.unpack(data)
        return True

    def _keep(self, key: str, data: bytes) -> None:
        write_stored(self._path(key), data)
        self._objects[key] = LaidOut.unpack(data)

    def _path(self, key: str) -> Path:
        return self._cache / f"{key}.section"


def _identity(style: Style) -> bytes:
    """A hash of all that every section depends on."""
    package = Path(__file__).parents[1]
    sources = sorted(path for pattern in _SOURCES for path in package.glob(pattern))
    parts = [
        style.fonts.identity,
        *style.sheets,
        *(f"{name} {version(name)}" for name in _PACKAGES),
        f"pango {_pango_version()}",
        *(path.read_text(encoding="utf-8") for path in sources),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def _pango_version() -> int:
    """The version of the library that breaks lines and shapes text.

    Asked of the library itself: importing WeasyPrint takes half a second, which is a good part of a
    build in which nothing has changed.
    """
    for name in ("libpango-1.0.so.0", "libpango-1.0.0.dylib"):
        with suppress(OSError):
            return int(ctypes.CDLL(name).pango_version())
    from weasyprint.text.ffi import pango

    return int(pango.pango_version())


def _failures(answer: Answer, place: Position) -> Iterable[Diagnostic]:
    return [_failure(f"print: {message}", place) for message in answer.failures]


def _failure(message: str, place: Position, hint: str = "") -> Diagnostic:
    return Diagnostic("export-failed", place, message, hint)


# -- labels ---------------------------------------------------------------------------------------


def read_labels(path: Path) -> Mapping[str, str]:
    """The page labels of the last build: an unchanged section then has the slots that it had."""
    data = read_stored(path)
    labels: dict[str, str] = {} if data is None else json.loads(data)
    return labels


def write_labels(path: Path, labels: Mapping[str, str]) -> None:
    """Remember page labels for the next build."""
    write_stored(path, json.dumps(labels).encode())
