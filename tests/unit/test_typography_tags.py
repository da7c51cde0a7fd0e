"""Formulas in the structure tree, read back from the PDF."""

from __future__ import annotations

import inspect
import io
from collections.abc import Generator

import pikepdf
import pytest
import weasyprint
from weasyprint.pdf import tags as hooked
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


def elements(body: str, role: str) -> list[pikepdf.Dictionary]:
    assert tags.install()
    html = weasyprint.HTML(string=f'<html lang="zh-CN">{body}', url_fetcher=_Fetcher())
    data = html.write_pdf(pdf_tags=True, stylesheets=[weasyprint.CSS(string=SHEET)])
    file = pikepdf.open(io.BytesIO(data))
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


@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "changed"])
def test_an_unknown_hook_leaves_everything_as_it_is(
    monkeypatch: pytest.MonkeyPatch, is_gone: bool
) -> None:
    name = "_build_box_tree"
    monkeypatch.setattr(hooked, name, inspect.unwrap(getattr(hooked, name)))
    monkeypatch.setattr(tags, "_installed", False)
    if is_gone:
        monkeypatch.delattr(hooked, name)
    else:
        monkeypatch.setattr(hooked, name, lambda one: one)
    before = dict(vars(hooked))
    assert not tags.install()
    assert dict(vars(hooked)) == before
