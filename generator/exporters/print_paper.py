"""Sheets of paper: what the handbook can be printed on."""

from __future__ import annotations

from dataclasses import dataclass

_POINT = 25.4 / 72
"""Millimetres."""

_HEAD_SIZE = 9.0
"""Points, as the style sheet has them."""

_LINE = 1.7
"""Ems from line to line, as the style sheet has them."""

_FOLIO = 4.0
"""Ems of the running head."""

_LOW = 230.0
"""Millimetres of a page that holds less than forty lines."""

_BLEED = 3.0
_MARKS = 7.0
"""Millimetres beyond the trim that the printer cuts off, and that crop marks take in all."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A sheet and how it is filled.

    ``width`` and ``height`` in millimetres; ``size`` of the type in points; ``columns``: Han
    characters a line, so that full lines need no stretching (W3C CLREQ, 2.3.3). The inner margin
    takes a little more than half of what they leave, for the fold.
    """

    width: float
    height: float
    size: float
    columns: int
    top: float
    bottom: float

    @property
    def inside(self) -> float:
        """The margin at the fold, in millimetres."""
        return (self.width - self.measure) * 0.53

    @property
    def outside(self) -> float:
        """The margin at the edge, in millimetres."""
        return self.width - self.measure - self.inside

    @property
    def measure(self) -> float:
        """The length of a line, in millimetres."""
        return self.columns * self.size * _POINT

    @property
    def head(self) -> int:
        """How many columns (half a Han character each) the running head takes beside the folio."""
        return int(2 * (self.measure / (_HEAD_SIZE * _POINT) - _FOLIO))

    @property
    def markup(self) -> int:
        """How many characters of XHTML a page holds, about: 1.6 for each column of its lines.

        Measured over 360 pages of text with tables, lists, code and formulas; chapters differ from
        it by 4 %.
        """
        lines = (self.height - self.top - self.bottom) / (_LINE * self.size * _POINT)
        return int(1.6 * 2 * self.columns * lines)

    def style(self, *, print_ready: bool) -> str:
        """The style sheet of this paper. ``print_ready`` adds bleed and crop marks."""
        inside, outside = f"{self.inside:.2f}mm", f"{self.outside:.2f}mm"
        rules = [
            f"@page {{ size: {self.width}mm {self.height}mm }}",
            f"@page :right {{ margin: {self.top}mm {outside} {self.bottom}mm {inside} }}",
            f"@page :left {{ margin: {self.top}mm {inside} {self.bottom}mm {outside} }}",
            f"html {{ font-size: {self.size}pt }}",
            f".cover {{ height: {self.height}mm }}",
        ]
        if self.height < _LOW:  # a heading and a box that is never parted leave too large a hole
            rules.append(".brief, .followup { break-inside: auto }")
        if print_ready:
            rules += [
                f"@page {{ bleed: {_MARKS}mm; marks: crop }}",
                f".cover .band {{ margin: -{_BLEED}mm 0 -{_BLEED}mm -{_BLEED}mm }}",
            ]
        return "\n".join(rules)


PAPERS = {
    "A4": Paper(210, 297, 10.5, 42, 24, 22),
    "A5": Paper(148, 210, 9.5, 33, 17, 16),
    "B5": Paper(176, 250, 10, 37, 20, 19),
    "16k": Paper(185, 260, 10.5, 38, 20, 20),
}
"""Papers by the names that book.yaml and the command line use; 16k is China's 正 16 开."""
