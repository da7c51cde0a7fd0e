"""Marks and spaces of Chinese text: GB/T 15834—2011, W3C CLREQ, and the rules of autocorrect."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from importlib import import_module
from types import ModuleType

from generator.lint.findings import Finding
from generator.lint.prose import Passage

_HAN = "\u3400-\u9fff"
_WIDE = f"{_HAN}（）《》“”‘’【】「」，。；：！？、"

_HALF_WIDTH = re.compile(
    rf"(?<=[{_WIDE}])[,;:!?](?!\d)|(?<=[\w)%])[,;!?](?=\s?[{_HAN}])|(?<=[\w)%]):(?=[{_HAN}])"
    rf"|(?<=[{_WIDE}])\.(?=\s|$|[{_HAN}])|(?<=\w)\.$"
    rf"|(?<=[{_HAN}])[()]|[()](?=[{_HAN}])"
)
_FULL_WIDTH = dict(zip(",;:!?.()", "，；：！？。（）", strict=True))
_QUOTE = re.compile(r"\"|(?<![A-Za-z0-9])'|'(?![A-Za-z0-9])")
_DOTS = re.compile(r"\.{3,}|。{2,}|(?<!…)…(?!…)|…{3,}")
_DASHES = re.compile(r"-{2,}|(?<![—A-Za-z0-9])—(?!—)|—{3,}")
_OPENING = dict(zip("（《【「『〈“‘", "）》】」』〉”’", strict=True))
_CLOSING = {closing: opening for opening, closing in _OPENING.items()}
_NUMBERED = re.compile(r"\s*\w{1,2}）")
_APOSTROPHE = re.compile(r"(?<=[A-Za-z])’(?=[A-Za-z])")

_RULES = (
    "space-word", "space-punctuation", "space-bracket", "no-space-fullwidth",
    "no-space-fullwidth-quote", "fullwidth", "halfwidth-word", "halfwidth-punctuation",
)  # fmt: skip
"""autocorrect's rules that judge prose."""

_OTHER_RULES = ("space-backticks", "space-dash", "space-dollar", "spellcheck")
"""Those that are about markup and spelling."""


def lint_marks(passage: Passage) -> Iterator[Finding]:
    """Every fault of marks and spaces in a passage; nothing in one without Chinese."""
    if not passage.is_chinese:
        return
    text = passage.text
    for match in _HALF_WIDTH.finditer(text):
        hint = f"Write “{_FULL_WIDTH[match[0]]}”."
        yield _finding("mark-half-width", passage, match, "in Chinese", hint)
    for match in _QUOTE.finditer(text):
        yield _finding("quote-straight", passage, match, "in Chinese", "Write “…”, inside it ‘…’.")
    for match in _DOTS.finditer(text):
        yield _finding("ellipsis-malformed", passage, match, "for an ellipsis", "Write ……")
    for match in _DASHES.finditer(text):
        yield _finding("dash-malformed", passage, match, "for a dash", "Write ——")
    yield from _unpaired(passage)
    yield from _spacing(passage)


def _finding(code: str, passage: Passage, match: re.Match[str], where: str, hint: str) -> Finding:
    start = match.start()
    return Finding(
        code, passage.position(start), f"“{_around(passage.text, start)}”: “{match[0]}” {where}",
        hint, passage.text,
    )  # fmt: skip


def _around(text: str, index: int, width: int = 8) -> str:
    return text[max(index - width, 0) : index + width].strip()


def _unpaired(passage: Passage) -> Iterator[Finding]:
    """Brackets and quotes that do not close, or were not opened, within the passage."""
    text = _APOSTROPHE.sub("'", passage.text)
    numbered = _NUMBERED.match(text)
    start = numbered.end() if numbered else 0
    stack: list[int] = []
    wrong: list[int] = []
    for index, character in enumerate(text[start:], start):
        if character in _OPENING:
            stack.append(index)
        elif character in _CLOSING:
            if stack and text[stack[-1]] == _CLOSING[character]:
                stack.pop()
            else:
                wrong.append(index)
    for index in sorted((*stack, *wrong)):
        mark = text[index]
        message = f"“{_around(text, index)}”: “{mark}” has no partner in its paragraph"
        hint = f"Its partner is “{_OPENING.get(mark) or _CLOSING[mark]}”."
        yield Finding("bracket-unpaired", passage.position(index), message, hint, text)


def _spacing(passage: Passage) -> Iterator[Finding]:
    """What autocorrect would write otherwise; what other lints report is set right before."""
    text = _HALF_WIDTH.sub(lambda match: _FULL_WIDTH[match[0]], passage.text)
    text = _DOTS.sub("……", text) if _DOTS.search(text) else text
    better = _autocorrect(text)
    if better == text:
        return
    for kind, start, end, from_, to in SequenceMatcher(None, text, better, False).get_opcodes():
        if kind == "equal":
            continue
        here, there = text[max(start - 4, 0) : end + 4], better[max(from_ - 4, 0) : to + 4]
        message = f"“{here.strip()}” should be “{there.strip()}”"
        yield Finding("text-spacing", passage.position(start), message, "", passage.text)


def _autocorrect(text: str) -> str:
    return str(_formatter().format(text))


@lru_cache(maxsize=1)
def _formatter() -> ModuleType:
    module = import_module("autocorrect_py")  # 10 ms, for `check` alone
    rules = {rule: int(rule in _RULES) for rule in (*_RULES, *_OTHER_RULES)}
    module.load_config(json.dumps({"rules": rules}))
    return module
