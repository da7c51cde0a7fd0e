"""Line finishing, measured in the PDF that it makes: where pdfium finds the characters."""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pypdfium2
import pytest
from pypdfium2 import raw
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration

from generator.characters import is_han, is_wide
from generator.exporters.print_layout import Fetcher
from generator.typography import finishing, hooks
from generator.typography.fonts import BookFonts

EM = 10.0
MARGIN = 50.0
MEASURES = (20, 23.3, 26, 29.7, 33, 36.4, 38, 42)
"""Lengths of a line in ems, whole and not."""

HAN = (
    "自注意力让序列中的每个词元直接看到其余所有词元，距离不再是障碍；代价是计算量随长度平方增长。"
    "“为什么要除以根号？”因为点积的方差随维度线性变大，归一化指数函数会落入饱和区（梯度几近于零），"
    "训练便停滞不前——这正是缩放的意义。《注意力就是你所需要的一切》给出的理由只有一句话："
    "“维度大时，点积的量级也大。”多头注意力把表示切成若干份，各自学习不同的关系：有的看语法，"
    "有的看指代，有的看位置……拼接之后再做一次线性变换，信息便重新混合。"
)
MIXED = (
    "注意力得分先除以根号 d 再过 softmax，否则维度一大，logits 的方差就跟着变大，梯度几近于零。"
    "在推理阶段，KV cache 的显存占用与层数、头数和序列长度成正比；"
    "以 FP16 计，序列长 4096 时约需 2 GB。"
    "“GQA 与 MLA 有何不同？”前者让若干个 query 头共用一组 key 和 value，后者把它们压进一个低秩的"
    "潜向量——省的都是显存，路子却不一样。训练时 AdamW 的学习率先 warmup 再按余弦衰减"
    "（cosine decay），batch 越大，学习率通常也越大。"
    "LLaMA、Qwen 与 DeepSeek 都采用 RMSNorm 和 RoPE，差别主要在路由。"
)
SHEET = """
@page {{ size: {width}pt 800pt; margin: 0 {margin}pt }}
html {{ font: {em}pt/1.7 "Book Song", "Book Kai"; font-feature-settings: "chws" 1;
  text-align: justify }}
body, p {{ margin: 0 }}
"""


@pytest.fixture(scope="module")
def fonts(book_fonts: BookFonts) -> BookFonts:
    assert finishing.install()
    return book_fonts


def pdf_of(body: str, ems: float, fonts: BookFonts) -> bytes:
    sheet = SHEET.format(width=ems * EM + 2 * MARGIN, margin=MARGIN, em=EM)
    markup = f'<html lang="zh-CN"><body><section id="one">{body}</section></body></html>'
    config, fetcher = FontConfiguration(), Fetcher(fonts.get)
    sheets = [
        CSS(string=text, font_config=config, url_fetcher=fetcher) for text in (fonts.css, sheet)
    ]
    data: bytes = HTML(string=markup).write_pdf(font_config=config, stylesheets=sheets)
    return data


Glyph = tuple[float, str, float]
"""Left and right edge of a character in ems from the line's start, and the character between."""


def lines_of(data: bytes) -> Iterator[list[Glyph]]:
    with pypdfium2.PdfDocument(data) as pdf:
        for page in pdf:
            text = page.get_textpage()
            lines: dict[int, list[Glyph]] = {}
            for index in range(text.count_chars()):
                character = chr(raw.FPDFText_GetUnicode(text.raw, index))
                if character.isspace() or raw.FPDFText_IsGenerated(text.raw, index):
                    continue
                x, y = ctypes.c_double(), ctypes.c_double()
                raw.FPDFText_GetCharOrigin(text.raw, index, x, y)
                left = (x.value - MARGIN) / EM
                right = (text.get_charbox(index, loose=True)[2] - MARGIN) / EM
                if is_wide(character):
                    right = left + 1
                lines.setdefault(round(y.value), []).append((left, character, right))
            for height in sorted(lines, reverse=True):
                yield sorted(lines[height])


def right_edge(line: list[Glyph]) -> float:
    """Where the line ends: a closing mark takes half an em there."""
    left, character, right = line[-1]
    return left + 0.5 if character in finishing.CLOSING else right


def continued_lines(text: str, fonts: BookFonts) -> Iterator[tuple[float, list[Glyph]]]:
    for ems in MEASURES:
        *lines, _last = lines_of(pdf_of(f"<p>{text}</p>", ems, fonts))
        yield from ((ems, line) for line in lines)


@pytest.mark.parametrize("text", [HAN * 2, MIXED * 2], ids=["han", "mixed"])
def test_lines_are_flush_and_never_overfull(text: str, fonts: BookFonts) -> None:
    over = [right_edge(line) - ems for ems, line in continued_lines(text, fonts)]
    assert len(over) > 100
    assert sum(abs(length) <= 0.15 for length in over) / len(over) >= 0.9
    assert max(over) <= 0.01


