"""Line finishing case by case: pictures in lines, nested boxes, and where it must not act."""

from __future__ import annotations

import ctypes
import inspect
import io
from collections.abc import Generator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pypdfium2
import pytest
import weasyprint
from PIL import Image
from pypdfium2 import raw
from weasyprint.layout import inline
from weasyprint.text import line_break
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from generator.characters import is_han, is_wide
from generator.typography import finishing, hooks
from generator.typography.fonts import BookFonts

EM = 10.0
LEFT = 50.0
HOOKS: tuple[tuple[Any, str], ...] = (
    (inline, "can_break_inside"),
    (inline, "justify_line"),
    (inline, "remove_last_whitespace"),
    (inline, "split_inline_box"),
    (inline, "split_text_box"),
    (line_break, "Layout"),
    (line_break, "can_break_text"),
    (line_break, "line_size"),
    (line_break.Layout, "reactivate"),
    (line_break.Layout, "get_first_line"),
)
MATH = '<img src="studyguide:math" alt="x" style="width:{}em;height:.8em"/>'
MIXED = (
    f"自注意力把查询{MATH.format(2.3)}与键{MATH.format(1.7)}相乘，除以{MATH.format(1.4)}再归一化；"
    "这样做之后，softmax 的输入方差约为 1。（见 Vaswani 等，2017）“缩放”并非可有可无——维度"
    f"{MATH.format(0.9)}越大，点积越大，梯度越小……这时 <b>KV cache</b>（<em>键值缓存</em>），与"
    f"{MATH.format(3.1)}成正比。有人问：“<b>为什么</b>不用 LayerNorm？”答曰：《论文》里写了。"
) * 4


class _Fetcher(URLFetcher):  # type: ignore[misc] # WeasyPrint has no types
    def __init__(self, fonts: BookFonts) -> None:
        super().__init__()
        self.fonts = fonts

    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
        del headers
        picture = io.BytesIO()
        Image.new("1", (2, 2)).save(picture, "PNG")
        data, kind = self.fonts.get(url) or (picture.getvalue(), "image/png")
        return URLFetcherResponse(url, data, {"Content-Type": kind})


@dataclass(frozen=True)
class Piece:
    """A character, or ``□`` for a picture; edges in ems from the line's start."""

    text: str
    left: float
    right: float


Line = list[Piece]


@pytest.fixture(scope="module")
def fonts(book_fonts: BookFonts) -> BookFonts:
    return book_fonts


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """WeasyPrint as it was before anything was installed."""
    for owner, name in HOOKS:
        monkeypatch.setattr(owner, name, inspect.unwrap(getattr(owner, name)))
    monkeypatch.setattr(finishing, "_installed", False)


@pytest.fixture(scope="module")
def finished() -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in HOOKS:
            patch.setattr(owner, name, inspect.unwrap(getattr(owner, name)))
        patch.setattr(finishing, "_installed", False)
        assert finishing.install()
        yield


def set_lines(body: str, ems: float, fonts: BookFonts, style: str = "") -> list[Line]:
    sheet = (
        f"@page {{ size: {ems * EM + 2 * LEFT}pt 2000pt; margin: 0 {LEFT}pt }}"
        "p, body { margin: 0 } "
        f'html {{ font: {EM}pt/1.7 "Book Song"; font-feature-settings: "chws" 1;'
        f"text-align: justify }} em {{ font-style: normal }} b {{ font-family: Book Hei }} {style}"
    )
    fetcher, config = _Fetcher(fonts), FontConfiguration()
    styles = [
        weasyprint.CSS(string=css, font_config=config, url_fetcher=fetcher)
        for css in (fonts.css, sheet)
    ]
    html = f'<html lang="zh-CN"><body>{body}</body></html>'
    document = weasyprint.HTML(string=html, url_fetcher=fetcher)
    with pypdfium2.PdfDocument(document.write_pdf(font_config=config, stylesheets=styles)) as pdf:
        assert len(pdf) == 1
        return _lines(pdf[0])


