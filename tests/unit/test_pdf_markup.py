"""What the handbook makes of math, pictures, links, citations, gaps and notes."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from generator.exporters.numerals import circled
from generator.exporters.print_markup import (
    Pictures,
    PrintTarget,
    TitleTarget,
    called,
    join_citations,
    set_text,
)
from generator.formula import Formula, Request
from generator.formula.values import Break
from generator.model import Anchor, Figure, Kind
from generator.render import CitedWork
from generator.typography.finishing import FIXED_SPACE

FAMILIES = {"serif": "Song", "sans-serif": "Hei", "monospace": "Mono"}
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 5"><text>甲</text>'
    '<text font-family="Arial, serif">乙 &lt; 丙</text></svg>'
)
ROOT = Formula(r"\sqrt{d}", False, SVG, "<math/>", 1.25, 0.9, 0.125)
WIDE = Formula("a<b", True, SVG, "<math/>", 30.0, 0.9, 0.3)
LONG = Formula(
    "x= y", False, '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -500 9000 500"/>',
    "<math/>", 9.0, 0.5, 0.0, (Break(2.0, 2.2778, True),),
)  # fmt: skip
QUESTION = Anchor(Kind.QUESTION, "kv-cache", "inference", "7.2", "什么是键值缓存？")
OWN_FIGURE = Anchor(Kind.FIGURE, "blocks", "attention", "2-1", "结构")
OTHER_TABLE = Anchor(Kind.TABLE, "costs", "inference", "7-3", "开销")
TERM = Anchor(Kind.TERM, "token", "", "", "词元")


@pytest.fixture
def pictures() -> Pictures:
    return Pictures({Request(f.tex, f.display): f for f in (ROOT, WIDE, LONG)}, FAMILIES)


@pytest.fixture
def target(pictures: Pictures) -> PrintTarget:
    return PrintTarget("2", "attention", pictures, ("vaswani2017attention",))


def test_inline_math_is_a_picture_on_the_baseline_under_its_tex(target: PrintTarget) -> None:
    words, image = ET.fromstring(target.math(ROOT.tex, display=False))
    assert words.text == image.get("alt") == ROOT.tex
    assert image.get("style") == "width:1.25em;vertical-align:-0.125em"
    assert words.get("style") == f"font-size:{1.25 / (0.5 * len(ROOT.tex)):.4f}".rstrip("0") + "em"


def test_display_math_stands_on_its_own(target: PrintTarget) -> None:
    block = ET.fromstring(target.math(WIDE.tex, display=True))
    assert (block.tag, block.get("class")) == ("div", "math-display")
    assert [block[0].text, block[1].get("alt")] == ["a<b", "a<b"]
    assert "vertical-align" not in str(block[1].get("style"))


def test_long_inline_math_is_a_picture_a_piece_and_says_its_tex_once(target: PrintTarget) -> None:
    markup = ET.fromstring(target.math(LONG.tex, display=False))
    assert "".join(markup.itertext()).split() == LONG.tex.split()
    images = list(markup.iter("img"))
    assert [image.get("alt") for image in images] == [LONG.tex] * 2
    assert len({image.get("src") for image in images}) == 2
    assert markup.get("class") == "math-inline long"
    assert [child.tag for child in markup[0]] == ["span", "img"]  # the words go where it begins
    space = next(span for span in markup if span.get("class") == FIXED_SPACE)
    assert space.text == " "


def test_a_formula_that_was_not_typeset_is_a_programming_error(target: PrintTarget) -> None:
    with pytest.raises(KeyError):
        target.math("x", display=False)


def test_pictures_are_served_from_memory_and_nothing_else(
    target: PrintTarget, pictures: Pictures
) -> None:
    source = ET.fromstring(target.math(ROOT.tex, display=False))[1].get("src")
    assert source is not None
    found = pictures.get(source)
    assert found is not None
    assert found[1] == "image/svg+xml"
    assert pictures.get("file:///etc/passwd") is None
    assert pictures.get("https://example.org/x.svg") is None


def test_pictures_name_only_fonts_of_the_book(pictures: Pictures) -> None:
    figure = Figure("content/figures/x.svg", "image/svg+xml", 10, 5, SVG.encode())
    found = pictures.get(pictures.figure(figure))
    assert found is not None
    root = ET.fromstring(found[0])
    assert [element.get("font-family") for element in root.iter()] == ["Hei", None, "Song"]


def test_characters_of_pictures_are_known(pictures: Pictures) -> None:
    pictures.figure(Figure("content/figures/x.svg", "image/svg+xml", 10, 5, SVG.encode()))
    assert set("甲乙<丙") <= set("".join(pictures.texts()))


def test_bitmaps_are_left_alone(pictures: Pictures) -> None:
    figure = Figure("content/figures/x.png", "image/png", 10, 5, b"\x89PNG")
    assert pictures.get(pictures.figure(figure)) == (b"\x89PNG", "image/png")


@pytest.mark.parametrize(
    ("anchor", "words"),
    [
        (QUESTION, "第\u00a07.2\u00a0题"),
        (OWN_FIGURE, "图\u00a02-1"),
        (OTHER_TABLE, "表\u00a07-3"),
        (TERM, "词元"),
    ],
)
def test_places_have_names(anchor: Anchor, words: str) -> None:
    assert called(anchor) == words


def test_links_print_a_page_unless_the_place_is_near(target: PrintTarget) -> None:
    far, near = (ET.fromstring(target.crossref(place, "")) for place in (QUESTION, OWN_FIGURE))
    assert far.attrib == {"class": "xref", "href": "#q-kv-cache"}
    assert "".join(far.itertext()) == "第\u00a07.2\u00a0题（第\u00a0\u00a0页）"
    assert [page.attrib for page in far] == [{"class": "page", "data-page": "q-kv-cache"}]
    assert near.attrib == {"class": "xref", "href": "#f-blocks"}
    assert not list(near)


def test_words_of_a_link_replace_the_name(target: PrintTarget) -> None:
    assert ET.fromstring(target.crossref(QUESTION, "<b>缓存</b>"))[0].text == "缓存"


def test_citations_are_numbered_in_the_section(target: PrintTarget) -> None:
    works = [CitedWork("su2021roformer"), CitedWork("vaswani2017attention")]
    markup = ET.fromstring(target.citation(works))
    assert "".join(markup.itertext()) == "[2, 1]"
    assert [link.get("href") for link in markup.iter("a")] == ["#r-2-2", "#r-2-1"]
    assert list(target.works) == ["vaswani2017attention", "su2021roformer"]


def test_a_place_in_a_work_follows_its_own_bracket(target: PrintTarget) -> None:
    works = [CitedWork("a", "第 3 节"), CitedWork("vaswani2017attention")]
    assert "".join(ET.fromstring(target.citation(works)).itertext()) == "[2]第 3 节[1]"


def test_citations_cling_to_the_words_before(target: PrintTarget) -> None:
    markup = target.citation([CitedWork("vaswani2017attention")])
    assert join_citations(f"梯度消失 {markup}。") == f"梯度消失\u2060{markup}。"
    assert join_citations("两个 <sup>上标</sup>") == "两个 <sup>上标</sup>"


def test_gaps_are_marked_in_reading_order_whatever_their_numbers(target: PrintTarget) -> None:
    line = target.gap(4, "一个数", "<b>1</b>") + target.gap(2, "", "x")
    text = "".join(ET.fromstring(f"<p>{line}</p>").itertext())
    assert text == "①（一个数）②"
    assert [(answer.mark, answer.words) for answer in target.take_answers()] == [
        ("①", "<b>1</b>"), ("②", "x"),
    ]  # fmt: skip
    assert target.take_answers() == []


def test_marks_go_on_past_the_circles() -> None:
    assert [circled(n) for n in (1, 20, 21, 50, 51)] == ["①", "⑳", "㉑", "㊿", "(51)"]


def test_a_note_of_paragraphs_does_not_end_its_paragraph(target: PrintTarget) -> None:
    note = target.footnote("1", "<p>甲</p>\n<ul>\n<li>乙</li>\n</ul>")
    assert [element.tag for element in ET.fromstring(note).iter()] == ["span"] * 4


def test_addresses_of_links_are_printed_as_notes(target: PrintTarget) -> None:
    markup = target.link("https://example.org/?a=1&b=2", "说明")
    link, note = ET.fromstring(f"<p>{markup}</p>")
    assert link.get("href") == "https://example.org/?a=1&b=2"
    assert note.get("class") == "footnote"
    assert "".join(note.itertext()) == "https://example.org/?a=1&b=2"


def test_an_address_that_is_its_own_words_is_printed_once(target: PrintTarget) -> None:
    markup = target.link("https://example.org/", "https://example.org/")
    assert markup.count("example.org") == 2  # in the attribute and in the text


def test_titles_in_the_contents_hold_no_links_and_no_notes(pictures: Pictures) -> None:
    title = TitleTarget("titles", "attention", pictures, ())
    assert title.crossref(QUESTION, "") == "第\u00a07.2\u00a0题"
    assert title.link("https://example.org/", "甲") == "甲"
    assert title.citation([CitedWork("vaswani2017attention")]) == ""
    assert title.footnote("1", "注") == ""


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("约翰·辛顿", '约<span class="tie">翰·</span>辛顿'),
        ("梯度——步长", '梯<span class="tie">度——</span>步长'),
        ("等等……", '等<span class="tie">等……</span>'),
        ("2039 GB/s，", '2039 <span class="tie">GB/s</span>，'),
        ("每秒 5 词元/秒", '每秒 5 词<span class="tie">元/秒</span>'),
        ("GB/T 7714—2015", '<span class="tie">GB/T</span> <span class="tie">7714—2015</span>'),
        ("input/output 1/2", "input/output 1/2"),
        ("don’t", 'don<span class="latin">’</span>t'),
        ("“引号”与‘引号’", "“引号”与‘引号’"),
        ("a<b & c", "a&lt;b &amp; c"),
    ],
)
def test_text_ties_what_must_not_be_parted(text: str, markup: str) -> None:
    assert set_text(text) == markup
