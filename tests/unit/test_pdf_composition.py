"""Rules of composition, in the markup."""

from __future__ import annotations

import re

import pytest

from generator.exporters.print_composition import compose
from generator.exporters.print_markup import Pictures

PICTURES = Pictures({}, {})
CITATION = '\u2060<sup class="citation">[<a href="#r-1-1">1</a>]</sup>'


def tied(text: str) -> str:
    return f'<span class="tie">{text}</span>'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>多种任务。</p>", f"<p>多种{tied('任务。')}</p>"),
        (f"<p>多种任务{CITATION}。</p>", f"<p>多种{tied('任务')}{CITATION}。</p>"),
        ("<li>（见上文）。</li>", f"<li>（见{tied('上文）。')}</li>"),
        ("<li>任务<ul><li>甲</li></ul></li>", f"<li>{tied('任务')}<ul><li>甲</li></ul></li>"),
        ("<p><strong>才行。</strong></p>", f"<p><strong>{tied('才行。')}</strong></p>"),
        ("<p>（用 α、β写）。</p>", f"<p>（用 α、{tied('β写）。')}</p>"),
        ("<p>用 α 写。</p>", "<p>用 α\u00a0写。</p>"),
        ("<p>约为 1。</p>", "<p>约为\u00a01。</p>"),
        ("<p>相差 10 倍。</p>", "<p>相差 10\u00a0倍。</p>"),
        ("<p>Latin only.</p>", "<p>Latin only.</p>"),
        ("<p>任务<br/>其余</p>", f"<p>任务<br/>{tied('其余')}</p>"),
    ],
)
def test_the_last_two_characters_of_a_paragraph_stay_together(before: str, after: str) -> None:
    assert compose(before, PICTURES) == after


def page(words: str, number: str = '第\u00a0<span class="page"></span>\u00a0页') -> str:
    return f'<a class="xref" href="#q">第\u00a01.2\u00a0题{words.format(number)}</a>'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"<p>见{page('（{}）')}。</p>", f"<p>见{page('（{}）')}。"),
        (f"<p>甲（见{page('（{}）')}）乙", f"<p>甲（见{page('，{}')}）乙"),
        (f"<p>甲（乙）见{page('（{}）')}。", f"<p>甲（乙）见{page('（{}）')}。"),
        (f"<p>（甲</p><p>见{page('（{}）')}", f"<p>（甲</p><p>见{page('（{}）')}"),
    ],
)
def test_page_numbers_within_brackets_have_none_of_their_own(before: str, after: str) -> None:
    assert re.sub(r'<span class="tie">(.*?)</span>', r"\1", compose(before, PICTURES)).startswith(
        after
    )


def test_emphasised_han_gets_dots_and_nothing_else_does() -> None:
    markup = compose("<p><em>要 <b>点</b> key</em>处 of</p>", PICTURES)
    dots = re.findall(
        r'<span class="dot" style="background-image:url\(([^)]*)\)">(.)</span>', markup
    )
    assert [character for _, character in dots] == ["要", "点"]
    assert all(PICTURES.get(address) for address, _ in dots)
    assert re.sub(r"<[^>]*>", "", markup) == "要 点 key处 of"


def listing(lines: int, attributes: str = ' data-lang="python"') -> str:
    body = "\n".join('<span class="line">x = 1</span>' for _ in range(lines))
    return f'<pre class="highlight"{attributes}><code>{body}</code></pre>'


def test_lines_of_a_listing_are_numbered_by_pictures() -> None:
    markup = compose(listing(12), PICTURES)
    addresses = re.findall(r"url\(([^)]*)\)", markup)
    assert [int(re.findall(r"\d+", address)[-1]) for address in addresses] == [*range(1, 13)]
    assert all(b"<text" not in (PICTURES.get(address) or (b"<text",))[0] for address in addresses)
    assert re.sub(r"<[^>]*>", "", markup) == re.sub(r"<[^>]*>", "", listing(12))
    assert '<pre class="highlight numbered" data-lang="python">' in markup


@pytest.mark.parametrize("code", [listing(2), listing(9, ' data-lang="text"')])
def test_a_few_lines_and_plain_text_have_no_numbers(code: str) -> None:
    assert compose(code, PICTURES) == code


HEAD = "<thead>\n<tr><th>甲</th><th>乙</th></tr>\n</thead>"


def test_a_table_has_a_notice_for_its_further_parts() -> None:
    caption = '<caption><span class="label">表\u00a01-2</span>开销</caption>\n'
    notice = '<tr class="continued"><td colspan="2">续表\u00a01-2</td></tr>'
    assert notice in compose(f"<table>{caption}{HEAD}</table>", PICTURES)
    assert '<td colspan="2">续表</td>' in compose(f"<table>{HEAD}</table>", PICTURES)


def test_quotation_marks_are_narrow_in_english_works_alone() -> None:
    work = '<li id="r-1-1">BERGLUND L. Trained on “A is B” isn’t[C/OL]</li>'
    assert compose(work, PICTURES).count('<span class="latin">') == 3
    assert '<span class="tie">[C/OL]</span>' in compose(work, PICTURES)
    chinese = "<p>trained on “A is B” fail 甲乙</p>"
    assert "latin" not in compose(chinese, PICTURES)


def test_a_gap_stands_between_the_number_of_a_place_and_han() -> None:
    link = '<a class="xref" href="#f-x">图\u00a01-1</a>'
    assert compose(f"<p>见{link}与其余各处</p>", PICTURES).startswith(f"<p>见{link} 与")
    assert compose(f"<p>见{link}，</p>", PICTURES) == f"<p>见{link}，</p>"
