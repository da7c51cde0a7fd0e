"""EPUBCheck accepts the MathML of every golden formula."""

from __future__ import annotations

import json
import subprocess
import zipfile
from html import escape
from importlib.metadata import distribution
from pathlib import Path

import yaml

from generator.formula import Failure, Request, Typesetter

FORMULAS = Path(__file__).parent.parent / "golden" / "formulas.yaml"
CHECKER = distribution("epubcheck").locate_file("epubcheck/epubcheck.jar")

CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="package.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="zh-CN">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:5c1b0d7c-6d0e-5a6b-9b4c-1c8f3f1f0a11</dc:identifier>
<dc:title>公式</dc:title><dc:language>zh-CN</dc:language>
<meta property="dcterms:modified">2025-01-01T00:00:00Z</meta></metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="text" href="text.xhtml" media-type="application/xhtml+xml" properties="mathml"/>
<item id="svg" href="text-images.xhtml" media-type="application/xhtml+xml"/>
{images}
</manifest>
<spine><itemref idref="text"/><itemref idref="svg"/></spine></package>"""
PAGE = """<?xml version="1.0" encoding="utf-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"
lang="zh-CN" xml:lang="zh-CN"><head><title>公式</title></head><body>{body}</body></html>"""
NAV = PAGE.format(body='<nav epub:type="toc"><ol><li><a href="text.xhtml">公式</a></li></ol></nav>')


def test_epubcheck_accepts_all_formulas(tmp_path: Path) -> None:
    book = tmp_path / "formulas.epub"
    _write_epub(book)
    report = tmp_path / "report.json"
    subprocess.run(
        ["java", "-jar", str(CHECKER), "--quiet", "--json", report, book],
        check=False,
        capture_output=True,
        timeout=300,
    )
    messages = json.loads(report.read_text(encoding="utf-8"))["messages"]
    found = [(message["ID"], message["message"]) for message in messages]
    assert found == []


def _write_epub(path: Path) -> None:
    entries = yaml.safe_load(FORMULAS.read_text(encoding="utf-8"))
    requests = [Request(entry["tex"], entry["display"]) for entry in entries]
    maths, images, files = [], [], {}
    with Typesetter() as typesetter:
        for entry, formula in zip(entries, typesetter.typeset(requests).values(), strict=True):
            assert not isinstance(formula, Failure), formula.message
            name = f"{entry['name']}.svg"
            maths.append(f"<p>公式 {formula.mathml}</p>")
            images.append(f'<p><img src="{name}" alt="{escape(formula.tex)}"/></p>')
            files[name] = formula.svg
    manifest = [
        f'<item id="svg-{index}" href="{name}" media-type="image/svg+xml"/>'
        for index, name in enumerate(files)
    ]
    files |= {
        "META-INF/container.xml": CONTAINER,
        "package.opf": PACKAGE.format(images="\n".join(manifest)),
        "nav.xhtml": NAV,
        "text.xhtml": PAGE.format(body="\n".join(maths)),
        "text-images.xhtml": PAGE.format(body="\n".join(images)),
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        for name, text in files.items():
            archive.writestr(name, text)
