"""Reading a book: what the model holds, and where things stand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from generator.diagnostics import BookError, Diagnostics
from generator.model import Book, Kind
from generator.source import load_book, read_book, walk

MINIMAL = Path(__file__).parent.parent / "fixtures" / "minimal"

CHAPTER = """---
title: 第一章
abstract: 导读 $a$。
---

## 一加一**等于**几，$\\sqrt{x}$ 呢？ {#one-plus-one level=2 .hot was=sum-of-ones}

等于二 [@peano1889arithmetices, 第 1 节]。

详解见 [](#how-many) 与 [](#fig-line)，
注[^n]。

![一条线 $l$](../figures/line.svg){#fig-line width=50% alt="从左上到右下的线"}

| 甲 | 乙 |
|---|---:|
| $p(x|y)$ | $p(x|y)$ |

: 表题 {#tbl-values}

::: pitfall
不是三。
:::

::: followup
- 几个？[](#how-many)
:::

::: {.cloze #one-plus-one-result}
一加一等于 [$\\sqrt{4}$]{c=2 hint="根号"}，即 [二]{c=1}。
:::

[^n]: 注文 $n$。

## 几个？ {#how-many level=1}

两个。

| 无号 |
|---|
| 一 |

: 第二张表
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = Path(shutil.copytree(MINIMAL, tmp_path / "书 稿"))
    (root / "content/basics/first.md").write_text(CHAPTER, encoding="utf-8")
    return root


@pytest.fixture
def book(root: Path) -> Book:
    return load_book(root)


def test_a_question_holds_its_parts(book: Book) -> None:
    question = next(book.questions)
    assert (question.id, question.level, question.hot, question.was, question.number) == (
        "one-plus-one",
        2,
        True,
        "sum-of-ones",
        1,
    )
    assert question.title == "一加一等于几，√x 呢？"
    assert question.brief.plain == "等于二。"
    assert [block.text for block in question.pitfalls] == ["不是三。"]
    assert [block.text for block in question.followups] == ["- 几个？[](#how-many)"]
    assert question.citations == ("peano1889arithmetices",)
    [cloze] = question.clozes
    assert cloze.id == "one-plus-one-result"
    assert [(gap.number, gap.hint) for gap in cloze.gaps] == [(2, "根号"), (1, "")]


def test_every_figure_and_table_is_numbered(book: Book) -> None:
    assert set(book.anchors) >= {"one-plus-one", "how-many", "fig-line", "tbl-values"}
    numbered = [
        (anchor.kind, anchor.number, anchor.title)
        for anchor in book.anchors.values()
        if anchor.kind in {Kind.FIGURE, Kind.TABLE}
    ]
    assert numbered == [
        (Kind.FIGURE, "1-1", "一条线 l"),
        (Kind.TABLE, "1-1", "表题"),
        (Kind.TABLE, "1-2", "第二张表"),
    ]


def _places(book: Book) -> dict[str, set[tuple[str, str]]]:
    """What stands at each noted position, by the characters that stand there."""
    lines = CHAPTER.split("\n")
    found: dict[str, set[tuple[str, str]]] = {}
    for block in book.blocks:
        for token in walk(block.tokens):
            position = token.meta.get("position")
            if position and position.path.endswith("first.md"):
                text = lines[position.line - 1][position.column - 1 :]
                found.setdefault(token.type, set()).add((token.content, text[:3]))
    return found


def test_positions_point_at_the_construct(book: Book) -> None:
    places = _places(book)
    assert places["math_inline"] == {
        ("a", "$a$"),
        (r"\sqrt{x}", "$\\s"),
        ("l", "$l$"),
        ("p(x|y)", "$p("),
        (r"\sqrt{4}", "$\\s"),
        ("n", "$n$"),
    }
    assert places["figure"] == {("一条线 $l$", "![一")}


def test_equal_cells_of_a_row_have_positions_of_their_own(book: Book) -> None:
    columns = {
        token.meta["position"].column
        for block in book.blocks
        for token in walk(block.tokens)
        if token.content == "p(x|y)"
    }
    assert len(columns) == 2


def test_line_breaks_of_other_systems_do_not_matter(root: Path, book: Book) -> None:
    path = root / "content/basics/first.md"
    path.write_bytes(b"\xef\xbb\xbf" + CHAPTER.replace("\n", "\r\n").encode())
    assert load_book(root) == book


def test_a_link_out_of_the_folder_is_refused(root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.svg"
    secret.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>')
    (root / "content/figures/line.svg").unlink()
    (root / "content/figures/line.svg").symlink_to(secret)
    with pytest.raises(BookError) as caught:
        load_book(root)
    assert [item.code for item in caught.value.diagnostics] == ["path-outside"]


def test_links_that_chase_each_other_are_no_crash(root: Path) -> None:
    figure = root / "content/figures/line.svg"
    figure.unlink()
    figure.symlink_to(figure)
    with pytest.raises(BookError) as caught:
        load_book(root)
    assert {item.code for item in caught.value.diagnostics} <= {"file-missing", "figure-missing"}


def test_all_errors_come_at_once_and_in_order(root: Path) -> None:
    path = root / "content/basics/first.md"
    path.write_text(CHAPTER.replace("level=1", "level=9") + "\n<b>x</b> [](#no) $x$\n", "utf-8")
    config = root / "content/book.yaml"
    config.write_text(config.read_text("utf-8") + "color: red\n", "utf-8")
    diagnostics = Diagnostics()
    read_book(root, diagnostics)
    codes = [item.code for item in diagnostics]
    assert codes == ["value-invalid", "raw-html", "raw-html", "link-broken", "key-unknown"]


def test_a_folder_without_a_book(tmp_path: Path) -> None:
    with pytest.raises(BookError, match=r"content/book\.yaml"):
        load_book(tmp_path)
