"""Both EPUBs of a book with every construct and of the real book: files, links, bytes."""

from __future__ import annotations

import io
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image

from generator.diagnostics import BookError
from generator.exporters import epub_documents
from generator.exporters.epub_package import is_upright, title_lines
from generator.render import Templates
from generator.source import load_book
from tests.epub_client import BOOKS, EXPORTERS, XHTML, Epub, Source, check, load_source, place

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def _addresses(page: ET.Element) -> Iterator[tuple[str, str]]:
    """Every address in a page or picture with the name of the element that has it."""
    for element in page.iter():
        for name, value in element.items():
            if re.search(r"(^|\})(src|href|data|poster|altimg|action|cite|longdesc)$", name):
                yield element.tag, value
            elif name in {"style", "srcset"} or "url(" in value:
                yield from ((element.tag, url) for url in re.findall(r"url\(([^)]*)\)", value))


def _dangling(epub: Epub) -> list[tuple[str, str]]:
    ids = {
        (name, element.get("id"))
        for name, page in epub.pages.items()
        for element in page.iter()
        if element.get("id")
    }
    lost = []
    for name, page in epub.pages.items():
        for _tag, address in _addresses(page):
            if _SCHEME.match(address):
                continue
            target, fragment = place(name, address), unquote(address).partition("#")[2]
            if target not in epub.files or (fragment and (target, fragment) not in ids):
                lost.append((name, address))
    return lost


def test_every_link_lands(epub: Epub) -> None:
    assert _dangling(epub) == []


def test_nothing_is_fetched_from_elsewhere(epub: Epub) -> None:
    pictures = {
        name: ET.fromstring(data) for name, data in epub.files.items() if name.endswith(".svg")
    }
    remote = [
        (name, tag, address)
        for name, page in (epub.pages | pictures).items()
        for tag, address in _addresses(page)
        if tag != f"{XHTML}a" and _SCHEME.match(address)
    ]
    assert remote == []
    style = epub.text("css/epub.css")
    assert "@import" not in style
    assert "url(" not in style
    assert "remote-resources" not in epub.text("package.opf")


def test_ids_are_unique_in_the_whole_book(epub: Epub) -> None:
    ids = [element.get("id") for page in epub.pages.values() for element in page.iter()]
    texts = [name for name in ids if name and name != "toc-title"]
    assert len(texts) == len(set(texts))


def test_names_are_lower_case_ascii(epub: Epub) -> None:
    names = [name for name in epub.files if not name.startswith("META-INF/")]
    assert [name for name in names if not re.fullmatch(r"(EPUB/)?[a-z0-9/.-]+", name)] == []


def test_no_file_of_text_is_too_large_for_an_old_reader(epub: Epub) -> None:
    sizes = {name: len(data) for name, data in epub.files.items() if name.endswith(".xhtml")}
    assert max(sizes.values()) < 300_000


def test_every_question_cloze_and_term_has_its_anchor(epub: Epub, source: Source) -> None:
    found = {element.get("id") for page in epub.pages.values() for element in page.iter()}
    anchors = {anchor.name for anchor in source.book.anchors.values()}
    clozes = {f"c-{cloze.id}" for question in source.book.questions for cloze in question.clozes}
    assert anchors | clozes <= found


def test_the_contents_are_plain_and_in_the_order_of_the_spine(epub: Epub, source: Source) -> None:
    links = epub.pages["EPUB/nav.xhtml"].findall(f".//{XHTML}nav[@role='doc-toc']//{XHTML}a")
    assert all(len(link) == 0 for link in links)
    spine = re.findall(r'<itemref idref="([^"]+)"/>', epub.text("package.opf"))
    places = [spine.index(Path(link.get("href", "").partition("#")[0]).stem) for link in links]
    assert places == sorted(places)
    titles = [link.text for link in links]
    for question in source.book.questions:
        number = source.book.anchors[question.id].number
        assert f"{number}　{question.title}" in titles
    ncx = re.findall(r'<content src="([^"]+)"/>', epub.text("toc.ncx"))
    assert ncx == [link.get("href") for link in links]


def test_each_flavour_keeps_to_its_means(epub: Epub) -> None:
    texts = b"".join(data for name, data in epub.files.items() if name.endswith(".xhtml"))
    suffixes = {Path(name).suffix for name in epub.files}
    if epub.name == "epub":
        assert b"<math" in texts
        assert b"<details" in texts
        assert ".svg" in suffixes
        assert 'properties="mathml"' in epub.text("package.opf")
    else:
        assert b"<math" not in texts
        assert b"<details" not in texts
        assert suffixes.isdisjoint({".svg", ".webp"})
        assert 'properties="mathml"' not in epub.text("package.opf")


