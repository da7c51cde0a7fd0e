"""Text without markup, formulas in readable characters: for titles, bookmarks, searches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from generator.characters import join_lines

if TYPE_CHECKING:
    from markdown_it.token import Token

_SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε",
    "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "varphi": "φ", "chi": "χ",
    "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Pi": "Π",
    "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "top": "ᵀ", "cdot": "·", "times": "×",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈", "sim": "~",
    "to": "→", "rightarrow": "→", "infty": "∞", "sum": "∑", "prod": "∏", "partial": "∂",
    "nabla": "∇", "in": "∈", "odot": "⊙", "oplus": "⊕", "otimes": "⊗", "pm": "±", "ldots": "…",
    "cdots": "…", "mid": "|", "ell": "ℓ", "log": "log", "exp": "exp", "max": "max", "min": "min",
}  # fmt: skip
_STYLES = (
    r"\\(?:mathrm|mathbf|mathbb|mathcal|mathit|boldsymbol|operatorname\*?|text|mbox|hat|tilde|bar)"
)


_ARGUMENT = r"(?:\{([^{}]*)\}|([0-9A-Za-z]))"
"""Of a command: in braces, or a single character."""


@lru_cache(maxsize=4096)
def plain_tex(tex: str) -> str:
    r"""A formula in readable characters: ``\sqrt{d_k}`` is ``√d_k``. Lossy, and meant to be."""
    text = re.sub(
        r"\\(?:left|right|bigl?|bigr|Bigl?|Bigr|displaystyle|,|;|!|quad|qquad)(?![A-Za-z])", "", tex
    )
    text = re.sub(_STYLES + r"\s*\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"\\[dt]?frac\s*" + _ARGUMENT + r"\s*" + _ARGUMENT, r"\1\2/\3\4", text)
    text = re.sub(r"\\sqrt\s*\{([^{}]*)\}", r"√\1", text)
    text = re.sub(r"\^\s*\\top\b", "ᵀ", text)
    text = re.sub(r"\\([A-Za-z]+)\s*", lambda match: _SYMBOLS.get(match[1], match[1]), text)
    return re.sub(r"\s+", " ", re.sub(r"[{}\\]", "", text)).strip()


def soft_break(tokens: Sequence[Token], index: int) -> str:
    """What stands for the soft break ``tokens[index]``: nothing within Chinese text, else a space.

    The words beside it count, be they in bold or in a link, as in Pandoc's east_asian_line_breaks.
    """
    before = next(filter(_is_seen, reversed(tokens[:index])), None)
    after = next(filter(_is_seen, tokens[index + 1 :]), None)
    words = [token.content if token and token.type == "text" else "" for token in (before, after)]
    return join_lines(*words)


def _is_seen(token: Token) -> bool:
    """Whether a token leaves ink: emphasis leaves empty texts where its marks stood."""
    return token.nesting == 0 and (token.type != "text" or bool(token.content))


def plain(tokens: Sequence[Token]) -> str:
    """The text of tokens: words, code and formulas, without notes, citations and pictures."""
    out: list[str] = []
    for index, token in enumerate(tokens):
        if token.type == "softbreak":
            out.append(soft_break(tokens, index))
        elif token.type in {"text", "code_inline", "fence", "code_block"}:
            out.append(token.content)
        elif token.type in {"math_inline", "math_display"}:
            out.append(plain_tex(token.content))
        elif token.type in {"citation", "footnote_ref"}:
            out.append("\b")  # takes the space before it along
        elif token.children and token.type != "image":
            out.append(plain(token.children))
        elif token.type in {"paragraph_close", "hardbreak"}:
            out.append(" ")
    return re.sub(r" ?\x08", "", "".join(out)).strip()
