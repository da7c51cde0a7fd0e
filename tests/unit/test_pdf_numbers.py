"""Page numbers: slots, labels, and how they settle."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from generator.diagnostics import Position
from generator.exporters.print_numbers import (
    ARABIC,
    ROMAN,
    NumbersUnsettledError,
    Section,
    approach,
    number,
    prepare,
    roman,
    settle,
)
from generator.exporters.print_object import LaidOut, Place


def section(name: str, markup: str = "", numbering: str = ARABIC) -> Section:
    return Section(name, markup, Position("x.md"), numbering)


def laid(pages: int, **anchors: int) -> LaidOut:
    places = {name: Place(page, 0, 0) for name, page in anchors.items()}
    return LaidOut(pages, places, (), (), {}, (), b"")


def test_sections_begin_on_right_pages_and_arabic_numbers_with_one() -> None:
    sections = [section("front", "", ROMAN), section("a"), section("b"), section("end")]
    numbering = number(sections, [laid(3, toc=2), laid(1, a=0), laid(2, b=1), laid(1, end=0)])
    assert numbering.starts == (0, 4, 6, 8)
    assert numbering.page_labels == ("i", "ii", "iii", "iv", "1", "2", "3", "4", "5")
    assert numbering.ranges == ((0, ROMAN), (4, ARABIC))
    assert numbering.labels == {"toc": "iii", "a": "1", "b": "4", "end": "5"}


def prepared(markup: str, **labels: str) -> str:
    return prepare([section("one", markup)], labels)[0].markup


NUMBER = '<span class="page" data-page="x"></span>'


@pytest.mark.parametrize(
    ("labels", "slot"),
    [
        ({}, '<span class="page slot">00</span>'),
        ({"x": "7"}, '<span class="page slot">0</span>'),
        ({"x": "123"}, '<span class="page slot">000</span>'),
        ({"x": "xii"}, '<span class="page">xii</span>'),
    ],
)
def test_a_number_in_the_text_has_a_zero_for_each_digit(labels: dict[str, str], slot: str) -> None:
    assert prepared(NUMBER, **labels) == slot


def test_a_number_that_stands_alone_has_a_slot_for_any_page() -> None:
    markup = '<i id="x"/><a class="n" href="#x" data-page=""></a>'
    slot = '<i id="x"/><a class="n" href="#x"><span class="page slot">0000</span></a>'
    assert prepared(markup) == prepared(markup, x="3") == prepared(markup, x="123") == slot


def test_links_to_other_sections_are_marked() -> None:
    markup = '<p id="own"><a href="#own">1</a><a href="#far">2</a></p>'
    assert prepared(markup) == '<p id="own"><a href="#own">1</a><a href="link:far">2</a></p>'


def test_only_sections_whose_digits_change_are_laid_out_again() -> None:
    """The ten pages of the second section push the third to page 13."""
    sections = [section("a", NUMBER), section("b"), section("c", '<p id="x"></p>')]
    seen: list[list[str]] = []

    def lay_out(prepared: Sequence[Section]) -> list[LaidOut]:
        seen.append([one.markup for one in prepared])
        return [laid(1), laid(10), laid(1, x=0)]

    settled = settle(sections, {"x": "9"}, lay_out)
    assert settled.numbering.labels == {"x": "13"}
    assert [markups[0].count("0") for markups in seen] == [1, 2]
    assert [markups[1:] for markups in seen] == [["", '<p id="x"></p>']] * 2
    seen.clear()
    settle(sections, {"x": "42"}, lay_out)
    assert len(seen) == 1


def test_pages_are_guessed_and_the_first_hundred_known_before_the_rest_is_laid_out() -> None:
    """The guess says 80 pages for the first section; it has 120, and “x” is no more on page 99."""
    first = section("a", "." * 79 + f'<p id="x"></p>{NUMBER}'.replace("x", "y"))
    second = section("b", "." * 39 + '<p id="y"></p>' + NUMBER)
    third = section("c", '<p id="x"></p>')
    pages = {"a": laid(120, x2=0), "b": laid(40, y=0), "c": laid(1, x=0)}
    seen: list[str] = []

    def lay_out(prepared: Sequence[Section]) -> list[LaidOut]:
        seen.append(" ".join(f"{one.name}{one.markup.count('0')}" for one in prepared))
        return [pages[one.name] for one in prepared]

    labels = approach([first, second, third], 2, lay_out)
    assert seen == ["a2 b3"]
    assert labels["y"] == "121"
    settled = settle([first, second, third], labels, lay_out)
    assert settled.numbering.labels["x"] == "161"
    assert seen == ["a2 b3", "a3 b3 c0"]


def test_numbers_that_never_settle_are_an_error() -> None:
    """A page that its own number pushes away: long for one digit, short for two."""

    def lay_out(prepared: Sequence[Section]) -> list[LaidOut]:
        return [laid(9 if 'slot">00<' in prepared[0].markup else 11, x=0), laid(1, y=0)]

    sections = [section("a", NUMBER.replace("x", "y")), section("b", '<p id="y"></p>')]
    with pytest.raises(NumbersUnsettledError):
        settle(sections, {}, lambda prepared: [*map(flip, lay_out(prepared))])


def flip(one: LaidOut) -> LaidOut:
    return one if one.pages == 1 else laid(8 if one.pages == 9 else 12, x=0)


@pytest.mark.parametrize(("number", "numeral"), [(1, "i"), (4, "iv"), (19, "xix"), (48, "xlviii")])
def test_roman_numerals(number: int, numeral: str) -> None:
    assert roman(number) == numeral
