"""The handbook's pages: WeasyPrint's layout, kept from the network and held to its warnings."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pydyf
from weasyprint import CSS, HTML
from weasyprint.css.counters import CounterStyle
from weasyprint.document import Document
from weasyprint.logger import LOGGER, PROGRESS_LOGGER
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from generator.diagnostics import BookError, Diagnostic, Position

Fetch = Callable[[str], tuple[bytes, str] | None]
"""Bytes and media type for an address, or nothing when the document may not fetch it."""

_STEPS = 7
"""As WeasyPrint counts them in its own progress."""

_MOST_PASSES = 8
"""Two or three settle a book; more mean that a number pushes its own page to and fro."""


@dataclass(frozen=True, slots=True)
class Source:
    """A document to lay out.

    ``markup`` makes it from the page labels of its anchors; ``first`` is the anchor from whose
    page on folios are arabic and begin with 1.
    """

    markup: Callable[[Mapping[str, str]], str]
    sheets: tuple[str, ...]
    fetch: Fetch
    first: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A document laid out and written: its bytes, and the page label of every anchor."""

    data: bytes
    labels: Mapping[str, str]
    pages: int


class _Fetcher(URLFetcher):  # type: ignore[misc] # WeasyPrint has no types
    """Serves what the document itself brought, and refuses everything else: no file, no network."""

    def __init__(self, fetch: Fetch) -> None:
        super().__init__()
        self._own = fetch

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        del headers
        found = self._own(url)
        if found is None:
            raise ValueError(f"not part of the book: {url}")
        data, media_type = found
        return URLFetcherResponse(url, data, {"Content-Type": media_type})


def lay_out(source: Source, progress: Callable[[int, int], None]) -> Layout:
    """Lay a document out until its page numbers are true, and write it.

    It is laid out again until the page labels are those with which it was made. WeasyPrint's own
    target-counter() takes as many passes, and printed 2 wrong numbers of 240 in 122 pages.

    Raises :class:`~generator.diagnostics.BookError` with everything that WeasyPrint warned of: a
    picture that it cannot draw would silently be missing.
    """
    fetcher = _Fetcher(source.fetch)
    with _strict(progress):
        fonts, counters = FontConfiguration(), CounterStyle()
        styles = [
            CSS(string=sheet, font_config=fonts, counter_style=counters, url_fetcher=fetcher)
            for sheet in source.sheets
        ]
        labels: Mapping[str, str] = {}
        pictures: dict[str, object] = {}  # parsed once for all passes
        for _ in range(_MOST_PASSES):
            text = source.markup(labels)
            html = HTML(string=text, base_url="studyguide:", url_fetcher=fetcher)
            document = html.render(
                fonts, counter_style=counters, stylesheets=styles, cache=pictures
            )
            start = _page_of(document, source.first)
            before, labels = labels, _labels(document, start)
            if labels == before:
                break
        else:
            raise BookError([_failure("page numbers do not settle")])
        identity = hashlib.sha256("\0".join((text, *source.sheets)).encode()).hexdigest()
        data = document.write_pdf(
            pdf_tags=True,
            pdf_identifier=identity[:32].encode(),
            finisher=lambda _document, pdf: _finish(pdf, start),
        )
    return Layout(data, labels, len(document.pages))


@contextmanager
def _strict(progress: Callable[[int, int], None]) -> Generator[None]:
    """Collect WeasyPrint's warnings, raise them at the end, and pass its progress on."""
    warnings: dict[str, None] = {}

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warnings.setdefault(record.getMessage())

    class Watcher(logging.Handler):
        done = 0  # further passes begin again at the first step

        def emit(self, record: logging.LogRecord) -> None:
            step = re.match(r"Step (\d)", record.getMessage())
            if step and int(step[1]) > self.done:
                self.done = int(step[1])
                progress(self.done, _STEPS)

    collector, watcher = Collector(logging.WARNING), Watcher(logging.INFO)
    level = PROGRESS_LOGGER.level
    LOGGER.addHandler(collector)
    PROGRESS_LOGGER.addHandler(watcher)
    PROGRESS_LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(collector)
        PROGRESS_LOGGER.removeHandler(watcher)
        PROGRESS_LOGGER.setLevel(level)
    if warnings:
        raise BookError(map(_failure, warnings))


def _failure(message: str) -> Diagnostic:
    return Diagnostic("export-failed", Position("content/book.yaml"), f"print: {message}")


def _page_of(document: Document, anchor: str) -> int:
    return next(index for index, page in enumerate(document.pages) if anchor in page.anchors)


def _labels(document: Document, start: int) -> dict[str, str]:
    """The label of the page on which each anchor stands."""
    return {
        name: str(index - start + 1) if index >= start else roman(index + 1)
        for index, page in enumerate(document.pages)
        for name in page.anchors
    }


def roman(number: int) -> str:
    """``xiv`` for 14: the folios of front matter."""
    text = ""
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        text += letters * count
    return text


_ROMAN = (
    (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
    (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


def _finish(pdf: pydyf.PDF, start: int) -> None:
    """Page labels as printed (ISO 32000-1, 12.4.2); a viewer opens with title and outline."""
    labels = [0, pydyf.Dictionary({"S": "/r"}), start, pydyf.Dictionary({"S": "/D"})]
    if start == 0:
        labels = labels[2:]
    pdf.catalog["PageLabels"] = pydyf.Dictionary({"Nums": pydyf.Array(labels)})
    pdf.catalog["PageMode"] = "/UseOutlines"
    pdf.catalog["ViewerPreferences"] = pydyf.Dictionary({"DisplayDocTitle": "true"})
