"""Numbers as Chinese books write them."""

from __future__ import annotations

_DIGITS = "〇一二三四五六七八九"

_CIRCLED_RANGES = ((1, 20, 0x2460), (21, 35, 0x3251), (36, 50, 0x32B1))
"""First and last number of each of Unicode's runs, and the code point of the first."""


def chinese_numeral(number: int) -> str:
    """``十二`` for 12. Counts up to 999, which no book's chapters exceed."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    if hundreds:
        tail = chinese_numeral(rest) if rest else ""
        joint = "零" if 0 < rest < 10 else "一" if 10 <= rest < 20 else ""
        return f"{_DIGITS[hundreds]}百{joint}{tail}"
    head = "" if not tens else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return head + (_DIGITS[ones] if ones else "")


def circled(number: int) -> str:
    """``①`` … ``㊿``, then ``(51)``."""
    for first, last, start in _CIRCLED_RANGES:
        if first <= number <= last:
            return chr(start + number - first)
    return f"({number})"
