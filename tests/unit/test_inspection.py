"""The typography report: every fault that is planted is found, and nothing where there is none."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pikepdf
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name, String
from pypdfium2 import raw
from weasyprint.formatting_structure import boxes

from generator.config import Bounds
from generator.inspection.accessibility import structure_faults
from generator.inspection.document import UnreadableError, open_document
from generator.inspection.findings import Kind
from generator.inspection.lines import read_blocks
from generator.inspection.report import Report, inspect_file
from tests.handbook_pdf import (
    BODY,
    CAPTION,
    EM,
    FIGURE,
    HAN,
    PICTURE,
    TABLE,
    handbook,
    lay_out,
    operated,
    write,
)


def inspect(data: bytes, bounds: Bounds | None = None) -> Report:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return inspect_file(pdf, bounds or Bounds())


def listed(report: Report) -> str:
    return "\n".join(report.listing(99))


def test_a_sound_handbook_passes() -> None:
    report = inspect(handbook())
    assert report.findings == []
    assert report.exceeded == []
    assert len(report.labels) == 6
    assert report.flush == (60, 60)
    assert 0 < report.gaps.median <= report.gaps.largest < 0.1


# -- faults that an author or a style sheet makes --------------------------------------------------

FULL = "字" * 26
"""A full line."""

LINK = '<p><a href="{}" style="{}">丁</a></p>'
FLAT = "display: block; line-height: 0"


class Fault(NamedTuple):
    """What is added to the first chapter, and what the report has to say of it."""

    kind: Kind
    markup: str
    message: str
    text: str


FAULTS = [
    Fault(Kind.FLUSH, f"<p>{'甲' * 20}<br/>{FULL}字字</p>", "6.30 em before the edge", "甲" * 20),
    Fault(Kind.FLUSH, f'<p style="text-align: left">{HAN}</p>', "em before the edge", "自注意力"),
    Fault(Kind.LINE_BREAK, f"<p>{FULL}<br/>，字字</p>", "“，” begins a line", "字⏎，"),
    Fault(Kind.LINE_BREAK, f"<p>{FULL}<br/>·字字</p>", "“·” begins a line", "字⏎·"),
    Fault(Kind.LINE_BREAK, f"<p>{FULL[2:]}（<br/>字字）</p>", "“（” ends a line", "（⏎字"),
    Fault(Kind.LINE_BREAK, f"<p>{FULL[1:]}—<br/>—字</p>", "“——” is split", "—⏎—"),
    Fault(Kind.LINE_BREAK, f"<ul><li>{FULL[2:]}…<br/>…字</li></ul>", "“……” is split", "…⏎…"),
    Fault(
        Kind.GAP,
        f'<p>{FULL[6:]}<span style="letter-spacing: .4em">甲乙</span>{FULL}</p>',
        "em added at “甲乙”",
        "甲乙",
    ),
    Fault(Kind.OVERFULL, f"<p><nobr>甲{FULL}字</nobr></p>", "beyond the text block", "甲字"),
    Fault(Kind.OVERFULL, f"<p><nobr>甲{FULL * 2}</nobr></p>", "beyond the page", "甲字"),
    Fault(Kind.OVERFULL, FIGURE.replace("<img", "<img class=wide"), "the text block", "\ufffc"),
    Fault(Kind.OVERFULL, "<p class=low>甲</p>", "beyond the page", "甲"),
    Fault(Kind.GLYPH, "<p>丙\u0378丁</p>", "no glyph for “\u0378” (U+0378)", "丙\u0378丁"),
    Fault(Kind.FONT, "<p class=stray>丙丁</p>", "Noto-Serif-CJK-SC is not one of", "丙丁"),
    Fault(Kind.LONE, f"<p>{FULL * 2}终。</p>", "“终” stands alone", "字⏎终。"),
    Fault(Kind.HOLE, "<p>甲</p><p class=next>乙</p>", "% of the page are empty below", "甲"),
    Fault(Kind.FIGURE, FIGURE.replace("图 1-1 ", ""), "no number: “三角”", "一个三角"),
    Fault(Kind.FIGURE, FIGURE.replace("图 1-1", "表 1-1"), "no number: “表 1-1", "一个三角"),
    Fault(Kind.FIGURE, FIGURE.replace(CAPTION, ""), "without a caption", "一个三角"),
    Fault(Kind.LINK, LINK.format("#two", FLAT), "without a surface", "丁"),
    Fault(Kind.LINK, LINK.format("ftp://example.org/", ""), "no address of the web", "丁"),
    Fault(Kind.STRUCTURE, "<h2>甲</h2><h4>丁</h4>", "level 4 after one of level 2", "丁"),
    Fault(Kind.STRUCTURE, TABLE.replace("th>", "td>"), "without header cells", "甲乙一二"),
    Fault(Kind.STRUCTURE, "<dl><div><dt>丁</dt></div></dl>", "LI within Div", "丁"),
]
STYLE = """
nobr { white-space: nowrap } .wide { width: 27em !important } .next { break-before: page }
.low { position: absolute; top: 395pt } .stray { font-family: "Noto Serif CJK SC" }
p:last-child { text-indent: 0 }
"""
ALONG = {
    Kind.LINE_BREAK: {Kind.FLUSH},  # a line that is broken by force
    Kind.GLYPH: {Kind.FONT},  # the missing glyph is some other font's
}
"""Kinds of faults that may come along with one."""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}-{fault.message}")
def test_a_planted_fault_is_found_with_its_page_and_words(fault: Fault) -> None:
    report = inspect(handbook(BODY.replace("</section>", f"{fault.markup}</section>", 1), STYLE))
    assert fault.kind in report.exceeded
    assert set(report.exceeded) <= {fault.kind} | ALONG.get(fault.kind, set()), listed(report)
    for finding in report.findings:
        if finding.kind is fault.kind and fault.message in finding.message:
            assert fault.text in finding.text
            assert finding.page is not None
            assert report.labels[finding.page] == "iv"
            break
    else:
        pytest.fail(listed(report))


# -- faults that a writer of PDF makes ------------------------------------------------------------


def elements(pdf: pikepdf.Pdf, role: str) -> list[Any]:
    """The structure elements of a type, in the order of the file."""
    return [
        item
        for item in pdf.objects
        if isinstance(item, Dictionary) and item.get("/S") == role and "/P" in item
    ]


def links(pdf: pikepdf.Pdf, key: str) -> Any:
    """The first link that has a key."""
    return next(
        annotation
        for page in pdf.pages
        for annotation in page.get("/Annots", [])
        if key in annotation
    )


def prepend(page: pikepdf.Page, operators: bytes) -> None:
    page.contents_add(operators, prepend=True)


def edit(page: pikepdf.Page, before: bytes, after: bytes) -> None:
    page.contents_coalesce()
    data = page.Contents.read_bytes()
    assert before in data
    page.Contents.write(data.replace(before, after, 1))


def cut_off(pdf: pikepdf.Pdf, role: str) -> None:
    """Take the first element of a type out of the tree, and leave its content."""
    element = elements(pdf, role)[0]
    kids = element.P.K
    element.P.K = Array([kid for kid in kids if kid.objgen != element.objgen])


def swap_owners(pdf: pikepdf.Pdf) -> None:
    owners = pdf.Root.StructTreeRoot.ParentTree.Nums[1]
    owners[0], owners[1] = owners[1], owners[0]


def lose_title(pdf: pikepdf.Pdf) -> None:
    with pdf.open_metadata() as metadata:
        del metadata["dc:title"]


def double_header(pdf: pikepdf.Pdf) -> None:
    one, two = elements(pdf, "/TH")
    two.ID = one.ID


SURGERY: dict[str, Callable[[pikepdf.Pdf], object]] = {
    "/MarkInfo /Marked (7.1)": lambda pdf: pdf.Root.MarkInfo.__setitem__("/Marked", False),
    "no language (7.2)": lambda pdf: pdf.Root.__delitem__("/Lang"),
    "/DisplayDocTitle": lambda pdf: pdf.Root.__delitem__("/ViewerPreferences"),
    "dc:title (7.1)": lose_title,
    "no title: dc:title": lambda pdf: pdf.Root.__delitem__("/Metadata"),
    "no labels": lambda pdf: pdf.Root.__delitem__("/PageLabels"),
    "no outline": lambda pdf: pdf.Root.__delitem__("/Outlines"),
    "no structure tree": lambda pdf: pdf.Root.__delitem__("/StructTreeRoot"),
    "1 × a drawing outside": lambda pdf: prepend(pdf.pages[0], b"0 0 9 9 re f"),
    "1 × a picture outside": lambda pdf: prepend(
        pdf.pages[0], b"BI /W 1 /H 1 /BPC 8 /CS /G ID x EI"
    ),
    "1 × text outside": lambda pdf: edit(pdf.pages[0], b"<</MCID 0>>\nBDC", b"<<>>\nBDC"),
    "tagged content within an artifact": lambda pdf: edit(
        pdf.pages[0],
        b"/Span\n<</MCID 0>>\nBDC",
        b"/Artifact BMC EMC /Artifact BMC\n/Span\n<</MCID 0>>\nBDC",
    ),
    "an artifact within tagged content": lambda pdf: edit(
        pdf.pages[0], b"<</MCID 0>>\nBDC", b"<</MCID 0>>\nBDC /Artifact BMC EMC"
    ),
    "the structure tree does not hold": lambda pdf: cut_off(pdf, "/H2"),
    "leads elsewhere: /ParentTree": swap_owners,
    "/Aside is no standard type": lambda pdf: elements(pdf, "/Table")[0].P.__setitem__(
        "/S", Name.Aside
    ),
    "a figure without description": lambda pdf: elements(pdf, "/Figure")[0].__delitem__("/Alt"),
    "a formula without description (7.7)": lambda pdf: elements(pdf, "/Figure")[0].update(
        {"/S": Name.Formula, "/Alt": String(" ")}
    ),
    "a note without /ID": lambda pdf: elements(pdf, "/Caption")[0].__setitem__("/S", Name.Note),
    "the first heading is of level 2": lambda pdf: cut_off(pdf, "/H1"),
    "a cell without /Headers": lambda pdf: elements(pdf, "/TD")[0].A.__delitem__("/Headers"),
    "whose /Headers lead nowhere": lambda pdf: elements(pdf, "/TH")[0].__delitem__("/ID"),
    "two header cells with the id": double_header,
    "L within Table": lambda pdf: elements(pdf, "/THead")[0].__setitem__("/S", Name.L),
    "TH within Div": lambda pdf: elements(pdf, "/TR")[0].__setitem__("/S", Name.Div),
    "/Tabs (7.18.3)": lambda pdf: [page.obj.__delitem__("/Tabs") for page in pdf.pages],
    "a link without words": lambda pdf: links(pdf, "/Dest").__delitem__("/Contents"),
    "a link within Span": lambda pdf: elements(pdf, "/Link")[0].__setitem__("/S", Name.Span),
    "a link outside of the structure": lambda pdf: cut_off(pdf, "/Link"),
    "stand for no character": lambda pdf: [
        item.__delitem__("/ToUnicode")
        for item in pdf.objects
        if isinstance(item, Dictionary) and "/ToUnicode" in item
    ],
}


@pytest.mark.parametrize("message", SURGERY)
def test_what_the_structure_lacks_is_named(message: str) -> None:
    report = inspect(operated(SURGERY[message]))
    found = [finding.message for finding in report.findings if finding.kind is Kind.STRUCTURE]
    assert any(message in text for text in found), listed(report)
    assert Kind.STRUCTURE in report.exceeded


def unembed(pdf: pikepdf.Pdf) -> None:
    for item in pdf.objects:
        if isinstance(item, Dictionary) and "/FontFile3" in item:
            del item["/FontFile3"]


def test_a_font_that_is_not_in_the_file_is_named() -> None:
    report = inspect(operated(unembed))
    assert {finding.kind for finding in report.findings} == {Kind.FONT}
    assert "Book-Song is not embedded" in listed(report)
    assert "Book-Hei-Bold is not embedded" in listed(report)


def remove_page(pdf: pikepdf.Pdf) -> None:
    del pdf.pages[4]


def bookmark(pdf: pikepdf.Pdf) -> Any:
    return pdf.Root.Outlines.First


DEAD: dict[str, tuple[Callable[[pikepdf.Pdf], object], str]] = {
    "there is no place “nowhere”": (
        lambda pdf: links(pdf, "/Dest").__setitem__("/Dest", String("nowhere")),
        "第二章",
    ),
    "a link without a target": (lambda pdf: links(pdf, "/Dest").__delitem__("/Dest"), "第二章"),
    "a link to a page that is not there": (remove_page, "第二章"),
    "“https:example” is no address of the web": (
        lambda pdf: links(pdf, "/A").A.__setitem__("/URI", String("https:example")),
        "一例",
    ),
    "a link without a surface": (
        lambda pdf: links(pdf, "/Dest").__setitem__("/Rect", Array([99, 99, 120, 99])),
        "第二章",
    ),
    "bookmark: there is no place “nowhere”": (
        lambda pdf: bookmark(pdf).update({"/Dest": String("nowhere")}),
        "第一章",
    ),
    "bookmark: a link without a target": (
        lambda pdf: bookmark(pdf).__delitem__("/Dest" if "/Dest" in bookmark(pdf) else "/A"),
        "第一章",
    ),
}


@pytest.mark.parametrize("message", DEAD)
def test_a_dead_link_is_named_with_its_words(message: str) -> None:
    operate, words = DEAD[message]
    report = inspect(operated(operate))
    found = {(item.message, item.text) for item in report.findings if item.kind is Kind.LINK}
    assert (message, words) in found, listed(report)
    assert Kind.LINK in report.exceeded


# -- the measures themselves ----------------------------------------------------------------------


def test_glyphs_are_where_pdfium_finds_them() -> None:
    """Another reader of PDF, with code of its own, agrees on every character and place."""
    with (
        pikepdf.open(io.BytesIO(handbook())) as pdf,
        open_document(pdf) as document,
        pypdfium2.PdfDocument(handbook()) as pages,
    ):
        for page, content in zip(pages, document.pages, strict=True):
            text = page.get_textpage()
            theirs = []
            for index in range(text.count_chars()):
                if not raw.FPDFText_IsGenerated(text.raw, index):
                    x, y = ctypes.c_double(), ctypes.c_double()
                    raw.FPDFText_GetCharOrigin(text.raw, index, x, y)
                    character = chr(raw.FPDFText_GetUnicode(text.raw, index))
                    theirs.append((character, round(x.value, 1), round(y.value, 1)))
            ours = [
                (glyph.text, round(glyph.left, 1), round(run.baseline, 1))
                for run in content.runs
                for glyph in run.glyphs
            ]
            assert ours
            assert sorted(ours) == sorted(theirs)


MIXED = (
    "注意力得分先除以根号 d 再过 softmax，否则维度一大，logits 的方差就跟着变大，梯度几近于零。"
    "“GQA 与 MLA 有何不同？”前者让若干个 query 头共用一组 key 和 value，后者把它们压进潜向量——"
    "省的都是显存；以 FP16 计，序列长 4096 时约需 2 GB。"
)


@pytest.mark.parametrize("ems", [18.4, 22.9, 26.3])
def test_the_flush_share_is_that_of_the_layout(ems: float) -> None:
    """WeasyPrint's boxes say where lines end; the finished file has to say the same."""
    formula = f'<span><img src="{PICTURE}" alt="x" style="width: 9.3em"/></span>'
    text = MIXED.replace("方差", formula) * 4
    style = f"@page {{ size: {ems * EM + 100}pt 700pt }} p {{ overflow-wrap: normal }}"
    document = lay_out(f"<section><h1>一</h1>{f'<p>{text}</p>' * 6}</section>", style)
    ends = [
        (line.children[-1].position_x + line.children[-1].width - 50 / 0.75) * 0.75 / EM
        for page in document.pages
        for paragraph in page._page_box.descendants()
        if paragraph.element_tag == "p" and isinstance(paragraph, boxes.BlockBox)
        for line in paragraph.children[:-1]
    ]
    flush = sum(abs(end - ems) <= 0.15 for end in ends)
    assert 0 < flush < len(ends)
    assert inspect(write(document)).flush == (flush, len(ends))


