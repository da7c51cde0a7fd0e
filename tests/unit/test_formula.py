from __future__ import annotations

import multiprocessing
import re
import sqlite3
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.formula import Failure, Formula, MathJaxUnavailable, Request, Typesetter, engine
from generator.formula.engine import mathjax_folder
from generator.formula.ink import outline_box
from generator.formula.markup import MarkupError, finish_mathml, finish_svg

ROOT = Path(__file__).parents[2]
FORMULAS = ROOT / "tests" / "golden" / "formulas.yaml"
ANKI_WEB = "_aqt/data/web/js"


@pytest.fixture(scope="module")
def typesetter() -> Iterator[Typesetter]:
    with Typesetter() as typesetter:
        yield typesetter


def typeset(typesetter: Typesetter, tex: str, *, display: bool = False) -> Formula:
    result = typesetter.typeset([Request(tex, display)])[Request(tex, display)]
    assert isinstance(result, Formula), result.message
    return result


def refusal(typesetter: Typesetter, tex: str) -> str:
    result = typesetter.typeset([Request(tex, display=True)])[Request(tex, display=True)]
    assert isinstance(result, Failure), result.svg
    assert "\n" not in result.message
    return result.message


# What comes out


def test_results_are_in_order_and_distinct(typesetter: Typesetter) -> None:
    requests = [Request("b", False), Request("a", False), Request("b", False), Request("b", True)]
    assert list(typesetter.typeset(iter(requests))) == [requests[0], requests[1], requests[3]]
    assert typesetter.typeset([]) == {}


def test_lengths_are_em_about_the_baseline(typesetter: Typesetter) -> None:
    x = typeset(typesetter, "x")
    assert (x.width, x.height, x.depth) == (0.572, 0.442, 0.011)
    assert ET.fromstring(x.svg).attrib == {
        "width": "0.572em",
        "height": "0.453em",
        "viewBox": "0 -442 572 453",
    }
    assert typeset(typesetter, r"\sum_i", display=True).depth > 1


def test_svg_stands_alone(typesetter: Typesetter) -> None:
    tex = (
        r"\boxed{x}\text{中文<}\xrightarrow[<]{\&}\begin{array}{c|c:c}1&2&3\\\hline4&5&6\end{array}"
    )
    svg = typeset(typesetter, tex, display=True).svg
    assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert not re.search(r'currentColor|stroke-width="0"|data-|884px| (id|class|style|href)="', svg)
    assert "<use" not in svg
    assert svg.count('font-size="1000px"') == 2


def test_rules_keep_their_stroke(typesetter: Typesetter) -> None:
    svg = typeset(
        typesetter, r"\begin{array}{c:c}a&\color{red}{\boxed{b}}\\\hline c&d\end{array}"
    ).svg
    tags = re.findall(r"<(?:line|rect)[^>]*>", svg)
    assert [re.findall(r'stroke\S*="[^"]*"', tag) for tag in tags] == [
        ['stroke="red"', 'stroke-width="67"'],
        ['stroke="black"', 'stroke-width="70"', 'stroke-dasharray="140"'],
        ['stroke="black"', 'stroke-width="70"'],
    ]


def test_overhanging_ink_is_inside_the_image(typesetter: Typesetter) -> None:
    box = ET.fromstring(typeset(typesetter, "p").svg).get("viewBox")
    assert box == "-39 -442.4 542 636.4"  # p begins 39 units left of its origin
    assert typeset(typesetter, r"\text{若}").height == 0.88


def test_outline_box_is_exact_for_curves() -> None:
    assert outline_box("M0 0Q50 100 100 0Z") == (0, 0, 100, 50)
    assert outline_box("M0 0Q50 100 100 0T200 0") == (0, -50, 200, 50)
    assert outline_box("M10 10H60V-5L20 40Z") == (10, -5, 60, 40)


def test_tag_is_a_column(typesetter: Typesetter) -> None:
    tagged = typeset(typesetter, r"a=b\tag{3}", display=True)
    plain = typeset(typesetter, r"a=b", display=True)
    assert plain.width + 3 < tagged.width < plain.width + 4
    assert "mlabeledtr" not in tagged.mathml
    assert tagged.mathml.endswith(
        '<mtd style="text-align:right"><mtext>(3)</mtext></mtd></mtr></mtable></math>'
    )


