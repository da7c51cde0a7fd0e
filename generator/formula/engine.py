"""MathJax in an embedded V8: started late, bounded in time and memory, replaced when it breaks."""

from __future__ import annotations

import contextlib
from importlib import resources
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from py_mini_racer import MiniRacer

    from generator.formula.values import Request

MATHJAX_VERSION: Final = "3.2.2"
"""The MathJax release that Anki ships."""

TIME_LIMIT: float = 5.0
"""Seconds that one formula may take; ordinary ones take 10 to 50 ms, on a busy machine more."""

MEMORY_LIMIT: int = 256 * 2**20
"""Bytes of V8 heap; MathJax itself needs about 10 MB."""

# A Django package in name only: it depends on nothing and holds MathJax's own es5 folder.
_DISTRIBUTION: Final = "django-static-mathjax"
_FOLDER: Final = "mathjax/static/mathjax/es5"
# The order matters: each file looks for what the ones before it registered.
_COMPONENTS: Final = (
    "loader.js",
    "core.js",
    "adaptors/liteDOM.js",
    "input/tex-full.js",
    "output/svg.js",
    "output/svg/fonts/tex.js",
)
# Keeps the loader from fetching components and from looking for a page to typeset.
_PRELUDE: Final = """
var global = globalThis, self = globalThis;
var MathJax = {loader: {load: [], ready() {}},
               startup: {typeset: false, ready() {}, pageReady() {}}};
"""


class MathJaxUnavailable(Exception):  # noqa: N818 - the name says what is the matter
    """MathJax or V8 is not installed; the message says what to install."""


class Refusal(Exception):  # noqa: N818 - TeX is refused; nothing here is out of order
    """A formula was not typeset; the message is one line that says why."""


class Conversion(NamedTuple):
    """MathJax's own output: SVG and MathML, not yet fit for use outside a browser."""

    svg: str
    mathml: str


class Engine:
    """A V8 isolate with MathJax in it, started at the first formula."""

    def __init__(self) -> None:
        self._v8: MiniRacer | None = None

    def convert(self, request: Request) -> Conversion:
        """Typeset one formula.

        Raises:
            Refusal: the TeX is wrong, or it went over a limit. The engine stays usable.
            MathJaxUnavailable: a package is missing.
        """
        if self._v8 is None:
            self._v8 = _start()
        from py_mini_racer import JSEvalException, JSOOMException, JSTimeoutException

        try:
            answer = self._v8.call(
                "studyguide.typeset", request.tex, request.display, timeout_sec=TIME_LIMIT
            )
        except JSTimeoutException:
            self._discard()
            raise Refusal(f"The formula takes more than {TIME_LIMIT:g} s to typeset") from None
        except JSOOMException:
            self._discard()
            raise Refusal("The formula takes too much memory to typeset") from None
        except JSEvalException as error:
            self._discard()
            raise Refusal(f"MathJax failed: {_one_line(str(error))}") from None
        if "svg" in answer:
            return Conversion(answer["svg"], answer["mathml"])
        if "broken" in answer:
            self._discard()
        raise Refusal(_one_line(answer.get("refused") or answer["broken"]))

    def _discard(self) -> None:
        from py_mini_racer import JSEvalException

        # V8 reports that it stopped only after mini-racer has raised. Closed before that report,
        # it would miss mini-racer's event loop and complain on stderr; one more call waits for it.
        if self._v8 is not None:
            with contextlib.suppress(JSEvalException):
                self._v8.eval("0")
        self.close()

    def close(self) -> None:
        """Give V8's memory back. The next formula starts it anew."""
        if self._v8 is not None:
            self._v8.close()
            self._v8 = None


def mathjax_folder() -> Path:
    """The es5 folder of the installed MathJax package, found without importing it.

    Raises:
        MathJaxUnavailable: the package is missing, incomplete, or of another MathJax version.
    """
    install = f"install it with: pip install '{_DISTRIBUTION}=={MATHJAX_VERSION}.*'"
    try:
        package = distribution(_DISTRIBUTION)
    except PackageNotFoundError:
        raise MathJaxUnavailable(f"MathJax is missing; {install}") from None
    folder = Path(str(package.locate_file(_FOLDER)))
    if package.version.split(".")[:3] != MATHJAX_VERSION.split("."):
        found = f"{_DISTRIBUTION} {package.version} is not MathJax {MATHJAX_VERSION}"
        raise MathJaxUnavailable(f"{found}; {install}")
    if not all((folder / name).is_file() for name in _COMPONENTS):
        raise MathJaxUnavailable(f"{folder} is incomplete; re{install}")
    return folder


def _start() -> MiniRacer:
    folder = mathjax_folder()
    # Here, not at the top: V8 is 22 MB that a build with a warm cache never touches.
    try:
        from py_mini_racer import LibNotFoundError, MiniRacer
    except ImportError:
        raise MathJaxUnavailable("V8 is missing; install it with: pip install mini-racer") from None
    try:
        v8 = MiniRacer()
    except (LibNotFoundError, OSError) as error:
        reason = f"V8 does not load on this machine: {error}"
        raise MathJaxUnavailable(
            f"{reason}; try: pip install --force-reinstall mini-racer"
        ) from None
    v8.eval(_PRELUDE)
    for name in _COMPONENTS:
        v8.eval((folder / name).read_text(encoding="utf-8"))
    v8.eval(resources.files(__package__).joinpath("glue.js").read_text(encoding="utf-8"))
    if (version := v8.eval("studyguide.version")) != MATHJAX_VERSION:
        raise MathJaxUnavailable(f"{folder} holds MathJax {version}, not {MATHJAX_VERSION}")
    v8.set_hard_memory_limit(MEMORY_LIMIT)
    return v8


def _one_line(message: str) -> str:
    return " ".join(message.split())[:300]
