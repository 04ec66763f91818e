"""What a page says and in which order, without how it is written: two pages with the same contents tell the same."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from selfinstruct.report.drawing import Chart
from selfinstruct.report.page import _environment

_STRUCTURE = {"h1", "h2", "h3", "h4", "p", "li", "td", "th", "dt", "dd", "summary", "figcaption", "pre", "section"}


@dataclass(frozen=True, slots=True)
class Contents:
    """Texts of a page."""

    texts: tuple[tuple[str, str], ...]
    """Element and its text with white space made one space, in the order in which they end; drawings left out."""
    drawings: tuple[tuple[str, frozenset[str]], ...]
    """What is read aloud of each drawing, and the words in it without the numbers of its axes."""
    anchors: tuple[str, ...]


@dataclass
class _Reader(HTMLParser):
    texts: list[tuple[str, str]] = field(default_factory=list)
    drawings: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, list[str]]] = []
        self._drawing: list[str] | None = None
        self._label = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "svg":
            self._drawing, self._label = [], named.get("aria-label") or ""
        elif tag == "section":
            self.anchors.append(named.get("id") or "")
        if tag in _STRUCTURE and self._drawing is None:
            self._open.append((tag, []))

    def handle_endtag(self, tag: str) -> None:
        if tag == "svg" and self._drawing is not None:
            self.drawings.append((self._label, frozenset(filter(_is_word, self._drawing))))
            self._drawing = None
        elif self._drawing is None and self._open and self._open[-1][0] == tag:
            name, said = self._open.pop()
            self.texts.append((name, " ".join("".join(said).split())))

    def handle_data(self, data: str) -> None:
        if self._drawing is not None:
            self._drawing += [data.strip()] if data.strip() else []
        elif self._open:
            self._open[-1][1].append(data)


def _is_word(text: str) -> bool:
    return not text.replace(",", "").replace(".", "").isdecimal()


def contents(html: str) -> Contents:
    """Parse a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Contents(tuple(reader.texts), tuple(reader.drawings), tuple(reader.anchors))


def drawn(chart: Chart | None) -> str:
    """One drawing as it stands in a page."""
    assert chart is not None
    return str(_environment().get_template("chart.html.jinja").module.chart(chart))  # type: ignore[attr-defined]  # a macro
