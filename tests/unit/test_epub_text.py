"""What the EPUB makes of math, pictures, links, citations, gaps and notes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from generator.exporters.epub_raster import Drawings
from generator.exporters.epub_text import CompatTarget, EpubTarget, Images, finish
from generator.exporters.numerals import circled
from generator.formula import Formula, Request
from generator.model import Anchor, Book, Figure, Kind
from generator.render import CitedWork
from generator.source import load_book

BOOK = Path(__file__).parent.parent / "fixtures" / "epub"
SHORT = Formula("x", False, "<svg/>", '<math alttext="x"/>', 0.5, 0.4, 0.1)
LONG = Formula("y", False, "<svg/>", '<math alttext="y"/>', 30, 0.8, 0.25)
LINE = Formula("z", True, "<svg/>", '<math display="block"/>', 12, 1, 1)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-5 -5 40 20"><path d="M0 0"/></svg>'

Make = Callable[..., EpubTarget]


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book(BOOK)


@pytest.fixture
def make(book: Book, tmp_path: Path) -> Make:
    formulas = {Request(f.tex, f.display): f for f in (SHORT, LONG, LINE)}

    def build(kind: type[EpubTarget] = EpubTarget, cited: tuple[str, ...] = ()) -> EpubTarget:
        return kind(book, formulas, Images(Drawings(tmp_path)), "ch01", cited)

    return build


def test_text_is_escaped_so_that_it_never_looks_like_an_attribute(make: Make) -> None:
    assert make().text('<a href="#x">') == "&lt;a href=&quot;#x&quot;&gt;"


def test_math_within_a_line_is_mathml(make: Make) -> None:
    assert make().math("x", display=False) == (
        '<span class="math-inline"><math alttext="x"/></span>'
    )


def test_long_math_within_a_line_scrolls_on_its_baseline(make: Make) -> None:
    opening, _, _ = make().math("y", display=False).partition("<math")
    assert opening == '<span class="math-inline long" style="vertical-align:-0.250em">'


def test_display_math_is_a_block_that_may_stand_in_a_paragraph(make: Make) -> None:
    assert make().math("z", display=True).startswith('<span class="math-display"><math display=')


def test_compat_math_is_a_picture_set_on_the_baseline(make: Make) -> None:
    target = make(CompatTarget)
    image = target.math("x", display=False)
    # 4 of 64 pixels to the em are margin on every side.
    assert 'style="width:0.625em;vertical-align:-0.163em"' in image
    assert 'alt="x"' in image
    (name,) = target.images.makers
    assert name.startswith("math/")
    assert f'src="../{name}"' in image


def test_a_formula_used_twice_is_one_file(make: Make) -> None:
    target = make(CompatTarget)
    assert target.math("x", display=False) == target.math("x", display=False)
    assert len(target.images.makers) == 1


def test_a_share_of_the_page_becomes_a_length_so_that_phones_show_figures_whole(
    make: Make,
) -> None:
    image = make().image(Figure("a.png", "image/png", 24, 16, b"png"), 'a "b"', "50%")
    assert 'style="width:100%;max-width:17em"' in image
    assert 'alt="a &quot;b&quot;"' in image


def test_a_figure_without_width_keeps_its_own(make: Make) -> None:
    image = make().image(Figure("a.png", "image/png", 24, 16, b"png"), "a", "")
    assert 'style="width:100%;max-width:24px"' in image


def test_an_svg_figure_gets_a_white_ground_of_its_view_box(make: Make) -> None:
    target = make()
    target.image(Figure("a.svg", "image/svg+xml", 40, 20, SVG), "a", "")
    ((name, maker),) = target.images.makers.items()
    assert name.endswith(".svg")
    ground = b'<rect x="-5" y="-5" width="40" height="20" fill="#ffffff"/><path'
    assert ground in maker()


@pytest.mark.parametrize(
    ("media_type", "suffix"),
    [("image/svg+xml", ".png"), ("image/webp", ".png"), ("image/jpeg", ".jpg")],
)
def test_compat_pictures_are_png_or_jpeg(make: Make, media_type: str, suffix: str) -> None:
    target = make(CompatTarget)
    target.image(Figure("a", media_type, 40, 20, SVG), "a", "")
    assert [Path(name).suffix for name in target.images.makers] == [suffix]


@pytest.mark.parametrize(
    ("anchor", "called"),
    [
        (Anchor(Kind.QUESTION, "a", "one", "1.3", "题"), "第\u00a01.3\u00a0题"),
        (Anchor(Kind.FIGURE, "a", "one", "1-2", "图题"), "图\u00a01-2"),
        (Anchor(Kind.TABLE, "a", "one", "2-1", "表题"), "表\u00a02-1"),
        (Anchor(Kind.TERM, "a", "", "", "词元 <s>"), "词元 &lt;s&gt;"),
    ],
)
def test_a_link_without_words_calls_its_target_by_number(
    make: Make, anchor: Anchor, called: str
) -> None:
    css = "xref tied" if anchor.number else "xref"
    href = f'href="#{anchor.name}"'
    assert make().crossref(anchor, "") == f'<a class="{css}" {href}>{called}</a>'
    assert make().crossref(anchor, "<em>w</em>") == f'<a class="xref" {href}><em>w</em></a>'


def test_an_address_is_a_valid_url(make: Make) -> None:
    assert make().link("https://e.org/a|b?q=<x>&y=%20", "w") == (
        '<a href="https://e.org/a%7Cb?q=%3Cx%3E&amp;y=%20">w</a>'
    )


def test_works_are_numbered_as_the_chapter_says_and_then_as_they_come(make: Make) -> None:
    target = make(cited=("peano1889arithmetices",))
    works = [CitedWork("vaswani2017attention"), CitedWork("peano1889arithmetices")]
    assert target.citation(works) == (
        '<span class="citation">[<a role="doc-biblioref" href="#w-ch01-2">2</a>, '
        '<a role="doc-biblioref" href="#w-ch01-1">1</a>]</span>'
    )
    assert [(work.number, work.id) for work in target.works] == [(1, "w-ch01-1"), (2, "w-ch01-2")]
    assert target.works[0].text.startswith("PEANO G. Arithmetices <principia> & co.")
    assert "%3C9::AID%3E" in target.works[0].address


def test_a_place_in_a_work_follows_its_own_bracket(make: Make) -> None:
    works = [CitedWork("vaswani2017attention", "第 3 节"), CitedWork("peano1889arithmetices")]
    text = make(cited=("vaswani2017attention",)).citation(works)
    assert text.endswith('[<a role="doc-biblioref" href="#w-ch01-1">1</a>]第 3 节</span>')


def test_gaps_are_marked_in_reading_order_and_give_up_their_words(make: Make) -> None:
    target = make()
    assert target.gap(7, "", "<b>a</b>") == '<span class="gap">①</span>'
    assert target.gap(7, "一<数>", "b") == (
        '<span class="gap">②</span><span class="hint">（一&lt;数&gt;）</span>'
    )
    assert target.take_answers() == (("①", "<b>a</b>"), ("②", "b"))
    assert target.gap(1, "", "c") == '<span class="gap">①</span>'


def test_a_call_holds_nothing_but_text(make: Make) -> None:
    assert make().footnote("a", "注") == (
        '<a class="noteref" epub:type="noteref" role="doc-noteref" id="m-ch01-1" '
        'href="#n-ch01-1">①</a>'
    )


@pytest.mark.parametrize(
    ("words", "body"),
    [
        ("注", "<p>{}注</p>"),
        ("<p>注</p>\n<p>再</p>", "<p>{}注</p>\n<p>再</p>"),
        ("<ul><li>注</li></ul>", "<p>{}</p>\n<ul><li>注</li></ul>"),
        ("<em>注</em>", "<p>{}<em>注</em></p>"),
        ('<a href="https://e.org">注</a>。', '<p>{}<a href="https://e.org">注</a>。</p>'),
    ],
)
def test_the_link_back_comes_before_the_first_word(make: Make, words: str, body: str) -> None:
    target = make()
    target.footnote("a", words)
    (note,) = target.take_notes()
    assert note.id == "n-ch01-1"
    assert note.body == body.format('<a role="doc-backlink" href="#m-ch01-1">①</a> ')


def test_a_second_call_leads_to_the_same_note_and_has_no_id(make: Make) -> None:
    target = make()
    target.footnote("a", "注")
    target.footnote("b", "注")
    assert ' id="' not in target.footnote("a", "注")
    assert 'href="#n-ch01-1">①<' in target.footnote("a", "注")
    assert [note.id for note in target.take_notes()] == ["n-ch01-1", "n-ch01-2"]
    assert target.take_notes() == ()


MARK = '<span class="citation">[<a href="#w">1</a>]第 2 节</span>'
CALL = '<a class="noteref" href="#n">①</a>'


@pytest.mark.parametrize(
    ("source", "finished"),
    [
        (f"综述 {MARK} 与", f'综<span class="tied">述{MARK}</span>与'),
        (f"以及 {CALL} LLM", f'以<span class="tied">及{CALL}</span> LLM'),
        (f"A&amp; {MARK}{CALL}。", f'A<span class="tied">&amp;{MARK}{CALL}</span>。'),
        (f"x; {MARK}", f'x<span class="tied">;{MARK}</span>'),
        (f"<b>粗</b> {MARK}", f"<b>粗</b>{MARK}"),
        ("及 <a>x</a> 与", "及 <a>x</a> 与"),
    ],
)
def test_raised_marks_stand_close_to_their_word(source: str, finished: str) -> None:
    assert finish(source) == finished


def test_a_caption_does_not_scroll_with_its_table() -> None:
    table = '<table class="three-line">{}<tbody><tr><td>1</td></tr></tbody></table>'
    captioned = table.format("<caption><b>表</b>数\n</caption>\n")
    assert finish(f'<div class="table" id="b-x">{captioned}</div>\n') == (
        '<figure class="table" id="b-x"><figcaption><b>表</b>数\n</figcaption>'
        f'<div class="scroll">{table.format(chr(10))}</div></figure>\n'
    )
    plain = f'<div class="table">{table.format("")}</div>\n'
    assert finish(plain) == plain


def test_head_cells_say_something_to_a_screen_reader() -> None:
    math = '<span class="math-inline"><math alttext="d_k"><mi>d</mi></math></span>'
    label = '<span class="math-inline" role="math" aria-label="d_k">'
    alone = f'<th scope="col" class="right">{math}</th>'
    beside = f'<th scope="col">{math} 维</th>'
    assert finish('<th scope="col" class="left"></th>') == '<td class="left"></td>'
    assert finish(alone) == alone.replace('<span class="math-inline">', label)
    assert finish(beside + alone) == beside + finish(alone)
    assert finish(f'<td class="right">{math}</td>') == f'<td class="right">{math}</td>'


@pytest.mark.parametrize(
    "math",
    [
        '<img class="math-inline" src="a.png" alt="x" style=""/>',
        '<span class="math-inline"><math alttext="x"><mi>x</mi></math></span>',
    ],
)
def test_no_line_begins_with_the_mark_after_a_formula(math: str) -> None:
    assert finish(f"设 {math}，则") == f'设 <span class="tied">{math}，</span>则'
    assert finish(f"（{math} 维）") == f'<span class="tied">（{math}</span> 维）'
    assert finish(f"{math}、{math}") == f'<span class="tied">{math}、</span>{math}'
    assert finish(f"设 {math} 为") == f"设 {math} 为"
    assert finish(f"{math} {MARK} 为") == f'<span class="tied">{math}{MARK}</span>为'


@pytest.mark.parametrize(
    ("number", "sign"),
    [(1, "①"), (20, "⑳"), (21, "㉑"), (35, "㉟"), (36, "㊱"), (50, "㊿"), (51, "(51)")],
)
def test_signs_of_notes_run_through_unicodes_blocks(number: int, sign: str) -> None:
    assert circled(number) == sign
