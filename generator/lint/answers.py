"""Answers and the library: too long, unsourced, asked twice, never cited."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from generator.lint.findings import Finding
from generator.lint.prose import Passage, passages
from generator.model import Book, Question

MAX_BRIEF = 120
"""Characters, formulas in readable ones: what can be said in one breath, and read on a card."""

SIMILAR = 0.75
"""Questions that share this part of their pairs of characters are taken for one question."""

_NUMBER = re.compile(r"\d(?:[\d.,]*\d)?\s?(?:%|倍|万|亿|[KMGT]i?B\b|ms\b)")


def lint_brief(question: Question) -> Iterator[Finding]:
    """A first paragraph that is no one-sentence answer."""
    length = len(question.brief.plain)
    if length > MAX_BRIEF:
        message = f"the one-sentence answer has {length} characters, more than {MAX_BRIEF}"
        hint = "Say it in one sentence, and leave the rest to the paragraphs below."
        yield Finding("answer-long", question.brief.position, message, hint, question.brief.plain)


def lint_numbers(question: Question) -> Iterator[Finding]:
    """Paragraphs of an often-asked answer with a figure in them and no source."""
    if not question.hot:
        return
    for block in (question.brief, *question.answer):
        for passage in passages(block):
            match = _NUMBER.search(passage.text)
            if match and not passage.cited:
                yield _unsourced(passage, match)


def _unsourced(passage: Passage, match: re.Match[str]) -> Finding:
    message = f"“{match[0]}” has no source in its paragraph"
    hint = "Cite where it is from, unless the text itself computes it."
    position = passage.position(match.start())
    return Finding("number-unsourced", position, message, hint, passage.text)


def lint_references(book: Book) -> Iterator[Finding]:
    """Works that nobody cites."""
    cited = {key for chapter in book.chapters for key in chapter.citations}
    for key, work in book.references.items():
        if key not in cited:
            message = f"nobody cites “{key}”"
            yield Finding("reference-unused", work.position, message, "", key)


def lint_duplicates(questions: Sequence[Question]) -> Iterator[Finding]:
    """Questions that ask almost the same.

    Compared are only those that share one of their rarest pairs of characters: two sets of which
    the part ``SIMILAR`` is common cannot differ in all of them (prefix filtering, Chaudhuri,
    Ganti & Kaushik 2006).
    """
    pairs = [_pairs(question.title) for question in questions]
    counts = Counter(pair for own in pairs for pair in own)
    seen: defaultdict[str, list[int]] = defaultdict(list)
    for number, own in enumerate(pairs):
        rarest = sorted(own, key=lambda pair: (counts[pair], pair))
        prefix = rarest[: len(own) - math.ceil(SIMILAR * len(own)) + 1]
        for other in sorted({found for pair in prefix for found in seen[pair]}):
            if len(own & pairs[other]) >= SIMILAR * len(own | pairs[other]):
                yield _duplicate(questions[number], questions[other])
        for pair in prefix:
            seen[pair].append(number)


def _pairs(title: str) -> set[str]:
    words = re.sub(r"\W", "", title.lower())
    return {words[index : index + 2] for index in range(len(words) - 1)}


def _duplicate(question: Question, other: Question) -> Finding:
    message = f"“{question.title}” is much like “{other.title}”"
    hint = f"The other one, “{other.id}”, stands at {other.position}."
    return Finding("question-duplicate", question.position, message, hint, question.title)