def _lines(page: pypdfium2.PdfPage) -> list[Line]:
    rows: dict[int, Line] = {}
    text = page.get_textpage()
    for index in range(text.count_chars()):
        character = chr(raw.FPDFText_GetUnicode(text.raw, index))
        if character.isspace() or raw.FPDFText_IsGenerated(text.raw, index):
            continue
        x, y = ctypes.c_double(), ctypes.c_double()
        raw.FPDFText_GetCharOrigin(text.raw, index, x, y)
        left = (x.value - LEFT) / EM
        right = (text.get_charbox(index, loose=True)[2] - LEFT) / EM
        piece = Piece(character, left, left + 1 if is_wide(character) else right)
        rows.setdefault(round(y.value), []).append(piece)
    for picture in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]):
        left, bottom, right, _top = picture.get_bounds()
        row = min(rows, key=lambda height, bottom=bottom: abs(height - bottom))  # type: ignore[misc]
        rows[row].append(Piece("□", (left - LEFT) / EM, (right - LEFT) / EM))
    return [sorted(rows[y], key=lambda piece: piece.left) for y in sorted(rows, reverse=True)]


def end(line: Line) -> float:
    """Where the ink may end: half an em of a closing mark is empty."""
    return line[-1].right - (0.5 if line[-1].text in finishing.CLOSING else 0)


def start(line: Line) -> float:
    return line[0].left + (0.5 if line[0].text in finishing.OPENING else 0)


def text_of(line: Line) -> str:
    return "".join(piece.text for piece in line)


def flush_share(fonts: BookFonts) -> float:
    over = []
    for ems in (20, 24.6, 31.3, 38):
        *lines, _last = set_lines(f"<p>{MIXED}</p>", ems, fonts)
        over += [end(line) - ems for line in lines]
    assert len(over) > 50
    assert max(over) < 0.51  # plain lines end in a whole mark
    return sum(abs(length) <= 0.15 for length in over) / len(over)


@pytest.mark.usefixtures("finished")
def test_lines_with_pictures_are_flush_on_both_sides(fonts: BookFonts) -> None:
    assert flush_share(fonts) >= 0.9
    for ems in (20, 24.6, 31.3, 38):
        *lines, _last = set_lines(f"<p>{MIXED}</p>", ems, fonts)
        assert all(end(line) <= ems + 0.02 for line in lines)
        assert [start(line) for line in lines] == pytest.approx([0] * len(lines), abs=0.02)
        gaps = [
            after.left - before.right
            for line in lines
            for before, after in pairwise(line)
            if is_han(before.text) and is_han(after.text)
        ]
        assert -0.01 <= min(gaps) <= max(gaps) <= finishing.MAX_GAP + 0.01


