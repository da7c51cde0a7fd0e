"""Both EPUBs of a book with every construct and of the real book: EPUBCheck, links, bytes."""

from __future__ import annotations

import io
import json
import posixpath
import re
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import unquote

import pytest

from generator.build import typeset_math
from generator.diagnostics import BookError, Diagnostics
from generator.exporters import Context, epub_documents
from generator.exporters.epub import CompatEpubExporter, EpubExporter
from generator.formula import Formula, Request
from generator.model import Book
from generator.render import Templates
from generator.source import load_book

ROOT = Path(__file__).parent.parent.parent
FIXTURE = ROOT / "tests" / "fixtures" / "epub"
CHECKER = distribution("epubcheck").locate_file("epubcheck/epubcheck.jar")
TIMESTAMP = 1_700_000_000
XHTML = "{http://www.w3.org/1999/xhtml}"
EXPORTERS = {"epub": EpubExporter, "epub-compat": CompatEpubExporter}


@dataclass(frozen=True)
class Source:
    book: Book
    formulas: dict[Request, Formula]

    def export(self, name: str, cache: Path, jobs: int = 1) -> bytes:
        context = Context(self.formulas, Templates(), cache, TIMESTAMP, jobs=jobs)
        return EXPORTERS[name]().export(self.book, context).data


@dataclass(frozen=True)
class Epub:
    name: str
    data: bytes

    @property
    def files(self) -> dict[str, bytes]:
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    @property
    def pages(self) -> dict[str, ET.Element]:
        return {
            name: ET.fromstring(data)
            for name, data in self.files.items()
            if name.endswith(".xhtml")
        }

    def text(self, name: str) -> str:
        return self.files[f"EPUB/{name}"].decode()


def _source(root: Path) -> Source:
    book = load_book(root)
    return Source(book, typeset_math(book, None, Diagnostics()))


@pytest.fixture(scope="module")
def fixture() -> Source:
    return _source(FIXTURE)


@pytest.fixture(scope="module", params=["fixture", "real"])
def source(request: pytest.FixtureRequest, fixture: Source) -> Source:
    return fixture if request.param == "fixture" else _source(ROOT)


@pytest.fixture(scope="module", params=EXPORTERS)
def epub(
    request: pytest.FixtureRequest, source: Source, tmp_path_factory: pytest.TempPathFactory
) -> Epub:
    cache = tmp_path_factory.mktemp("cache")
    return Epub(request.param, source.export(request.param, cache, jobs=2))


def _check(data: bytes, folder: Path) -> list[tuple[str, str, str]]:
    """EPUBCheck's messages of every severity, usage hints left out."""
    book, report = folder / "book.epub", folder / "report.json"
    book.write_bytes(data)
    subprocess.run(
        ["java", "-jar", str(CHECKER), "--quiet", "--json", str(report), str(book)],
        check=False,
        capture_output=True,
        timeout=300,
    )
    messages = json.loads(report.read_text(encoding="utf-8"))["messages"]
    return [(message["severity"], message["ID"], message["message"]) for message in messages]


def _dangling(epub: Epub) -> list[tuple[str, str]]:
    ids = {
        (name, element.get("id"))
        for name, page in epub.pages.items()
        for element in page.iter()
        if element.get("id")
    }
    lost = []
    for name, page in epub.pages.items():
        addresses = [e.get("href") or e.get("src") or "" for e in page.iter()]
        for address in addresses:
            if not address or address.startswith("https:"):
                continue
            path, _, fragment = unquote(address).partition("#")
            place = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            target = place if path else name
            if target not in epub.files or (fragment and (target, fragment) not in ids):
                lost.append((name, address))
    return lost


def test_epubcheck_finds_nothing(epub: Epub, tmp_path: Path) -> None:
    assert _check(epub.data, tmp_path) == []


def test_every_link_lands(epub: Epub) -> None:
    assert _dangling(epub) == []


def test_ids_are_unique_in_the_whole_book(epub: Epub) -> None:
    ids = [element.get("id") for page in epub.pages.values() for element in page.iter()]
    texts = [name for name in ids if name and name != "toc-title"]
    assert len(texts) == len(set(texts))


def test_names_are_lower_case_ascii(epub: Epub) -> None:
    names = [name for name in epub.files if not name.startswith("META-INF/")]
    assert [name for name in names if not re.fullmatch(r"(EPUB/)?[a-z0-9/.-]+", name)] == []


def test_no_file_of_text_is_too_large_for_an_old_reader(epub: Epub) -> None:
    sizes = {name: len(data) for name, data in epub.files.items() if name.endswith(".xhtml")}
    assert max(sizes.values()) < 300_000


