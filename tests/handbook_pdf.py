"""A small handbook as a PDF, sound by all measures, for tests that plant a fault in it."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
import weasyprint
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from generator.typography import finishing
from generator.typography.fonts import BookFonts, prepare_book_fonts

EM = 10.0
"""Points."""

MEASURE = 26.3
"""The length of a line in ems: no whole number, so that a full line has to be stretched."""

HAN = (
    "自注意力让序列中的每个词元直接看到其余所有词元，距离不再是障碍；代价是计算量随长度平方增长。"
    "“为什么要除以根号？”因为点积的方差随维度线性变大，归一化指数函数会落入饱和区（梯度几近于零），"
    "训练便停滞不前——这正是缩放的意义。《注意力就是你所需要的一切》给出的理由只有一句话："
    "“维度大时，点积的量级也大。”多头注意力把表示切成若干份，各自学习不同的关系：有的看语法，"
    "有的看指代，有的看位置……拼接之后再做一次线性变换，信息便重新混合，各司其职。"
)

STYLE = f"""
@page {{ size: {MEASURE * EM + 100}pt 400pt; margin: 50pt }}
html {{ font: {EM}pt/1.7 "Book Song"; font-feature-settings: "chws" 1; text-align: justify }}
body, p {{ margin: 0 }}
h1, h2, h3 {{ margin: 0; font: 700 1em/1.7 "Book Hei"; text-align: left; break-after: avoid }}
h1 {{ break-before: page }}
figure {{ margin: 0; text-align: center }} figure img {{ width: 4em; height: 4em }}
ul {{ list-style: "· " }}
table {{ border-collapse: collapse; width: 100%; text-align: left }}
"""

PICTURE = (
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'>"
    "<path d='M0 0h9v9z'/><text y='8' font-size='4' font-family='Book Hei'>图</text></svg>"
)

CAPTION = "<figcaption>图 1-1 三角</figcaption>"
FIGURE = f'<figure><img src="{PICTURE}" alt="一个三角"/>{CAPTION}</figure>'

TABLE = (
    "<table><thead><tr><th>甲</th><th>乙</th></tr></thead>"
    "<tbody><tr><td>一</td><td>二</td></tr></tbody></table>"
)

BODY = f"""
<section><h1 id="one">第一章</h1><h2>一节</h2><p>{HAN}</p><p>{HAN}</p>
{FIGURE}<p>{HAN}见<a href="#two">第二章</a>。</p><p>{HAN}</p>{TABLE}<p>{HAN}</p></section>
<section><h1 id="two">第二章</h1><p>{HAN}</p><p>{HAN}</p><ul><li>甲</li><li>乙</li></ul>
<p>{HAN}</p><p>网上有<a href="https://example.org/">一例</a>。</p></section>
"""


class _Fetcher(URLFetcher):  # type: ignore[misc] # WeasyPrint has no types
    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        found = book_fonts().get(url)
        if found is None:
            return super().fetch(url, headers)
        return URLFetcherResponse(url, found[0], {"Content-Type": found[1]})


@cache
def book_fonts() -> BookFonts:
    """The book's faces."""
    assert finishing.install()
    with tempfile.TemporaryDirectory() as folder:
        return prepare_book_fonts(Path(folder))


def lay_out(body: str, style: str = "") -> weasyprint.Document:
    """Lay a body out in the style of the small handbook."""
    fetcher, config = _Fetcher(), FontConfiguration()
    styles = [
        weasyprint.CSS(string=sheet, font_config=config, url_fetcher=fetcher)
        for sheet in (book_fonts().css, STYLE + style)
    ]
    markup = f'<html lang="zh-CN"><title>小书</title><body>{body}</body></html>'
    document = weasyprint.HTML(string=markup, url_fetcher=fetcher)
    return document.render(font_config=config, stylesheets=styles)


def write(document: weasyprint.Document) -> bytes:
    """Write a document as tagged PDF, with page labels."""
    plain = document.write_pdf(pdf_variant="pdf/ua-1")
    with pikepdf.open(io.BytesIO(plain)) as pdf:
        pdf.Root.PageLabels = pikepdf.Dictionary(Nums=[0, pikepdf.Dictionary(S=pikepdf.Name.r)])
        return _saved(pdf)


@cache
def handbook(body: str = BODY, style: str = "") -> bytes:
    """A small handbook, sound unless its body or style is changed."""
    return write(lay_out(body, style))


def operated(operate: Callable[[pikepdf.Pdf], object]) -> bytes:
    """The sound handbook after surgery."""
    with pikepdf.open(io.BytesIO(handbook())) as pdf:
        operate(pdf)
        return _saved(pdf)


def _saved(pdf: pikepdf.Pdf) -> bytes:
    stream = io.BytesIO()
    pdf.save(stream)
    return stream.getvalue()
