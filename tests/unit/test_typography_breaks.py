"""Page breaks: figures that give way to text, tables that are continued under a notice."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import weasyprint
from weasyprint.layout import block

from generator.typography import breaks

SHEET = """
@page { size: 200px 200px; margin: 0 }
body { margin: 0; font: 10px/20px monospace; orphans: 1; widows: 1 } p, h3, table { margin: 0 }
figure { margin: 0; break-inside: avoid } div.drawing { height: 100px }
table { border-spacing: 0 } td, th { padding: 0; font: 10px/20px monospace }
h3 { break-after: avoid }
"""
FIGURE = '<figure id="f{0}"><div class="drawing">F{0}</div></figure>'


@pytest.fixture(autouse=True)
def installed() -> None:
    assert breaks.install()


def pages_of(body: str) -> list[list[str]]:
    """What stands on every page: the texts of its lines."""
    document = weasyprint.HTML(string=body).render(stylesheets=[weasyprint.CSS(string=SHEET)])
    return [list(_lines(page._page_box)) for page in document.pages]


def _lines(box: Any) -> list[str]:
    if type(box).__name__ == "LineBox":
        return ["".join(child.text for child in box.descendants() if hasattr(child, "text"))]
    return [line for child in getattr(box, "children", ()) for line in _lines(child)]


def question(*content: str) -> str:
    return f'<article class="question">{"".join(content)}</article>'


def paragraphs(first: int, last: int) -> str:
    return "".join(f"<p>p{number}</p>" for number in range(first, last + 1))


def test_a_figure_that_does_not_fit_moves_down_past_the_text_that_follows() -> None:
    body = question(paragraphs(1, 7), FIGURE.format(1), paragraphs(8, 12))
    first, second = pages_of(body)
    assert first == [f"p{number}" for number in range(1, 11)]
    assert second == ["F1", "p11", "p12"]


def test_a_figure_that_fits_stays() -> None:
    first, second = pages_of(question(paragraphs(1, 5), FIGURE.format(1), paragraphs(6, 8)))
    assert first == [*(f"p{number}" for number in range(1, 6)), "F1"]
    assert second == ["p6", "p7", "p8"]


def test_it_follows_the_paragraph_that_the_break_parts() -> None:
    long = "<p>" + "<br/>".join(f"l{number}" for number in range(1, 7)) + "</p>"
    first, second = pages_of(question(paragraphs(1, 7), FIGURE.format(1), long, "<p>last</p>"))
    assert first[-3:] == ["l1", "l2", "l3"]
    assert second == ["l4", "l5", "l6", "F1", "last"]


@pytest.mark.parametrize(
    "barrier", ["<h3>heading</h3><p>text</p>", FIGURE.format(2)], ids=["heading", "figure"]
)
def test_it_passes_neither_headings_nor_figures(barrier: str) -> None:
    first, second, *_ = pages_of(question(paragraphs(1, 7), FIGURE.format(1), barrier))
    assert first == [f"p{number}" for number in range(1, 8)]
    assert second[0] == "F1"


def test_it_does_not_leave_its_question() -> None:
    body = question(paragraphs(1, 7), FIGURE.format(1)) + question("<p>next</p>")
    first, second = pages_of(body)
    assert first == [f"p{number}" for number in range(1, 8)]
    assert second == ["F1", "next"]


def test_nothing_is_lost_or_doubled_in_a_long_question() -> None:
    parts = [paragraphs(5 * n, 5 * n + 4) + FIGURE.format(n) for n in range(1, 20)]
    lines = [line for page in pages_of(question(*parts)) for line in page]
    assert sorted(lines) == sorted(
        [*(f"p{n}" for n in range(5, 100)), *(f"F{n}" for n in range(1, 20))]
    )
    assert [line for line in lines if line[0] == "p"] == [f"p{n}" for n in range(5, 100)]
    assert [line for line in lines if line[0] == "F"] == [f"F{n}" for n in range(1, 20)]


WHOLE = '<div class="table" style="break-inside: avoid"><div class="drawing">{}</div></div>'


def test_a_table_that_is_not_to_be_parted_gives_way_as_well() -> None:
    body = question(paragraphs(1, 7), WHOLE.format("T1"), paragraphs(8, 12))
    assert pages_of(body)[1] == ["T1", "p11", "p12"]


def test_tables_stay_in_order() -> None:
    body = question(paragraphs(1, 7), WHOLE.format("T1"), WHOLE.format("T2"), "<p>p8</p>")
    assert [page[0] for page in pages_of(body)] == ["p1", "T1", "p8"]
    assert pages_of(body)[1:] == [["T1", "T2"], ["p8"]]


TABLE = (
    "<table><caption>table</caption><thead>"
    '<tr class="continued"><td colspan="1">notice</td></tr><tr><th>head</th></tr></thead><tbody>'
    + "".join(f"<tr><td>r{number}</td></tr>" for number in range(1, 13))
    + "</tbody></table>"
)


def test_the_notice_stands_on_the_further_parts_of_a_table_alone() -> None:
    first, second = pages_of(f"<p>before</p>{TABLE}")
    assert first == ["before", "table", "head", *(f"r{number}" for number in range(1, 8))]
    assert second == ["notice", "head", *(f"r{number}" for number in range(8, 13))]


def test_a_table_without_a_notice_is_left_alone() -> None:
    first, second = pages_of(TABLE.replace(' class="continued"', ""))
    assert first[:3] == ["table", "notice", "head"]
    assert second[:2] == ["notice", "head"]


@pytest.mark.parametrize("name", ["_in_flow_layout", "table_layout"])
@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "changed"])
def test_an_unknown_hook_leaves_everything_as_it_is(
    monkeypatch: pytest.MonkeyPatch, name: str, is_gone: bool
) -> None:
    for hook in ("_in_flow_layout", "table_layout"):
        monkeypatch.setattr(block, hook, inspect.unwrap(getattr(block, hook)))
    monkeypatch.setattr(breaks, "_installed", False)
    if is_gone:
        monkeypatch.delattr(block, name)
    else:
        monkeypatch.setattr(block, name, lambda one: one)
    before = dict(vars(block))
    assert not breaks.install()
    assert dict(vars(block)) == before


def test_the_first_part_of_a_listing_ends_with_its_text() -> None:
    lines = "".join(f'<span style="display: block">{number}</span>' for number in range(8))
    sheet = f"{SHEET} pre {{ margin: 0 }} pre span:nth-child(n+4) {{ break-before: avoid }}"
    body = f"{paragraphs(1, 5)}<pre><code style='display: block'>{lines}</code></pre>"
    document = weasyprint.HTML(string=body).render(stylesheets=[weasyprint.CSS(string=sheet)])
    listing = [
        next(box for box in page._page_box.descendants() if box.element_tag == "pre")
        for page in document.pages
    ]
    assert [box.height for box in listing] == [40, 120]
