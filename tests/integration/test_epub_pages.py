"""The handbook's page numbers in the EPUBs of the book that ships, built beside it."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace

import pytest

from generator.exporters.epub import CompatEpubExporter, EpubExporter
from tests.epub_client import check
from tests.pdf_client import Handbook

XHTML = "{http://www.w3.org/1999/xhtml}"
TYPE = "{http://www.idpf.org/2007/ops}type"


@pytest.fixture(scope="module", params=[EpubExporter, CompatEpubExporter])
def files(
    request: pytest.FixtureRequest, handbook: Handbook, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    cache = tmp_path_factory.mktemp("epub")
    beside = replace(handbook.context, cache=cache, found={"pdf": handbook.found})
    data = request.param().export(handbook.book, beside).data
    assert check(data, cache) == []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _page_list(files: dict[str, bytes]) -> dict[str, str]:
    nav = ET.fromstring(files["EPUB/nav.xhtml"])
    found = next(nav for nav in nav.iter(f"{XHTML}nav") if nav.get(TYPE) == "page-list")
    return {link.text or "": link.get("href", "") for link in found.iter(f"{XHTML}a")}


def test_pages_are_those_of_the_handbook(files: dict[str, bytes], handbook: Handbook) -> None:
    """In order, and at least those on which a question begins.

    A page without a mark is one on which nothing begins that the EPUB has, such as the index.
    """
    found = handbook.found
    listed = list(_page_list(files))
    assert listed == [label for label in found["pages"] if label in listed]
    questions = {label for name, label in found["labels"].items() if name.startswith("q-")}
    assert questions <= set(listed)


def test_page_breaks_stand_where_the_list_says(files: dict[str, bytes]) -> None:
    for label, address in _page_list(files).items():
        path, _, anchor = address.partition("#")
        page = ET.fromstring(files[f"EPUB/{path}"])
        found = next(item for item in page.iter() if item.get("id") == anchor)
        assert (found.get(TYPE), found.get("aria-label")) == ("pagebreak", label)


def test_a_question_is_on_the_same_page_in_both(
    files: dict[str, bytes], handbook: Handbook
) -> None:
    labels = handbook.found["labels"]
    text = b"".join(data for name, data in sorted(files.items()) if "/text/ch" in name).decode()
    page = ""
    seen = 0
    for mark in re.finditer(r'id="page-([^"]+)"|<h2 id="(q-[^"]+)"', text):
        if mark[1]:
            page = mark[1]
        else:
            after = re.match(r'<h2[^>]*>\s*<span [^>]*id="page-([^"]+)"', text[mark.start() :])
            assert labels[mark[2]] == (after[1] if after else page)
            seen += 1
    assert seen == sum(1 for _ in handbook.book.questions)


def test_the_source_is_the_handbooks_identifier(
    files: dict[str, bytes], handbook: Handbook
) -> None:
    opf = files["EPUB/package.opf"].decode()
    source = re.search(r'<meta property="pageBreakSource">([^<]+)</meta>', opf)
    assert source
    assert handbook.file.open_metadata()["dc:identifier"] == source[1]