def test_marks_within_a_line_are_no_gaps() -> None:
    """Neighbouring marks lose half an em; what is added to them is counted from there."""
    report = inspect(
        handbook(f"<section><h1>一</h1>{'<p>（“甲”），《乙》。“丙”</p>' * 9}</section>")
    )
    assert report.gaps.largest < 0.1


def test_pieces_of_a_line_may_come_in_any_order() -> None:
    """WeasyPrint's tags have the parts of a broken formula before the spaces between them."""
    body = f"<section><h1>一</h1><p>甲<b>乙</b>{FULL}丙<i>丁</i>字</p></section>"
    with pikepdf.open(io.BytesIO(handbook(body))) as pdf:
        kids = elements(pdf, "/P")[0].K
        kids[0], kids[1] = kids[1], kids[0]
        with open_document(pdf) as document:
            (block,) = [block for block in read_blocks(document) if block.role == "/P"]
    assert [line.text for line in block.lines] == [f"甲乙{FULL[2:]}", "字字丙丁字"]


def test_a_blank_ends_where_its_rule_does() -> None:
    blank = '<span class="blank">①</span>'
    body = BODY.replace("</section>", f"<p>{FULL[4:]}{blank}字字</p></section>", 1)
    style = ".blank { display: inline-block; width: 4.3em; text-align: center }"
    assert inspect(handbook(body, style)).counts[Kind.FLUSH] == 1
    assert inspect(handbook(body, f"{style} .blank {{ border-bottom: 1pt solid }}")).findings == []