@pytest.mark.usefixtures("plain")
def test_plain_weasyprint_leaves_most_lines_ragged(fonts: BookFonts) -> None:
    """What the finishing is for; if this fails, WeasyPrint has learnt to do it."""
    assert flush_share(fonts) < 0.6


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize("pair", ["——", "……"])
def test_pairs_stay_joined_wherever_they_fall(fonts: BookFonts, pair: str) -> None:
    body = "".join(f"<p>{'字' * count}{pair}{'字' * 15}终</p>" for count in range(6, 24))
    lines = set_lines(body, 12.4, fonts)
    found = [text_of(line).index(pair) for line in lines if pair in text_of(line)]
    assert len(found) == 18  # never split between two lines
    for line in lines:
        for before, after in pairwise(line):
            if before.text == after.text == pair[0]:
                assert after.left - before.left == pytest.approx(1, abs=0.01)


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize("markup", ["{}，", "<b>{}</b>，", "{}<em>，</em>", "<b>{}，</b>", "{}”，"])
def test_a_mark_that_ends_a_line_is_trimmed_whatever_box_it_is_in(
    fonts: BookFonts, markup: str
) -> None:
    body = "".join(f"<p>{markup.format('甲' * count)}{'字' * 20}终</p>" for count in range(7, 14))
    lines = [line for line in set_lines(body, 12.3, fonts) if line[-1].text != "终"]
    assert all(end(line) == pytest.approx(12.3, abs=0.02) for line in lines)
    assert any(line[-1].text == "，" for line in lines)
    assert not any(line[0].text in finishing.CLOSING for line in lines)


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize(
    "markup",
    ["（{}", "<b>（{}</b>", "<i></i>（{}", "<em><b>（</b>{}</em>", "<a id='x'></a><b>“{}</b>"],
)
def test_a_mark_that_opens_a_line_is_trimmed_whatever_box_it_is_in(
    fonts: BookFonts, markup: str
) -> None:
    lines = set_lines(f"<p>{markup.format('字' * 30)}终</p>", 12.3, fonts)
    assert lines[0][0].left == pytest.approx(-0.5, abs=0.01)
    assert all(end(line) == pytest.approx(12.3, abs=0.02) for line in lines[:-1])


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize("opening", ["<em>甲<b>（", "<em>甲<i></i><b>（", "甲<b>（"])
def test_a_mark_within_a_line_keeps_its_half(fonts: BookFonts, opening: str) -> None:
    """Also within an inline box that opens the line, where WeasyPrint says is_line_start."""
    closing = "</b></em>" if "<em>" in opening else "</b>"
    (line,) = set_lines(f"<p>{opening}乙）{closing}终</p>", 12, fonts)
    assert [piece.left for piece in line] == pytest.approx([0, 1, 2, 3, 4], abs=0.01)


@pytest.mark.usefixtures("finished")
def test_a_space_before_a_wrapped_picture_is_not_reckoned_with(fonts: BookFonts) -> None:
    body = f"<p>（甲乙丙丁戊己庚 {MATH.format(4)}终</p>"
    first, _ = set_lines(body, 9.1, fonts)
    assert text_of(first) == "（甲乙丙丁戊己庚"
    assert start(first) == pytest.approx(0, abs=0.01)
    assert end(first) == pytest.approx(9.1, abs=0.02)


@pytest.mark.usefixtures("finished")
def test_the_last_mark_is_pulled_in(fonts: BookFonts) -> None:
    (line,) = set_lines(f"<p>{'字' * 12}。</p>", 12.5, fonts)
    assert end(line) == pytest.approx(12.5, abs=0.01)


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize("style", ["text-align: center", "direction: rtl", "text-align: right"])
def test_other_alignments_keep_whole_marks(fonts: BookFonts, style: str) -> None:
    (line,) = set_lines("<p>《题》</p>", 12, fonts, f"p {{ {style} }}")
    assert [piece.left - line[0].left for piece in line] == pytest.approx([0, 1, 2], abs=0.01)
    if "center" in style:
        assert line[0].left == pytest.approx(4.5, abs=0.01)


@pytest.mark.usefixtures("finished")
def test_a_box_as_wide_as_its_text_keeps_whole_marks(fonts: BookFonts) -> None:
    body = '<p>甲<span style="display: inline-block">（乙）</span>终</p>'
    (line,) = set_lines(body, 12, fonts)
    assert [piece.left for piece in line] == pytest.approx([0, 1, 2, 3, 4], abs=0.01)


@pytest.mark.usefixtures("finished")
def test_an_apostrophe_is_not_pulled_from_its_word(fonts: BookFonts) -> None:
    word = "don’t"
    first, *_ = set_lines(f"<p>甲乙丙丁 {word} 戊己庚辛壬癸子丑终</p>", 12.4, fonts)
    pieces = [piece for piece in first if piece.text in word]
    assert text_of(pieces) == word
    gaps = [after.left - before.right for before, after in pairwise(pieces)]
    assert gaps == pytest.approx([0] * 4, abs=0.05)


