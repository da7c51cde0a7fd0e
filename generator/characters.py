"""Which characters are Chinese, which are wide, and what joins two lines of text."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Ambiguous or neutral in Unicode's East Asian Width, wide in Chinese text (CLREQ 3.1).
_CHINESE_MARKS = frozenset("“”‘’…—·～")


@lru_cache(maxsize=8192)
def is_han(character: str) -> bool:
    """Whether a character is an ideograph (or the ideographic zero)."""
    # Planes 2 and 3 are ideographs', also those that are newer than this Python's Unicode.
    is_supplementary = 0x20000 <= ord(character) < 0x40000
    is_named = unicodedata.name(character, "").startswith("CJK ")
    return character == "〇" or is_supplementary or is_named


@lru_cache(maxsize=8192)
def is_wide(character: str) -> bool:
    """Whether a character is set an em wide in Chinese text: Han, kana, full-width marks."""
    return character in _CHINESE_MARKS or unicodedata.east_asian_width(character) in "WF"


@lru_cache(maxsize=8192)
def is_full_width_mark(character: str) -> bool:
    """Whether a character is punctuation that carries its own space: ``，``, ``（``, ``”``."""
    return is_wide(character) and unicodedata.category(character).startswith("P")


def join_lines(before: str, after: str) -> str:
    """What stands for a soft line break: nothing between wide characters, else a space.

    Beside a full-width mark, too, nothing stands, whatever is on its other side: the mark brings
    its space along.
    """
    left, right = before[-1:], after[:1]
    if (left and is_full_width_mark(left)) or (right and is_full_width_mark(right)):
        return ""
    return "" if left and right and is_wide(left) and is_wide(right) else " "
