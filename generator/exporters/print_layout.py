"""One section laid out by WeasyPrint, kept from the network and held to its warnings.

This runs in processes of its own (:mod:`print_workers`), where WeasyPrint is imported.
"""

from __future__ import annotations

import gc
import logging
import re
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pydyf
from weasyprint import CSS, HTML
from weasyprint.css.counters import CounterStyle
from weasyprint.document import Document
from weasyprint.logger import LOGGER
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from generator import typography
from generator.exporters.print_object import Bookmark, LaidOut, Place, Slot, UsedFont
from generator.exporters.print_workers import Style, Task
from generator.typography import embedding
from generator.typography.fonts import ROLES

LINK_SCHEME = "link:"
"""Addresses of anchors in other sections."""

_POINT = 0.75
"""Points of a CSS pixel."""


class LayoutError(Exception):
    """What WeasyPrint warned of: a picture that it cannot draw would silently be missing."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__(*messages)
        self.messages = messages


class Compositor:
    """Lays out one section after the other, with fonts and style sheets read once."""

    def __init__(self, style: Style) -> None:
        typography.install()
        embedding.leave_out()
        self._fonts = FontConfiguration()
        self._counters = CounterStyle()
        fetch = Fetcher(style.fonts.get)
        with _strict():
            self._sheets = [
                CSS(
                    string=sheet,
                    font_config=self._fonts,
                    counter_style=self._counters,
                    url_fetcher=fetch,
                )
                for sheet in (style.fonts.css, *style.sheets)
            ]
        faces = {
            name: embedding.PrintedFace(data).slot_zero for name, data in style.fonts.files.items()
        }
        self._zeros = {name: zero for name, zero in faces.items() if zero is not None}
        gc.collect()
        gc.freeze()  # what is read once is looked through once

    def lay_out(self, task: Task) -> LaidOut:
        """Lay a section out. Raises :class:`LayoutError`."""
        gc.disable()  # a section's boxes stay to its end: looking through them finds nothing
        try:
            return self._lay_out(task)
        finally:
            gc.enable()
            gc.collect()

    def _lay_out(self, task: Task) -> LaidOut:
        found: list[LaidOut] = []

        def finish(document: Document, pdf: pydyf.PDF) -> None:
            _name_header_cells(pdf, task.name)
            links = tuple(_resolve_links(pdf))
            fonts = _fonts(document)
            slots = tuple(_cut_slots(pdf, self._zeros_of(fonts)))
            _check_slots(task.markup, slots)
            found.append(
                LaidOut(
                    pages=len(document.pages),
                    anchors=_anchors(document),
                    bookmarks=tuple(_bookmarks(document)),
                    slots=slots,
                    fonts=fonts,
                    links=links,
                    pdf=b"",
                )
            )

        fetch = Fetcher(task.pictures.get)
        with _strict():
            html = HTML(string=task.markup, base_url="studyguide:", url_fetcher=fetch)
            document = html.render(
                self._fonts, counter_style=self._counters, stylesheets=self._sheets
            )
            data = document.write_pdf(pdf_tags=True, finisher=finish)
        return replace(found[0], pdf=data)

    def _zeros_of(self, fonts: Mapping[str, UsedFont]) -> dict[str, int]:
        return {
            name: self._zeros[font.role] for name, font in fonts.items() if font.role in self._zeros
        }


class Fetcher(URLFetcher):  # type: ignore[misc] # WeasyPrint has no types
    """Serves what the document itself brought, and refuses everything else: no file, no network."""

    def __init__(self, fetch: Callable[[str], tuple[bytes, str] | None]) -> None:
        super().__init__()
        self._own = fetch

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        """What the document may have; anything else is a :class:`ValueError`."""
        del headers
        found = self._own(url)
        if found is None:
            raise ValueError(f"not part of the book: {url}")
        data, media_type = found
        return URLFetcherResponse(url, data, {"Content-Type": media_type})


@contextmanager
def _strict() -> Generator[None]:
    """Collect WeasyPrint's warnings, and raise them at the end."""
    warnings: dict[str, None] = {}

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warnings.setdefault(record.getMessage())

    collector = Collector(logging.WARNING)
    LOGGER.addHandler(collector)
    try:
        yield
    finally:
        LOGGER.removeHandler(collector)
    if warnings:
        raise LayoutError([*warnings])


