"""Terms: written as the glossary has them, and introduced before they are abbreviated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from generator.lint.findings import Finding
from generator.lint.prose import Passage
from generator.model import Term

_CAPITAL_INSIDE = re.compile(r"[a-z0-9-][A-Z]|[A-Z]{2}")
_MIN_ABBREVIATION = 2


@dataclass(frozen=True)
class Vocabulary:
    """The glossary as the lints use it."""

    terms: Sequence[Term]

    @cached_property
    def written(self) -> dict[str, str]:
        """Names that have capitals of their own, by their lower case: ``rope`` → ``RoPE``."""
        names = (name for term in self.terms for name in (term.abbr, term.en) if name)
        return {name.lower(): name for name in names if _CAPITAL_INSIDE.search(name)}

    @cached_property
    def _written_anyhow(self) -> re.Pattern[str]:
        return _any_of(self.written, r"(?<![A-Za-z0-9-])(?:{})(?=s?(?![A-Za-z0-9-]))", re.I)

    @cached_property
    def avoided(self) -> dict[str, Term]:
        """Words that the glossary says to avoid, with the term to write for them."""
        return {word: term for term in self.terms for word in term.avoid}

    @cached_property
    def _avoided_anywhere(self) -> re.Pattern[str]:
        return _any_of(self.avoided, "{}", 0)

    def lint_terms(self, passage: Passage) -> Iterator[Finding]:
        """Terms that are not written as the glossary has them."""
        for match in self._written_anyhow.finditer(passage.text) if self.written else ():
            if match[0] not in self._names:
                yield _variant(passage, match, self.written[match[0].lower()])
        for match in self._avoided_anywhere.finditer(passage.text) if self.avoided else ():
            yield _variant(passage, match, self.avoided[match[0]].zh)

    @cached_property
    def _names(self) -> set[str]:
        """All as the glossary has them; two may differ by their capitals alone."""
        return {name for term in self.terms for name in (term.abbr, term.en)}

    def lint_abbreviations(self, passages: Iterable[Passage]) -> Iterator[Finding]:
        """Abbreviations in a chapter before the passage that says what they are short for."""
        waiting = {term.abbr: term for term in self.terms if _is_abbreviation(term.abbr)}
        for passage in passages:
            for word in re.findall(r"(?<![A-Za-z0-9-])[A-Z][A-Za-z0-9]*", passage.text):
                term = waiting.pop(word, None)
                if term is None or _introduces(passage.text, term):
                    continue
                index = passage.text.index(word)
                message = f"“{word}” stands before “{term.zh}” in this chapter"
                hint = f"Write “{term.zh}（{term.en}，{term.abbr}）” where it comes first."
                position = passage.position(index)
                yield Finding("abbreviation-early", position, message, hint, passage.text)
            for abbreviation in [a for a, term in waiting.items() if term.zh in passage.text]:
                del waiting[abbreviation]


def _any_of(words: Iterable[str], pattern: str, flags: int) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(pattern.format("|".join(map(re.escape, longest_first))), flags)


def _variant(passage: Passage, match: re.Match[str], right: str) -> Finding:
    message = f"“{match[0]}” is “{right}” in the glossary"
    position = passage.position(match.start())
    return Finding("term-variant", position, message, f"Write “{right}”.", passage.text)


def _is_abbreviation(text: str) -> bool:
    return len(re.findall("[A-Z]", text)) >= _MIN_ABBREVIATION


def _introduces(text: str, term: Term) -> bool:
    english = term.en.lower().replace("-", " ")
    return term.zh in text or english in text.lower().replace("-", " ")
