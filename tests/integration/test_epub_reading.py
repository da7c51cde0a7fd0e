"""Pages of every kind as a reading program shows them: epub.js in Chromium, three themes.

Pictures of all of them are kept in build/epub-pages/.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.browser import CHROMIUM, Browser
from tests.epub_client import EXPORTERS, ROOT, Epub, Source
from tests.epub_reader import EPUB_JS, Reader, open_reader

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="needs Chromium: make setup-test"),
    pytest.mark.skipif(not EPUB_JS.exists(), reason="needs epub.js: make setup-test"),
]

PICTURES = ROOT / "build" / "epub-pages"
SCREENS = {"phone": (360, 740), "tablet": (768, 1024)}
THEMES = ("light", "sepia", "dark")

KINDS = {
    "cover": ".cover img",
    "title": ".titlepage h1",
    "contents": "nav.contents",
    "part": ".part h1",
    "opening": ".chapter h1",
    "question": "article.question h2",
    "code": "pre",
    "table": ".scroll",
    "long-math": ".math-display",
    "math-in-a-line": "p .math-inline",
    "figure": "figure img",
    "footnote": "a.noteref",
    "note": "aside.footnote",
    "pitfall": ".pitfall",
    "self-test": ".self-test .cloze",
    "references": ".references",
    "glossary": ".glossary dl",
    "colophon": ".colophon dl",
}
"""Name of the pictures: what is on the page. Of several in a document, the widest."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.mark.parametrize("screen", SCREENS)
def test_every_document_reads_well_in_every_theme(
    epub: Epub, browser: Browser, screen: str
) -> None:
    with open_reader(browser, epub.data, SCREENS[screen], "light") as reader:
        faults = {}
        for document in reader.documents:
            reader.show(document)
            reader.unfold()
            faults[document] = reader.faults(THEMES)
    assert {name: found for name, found in faults.items() if found} == {}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("screen", SCREENS)
def test_pages_of_every_kind_can_be_looked_at(
    epub: Epub, browser: Browser, screen: str, theme: str, request: pytest.FixtureRequest
) -> None:
    book = request.node.callspec.params["source"]
    folder = PICTURES / f"{book}-{epub.name}-{screen}-{theme}"
    folder.mkdir(parents=True, exist_ok=True)
    faint = []
    with open_reader(browser, epub.data, SCREENS[screen], theme) as reader:
        places = reader.find(KINDS.values())
        for kind, selector in KINDS.items():
            if selector in places:
                reader.show(places[selector], selector)
                reader.unfold()
                picture = folder / f"{kind}.png"
                browser.take_picture(picture)
                faint += [f"{kind}: {fault}" for fault in _faint(picture, reader)]
    assert faint == []
    if book == "fixture":
        assert set(places) == set(KINDS.values())


def _faint(picture: Path, reader: Reader) -> Iterator[str]:
    """Formulas and figures on a page whose ink hardly differs from their ground (WCAG 2.2)."""
    with Image.open(picture) as opened:
        page = opened.convert("RGB")
    for name, box in reader.boxes():
        colours = page.crop(box).getcolors(1 << 20) or []
        lights = [_luminance(colour) for _, colour in colours]
        contrast = (max(lights) + 0.05) / (min(lights) + 0.05)
        if contrast < 4.5:
            yield f"{name} {contrast:.2f}"


def _luminance(colour: tuple[int, int, int]) -> float:
    channels = (value / 255 for value in colour)
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return sum(c * weight for c, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_call_turns_to_its_note_and_back(
    fixture: Source, browser: Browser, name: str, tmp_path: Path
) -> None:
    data = fixture.export(name, tmp_path)
    with open_reader(browser, data, SCREENS["phone"], "light") as reader:
        reader.show("text/ch01.xhtml")
        for call, note in (("#m-ch01-1", "#n-ch01-1"), ("#m-ch01-2", "#n-ch01-2")):
            assert not reader.is_on_screen(note)
            assert reader.follow(call, note)
            assert reader.follow(f"{note} a[role=doc-backlink]", call)


FAULTS = {
    "contrast": '<p style="color: #444444">浅</p>',
    "overflow": f'<p style="white-space: nowrap">{"宽" * 30}</p>',
    "code does not wrap": f'<pre style="white-space: pre; overflow: auto">{"x = 1; " * 20}</pre>',
    "cut off": '<span class="math-display" style="height: 9px"><b>高</b></span>',
    "higher than a page": '<div class="table" style="max-height: none; height: 2000px"></div>',
    "picture: not loaded": '<img src="nowhere.png" alt=""/>',
    "picture: black lines": '<img src="{cover}" alt="" style="background: #000000"/>',
    "indent": '<div class="answer"><p style="text-indent: 0">不缩进</p></div>',
    "broken": '<p style="width: 2em"><a class="xref" href="#">图\u00a01-2</a></p>',
    "begins a line": '<p style="width: 2em; text-indent: 0">一二'
    '<span class="citation">[1]</span></p>',
    "footnote": '<p><a class="noteref" href="#nowhere">①</a></p>',
}
"""What a fault's sentence begins with, and what has it."""


def test_what_is_wrong_is_seen(fixture: Source, browser: Browser, tmp_path: Path) -> None:
    data = fixture.export("epub", tmp_path)
    with open_reader(browser, data, SCREENS["phone"], "dark") as reader:
        for kind, defect in FAULTS.items():
            reader.show("text/cover.xhtml")
            cover = browser.evaluate("page().images[0].src")
            reader.show("text/part01.xhtml")  # afresh
            assert reader.faults(["dark"]) == []
            reader.add(defect.replace("{cover}", cover))
            assert any(fault.startswith(kind) for fault in reader.faults(["dark"])), kind