def test_mathml_is_plain(typesetter: Typesetter) -> None:
    tex = '\\mathcal L_{x<\\text{若 "&"}}\n'
    block, inline = (typeset(typesetter, tex, display=display) for display in (True, False))
    root = ET.fromstring(block.mathml)
    assert root.tag == "{http://www.w3.org/1998/Math/MathML}math"
    assert root.attrib == {"display": "block", "alttext": tex}
    assert "display" not in ET.fromstring(inline.mathml).attrib
    assert not re.search(r"data-|class=|MJX|\s{2}", inline.mathml.replace(tex, ""))


def test_aligned_halves_meet_without_columnalign(typesetter: Typesetter) -> None:
    mathml = typeset(typesetter, r"\begin{aligned}a&=b\end{aligned}").mathml
    assert '<mtd style="text-align:right;padding-right:0"><mi>a</mi></mtd>' in mathml
    assert '<mtd style="text-align:left;padding-left:0"><mi /><mo>=</mo>' in mathml


@pytest.mark.parametrize("svg", ["<svg", '<svg><path d="M0 0"/></svg>', "<svg viewBox='0 0 1 1'/>"])
def test_unfit_svg_is_refused(svg: str) -> None:
    with pytest.raises(MarkupError):
        finish_svg(svg)


def test_unfit_mathml_is_refused() -> None:
    with pytest.raises(MarkupError):
        finish_mathml("<math><mi>x</math>", "x")


# What is refused


@pytest.mark.parametrize(
    ("tex", "message"),
    [
        ("", "The formula is empty"),
        (r"\frac{a}{", "Missing close brace"),
        (r"\softmax(x)", r"Undefined control sequence \softmax"),
        (r"\begin{nope}\end{nope}", "Unknown environment 'nope'"),
        ("a & b", "Misplaced &"),
        (r"\require{html}", r"Undefined control sequence \require"),
        (r"\href{https://example.org}{x}", r"Undefined control sequence \href"),
        (r"\style{color:red}{x}", r"Undefined control sequence \style"),
        (r"\unicode{x4e2d}", r"Undefined control sequence \unicode"),
        (r"\toggle{a}{b}\endtoggle", r"Undefined control sequence \toggle"),
        (r"\mmlToken{mi}[href='x']{a}", "Links and references"),
        (r"x\tag{1}\label{a}\eqref{a}", "Links and references"),
        (r"\color{orange}x", "Colour 'orange' is not known everywhere"),
        (r"\color{url(http://example.org/)}x", "Colour 'url(http://example.org/)'"),
        (r"\colorbox{orange}{x}", "Colour 'orange'"),
        (r"\quad", "The formula draws nothing"),
        ("a\x00b", "The formula contains the control character U+0000"),
        ("a\ud800b", "The formula contains the control character U+D800"),
    ],
)
def test_refused(typesetter: Typesetter, tex: str, message: str) -> None:
    assert refusal(typesetter, tex).startswith(message)


def test_style_of_a_token_reaches_no_output(typesetter: Typesetter) -> None:
    formula = typeset(typesetter, r"\mmlToken{mi}[style='background:url(http://e.org)' id='a']{x}")
    body = formula.mathml.partition(">")[2]
    assert "e.org" not in formula.svg + body
    assert "id=" not in formula.svg + body


# Formulas are independent


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (r"\newcommand{\foo}{x}\foo", r"\foo"),
        (r"\def\foo{x}\foo", r"\foo"),
        (r"\def\frac#1#2{x}\frac12", r"\frac12"),
        (r"\renewcommand{\alpha}{x}\alpha", r"\alpha"),
        (r"\let\sin\cos\sin", r"\sin"),
        (r"\newenvironment{q}{(}{)}\begin{q}x\end{q}", r"\begin{q}x\end{q}"),
        (r"\DeclareMathOperator{\foo}{foo}\foo", r"\foo"),
        (r"\DeclareMathOperator{\sin}{foo}\sin", r"\sin"),
        (r"\DeclarePairedDelimiter{\abs}{|}{|}\abs x", r"\abs x"),
        (r"\Newextarrow{\foo}{5,5}{0x2192}\foo{a}", r"\foo{a}"),
        (r"\definecolor{mine}{rgb}{1,0,0}\color{mine}x", r"\color{mine}x"),
        (r"\definecolor{red}{rgb}{0,1,0}\color{red}x", r"\color{red}x"),
        (r"\newtagform{b}{[}{]}\usetagform{b}x\tag{1}", r"x\tag{1}"),
        (r"\mathtoolsset{centercolon=true}a:=b", "a:=b"),
        (r"x\label{a}\tag{1}", r"y\label{a}\tag{1}"),
        (r"\begin{equation}x\end{equation}", r"\begin{equation}y\end{equation}"),
    ],
)
def test_nothing_leaks(first: str, second: str) -> None:
    request = Request(second, display=True)
    with Typesetter() as typesetter:
        alone = typesetter.typeset([request])[request]
    with Typesetter() as typesetter:
        typeset(typesetter, first, display=True)
        assert typesetter.typeset([request])[request] == alone


