"""Fonts as PDFs have them, in forms that the handbook's own do not take."""

from __future__ import annotations

import io

import pikepdf
import pytest
from fontTools.ttLib import TTFont
from pikepdf import Array, Dictionary, Name, Stream

from generator.inspection.content import Faces, Matrix, read_page
from generator.inspection.faces import read_face
from tests.handbook_pdf import book_fonts

CMAP = b"""begincodespacerange <0000> <ffff> endcodespacerange
2 beginbfchar <0003> <6CE8> <0004> <00660069> endbfchar
2 beginbfrange <0010> <0012> <4E00> <0020> <0021> [<7532> <D840DC00>] endbfrange"""


@pytest.fixture
def pdf() -> pikepdf.Pdf:
    return pikepdf.new()


def composite(pdf: pikepdf.Pdf) -> Dictionary:
    descendant = Dictionary(
        Type=Name.Font, Subtype=Name.CIDFontType0, BaseFont=Name("/ABCDEF+Book-Song"), DW=500,
        W=Array([3, Array([1000, 250]), 16, 18, 600]),
    )  # fmt: skip
    return Dictionary(
        Type=Name.Font, Subtype=Name.Type0, BaseFont=Name("/ABCDEF+Book-Song"),
        Encoding=Name("/Identity-H"), DescendantFonts=Array([descendant]),
        ToUnicode=Stream(pdf, CMAP),
    )  # fmt: skip


def test_widths_and_meanings_of_a_composite_font(pdf: pikepdf.Pdf) -> None:
    face = read_face(composite(pdf))
    assert face.family == "Book-Song"
    assert not face.is_embedded
    assert [face.width(code) for code in (3, 4, 5, 16, 18, 19)] == [1, 0.25, 0.5, 0.6, 0.6, 0.5]
    texts = {3: "注", 4: "fi", 16: "一", 17: "丁", 18: "丂", 32: "甲", 33: "𠀀", 5: ""}
    assert {code: face.text(code) for code in texts} == texts
    assert list(face.codes(b"\0\3\0\x10")) == [3, 16]


def simple() -> Dictionary:
    return Dictionary(
        Type=Name.Font, Subtype=Name.TrueType, BaseFont=Name.Arial, FirstChar=32,
        Widths=Array([250] * 95),
    )  # fmt: skip


def test_a_simple_font_has_a_byte_a_character() -> None:
    face = read_face(simple())
    assert (face.family, face.width(65), face.text(65), face.is_embedded) == (
        "Arial", 0.25, "A", False,
    )  # fmt: skip
    assert list(face.codes(b"AB")) == [65, 66]


SHOWN = {
    "Tj": (b"1 0 0 1 10 20 Tm (AB) Tj", [("A", 10, 20), ("B", 12.5, 20)]),
    "TJ": (b"1 0 0 1 10 20 Tm [(A) -500 (B)] TJ", [("A", 10, 20), ("B", 17.5, 20)]),
    "Td": (b"10 20 Td (A) Tj 0 -12 Td (B) Tj", [("A", 10, 20), ("B", 10, 8)]),
    "TD": (b"10 20 TD 0 -12 TD (A) Tj T* (B) Tj", [("A", 10, 8), ("B", 10, -4)]),
    "'": (b"12 TL 10 20 Td (A) '", [("A", 10, 8)]),
    '"': (b'12 TL 10 20 Td 1 2 (A B) "', [("A", 10, 8), (" ", 14.5, 8), ("B", 20, 8)]),
    "Tc": (b"2 Tc 1 0 0 1 10 20 Tm (AB) Tj", [("A", 10, 20), ("B", 14.5, 20)]),
    "Tw": (b"3 Tw 1 0 0 1 10 20 Tm (A B) Tj", [("A", 10, 20), (" ", 12.5, 20), ("B", 18, 20)]),
    "Tz": (b"200 Tz 1 0 0 1 10 20 Tm (AB) Tj", [("A", 10, 20), ("B", 15, 20)]),
    "Ts": (b"4 Ts 1 0 0 1 10 20 Tm (A) Tj", [("A", 10, 24)]),
    "cm": (b"2 0 0 2 5 5 cm 1 0 0 1 10 20 Tm (AB) Tj", [("A", 25, 45), ("B", 30, 45)]),
    "pen": (b"1 0 0 1 10 20 Tm (A) Tj (B) Tj", [("A", 10, 20), ("B", 12.5, 20)]),
}


