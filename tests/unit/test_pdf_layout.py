"""Laying sections out and linking them: warnings, what may be fetched, the file's structure."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest

from generator.diagnostics import BookError, Position
from generator.exporters.print_linker import About, LinkError, link
from generator.exporters.print_numbers import ROMAN, Section, Settled, settle
from generator.exporters.print_press import Press
from generator.exporters.print_workers import Style, Task, Workers
from generator.typography.fonts import BookFonts

SHEET = """
@page { size: 80mm 80mm; @bottom-center { content: "0000"; font-feature-settings: "hwid" 1 } }
html { font-family: "Book Song" }
.slot { font-feature-settings: "hwid" 1 }
ul { list-style: none }
h1, h2 { margin: 0; font-weight: normal; break-before: page; bookmark-label: attr(data-title) }
h2 { bookmark-level: 2 }
"""
PAGE = '<html lang="zh-CN"><head><title>书</title></head><body><section>{}</section></body></html>'
ABOUT = About("书", ("甲", "乙"), "", "zh-CN", "urn:x", 1_795_305_600)
NAMES = ("one", "two", "three")


def sections(body: str = "") -> list[Section]:
    contents = "".join(
        f'<li>{name} <a href="#{name}"><span class="page" data-page="{name}"></span></a></li>'
        for name in NAMES
    )
    front = Section("front", PAGE.format(f"<ul>{contents}</ul>{body}"), Position("f.md"), ROMAN)
    return [
        front,
        *(
            Section(
                f"chapter-{name}",
                PAGE.format(f'<h{level} id="{name}" data-title="{name}">{name}</h{level}>'),
                Position(f"{name}.md"),
            )
            for name, level in zip(NAMES, (1, 2, 2), strict=True)
        ),
    ]


class Shop:
    """A press with its workers and an eye on its progress."""

    def __init__(self, fonts: BookFonts, cache: Path, sheet: str = SHEET, jobs: int = 1) -> None:
        self.style = Style((sheet,), fonts)
        self.cache = cache
        self.pictures: dict[str, tuple[bytes, str]] = {}
        self.seen: list[tuple[int, int]] = []
        self.workers = Workers(self.style, jobs)
        self.press = Press(
            self.style, self.pictures.get, cache, lambda *seen: self.seen.append(seen), 4
        )

    def settle(self, sections: list[Section]) -> Settled:
        with closing(self.workers):
            return settle(sections, {}, lambda some: self.press.lay_out(some, self.workers))

    def make(self, body: str = "") -> bytes:
        return link(self.settle(sections(body)), self.style.fonts, ABOUT)


@pytest.fixture
def shop(book_fonts: BookFonts, tmp_path: Path) -> Shop:
    return Shop(book_fonts, tmp_path)


@pytest.fixture(scope="module")
def data(book_fonts: BookFonts, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return Shop(book_fonts, tmp_path_factory.mktemp("sections")).make()


@pytest.fixture
def pdf(data: bytes) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        yield pdf


def test_printed_numbers_are_the_labels_of_the_pages_they_lead_to(data: bytes) -> None:
    with pypdfium2.PdfDocument(data) as pages:
        text = [page.get_textpage().get_text_range().split() for page in pages]
        labels = [pages.get_page_label(index) for index in range(len(pages))]
    assert labels == ["i", "ii", "1", "2", "3", "4", "5"]
    assert text == [
        ["one", "1", "two", "3", "three", "5", "i"], [],
        ["one", "1"], [], ["two", "3"], [], ["three", "5"],
    ]  # fmt: skip


def test_metadata_tags_and_view(pdf: pikepdf.Pdf) -> None:
    assert str(pdf.docinfo["/Title"]) == "书"
    assert str(pdf.docinfo["/Author"]) == "甲, 乙"
    assert "/Subject" not in pdf.docinfo
    assert str(pdf.docinfo["/CreationDate"]) == "D:20261122000000Z"
    assert str(pdf.Root.Lang) == "zh-CN"
    assert pdf.Root.MarkInfo.Marked
    assert pdf.Root.ViewerPreferences.DisplayDocTitle
    assert pdf.Root.PageMode == "/UseOutlines"


def test_bookmarks_belong_to_the_last_one_above_wherever_that_was_laid_out(
    pdf: pikepdf.Pdf,
) -> None:
    with pdf.open_outline() as outline:
        (one,) = outline.root
        assert (one.title, [item.title for item in one.children]) == ("one", ["two", "three"])
    assert pdf.Root.Outlines.Count == 3


def test_a_face_is_embedded_once_with_the_glyphs_in_use(pdf: pikepdf.Pdf) -> None:
    faces = [item for item in pdf.objects if isinstance(item, pikepdf.Stream)]
    faces = [item for item in faces if item.get("/Subtype") == "/CIDFontType0C"]
    assert [len(face.read_bytes()) < 10_000 for face in faces] == [True]


def test_the_same_sections_give_the_same_bytes(
    data: bytes, book_fonts: BookFonts, tmp_path: Path
) -> None:
    for jobs in (2, 3):
        assert Shop(book_fonts, tmp_path / str(jobs), jobs=jobs).make() == data


# -- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["file:///etc/hosts", "https://example.org/x.png", "x.png"])
def test_nothing_is_fetched_but_what_the_book_brought(shop: Shop, address: str) -> None:
    with pytest.raises(BookError, match="export-failed") as caught:
        shop.make(f'<img alt="x" src="{address}"/>')
    assert "not part of the book" in str(caught.value)
    assert [item.position.path for item in caught.value.diagnostics] == ["f.md"]


def test_a_picture_that_cannot_be_drawn_is_an_error_every_time(shop: Shop) -> None:
    shop.pictures["studyguide:figure/x.svg"] = b"<svg", "image/svg+xml"
    for _ in range(2):
        with pytest.raises(BookError, match=r"studyguide:figure/x\.svg"):
            shop.make('<img alt="x" src="studyguide:figure/x.svg"/>')


def test_a_style_sheet_that_is_not_understood_is_an_error(
    book_fonts: BookFonts, tmp_path: Path
) -> None:
    with pytest.raises(BookError, match="text-emphasis"):
        Shop(book_fonts, tmp_path, SHEET + "em { text-emphasis: dot }").make()


def test_a_slot_that_is_not_in_tabular_figures_is_an_error(
    book_fonts: BookFonts, tmp_path: Path
) -> None:
    with pytest.raises(BookError, match="3 of 3 page numbers"):
        Shop(book_fonts, tmp_path, SHEET + ".slot { font-feature-settings: normal }").make()


def test_links_that_lead_nowhere_are_an_error(shop: Shop) -> None:
    with pytest.raises(LinkError, match="nowhere-at-all"):
        shop.make('<a href="#nowhere-at-all">x</a>')


def test_two_places_of_one_name_are_an_error(shop: Shop) -> None:
    with pytest.raises(LinkError, match="two"):
        shop.make('<p id="two">x</p>')


def test_a_face_of_the_system_is_an_error(shop: Shop) -> None:
    with pytest.raises(BookError, match="came from"):
        shop.make(
            '<p style="font-family: Book Mono">x<b style="font-family: DejaVu Sans">y</b></p>'
        )


def test_a_worker_that_dies_is_reported_with_its_section(shop: Shop) -> None:
    start = shop.workers._start

    def start_doomed() -> Any:
        worker = start()
        worker.process.kill()
        return worker

    shop.workers._start = start_doomed  # type: ignore[method-assign]
    with pytest.raises(BookError, match="was killed by SIGKILL") as caught:
        shop.make()
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.position.path in {"f.md", *(f"{name}.md" for name in NAMES)}
    assert any(
        f"“{name}”" in diagnostic.message for name in ("front", *map("chapter-{}".format, NAMES))
    )


def test_workers_leave_nothing_behind(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """WeasyPrint keeps copies of the faces in a folder, which a worker that is killed cannot."""
    folder = shop.cache / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    workers = Workers(shop.style, 1)
    with closing(workers):
        task = Task("one", PAGE.format("甲"), {})
        assert [answer.failures for answer in workers.lay_out([task])] == [()]
        assert len(list(folder.rglob("weasyprint-*/*"))) == len(shop.style.fonts.files)
    assert list(folder.iterdir()) == []


# -- the cache ------------------------------------------------------------------------------------


def test_progress_goes_forward_to_the_end(shop: Shop) -> None:
    shop.make()
    assert shop.seen == sorted(shop.seen)
    assert shop.seen[0][1] == 4
    assert shop.seen[-1][0] == shop.seen[-1][1]


def test_nothing_is_laid_out_twice(shop: Shop, data: bytes) -> None:
    assert shop.make() == data
    again = Shop(shop.style.fonts, shop.cache)
    again.workers._start = lambda: pytest.fail("a worker was started")  # type: ignore[method-assign]
    assert again.make() == data


@pytest.mark.parametrize("length", [0, 40, 5_000])
def test_a_damaged_object_is_made_anew(shop: Shop, data: bytes, length: int) -> None:
    shop.make()
    for path in shop.cache.glob("*.section"):
        whole = path.read_bytes()
        path.write_bytes(whole[:length])
        assert Shop(shop.style.fonts, shop.cache).make() == data
        assert path.read_bytes() == whole
