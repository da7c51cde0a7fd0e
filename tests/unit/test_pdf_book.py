"""Numerals, running heads and papers of the handbook."""

from __future__ import annotations

import pytest

from generator.config import PAPERS as LEGAL
from generator.exporters.numerals import chinese_numeral
from generator.exporters.print_book import columns, shorten
from generator.exporters.print_paper import PAPERS, Paper


@pytest.mark.parametrize(
    ("number", "numeral"),
    [
        (1, "一"), (10, "十"), (11, "十一"), (20, "二十"), (50, "五十"), (99, "九十九"),
        (100, "一百"), (105, "一百零五"), (110, "一百一十"), (234, "二百三十四"),
    ],
)  # fmt: skip
def test_chinese_numerals(number: int, numeral: str) -> None:
    assert chinese_numeral(number) == numeral


def test_a_short_title_is_whole() -> None:
    assert shorten("注意力是什么？", 14) == "注意力是什么？"


@pytest.mark.parametrize(
    ("title", "width", "cut"),
    [
        ("大模型，是什么？", 12, "大模型……"),
        ("LayerNorm 与 RMSNorm", 18, "LayerNorm 与……"),
        ("与 LayerNorm 一样", 12, "与……"),
        ("大模型", 6, "大模型"),
    ],
)
def test_a_long_title_is_cut_and_never_wider(title: str, width: int, cut: str) -> None:
    assert shorten(title, width) == cut
    assert columns(cut) <= width


def test_every_legal_paper_is_known() -> None:
    assert set(PAPERS) == set(LEGAL)


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS.keys())
def test_a_line_holds_whole_characters_between_mirrored_margins(paper: Paper) -> None:
    assert paper.inside + paper.measure + paper.outside == pytest.approx(paper.width)
    assert paper.inside > paper.outside > 12
    assert paper.measure / (paper.size * 25.4 / 72) == pytest.approx(paper.columns)


def test_bleed_and_marks_only_for_the_printer() -> None:
    assert "crop" not in PAPERS["A4"].style(print_ready=False)
    assert "crop" in PAPERS["A4"].style(print_ready=True)