@pytest.mark.parametrize("operator", SHOWN)
def test_text_is_placed_as_the_standard_says(pdf: pikepdf.Pdf, operator: str) -> None:
    """ISO 32000-1, 9.3 and 9.4."""
    operators, expected = SHOWN[operator]
    page = pdf.add_blank_page()
    page.Resources = Dictionary(Font=Dictionary(F=simple()))
    page.Contents = Stream(pdf, b"BT /F 10 Tf " + operators + b" ET")
    content = read_page(page, Faces())
    glyphs = [(g.text, g.left, run.baseline) for run in content.runs for g in run.glyphs]
    assert glyphs == [(text, pytest.approx(x), pytest.approx(y)) for text, x, y in expected]


def test_text_in_forms_is_found_where_it_is_drawn(pdf: pikepdf.Pdf) -> None:
    page = pdf.add_blank_page()
    form = Stream(pdf, b"BT /F 10 Tf 1 0 0 1 1 2 Tm (A) Tj ET")
    form.Subtype, form.Matrix = Name.Form, Array([1, 0, 0, 1, 100, 0])
    form.Resources = Dictionary(Font=Dictionary(F=simple()))
    page.Resources = Dictionary(XObject=Dictionary(X=form))
    page.Contents = Stream(pdf, b"/P <</MCID 7>> BDC q 2 0 0 2 0 0 cm /X Do Q EMC")
    (run,) = read_page(page, Faces()).runs
    assert (run.id, run.text, run.left, run.baseline, run.size) == (7, "A", 202, 4, 20)


def test_resources_may_come_from_the_parent_of_pages(pdf: pikepdf.Pdf) -> None:
    """ISO 32000-1, 7.7.3.4."""
    page = pdf.add_blank_page()
    page.Contents = Stream(pdf, b"BT /F 10 Tf 1 0 0 1 10 20 Tm (A) Tj ET")
    del page["/Resources"]
    pdf.Root.Pages.Resources = Dictionary(Font=Dictionary(F=simple()))
    assert [run.text for run in read_page(page, Faces()).runs] == ["A"]


def test_turned_and_transparent_text_is_told(pdf: pikepdf.Pdf) -> None:
    page = pdf.add_blank_page()
    page.Resources = Dictionary(
        Font=Dictionary(F=simple()), ExtGState=Dictionary(G=Dictionary(ca=0))
    )
    page.Contents = Stream(
        pdf, b"BT /F 10 Tf 0 1 -1 0 9 9 Tm (A) Tj 1 0 0 1 9 9 Tm (B) Tj /G gs (C) Tj ET"
    )
    runs = read_page(page, Faces()).runs
    assert [(run.text, run.is_upright, run.is_drawn) for run in runs] == [
        ("A", False, True), ("B", True, True), ("C", True, False),
    ]  # fmt: skip


def test_transformations_follow_each_other() -> None:
    moved = Matrix(e=3).after(Matrix(a=2, d=2))
    assert moved.apply(1, 1) == (8, 2)


def test_glyphs_that_a_font_program_lacks_are_missing(pdf: pikepdf.Pdf) -> None:
    """In OpenType by the number of glyphs, in bare CID-keyed CFF by the charset."""
    program = book_fonts().files["song"]
    font = TTFont(io.BytesIO(program))
    names = font["CFF "].cff[0].charset
    assert hasattr(font["CFF "].cff[0], "ROS")
    last = font["maxp"].numGlyphs - 1
    for key, data, there in (
        ("/FontFile3", program, last),
        ("/FontFile3", font.getTableData("CFF "), int(names[last].removeprefix("cid"))),
    ):
        dictionary = composite(pdf)
        dictionary.DescendantFonts[0].FontDescriptor = Dictionary({key: Stream(pdf, data)})
        face = read_face(dictionary)
        face.used |= {0, 1, there, 65_535}
        assert face.is_embedded
        assert face.missing() == {0, 65_535}
