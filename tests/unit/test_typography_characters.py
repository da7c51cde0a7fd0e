"""Which characters are wide, and what stands for a soft line break."""

from __future__ import annotations

import pytest

from generator.characters import is_full_width_mark, is_han, is_wide, join_lines


@pytest.mark.parametrize("character", "中〇龘𠮷")
def test_han(character: str) -> None:
    assert is_han(character)
    assert is_wide(character)


@pytest.mark.parametrize("character", "，。（》“”‘’…—·、　～あ")
def test_wide_but_not_han(character: str) -> None:
    assert is_wide(character)
    assert not is_han(character)


@pytest.mark.parametrize("character", "aZ0 ,.-(αé\u00a0")
def test_narrow(character: str) -> None:
    assert not is_wide(character)
    assert not is_full_width_mark(character)


@pytest.mark.parametrize(
    ("before", "after", "joint"),
    [
        ("注意", "力", ""),
        ("注意，", "力", ""),
        ("softmax，", "logits", ""),
        ("softmax", "（归一化）", ""),
        ("使用", "softmax", " "),
        ("softmax", "函数", " "),
        ("soft", "max", " "),
        ("a,", "中", " "),
        ("", "中", " "),
        ("中", "", " "),
    ],
)
def test_lines_are_joined_as_their_neighbours_ask(before: str, after: str, joint: str) -> None:
    assert join_lines(before, after) == joint
