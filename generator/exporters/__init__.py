"""What an exporter is, and how the installed ones are found.

An exporter is a pure function in the shape of a class: a :class:`~generator.model.Book` and a
:class:`Context` in, an :class:`Artifact` out; no clock, no network, no disk but ``context.cache``.
It is announced by an entry point of the group ``studyguide.exporters``, whose name is the format's
and whose object is the class. Exporters are loaded when they are asked for, not before: WeasyPrint
alone takes most of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol

from generator.diagnostics import Diagnostic
from generator.formula import Formula, Request
from generator.ledger import Ledger
from generator.model import Book
from generator.render import Templates

GROUP = "studyguide.exporters"


@dataclass(frozen=True, slots=True)
class Artifact:
    """What an exporter made: the file's bytes, and counts for the closing table.

    ``counts`` maps a unit in English (``notes``, ``cards``, ``pages``) to a number. ``found`` is
    what later exporters may use, such as the handbook's page map.
    """

    data: bytes
    counts: Mapping[str, int] = field(default_factory=dict)
    found: Mapping[str, object] = field(default_factory=dict)


def _silent(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def _unheard(_diagnostic: Diagnostic) -> None:
    """Warnings that nobody collects."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an exporter may know beside the book.

    ``timestamp`` is the time of what was not yet released, in seconds since the epoch;
    ``released`` that of the release, if the book is what was released; ``cache`` a folder of the
    exporter's own, which may vanish between builds; ``found`` what the exporters before it found,
    by format; ``ledger`` what readers hold already, and since when.
    """

    formulas: Mapping[Request, Formula]
    templates: Templates
    cache: Path
    timestamp: int
    released: int | None = None
    paper: str = "A4"
    print_ready: bool = False
    jobs: int = 1
    found: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    progress: Callable[[int, int], None] = _silent
    warn: Callable[[Diagnostic], None] = _unheard
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def date(self) -> int:
        """The time of the artefact as a whole, in seconds since the epoch."""
        return self.timestamp if self.released is None else self.released


class Exporter(Protocol):
    """One output format."""

    suffix: str
    """What follows the book's id in the artefact's name, such as ``.apkg``."""

    summary: str
    """One line for ``studyguide list formats``."""

    def export(self, book: Book, context: Context) -> Artifact:
        """Make the artefact. Raises :class:`~generator.diagnostics.BookError` on bad input."""
        ...


def available() -> dict[str, EntryPoint]:
    """The installed formats by name, built-in ones first, then in order of name."""
    built_in = ("apkg", "pdf", "epub", "epub-compat")
    found = {point.name: point for point in entry_points(group=GROUP)}
    names = [name for name in built_in if name in found]
    return {name: found[name] for name in (*names, *sorted(found.keys() - set(built_in)))}


def load(name: str) -> Exporter:
    """Load the exporter of a format. Raises :class:`KeyError` for a format nobody installed."""
    exporter: Exporter = available()[name].load()()
    return exporter