def test_every_question_cloze_and_term_has_its_anchor(epub: Epub, source: Source) -> None:
    found = {element.get("id") for page in epub.pages.values() for element in page.iter()}
    anchors = {anchor.name for anchor in source.book.anchors.values()}
    clozes = {f"c-{cloze.id}" for question in source.book.questions for cloze in question.clozes}
    assert anchors | clozes <= found


def test_the_contents_are_plain_and_in_the_order_of_the_spine(epub: Epub, source: Source) -> None:
    links = epub.pages["EPUB/nav.xhtml"].findall(f".//{XHTML}nav[@role='doc-toc']//{XHTML}a")
    assert all(len(link) == 0 for link in links)
    spine = re.findall(r'<itemref idref="([^"]+)"/>', epub.text("package.opf"))
    places = [spine.index(Path(link.get("href", "").partition("#")[0]).stem) for link in links]
    assert places == sorted(places)
    titles = [link.text for link in links]
    for question in source.book.questions:
        number = source.book.anchors[question.id].number
        assert f"{number}　{question.title}" in titles
    ncx = re.findall(r'<content src="([^"]+)"/>', epub.text("toc.ncx"))
    assert ncx == [link.get("href") for link in links]


def test_each_flavour_keeps_to_its_means(epub: Epub) -> None:
    texts = b"".join(data for name, data in epub.files.items() if name.endswith(".xhtml"))
    suffixes = {Path(name).suffix for name in epub.files}
    if epub.name == "epub":
        assert b"<math" in texts
        assert b"<details" in texts
        assert ".svg" in suffixes
        assert 'properties="mathml"' in epub.text("package.opf")
    else:
        assert b"<math" not in texts
        assert b"<details" not in texts
        assert suffixes.isdisjoint({".svg", ".webp"})
        assert 'properties="mathml"' not in epub.text("package.opf")


def test_metadata_is_true_to_the_flavour(epub: Epub) -> None:
    package = epub.text("package.opf")
    assert '<meta property="dcterms:modified">2023-11-14T22:13:20Z</meta>' in package
    assert "conformsTo" not in package
    mathml = '<meta property="schema:accessibilityFeature">MathML</meta>'
    assert (mathml in package) == (epub.name == "epub")


@pytest.mark.parametrize("name", EXPORTERS)
def test_the_same_book_gives_the_same_bytes(fixture: Source, name: str, tmp_path: Path) -> None:
    cold = fixture.export(name, tmp_path / "a", jobs=2)
    assert fixture.export(name, tmp_path / "a", jobs=1) == cold
    assert fixture.export(name, tmp_path / "b", jobs=1) == cold


def test_the_flavours_are_two_books_to_a_library(fixture: Source, tmp_path: Path) -> None:
    contents = [Epub(name, fixture.export(name, tmp_path)).text("toc.ncx") for name in EXPORTERS]
    identifiers = {match for text in contents for match in re.findall(r"urn:uuid:[0-9a-f-]+", text)}
    assert len(identifiers) == 2


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_long_chapter_is_cut_between_questions(
    fixture: Source, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epub_documents, "SIZE_LIMIT", 1)
    epub = Epub(name, fixture.export(name, tmp_path))
    assert {"EPUB/text/ch01.xhtml", "EPUB/text/ch01-2.xhtml"} < epub.files.keys()
    assert _dangling(epub) == []
    assert _check(epub.data, tmp_path) == []


def test_notes_stand_in_the_file_that_calls_them(fixture: Source, tmp_path: Path) -> None:
    page = Epub("epub", fixture.export("epub", tmp_path)).text("text/ch01.xhtml")
    calls = re.findall(r'<a class="noteref"[^>]* href="#([^"]+)">[^<]+</a>', page)
    assert calls == ["n-ch01-1", "n-ch01-1", "n-ch01-2"]
    notes = re.findall(r'<aside [^>]*id="([^"]+)"><p><a role="doc-backlink"', page)
    assert notes == ["n-ch01-1", "n-ch01-2"]


def test_compat_answers_lie_behind_a_link_and_lead_back(fixture: Source, tmp_path: Path) -> None:
    page = Epub("epub-compat", fixture.export("epub-compat", tmp_path)).text("text/ch01.xhtml")
    assert '<a href="#a-sqrt-fill">看答案</a>' in page
    solution = page[page.index('id="a-sqrt-fill"') :]
    assert '<a href="#c-sqrt-fill">回到自测</a>' in solution
    assert 'href="#q-sqrt"' in solution


def test_a_template_of_ones_own_that_drops_an_id_is_a_diagnostic(
    fixture: Source, tmp_path: Path
) -> None:
    folder = tmp_path / "epub"
    folder.mkdir()
    (folder / "question.xhtml.j2").write_text("<h2>{{ question.title }}</h2>")
    context = Context(fixture.formulas, Templates(tmp_path), tmp_path / "cache", TIMESTAMP)
    with pytest.raises(BookError, match="q-sqrt"):
        EpubExporter().export(fixture.book, context)
