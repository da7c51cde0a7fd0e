"""Numbers drawn as shapes: what is printed, but is no text, is neither searched nor copied."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from generator.typography.fonts import ROLES, Face, find_faces

_ROLE = next(role for role in ROLES if role.name == "mono")


def number_svg(number: int, digits: int, colour: str) -> str:
    """A number in the book's Mono as an SVG drawing, an em high, flush right in so many digits.

    Raises :class:`~generator.typography.fonts.FontsMissingError` where the system lacks the face.
    """
    face = _mono()
    paths = []
    x = 0.0
    for digit in str(number).rjust(digits):
        outline, width = _outline(face, digit)
        paths.append(f'<path transform="translate({x:g},0)" d="{outline}"/>')
        x += width
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -880 {x:g} 1000">'
        f'<g fill="{colour}" transform="scale(1,-1)">{"".join(paths)}</g></svg>'
    )


@lru_cache(maxsize=1)
def _mono() -> Face:
    """The installed face; looked for once."""
    return find_faces()[_ROLE]


@lru_cache(maxsize=16)
def _outline(face: Face, character: str) -> tuple[str, float]:
    """A character's path data, upwards, and its width; in thousandths of an em."""
    import uharfbuzz as hb

    source = hb.Face(hb.Blob.from_file_path(str(face.path)), face.index)
    font = hb.Font(source)
    font.scale = (1000, 1000)
    glyph = font.get_nominal_glyph(ord(character)) or 0
    commands: list[str] = []

    def write(letter: str) -> Callable[..., None]:
        def command(*arguments: float | None) -> None:
            places = [f"{place:g}" for place in arguments if place is not None]
            commands.append(letter + " ".join(places))

        return command

    pen = hb.DrawFuncs()
    pen.set_move_to_func(write("M"))
    pen.set_line_to_func(write("L"))
    pen.set_quadratic_to_func(write("Q"))
    pen.set_cubic_to_func(write("C"))
    pen.set_close_path_func(write("Z"))
    font.draw_glyph(glyph, pen, None)  # the last argument of every command is this None
    return "".join(commands), float(font.get_glyph_h_advance(glyph))
