"""What the exporter makes of text, titles and ids, without Anki."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from generator.diagnostics import BookError, Position
from generator.exporters.anki_notes import CardNote, check_notes, deck_name, tag
from generator.exporters.anki_schema import NOTE_TYPES, guid, permanent_id
from generator.exporters.anki_target import finish_field, source_entry
from generator.exporters.anki_text import anki_tex, anki_text, keep_code_points
from generator.formula import Formula, Request, Typesetter
from generator.model import Kind, Name, Reference
from generator.render import Templates
from tests.anki_client import load

SPARE = ("备用1", "备用2", "备用3", "备用4")


def test_the_schema_is_frozen() -> None:
    """Readers' collections hold these names: a change here loses them their reviews."""
    frozen = {
        kind: (note_type.name, note_type.fields, tuple(t.name for t in note_type.templates))
        for kind, note_type in NOTE_TYPES.items()
    }
    assert frozen == {
        "q": (
            "问答",
            (
                "编号",
                "问题",
                "一句话",
                "详解",
                "误区",
                "追问",
                "出处",
                "章节",
                "级别",
                "高频",
                *SPARE,
            ),
            ("问答", "备用"),
        ),
        "c": ("填空", ("编号", "填空", "问题", "出处", "章节", *SPARE), ("填空",)),
        "t": (
            "术语",
            ("编号", "中文", "英文", "缩写", "释义", *SPARE),
            ("中→英", "英→中", "备用"),
        ),
    }


def test_ids_are_frozen_and_of_one_book() -> None:
    book = load()
    assert guid(book, Kind.QUESTION, "why-scale") == "3a6a6c81632a6e0e8daa"
    assert permanent_id(book, "note type", Kind.QUESTION) == 4330738215753789
    other = replace(book, uid="f" * 32)
    assert guid(other, Kind.QUESTION, "why-scale") != guid(book, Kind.QUESTION, "why-scale")
    assert permanent_id(other, "deck", "x") != permanent_id(book, "deck", "x")
    assert guid(book, Kind.CLOZE, "why-scale") != guid(book, Kind.QUESTION, "why-scale")


@pytest.mark.parametrize("name", [("a",), ("field", "q", "编号"), ("deck", "书::章")])
def test_ids_fit_a_json_number(name: tuple[str, ...]) -> None:
    assert 2**51 <= permanent_id(load(), *name) < 2**52


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a<b>&", "a&lt;b&gt;&amp;"),
        ("{{x}}", "&#123;&#123;x&#125;&#125;"),
        ("[sound:a]", "&#91;sound:a]"),
        (r"\(x\)", r"\<span></span>(x\<span></span>)"),
        (r"a\b", r"a\b"),
        ("a\\", r"a\<span></span>"),
        ("a\x1fb", "a&#31;b"),
        ("$5 | `", "$5 | `"),
    ],
)
def test_text_is_hidden_from_anki(text: str, expected: str) -> None:
    assert anki_text(text) == expected


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        (r"x^{a_{b_{c}}}", r"x^{a_{b_{c} } }"),
        (r"{{x}}", r"{ {x} }"),
        (r"\{\{x\}\}", r"\{\{x\}\}"),
        (r"a<b \\[2pt]", r"a&lt;b \\&#91;2pt]"),
    ],
)
def test_tex_is_hidden_from_anki(tex: str, expected: str) -> None:
    assert anki_tex(tex) == expected


@pytest.mark.parametrize(
    "tex",
    [
        r"\begin{array}{@{}l@{}}a\\b\end{array}",
        r"\left\{{a}\right\}",
        r"\text{若 }x_{{\text{a}}}",
        r"\operatorname{{softmax}}_{i^{2}}",
        r"\sqrt[{n^{2}}]{x_{{1}}}",
    ],
)
def test_the_space_between_braces_changes_no_formula(tex: str) -> None:
    spaced = anki_tex(tex).replace("&#91;", "[")
    assert spaced != tex
    requests = [Request(tex, display=False), Request(spaced, display=False)]
    with Typesetter(None) as typesetter:
        first, second = (typesetter.typeset(requests)[request] for request in requests)
    assert isinstance(first, Formula)
    assert isinstance(second, Formula)
    assert _without_source(first.svg) == _without_source(second.svg)
    assert (first.width, first.height) == (second.width, second.height)


def _without_source(svg: str) -> str:
    return re.sub(r"<title>.*?</title>|aria-label=\"[^\"]*\"", "", svg)


