"""Formulas in the structure tree, read back from the PDF."""

from __future__ import annotations

import inspect
import io
from collections.abc import Generator
from typing import Any

import pikepdf
import pytest
import weasyprint
from weasyprint.urls import URLFetcher, URLFetcherResponse

from generator.typography import tags

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'
SHEET = "@page { size: 100px 60px; margin: 0 } body { margin: 0; font: 10px/20px serif }"


class _Fetcher(URLFetcher):  # type: ignore[misc] # WeasyPrint has no types
    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
        del headers
        return URLFetcherResponse(url, SVG, {"Content-Type": "image/svg+xml"})


_open_files: list[pikepdf.Pdf] = []
"""pikepdf's objects live as long as their file."""


@pytest.fixture(autouse=True)
def closed() -> Generator[None]:
    yield
    while _open_files:
        _open_files.pop().close()


def image(tex: str) -> str:
    return f'<img class="math" src="studyguide:m.svg" alt="{tex}"/>'


def document(body: str) -> bytes:
    assert tags.install()
    html = weasyprint.HTML(string=f'<html lang="zh-CN">{body}', url_fetcher=_Fetcher())
    data: bytes = html.write_pdf(pdf_tags=True, stylesheets=[weasyprint.CSS(string=SHEET)])
    return data


def elements(body: str, role: str) -> list[pikepdf.Dictionary]:
    file = pikepdf.open(io.BytesIO(document(body)))
    _open_files.append(file)
    return [
        entry
        for entry in file.objects
        if isinstance(entry, pikepdf.Dictionary) and entry.get("/S") == role
    ]


def test_a_formula_is_one_element_with_its_tex_and_its_picture() -> None:
    body = f'<p>甲<span><span class="tex">d_k</span>{image("d_k")}</span>乙</p>'
    (formula,) = elements(body, "/Formula")
    assert str(formula.Alt) == "d_k"
    words, picture = formula.K
    assert words.S == "/Span"
    assert isinstance(picture, int)
    assert elements(body, "/Figure") == []


def test_all_pictures_of_a_broken_formula_belong_to_it() -> None:
    body = f'<p><span><span class="tex">a=b</span>{" ".join([image("a=b")] * 3)}</span></p>'
    (formula,) = elements(body, "/Formula")
    assert len(formula.K) == 4


def test_a_formula_that_two_pages_share_says_where_its_parts_are() -> None:
    pieces = " ".join([image("a=b")] * 60)
    (formula,) = elements(f'<p><span><span class="tex">a=b</span>{pieces}</span></p>', "/Formula")
    there = [kid for kid in formula.K if isinstance(kid, pikepdf.Dictionary) and "/Pg" in kid]
    assert {kid.get("/Type") for kid in there} >= {pikepdf.Name("/MCR")}
    assert any(kid.Pg.objgen != formula.Pg.objgen for kid in there)
    assert len(formula.K) == 61


def test_other_pictures_stay_figures() -> None:
    (figure,) = elements('<p><img src="studyguide:m.svg" alt="一张图"/></p>', "/Figure")
    assert str(figure.Alt) == "一张图"


def test_the_spaces_of_a_formula_stand_between_its_pictures() -> None:
    space = '<span class="fixed-space"> </span>'
    pieces = image("a=b") + space + image("a=b")
    (formula,) = elements(f'<p><span><span class="tex">a=b</span>{pieces}</span></p>', "/Formula")
    _words, first, blank, second = formula.K
    assert blank.S == "/Span"
    assert blank.P.objgen == formula.objgen
    assert isinstance(first, int)
    assert isinstance(second, int)


def test_what_stands_in_margins_is_no_content() -> None:
    head = "@page { @top-left { content: 'head' counter(page) } }"
    data = document(f"<style>{head}</style><p>甲</p>")
    with pikepdf.open(io.BytesIO(data)) as file:
        marks = [
            (str(operands[0]), len(operands))
            for operands, operator in pikepdf.parse_content_stream(file.pages[0])
            if str(operator) in {"BDC", "BMC"}
        ]
        (numbers,) = file.Root.StructTreeRoot.ParentTree.Nums[1::2]
    assert ("/Artifact", 1) in marks
    assert len([mark for mark in marks if mark == ("/Span", 2)]) == len(numbers) == 1


def test_a_link_is_one_annotation_whatever_boxes_it_holds() -> None:
    body = '<p id="x"><a href="#x">甲<b>乙</b><span>丙<span>丁</span></span></a></p>'
    with pikepdf.open(io.BytesIO(document(body))) as file:
        (annotation,) = file.pages[0].Annots
        left, _, right, _ = (float(edge) for edge in annotation.Rect)
    assert right - left == pytest.approx(4 * 10 * 0.75, abs=1)  # four characters of 10 px


HOOKS: tuple[tuple[Any, str], ...] = (
    (weasyprint.pdf.tags, "_build_box_tree"),
    (weasyprint.pdf.stream.Stream, "marked"),
    (weasyprint.pdf, "add_links"),
)


@pytest.mark.parametrize(("owner", "name"), HOOKS, ids=[name for _, name in HOOKS])
@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "changed"])
def test_an_unknown_hook_leaves_everything_as_it_is(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, is_gone: bool
) -> None:
    for hooked, hook in HOOKS:
        monkeypatch.setattr(hooked, hook, inspect.unwrap(getattr(hooked, hook)))
    monkeypatch.setattr(tags, "_installed", False)
    if is_gone:
        monkeypatch.delattr(owner, name)
    else:
        monkeypatch.setattr(owner, name, lambda one: one)
    before = [getattr(hooked, hook, None) for hooked, hook in HOOKS]
    assert not tags.install()
    assert [getattr(hooked, hook, None) for hooked, hook in HOOKS] == before


@pytest.mark.parametrize("item", ["<p>一</p><p>二</p>", "<p>一</p><div>式</div>", "一"])
def test_all_that_an_item_holds_is_its_body(item: str) -> None:
    roles = {
        str(kid.S)
        for entry in elements(f"<ol><li>{item}</li><li><p>三</p></li></ol>", "/LI")
        for kid in entry.K
    }
    assert roles <= {"/Lbl", "/LBody"}
