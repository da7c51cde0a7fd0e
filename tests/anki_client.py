"""The real Anki, for tests: collections, imports, and the text that a card shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

from anki.collection import Collection, ImportAnkiPackageRequest

from generator.exporters import Context
from generator.exporters.apkg import ApkgExporter
from generator.formula import Formula, Request
from generator.model import Book
from generator.render import Templates
from generator.source import load_book

if TYPE_CHECKING:  # anki.collection must be imported before them
    from anki.cards import Card
    from anki.import_export_pb2 import ImportResponse

ROOT = Path(__file__).parent / "fixtures" / "anki"
TIME = 1_790_000_000


class AnyFormulas(dict[Request, Formula]):
    """Typeset formulas of any book: their widths go by the length of their TeX."""

    def __missing__(self, request: Request) -> Formula:
        width = len(request.tex) / 5
        return Formula(request.tex, request.display, "", "", width, 1.0, 0.0)


def load(root: Path = ROOT) -> Book:
    return load_book(root)


def context(cache: Path = Path(), timestamp: int = TIME) -> Context:
    return Context(AnyFormulas(), Templates(), cache, timestamp)


def export(book: Book, timestamp: int = TIME) -> bytes:
    return ApkgExporter().export(book, context(timestamp=timestamp)).data


@contextmanager
def collection(folder: Path) -> Iterator[Collection]:
    """A fresh collection."""
    opened = Collection(str(folder / "collection.anki2"))
    try:
        yield opened
    finally:
        opened.close()


def import_package(col: Collection, data: bytes) -> ImportResponse.Log:
    """Import a package with the options of a fresh profile's dialog."""
    path = Path(col.path).with_name("package.apkg")
    path.write_bytes(data)
    options = col._backend.get_import_anki_package_presets()
    request = ImportAnkiPackageRequest(package_path=str(path), options=options)
    return col.import_anki_package(request).log


def find_card(col: Collection, identifier: str, ordinal: int = 0) -> Card:
    """A card by what stands in 编号, and its template's index or gap's number less one."""
    cards = [col.get_card(card) for card in col.find_cards(f"编号:{identifier}")]
    return next(card for card in cards if card.ord == ordinal)


class _Texts(HTMLParser):
    """The text nodes below the element with an id, style sheets left out."""

    def __init__(self, identifier: str) -> None:
        super().__init__()
        self.identifier = identifier
        self.nodes: list[str] = []
        self._depth = 0
        self._fresh = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._fresh = True
        if self._depth:
            self._depth += tag not in {"br", "img", "hr"}
        elif dict(attrs).get("id") == self.identifier:
            self._depth = 1

    def handle_endtag(self, tag: str) -> None:
        self._fresh = True
        self._depth -= bool(self._depth) and tag not in {"br", "img", "hr"}

    def handle_data(self, data: str) -> None:
        if not self._depth:
            return
        if self._fresh:
            self.nodes.append("")
        self.nodes[-1] += data
        self._fresh = False


def text_nodes(html: str, identifier: str) -> list[str]:
    """The text nodes that a browser makes of the element with this id."""
    parser = _Texts(identifier)
    parser.feed(html)
    parser.close()
    return parser.nodes
