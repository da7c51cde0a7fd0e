r"""TeX formulas, typeset by the MathJax that Anki ships, without a browser.

One parse gives a standalone SVG for print, MathML for EPUB, and the proof that Anki will show the
formula: what MathJax refuses here, it would refuse on a card.

    with Typesetter(cache=Path("build/cache/formulas.sqlite")) as typesetter:
        results = typesetter.typeset([Request(r"\sqrt{d_k}", display=False)])
"""

from generator.formula.engine import MATHJAX_VERSION, MathJaxUnavailable
from generator.formula.pieces import Piece, split_formula
from generator.formula.typesetter import Typesetter
from generator.formula.values import Failure, Formula, Request

__all__ = [
    "MATHJAX_VERSION",
    "Failure",
    "Formula",
    "MathJaxUnavailable",
    "Piece",
    "Request",
    "Typesetter",
    "split_formula",
]
