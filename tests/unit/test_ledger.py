"""The ledger's file: what is written is read again, and what is not as written is refused."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from generator.diagnostics import Diagnostics
from generator.ledger import (
    KINDS,
    LEDGER,
    Ledger,
    LedgerNote,
    LedgerNoteType,
    Move,
    Release,
    Rename,
    parse_ledger,
    version_key,
    write_ledger,
)
from generator.model import Kind

HEX = "0123456789abcdef"
ids = st.from_regex(r"[a-z0-9]{1,5}(-[a-z0-9]{1,4}){0,2}", fullmatch=True) | st.sampled_from(
    ["null", "true", "no", "on", "1e5", "0x10", "1", "0-1"]
)
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20
)
digests = st.text(HEX, min_size=16, max_size=16)
short_digests = st.text(HEX, min_size=8, max_size=8)
places = st.builds("{}/{}".format, ids, ids)
names = st.builds("{}-{}".format, st.sampled_from(KINDS), ids)
numbers = st.integers(1, 500)


@st.composite
def releases(draw: st.DrawFn) -> tuple[Release, ...]:
    count = draw(st.integers(1, 3))
    some = st.lists(names, max_size=3).map(tuple)
    return tuple(
        Release(
            version=f"0.{number}",
            time=number * 1000,
            content=draw(digests),
            sizes={kind: draw(st.integers(0, 9999)) for kind in KINDS},
            new=draw(some),
            changed=draw(some),
            moved=tuple(draw(st.lists(st.builds(Move, names, places, places), max_size=2))),
            renamed=tuple(draw(st.lists(st.builds(Rename, names, ids), max_size=2))),
            withdrawn=draw(some),
            returned=draw(some),
        )
        for number in range(1, count + 1)
    )


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    out = draw(releases())
    versions = st.sampled_from([release.version for release in out])
    notes = {}
    keys = draw(st.lists(st.tuples(st.sampled_from(KINDS), ids), max_size=5, unique=True))
    for index, (kind, identifier) in enumerate(keys):
        notes[kind, identifier] = LedgerNote(
            kind=kind,
            id=identifier,
            guid=f"{index}{draw(digests)}",
            digest=draw(digests),
            changed=draw(versions),
            chapter=draw(places | st.just("")),
            title=draw(texts | st.just("")),
            gaps=draw(st.dictionaries(numbers, short_digests, max_size=3)),
            retired=tuple(draw(st.lists(numbers, max_size=3))),
            was=(f"was-{index}",) if draw(st.booleans()) else (),
            withdrawn=draw(versions | st.just("")),
        )
    some = st.lists(texts, min_size=1, max_size=3).map(tuple)
    note_types = {
        kind: LedgerNoteType(kind, draw(some), draw(some), draw(digests), draw(versions))
        for kind in KINDS
    }
    labels = draw(st.dictionaries(ids | places, texts, max_size=3))
    uid = draw(st.text(HEX, min_size=16, max_size=32))
    return Ledger(uid, draw(texts), out, labels, note_types, notes)


@given(ledgers())
def test_what_is_written_is_read_again(ledger: Ledger) -> None:
    diagnostics = Diagnostics()
    text = write_ledger(ledger)
    assert parse_ledger(text, LEDGER, diagnostics) == ledger, list(diagnostics)
    assert not list(diagnostics)
    assert write_ledger(ledger) == text
    assert "\r" not in text
    notes = [line for line in text.split("\n") if line.startswith("  - {kind:")]
    assert len(notes) == len(ledger.notes) + len(ledger.note_types)


@given(ledgers())
def test_other_readers_of_yaml_see_the_same(ledger: Ledger) -> None:
    loaded: dict[str, Any] = yaml.safe_load(write_ledger(ledger))
    found = {(note["kind"], note["id"], note["guid"]) for note in loaded["notes"]}
    assert found == {(note.kind, note.id, note.guid) for note in ledger.notes.values()}
    assert [release["version"] for release in loaded["releases"]] == [
        release.version for release in ledger.releases
    ]


@given(ledgers(), st.data())
def test_damage_is_a_diagnostic_and_never_an_exception(ledger: Ledger, data: st.DataObject) -> None:
    text = write_ledger(ledger)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    diagnostics = Diagnostics()
    broken = text[:start] + data.draw(st.text(max_size=5)) + text[end:]
    result = parse_ledger(broken.replace("\0", ""), LEDGER, diagnostics)
    assert (result is None) is diagnostics.has_errors


NOTE = '{kind: q, id: a, guid: "g1", digest: "0123456789abcdef", changed: "0.1"}'
TYPES = "\n".join(
    f"  - {{kind: {kind}, digest: '0123456789abcdef', changed: '0.1', fields: [a], templates: [b]}}"
    for kind in KINDS
)
LEDGER_TEXT = f"""format: 1
uid: "0123456789abcdef"
title: 书
releases:
  - {{version: "0.1", time: 1000, content: "0123456789abcdef", questions: 1, clozes: 0, terms: 0}}
