"""The linked handbook: every page number in it, and the same book as one document beside it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from generator.exporters.pdf import FAMILIES, sheets_of
from generator.exporters.print_markup import Pictures
from generator.exporters.print_numbers import Section
from generator.exporters.print_paper import PAPERS
from generator.exporters.print_sections import SectionWriter
from generator.exporters.print_workers import Answer, Style, Task, Workers
from generator.render import PLACE
from generator.typography.embedding import PrintedFace
from generator.typography.fonts import BookFonts
from tests.conftest import with_faces
from tests.pdf_client import MINIMAL, ROOT, TIMESTAMP, Handbook, PdfFile, make_handbook
from tests.small_book import copy_chapters
from tests.whole_book import make_whole, typed

SMALL = ("llm-basics", "attention", "sft-data")
"""Chapters of three parts, for a small book."""


class Recorder:
    """Which sections workers were asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: list[str] = []
        lay_out = Workers.lay_out

        def record(workers: Workers, tasks: Iterator[Task]) -> Iterator[Answer]:
            some = [*tasks]
            self.names += [task.name for task in some]
            return lay_out(workers, some)

        monkeypatch.setattr(Workers, "lay_out", record)


@pytest.fixture
def laid_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return Recorder(monkeypatch).names


def sections_of(handbook: Handbook) -> tuple[tuple[Section, ...], Pictures]:
    """What was laid out, and the pictures in it."""
    context, paper = handbook.context, PAPERS[handbook.context.paper]
    pictures = Pictures(context.formulas, FAMILIES)
    writer = SectionWriter(handbook.book, context, paper, pictures)
    manuscript = writer.write()
    end = writer.write_end(manuscript, handbook.found["labels"])
    return (*manuscript.sections, *end), pictures


