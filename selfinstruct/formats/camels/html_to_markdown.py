"""Turns an answer that was saved as HTML, as raw ShareGPT dumps have them, into Markdown.

Not by `markdownify`: of the pages in our tests it ends at two that are deeply nested (RecursionError), closes the fence
of a program that holds one, and writes the bar above a program (`pythonCopy code`) into it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

_SAVED = re.compile(r'\s*<(?:div class="(?:[^"]* )?markdown\b|p>)')
_BLOCK_END = re.compile(r"</(?:div|p|pre|ul|ol|table|blockquote|h[1-6])>\s*$")
_SPACE = re.compile(r"\s+")
_GAP = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)*")
_LANGUAGE = re.compile(r"\blanguage-([\w+#-]+)")
_PROGRAM = re.compile(r"^([> \t]*+)(.*?)\x00(\d+)\x00", re.MULTILINE)
_UNSEEN = frozenset({"button", "svg", "script", "style", "head", "title"})
_AROUND: Mapping[str, str] = {"strong": "**", "b": "**", "em": "*", "i": "*", "del": "~~", "s": "~~"}
_BLOCKS = frozenset({"p", "div", "section", "article", "table", "body", "html", "details", "summary"})
_DEPTH = 100  # elements deeper than that are read as if they were not there: no saved answer has them
_VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "wbr", "col", "source"})


def is_saved_page(text: str) -> bool:
    """Whether the whole text is HTML as a browser saved it, and not an answer that speaks of HTML.

    >>> is_saved_page('<div class="markdown prose"><p>Yes.</p></div>'), is_saved_page("Write <p>Yes.</p>")
    (True, False)
    """
    return bool(_SAVED.match(text) and _BLOCK_END.search(text))


def as_markdown(page: str) -> str:
    r"""The text of a page: headings, lists, tables, links, emphasis and programs stay what they are.

    >>> as_markdown("<p>Use <code>len</code>:</p><ul><li>on <b>lists</b></li><li>on text</li></ul>")
    'Use `len`:\n\n* on **lists**\n* on text'
    """
    reader = _Reader()
    reader.feed(page.replace("\x00", ""))
    reader.close()
    return reader.markdown()


@dataclass(slots=True)
class _Open:
    """An element that is not closed yet, and what stands in it so far."""

    tag: str
    attributes: Mapping[str, str]
    parts: list[str] = field(default_factory=list)
    count: int = 0
    """Of a list, its items so far; of a table, its rows."""


class _Reader(HTMLParser):
    """Folds each element into the one around it when it closes; programs wait aside, so that they stay as they are."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open = [_Open("", {})]
        self._programs: list[str] = []
        self._program: str | None = None  # what the `code` of the `pre` at hand held
        self._language = ""
        self._writers: Mapping[str, Callable[[_Open, str], str]] = {
            "code": self._code,
            "pre": self._pre,
            "li": self._item,
            "ul": self._list,
            "ol": self._list,
            "blockquote": self._quote,
            "a": self._link,
            "td": self._cell,
            "th": self._cell,
            "tr": self._row,
        }

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element, or write one that has no end."""
        attributes = {key: value or "" for key, value in attrs}
        if tag == "br":
            self._open[-1].parts.append("\n")
        elif tag == "hr":
            self._open[-1].parts.append("\n\n---\n\n")
        elif tag == "img":
            self._open[-1].parts.append(f"![{attributes.get('alt', '')}]({attributes.get('src', '')})")
        elif tag not in _VOID and len(self._open) <= _DEPTH:
            self._open.append(_Open(tag, attributes))

    def handle_endtag(self, tag: str) -> None:
        """Close the element, and those inside it that were left open; an end without a beginning is nothing."""
        if any(element.tag == tag for element in self._open[1:]):
            while self._close() != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Text; runs of white space are one space, except in programs."""
        inside = self._inside("code") or self._inside("pre")
        self._open[-1].parts.append(data if inside else _SPACE.sub(" ", data))

    def markdown(self) -> str:
        """All that was read, as Markdown."""
        while len(self._open) > 1:
            self._close()
        text = _GAP.sub("\n\n", "".join(self._open[0].parts))
        text = "\n".join(line.rstrip() for line in text.split("\n")).strip()
        while "\x00" in text:  # several on one line: table cells are one line
            text = _PROGRAM.sub(self._restored, text)
        return text

    def _restored(self, match: re.Match[str]) -> str:
        """A program, as far to the right as the list it stands in."""
        first, *others = self._programs[int(match[3])].split("\n")
        margin = match[1] + (" " * len(match[2]) if match[2] else "")
        return "\n".join([match[1] + match[2] + first, *(margin + line if line else line for line in others)])

    def _inside(self, tag: str) -> bool:
        return any(element.tag == tag for element in self._open)

    def _close(self) -> str:
        element = self._open.pop()
        self._open[-1].parts.append(self._written(element, "".join(element.parts)))
        return element.tag

    def _written(self, element: _Open, inner: str) -> str:
        tag = element.tag
        if tag in _UNSEEN:
            return ""
        if tag in _BLOCKS:
            return f"\n\n{inner.strip()}\n\n"
        if tag in _AROUND:
            return f"{_AROUND[tag]}{inner.strip()}{_AROUND[tag]}" if inner.strip() else inner
        if re.fullmatch("h[1-6]", tag):
            return f"\n\n{'#' * int(tag[1])} {inner.strip()}\n\n"
        write = self._writers.get(tag)
        return write(element, inner) if write else inner

    def _code(self, element: _Open, inner: str) -> str:
        if not self._inside("pre"):
            return f"`{inner}`" if inner else ""
        named = _LANGUAGE.search(element.attributes.get("class", ""))
        self._program, self._language = inner, named[1] if named else ""
        return ""

    def _pre(self, element: _Open, inner: str) -> str:
        """A program in a fence; the bar above it, with its language and button, is no part of it."""
        del element
        if self._inside("pre"):
            return inner
        program = inner if self._program is None else self._program
        longest = max((len(run) for run in re.findall("`+", program)), default=0)
        fence = "`" * max(3, longest + 1)
        self._programs.append(f"{fence}{self._language}\n{program.strip(chr(10))}\n{fence}")
        self._program, self._language = None, ""
        return f"\n\n\x00{len(self._programs) - 1}\x00\n\n"

    def _item(self, element: _Open, inner: str) -> str:
        del element
        around = next((outer for outer in reversed(self._open) if outer.tag in ("ul", "ol")), self._open[0])
        around.count += 1
        mark = f"{around.count}. " if around.tag == "ol" else "* "
        lines = _GAP.sub("\n", inner.strip()).split("\n")
        return "\n" + mark + ("\n" + " " * len(mark)).join(lines)

    def _list(self, element: _Open, inner: str) -> str:
        del element
        return f"\n{inner.strip(chr(10))}\n" if self._inside("li") else f"\n\n{inner.strip()}\n\n"

    def _quote(self, element: _Open, inner: str) -> str:
        del element
        lines = _GAP.sub("\n\n", inner.strip()).split("\n")
        return "\n\n" + "\n".join(f"> {line}".rstrip() for line in lines) + "\n\n"

    def _link(self, element: _Open, inner: str) -> str:
        target = element.attributes.get("href", "")
        return f"[{inner.strip()}]({target})" if target else inner

    def _cell(self, element: _Open, inner: str) -> str:
        del element
        return f" {_SPACE.sub(' ', inner).strip()} |"

    def _row(self, element: _Open, inner: str) -> str:
        del element
        around = next((outer for outer in reversed(self._open) if outer.tag == "table"), self._open[0])
        around.count += 1
        cells = inner.strip()
        rule = "\n|" + " --- |" * cells.count("|") if around.count == 1 else ""
        return f"\n| {cells}{rule}"