decks: []
note-types:
{TYPES}
notes:
  - {NOTE}
"""
RELEASE = LEDGER_TEXT.splitlines()[4].replace("1000", "1")
DECK = "{of: a, label: xx}"
NOTE_PLACE = f"{LEDGER}:12:5"


def _codes(text: str) -> list[tuple[str, str]]:
    diagnostics = Diagnostics()
    ledger = parse_ledger(text, LEDGER, diagnostics)
    assert ledger is None
    return [(item.code, str(item.position)) for item in diagnostics]


def test_the_text_below_the_cases_has_no_fault() -> None:
    diagnostics = Diagnostics()
    ledger = parse_ledger(LEDGER_TEXT, LEDGER, diagnostics)
    assert not list(diagnostics)
    assert ledger is not None
    assert ledger.find(Kind.QUESTION, "a") is ledger.notes[Kind.QUESTION, "a"]
    assert str(ledger.notes[Kind.QUESTION, "a"].position) == NOTE_PLACE


def _second(**values: str) -> str:
    note = {"kind": "q", "id": "b", "guid": "g2", "digest": "0123456789abcdef", "changed": '"0.1"'}
    pairs = ", ".join(f"{key}: {value}" for key, value in (note | values).items())
    return f"{LEDGER_TEXT}  - {{{pairs}}}\n"


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("", "ledger-damaged", "1:1"),
        ("[]", "ledger-damaged", "1:1"),
        ("a: [", "yaml-syntax", "2:1"),
        ("a: &x [*x]", "yaml-alias", "1:4"),
        (_second(guid="g1"), "guid-duplicate", "13:5"),
        (_second(id="a"), "ledger-damaged", "13:5"),
        (_second(kind="z"), "value-invalid", "13:12"),
        (_second(kind="f"), "value-invalid", "13:12"),
        (_second(id="Ä"), "value-invalid", "13:19"),
        (_second(guid='""'), "value-invalid", "13:28"),
        (_second(changed='"0.7"'), "ledger-damaged", "13:5"),
        (_second(withdrawn='"0.7"'), "ledger-damaged", "13:5"),
        (_second(was="[a]"), "ledger-damaged", "13:5"),
        (_second(was="[b]"), "ledger-damaged", "13:5"),
        (_second(gaps='["1:01234567", "1:76543210"]'), "ledger-damaged", "13:80"),
        (_second(gaps='["0:01234567"]'), "value-invalid", "13:81"),
        (_second(retired="[x]"), "value-invalid", "13:84"),
        (_second(colour="red"), "key-unknown", "13:74"),
        (LEDGER_TEXT.replace("time: 1000", "time: soon"), "value-invalid", "5:28"),
        (LEDGER_TEXT.replace("format: 1", "format: 2"), "value-invalid", "1:9"),
        (f"{LEDGER_TEXT}notes: []\n", "yaml-duplicate-key", "13:1"),
        (f"{LEDGER_TEXT}=======\n", "ledger-damaged", "13:1"),
        (f"<<<<<<< HEAD\n{LEDGER_TEXT}", "ledger-damaged", "1:1"),
        (LEDGER_TEXT.replace("decks:", f"{RELEASE}\ndecks:"), "ledger-damaged", "6:5"),
        (LEDGER_TEXT.replace("decks: []", f"decks: [{DECK}, {DECK}]"), "ledger-damaged", "6:29"),
    ],
)  # fmt: skip
def test_damage(text: str, code: str, place: str) -> None:
    assert (code, f"{LEDGER}:{place}") in _codes(text)


def test_versions_are_ordered_by_their_numbers() -> None:
    versions = ["0.1", "0.2", "0.9.1", "0.10", "1.0", "1.0.1", "2", "10"]
    assert sorted(sorted(versions), key=version_key) == versions
    assert version_key("1.0") == version_key("1")
