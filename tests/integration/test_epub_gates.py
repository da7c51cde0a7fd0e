"""Both EPUBs of both books before the judges: EPUBCheck, Ace by DAISY, and calibre."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from tests.browser import CHROMIUM
from tests.epub_client import ACE, CONVERT, Epub, Source, check, run_ace, through_kindle

needs_ace = pytest.mark.skipif(
    not (ACE.exists() and CHROMIUM), reason="needs Ace and Chromium: make setup-test"
)
needs_calibre = pytest.mark.skipif(not CONVERT, reason="needs calibre: make setup-test")


def test_epubcheck_finds_nothing(epub: Epub, tmp_path: Path) -> None:
    assert check(epub.data, tmp_path) == []


@needs_ace
def test_ace_finds_nothing(epub: Epub, tmp_path: Path) -> None:
    report = run_ace(epub.data, tmp_path)
    assert report.violations == []
    assert {Path(name).name for name in epub.pages} < report.documents


@needs_ace
def test_ace_finds_what_is_wrong(fixture: Source, tmp_path: Path) -> None:
    own = tmp_path / "epub" / "title.xhtml.j2"
    own.parent.mkdir()
    page = '<h1>标题</h1><img src="../img/cover.png"/>'
    own.write_text(f'{{% extends "epub/page.xhtml.j2" %}}{{% block body %}}{page}{{% endblock %}}')
    report = run_ace(fixture.export("epub", tmp_path, templates=tmp_path), tmp_path)
    assert [rule for _, rule, _ in report.violations] == ["image-alt"]


@needs_calibre
@pytest.mark.parametrize("epub", ["epub-compat"], indirect=True)
def test_kindle_keeps_every_formula_and_figure(epub: Epub, tmp_path: Path) -> None:
    again = Epub("again", through_kindle(epub.data, tmp_path))
    expected = _pictures(epub)
    cover = next(key for key in expected if key[0].startswith("封面："))
    assert expected.pop(cover) == 1  # calibre makes a page of its own for it
    files = (data for name, data in again.files.items() if name.endswith((".png", ".jpeg")))
    assert cover[1] in map(_size, files)
    assert _pictures(again) == expected
    assert expected.total() > 10


def _pictures(epub: Epub) -> Counter[tuple[str, tuple[int, int]]]:
    return Counter((alt, _size(data)) for alt, data in epub.pictures)


def _size(data: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(data)).size
