"""The handbook of the book that ships, read back from the finished file."""

from __future__ import annotations

import html
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest

from generator.diagnostics import BookError
from generator.exporters.print_paper import PAPERS
from generator.inspection.findings import Kind
from generator.inspection.report import Report, inspect_file
from generator.model import Book
from generator.source import load_bounds, walk
from tests.pdf_client import MINIMAL, ROOT, Handbook, make_handbook

PRINT = ROOT / "tests" / "fixtures" / "print"


@pytest.fixture(scope="module")
def report(handbook: Handbook) -> Report:
    return inspect_file(handbook.file, load_bounds(ROOT))


def test_it_is_built_without_a_warning(handbook: Handbook) -> None:
    assert handbook.warnings == []
    assert handbook.counts == {
        "pages": len(handbook.pages),
        "questions": len(list(handbook.book.questions)),
    }


def test_the_outline_holds_parts_chapters_and_every_question(handbook: Handbook) -> None:
    with handbook.file.open_outline() as outline:
        parts = [item for item in outline.root if item.children]
        chapters = [chapter for part in parts for chapter in part.children]
        questions = [question.title for chapter in chapters for question in chapter.children]
    assert [part.title.split("　")[1] for part in parts] == [
        part.title for part in handbook.book.parts
    ]
    assert [chapter.title.split("　")[1] for chapter in chapters] == [
        chapter.title for chapter in handbook.book.chapters
    ]
    assert questions == [
        f"{handbook.book.anchors[question.id].number}　{question.title}"
        for question in handbook.book.questions
    ]


def fonts(file: pikepdf.Pdf) -> Iterator[pikepdf.Dictionary]:
    for entry in file.objects:
        if isinstance(entry, pikepdf.Dictionary) and entry.get("/Type") == "/Font":
            yield entry


def test_all_fonts_are_the_books_embedded_and_cut_to_what_is_used(handbook: Handbook) -> None:
    names = set()
    for font in fonts(handbook.file):
        (face,) = font.DescendantFonts if font.Subtype == "/Type0" else (font,)
        names.add(str(face.BaseFont))
        assert {"/FontFile2", "/FontFile3"} & set(face.FontDescriptor.keys())
    assert names
    assert {
        name for name in names if not re.match(r"/[A-Z]{6}\+Book-(Song|Hei|Kai|Mono)", name)
    } == set()


@pytest.mark.parametrize("kind", Kind)
def test_its_typography_is_within_the_bounds_of_book_yaml(
    handbook: Handbook, report: Report, kind: Kind
) -> None:
    assert len(report.labels) == len(handbook.pages)
    assert kind not in report.exceeded, "\n".join(report.listing(20))


def test_it_is_marked_as_pdf_ua_only_if_its_structure_carries_it(
    handbook: Handbook, report: Report
) -> None:
    metadata = handbook.file.open_metadata(update_docinfo=False)
    is_marked = metadata.get("pdfuaid:part") is not None
    assert not (is_marked and report.counts[Kind.STRUCTURE])


def links(handbook: Handbook) -> Iterator[tuple[int, str, pikepdf.Dictionary]]:
    """Links within the file: index of the page, name of the destination, annotation."""
    for number, page in enumerate(handbook.file.pages):
        for annotation in page.get("/Annots", []):
            if "/Dest" in annotation:
                yield number, str(annotation.Dest), annotation
            elif annotation.get("/A", {}).get("/S") == "/GoTo":
                yield number, str(annotation.A.D), annotation


def test_every_link_lands(handbook: Handbook) -> None:
    found = list(links(handbook))
    assert len(found) > len(list(handbook.book.questions))
    assert {name for _, name, _ in found} <= handbook.anchors.keys()


def printed(handbook: Handbook, number: int, annotation: pikepdf.Dictionary) -> str:
    """The words within a link."""
    left, bottom, right, top = (float(value) for value in annotation.Rect)
    text = handbook.textpage(number)
    return text.get_text_bounded(left - 1, min(bottom, top), right + 1, max(bottom, top)).strip()


def test_every_page_number_in_the_contents_is_the_label_of_its_page(handbook: Handbook) -> None:
    where = handbook.anchors
    numbers = {
        name: printed(handbook, number, annotation)
        for number, name, annotation in links(handbook)
        if where["contents"] <= number < where[f"part-{handbook.book.parts[0].id}"]
    }  # of the two links of an entry the second is the number's
    assert numbers == {name: handbook.labels[where[name]] for name in numbers}
    listed = {handbook.book.anchors[question.id].name for question in handbook.book.questions}
    listed |= {f"chapter-{chapter.id}" for chapter in handbook.book.chapters}
    listed |= {f"part-{part.id}" for part in handbook.book.parts}
    assert listed <= numbers.keys()


def test_every_page_number_in_the_text_is_the_label_of_its_page(handbook: Handbook) -> None:
    where = handbook.anchors
    numbers = [
        (name, match[1])
        for number, name, annotation in links(handbook)
        if (match := re.search(r"[（，]第\s*(\w+)\s*页", printed(handbook, number, annotation)))
    ]
    assert len(numbers) > 10
    assert [label for _, label in numbers] == [handbook.labels[where[name]] for name, _ in numbers]


