"""What the pages of a PDF show: every glyph with its place, and what is marked as what.

A page's content stream is read as a viewer reads it (ISO 32000-1, 8.4 and 9.4), as far as text,
pictures and marked content go. Lengths are points; the origin is the lower left corner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple

import pikepdf

from generator.inspection.faces import Face, read_face

_OPERATORS = (
    "q Q cm gs Do BT ET Tm Td TD T* Tf Tc Tw Tz TL Ts Tr Tj TJ ' \" BMC BDC EMC re W W* n "
    "f F f* B B* b b* S s sh BI ID EI"
)
_PAINT = frozenset({"f", "F", "f*", "B", "B*", "b", "b*", "S", "s", "sh"})
_MAX_DEPTH = 12
"""Form XObjects within form XObjects."""

_MAX_TREE = 64
"""Levels of the page tree."""

ARTIFACT = "/Artifact"


class Matrix(NamedTuple):
    """A transformation (ISO 32000-1, 8.3.3)."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    def after(self, other: Matrix) -> Matrix:
        """This transformation, and then the other."""
        a, b, c, d, e, f = self
        return Matrix(
            a * other.a + b * other.c,
            a * other.b + b * other.d,
            c * other.a + d * other.c,
            c * other.b + d * other.d,
            e * other.a + f * other.c + other.e,
            e * other.b + f * other.d + other.f,
        )

    def apply(self, x: float, y: float) -> tuple[float, float]:
        """Transform a point."""
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f


class Box(NamedTuple):
    """A rectangle on a page."""

    left: float
    bottom: float
    right: float
    top: float

    def within(self, other: Box) -> Box:
        """The part that lies in the other."""
        return Box(
            max(self.left, other.left),
            max(self.bottom, other.bottom),
            min(self.right, other.right),
            min(self.top, other.top),
        )


def hull(boxes: Sequence[Box]) -> Box:
    """The smallest box around boxes."""
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return Box(min(lefts), min(bottoms), max(rights), max(tops))


class Glyph(NamedTuple):
    """A glyph on its line: where it begins, how wide its font makes it, what is added behind it."""

    text: str
    left: float
    width: float
    added: float
    code: int

    @property
    def right(self) -> float:
        """Where the glyph ends, without what is added."""
        return self.left + self.width


@dataclass(frozen=True, slots=True)
class Mark:
    """A marked-content sequence: its tag, and its id in the structure tree or ``None``."""

    tag: str
    id: int | None


@dataclass(frozen=True, slots=True)
class Run:
    """Glyphs that one operator shows. ``size`` is that of an em, ``id`` that of its marked content.

    ``is_upright`` is false for text that is turned; ``is_drawn`` for text that only searches find.
    """

    id: int | None
    face: Face
    size: float
    baseline: float
    glyphs: tuple[Glyph, ...]
    is_upright: bool
    is_drawn: bool

    @property
    def text(self) -> str:
        """What the glyphs stand for."""
        return "".join(glyph.text for glyph in self.glyphs)

    @property
    def left(self) -> float:
        """Where the first glyph begins."""
        return self.glyphs[0].left

    @property
    def right(self) -> float:
        """Where the pen stands after the last glyph."""
        return self.glyphs[-1].right + self.glyphs[-1].added


@dataclass(slots=True)
class PageContent:
    """What a page shows.

    ``clips`` are the boxes to which tagged content is clipped, by its id: of pictures, their own.
    ``frames`` are rectangles that artifacts fill: backgrounds, borders, the rules of blanks.
    ``unmarked`` names what is painted outside of marked content, ``misplaced`` what is tagged
    within an artifact or the reverse (ISO 14289-1, 7.1).
    """

    box: Box
    runs: list[Run] = field(default_factory=list)
    clips: dict[int, Box] = field(default_factory=dict)
    frames: list[Box] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    unmarked: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)


class Faces:
    """The fonts of a file, each read once."""

    def __init__(self) -> None:
        self._faces: dict[tuple[int, int], Face] = {}
        self._direct: list[Face] = []

    def __iter__(self) -> Iterator[Face]:
        return iter([*self._faces.values(), *self._direct])

    def get(self, font: Any) -> Face:
        """The face of a font dictionary."""
        key = font.objgen
        if key == (0, 0):
            self._direct.append(read_face(font))
            return self._direct[-1]
        if key not in self._faces:
            self._faces[key] = read_face(font)
        return self._faces[key]


@dataclass(slots=True)
class _State:
    """The part of the graphics state that places text, and what is seen of it."""

    matrix: Matrix
    clip: Box
    face: Face | None = None
    size: float = 0.0
    spacing: float = 0.0
    word_spacing: float = 0.0
    stretch: float = 1.0
    leading: float = 0.0
    rise: float = 0.0
    rendering: float = 0
    alpha: float = 1.0

    def copy(self) -> _State:
        """Another of the same values; a page saves its state thousands of times."""
        return _State(
            self.matrix, self.clip, self.face, self.size, self.spacing, self.word_spacing,
            self.stretch, self.leading, self.rise, self.rendering, self.alpha,
        )  # fmt: skip