@pytest.mark.parametrize("text", ["e\u0301", "\u212b", ">\u0338", "\u1112\u1161\u11ab", "は\u3099"])
def test_code_points_survive_normalisation(text: str) -> None:
    field = keep_code_points(f"<b>{text}</b>汉字")
    assert field.isascii() or "汉字" in field
    assert keep_code_points(field) == field


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (
            '消失 <span class="citation">（某）</span> 后',
            '消失<span class="citation">（某）</span>后',
        ),
        ('见 <span class="xref">图</span> 中', '见<span class="xref">图</span>中'),
        ('见<span class="xref"></span>。', '见<span class="xref">另一题</span>。'),
        ('按<span class="xref"></span> 一题的做法', '按<span class="xref">另一题</span>的做法'),
        ('为什么？<span class="xref"></span>', "为什么？"),
        ("平均 {{c2::似然::提示}} 是", "平均{{c2::似然::提示}}是"),
        ("平均 {{c2::GPT}} 是", "平均 {{c2::GPT}} 是"),
        ("用 {{c1::GPT::哪个}} 做", "用 {{c1::GPT::哪个}} 做"),
        (
            r'当<span class="math-inline">\(x\)</span>，',
            r'当<span class="kept"><span class="math-inline">\(x\)</span>，</span>',
        ),
        (r'<span class="math-inline">\(x\)</span>', r'<span class="math-inline">\(x\)</span>'),
    ],
)
def test_fields_are_finished(markup: str, expected: str) -> None:
    assert finish_field(markup) == expected


def _reference(**fields: object) -> Reference:
    blank = dict.fromkeys(Reference.__dataclass_fields__, "")
    return Reference(**{**blank, "authors": (), "position": Position("x"), **fields})  # type: ignore[arg-type]


def test_sources_name_author_year_and_title() -> None:
    work = _reference(
        title="Is <s> all “you” need?", authors=(Name("Vaswani"),), year="2017", doi="10.1/x"
    )
    assert source_entry(work) == (
        'Vaswani，2017．<a href="https://doi.org/10.1/x">'
        '<cite lang="en">Is &lt;s&gt; all “you” need?</cite></a>'
    )


def test_a_source_without_author_names_its_title_once() -> None:
    assert source_entry(_reference(title="无名手册", year="2020")) == "<cite>无名手册</cite>，2020"


def test_tags_have_levels_but_no_spaces() -> None:
    assert tag("主题", "第一 部分", "a: b::c") == "主题::第一_部分::a_b_c"


def test_deck_names_have_one_level_a_label() -> None:
    assert deck_name("书::名", '01 "部"') == "书：名::01 部"


# -- what would be lost silently ------------------------------------------------------------------


def _note(**fields: object) -> CardNote:
    note = CardNote(
        kind=Kind.CLOZE,
        guid="a",
        fields=("id", "front"),
        tags=(),
        ordinals=(0,),
        deck="d",
        position=Position("a.md", 3),
    )
    return replace(note, **fields)  # type: ignore[arg-type]


def test_sound_notes_pass() -> None:
    check_notes([_note(), _note(guid="b")])


@pytest.mark.parametrize(
    ("notes", "code", "words"),
    [
        ([_note(), _note(fields=("other", "front"))], "export-failed", "would replace “id”"),
        ([_note(fields=("id", ""))], "export-failed", "nothing on its front"),
        ([_note(ordinals=())], "cloze-no-gap", "has no gap"),
    ],
)
def test_faults_are_errors(notes: list[CardNote], code: str, words: str) -> None:
    with pytest.raises(BookError) as caught:
        check_notes(notes)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code
    assert words in diagnostic.message
    assert diagnostic.position == Position("a.md", 3)


# -- colours --------------------------------------------------------------------------------------


def _themes() -> list[dict[str, str]]:
    css = Templates().source("anki/card.css")
    blocks = re.findall(r"\{([^{}]*--ground:[^{}]*)\}", css)
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks]


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_inks_stand_out_in_both_themes() -> None:
    light, night = _themes()
    assert light.keys() == night.keys()
    for theme in (light, night):
        grounds = [theme.pop("ground"), theme.pop("panel")]
        theme.pop("rule")  # no text is in its colour
        for name, ink in theme.items():
            for ground in grounds:
                lighter, darker = sorted((_luminance(ink), _luminance(ground)), reverse=True)
                assert (lighter + 0.05) / (darker + 0.05) >= 4.5, f"--{name} on {ground}"