def margins(handbook: Handbook, index: int) -> tuple[str, str]:
    """What stands in the margins at the head and at the foot of an A4 page."""
    text, millimetre = handbook.pages[index].get_textpage(), 72 / 25.4
    head = text.get_text_bounded(bottom=(297 - 24) * millimetre)
    return head.strip(), text.get_text_bounded(top=22 * millimetre).strip()


def test_folios_are_the_page_labels(handbook: Handbook) -> None:
    where = handbook.anchors
    for chapter in handbook.book.chapters:
        index = where[f"chapter-{chapter.id}"]
        opener, verso, recto = (handbook.labels[page] for page in range(index, index + 3))
        assert int(opener) % 2 == 1, "a chapter begins on a recto page"
        assert margins(handbook, index) == ("", opener)
        assert margins(handbook, index + 1)[0].split() == [verso, handbook.book.title]
        head = squeeze(margins(handbook, index + 2)[0])
        assert f"章{squeeze(chapter.title)}{chapter.number}." in head
        assert head.endswith(recto)
    assert handbook.labels[0] == "i"


def squeeze(text: str) -> str:
    return re.sub(r"[\s\u2060\ufffe]", "", text)


def test_the_words_of_every_heading_can_be_searched(handbook: Handbook) -> None:
    where = handbook.anchors
    for question in handbook.book.questions:
        anchor = handbook.book.anchors[question.id]
        text = squeeze(handbook.text(where[anchor.name]))
        for run in re.findall(r"[\u4e00-\u9fff]+", question.prompt.text.split("$")[0]):
            assert run in text, question.id
        assert anchor.number in text


def test_figures_and_tables_are_numbered(handbook: Handbook) -> None:
    where = handbook.anchors
    numbered = [a for a in handbook.book.anchors.values() if a.name[:2] in {"f-", "b-"}]
    assert numbered
    for anchor in numbered:
        assert re.search(rf"[图表]\s*{anchor.number}", handbook.text(where[anchor.name])), anchor


def test_every_work_is_listed_under_its_chapter(handbook: Handbook) -> None:
    where = handbook.anchors
    for chapter in handbook.book.chapters:
        for number, key in enumerate(chapter.citations, start=1):
            text = squeeze(handbook.text(where[f"r-{chapter.number}-{number}"]))
            title = squeeze(handbook.book.references[key].title)[:12]
            assert f"[{number}]" in text
            assert title in text, key


def test_answers_of_the_self_tests_follow_their_lines(handbook: Handbook) -> None:
    where = handbook.anchors
    for question in handbook.book.questions:
        for cloze in question.clozes:
            assert f"c-{cloze.id}" in where
    text = squeeze(handbook.whole_text)
    assert text.count("自测") >= len(list(handbook.book.chapters))
    assert text.count("答案") >= len(list(handbook.book.chapters))


def test_blank_pages_are_versos_before_rectos_only(handbook: Handbook) -> None:
    opening = {
        index
        for name, index in handbook.anchors.items()
        if name.startswith(("part-", "chapter-", "page-"))
        or name in {"contents", "glossary", "colophon"}
    }
    for index in range(1, len(handbook.pages)):
        if not handbook.text(index).strip():
            assert index + 1 in opening, handbook.labels[index]


def test_it_is_tagged_and_described(handbook: Handbook) -> None:
    assert str(handbook.file.docinfo["/Title"]) == handbook.book.title
    assert str(handbook.file.docinfo["/CreationDate"]) == "D:20261122000000Z"
    assert str(handbook.file.Root.Lang) == "zh-CN"
    assert handbook.file.Root.MarkInfo.Marked
    pictures = structure(handbook, "/Figure")
    assert pictures
    assert all(str(element.get("/Alt", "")) for element in pictures)


def test_two_builds_are_the_same_bytes(cache: Path) -> None:
    assert make_handbook(MINIMAL, cache).data == make_handbook(MINIMAL, cache).data


@pytest.mark.parametrize(
    ("paper", "size"),
    [("A4", (210, 297)), ("A5", (148, 210)), ("B5", (176, 250)), ("16k", (185, 260))],
)
def test_papers(cache: Path, paper: str, size: tuple[float, float]) -> None:
    pages = make_handbook(MINIMAL, cache, paper).pages
    points = {pages.get_page_size(index) for index in range(len(pages))}
    (found,) = points
    assert found == pytest.approx([length * 72 / 25.4 for length in size], abs=0.1)


def test_print_ready_pages_have_bleed_and_trim(cache: Path) -> None:
    for page in make_handbook(MINIMAL, cache, "A5", print_ready=True).file.pages:
        trim = [float(value) for value in page.TrimBox]
        assert trim[2] - trim[0] == pytest.approx(148 * 72 / 25.4, abs=0.1)
        assert float(page.BleedBox[0]) <= trim[0] - 3 * 72 / 25.4


