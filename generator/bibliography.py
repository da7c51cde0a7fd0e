"""How works are cited: GB/T 7714—2015, numeric for books, author and year for cards."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from generator.model import Name, Reference

_LISTED_AUTHORS = 3
"""GB/T 7714—2015, 8.1.2: of more than three authors the first three, then “et al” or “等”."""

_MARKS = {
    "article-journal": "J",
    "article-magazine": "J",
    "article-newspaper": "N",
    "book": "M",
    "chapter": "M",
    "dataset": "DS",
    "paper-conference": "C",
    "patent": "P",
    "report": "R",
    "software": "CP",
    "standard": "S",
    "thesis": "D",
    "webpage": "EB",
    "post-weblog": "EB",
    "article": "A",
}
"""Document type marks by CSL type (GB/T 7714—2015, appendix B; ``A``, archive, for preprints)."""

TYPES = frozenset(_MARKS)
"""The CSL types that references.yaml may use."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A formatted reference: its text, and the address to print or link after it (may be empty)."""

    text: str
    address: str


@lru_cache(maxsize=4096)  # every chapter lists its works anew
def gbt7714(reference: Reference) -> Entry:
    """The entry of a reference list, without its number."""
    mark = _MARKS.get(reference.type, "Z")
    online = "/OL" if reference.url or reference.doi else ""
    # Titles keep their own closing mark: “Which one?[C/OL]”.
    text = f"{reference.title}[{mark}{online}]"
    authors = _authors(reference.authors)
    if authors:
        text = f"{authors}. {text}"
    if reference.type in {"paper-conference", "chapter"} and reference.container:
        text += f"//{reference.container}"
        source = ", ".join(filter(None, (reference.publisher, reference.year)))
    else:
        source = ", ".join(
            filter(
                None,
                (reference.container or reference.publisher, reference.year, _issue(reference)),
            )
        )
    text += f". {source}" if source else ""
    text += f": {reference.pages}" if reference.pages else ""
    text += f". {reference.number}" if reference.number else ""
    return Entry(f"{text}.", address(reference))


def author_year(reference: Reference) -> str:
    """How a card cites a work: ``Vaswani 等，2017``; never a number, which others change."""
    authors = [name for name in reference.authors if not _is_others(name)]
    if not authors:
        who = reference.title
    else:
        who = authors[0].literal or authors[0].family
        if len(authors) > 1 or len(reference.authors) > 1:
            who += " 等" if who.isascii() else "等"
    return f"{who}，{reference.year}" if reference.year else who


def address(reference: Reference) -> str:
    """Where the work is to be had, or ``""``: its URL, else its DOI's."""
    return reference.url or (f"https://doi.org/{reference.doi}" if reference.doi else "")


def _issue(reference: Reference) -> str:
    return reference.volume + (f"({reference.issue})" if reference.issue else "")


def _is_others(name: Name) -> bool:
    return name.literal.lower().rstrip(".") in {"et al", "others", "等"}


def _authors(names: tuple[Name, ...]) -> str:
    known = [name for name in names if not _is_others(name)]
    listed = [_author(name) for name in known[:_LISTED_AUTHORS]]
    if listed and (len(known) > _LISTED_AUTHORS or len(known) < len(names)):
        listed.append("等" if not listed[0].isascii() and _is_han(listed[0]) else "et al")
    return ", ".join(listed)


def _author(name: Name) -> str:
    """``VASWANI A``: surname in capitals, initials without stops (GB/T 7714—2015, 8.1.1)."""
    if name.literal:
        return name.literal
    if _is_han(name.family):
        return name.family + name.given
    initials = " ".join(
        "-".join(part[0].upper() for part in word.split("-") if part) for word in name.given.split()
    )
    return f"{name.family.upper()} {initials}".strip()


def _is_han(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)
