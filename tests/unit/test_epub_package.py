"""The container: what a ZIP file of an EPUB must be, and what the metadata may claim."""

from __future__ import annotations

import io
import zipfile

import pytest

from generator.exporters.epub_documents import Entry
from generator.exporters.epub_package import (
    Item,
    _depth,
    _features,
    _item,
    _zip,
    is_upright,
    title_lines,
)

FILES = {"META-INF/container.xml": b"<container/>", "EPUB/a.xhtml": b"a" * 1000}


def test_the_mimetype_comes_first_and_bare() -> None:
    data = _zip(FILES)
    # EPUB 3.3, OCF ZIP container: readable at a fixed place, without unpacking.
    assert data[30:38] == b"mimetype"
    assert data[38:58] == b"application/epub+zip"


def test_the_rest_is_deflated_and_timeless() -> None:
    entries = zipfile.ZipFile(io.BytesIO(_zip(FILES))).infolist()
    assert [entry.filename for entry in entries] == ["mimetype", *FILES]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert [entry.compress_type for entry in entries] == [
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
        zipfile.ZIP_DEFLATED,
    ]


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("短", ["短"]),
        ("大模型面试手册", ["大模型面试手册"]),
        ("大模型面试手册与题解", ["大模型面试", "手册与题解"]),
    ],
)
def test_a_long_title_breaks_into_even_lines(title: str, lines: list[str]) -> None:
    assert title_lines(title) == lines


@pytest.mark.parametrize(
    ("title", "subtitle", "expected"),
    [
        ("大模型面试手册", "面试题与详解", True),
        ("大模型", "", True),
        ("LLM 面试", "", False),
        ("一、二", "", False),
        ("长" * 11, "", False),
        ("大模型", "问 LLM", False),
        ("大模型", "长" * 19, False),
    ],
)
def test_short_han_is_set_upright_on_the_cover(title: str, subtitle: str, expected: bool) -> None:
    assert is_upright(title, subtitle) is expected


@pytest.mark.parametrize(
    ("path", "data", "item"),
    [
        ("nav.xhtml", b"", Item("nav", "nav.xhtml", "application/xhtml+xml", "nav")),
        ("text/a.xhtml", b"", Item("a", "text/a.xhtml", "application/xhtml+xml", "")),
        ("text/a.xhtml", b"<math>", Item("a", "text/a.xhtml", "application/xhtml+xml", "mathml")),
        ("img/cover.png", b"", Item("img-cover", "img/cover.png", "image/png", "cover-image")),
        ("math/0f.png", b"", Item("math-0f", "math/0f.png", "image/png", "")),
    ],
)
def test_a_manifest_item_says_what_the_file_holds(path: str, data: bytes, item: Item) -> None:
    assert _item(path, data) == item


@pytest.mark.parametrize(
    ("files", "claimed"),
    [
        ({"text/cover.xhtml": b"<img/>", "text/a.xhtml": b""}, set()),
        ({"text/cover.xhtml": b"", "text/a.xhtml": b"<img/>"}, {"pictures"}),
        ({"text/cover.xhtml": b"", "text/a.xhtml": b"<math>"}, {"mathml"}),
        ({"text/cover.xhtml": b"", "math/a.png": b""}, {"formula_pictures"}),
    ],
)
def test_features_are_claimed_where_they_are(files: dict[str, bytes], claimed: set[str]) -> None:
    assert {name for name, present in _features(files).items() if present} == claimed


def test_the_depth_of_the_contents() -> None:
    assert _depth([Entry("a", "a"), Entry("b", "b", [Entry("c", "c", [Entry("d", "d")])])]) == 3
    assert _depth([]) == 0
