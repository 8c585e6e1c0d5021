"""Make drawings of a chart library safe for a page: shapes and text only, colours by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMESPACE: Final = "{http://www.w3.org/2000/svg}"
_SHAPES: Final = frozenset({"svg", "g", "path", "rect", "line", "circle", "text", "tspan"})
_ATTRIBUTES: Final = frozenset(
    {
        *("d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "viewBox", "transform"),
        *("text-anchor", "font-size", "font-weight", "stroke-width", "stroke-dasharray"),
    }
)


@dataclass(frozen=True, slots=True)
class ChartName:
    """The name of a chart.

    Attributes:
        name: Makes its ids different from those of other charts.
        description: What it shows, for those who do not see it.
    """

    name: str
    description: str


def safe_svg(svg: str, roles: Mapping[str, str], name: ChartName) -> Markup:
    """Return a drawing for a page.

    It is one image to a screen reader. Everything that could load, run or link is gone.

    Args:
        svg: As the library wrote it.
        roles: Colour -> class, for fills and strokes; other colours are left out.
        name: Its name.

    Raises:
        ValueError: It is not a drawing.
    """
    root = _kept(ET.fromstring(svg), roles)  # noqa: S314 - our own chart, drawn a moment ago
    if root is None:
        raise ValueError("not a drawing")
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    title = ET.Element("title", {"id": f"{name.name}-words"})
    title.text = name.description
    root.attrib.update({"class": "chart", "role": "img", "aria-labelledby": title.attrib["id"]})
    root.insert(0, title)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - ElementTree has escaped it


def _kept(element: ET.Element, roles: Mapping[str, str]) -> ET.Element | None:
    tag = element.tag.removeprefix(_NAMESPACE)
    if tag not in _SHAPES or element.get("display") == "none" or element.get("d") == "":
        return None
    kept = ET.Element(tag, {key: value for key, value in element.attrib.items() if key in _ATTRIBUTES})
    classes = [
        f"{role}-{kind}" for kind in ("fill", "stroke") if (role := roles.get(element.get(kind, "").lower()))
    ]
    if classes:
        kept.set("class", " ".join(classes))
    kept.text = element.text
    children = [_kept(child, roles) for child in element]
    kept.extend(child for child in children if child is not None)
    return kept
