"""Releasing: what the next ledger says, what is written, and when nothing is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.build import check_edition, write_together
from generator.changes import escape_markdown, render_changes
from generator.cli import QUIET
from generator.diagnostics import BookError, Diagnostics
from generator.ledger import CHANGES, LEDGER, Ledger, Move, Rename, parse_ledger, write_ledger
from generator.markdown import parse, plain
from generator.model import Kind
from generator.release import Outcome, Wanted, release_book
from tests.anki_client import AnyFormulas

ANKI = Path(__file__).parent.parent / "fixtures" / "anki"
TIME = 1_780_000_000
NOW = 1_790_000_000
CARDS = "content/first/cards.md"
ORDER = "content/second/order.md"


@pytest.fixture(autouse=True)
def _no_mathjax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.build.typeset_math", lambda *_: AnyFormulas())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = Path(shutil.copytree(ANKI, tmp_path / "book"))
    _release(root, "1", TIME)
    return root


def _release(root: Path, version: str, time: int) -> Outcome:
    _edit(root, "content/book.yaml", *_edition(root, version))
    return release_book(root, Wanted(version, time, NOW), Diagnostics(), QUIET)


def _edition(root: Path, version: str) -> tuple[str, str]:
    lines = (root / "content/book.yaml").read_text("utf-8").splitlines()
    [line] = [line for line in lines if line.startswith("edition:")]
    return line, f'edition: "{version}"'


def _edit(root: Path, path: str, before: str, after: str) -> None:
    text = (root / path).read_text("utf-8")
    assert before in text
    (root / path).write_text(text.replace(before, after, 1), "utf-8")


TERMS = (("loss", "损失"), ("reward", "奖励"))


def _ledger(root: Path) -> Ledger:
    ledger = parse_ledger((root / LEDGER).read_text("utf-8"), LEDGER, Diagnostics())
    assert ledger is not None
    return ledger


def _codes(root: Path) -> set[str]:
    diagnostics = Diagnostics()
    with pytest.raises(BookError):
        check_edition(root, None, diagnostics, QUIET)
    return {item.code for item in diagnostics if item.code != "chapter-empty"}


def _changes(root: Path) -> str:
    return (root / CHANGES).read_text("utf-8")


def test_the_first_release_lists_nothing(root: Path) -> None:
    ledger = _ledger(root)
    [release] = ledger.releases
    assert (release.version, release.time) == ("1", TIME)
    assert release.sizes == {Kind.QUESTION: 5, Kind.CLOZE: 3, Kind.TERM: 2}
    assert release.new == ()
    assert len(ledger.notes) == 10
    assert {note.changed for note in ledger.notes.values()} == {"1"}
    assert "首次发布：5 道题、3 道填空、2 个术语。" in _changes(root)


def test_without_a_change_nothing_is_written(root: Path) -> None:
    before = (root / LEDGER).read_bytes(), (root / CHANGES).read_bytes()
    outcome = _release(root, "2", TIME + 1)
    assert outcome.release is None
    assert outcome.last == "1"
    assert ((root / LEDGER).read_bytes(), (root / CHANGES).read_bytes()) == before


@pytest.mark.parametrize(
    ("version", "time", "code"),
    [
        ("1", TIME + 1, "release-order"),
        ("0.9", TIME + 1, "release-order"),
        ("2", TIME, "release-order"),
        ("2", NOW + 1, "release-order"),
        ("zwei", TIME + 1, "value-invalid"),
    ],
)
def test_a_release_must_be_newer(root: Path, version: str, time: int, code: str) -> None:
    _edit(root, ORDER, "第三。", "第三！")
    before = (root / LEDGER).read_bytes(), (root / CHANGES).read_bytes()
    with pytest.raises(BookError) as caught:
        _release(root, version, time)
    assert code in {item.code for item in caught.value.diagnostics}
    assert ((root / LEDGER).read_bytes(), (root / CHANGES).read_bytes()) == before


def test_an_edited_answer(root: Path) -> None:
    _edit(root, ORDER, "第三。", "第三！")
    outcome = _release(root, "2", TIME + 1)
    assert outcome.release
    assert outcome.release.changed == ("q-a-third",)
    notes = _ledger(root).notes
    assert {name: note.changed for (_, name), note in notes.items() if note.changed == "2"} == {
        "a-third": "2"
    }
    assert "### 修改\n\n- 第三？（`a-third`）" in _changes(root)


def test_a_tag_alone_is_a_change(root: Path) -> None:
    """A cloze shows the level of its question nowhere but in its tags."""
    _edit(root, ORDER, "{#order-one level=3}", "{#order-one level=2}")
    outcome = _release(root, "2", TIME + 1)
    assert outcome.release
    assert outcome.release.changed == ("q-order-one", "c-order-one-gap")
    assert "- 第一？（`order-one`、填空 `order-one-gap`）" in _changes(root)


def test_a_figure_that_changes_changes_its_note(root: Path) -> None:
    figure = root / "content/figures/line.svg"
    figure.write_text(figure.read_text().replace("#", "#0", 1))
    outcome = _release(root, "2", TIME + 1)
    assert outcome.release
    assert outcome.release.changed == ("q-why-scale",)


def test_withdrawn_and_returned(root: Path) -> None:
    guid = _ledger(root).notes[Kind.QUESTION, "a-third"].guid
    _edit(root, ORDER, "## 第三？ {#a-third level=3}\n\n第三。\n", "")
    outcome = _release(root, "2", TIME + 1)
    assert outcome.release
    assert outcome.release.withdrawn == ("q-a-third",)
    note = _ledger(root).notes[Kind.QUESTION, "a-third"]
    assert (note.withdrawn, note.guid) == ("2", guid)
    assert "```text\n编号:a-third\n```" in _changes(root)

    _edit(root, ORDER, "第一。\n", "第一！\n")
    _release(root, "3", TIME + 2)
    assert _ledger(root).notes[Kind.QUESTION, "a-third"].withdrawn == "2"

    with (root / CARDS).open("a", encoding="utf-8") as file:
        file.write("\n## 第三？ {#a-third level=3}\n\n第三。\n")
    outcome = _release(root, "4", TIME + 3)
    assert outcome.release
    assert outcome.release.returned == ("q-a-third",)
    note = _ledger(root).notes[Kind.QUESTION, "a-third"]
    assert (note.withdrawn, note.guid) == ("", guid)


def test_a_chain_of_renames_keeps_the_guid(root: Path) -> None:
    guid = _ledger(root).notes[Kind.QUESTION, "a-third"].guid
    _edit(root, ORDER, "{#a-third level=3}", "{#b-third level=3 was=a-third}")
    outcome = _release(root, "2", TIME + 1)
    assert outcome.release
    assert outcome.release.renamed == (Rename("q-b-third", "a-third"),)
    assert _release(root, "2.1", TIME + 2).release is None  # the attribute may stay
    _edit(root, ORDER, " was=a-third", "")
    assert _release(root, "2.2", TIME + 3).release is None  # or go
    _edit(root, ORDER, "{#b-third level=3}", "{#c-third level=3 was=b-third}")
    _release(root, "3", TIME + 4)
    note = _ledger(root).notes[Kind.QUESTION, "c-third"]
    assert (note.guid, note.was) == (guid, ("a-third", "b-third"))
    assert "- 第三？：`a-third` → `b-third`" in _changes(root)
    assert "- 第三？：`b-third` → `c-third`" in _changes(root)
    # From the first edition straight to here, and back to the first name.
    _edit(root, ORDER, "{#c-third level=3 was=b-third}", "{#d-third level=3 was=a-third}")
    _release(root, "4", TIME + 5)
    _edit(root, ORDER, "{#d-third level=3 was=a-third}", "{#a-third level=3}")
    _release(root, "5", TIME + 6)
    note = _ledger(root).notes[Kind.QUESTION, "a-third"]
    assert (note.guid, note.was) == (guid, ("b-third", "c-third", "d-third"))


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (ORDER, "{.cloze #order-one-gap}", "{.cloze #one-gap was=order-one-gap}"),
        ("content/glossary.yaml", "id: attention,", "id: attending, was: attention,"),
    ],
)
def test_clozes_and_terms_are_renamed_too(root: Path, path: str, before: str, after: str) -> None:
    guids = {note.guid for note in _ledger(root).notes.values()}
    _edit(root, path, before, after)
    _release(root, "2", TIME + 1)
    assert {note.guid for note in _ledger(root).notes.values()} == guids


def test_new_terms_share_a_line(root: Path) -> None:
    two = "".join(f"{{id: {n}, zh: {z}, en: {n}, definition: 一种。}}\n- " for n, z in TERMS)
    _edit(root, "content/glossary.yaml", "{id: attention,", f"{two}{{id: attention,")
    _release(root, "2", TIME + 1)
    assert "\n- 术语：损失（`loss`）、奖励（`reward`）\n" in _changes(root)


def test_an_old_name_is_taken_for_ever(root: Path) -> None:
    _edit(root, ORDER, "{#a-third level=3}", "{#b-third level=3 was=a-third}")
    _release(root, "2", TIME + 1)
    with (root / ORDER).open("a", encoding="utf-8") as file:
        file.write("\n## 又一题？ {#a-third level=3}\n\n又。\n")
    assert _codes(root) == {"id-reused"}


def test_a_question_moves_with_its_cloze(root: Path) -> None:
    question = (
        "## 第一？ {#order-one level=3}\n\n第一。\n\n"
        "::: {.cloze #order-one-gap}\n第[一]{c=1}。\n:::\n\n"
    )
    _edit(root, ORDER, question, "")
    with (root / CARDS).open("a", encoding="utf-8") as file:
        file.write("\n" + question)
    outcome = _release(root, "2", TIME + 1)
    assert outcome.release
    moved = {
        Move(name, "second/order", "first/cards") for name in ("q-order-one", "c-order-one-gap")
    }
    assert set(outcome.release.moved) == moved
    assert outcome.release.changed == ()
    deck = "试卡手册::01 第一部分::01 卡片"
    assert f'-"deck:{deck}" (编号:order-one or 编号:order-one-gap)' in _changes(root)


def test_gaps_retire_and_stay_retired(root: Path) -> None:
    _edit(root, CARDS, '[`std::x`]{c=1 hint="a::b"}', "`std::x`")
    _release(root, "2", TIME + 1)
    assert _ledger(root).notes[Kind.CLOZE, "why-scale-var"].retired == (1,)
    _edit(root, CARDS, "`std::x`", "[`std::y`]{c=1}")
    assert _codes(root) == {"gap-reused"}


def test_a_gap_before_an_old_one_and_an_edited_answer_are_no_breach(root: Path) -> None:
    _edit(root, ORDER, "第[一]{c=1}。", "[第]{c=2}[壹]{c=1}。")
    outcome = _release(root, "2", TIME + 1)
    assert outcome.release
    assert outcome.release.changed == ("c-order-one-gap",)


def test_gaps_that_swap_their_answers(root: Path) -> None:
    _edit(root, ORDER, "第[一]{c=1}。", "[第]{c=2}[一]{c=1}。")
    _release(root, "2", TIME + 1)
    _edit(root, ORDER, "[第]{c=2}[一]{c=1}。", "[第]{c=1}[一]{c=2}。")
    assert _codes(root) == {"gap-moved"}


def test_a_chapter_with_a_new_id_and_the_old_label_moves_nothing(root: Path) -> None:
    (root / ORDER).rename(root / "content/second/sequence.md")
    _edit(root, "content/book.yaml", "{id: order,", "{id: sequence,")
    outcome = _release(root, "2", TIME + 1)
    assert outcome.release is None or not outcome.release.moved


def test_templates_have_a_release_of_their_own(root: Path) -> None:
    css = root / "templates/anki/card.css"
    css.parent.mkdir(parents=True)
    css.write_text("p { color: red }")
    outcome = _release(root, "2", TIME + 1)
    assert outcome.release
    assert outcome.release.changed == ()
    assert {entry.changed for entry in _ledger(root).note_types.values()} == {"2"}


def test_terms_and_questions_with_one_id_are_told_apart(root: Path) -> None:
    with (root / ORDER).open("a", encoding="utf-8") as file:
        file.write("\n## 注意力？ {#attention level=3}\n\n注意。\n")
    _release(root, "2", TIME + 1)
    _edit(root, ORDER, "\n## 注意力？ {#attention level=3}\n\n注意。\n", "")
    _release(root, "3", TIME + 2)
    assert "(编号:attention tag:题型::问答)" in _changes(root)


def test_a_damaged_ledger_is_left_alone(root: Path) -> None:
    _edit(root, ORDER, "第三。", "第三！")
    _edit(root, LEDGER, "notes:\n", "notes:\n<<<<<<< HEAD\n")
    before = (root / LEDGER).read_bytes(), (root / CHANGES).read_bytes()
    with pytest.raises(BookError, match="merge conflict"):
        _release(root, "2", TIME + 1)
    assert ((root / LEDGER).read_bytes(), (root / CHANGES).read_bytes()) == before


def test_a_lost_ledger_is_missed(root: Path) -> None:
    (root / LEDGER).unlink()
    assert _codes(root) == {"ledger-damaged"}
    (root / CHANGES).unlink()
    assert _release(root, "1", TIME).release


def test_both_files_or_neither(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _edit(root, ORDER, "第三。", "第三！")
    before = (root / LEDGER).read_bytes(), (root / CHANGES).read_bytes()
    rename = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if target.name == "ledger.yaml":
            raise OSError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(BookError, match=r"cannot write ledger\.yaml"):
        _release(root, "2", TIME + 1)
    assert ((root / LEDGER).read_bytes(), (root / CHANGES).read_bytes()) == before
    assert not [path for path in (root / "content").iterdir() if path.name.startswith(".")]


def test_files_that_were_not_there_are_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if target.name == "b":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(BookError):
        write_together({tmp_path / "a": b"1", tmp_path / "b": b"2"})
    assert list(tmp_path.iterdir()) == []


# -- the change log -------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_a_title_is_shown_as_it_is(title: str) -> None:
    tokens = parse(f"- {escape_markdown(title)}（`a`）")
    assert plain(tokens).strip() == f"{' '.join(title.split())}（a）"


@pytest.mark.parametrize(
    "title",
    [
        *(r"$x_1$ 与 \(y\)", "[@a2020b]", "a|b", "# 一", "<s>", "![a](b)", "{{c1::x}} [x]{c=1}"),
        *("[^1]", "10~20", "2^10^", "&amp;", "www.a.org https://b.org", "---", ": 一"),
    ],
)
def test_a_title_full_of_markup(title: str) -> None:
    assert plain(parse(f"- {escape_markdown(title)}（`a`）")) == f"{title}（a）"


def test_the_change_log_is_a_page_of_the_book(root: Path) -> None:
    _edit(root, "content/book.yaml", "parts:", "back: [CHANGES.md]\nparts:")
    _edit(root, ORDER, "## 第三？", r"## 第三：$x_{1}$、`a|b`、\<s>、\[\@x2020y]？")
    outcome = _release(root, "2", TIME + 1)
    assert outcome.listed
    diagnostics = Diagnostics()
    book, _, ledger = check_edition(root, None, diagnostics, QUIET)
    assert {item.code for item in diagnostics} == {"chapter-empty"}
    [page] = book.back
    assert page.title == "更新记录"
    assert "第三：x_1、a|b、<s>、[@x2020y]？（a-third）" in page.block.plain
    assert _changes(root).index("第 2 版") < _changes(root).index("第 1 版")
    assert render_changes(ledger) == _changes(root)
    assert write_ledger(ledger) == (root / LEDGER).read_text("utf-8")


def test_before_the_first_release_the_page_says_so() -> None:
    assert "还没有发布过" in render_changes(Ledger())
