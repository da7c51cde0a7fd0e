"""Cards as Anki's reviewer shows them on a phone: its page, its MathJax, a browser 360 px wide."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from anki.collection import Collection

from tests.anki_client import collection, export, find_card, import_package, load

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--allow-file-access-from-files", "--hide-scrollbars", "--virtual-time-budget=20000"),
)

CARD = """<!DOCTYPE html><html><head><meta charset="utf-8">
<link rel="stylesheet" href="{web}/css/reviewer.css"><script>{config}</script>
<script src="{web}/js/vendor/mathjax/tex-chtml-full.js"></script></head>
<body class="{classes}"><div id="qa">{card}</div></body></html>"""

# A frame, since a headless window has a least width of 500 px.
FRAME = """<!DOCTYPE html><html><body><iframe id="phone" src="{name}"
style="border:0;width:360px;height:740px"></iframe><pre id="measured"></pre><script>
document.getElementById('phone').addEventListener('load', async event => {{
  const view = event.target.contentWindow, page = view.document;
  page.querySelectorAll('details').forEach(details => details.open = true);
  await view.MathJax.startup.promise;
  await view.MathJax.typesetPromise([page.getElementById('qa')]);
  const scrolls = '.math-display, .math-inline.wide, .table, pre';
  const all = [...page.querySelectorAll('#qa *')];
  document.getElementById('measured').textContent = JSON.stringify({{
    width: page.documentElement.scrollWidth,
    outside: all.filter(e => e.getBoundingClientRect().right > 360.5 && !e.closest(scrolls))
      .map(e => e.outerHTML.slice(0, 80)),
    boxes: [...page.querySelectorAll(scrolls)]
      .filter(e => e.getBoundingClientRect().right > 360.5).length,
    small: all.filter(e => !e.closest('mjx-container, style') && e.textContent.trim()
      && parseFloat(view.getComputedStyle(e).fontSize) < 16).map(e => e.outerHTML.slice(0, 80)),
    formulas: page.querySelectorAll('mjx-container').length,
    errors: page.querySelectorAll('mjx-merror, [data-mjx-error]').length,
    text: page.getElementById('qa').innerText,
    ground: view.getComputedStyle(page.body).backgroundColor,
    image: [...page.querySelectorAll('img')].map(e => [e.naturalWidth > 0, e.clientWidth > 100]),
    summary: [...page.querySelectorAll('summary')].map(e => e.getBoundingClientRect().height),
  }});
}});
</script></body></html>"""


@pytest.fixture(scope="module")
def col(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    with collection(tmp_path_factory.mktemp("anki")) as opened:
        import_package(opened, export(load()))
        yield opened


def _measure(col: Collection, card: str, folder: Path, *, night: bool) -> dict[str, Any]:
    spec = find_spec("_aqt")
    assert spec is not None
    assert spec.submodule_search_locations
    web = Path(spec.submodule_search_locations[0]) / "data" / "web"
    config = (web / "js" / "mathjax.js").read_text("utf-8")
    page = CARD.format(
        web=web.as_uri(),
        config=config.replace("/_anki/js", (web / "js").as_uri()),
        classes="card card1 nightMode" if night else "card card1",
        card=card,
    )
    media = Path(col.media.dir())
    (media / "page.html").write_text(page, "utf-8")
    (media / "frame.html").write_text(FRAME.format(name="page.html"), "utf-8")
    address = (media / "frame.html").as_uri()
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder}", "--dump-dom", address]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    text = dom.split('<pre id="measured">')[1].split("</pre>")[0]
    measured: dict[str, Any] = json.loads(
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    )
    return measured


@pytest.mark.parametrize("night", [False, True], ids=["day", "night"])
def test_a_card_fits_a_phone(col: Collection, tmp_path: Path, night: bool) -> None:
    seen = _measure(col, find_card(col, "why-scale").answer(), tmp_path, night=night)
    assert seen["width"] == 360
    assert seen["outside"] == []
    assert seen["boxes"] == 0  # what scrolls does so inside the screen
    assert seen["small"] == []
    assert (seen["formulas"], seen["errors"]) == (7, 0)
    assert seen["image"] == [[True, True]]
    assert all(height >= 44 for height in seen["summary"])
    assert seen["ground"] == ("rgb(25, 24, 23)" if night else "rgb(252, 251, 248)")


def test_mathjax_leaves_text_and_code_alone(col: Collection, tmp_path: Path) -> None:
    seen = _measure(col, find_card(col, "why-scale").answer(), tmp_path, night=False)
    for literal in (
        r'"""[sound:x.mp3] {{c1::x}} \(y\) <b>"""',
        r're.match(r"\(a\[b\)", "{{x}}")',
        r"[$]1[/$]",
        r"\(x)，<s>，a::b，std::vector",
    ):
        assert literal in seen["text"]


def test_a_gap_with_doubled_braces_is_typeset(col: Collection, tmp_path: Path) -> None:
    card = find_card(col, "why-scale-var", 2)
    assert "[...]" in _measure(col, card.question(), tmp_path, night=False)["text"]
    seen = _measure(col, card.answer(), tmp_path, night=False)
    assert (seen["formulas"], seen["errors"]) == (2, 0)