@dataclass(frozen=True)
class Both:
    """A book of a few chapters, linked and as one document with typed numbers."""

    linked: Handbook
    whole: PdfFile


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_chapters(SMALL, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def both(small: Path, cache: Path, book_fonts: BookFonts) -> Both:
    linked = make_handbook(small, cache, "A5")
    sections, pictures = sections_of(linked)
    style = Style(sheets_of(linked.context, PAPERS["A5"]), book_fonts)
    document = typed(sections, linked.found["labels"])
    return Both(linked, PdfFile(make_whole(document, style, pictures.get)))


# -- every page number ----------------------------------------------------------------------------


def printed_numbers(file: PdfFile, fonts: BookFonts) -> Iterator[tuple[int, str, str]]:
    """Page, text and target of whatever is set in tabular figures; no target in the margins."""
    digits: dict[int, str] = {}
    for name in ("song", "song-bold"):
        glyphs = PrintedFace(fonts.files[name]).shape("0123456789", tabular=True)
        digits |= dict(zip(glyphs, "0123456789", strict=True))
    parents = list(file.file.Root.StructTreeRoot.ParentTree.Nums)[1::2]
    for number, page in enumerate(file.file.pages):
        if "/Contents" not in page:
            continue
        mark, font = 0, ""
        for operands, operator in pikepdf.parse_content_stream(page):
            match str(operator):
                case "BDC":
                    mark = int(operands[1].get("/MCID", -1))
                case "BMC":
                    mark = -1
                case "Tf":
                    font = str(page.Resources.Font[operands[0]].BaseFont)
                case "TJ" if "Book-Song" in font:
                    text = b"".join(bytes(item) for item in operands[0] if not _is_number(item))
                    glyphs = [text[i] << 8 | text[i + 1] for i in range(0, len(text), 2)]
                    if glyphs and all(glyph in digits for glyph in glyphs):
                        shown = "".join(digits[glyph] for glyph in glyphs)
                        element = parents[page.StructParents][mark] if mark >= 0 else None
                        yield number, shown, target(element)


def _is_number(item: Any) -> bool:
    return not isinstance(item, pikepdf.String)


def target(element: Any) -> str:
    """The target of the link around a structure element."""
    while element is not None:
        for kid in element.get("/K", []):
            if isinstance(kid, pikepdf.Dictionary) and kid.get("/Type") == "/OBJR":
                return str(kid.Obj.Dest)
        element = element.get("/P")
    return ""


def test_every_printed_page_number_is_the_label_of_the_page_it_leads_to(
    handbook: Handbook, book_fonts: BookFonts
) -> None:
    labels, where = handbook.labels, handbook.anchors
    numbers = [*printed_numbers(handbook, book_fonts)]
    references = [(page, text, name) for page, text, name in numbers if name]
    assert [text for _, text, _ in references] == [labels[where[name]] for _, _, name in references]
    sections, _ = sections_of(handbook)
    wanted = sum(section.markup.count('data-page="') for section in sections)
    roman = sum(1 for section in sections for name in re.findall(
        r'href="#([^"]+)" data-page=""', section.markup) if not labels[where[name]].isdigit()
    )  # fmt: skip
    assert len(references) == wanted - roman > 100


def test_every_folio_is_the_label_of_its_page(handbook: Handbook, book_fonts: BookFonts) -> None:
    folios = {page: text for page, text, name in printed_numbers(handbook, book_fonts) if not name}
    labels = handbook.labels
    assert folios == {page: labels[page] for page in folios}
    without = {page for page, label in enumerate(labels) if label.isdigit()} - folios.keys()
    for page in without:  # part titles, empty pages, the colophon
        assert len(handbook.text(page)) < 400, page


# -- the same as one document ---------------------------------------------------------------------


def squeeze(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_pages_have_the_same_text(both: Both) -> None:
    linked, whole = (
        [squeeze(file.text(page)) for page in range(len(file.pages))]
        for file in (both.linked, both.whole)
    )
    assert linked == whole
    assert len(linked) > 50


def test_links_lead_to_the_same_places(both: Both) -> None:
    def links(file: PdfFile) -> Iterator[tuple[int, str, list[float]]]:
        for number, page in enumerate(file.file.pages):
            for item in page.get("/Annots", []):
                name = str(item.Dest) if "/Dest" in item else str(item.A.URI)
                yield number, name, [round(float(edge)) for edge in item.Rect]

    linked, whole = [*links(both.linked)], [*links(both.whole)]
    assert [link[:2] for link in linked] == [link[:2] for link in whole]
    # Slots in the contents and in checklists are wider than their numbers, to the left.
    for one, other in zip(linked, whole, strict=True):
        assert one[2][1:] == pytest.approx(other[2][1:], abs=1)  # points
    front = both.linked.anchors[next(name for name in both.linked.anchors if name[:5] == "part-")]
    moved = [
        one for one, other in zip(linked, whole, strict=True) if abs(one[2][0] - other[2][0]) > 1
    ]
    listed = {name for name in both.linked.anchors if name.startswith("q-")}
    assert {name for number, name, _ in moved if number > front} <= listed
    assert both.linked.anchors == {
        name: page for name, page in both.whole.anchors.items() if not name.startswith(PLACE)
    }


def test_bookmarks_are_the_same(both: Both) -> None:
    def lines(file: PdfFile) -> Iterator[tuple[int, str, int]]:
        for item in file.pages.get_toc():
            place = item.get_dest()
            assert place is not None
            yield item.level, item.get_title(), place.get_index()

    assert [*lines(both.linked)] == [*lines(both.whole)]


def test_the_structure_is_the_same(both: Both) -> None:
    def walk(element: Any, depth: int) -> Iterator[tuple[int, str, str, tuple[int, ...]]]:
        kids = element.get("/K", [])
        marks = tuple(kid for kid in kids if isinstance(kid, int))
        yield depth, str(element.get("/S", "")), str(element.get("/Alt", "")), marks
        for kid in kids:
            if isinstance(kid, pikepdf.Dictionary) and kid.get("/Type") == "/StructElem":
                yield from walk(kid, depth + 1)

    linked, whole = (
        [*walk(file.file.Root.StructTreeRoot, 0)] for file in (both.linked, both.whole)
    )
    assert linked == whole
    assert len(linked) > 1000


def test_every_header_cell_has_a_name_of_its_own(both: Both) -> None:
    names = [
        str(item.ID)
        for item in both.linked.file.objects
        if isinstance(item, pikepdf.Dictionary) and "/ID" in item and item.get("/S") == "/TH"
    ]
    assert len(names) == len(set(names)) > 10


def test_the_file_is_hardly_larger(both: Both) -> None:
    assert len(both.linked.data) <= 1.15 * len(both.whole.data)


def test_the_file_is_sound(both: Both) -> None:
    assert both.linked.file.check_pdf_syntax() == []


def test_labels_are_found_for_every_anchor(handbook: Handbook) -> None:
    labels = handbook.labels
    found = handbook.found["labels"]
    named = {name: label for name, label in found.items() if not name.startswith(PLACE)}
    assert named == {name: labels[page] for name, page in handbook.anchors.items()}
    assert len(found) > len(named)  # paragraphs, which nothing leads to
    assert list(handbook.found["pages"]) == labels


# -- the index ------------------------------------------------------------------------------------


def test_the_index_lists_no_page_twice_and_pages_in_order(
    handbook: Handbook, book_fonts: BookFonts
) -> None:
    page = handbook.anchors["index"]
    last = handbook.anchors["colophon"]
    by_term: dict[str, list[int]] = {}
    for number, text, name in printed_numbers(handbook, book_fonts):
        if page <= number < last and name:
            by_term.setdefault(name, []).append(int(text))
    sections, _ = sections_of(handbook)
    (markup,) = (section.markup for section in sections if section.name == "index")
    entries = re.findall(r"<li>(.*?)</li>", markup)
    assert len(entries) > 20
    for entry in entries:
        pages = [by_term[name].pop(0) for name in re.findall(r'data-page="([^"]+)"', entry)]
        assert all(before < after for before, after in pairwise(pages)), entry


# -- what is kept ---------------------------------------------------------------------------------


def test_an_edited_question_costs_one_chapter(
    cache: Path, small: Path, tmp_path: Path, laid_out: list[str]
) -> None:
    book = tmp_path / "book"
    shutil.copytree(small, book)
    first = make_handbook(book, cache).data
    laid_out.clear()
    assert make_handbook(book, cache).data == first
    assert laid_out == []
    (path,) = book.glob("content/*/llm-basics.md")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("有什么特征？", "有何特征？", 1), encoding="utf-8")
    assert make_handbook(book, cache).data != first
    # Its title stands in the contents, too.
    assert sorted(laid_out) == ["chapter-llm-basics", "front"]


def test_the_number_of_workers_changes_nothing(font_cache: Path, tmp_path: Path) -> None:
    made = []
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        folder.mkdir()
        made.append(make_handbook(MINIMAL, with_faces(font_cache, folder), jobs=jobs).data)
    assert made[0] == made[1]


def test_two_builds_at_once_share_a_cache(font_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "cache" / "pdf").mkdir(parents=True)
    with_faces(font_cache, tmp_path / "cache" / "pdf")
    command = [sys.executable, "-m", "generator", "build", "pdf", "--root", str(MINIMAL)]
    command += ["--out", str(tmp_path)]
    environment = {"SOURCE_DATE_EPOCH": str(TIMESTAMP)}
    runs = [
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}) for _ in range(2)
    ]
    assert [run.wait() for run in runs] == [0, 0]
    (path,) = tmp_path.glob("*.pdf")
    together = path.read_bytes()
    shutil.rmtree(tmp_path / "cache")
    subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=True)
    assert path.read_bytes() == together
