"""Anki's reviewer in a headless browser: its page, style sheets, scripts and MathJax."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from tests.browser import Browser, read_scripts

if TYPE_CHECKING:  # anki.collection must be imported before it
    from anki.cards import Card

LOOKS = read_scripts("contrast.js", "card_looks.js")
SHELL = "_reviewer.html"

# As aqt.webview.AnkiWebView.stdHtml and aqt.reviewer.Reviewer.revHtml write it; the window's
# side of the bridge is Qt's.
PAGE = """<!doctype html>
<html class="{html_class}" dir="ltr" data-bs-theme="{theme}">
<head>
<meta charset="utf-8">
<title>main webview</title>
<link rel="icon" href="data:,">
<base href="/">
<link rel="stylesheet" type="text/css" href="/_anki/css/webview.css">
<style>body {{ zoom: 1; background-color: var(--canvas); }}</style>
<link rel="stylesheet" type="text/css" href="/_anki/css/reviewer.css">
</head>
<body class="{body_class}">
<script>window.bridgeCommand = window.pycmd = () => undefined;</script>
<script src="/_anki/js/webview.js"></script>
<script src="/_anki/js/reviewer.js"></script>
<div id="_mark" hidden>&#x2605;</div>
<div id="_flag" hidden>&#x2691;</div>
<div id="qa" dir="auto"></div>
</body>
</html>"""


class _MediaServer(SimpleHTTPRequestHandler):
    """What Anki's own server serves: the collection's media, and its program's files."""

    def __init__(self, *args: Any, web: Path, page: str, **keywords: Any) -> None:
        self.web = web
        self.page = page.encode()
        super().__init__(*args, **keywords)

    def do_GET(self) -> None:
        if self.path == f"/{SHELL}":
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(self.page)
        else:
            super().do_GET()

    def translate_path(self, path: str) -> str:
        if path.startswith("/_anki/"):
            self.directory = str(self.web)
            path = path.removeprefix("/_anki")
        return super().translate_path(path)

    def log_message(self, *_args: object) -> None:
        pass


class Reviewer:
    """The reviewer's window, in which cards are shown one after the other."""

    def __init__(self, browser: Browser, address: str, theme: str) -> None:
        self.browser = browser
        self.address = address
        self._theme = "nightMode night_mode" if theme == "night" else ""
        self._formulas = 0

    def show_question(self, card: Card) -> None:
        body = json.dumps(f"card card{card.ord + 1} isLin {self._theme}")
        sides = (json.dumps(card.question()), json.dumps(card.answer()))
        self._show(f"_showQuestion({', '.join(sides)}, {body})", card.question())

    def show_answer(self, card: Card) -> None:
        """The answer after its question, unfolded."""
        self.show_question(card)
        self.show_html(card.answer())

    def show_html(self, answer: str) -> None:
        self._show(f"_showAnswer({json.dumps(answer)})", answer)

    def _show(self, command: str, html: str) -> None:
        self._formulas = len(re.findall(r"\\[(\[]", html))
        self.browser.evaluate(
            f"{command}; new Promise(shown => _queueAction(shown)).then(async () => {{"
            "document.querySelectorAll('details').forEach(details => details.open = true);"
            "const pictures = [...document.images].map(image => image.decode());"
            "await Promise.allSettled([...pictures, document.fonts.ready]); scrollTo(0, 0);})"
        )

    def faults(self) -> list[str]:
        """What is wrong with the looks of the card, and with its requests and scripts."""
        seen: list[str] = self.browser.evaluate(LOOKS)
        typeset = self.browser.evaluate("document.querySelectorAll('#qa mjx-container').length")
        if typeset != self._formulas:
            seen.append(f"formula: {typeset} of {self._formulas} are typeset")
        return seen + self.browser.complaints(self.address)

    @property
    def text(self) -> str:
        return str(self.browser.evaluate("document.getElementById('qa').innerText"))


@contextmanager
def open_reviewer(
    browser: Browser, media: Path, size: tuple[int, int], theme: str
) -> Iterator[Reviewer]:
    """Anki's reviewer in a window of this size, by ``day`` or by ``night``."""
    spec = find_spec("_aqt")
    assert spec is not None
    assert spec.submodule_search_locations
    night = theme == "night"
    page = PAGE.format(
        html_class="night-mode" if night else "",
        theme="dark" if night else "light",
        body_class="isLin nightMode night_mode" if night else "isLin",
    )
    web = Path(spec.submodule_search_locations[0]) / "data" / "web"
    handler = partial(_MediaServer, directory=str(media), web=web, page=page)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        browser.complaints(address)
        browser.open(address + SHELL, *size)
        yield Reviewer(browser, address, theme)
        browser.open("about:blank", *size)
        server.shutdown()
