"""Laying a document out: page numbers, warnings, what may be fetched, the file's own structure."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping

import pikepdf
import pypdfium2
import pytest

from generator.diagnostics import BookError
from generator.exporters.print_layout import Layout, Source, lay_out, roman

SHEET = """
@page { size: 80mm 80mm; @bottom-center { content: counter(page) } }
@page front { @bottom-center { content: counter(page, lower-roman) } }
@page :nth(1 of main) { counter-reset: page 1 }
h1 { margin: 0; break-before: page; bookmark-level: 1; bookmark-label: attr(data-title) }
.front { page: front }
.main { page: main; break-before: right }
a[data-page]::after { content: attr(data-page) }
"""


def document(labels: Mapping[str, str], body: str = "") -> str:
    contents = "".join(
        f'<li><a href="#{name}" data-page="{labels.get(name, "00")}">{name} </a></li>'
        for name in ("one", "two", "three")
    )
    chapters = "".join(
        f'<h1 id="{name}" data-title="{name}">{name}</h1>' for name in ("one", "two", "three")
    )
    return (
        '<html lang="zh-CN"><head><title>书</title><meta name="author" content="甲"/>'
        '<meta name="dcterms.created" content="2026-11-22T00:00:00Z"/></head>'
        f'<body><section class="front"><ul>{contents}</ul>{body}</section>'
        f'<section class="main">{chapters}</section></body></html>'
    )


def laid_out(body: str = "", sheet: str = SHEET) -> Layout:
    source = Source(lambda labels: document(labels, body), (sheet,), lambda _address: None, "one")
    return lay_out(source, lambda _done, _total: None)


def test_printed_numbers_are_the_labels_of_the_pages_they_lead_to() -> None:
    layout = laid_out()
    assert {name: layout.labels[name] for name in ("one", "two", "three")} == {
        "one": "1", "two": "2", "three": "3",
    }  # fmt: skip
    with pypdfium2.PdfDocument(layout.data) as pdf:
        text = pdf[0].get_textpage().get_text_range()
        for name, label in (("one", "1"), ("two", "2"), ("three", "3")):
            assert f"{name} {label}" in text
        assert [pdf.get_page_label(index) for index in range(len(pdf))] == [
            "i",
            "ii",
            "1",
            "2",
            "3",
        ]
    assert layout.pages == 5


def test_numbers_that_never_settle_are_an_error() -> None:
    """A page that its own number pushes away: long for an odd label, short for an even one."""

    def markup(labels: Mapping[str, str]) -> str:
        odd = int(labels.get("three", "1")) % 2
        return document(labels).replace('<h1 id="three"', f'{"<h1>x</h1>" * odd}<h1 id="three"')

    source = Source(markup, (SHEET,), lambda _address: None, "one")
    with pytest.raises(BookError, match="do not settle"):
        lay_out(source, lambda _done, _total: None)


@pytest.mark.parametrize("address", ["file:///etc/hosts", "https://example.org/x.png", "x.png"])
def test_nothing_is_fetched_but_what_the_book_brought(address: str) -> None:
    with pytest.raises(BookError, match="export-failed") as caught:
        laid_out(f'<img alt="x" src="{address}"/>')
    assert "not part of the book" in str(caught.value)


def test_a_picture_that_cannot_be_drawn_is_an_error() -> None:
    body = '<img alt="x" src="studyguide:figure/x.svg"/>'
    source = Source(
        lambda labels: document(labels, body),
        (SHEET,),
        lambda _address: (b"<svg", "image/svg+xml"),
        "one",
    )
    with pytest.raises(BookError, match=r"studyguide:figure/x\.svg"):
        lay_out(source, lambda _done, _total: None)


def test_a_style_sheet_that_is_not_understood_is_an_error() -> None:
    with pytest.raises(BookError, match="text-emphasis"):
        laid_out(sheet=SHEET + "em { text-emphasis: dot }")


def test_links_that_lead_nowhere_are_an_error() -> None:
    with pytest.raises(BookError, match="nowhere"):
        laid_out('<a href="#nowhere">x</a>')


def test_loggers_are_left_as_they_were() -> None:
    loggers = [logging.getLogger(name) for name in ("weasyprint", "weasyprint.progress")]
    before = [(logger.level, list(logger.handlers)) for logger in loggers]
    laid_out()
    assert [(logger.level, list(logger.handlers)) for logger in loggers] == before


def test_progress_goes_forward_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    source = Source(document, (SHEET,), lambda _address: None, "one")
    lay_out(source, lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]


def test_the_same_document_gives_the_same_bytes() -> None:
    assert laid_out().data == laid_out().data


def test_metadata_tags_and_view() -> None:
    with pikepdf.open(io.BytesIO(laid_out().data)) as pdf:
        assert str(pdf.docinfo["/Title"]) == "书"
        assert str(pdf.docinfo["/Author"]) == "甲"
        assert str(pdf.docinfo["/CreationDate"]) == "D:20261122000000Z"
        assert str(pdf.Root.Lang) == "zh-CN"
        assert pdf.Root.MarkInfo.Marked
        assert pdf.Root.PageMode == "/UseOutlines"
        with pdf.open_outline() as outline:
            assert [item.title for item in outline.root] == ["one", "two", "three"]


@pytest.mark.parametrize(("number", "numeral"), [(1, "i"), (4, "iv"), (19, "xix"), (48, "xlviii")])
def test_roman_numerals(number: int, numeral: str) -> None:
    assert roman(number) == numeral
