"""Pictures as SVG, drawn on the server: pure functions from values to markup.

Colours are classes of the style sheet; there is no text in the pictures but titles, so that they
can be stretched, and what they show stands beside them for those who do not see them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from markupsafe import Markup

WIDE = 1_000.0
"""Units from left to right; the page stretches them."""
LEAST = 3.0
"""Units of the thinnest part that can still be seen."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a band or a bar: how much of it, of which colour, and what it says."""

    amount: float
    colour: str
    """A class of the style sheet, never a word from elsewhere."""
    title: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of parts that stand on each other, the first at the bottom."""

    parts: tuple[Part, ...]


def band(parts: Sequence[Part], whole: float, title: str) -> Markup:
    """Parts side by side, where `whole` would fill the width.

    Whatever is there can be seen: what is too thin is drawn thicker, and the others give way.
    """
    svg = _svg(WIDE, 20, title, "band")
    left = 0.0
    for part, width in zip(parts, widths([one.amount for one in parts], whole), strict=True):
        _rect(svg, part, left, 0, width, 20)
        left += width
    return _markup(svg)


def widths(amounts: Sequence[float], whole: float) -> list[float]:
    """How wide parts are, in units; none is thinner than can be seen, all together fit."""
    least = min(LEAST, WIDE / max(1, len(amounts)))
    wanted = [max(least, amount / whole * WIDE) if whole > 0 else least for amount in amounts]
    over = sum(wanted) - WIDE
    room = sum(width - least for width in wanted)
    if over <= 0 or room <= 0:
        return wanted
    return [width - (width - least) * min(1.0, over / room) for width in wanted]


def bars(columns: Sequence[Bar], title: str, high: float = 200) -> Markup:
    """Bars from left to right on lines at each quarter, the highest as high as the picture."""
    svg = _svg(WIDE, high, title, "bars")
    for quarter in range(4):
        y = _number(high * quarter / 4)
        ET.SubElement(svg, "line", {"x1": "0", "x2": _number(WIDE), "y1": y, "y2": y})
    most = max((sum(part.amount for part in bar.parts) for bar in columns), default=0)
    step = WIDE / max(1, len(columns))
    for place, bar in enumerate(columns):
        bottom = high
        for part in bar.parts if most else ():
            tall = part.amount / most * high
            bottom -= tall
            _rect(svg, part, place * step + step * 0.12, bottom, step * 0.76, tall)
    return _markup(svg)


def _svg(width: float, height: float, title: str, name: str) -> ET.Element:
    svg = ET.Element(
        "svg",
        {
            "viewBox": f"0 0 {_number(width)} {_number(height)}",
            "preserveAspectRatio": "none",
            "role": "img",
            "class": name,
            "aria-label": title,
        },
    )
    ET.SubElement(svg, "title").text = title
    return svg


def _rect(  # noqa: PLR0917 - a rectangle has four sides
    svg: ET.Element, part: Part, x: float, y: float, width: float, height: float
) -> None:
    rect = ET.SubElement(
        svg,
        "rect",
        {
            "x": _number(x),
            "y": _number(y),
            "width": _number(width),
            "height": _number(height),
            "class": part.colour,
        },
    )
    ET.SubElement(rect, "title").text = part.title


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _markup(svg: ET.Element) -> Markup:
    return Markup(ET.tostring(svg, encoding="unicode", short_empty_elements=False))  # noqa: S704 - text and attributes are escaped by it
