"""What the pictures are made of: boxes with lines of text, arrows, walls; as one SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

STYLE = """\
    .paper { fill: #ffffff; stroke: #d0d7de }
    .room { fill: #f6f8fa; stroke: #8c959f }
    .step { fill: #ffffff; stroke: #d0d7de }
    .gate { fill: #fff8c5; stroke: #bf8700 }
    .name { font-size: 15px; font-weight: 600; fill: #1f2328 }
    .text { font-size: 12.5px; fill: #1f2328 }
    .note { font-size: 11.5px; fill: #59636e }
    .open { stroke: #0969da; fill: none; stroke-width: 2 }
    .held { stroke: #cf222e; fill: none; stroke-width: 2 }
    .side { stroke: #8c959f; fill: none; stroke-width: 1.5 }
    .wall { stroke: #59636e; stroke-width: 1.5; stroke-dasharray: 6 5; fill: none }"""
ENDS = {"open": "#0969da", "held": "#cf222e", "side": "#8c959f"}
FONTS = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True, slots=True)
class Line:
    """``kind`` is name, text or note; ``x`` and ``y`` of the baseline, in pixels from its box' corner."""

    kind: str
    text: str
    x: float
    y: float
    centred: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """``kind`` is room, step or gate; measures in pixels."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """``kind`` is open (public data), held (regulated data), side (neither) or wall (a border, no end)."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing with what a screen reader says of it. Later elements lie above earlier ones."""

    name: str
    title: str
    description: str
    width: int
    height: int
    elements: tuple[Box | Arrow | Line, ...] = field(default=())


def stacked(
    kind: str, place: tuple[float, float, float, float], name: str, *lines: str, notes: int = 0
) -> Box:
    """A box at ``place`` (x, y, width, height): a name, centred lines, the last ``notes`` of them small."""
    x, y, width, height = place
    step = 20
    top = (height - step * len(lines)) / 2 + 5
    kinds = ["text"] * (len(lines) - notes) + ["note"] * notes
    written = [Line("name", name, width / 2, top, centred=True)]
    written += [
        Line(kind, text, width / 2, top + step * (row + 1), centred=True)
        for row, (kind, text) in enumerate(zip(kinds, lines, strict=True))
    ]
    return Box(kind, x, y, width, height, tuple(written))


def svg(picture: Picture) -> str:
    """The picture as SVG text."""
    head = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {picture.width} {picture.height}" role="img"
     width="{picture.width}" height="{picture.height}" aria-labelledby="title text"
     font-family="{FONTS}">
  <title id="title">{escape(picture.title)}</title>
  <desc id="text">{escape(picture.description)}</desc>
  <style>
{STYLE}
  </style>
  <defs>"""
    size = f'width="{picture.width - 1}" height="{picture.height - 1}"'
    paper = f'  <rect class="paper" x="0.5" y="0.5" {size} rx="10"/>'
    return "\n".join([head, *_ends(), "  </defs>", paper, *_elements(picture.elements), "</svg>", ""])


def _ends() -> Iterable[str]:
    for kind, colour in ENDS.items():
        yield (
            f'    <marker id="{kind}-end" viewBox="0 0 10 10" refX="9" refY="5" '
            f'markerWidth="7" markerHeight="7" orient="auto">'
            f'<path d="M0 0 L10 5 L0 10 z" fill="{colour}"/></marker>'
        )


def _elements(elements: Sequence[Box | Arrow | Line]) -> Iterable[str]:
    for element in elements:
        if isinstance(element, Box):
            radius = 8 if element.kind == "room" else 6
            yield (
                f'  <rect class="{element.kind}" x="{element.x:g}" y="{element.y:g}" '
                f'width="{element.width:g}" height="{element.height:g}" rx="{radius}"/>'
            )
            for line in element.lines:
                yield _text(line, element.x, element.y)
        elif isinstance(element, Line):
            yield _text(element, 0, 0)
        else:
            end = "" if element.kind == "wall" else f' marker-end="url(#{element.kind}-end)"'
            yield f'  <path class="{element.kind}" d="{element.path}"{end}/>'


def _text(line: Line, x: float, y: float) -> str:
    anchor = ' text-anchor="middle"' if line.centred else ""
    place = f'x="{x + line.x:g}" y="{y + line.y:g}"'
    return f'  <text class="{line.kind}" {place}{anchor}>{escape(line.text)}</text>'