def extended(folder: Path, text: str) -> Path:
    """A copy of the minimal book with more text at the end of its chapter; the chapter's path."""
    shutil.copytree(MINIMAL / "content", folder / "content")
    (chapter,) = (folder / "content" / "basics").glob("*.md")
    with chapter.open("a", encoding="utf-8") as file:
        file.write(f"\n\n{text}\n")
    return chapter


def test_a_character_that_no_font_has_is_named_with_its_place(cache: Path, tmp_path: Path) -> None:
    chapter = extended(tmp_path, "末段有一个 𓀀 字。")
    with pytest.raises(BookError) as caught:
        make_handbook(tmp_path, cache)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "glyph-missing"
    assert "U+13000" in diagnostic.message
    assert diagnostic.position.path == f"content/basics/{chapter.name}"
    assert diagnostic.position.line > 1


def test_notes_stand_at_the_foot_of_the_page_under_circled_numbers(
    cache: Path, tmp_path: Path
) -> None:
    extended(tmp_path, "甲[^a]，乙[^b]。\n\n[^a]: 注甲。\n\n[^b]: 注乙。\n\n    又一段。")
    text = squeeze(make_handbook(tmp_path, cache).whole_text)
    assert "甲①，乙②。" in text
    assert text.index("①注甲。②注乙。又一段。") > text.index("甲①，乙②。")


# -- the fixture with everything that can be written ----------------------------------------------


@pytest.fixture(scope="module")
def sample(cache: Path) -> Handbook:
    return make_handbook(PRINT, cache, "A5")


def structure(handbook: Handbook, role: str) -> list[pikepdf.Dictionary]:
    return [
        element
        for element in handbook.file.objects
        if isinstance(element, pikepdf.Dictionary) and element.get("/S") == role
    ]


def formulas(book: Book) -> Counter[str]:
    """TeX of the formulas within the book's text, and how often each is written."""
    tokens = (token for block in book.blocks for token in walk(block.tokens))
    return Counter(token.content for token in tokens if token.type.startswith("math_"))


@pytest.mark.parametrize("name", ["handbook", "sample"])
def test_formulas_are_described_and_copied_as_tex(
    name: str, request: pytest.FixtureRequest
) -> None:
    handbook: Handbook = request.getfixturevalue(name)
    described = Counter(str(formula.Alt) for formula in structure(handbook, "/Formula"))
    assert described >= formulas(handbook.book)  # titles are repeated in lists
    text = squeeze(handbook.whole_text)
    for tex in formulas(handbook.book):
        assert squeeze(html.unescape(tex)) in text, tex


def test_a_broken_formula_is_copied_once(sample: Handbook) -> None:
    text = sample.whole_text
    (tex,) = (tex for tex in formulas(sample.book) if tex.startswith("p_{ij}"))
    assert text.count(tex) == 1
    (formula,) = (f for f in structure(sample, "/Formula") if str(f.Alt) == tex)
    assert len(formula.K) > 5  # its words and its pictures


def test_a_long_table_is_continued_under_its_number(sample: Handbook) -> None:
    start = sample.anchors["b-long"]
    assert "续表" not in sample.text(start)
    assert re.search(r"续表\s*1-1\s+行\s+数\s+说明\s+第", sample.text(start + 1))


def test_line_numbers_are_no_text(sample: Handbook) -> None:
    (page,) = (
        sample.text(index) for index in range(len(sample.pages)) if "numpy" in sample.text(index)
    )
    assert re.search(r"import numpy as np\s+def attention\(queries, keys, values\):\s+# ", page)


def test_a_figure_gives_way_to_text_and_leaves_no_hole(sample: Handbook) -> None:
    before = sample.anchors["f-tall"] - 1
    text = sample.pages[before].get_textpage()
    lowest = min(text.get_charbox(index)[1] for index in range(text.count_chars()))
    bottom = PAPERS["A5"].bottom * 72 / 25.4
    assert lowest < bottom + 60


def test_emphasis_leaves_the_text_as_it_is(sample: Handbook) -> None:
    text = squeeze(sample.whole_text)
    assert "这里有着重号、Latin与汉字混排的着重、粗体（Bold）、code、约翰·麦卡锡、don’t" in text


def test_every_chapter_opens_with_a_checklist_whose_page_numbers_are_true(
    handbook: Handbook,
) -> None:
    where = handbook.anchors
    pages = [n for n in range(len(handbook.pages)) if "本章清单" in handbook.text(n)]
    numbers = [
        {
            name: printed(handbook, number, annotation)
            for number, name, annotation in links(handbook)
            if number == page
        }  # of the two links of a row the second is the number's
        for page in pages
    ]
    for chapter, page, printed_numbers in zip(handbook.book.chapters, pages, numbers, strict=True):
        anchors = [handbook.book.anchors[question.id].name for question in chapter.questions]
        assert {name: printed_numbers[name] for name in anchors} == {
            name: handbook.labels[where[name]] for name in anchors
        }
        assert page == where[f"chapter-{chapter.id}"]
        assert handbook.text(page).count("□") == len(anchors)
        assert handbook.text(page).count("高频") >= sum(q.hot for q in chapter.questions)