# -- tables ---------------------------------------------------------------------------------------


def _anchors(document: Document) -> dict[str, Place]:
    """Where each anchor stands; of two of the same name the first counts."""
    places: dict[str, Place] = {}
    for number, page in enumerate(document.pages):
        for name, (x, y, *_) in page.anchors.items():
            places.setdefault(name, _place(document, number, x, y))
    return places


def _bookmarks(document: Document) -> Iterator[Bookmark]:
    for number, page in enumerate(document.pages):
        for level, title, (x, y), _state in page.bookmarks:
            yield Bookmark(level, title, _place(document, number, x, y))


def _place(document: Document, number: int, x: float, y: float) -> Place:
    return Place(number, x * _POINT, (document.pages[number].height - y) * _POINT)


def _fonts(document: Document) -> dict[str, UsedFont]:
    """The fonts by their names among the resources. A face that is not the book's is an error."""
    roles = {(role.family, role.weight): role.name for role in ROLES}
    fonts: dict[str, UsedFont] = {}
    for font in document.fonts.values():
        role = roles.get((font.family, font.weight))
        if role is None:
            LOGGER.error(
                "%s has no glyph in the book's faces and came from %s",
                "".join(font.to_unicode.values()),
                font.family,
            )
            continue
        known = fonts.get(font.hash)
        fonts[font.hash] = UsedFont(role, {**font.to_unicode, **(known.text if known else {})})
    return fonts


# -- links ----------------------------------------------------------------------------------------


def _object(pdf: pydyf.PDF, reference: bytes) -> Any:
    """What a reference, such as ``12 0 R``, leads to."""
    return pdf.objects[int(reference.split()[0])]


def _resolve_links(pdf: pydyf.PDF) -> Iterator[str]:
    """Make links to other sections internal ones, as WeasyPrint writes them. Yield all targets."""
    targets: dict[str, None] = {}
    for item in pdf.objects:
        if not isinstance(item, dict) or item.get("Subtype") != "/Link":
            continue
        address = item["A"]["URI"].string if "A" in item else ""
        if address.startswith(LINK_SCHEME):
            del item["A"]
            item["Dest"] = item["Contents"] = pydyf.String(address.removeprefix(LINK_SCHEME))
        if "Dest" in item:
            targets.setdefault(item["Dest"].string)
    return iter(targets)


def _name_header_cells(pdf: pydyf.PDF, name: str) -> None:
    """Tell the header cells of one section from another's: WeasyPrint counts a file's objects."""
    for item in pdf.objects:
        if isinstance(item, dict) and "ID" in item:
            item["ID"].string = f"{name}-{item['ID'].string}"


# -- slots ----------------------------------------------------------------------------------------

_SHOWN = re.compile(rb"\[((?:<(?:[0-9a-f]{4})+>(?:-?[\d.]+)?)+)\] TJ")
"""Glyphs, and between them what rounding or line finishing adds."""

_SHORT = 100
"""Bytes that are not worth compressing."""

_GLYPHS = re.compile(rb"<([0-9a-f]+)>")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A slot in a page's content: its bytes from ``begin`` to ``end``, and what they are."""

    begin: int
    end: int
    font: str
    count: int
    target: str
    left: float


def _cut_slots(pdf: pydyf.PDF, zeros: Mapping[str, int]) -> Iterator[Slot]:
    """Cut the content of each page before and behind its slots; yield these."""
    parents = _parents(pdf)
    for number, page in enumerate(_pages(pdf)):
        stream = _object(pdf, page["Contents"])
        content = _content(stream)
        stream.stream.clear()  # nothing refers to it any more
        end, pieces = 0, []
        for shown in _find_slots(pdf, content, zeros, parents[number], page):
            pieces += [content[end : shown.begin], content[shown.begin : shown.end]]
            piece, end = len(pieces) - 1, shown.end
            yield Slot(number, piece, shown.font, shown.count, shown.target, shown.left)
        pieces.append(content[end:])
        page["Contents"] = pydyf.Array(_add_stream(pdf, piece) for piece in pieces)


