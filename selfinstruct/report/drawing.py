"""Paper and ink: one matplotlib axes in, one inline SVG out that follows the page's colours and fonts.

matplotlib is asked for real colours, and each is then exchanged for the CSS variable of the same name, so that one
drawing serves light, dark and print. Ids are prefixed with the chart's name: several drawings live in one document.
"""

import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from selfinstruct.text import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, FAINT, GRID = "#1f2430", "#6b7280", "#e4e6eb"
KEPT, REJECTED, FAILED, SEED, GOOD = "#2563c9", "#d9822b", "#9b2f4b", "#5d6b82", "#16794c"
_VARIABLES = {
    INK: "--ink",
    FAINT: "--faint",
    GRID: "--grid",
    KEPT: "--kept",
    REJECTED: "--rejected",
    FAILED: "--failed",
    SEED: "--seed",
    GOOD: "--good",
}
WIDTH = 440.0
"""Units of a drawing: two stand side by side on a desk, one fills a telephone with letters still legible."""
NARROW = 320.0
"""Where three stand side by side."""

_STYLE: dict[Any, Any] = {  # newer matplotlib types these keys one by one, older does not
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar sign in a label is a dollar sign
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so that the layout is the same on every machine
    "font.size": 11.0,
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.labelsize": 11.0,
    "axes.edgecolor": GRID,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.spines.bottom": False,
    "grid.color": GRID,
    "grid.linewidth": 1.0,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "xtick.major.pad": 6.0,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "figure.constrained_layout.use": True,
}
_POINTS = 72.0
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


def draw(name: str, label: str, height: float, paint: Callable[["Axes"], None], *, width: float = WIDTH) -> str:
    """What `paint` puts on the axes, as an `<svg>` that scales with its column; `label` is read aloud.

    The same arguments give the same bytes. matplotlib's settings are changed while it draws and put back, so two
    threads must not draw at once.
    """
    import matplotlib as mpl  # half a second, and only a report needs it
    from matplotlib.figure import Figure

    with mpl.rc_context(), warnings.catch_warnings():
        # The browser chooses the font; that matplotlib's own lacks a glyph only makes a width a guess.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        mpl.rcdefaults()  # a person's matplotlibrc must not change the page
        mpl.rcParams.update({**_STYLE, "svg.hashsalt": name})
        figure = Figure(figsize=(width / _POINTS, height / _POINTS))
        paint(figure.add_subplot())
        written = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    return _inline(written.getvalue(), name, shown(label, 200))


def _inline(document: str, name: str, label: str) -> str:
    root = ET.fromstring(document)  # noqa: S314 - matplotlib wrote it a moment ago
    used = set(_REFERENCE.findall(document)) | set(re.findall(r'href="#([^"]+)"', document))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        attributes = dict(element.attrib)
        element.attrib.clear()
        for key, value in attributes.items():
            key_here = key.rpartition("}")[2]  # xlink:href is href in HTML
            if key_here == "id":
                if value in used:
                    element.set("id", f"{name}-{value}")
            elif key_here == "href":
                element.set("href", f"#{name}-{value[1:]}")
            else:
                element.set(key_here, _with_variables(_REFERENCE.sub(rf"url(#{name}-\1)", value)))
        element.tail = None
        if element.tag in {"g", "defs", "svg"}:
            element.text = None
        if "d" in element.attrib:
            element.set("d", " ".join(element.attrib["d"].split()))
    for defs in root.findall("defs"):
        for style in defs.findall("style"):  # its rule would reach the whole page
            defs.remove(style)
    root.attrib.clear()
    root.attrib.update({"class": "chart", "role": "img", "aria-label": label})
    root.set("viewBox", _view_box(document))
    title = ET.Element("title")
    title.text = label
    root.insert(0, title)
    return ET.tostring(root, encoding="unicode")


def _with_variables(style: str) -> str:
    style = re.sub(r"\s*font-family:[^;]*;?", "", style)
    for colour, variable in _VARIABLES.items():
        style = style.replace(colour, f"var({variable})")
    return style


def _view_box(document: str) -> str:
    found = re.search(r'viewBox="([^"]+)"', document)
    assert found  # every drawing of matplotlib has one
    return found.group(1)
