"""Formulas within a line, taken apart where they may be broken."""

from __future__ import annotations

import re
from collections.abc import Generator

import pytest

from generator.formula import Formula, Request, Typesetter, split_formula


@pytest.fixture(scope="module")
def typesetter() -> Generator[Typesetter]:
    with Typesetter() as typesetter:
        yield typesetter


def typeset(typesetter: Typesetter, tex: str, *, display: bool = False) -> Formula:
    (formula,) = typesetter.typeset([Request(tex, display)]).values()
    assert isinstance(formula, Formula)
    return formula


@pytest.mark.parametrize(
    ("tex", "signs"),
    [
        (r"a=b", "="),
        (r"a=b+c\approx d", "=+="),
        (r"\displaystyle a\to b", "="),
        (r"x\stackrel{?}{=}y", "="),
        (r"x:=y", "="),
        (r"f(x=2)=-3", "="),
        (r"\{x=1\}\cup y", "+"),
        (r"\left(a=b\right)\ge 1", "="),
        (r"|a+b|\le c", "="),
        (r"{a=b}", ""),
        (r"\color{red}{a=b}", ""),
        (r"-\infty", ""),
        (r"=", ""),
        (r"a=", ""),
        (r"\begin{pmatrix}a=b\end{pmatrix}", ""),
    ],
)
def test_breaks_are_behind_the_signs_that_no_bracket_holds(
    typesetter: Typesetter, tex: str, signs: str
) -> None:
    found = typeset(typesetter, tex).breaks
    assert "".join("=" if place.is_relation else "+" for place in found) == signs


def test_math_on_its_own_line_is_not_broken(typesetter: Typesetter) -> None:
    assert typeset(typesetter, "a=b+c", display=True).breaks == ()


def test_pieces_and_their_spaces_are_as_wide_as_the_formula(typesetter: Typesetter) -> None:
    formula = typeset(typesetter, r"p_{ij}=\frac{a}{b}+\sqrt{d_k}\approx 6\times10^{22}")
    pieces = split_formula(formula, 2.0)
    assert len(pieces) == 5
    assert sum(piece.space + piece.width for piece in pieces) == pytest.approx(
        formula.width, abs=0.01
    )
    assert [piece.space for piece in pieces] == pytest.approx(
        [0, 5 / 18, 4 / 18, 5 / 18, 4 / 18], abs=0.01
    )
    assert max(piece.height for piece in pieces) <= formula.height + 0.001
    assert max(piece.depth for piece in pieces) <= formula.depth + 0.001


def test_lines_and_braces_that_stretch_are_within_their_piece(typesetter: Typesetter) -> None:
    formula = typeset(typesetter, r"a=\overline{x\odot y}=\underbrace{a+b+c}_{2}")
    _, over, under = split_formula(formula, 3.0)
    whole, other = typeset(typesetter, r"\overline{x\odot y}"), typeset(typesetter, r"x\odot y")
    assert over.height == pytest.approx(whole.height, abs=0.01)
    assert over.height > other.height + 0.1
    assert under.depth > 1.3 > typeset(typesetter, "a+b+c").depth + 1


def test_every_shape_is_in_one_piece(typesetter: Typesetter) -> None:
    formula = typeset(typesetter, r"p_{ij}=\frac{a}{b}+\sqrt{d_k}\approx 6\times10^{22}")
    shapes = re.findall(r"<(?:path|rect|text)\b[^>]*>", formula.svg)
    parts = [re.findall(r"<(?:path|rect|text)\b[^>]*>", p.svg) for p in split_formula(formula, 2.0)]
    assert all(parts)
    assert sorted(shape for part in parts for shape in part) == sorted(shapes)


def test_a_short_formula_stays_whole(typesetter: Typesetter) -> None:
    formula = typeset(typesetter, "a=b+c")
    (piece,) = split_formula(formula, 5.0)
    assert piece.svg == formula.svg


def test_operators_are_broken_behind_only_where_relations_do_not_suffice(
    typesetter: Typesetter,
) -> None:
    formula = typeset(typesetter, "a+b=c+d+e+f+g+h+i+j+k+l")
    assert len(split_formula(formula, 5.0)) == 11  # "a+b=" is short enough
