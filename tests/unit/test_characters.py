"""Which characters are Chinese or wide, and how lines of a paragraph are joined."""

from __future__ import annotations

import pytest

from generator.characters import is_full_width_mark, is_han, is_wide, join_lines


@pytest.mark.parametrize("character", [*"一龥〇㐀豈", "\U00020000", "\U0002a700", "\U000323af"])
def test_han(character: str) -> None:
    assert is_han(character)
    assert is_wide(character)


@pytest.mark.parametrize("character", [*"aΩ1，“　あア한é😀"])
def test_not_han(character: str) -> None:
    assert not is_han(character)


@pytest.mark.parametrize("character", [*"，。“”‘’…—·～（【！Ａ１あ한　"])
def test_wide(character: str) -> None:
    assert is_wide(character)


@pytest.mark.parametrize("character", [*"aé.,-–'\"\u00a0α", "\ufe0f", "\u0301", "\u2060"])
def test_narrow(character: str) -> None:
    assert not is_wide(character)


@pytest.mark.parametrize("character", [*"，。、；：！？（）《》「」“”‘’…—·"])
def test_full_width_marks(character: str) -> None:
    assert is_full_width_mark(character)


@pytest.mark.parametrize("character", [*"字Ａ,.(-　 ￥"])
def test_what_is_no_full_width_mark(character: str) -> None:
    assert not is_full_width_mark(character)


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [
        ("模型", "训练", ""),
        ("模型", "BERT", " "),
        ("BERT", "模型", " "),
        ("large", "model", " "),
        ("模型，", "BERT", ""),
        ("BERT", "（模型）", ""),
        ("BERT，", "GPT", ""),
        ("模型", "かな", ""),
        ("", "模型", " "),
        ("", "，", ""),
        ("model", "", " "),
        ("。", "", ""),
    ],
)
def test_join_lines(before: str, after: str, between: str) -> None:
    assert join_lines(before, after) == between
