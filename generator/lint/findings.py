"""What a lint found, and whether the book excuses it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from generator.diagnostics import Diagnostic, Position
from generator.model import Exemption


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnostic with the words that it is about, by which book.yaml can excuse it."""

    code: str
    position: Position
    message: str
    hint: str
    words: str

    @property
    def diagnostic(self) -> Diagnostic:
        """It, as it is shown."""
        return Diagnostic(self.code, self.position, self.message, self.hint)


def unexcused(findings: Iterable[Finding], exemptions: Iterable[Exemption]) -> Iterator[Diagnostic]:
    """What the book does not excuse, and the excuses that nothing needs."""
    unused = dict.fromkeys(exemptions)
    given = tuple(unused)
    for finding in findings:
        excuse = next((item for item in given if _covers(item, finding)), None)
        if excuse is None:
            yield finding.diagnostic
        else:
            unused.pop(excuse, None)
    for exemption in unused:
        message = f"nothing needs the exemption from “{exemption.code}”"
        hint = "Delete it, or correct its code or text."
        yield Diagnostic("exemption-unused", exemption.position, message, hint)


def _covers(exemption: Exemption, finding: Finding) -> bool:
    return exemption.code == finding.code and exemption.text in finding.words