def _find_slots(
    pdf: pydyf.PDF, content: bytes, zeros: Mapping[str, int], parents: list[bytes], page: Any
) -> Iterator[_Shown]:
    """The runs of tabular zeros, which nothing else is set in."""
    codes = {b"%04x" % zero for zero in zeros.values()}
    for shown in _SHOWN.finditer(content):
        code = shown[1][1:5]
        if code not in codes:
            continue
        glyphs = b"".join(_GLYPHS.findall(shown[1]))
        count = len(glyphs) // 4
        font = _last(rb"/(\w+) \S+ Tf", content, shown.start())
        if glyphs != code * count or b"%04x" % zeros.get(font, 0) != code:
            continue
        mark = _last(rb"/(?:MCID (\d+)|Artifact)", content, shown.start())
        target = _link_of(pdf, parents[int(mark)]) if mark else ""  # folios are artifacts
        x = float(_last(rb"(\S+) \S+ Tm", content, shown.start())) * _POINT
        left = 1.0 if target else _side(x, page)
        yield _Shown(shown.start(), shown.end(), font, count, target, left)


def _pages(pdf: pydyf.PDF) -> Iterator[Any]:
    """The pages; WeasyPrint lists the number, the generation and an R of each reference."""
    return (pdf.objects[number] for number in pdf.pages["Kids"][::3])


def _add_stream(pdf: pydyf.PDF, data: bytes) -> bytes:
    """Add a stream to the file; its reference. WeasyPrint's own are compressed at great length."""
    extra = {"Filter": "/FlateDecode"}
    stream = pydyf.Stream([zlib.compress(data)], extra)
    if len(data) <= _SHORT:
        stream = pydyf.Stream([data])
    pdf.add_object(stream)
    reference: bytes = stream.reference
    return reference


def _check_slots(markup: str, slots: Sequence[Slot]) -> None:
    """Miss no slot: its zeros would be printed."""
    wanted = markup.count('class="page slot"')
    found = sum(1 for slot in slots if slot.target)
    if found != wanted:
        LOGGER.error(
            "%d of %d page numbers are not set in the tabular figures of class “slot”",
            wanted - found,
            wanted,
        )


def _content(stream: pydyf.Stream) -> bytes:
    """A page's content as the file will have it."""
    return b"\n".join(
        item.encode() if isinstance(item, str) else getattr(item, "data", item)
        for item in stream.stream
    )


def _last(pattern: bytes, content: bytes, end: int) -> str:
    """The group of the last match before ``end``: the graphics state at that place."""
    start = max(0, end - 2000)
    *_, last = re.finditer(pattern, content[start:end])
    return (last[1] or b"").decode()


def _side(x: float, page: Any) -> float:
    """How a folio stands: flush left in the page's left third, flush right in its right third."""
    third = int(3 * x / float(page["TrimBox"][2]))
    return (0.0, 0.5, 1.0)[min(max(third, 0), 2)]


def _parents(pdf: pydyf.PDF) -> list[Any]:
    """For each page the references to the structure elements of its marked content, by number."""
    root = _object(pdf, pdf.catalog["StructTreeRoot"])
    numbers = _object(pdf, root["ParentTree"])["Nums"]
    return [entry for entry in numbers[1::2] if isinstance(entry, list)]


def _link_of(pdf: pydyf.PDF, reference: bytes) -> str:
    """The target of the link around marked content; none in the margins, which hold no links."""
    while reference:
        element = _object(pdf, reference)
        if element.get("S") == "/Link":
            for kid in element["K"]:
                item = None if isinstance(kid, int) else _object(pdf, kid)
                if item is not None and item.get("Type") == "/OBJR":
                    target: str = _object(pdf, item["Obj"])["Dest"].string
                    return target
        reference = element.get("P")
    return ""
