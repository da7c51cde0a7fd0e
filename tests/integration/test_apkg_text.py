"""Whatever an author writes, Anki's cards show just that (properties, in the real Anki)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from anki.collection import Collection
from hypothesis import example, given
from hypothesis import strategies as st

from generator.exporters.anki_target import CardTarget, ClozeTarget, finish_field
from generator.exporters.anki_text import anki_text
from tests.anki_client import (
    AnyFormulas,
    collection,
    export,
    find_card,
    import_package,
    load,
    text_nodes,
)

TRAPS = (
    *("{{", "}}", "{", "}", "{{c1::", "{{c2::x}}", "::", ":", "{{FrontSide}}", "{{编号}}"),
    *("[sound:a.mp3]", "[$]", "[/$]", "[$$]", "[latex]", "[[type:x]]", "[anki:play:q:0]", "["),
    *("\\(", "\\)", "\\[", "\\]", "\\", "(", ")", "]", "$x$", "$$", "\\begin{x}"),
    *("image-occlusion:rect:left=.1", "<b>", "</i>", "<!--", "&amp;", "&#58;", "&", '"', "'"),
    *(
        "e\u0301",
        "\u0338",
        "\u212b",
        "가",
        "\u11a8",
        "\ufb01",
        "😀",
        "汉字",
        "，",
        " ",
        "\n",
        "<s>",
    ),
)
# Control characters and noncharacters have no place in HTML.
CHARACTERS = st.characters(exclude_categories=("Cc", "Cs", "Cn"))
TEXTS = st.lists(st.one_of(st.sampled_from(TRAPS), st.text(CHARACTERS, max_size=4)), max_size=8)

BOOK = load()
MATH_DELIMITER = re.compile(r"\\[()\[\]]")


@pytest.fixture(scope="module")
def col(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    with collection(tmp_path_factory.mktemp("anki")) as opened:
        import_package(opened, export(load()))
        yield opened


def _probe(markup: str) -> str:
    return finish_field(f'<i id="probe">{markup}</i>')


def _show(col: Collection, identifier: str, field: str, value: str, ordinal: int = 0) -> list[str]:
    """The text nodes of the probe on a card's back."""
    card = find_card(col, identifier, ordinal)
    note = card.note()
    note[field] = value
    col.update_note(note)
    card.load()
    return text_nodes(card.answer(), "probe")


@given(pieces=TEXTS)
@example(pieces=["\\", "(x", "\\", ")"])
@example(pieces=["\\", "[x", "\\", "]"])
def test_text_shows_as_it_was_written(col: Collection, pieces: list[str]) -> None:
    """Pieces come from the writer one by one, and stand side by side."""
    markup = "".join(map(anki_text, pieces))
    nodes = _show(col, "only-brief", "一句话", _probe(markup))
    assert "".join(nodes) == "".join(pieces)
    assert not any(map(MATH_DELIMITER.search, nodes))


@example(before=["{", "{c1::x}", "}"], inside=["}", "}"], hint=["}", "}"], after=["{{c2::", "y}}"])
@example(before=[":"], inside=["image-", "occlusion:rect"], hint=[":", ":"], after=[])
@given(before=TEXTS, inside=TEXTS, hint=TEXTS, after=TEXTS)
def test_text_shows_as_it_was_written_in_and_around_a_gap(
    col: Collection, before: list[str], inside: list[str], hint: list[str], after: list[str]
) -> None:
    target = ClozeTarget(BOOK, AnyFormulas())
    outer = ["".join(before), "".join(after)]
    hidden = "|" + "".join(inside) + "|"  # a space at its edge is the author's to lose
    markup = (
        "".join(map(target.text, before))
        + target.gap(1, "".join(hint), "".join(map(target.text, ("|", *inside, "|"))))
        + "".join(map(target.text, after))
    )
    field = _probe(markup)
    nodes = _show(col, "order-one-gap", "填空", field)
    assert "".join(nodes) == outer[0] + hidden + outer[1]
    assert not any(map(MATH_DELIMITER.search, nodes))
    front = text_nodes(find_card(col, "order-one-gap").question(), "probe")
    shown = "".join(hint) if "".join(hint) else "..."
    assert "".join(front) == f"{outer[0]}[{shown}]{outer[1]}"


TEX = st.lists(
    st.sampled_from(
        [
            "{",
            "}",
            "x",
            "^",
            "_",
            "\\frac",
            "\\\\[2pt]",
            "::",
            ":",
            "<",
            ">",
            "&",
            "[$]",
            "[latex]",
            "\\text",
        ]
    ),
    min_size=1,
    max_size=12,
).map("".join)


@given(tex=TEX, display=st.booleans(), gap=st.booleans())
def test_tex_reaches_mathjax_as_it_was_written(
    col: Collection,
    tex: str,
    display: bool,
    gap: bool,
) -> None:
    target = (ClozeTarget if gap else CardTarget)(BOOK, AnyFormulas())
    math = target.math(tex, display=display)
    if gap:
        nodes = _show(col, "order-one-gap", "填空", _probe(target.gap(1, "", math)))
    else:
        nodes = _show(col, "only-brief", "一句话", _probe(math))
    delimited = f"\\[{tex}\\]" if display else f"\\({tex}\\)"
    shown = "".join(nodes)
    # Spaces between braces are all that may be added.
    assert re.sub(r"(?<=\{) (?=\{)|(?<=\}) (?=\})", "", shown) == delimited


def test_an_occlusion_is_text(col: Collection) -> None:
    card = find_card(col, "why-scale-occlusion", 1)
    assert "image-occlusion:rect:left=.1" in "".join(
        text_nodes(f'<div id="all">{card.answer().split("</style>")[-1]}</div>', "all")
    )


def test_sounds_and_latex_are_text(col: Collection) -> None:
    card = find_card(col, "why-scale")
    assert not card.answer_av_tags()
    assert not card.question_av_tags()
    shown = "".join(text_nodes(f'<div id="all">{card.answer()}</div>', "all"))
    assert '"""[sound:x.mp3] {{c1::x}} \\(y\\) <b>"""' in shown
    assert "[$]1[/$]" in shown


def test_only_gaps_of_the_source_make_cards(col: Collection) -> None:
    note = find_card(col, "why-scale-var").note()
    assert [card.ord for card in note.cards()] == [0, 2]
    assert "{{c9::x}} 不是空" in "".join(
        text_nodes(f'<div id="all">{note.cards()[0].answer()}</div>', "all")
    )
