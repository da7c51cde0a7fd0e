"""The lints: what counts as running text, where it stands, and what they leave alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.diagnostics import Position
from generator.lint.answers import lint_duplicates
from generator.lint.marks import lint_marks
from generator.lint.prose import passages
from generator.lint.words import Vocabulary
from generator.model import Block, Question, Role, Term


def block(text: str, role: Role = Role.ANSWER) -> Block:
    return Block(role, text, Position("a.md", 10), text, ())


def texts(source: str) -> list[str]:
    return [passage.text for passage in passages(block(source))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("一段\n两行", ["一段两行"]),
        ("word\nword", ["word word"]),
        ("一\n\n二", ["一", "二"]),
        ("- 一\n- 二\n  续", ["一", "二续"]),
        ("1. 一\n\n   段", ["一", "段"]),
        ("## 题 {#id level=1}", ["题"]),
        ("用 `a,b` 与 $x,y$。", ["用 x 与 x。"]),
        ("``a`b`` 完", ["x 完"]),
        ("价 \\$5，\\*星", ["价 $5，*星"]),
        ("见 [文](https://e.org/a,b) 与 <https://e.org>。", ["见 文 与 x。"]),
        ("引文 [@a, 第 3 节; @b]。", ["引文。"]),
        ("用 V2 [@a] 与汉字 [@b] 的。", ["用 V2 与汉字的。"]),
        ("见[](#fig-x) 与注[^1]。", ["见图 与注。"]),
        ("填 [空]{c=1 hint=\"提示,\"} 完", ["填 空 完"]),
        ("**粗体。** 后文 *重*", ["粗体。后文 重"]),
        ("| 甲 | $|x|$ 乙 |\n|:--|--:|\n| `a|b` | 2 |", ["甲", "x 乙", "x", "2"]),
        ("前\n\n```python\n代码,\n```\n\n后", ["前", "后"]),
        ("前\n\n$$\n公,式\n$$\n\n后", ["前", "后"]),
        ("前\n\n$$公,式$$\n\n后", ["前", "后"]),
        ("~~~\n未完,", []),
        ("![图题](a.svg){#fig-x width=80%}", ["图题"]),
        ("词\n:   释义", ["词", "释义"]),
    ],
)  # fmt: skip
def test_running_text(source: str, expected: list[str]) -> None:
    assert texts(source) == expected


@given(st.text(alphabet="汉字，。（）ab1 `$*[]{}#@^!\\|-\n:<>", max_size=60))
def test_every_character_stands_where_it_is_said_to_stand(source: str) -> None:
    lines = source.split("\n")
    for passage in passages(block(source)):
        assert len(passage.text) == len(passage.places)
        for index, character in enumerate(passage.text):
            place = passage.position(index)
            line = lines[place.line - 10]
            found = line[place.column - 1 : place.column]
            assert (
                found == character or character in "x图 " or line[place.column :][:1] == character
            )


def codes(source: str) -> list[tuple[str, str]]:
    return [
        (finding.code, str(finding.position)[5:])
        for passage in passages(block(source))
        for finding in lint_marks(passage)
    ]


@pytest.mark.parametrize(
    "source",
    [
        "Plain English, with \"quotes\" (and brackets)... -- fine.",
        "模型 GPT-4 的准确率是 93.5%，比例 3:1，时间 10:30。",
        "don't 与 it’s，他说：“‘对’，我说。”",
        "区间 `[0, 1)`，$f(x), g(x)$，`--flag`，2022—2023 年。",
        "1）第一；（a）第二。",
        "省略……，破折号——完。",
    ],
)  # fmt: skip
def test_what_is_right(source: str) -> None:
    assert codes(source) == []


def test_positions_are_those_of_the_file() -> None:
    assert codes("一行\n\n- 列,项") == [("mark-half-width", "12:4")]
    assert codes("| 甲 | 乙,丙 |\n|--|--|\n| 1 | 2 |") == [("mark-half-width", "10:8")]
    assert codes("引 [@a] 用BERT") == [("text-spacing", "10:9")]


def term(zh: str, en: str, abbr: str = "", avoid: tuple[str, ...] = ()) -> Term:
    return Term("a", zh, en, abbr, block(zh), (), avoid, "", Position("glossary.yaml"))


def test_terms() -> None:
    terms = [
        term("旋转位置编码", "rotary position embedding", "RoPE", ("旋转编码",)),
        term("浮点运算次数", "FLOPs"),
        term("每秒浮点运算次数", "FLOPS"),
        term("注意力", "attention"),
    ]
    vocabulary = Vocabulary(terms)

    def variants(text: str) -> list[str]:
        return [
            finding.message
            for passage in passages(block(text))
            for finding in vocabulary.lint_terms(passage)
        ]

    assert variants("RoPE、RoPEs、FLOPs、FLOPS、Attention、europe、`rope`") == []
    assert variants("ROPE 与旋转编码") == [
        "“ROPE” is “RoPE” in the glossary",
        "“旋转编码” is “旋转位置编码” in the glossary",
    ]


def question(title: str, number: int) -> Question:
    prompt = block(title, Role.PROMPT)
    return Question(
        f"q{number}", number, 1, False, "", prompt, prompt, (), (), (), (), (), prompt.position
    )  # fmt: skip


@given(st.lists(st.text(alphabet="注意力为何要除以缩放", min_size=3, max_size=12), max_size=12))
def test_duplicates_are_found_as_by_comparing_all(titles: list[str]) -> None:
    questions = [question(title, number) for number, title in enumerate(titles)]
    found = {finding.message for finding in lint_duplicates(questions)}
    expected = set()
    for number, title in enumerate(titles):
        for other in titles[:number]:
            one = {title[i : i + 2] for i in range(len(title) - 1)}
            two = {other[i : i + 2] for i in range(len(other) - 1)}
            if len(one & two) >= 0.75 * len(one | two):
                expected.add(f"“{title}” is much like “{other}”")
    assert found == expected
