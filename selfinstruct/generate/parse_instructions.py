"""Reads a list of instructions out of whatever a model wrote: numbers, bullets, bold, quotes, or JSON."""

import json
import re
from collections.abc import Iterator, Sequence

from selfinstruct.text import one_line

_OPEN = r"(?P<open>\*\*|__|[\"'\u201c])?"
_NUMBER = r"(?P<number>\d{1,3})[ \t]*(?:[.):\uff1a\u3001\uff0e]|-[ \t])"
_MARKER = re.compile(
    rf"^[ \t>]*(?:[-*\u2022#]+[ \t]+)?{_OPEN}[ \t]*(?:(?:Task|Instruction|No\.?)[ \t]*#?[ \t]*)?{_NUMBER}[ \t]*",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^[ \t]*(?:[-*\u2022\u2013][ \t]+|(?:Task|Instruction)[ \t]*:[ \t]*)", re.IGNORECASE)
_LABEL = re.compile(r"^(?:\*\*|__)?(?:Task|Instruction)(?:[ \t]*\d{1,3})?[ \t]*:(?:\*\*|__)?[ \t]*", re.IGNORECASE)
_SKIPPED = 3
"""How many numbers a model may leave out before a number is taken for text."""
_PAIRED = (("**", "**"), ("__", "__"), ('"', '"'), ("\u201c", "\u201d"), ("\u00ab", "\u00bb"), ("`", "`"))


def numbered(items: Sequence[str], first: int = 1, label: str = "") -> str:
    r"""The lines of a list.

    >>> numbered(["Name a river.", "Sort."], 3), numbered(["Sort."], 9, "Task ")
    ('3. Name a river.\n4. Sort.\n', 'Task 9: Sort.\n')
    """
    mark = ":" if label else "."
    return "".join(f"{label}{number}{mark} {one_line(item)}\n" for number, item in enumerate(items, first))


def list_items(text: str, *, opened: int = 0, chat: bool = False) -> list[str]:
    r"""The items of a list, in order, their text kept; a number out of turn belongs to the item it stands in.

    `opened`: the prompt ended with this number, so the text begins inside that item. `chat`: what stands before the
    first number, and paragraphs without one, are talk.

    >>> list_items(" Ask NASA.\n10. Do X:\n1. a\n2. b\n11) Sort.", opened=9)
    ['Ask NASA.', 'Do X:\n1. a\n2. b', 'Sort.']
    >>> list_items("Sure!\n\n1. **Name a river.**\n2) \"Sort.\"\n\nShall I go on?", chat=True)
    ['Name a river.', 'Sort.']
    >>> list_items("- Name a river.\n- Sort these words.", chat=True)
    ['Name a river.', 'Sort these words.']
    """
    if opened and _first_number(text) != opened:
        text = f"{opened}. {text.lstrip(' ')}"
    items = [_unwrapped(item) for item in _numbered_items(text, chat=chat)]
    if not items:
        items = [_unwrapped(item) for item in _bare_items(text, chat=chat)]
    return [item for item in items if item]


def _first_number(text: str) -> int | None:
    match = _MARKER.match(text.lstrip())
    return int(match["number"]) if match else None


def _numbered_items(text: str, *, chat: bool) -> Iterator[str]:
    item: list[str] | None = None
    last = 0
    closed = False
    for line in text.splitlines():
        match = _MARKER.match(line)
        if match and (item is None or last <= int(match["number"]) <= last + _SKIPPED):
            if item is not None:
                yield "\n".join(item)
            last, closed = int(match["number"]), False
            item = [_rest(line, match)]
        elif item is not None:
            closed = closed or (chat and not line.strip())
            if not closed:
                item.append(line)
    if item is not None:
        yield "\n".join(item)


def _rest(line: str, marker: re.Match[str]) -> str:
    """What follows the number, without the other end of a mark that opened before it: `**9.** Sort`, `"9. Sort"`."""
    rest, opened = line[marker.end() :], marker["open"]
    if opened:
        closing = "\u201d" if opened == "\u201c" else opened
        if rest.startswith(closing):
            return rest[len(closing) :]
        return rest.rstrip().removesuffix(closing)
    return rest


def _bare_items(text: str, *, chat: bool) -> Iterator[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    bullets = [line for line in lines if _BULLET.match(line)]
    if bullets:
        yield from (_BULLET.sub("", line, count=1) for line in bullets)
    elif chat:
        yield from (line for line in lines if not line.rstrip().endswith(":"))
    else:
        yield from lines


def _unwrapped(item: str) -> str:
    item = _LABEL.sub("", item.strip()).strip()
    for opening, closing in _PAIRED:
        inner = item[len(opening) : len(item) - len(closing)]
        wrapped = len(item) > len(opening) + len(closing) and item.startswith(opening) and item.endswith(closing)
        if wrapped and opening not in inner and closing not in inner:
            item = inner.strip()
    return item


def json_items(text: str) -> list[object]:
    r"""The elements of the first JSON array in a text; of one that was cut off, those that are whole.

    >>> json_items('```json\n{"tasks": ["Name a river.", "Sort.", "Cut o')
    ['Name a river.', 'Sort.']
    >>> json_items("1. Name [any] river.")
    []
    """
    decoder = json.JSONDecoder()
    for start in (match.end() for match in re.finditer(r"\[", text)):
        items: list[object] = []
        at = start
        while True:
            at += len(text[at:]) - len(text[at:].lstrip(" \t\r\n,"))
            try:
                item, at = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                break
            items.append(item)
        if items:
            return items
    return []