# Hostile TeX


@pytest.mark.parametrize(
    "tex",
    [
        r"\def\a{\a}\a",
        r"\def\a{x\a}\a",
        r"\def\a{\b\b}\def\b{\a\a}\a",
        "".join(rf"\def\{a}{{\{b}\{b}}}" for a, b in pairwise("abcdefghijklmnopq"))
        + r"\def\q{xxxxxxxx}\a",
        r"\newenvironment{q}{\begin{q}}{\end{q}}\begin{q}x\end{q}",
        "x" * 20_001,
        "x" * 20_000,
        "{" * 9_000 + "}" * 9_000,
        "{" * 19_000,
        r"\left(" * 1_400 + "x" + r"\right)" * 1_400,
        "x^{" * 4_000 + "}" * 4_000,
        r"\sqrt{" * 400 + "x" + "}" * 400,
        r"\text{$" * 2_000,
        r"\begin{matrix}" + "&" * 15_000 + r"\end{matrix}",
    ],
    ids=lambda tex: tex[:20],
)
def test_hostile_tex_is_bounded(typesetter: Typesetter, tex: str) -> None:
    start = time.monotonic()
    refusal(typesetter, tex)
    assert time.monotonic() - start < engine.TIME_LIMIT + 3
    typeset(typesetter, "x")


def test_nesting_of_a_textbook_passes(typesetter: Typesetter) -> None:
    typeset(typesetter, r"\frac{1}{1+" * 25 + "x" + "}" * 25, display=True)


def test_engine_restarts_after_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = r"\begin{matrix}" + "x&" * 9_000 + r"\end{matrix}"
    requests = [Request("a", False), Request(slow, True), Request("b", False)]
    with Typesetter() as typesetter:
        typeset(typesetter, "a_1")
        monkeypatch.setattr(engine, "TIME_LIMIT", 0.2)
        a, failed, b = typesetter.typeset(requests).values()
    assert isinstance(a, Formula)
    assert failed == Failure("The formula takes more than 0.2 s to typeset")
    assert isinstance(b, Formula)


def test_engine_restarts_after_memory_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MEMORY_LIMIT", 24 * 2**20)
    large = r"\begin{matrix}" + "x&" * 9_000 + r"\end{matrix}"
    requests = [Request("a", False), Request(large, True), Request("b", False)]
    with Typesetter() as typesetter:
        a, failed, b = typesetter.typeset(requests).values()
    assert isinstance(a, Formula)
    assert failed == Failure("The formula takes too much memory to typeset")
    assert isinstance(b, Formula)


def test_engine_survives_when_mathjax_breaks(typesetter: Typesetter) -> None:
    typeset(typesetter, "x")
    v8 = typesetter._engine._v8
    assert v8 is not None
    v8.eval("studyguide.typeset = () => { throw new Error('a\\n  b'); }")
    assert refusal(typesetter, "y").startswith("MathJax failed: ")
    typeset(typesetter, "y")


PIECES = [*"{}^_&$#%~\\<>\"' x2中é🙂\n", r"\frac", r"\left(", r"\right)", r"\begin{aligned}",
          r"\end{aligned}", r"\\", r"\text{", r"\def\a", r"\a", r"\sqrt", r"\tag{", r"\color{red}",
          r"\sum", r"\limits", r"\hline", r"\mathbb", r"\over", r"\mbox{"]  # fmt: skip


