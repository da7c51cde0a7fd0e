"""The dialect: what each construct parses to, beside Chinese text above all."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.token import Token

from generator.markdown import parse, parse_attributes, plain, plain_tex


def _walk(tokens: list[Token] | None) -> list[Token]:
    found = []
    for token in tokens or []:
        found.append(token)
        found += _walk(token.children)
        found += _walk(token.meta.get("caption"))
    return found


def _types(text: str) -> list[str]:
    return [token.type for token in _walk(parse(text))]


def _contents(text: str, kind: str) -> list[str]:
    return [token.content for token in _walk(parse(text)) if token.type == kind]


@pytest.mark.parametrize(
    "text",
    [
        "**注意力（Attention）**是",
        "是**“引文”**。",
        "**《书名》**的",
        "前**中文**后",
        "**a**是",
        "是**（a）**、**【b】**",
    ],
)
def test_strong_touches_chinese_marks(text: str) -> None:
    assert "strong_open" in _types(text)
    assert "**" not in "".join(_contents(text, "text"))


@pytest.mark.parametrize("text", ["a * b * c", "2*3", "乘 * 号", "a** b", "snake_case_name"])
def test_what_is_no_emphasis(text: str) -> None:
    assert not {"em_open", "strong_open"} & set(_types(text))


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("$a$", ["a"]),
        ("是$a+b$，", ["a+b"]),
        ("$5 到 $10", []),
        ("$5 到$10", []),
        ("价 $20,000 与 $30,000", []),
        (r"\$a$", []),
        (r"$a\$b$", [r"a\$b"]),
        (r"$\text{若 $x$ 则}$", [r"\text{若 $x$ 则}"]),
        ("`$a$` 与 $b$", ["b"]),
        ("$a\nb$", ["a b"]),
        ("$a<b$ 与 $c>d$", ["a<b", "c>d"]),
        ("$x_1$ 和 $*y*$", ["x_1", "*y*"]),
    ],
)
def test_inline_math(text: str, formulas: list[str]) -> None:
    assert _contents(text, "math_inline") == formulas


@pytest.mark.parametrize(
    "text",
    ["$$a$$", "$$\na\n$$", "文字\n$$\na\n$$\n文字", "- 项\n\n  $$a$$", "$$\n- a\n= b\n# c\n$$"],
)
def test_display_math_is_a_block(text: str) -> None:
    blocks = [token for token in parse(text) if token.type == "math_display"]
    assert len(blocks) == 1
    assert blocks[0].content in {"a", "- a\n= b\n# c"}


def test_a_bar_in_math_or_code_does_not_split_a_cell() -> None:
    text = "| 甲 | 乙 |\n|---|---|\n| $p(x|y)$ | `a|b` |\n| $5 | $6 |"
    assert _contents(text, "math_inline") == ["p(x|y)"]
    assert _contents(text, "code_inline") == ["a|b"]
    assert _types(text).count("td_open") == 4


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_a_caption_belongs_to_its_table(gap: str) -> None:
    tokens = parse(f"| a |\n|---|\n| b |{gap}: 表题 {{#tbl-x}}\n\n后文")
    table = tokens[0]
    assert table.type == "table_open"
    assert plain(table.meta["caption"]) == "表题"
    assert table.meta["attributes"].id == "tbl-x"
    assert not {"dl_open", "caption_open"} & {token.type for token in tokens}


def test_a_definition_list_is_none_of_a_tables_business() -> None:
    assert {"dl_open", "dt_open", "dd_open"} <= set(_types("词\n: 义\n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("软\n换行", "软换行"),
        ("soft\nbreak", "soft break"),
        ("**粗体**\n换行", "粗体换行"),
        ("软\n[链接](https://e.org)", "软链接"),
        ("**bold**\nbreak", "bold break"),
        ("中文，\nEnglish", "中文，English"),
        ("中文\nEnglish", "中文 English"),
        ("“引\n文”\n后", "“引文”后"),
    ],
)
def test_soft_breaks(text: str, words: str) -> None:
    assert plain(parse(text)) == words


@pytest.mark.parametrize(
    ("info", "language"),
    [("python", "python"), ("{.c++ .x}", "c++"), ("{{c1::x}}", ""), ("", "")],
)
def test_the_language_of_code_is_a_name(info: str, language: str) -> None:
    assert parse(f"```{info}\nx\n```")[0].meta["language"] == language


def test_ranges_are_no_subscripts() -> None:
    assert plain(parse("10~20，30~40")) == "10~20，30~40"


@pytest.mark.parametrize(
    ("text", "works"),
    [
        ("[@a2020b]", [("a2020b", "")]),
        ("[@a2020b, 第 3.2 节]", [("a2020b", "第 3.2 节")]),
        ("[@a; @b, p. 3]", [("a", ""), ("b", "p. 3")]),
    ],
)
def test_citations(text: str, works: list[tuple[str, str]]) -> None:
    citation = next(token for token in _walk(parse(text)) if token.type == "citation")
    assert citation.meta["works"] == works


def test_a_gap_may_hold_math_with_brackets() -> None:
    tokens = _walk(
        parse(r"除以 [$\sqrt{d_k}$ 与 $x[i]$]{c=2 hint=\"两个\" }。".replace('\\"', '"'))
    )
    span = next(token for token in tokens if token.type == "span_open")
    assert span.meta["attributes"].values == {"c": "2", "hint": "两个"}
    assert [t.content for t in tokens if t.type == "math_inline"] == [r"\sqrt{d_k}", "x[i]"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{#a .b .c k=v}", ("a", ("b", "c"), {"k": "v"})),
        ('{k="a b" l="\\""}', ("", (), {"k": "a b", "l": '"'})),
        ("{ #a }", ("a", (), {})),
        ("{}", ("", (), {})),
    ],
)
def test_attributes(text: str, expected: tuple[object, ...]) -> None:
    parsed = parse_attributes(text)
    assert parsed is not None
    assert (parsed[0].id, parsed[0].classes, parsed[0].values) == expected
    assert parsed[1] == len(text)


@pytest.mark.parametrize("text", ["{#a #b}", "{k=1 k=2}", "{#}", "{a b}", "{#a", "{k=}", '{k="a}'])
def test_malformed_attributes(text: str) -> None:
    assert parse_attributes(text) is None


@pytest.mark.parametrize(
    ("tex", "words"),
    [
        (r"\sqrt{d_k}", "√d_k"),
        (r"\frac{a}{b}", "a/b"),
        (r"\tfrac83d", "8/3d"),
        (r"QK^\top", "QKᵀ"),
        (r"\mathcal{L}_{\text{总}}", "L_总"),
        (r"\alpha \le \beta", "α≤β"),
    ],
)
def test_plain_tex(tex: str, words: str) -> None:
    assert plain_tex(tex) == words


@given(st.text(alphabet="ab 中，“”*_$`[](){}|:#\n\\!<>@^~-.1", max_size=200))
def test_any_text_parses_to_balanced_tokens(text: str) -> None:
    def check(tokens: list[Token]) -> None:
        depth = 0
        for token in tokens:
            depth += token.nesting
            assert depth >= 0
            check(token.children or [])
        assert depth == 0

    check(parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "*a " * 20_000,
        "$a " * 20_000,
        "$$ " * 20_000,
        "`" * 20_000 + "a",
        "> " * 5_000 + "a",
        "- " * 5_000 + "a",
        "[a](" * 10_000,
        "![" * 10_000,
        "::: a\n" * 2_000,
        "| a " * 5_000 + "\n" + "|---" * 5_000 + "\n" + "| b " * 5_000,
        "{" * 20_000,
        "[@a; " * 5_000,
        "^[" * 5_000,
        "<a " * 20_000,
        "\\text{" * 5_000,
        "$\\text{" * 5_000,
    ],
    ids=lambda text: text[:6],
)
def test_hostile_text_parses_in_bounded_time(text: str) -> None:
    start = time.process_time()
    parse(text)
    assert time.process_time() - start < 10