def read_page(page: pikepdf.Page, faces: Faces) -> PageContent:
    """Read what a page shows."""
    box = Box(*map(float, page.trimbox))
    content = PageContent(box)
    _Reader(content, faces).read(page, _resources(page.obj), Matrix(), 0)
    return content


def _resources(node: Any) -> Any:
    """The resources of a page, which the nodes above it may hold (ISO 32000-1, 7.7.3.4)."""
    for _ in range(_MAX_TREE):
        if node is None or "/Resources" in node:
            break
        node = node.get("/Parent")
    return {} if node is None else node.get("/Resources", {})


class _Reader:
    """Reads a content stream and the forms that it draws."""

    def __init__(self, content: PageContent, faces: Faces) -> None:
        self.content = content
        self.faces = faces
        self.state = _State(Matrix(), Box(-inf, -inf, inf, inf))
        self.stack: list[_State] = []
        self.marks: list[Mark] = []
        self.line = self.pen = Matrix()
        self.rectangles: list[Box] = []
        self.is_clipping = False
        self.resources: Any = {}
        self.depth = 0
        self.handlers: Mapping[str, Callable[..., None]] = {
            "q": self._save, "Q": self._restore, "cm": self._transform, "gs": self._parameters,
            "BMC": self._mark, "BDC": self._mark, "EMC": self._unmark, "Do": self._draw,
            "re": self._rectangle, "W": self._clip, "W*": self._clip, "n": self._end_path,
            "BT": self._begin_text, "Tm": self._place, "Td": self._move, "TD": self._move_leading,
            "T*": self._next_line, "Tf": self._font, "Tj": self._show, "TJ": self._show_spaced,
            "'": self._show_next, '"': self._show_next_spaced,
            "Tc": self._set("spacing"), "Tw": self._set("word_spacing"),
            "TL": self._set("leading"), "Ts": self._set("rise"),
            "Tz": self._set("stretch", 0.01), "Tr": self._set("rendering"),
        }  # fmt: skip

    def read(self, stream: Any, resources: Any, matrix: Matrix, depth: int) -> None:
        """Read a page, or a form whose space ``matrix`` leads to the page's."""
        outer = self.state, self.stack, self.resources, self.depth
        self.state = self.state.copy()
        self.state.matrix = matrix
        self.stack, self.resources, self.depth = [], resources, depth
        for instruction in pikepdf.parse_content_stream(stream, _OPERATORS):
            operator = str(instruction.operator)
            handler = self.handlers.get(operator)
            if handler is not None:
                handler(*instruction.operands)
            elif operator in _PAINT or operator == "INLINE IMAGE":
                self._paint("a picture" if operator == "INLINE IMAGE" else "a drawing")
        self.state, self.stack, self.resources, self.depth = outer

    # -- graphics ------------------------------------------------------------------------------

    def _save(self) -> None:
        self.stack.append(self.state.copy())

    def _restore(self) -> None:
        if self.stack:
            self.state = self.stack.pop()

    def _transform(self, *values: Any) -> None:
        self.state.matrix = Matrix(*map(float, values)).after(self.state.matrix)

    def _parameters(self, name: Any) -> None:
        parameters = self.resources.get("/ExtGState", {}).get(str(name), {})
        if "/ca" in parameters:
            self.state.alpha = float(parameters.ca)

    def _set(self, name: str, scale: float = 1.0) -> Callable[[Any], None]:
        def set_value(value: Any) -> None:
            setattr(self.state, name, float(value) * scale)

        return set_value

    def _rectangle(self, *values: Any) -> None:
        x, y, width, height = map(float, values)
        corners = [self.state.matrix.apply(x, y), self.state.matrix.apply(x + width, y + height)]
        (left, right), (bottom, top) = (sorted(pair) for pair in zip(*corners, strict=True))
        self.rectangles.append(Box(left, bottom, right, top))

    def _clip(self) -> None:
        self.is_clipping = True

    def _end_path(self) -> None:
        if self.is_clipping and len(self.rectangles) == 1:
            self.state.clip = self.rectangles[0].within(self.state.clip)
        self.rectangles, self.is_clipping = [], False

    def _paint(self, what: str) -> None:
        if self.rectangles and self.marks and self.marks[-1].tag == ARTIFACT:
            self.content.frames.append(hull(self.rectangles))
        self.rectangles, self.is_clipping = [], False
        if not any(mark.tag == ARTIFACT or mark.id is not None for mark in self.marks):
            self.content.unmarked.append(what)

    def _draw(self, name: Any) -> None:
        drawn = self.resources.get("/XObject", {}).get(str(name))
        if drawn is None:
            return
        if drawn.get("/Subtype") != "/Form":
            self._paint("a picture")
        elif self.depth < _MAX_DEPTH:
            matrix = Matrix(*map(float, drawn.get("/Matrix", Matrix()))).after(self.state.matrix)
            resources = drawn.get("/Resources", self.resources)
            self.read(drawn, resources, matrix, self.depth + 1)

    # -- marked content ------------------------------------------------------------------------

    def _mark(self, tag: Any, properties: Any = None) -> None:
        if isinstance(properties, pikepdf.Name):
            properties = self.resources.get("/Properties", {}).get(str(properties))
        number = properties.get("/MCID") if isinstance(properties, pikepdf.Dictionary) else None
        mark = Mark(str(tag), None if number is None else int(number))
        is_within_artifact = any(outer.tag == ARTIFACT for outer in self.marks)
        is_within_tagged = any(outer.id is not None for outer in self.marks)
        if mark.id is not None:
            self.content.ids.append(mark.id)
            self.content.clips[mark.id] = self.state.clip
            if is_within_artifact:
                self.content.misplaced.append("tagged content within an artifact")
        elif mark.tag == ARTIFACT and is_within_tagged:
            self.content.misplaced.append("an artifact within tagged content")
        self.marks.append(mark)

    def _unmark(self) -> None:
        if self.marks:
            self.marks.pop()

    # -- text ----------------------------------------------------------------------------------

    def _begin_text(self) -> None:
        self.line = self.pen = Matrix()

    def _place(self, *values: Any) -> None:
        self.line = self.pen = Matrix(*map(float, values))

    def _move(self, x: Any, y: Any) -> None:
        self.line = self.pen = Matrix(e=float(x), f=float(y)).after(self.line)

    def _move_leading(self, x: Any, y: Any) -> None:
        self.state.leading = -float(y)
        self._move(x, y)

    def _next_line(self) -> None:
        self._move(0, -self.state.leading)

    def _font(self, name: Any, size: Any) -> None:
        font = self.resources.get("/Font", {}).get(str(name))
        self.state.face = self.faces.get(font) if font is not None else None
        self.state.size = float(size)

    def _show_next(self, text: Any) -> None:
        self._next_line()
        self._show(text)

    def _show_next_spaced(self, word_spacing: Any, spacing: Any, text: Any) -> None:
        self.state.word_spacing, self.state.spacing = float(word_spacing), float(spacing)
        self._show_next(text)

    def _show(self, text: Any) -> None:
        self._show_spaced([text])

    def _show_spaced(self, items: Any) -> None:
        """Show strings and move between them by thousandths of an em (ISO 32000-1, 9.4.3)."""
        state, face = self.state, self.state.face
        if face is None:
            return
        matrix = self.pen.after(state.matrix)
        origin, baseline = matrix.apply(0, state.rise)
        em, scale = state.size * state.stretch, matrix.a
        glyphs: list[Glyph] = []
        code, begin, width, added, x = -1, 0.0, 0.0, 0.0, 0.0
        for item in items:
            if not isinstance(item, pikepdf.String):
                move = -float(item) / 1000 * em
                added += move
                x += move
                continue
            for following in face.codes(bytes(item)):
                if code >= 0:
                    left = origin + begin * scale
                    text = face.text(code)
                    glyphs.append(Glyph(text, left, width * scale, added * scale, code))
                code, begin, width = following, x, face.width(following) * em
                added = self._spacing(code) if state.spacing or state.word_spacing else 0.0
                x += width + added
        self.pen = Matrix(e=x).after(self.pen)
        if code >= 0:
            left = origin + begin * scale
            glyphs.append(Glyph(face.text(code), left, width * scale, added * scale, code))
            self._add_run(face, matrix, baseline, glyphs)

    def _spacing(self, code: int) -> float:
        """What is added behind every character, and behind the space of a simple font."""
        state = self.state
        is_space = state.face is not None and state.face.size == 1 and code == 32
        return (state.spacing + is_space * state.word_spacing) * state.stretch

    def _add_run(self, face: Face, matrix: Matrix, baseline: float, glyphs: list[Glyph]) -> None:
        self._paint("text")
        face.used.update(glyph.code for glyph in glyphs)
        self.content.runs.append(
            Run(
                id=next((mark.id for mark in reversed(self.marks) if mark.id is not None), None),
                face=face,
                size=self.state.size * abs(matrix.a),
                baseline=baseline,
                glyphs=tuple(glyphs),
                is_upright=abs(matrix.b) < 1e-6 and matrix.a > 0,
                is_drawn=self.state.rendering not in {3, 7} and self.state.alpha > 0,
            )
        )
