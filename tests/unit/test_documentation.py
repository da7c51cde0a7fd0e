"""The documentation against the code: codes, keys, commands, links, and examples that build."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.build import check_book
from generator.cli import QUIET, main
from generator.config import parse_book, parse_glossary, parse_references
from generator.diagnostics import CODES, BookError, Diagnostics, Severity
from generator.markdown import parse
from generator.source import load_book

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
BUILT_OR_BROKEN = {".git", ".venv", "build", "dist", "node_modules", "diagnostics"}
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.rglob("*.md")
    if not BUILT_OR_BROKEN & {*path.relative_to(ROOT).parts[:-1]}
    and not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
SHELL_TOOLS = {"cd", "git", "pip"}


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# -- diagnostics ----------------------------------------------------------------------------------


def _entries() -> dict[str, str]:
    pieces = re.split(r"^### (.+)$", _read("docs/diagnostics.md"), flags=re.MULTILINE)
    assert len(pieces[1::2]) == len(set(pieces[1::2])), "a code has two entries"
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def test_every_code_has_an_entry_and_no_entry_is_stale() -> None:
    assert set(_entries()) == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_an_entry_shows_what_is_reported_and_what_to_do(code: str) -> None:
    entry = _entries()[code]
    example = re.search(rf"^\S+:\d+:\d+: (.*\[{code}\] .*)$", entry, re.MULTILINE)
    assert example, "no example"
    assert example[1] in _read(f"tests/golden/diagnostics/{code}/expected.txt")
    assert "\nWhat to do: " in entry
    assert ("(a warning)" in entry) is (CODES[code].severity is Severity.WARNING)


# -- the format -----------------------------------------------------------------------------------


def _shown_files(text: str) -> dict[str, str]:
    """The fenced blocks that follow a line with nothing but a file's name."""
    found = re.findall(
        r"^(?:\[`(?P<a>[^`\n]+)`\]\((?P=a)\)|`(?P<b>[^`\n]+)`)[:：]\n\n(?P<f>`{3,})\w+\n(.*?)^(?P=f)$",
        text,
        re.MULTILINE | re.DOTALL,
    )
    return {linked or plain: body for linked, plain, _, body in found}


def test_the_files_of_the_format_page_are_a_book_without_faults(tmp_path: Path) -> None:
    files = _shown_files(_read("docs/format.md"))
    assert {"content/book.yaml", "content/references.yaml", "content/glossary.yaml"} < files.keys()
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    diagnostics = Diagnostics()
    book, formulas = check_book(tmp_path, None, diagnostics, QUIET)
    assert not list(diagnostics)
    assert len([*book.questions]) == 2
    assert formulas


def _legal_keys() -> Iterator[str]:
    """What the hints list when a key is unknown, in every kind of mapping."""
    diagnostics = Diagnostics()
    chapter = "{x: 1, id: a, label: a}"
    part = f"{{x: 1, id: a, title: a, label: a, chapters: [{chapter}]}}"
    parse_book(f"x: 1\ninspect: {{x: 1}}\nparts: [{part}]", "book.yaml", diagnostics)
    parse_references("x: 1\nreferences: [{x: 1, author: [{x: 1}]}]", "r.yaml", diagnostics)
    parse_glossary("[{x: 1}]", "glossary.yaml", diagnostics)
    hints = [item.hint for item in diagnostics if item.code == "key-unknown"]
    assert len(hints) == 4 + 3 + 1
    for hint in hints:
        yield from hint.removeprefix("Legal keys here: ").removesuffix(".").split(", ")


def test_the_format_page_names_every_key() -> None:
    page = _read("docs/format.md")
    assert not [key for key in _legal_keys() if f"`{key}`" not in page and f"{key}:" not in page]


@pytest.mark.parametrize("name", READMES)
def test_the_sample_of_the_readme_is_a_chapter(name: str, tmp_path: Path) -> None:
    """It may cite and link to what it does not show; nothing else may be wrong with it."""
    match = re.search(r"^```markdown\n(.*?)^```$", _read(name), re.MULTILINE | re.DOTALL)
    assert match
    minimal = ROOT / "tests" / "fixtures" / "minimal" / "content"
    for file in ("book.yaml", "references.yaml"):
        (tmp_path / "content").mkdir(exist_ok=True)
        (tmp_path / "content" / file).write_bytes((minimal / file).read_bytes())
    (tmp_path / "content" / "basics").mkdir()
    chapter = tmp_path / "content" / "basics" / "first.md"
    chapter.write_text(f"---\ntitle: 一\n---\n\n{match[1]}", encoding="utf-8")
    with pytest.raises(BookError) as error:
        load_book(tmp_path)
    assert {item.code for item in error.value.diagnostics} == {"citation-unknown", "link-broken"}


# -- the READMEs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READMES)
def test_files_shown_are_the_files(name: str) -> None:
    files = _shown_files(_read(name))
    folder = ROOT / "docs" / "example-exporter"
    assert set(files) == {
        path.relative_to(ROOT).as_posix()
        for path in folder.iterdir()
        if path.suffix in {".py", ".toml"}
    }
    for path, text in files.items():
        assert text == _read(path)


def _commands(text: str) -> Iterator[list[str]]:
    for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield words


def _options(command: str) -> set[str]:
    return {option for item in main.commands[command].params for option in item.opts}


def _check_studyguide(words: list[str]) -> None:
    assert words[0] in main.commands
    assert {word for word in words if word.startswith("-")} <= _options(words[0])


def _check_command(words: list[str], targets: set[str]) -> None:
    if words[0] == "make":
        goal = words[1] if len(words) > 1 and "=" not in words[1] else "all"
        assert goal in targets
        arguments = [word.removeprefix("ARGS=") for word in words[2:]]
        if arguments and goal in main.commands:
            _check_studyguide([goal, *shlex.split(arguments[0])])
    elif words[:3] == [".venv/bin/python", "-m", "generator"]:
        _check_studyguide(words[3:])
    elif words[0] == "studyguide":
        _check_studyguide(words[1:])
    else:
        assert words[:3] == [".venv/bin/python", "-m", "pip"] or words[0] in SHELL_TOOLS


@pytest.mark.parametrize("name", PAGES)
def test_commands_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", _read("Makefile"), re.MULTILINE))
    for words in _commands(_read(name)):
        _check_command(words, targets)


def test_the_readmes_show_the_same_commands_and_pictures() -> None:
    english, chinese = map(_read, READMES)
    assert [*_commands(english)] == [*_commands(chinese)]
    picture = re.compile(r"!\[[^\]]+\]\(([^)]+)\)")
    assert picture.findall(english) == picture.findall(chinese)


def test_pictures_are_modest_and_shown() -> None:
    readme = _read("README.md")
    for picture in (ROOT / "docs" / "pictures").glob("*.png"):
        assert picture.stat().st_size < 250_000
        assert picture.relative_to(ROOT).as_posix() in readme


# -- links ----------------------------------------------------------------------------------------


def _slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _addresses(text: str) -> Iterator[str]:
    for token in parse(text):
        for child in token.children or ():
            address = child.attrs.get("href") or child.attrs.get("src")
            if address:
                yield str(address)


@pytest.mark.parametrize("name", PAGES)
def test_relative_links_resolve(name: str) -> None:
    page = ROOT / name
    for address in _addresses(_read(name)):
        path, _, fragment = address.partition("#")
        if re.match(r"[a-z]+:", address) or not path:
            continue
        target = (page.parent / path).resolve()
        assert target.is_relative_to(ROOT.resolve()), address
        assert target.exists(), address
        if fragment:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert fragment in map(_slug, headings), address