@pytest.mark.parametrize("text", [HAN * 2, MIXED * 2], ids=["han", "mixed"])
def test_gaps_between_han_are_at_most_a_quarter_em(text: str, fonts: BookFonts) -> None:
    gaps = [
        after[0] - before[0] - 1
        for _, line in continued_lines(text, fonts)
        for before, after in pairwise(line)
        if is_han(before[1]) and is_han(after[1])
    ]
    assert min(gaps) >= -0.01
    assert max(gaps) <= finishing.MAX_GAP + 0.01


def test_an_opening_mark_at_a_line_start_loses_its_empty_half(fonts: BookFonts) -> None:
    starts = [
        line[0][0] for _, line in continued_lines(HAN * 2, fonts) if line[0][1] in finishing.OPENING
    ]
    assert starts
    assert starts == pytest.approx([-0.5] * len(starts), abs=0.01)


def test_a_closing_mark_is_pulled_in_where_half_an_em_is_left(fonts: BookFonts) -> None:
    first, *_ = lines_of(pdf_of(f"<p>{'字' * 20}，{'字' * 30}</p>", 20.5, fonts))
    assert [character for _, character, _ in first] == [*"字" * 20, "，"]
    assert right_edge(first) == pytest.approx(20.5, abs=0.01)


def test_dashes_and_ellipses_are_not_pulled_apart(fonts: BookFonts) -> None:
    pairs = [
        after[0] - before[0]
        for _, line in continued_lines(HAN * 2, fonts)
        for before, after in pairwise(line)
        if before[1] == after[1] and before[1] in "—…"
    ]
    assert pairs
    assert pairs == pytest.approx([1.0] * len(pairs), abs=0.01)


@pytest.mark.parametrize("text", ["Latin words only, " * 20], ids=["english"])
def test_other_languages_are_left_to_weasyprint(text: str, fonts: BookFonts) -> None:
    *lines, _last = lines_of(pdf_of(f'<p lang="en">{text}</p>', 30, fonts))
    assert all(line[-1][2] == pytest.approx(30, abs=0.05) for line in lines)


PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><path d='M0 0h9v9z'/></svg>"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<p></p>",
        "<p> </p>",
        "<p><span></span>，</p>",
        "<p>“</p>",
        f"<p><span>（</span>{HAN}<span>）</span></p>",
        f"<p>{HAN}<b>（{HAN}<i>《{HAN}》</i>）</b>。</p>",
        f'<p><span style="float: left">“浮动。”</span>{HAN}</p>',
        f'<p>{HAN}<span style="float: footnote">{HAN}</span>{HAN}</p>',
        f'<p>{HAN}<span style="display: inline-block; width: 8em">{HAN}</span>{HAN}</p>',
        f'<p>{HAN}<span style="display: inline-block">“短。”</span>{HAN}</p>',
        f'<p>{HAN}<span style="position: absolute">“”</span>{HAN}</p>',
        f'<p dir="rtl">{HAN}</p>',
        f'<p>{HAN}<bdo dir="rtl">abc fi</bdo>{HAN}</p>',
        f"<p>{'office fluffy ' * 9}{HAN}</p>",
        f'<p style="font-size: 0">{HAN}</p>',
        f'<p style="width: 0">{HAN}</p>',
        f'<p style="letter-spacing: .1em; word-spacing: .1em">{MIXED}</p>',
        f'<p style="white-space: pre-wrap">{HAN}\n\n{HAN}</p>',
        f'<p style="text-overflow: ellipsis; overflow: hidden; white-space: nowrap">{HAN}</p>',
        f"<p>{HAN}{PICTURE}{HAN}</p>",
        f"<table><tr><td>{HAN}</td><td>“”</td></tr></table>",
        f'<div style="columns: 2">{HAN}</div>',
    ],
)
def test_whatever_stands_in_a_line_is_laid_out(body: str, fonts: BookFonts) -> None:
    assert pdf_of(body, 20, fonts).startswith(b"%PDF")


def test_it_is_installed_once(fonts: BookFonts) -> None:
    del fonts
    inline = importlib.import_module("weasyprint.layout.inline")
    before = inline.justify_line
    assert finishing.install()
    assert inline.justify_line is before


@pytest.mark.parametrize("what", ["version", "signature", "absent"])
def test_nothing_is_changed_in_a_weasyprint_that_is_not_known(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inline = importlib.import_module("weasyprint.layout.inline")
    monkeypatch.setattr(finishing, "_installed", False)
    if what == "version":
        monkeypatch.setattr(hooks, "PINNED_WEASYPRINT", "0")
    elif what == "signature":
        monkeypatch.setattr(inline, "split_text_box", lambda text: text)
    else:
        monkeypatch.delattr(inline, "justify_line")
    before = dict(vars(inline))
    assert not finishing.install()
    assert dict(vars(inline)) == before


def test_the_pinned_version_is_the_one_that_is_required() -> None:
    pins = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'"weasyprint=={hooks.PINNED_WEASYPRINT}"' in pins