def test_a_note_at_the_foot_of_a_page_hides_no_hole() -> None:
    note = '<span class="note">注</span>'
    body = BODY.replace("</section>", f"<p>甲{note}</p><p class=next>乙</p></section>", 1)
    (hole,) = inspect(handbook(body, f"{STYLE} .note {{ float: footnote }}")).findings
    assert (hole.kind, hole.page, hole.text) == (Kind.HOLE, 3, "甲1")


def test_invisible_text_is_not_measured_but_searched() -> None:
    data = operated(lambda pdf: prepend(pdf.pages[0], b"3 Tr"))
    assert inspect(data).flush.lines < 60
    assert not inspect(data).counts[Kind.GLYPH]


def test_bounds_decide_what_passes() -> None:
    data = operated(unembed)
    found = inspect(data).counts[Kind.FONT]
    assert inspect(data, Bounds(stray_fonts=found)).exceeded == []
    assert inspect(data, Bounds(stray_fonts=found - 1)).exceeded == [Kind.FONT]
    ragged = handbook(BODY.replace("</section>", f"<p>甲<br/>{FULL}字字</p></section>", 1))
    share = inspect(ragged).flush.share
    assert 0.95 < share < 0.99
    assert inspect(ragged, Bounds(flush=share)).exceeded == []
    assert inspect(ragged).exceeded == [Kind.FLUSH]
    assert inspect(handbook(), Bounds(gap=0.01)).exceeded == [Kind.GAP]


def test_every_kind_of_fault_has_a_bound() -> None:
    assert {kind.value for kind in Kind} == {field.name for field in fields(Bounds)}


def test_structure_faults_tell_whether_a_file_may_be_called_accessible() -> None:
    with pikepdf.open(io.BytesIO(handbook())) as pdf, open_document(pdf) as document:
        assert structure_faults(document) == []


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"text"])
def test_what_is_no_pdf_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.pdf"
    path.write_bytes(data)
    with pytest.raises(UnreadableError):
        inspect_file(path, Bounds())


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 255)), min_size=20, max_size=40))
def test_a_damaged_file_is_measured_or_refused(damage: list[tuple[int, int]]) -> None:
    data = bytearray(plain())
    for place, byte in damage:
        data[place % len(data)] = byte
    with suppress(UnreadableError, pikepdf.PdfError):
        inspect(bytes(data))


@cache
def plain() -> bytes:
    """The sound handbook without compression, so that damage is read and not only found."""
    stream = io.BytesIO()
    with pikepdf.open(io.BytesIO(handbook())) as pdf:
        pdf.save(
            stream,
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.generalized,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )
    return stream.getvalue()