@settings(max_examples=150)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.booleans())
def test_any_tex_gives_an_answer(typesetter: Typesetter, tex: str, display: bool) -> None:
    result = typesetter.typeset([Request(tex, display)])[Request(tex, display)]
    if isinstance(result, Formula):
        assert ET.fromstring(result.mathml).get("alttext") == tex
        assert "{http" in ET.fromstring(result.svg).tag


# The cache


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "new" / "folder" / "formulas.sqlite"


def with_cache(cache: Path, *requests: Request) -> list[Formula | Failure]:
    with Typesetter(cache) as typesetter:
        return list(typesetter.typeset(requests).values())


def forbid_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def start() -> None:
        raise AssertionError("V8 was started")

    monkeypatch.setattr(engine, "_start", start)


X = Request("x", display=False)


def test_warm_cache_gives_the_same_without_v8(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [Request(f"x_{{{i}}}中", display=i % 2 == 0) for i in range(20)]
    cold = with_cache(cache, *requests)
    forbid_engine(monkeypatch)
    assert with_cache(cache, *requests) == cold


def test_v8_is_not_imported_before_it_is_needed(cache: Path) -> None:
    with_cache(cache, X)
    script = (
        "import sys; from pathlib import Path; from generator.formula import *\n"
        "with Typesetter(Path(sys.argv[1])) as t:\n"
        "    t.typeset([Request('x', False)])\n"
        "    assert 'py_mini_racer' not in sys.modules\n"
        "    t.typeset([Request('y', False)])\n"
        "    assert 'py_mini_racer' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script, cache], check=True, cwd=ROOT)


def test_failures_are_not_cached(cache: Path) -> None:
    bad = Request(r"\nope", display=False)
    with_cache(cache, bad, X)
    with sqlite3.connect(cache) as database:
        assert database.execute("SELECT count(*) FROM formula").fetchone() == (1,)
    database.close()


def test_key_is_tex_display_and_version(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_cache(cache, X)
    forbid_engine(monkeypatch)
    for stranger in (Request("x", display=True), Request("x ", display=False)):
        with pytest.raises(AssertionError):
            with_cache(cache, stranger)
    monkeypatch.setattr("generator.formula.cache._format", lambda: "another version of the code")
    with pytest.raises(AssertionError):
        with_cache(cache, X)


def _make_foreign(path: Path) -> None:
    path.unlink()
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE formula (somebody TEXT, elses TEXT)")
    database.commit()
    database.close()


def _make_stale(path: Path) -> None:
    _make_foreign(path)
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA application_id = {0x5347666D}")
    database.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("not a database, but long enough to look into" * 100),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(path.read_bytes()[:100] + b"\xff" * 9000),
        _make_foreign,
        _make_stale,
    ],
    ids=["empty", "text", "truncated", "overwritten", "foreign", "other-columns"],
)
def test_spoilt_cache_is_rebuilt(
    cache: Path, spoil: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = with_cache(cache, X)
    spoil(cache)
    assert with_cache(cache, X) == expected
    forbid_engine(monkeypatch)
    assert with_cache(cache, X) == expected


def test_altered_row_is_not_trusted(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = with_cache(cache, X)
    database = sqlite3.connect(cache)
    (payload,) = database.execute("SELECT payload FROM formula").fetchone()
    database.execute("UPDATE formula SET payload = ?", [payload.replace(b"svg", b"sxg")])
    database.commit()
    database.close()
    assert with_cache(cache, X) == expected
    forbid_engine(monkeypatch)
    assert with_cache(cache, X) == expected


def test_unusable_cache_path_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    assert isinstance(with_cache(tmp_path / "file" / "cache.sqlite", X)[0], Formula)
    assert isinstance(with_cache(tmp_path, X)[0], Formula)
    locked = tmp_path / "locked.sqlite"
    with_cache(locked, X)
    monkeypatch.setattr("generator.formula.cache._LOCK_WAIT", 0.05)
    holder = sqlite3.connect(locked, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert isinstance(with_cache(locked, X)[0], Formula)
    holder.execute("ROLLBACK")
    holder.close()
    forbid_engine(monkeypatch)
    assert isinstance(with_cache(locked, X)[0], Formula)


def _work(cache: Path, first: int) -> int:
    requests = [Request(f"x_{{{first + i}}}", False) for i in range(20)]
    results: list[Formula | Failure] = []
    for start in range(0, 20, 4):
        results += with_cache(cache, *requests[start : start + 4])
    return sum(isinstance(result, Formula) for result in results)


def test_two_processes_share_a_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.starmap(_work, [(cache, 0), (cache, 10)]) == [20, 20]
        pool.close()
        pool.join()
    forbid_engine(monkeypatch)
    assert len(with_cache(cache, *(Request(f"x_{{{i}}}", False) for i in range(30)))) == 30


def test_warm_cache_is_fast(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_cache(cache, *(Request(f"x_{{{i}}}", False) for i in range(300)))
    forbid_engine(monkeypatch)
    start = time.perf_counter()
    with_cache(cache, *(Request(f"x_{{{i}}}", False) for i in range(300)))
    assert time.perf_counter() - start < 0.5  # 8 ms where nothing else runs


# Where MathJax comes from


def test_missing_mathjax_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_DISTRIBUTION", "no-such-package")
    with Typesetter() as typesetter, pytest.raises(MathJaxUnavailable, match="pip install"):
        typesetter.typeset([X])


def test_other_mathjax_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MATHJAX_VERSION", "3.2.3")
    with pytest.raises(MathJaxUnavailable, match=r"is not MathJax 3\.2\.3; install it with"):
        mathjax_folder()


def test_incomplete_mathjax_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_FOLDER", "mathjax")
    with pytest.raises(MathJaxUnavailable, match="is incomplete; reinstall it with"):
        mathjax_folder()


def test_missing_v8_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py_mini_racer", None)
    with Typesetter() as typesetter, pytest.raises(MathJaxUnavailable, match="mini-racer"):
        typesetter.typeset([X])


# Anki's own MathJax


@pytest.fixture(scope="module")
def anki_web() -> Path:
    return Path(str(distribution("aqt").locate_file(ANKI_WEB)))


def test_anki_ships_this_mathjax(anki_web: Path) -> None:
    """The package's build differs from MathJax's own only in the speech rule engine at its end.

    There, MathJax's contains assignments of a variable to itself, `(t=t,f(t))`, and the package's
    does not: hence no equal digests. All of TeX stands before that.
    """
    ours = (mathjax_folder() / "tex-chtml-full.js").read_bytes()
    anki = (anki_web / "vendor/mathjax/tex-chtml-full.js").read_bytes()
    same = next(i for i, (a, b) in enumerate(zip(ours, anki, strict=False)) if a != b)
    assert same > 1_200_000
    assert b"AllPackages=[" in ours[:same]
    assert b"contentCollapseStructure" in ours[same : same + 200]
    # The rest is one and the same once those assignments are gone.
    idle = re.compile(rb"\b(\w)=\1[,;]|[()]")
    assert idle.sub(b"", anki[same:]) == idle.sub(b"", ours[same:])


def test_anki_configures_mathjax_as_the_typesetter_assumes(anki_web: Path) -> None:
    script = (anki_web / "mathjax.js").read_text(encoding="utf-8")
    assert 'packages=["noerrors","mathtools"]' in script
    assert 'packages:{"[+]":packages,"[-]":["textmacros"]}' in script


def test_ankis_mathjax_gives_the_same(
    anki_web: Path, typesetter: Typesetter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anki's file, in place of the package's loader, core and TeX, typesets all golden formulas."""
    tex = yaml.safe_load(FORMULAS.read_text(encoding="utf-8"))
    requests = [Request(entry["tex"], entry["display"]) for entry in tex]
    expected = typesetter.typeset(requests)
    anki = str(anki_web / "vendor/mathjax/tex-chtml-full.js")
    # Its menu and its speech rule engine, which are not used, look for a page when they load: they
    # get one that answers any question with itself, and 0 where a number is wanted.
    window = """
        var document = new Proxy(() => document, {
            get: (_, name) => (name === Symbol.toPrimitive ? () => 0 : document),
        });
        var window = globalThis;
    """
    monkeypatch.setattr(engine, "_PRELUDE", engine._PRELUDE + window)
    monkeypatch.setattr(
        engine,
        "_COMPONENTS",
        (anki, "adaptors/liteDOM.js", "output/svg.js", "output/svg/fonts/tex.js"),
    )
    with Typesetter() as typesetter_with_anki:
        assert typesetter_with_anki.typeset(requests) == expected
