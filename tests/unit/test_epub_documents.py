"""How an EPUB is cut into files, and how its files find each other."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from generator.diagnostics import BookError
from generator.exporters.epub_documents import SIZE_LIMIT, Document, Piece, _chunks, link
from generator.exporters.epub_text import Note


def _piece(size: int) -> Piece:
    return Piece(Markup("x" * size))


def test_small_pieces_share_a_file() -> None:
    assert [len(chunk) for chunk in _chunks(iter([_piece(10), _piece(10)]))] == [2]


def test_a_file_is_cut_before_the_piece_that_would_exceed_the_limit() -> None:
    half = SIZE_LIMIT // 2
    pieces = [_piece(half), _piece(half), _piece(1), _piece(half)]
    assert [len(chunk) for chunk in _chunks(iter(pieces))] == [2, 2]


def test_a_piece_beyond_the_limit_has_a_file_of_its_own() -> None:
    pieces = [_piece(1), _piece(SIZE_LIMIT + 1), _piece(1)]
    assert [len(chunk) for chunk in _chunks(iter(pieces))] == [1, 1, 1]


def test_a_pieces_size_counts_bytes_and_its_notes() -> None:
    assert Piece(Markup("字"), (Note("n", "注ab"),)).size == 3 + 5


def test_links_name_the_file_that_holds_the_target() -> None:
    one = Document("one", "", '<p id="a"><a href="#b">b</a><a href="#a">a</a></p>')
    two = Document("two", "", '<p id="b"><a class="xref" href="#a">a</a></p>')
    linked = link([one, two])
    assert linked[0].xhtml == '<p id="a"><a href="two.xhtml#b">b</a><a href="#a">a</a></p>'
    assert linked[1].xhtml == '<p id="b"><a class="xref" href="one.xhtml#a">a</a></p>'


def test_other_addresses_stay_as_they_are() -> None:
    page = Document("one", "", '<a href="https://e.org/#a">a</a> href=&quot;#x&quot;')
    assert link([page]) == [page]


def test_a_link_to_nowhere_is_a_diagnostic() -> None:
    with pytest.raises(BookError) as caught:
        link([Document("one", "", '<a href="#gone">x</a>')])
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "export-failed"
    assert "gone" in diagnostic.message
