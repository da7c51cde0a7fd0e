"""Cards as Anki's reviewer shows them on a phone and a desktop, by day and by night.

Pictures of all of them are kept in build/cards/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from anki.collection import Collection

from generator.build import typeset_math
from generator.diagnostics import Diagnostics
from generator.exporters.apkg import ApkgExporter
from tests.anki_client import ROOT, collection, context, export, find_card, import_package, load
from tests.anki_reviewer import Reviewer, open_reviewer
from tests.browser import CHROMIUM, Browser

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")

PICTURES = Path(__file__).parents[2] / "build" / "cards"

SCREENS = {"phone": (360, 740), "desktop": (1280, 800)}
THEMES = ("day", "night")

CARDS = {
    "long-math": ("long-math", 0),
    "wide-table": ("wide-table", 0),
    "code": ("code", 0),
    "figure": ("figure", 0),
    "cloze-hint": ("long-math-gap", 0),
    "cloze-math": ("long-math-gap", 1),
    "term-forward": ("rlhf", 0),
    "term-backward": ("rlhf", 1),
    "traps": ("why-scale", 0),
    "traps-cloze": ("why-scale-var", 2),
}
"""Name of the pictures: what stands in 编号, and template's index or gap's number less one."""


@pytest.fixture(scope="module")
def col(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    book = load(ROOT.with_name("cards"))
    diagnostics = Diagnostics()
    typeset = replace(context(), formulas=typeset_math(book, None, diagnostics))
    diagnostics.raise_errors()
    with collection(tmp_path_factory.mktemp("anki")) as opened:
        import_package(opened, export(load()))
        import_package(opened, ApkgExporter().export(book, typeset).data)
        yield opened


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture(
    scope="module",
    params=[(screen, theme) for screen in SCREENS for theme in THEMES],
    ids="-".join,
)
def reviewer(
    request: pytest.FixtureRequest, col: Collection, browser: Browser
) -> Iterator[Reviewer]:
    screen, theme = request.param
    with open_reviewer(browser, Path(col.media.dir()), SCREENS[screen], theme) as opened:
        yield opened


@pytest.mark.parametrize("name", CARDS)
def test_a_card_looks_as_it_should(
    reviewer: Reviewer, col: Collection, name: str, request: pytest.FixtureRequest
) -> None:
    card = find_card(col, *CARDS[name])
    screen = "-".join(request.node.callspec.params["reviewer"])
    PICTURES.mkdir(parents=True, exist_ok=True)
    for side, show in (("front", reviewer.show_question), ("back", reviewer.show_answer)):
        show(card)
        reviewer.browser.take_picture(PICTURES / f"{name}-{side}-{screen}.png")
        faults = reviewer.faults()
        assert not faults, "\n".join(faults)


DEFECTS = {
    "contrast": '<p style="color: #888">浅</p>',
    "contrast of a link": '<a href="#" style="color: #9ac">链接</a>',
    "contrast ::before": "<style>.level::before {color: #888 !important}</style>"
    '<p class="level" data-level="1"></p>',
    "contrast through opacity": '<p style="opacity: 0.5">淡</p>',
    "contrast on a panel": '<p style="color: #66615a; background: #262422">暗</p>',
    "contrast of a formula": r"<p>\(\color{yellow} x\)</p>",
    "small text": '<p style="font-size: 15px">小</p>',
    "language": '<p lang="ja">直</p>',
    "overflow": '<p style="width: 110vw">宽</p>',
    "overflow to the left": '<p style="margin-left: -100px">左</p>',
    "cut off": '<div style="height: 20px; overflow: hidden"><p>一</p><p>二</p></div>',
    "hidden": '<p style="visibility: hidden">藏</p>',
    "tap target": "<summary style='line-height: 1; min-height: 0'>详解</summary>",
    "formula: a mistake": r"<p>\(\frac{1\)</p>",
    "formula: unknown": r"<p>\(\unknown\)</p>",
    "figure: missing": '<img src="missing.png" alt="">',
    "figure: on black": '<img src="{figure}" alt="" style="background: #191817">',
    "figure: distorted": '<img src="{figure}" alt="" style="width: 300px; height: 40px">',
    "Runtime.exceptionThrown": "<script>setTimeout(() => { throw Error() }); </script>",
    "Runtime.consoleAPICalled": "<script>console.error('x')</script>",
    "Network.responseReceived": '<img src="missing.png" alt="">',
    "Network.requestWillBeSent": '<img src="https://example.invalid/x.png" alt="">',
}
"""What a fault's sentence begins with, and what has it."""


def test_what_is_wrong_is_seen(col: Collection, browser: Browser) -> None:
    media = Path(col.media.dir())
    figure = next(media.glob("*.svg")).name
    card = find_card(col, "softmax")
    with open_reviewer(browser, media, SCREENS["phone"], "day") as reviewer:
        for kind, defect in DEFECTS.items():
            reviewer.show_answer(card)
            assert reviewer.faults() == []
            markup = defect.replace("{figure}", figure)
            reviewer.show_html(f'{card.answer()}<article lang="zh-CN">{markup}</article>')
            faults = reviewer.faults()
            assert any(fault.startswith(re.split("[ :]", kind)[0]) for fault in faults), kind


def test_mathjax_leaves_text_and_code_alone(col: Collection, browser: Browser) -> None:
    with open_reviewer(browser, Path(col.media.dir()), SCREENS["phone"], "day") as reviewer:
        reviewer.show_answer(find_card(col, "why-scale"))
        for literal in (
            r'"""[sound:x.mp3] {{c1::x}} \(y\) <b>"""',
            r're.match(r"\(a\[b\)", "{{x}}")',
            r"[$]1[/$]",
            r"\(x)，<s>，a::b，std::vector",
        ):
            assert literal in reviewer.text
