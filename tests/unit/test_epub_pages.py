"""The handbook's pages in the EPUB: where each begins, and in which order."""

import pytest

from generator.exporters.epub_documents import Document
from generator.exporters.epub_pages import Pages, break_pages


def _broken(xhtml: str, **labels: str) -> tuple[str, list[str]]:
    pages = Pages(("i", "1", "2", "3", "4"), {name: labels[name] for name in labels}, "urn:x")
    documents, breaks = break_pages([Document("ch01", "一", xhtml)], pages)
    return documents[0].xhtml, [f"{mark.label} {mark.path}#{mark.anchor}" for mark in breaks]


def test_a_break_stands_where_a_page_begins() -> None:
    xhtml, breaks = _broken(
        '<p id="a">一</p><p id="b">二</p><figure id="c">图</figure>', a="1", b="1", c="2"
    )
    first = '<span epub:type="pagebreak" role="doc-pagebreak" id="page-1" aria-label="1"></span>'
    second = '<div epub:type="pagebreak" role="doc-pagebreak" id="page-2" aria-label="2"></div>'
    assert xhtml == f'<p id="a">{first}一</p><p id="b">二</p>{second}<figure id="c">图</figure>'
    assert breaks == ["1 text/ch01.xhtml#page-1", "2 text/ch01.xhtml#page-2"]


def test_pages_only_go_forward() -> None:
    """What the EPUB has elsewhere than the handbook marks no page twice, and none too early."""
    _, breaks = _broken('<p id="a">一</p><p id="b">二</p><p id="c">三</p>', a="3", b="2", c="4")
    assert [mark.partition(" ")[0] for mark in breaks] == ["3", "4"]


def test_a_book_without_a_handbook_has_no_pages() -> None:
    assert Pages.of(None) is None


def test_another_exporter_of_that_name_is_told_what_is_missing() -> None:
    with pytest.raises(TypeError, match="the handbook hands on list, not tuple"):
        Pages.of({"pages": [], "labels": {}, "identifier": ""})
