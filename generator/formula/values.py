"""What goes into the typesetter and what comes out of it."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Request:
    """A formula to typeset.

    Attributes:
        tex: TeX source without its delimiters.
        display: set on a line of its own, not within a sentence.
    """

    tex: str
    display: bool


class Break(NamedTuple):
    """A sign behind which a formula within a line may be broken.

    Attributes:
        end: where the sign ends, in em from the formula's left edge.
        start: where what follows begins.
        is_relation: ``=`` and its kin, not an operator such as ``+``.
    """

    end: float
    start: float
    is_relation: bool


@dataclass(frozen=True, slots=True)
class Formula:
    r"""A typeset formula. Lengths are in em of the surrounding text.

    Attributes:
        tex: the TeX source.
        display: set on a line of its own.
        svg: a standalone SVG document, black, without ids or scripts. Characters that the math
            font lacks (中文 in ``\text``) are ``<text>`` in a generic ``font-family``.
        mathml: a presentation MathML ``<math>`` element with the TeX as its ``alttext``.
        width: total width.
        height: extent above the baseline.
        depth: extent below the baseline: place the image with ``vertical-align: -<depth>em``.
        breaks: where it may be broken, from left to right; none on a line of its own.
    """

    tex: str
    display: bool
    svg: str
    mathml: str
    width: float
    height: float
    depth: float
    breaks: tuple[Break, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A formula that could not be typeset.

    Attributes:
        message: why, in one line of English.
    """

    message: str