@pytest.mark.parametrize("epub", ["epub-compat"], indirect=True)
def test_pictures_survive_a_dark_page(epub: Epub) -> None:
    for _, data in epub.pictures:
        picture = Image.open(io.BytesIO(data))
        assert "transparency" not in picture.info
        assert picture.getbands()[-1] != "A"
    formulas = [data for name, data in epub.files.items() if name.startswith("EPUB/math/")]
    assert formulas
    for data in formulas:
        picture = Image.open(io.BytesIO(data)).convert("L")
        right, bottom = picture.width - 1, picture.height - 1
        corners = ((0, 0), (right, 0), (0, bottom), (right, bottom))
        assert {picture.getpixel(corner) for corner in corners} == {255}
        assert picture.getextrema()[0] < 64


def test_the_real_title_can_be_read_on_a_cover_120_pixels_high() -> None:
    book = load_book(BOOKS["real"])
    lines, upright = title_lines(book.title), is_upright(book.title, book.subtitle)
    cover = Templates().render("epub/cover.svg.j2", book=book, lines=lines, upright=upright)
    sizes = re.findall(r'font-size="(\d+)"', cover)
    assert max(map(int, sizes)) * 120 / 2400 >= 12


def test_metadata_is_true_to_the_flavour(epub: Epub) -> None:
    package = epub.text("package.opf")
    assert '<meta property="dcterms:modified">2023-11-14T22:13:20Z</meta>' in package
    assert "conformsTo" not in package
    mathml = '<meta property="schema:accessibilityFeature">MathML</meta>'
    assert (mathml in package) == (epub.name == "epub")


@pytest.mark.parametrize("name", EXPORTERS)
def test_the_same_book_gives_the_same_bytes(fixture: Source, name: str, tmp_path: Path) -> None:
    cold = fixture.export(name, tmp_path / "a", jobs=2)
    assert fixture.export(name, tmp_path / "a", jobs=1) == cold
    assert fixture.export(name, tmp_path / "b", jobs=1) == cold


def test_the_flavours_are_two_books_to_a_library(fixture: Source, tmp_path: Path) -> None:
    contents = [Epub(name, fixture.export(name, tmp_path)).text("toc.ncx") for name in EXPORTERS]
    identifiers = {match for text in contents for match in re.findall(r"urn:uuid:[0-9a-f-]+", text)}
    assert len(identifiers) == 2


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_long_chapter_is_cut_between_questions(
    fixture: Source, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epub_documents, "SIZE_LIMIT", 1)
    epub = Epub(name, fixture.export(name, tmp_path))
    assert {"EPUB/text/ch01.xhtml", "EPUB/text/ch01-2.xhtml"} < epub.files.keys()
    assert _dangling(epub) == []
    assert check(epub.data, tmp_path) == []


def test_a_chapter_of_a_megabyte_is_cut_into_files_for_old_readers(tmp_path: Path) -> None:
    shutil.copytree(BOOKS["fixture"] / "content", tmp_path / "content")
    with (tmp_path / "content" / "first" / "two.md").open("a", encoding="utf-8") as chapter:
        for number in range(100):
            text = f"第 {number} 题[^{number}]的公式 $x_{{{number}}}$，" + "长答案，" * 800
            chapter.write(f"\n\n## 第 {number} 问？ {{#long-{number} level=1}}\n\n{text}\n")
            chapter.write(f"\n[^{number}]: {'脚注，' * 100}\n")
    epub = Epub("epub", load_source(tmp_path).export("epub", tmp_path / "cache"))
    sizes = [len(data) for name, data in epub.files.items() if "ch02" in name]
    assert sum(sizes) > 1_000_000
    assert max(sizes) < 300_000
    assert _dangling(epub) == []


def test_notes_stand_in_the_file_that_calls_them(fixture: Source, tmp_path: Path) -> None:
    page = Epub("epub", fixture.export("epub", tmp_path)).text("text/ch01.xhtml")
    calls = re.findall(r'<a class="noteref"[^>]* href="#([^"]+)">[^<]+</a>', page)
    assert calls == ["n-ch01-1", "n-ch01-1", "n-ch01-2"]
    notes = re.findall(r'<aside [^>]*id="([^"]+)"><p><a role="doc-backlink"', page)
    assert notes == ["n-ch01-1", "n-ch01-2"]


def test_compat_answers_lie_behind_a_link_and_lead_back(fixture: Source, tmp_path: Path) -> None:
    page = Epub("epub-compat", fixture.export("epub-compat", tmp_path)).text("text/ch01.xhtml")
    assert '<a href="#a-sqrt-fill">看答案</a>' in page
    solution = page[page.index('id="a-sqrt-fill"') :]
    assert '<a href="#c-sqrt-fill">回到自测</a>' in solution
    assert 'href="#q-sqrt"' in solution


def test_a_template_of_ones_own_that_drops_an_id_is_a_diagnostic(
    fixture: Source, tmp_path: Path
) -> None:
    folder = tmp_path / "epub"
    folder.mkdir()
    (folder / "question.xhtml.j2").write_text("<h2>{{ question.title }}</h2>")
    with pytest.raises(BookError, match="q-sqrt"):
        fixture.export("epub", tmp_path / "cache", templates=tmp_path)