@pytest.mark.usefixtures("finished")
def test_a_line_may_end_between_the_boxes_of_a_link(fonts: BookFonts) -> None:
    """Here the link fits, but the full stop behind it does not."""
    link = "<a>第\u00a02\u00a0题<span>（第\u00a03\u00a0页）</span></a>"
    lines = set_lines(f"<p>甲乙丙丁戊己庚{link}。终</p>", 14.4, fonts)
    assert [text_of(line) for line in lines] == ["甲乙丙丁戊己庚第2题", "（第3页）。终"]


BROKEN_MATH = MATH.format(2) + '<span class="fixed-space"> </span>' + MATH.format(2)


@pytest.mark.usefixtures("finished")
def test_a_formula_is_broken_if_what_clings_to_it_does_not_fit(fonts: BookFonts) -> None:
    body = f"<p>甲乙丙丁戊<span>{BROKEN_MATH}</span>\u2060<sup>1234</sup>终</p>"
    first, second = set_lines(body, 9.6, fonts, "sup { vertical-align: baseline }")
    assert text_of(first) == "甲乙丙丁戊□"
    assert text_of(second) == "□1234终"


@pytest.mark.usefixtures("finished")
def test_the_spaces_of_a_formula_do_not_grow(fonts: BookFonts) -> None:
    body = f"<p>甲乙丙丁{BROKEN_MATH}戊己庚 辛壬{'字' * 9}终</p>"
    first, *_ = set_lines(body, 13.6, fonts)
    left, right = (piece for piece in first if piece.text == "□")
    assert right.left - left.right == pytest.approx(0.256, abs=0.01)  # Song's own
    assert end(first) == pytest.approx(13.6, abs=0.02)


@pytest.mark.usefixtures("finished")
def test_a_broken_formula_leaves_no_space_at_either_edge(fonts: BookFonts) -> None:
    first, second = set_lines(f"<p>甲乙丙丁戊己庚{BROKEN_MATH}辛终</p>", 9.1, fonts)
    assert text_of(first) == "甲乙丙丁戊己庚□"
    assert end(first) == pytest.approx(9.1, abs=0.02)
    assert text_of(second) == "□辛终"
    assert start(second) == pytest.approx(0, abs=0.01)


@pytest.mark.usefixtures("finished")
def test_a_line_drawn_on_every_page_is_finished_once_each(fonts: BookFonts) -> None:
    """A repeated table head shares nothing that drawing would change twice."""
    head = f"<thead><tr><th style='text-align:justify'>（{'甲' * 20}终</th></tr></thead>"
    body = f"<table style='width:12.3em;border-spacing:0'>{head}<tr><td>字</td></tr></table>"
    first, second, *_ = set_lines(body + body, 12.3, fonts, "th, td { padding: 0 }")
    assert start(first) == pytest.approx(0, abs=0.01)
    assert end(first) == pytest.approx(12.3, abs=0.02)
    assert text_of(second).endswith("终")


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(("owner", "name"), HOOKS, ids=[name for _, name in HOOKS])
@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "changed"])
def test_an_unknown_hook_leaves_everything_as_it_is(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, is_gone: bool
) -> None:
    if is_gone:
        monkeypatch.delattr(owner, name)
    else:
        monkeypatch.setattr(owner, name, lambda one, other: (one, other))
    if (owner, name) == (line_break, "Layout"):
        owner, name = inline, "justify_line"  # methods cannot be looked up any more
    left = [(owner, name) for owner, name in HOOKS if hasattr(owner, name)]
    before = [getattr(owner, name) for owner, name in left]
    assert not finishing.install()
    assert [getattr(owner, name) for owner, name in left] == before
    assert not finishing._installed


@pytest.mark.usefixtures("plain")
def test_another_version_leaves_everything_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "PINNED_WEASYPRINT", "70.1")
    assert not hooks.is_pinned_weasyprint()
    assert not finishing.install()
    assert all(
        getattr(owner, name) is inspect.unwrap(getattr(owner, name)) for owner, name in HOOKS
    )
