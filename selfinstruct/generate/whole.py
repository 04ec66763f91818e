"""What of an answer that was cut off is whole: up to its last finished sentence or item of a list."""

import re

from selfinstruct.text import words

# A full stop after three letters or a digit that is no number of an item: `Mr.`, `e.g.` and `2.` end no sentence.
_END = re.compile(
    r"(?:[^\W\d_]{3}|\w\d|[)%\"'\u201d])[.!?][\"'\u201d\u2019)\]*_]*(?=\s)|[\u3002\uff01\uff1f\u0964\u061f]"
)
_ITEM = re.compile(r"\s*(?:[-*+\u2022]|\(?\d{1,3}[.):])\s+\S")
_NUMBER = re.compile(r"\s*\(?\d{1,3}[.):][\s*_]*\Z")
_FEWEST_WORDS = 12
_LEAST = 0.4  # of the answer; less of it is another answer
_LOOPS = 5  # words of a sentence that says something, and so is said twice by a model that loops


def whole_part(text: str) -> str:
    r"""The text up to its last whole sentence or item; empty where too little is whole, or where it goes in circles.

    >>> whole_part("The Ebro rises in the north of Spain. It is 930 km long and flows to the south. Its mouth is a del")
    'The Ebro rises in the north of Spain. It is 930 km long and flows to the south.'
    >>> whole_part("The Ebro, which rises in the north of Spain and flows to the sea past Zaragoza and Tort")
    ''
    """
    text = text.strip()
    end = max((found.end() for found in _END.finditer(text)), default=0)
    lines = text.splitlines(keepends=True)
    before_last = len("".join(lines[:-1]).rstrip())
    if len(lines) > 1 and _ITEM.match(lines[-1]) and _ITEM.match(_last_line(text[:before_last])):
        end = max(end, before_last)
    kept = text[:end].rstrip()
    while kept and (_NUMBER.match(_last_line(kept)) or kept.endswith((":", "\uff1a"))):
        kept = kept[: -len(_last_line(kept))].rstrip()
    enough = len(words(kept)) >= _FEWEST_WORDS and len(kept) >= _LEAST * len(text)
    return kept if enough and kept.count("```") % 2 == 0 and not _in_circles(text) else ""


def _last_line(text: str) -> str:
    return text[text.rfind("\n") + 1 :]


def _in_circles(text: str) -> bool:
    """Whether a sentence or an item is said again: such an answer would never have ended."""
    said: set[tuple[str, ...]] = set()
    for piece in re.split(r"[.!?\u3002]\s|\n", text):
        found = tuple(word for word in words(piece) if not word.isdigit())
        if len(found) >= _LOOPS:
            if found in said:
                return True
            said.add(found)
    return False
