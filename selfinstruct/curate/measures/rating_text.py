"""Reads a rating from 0 to 5 and its reason out of what a model said."""

import json
import re
from dataclasses import dataclass

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "rating": {"enum": [half / 2 for half in range(11)]}},
        "required": ["reason", "rating"],
        "additionalProperties": False,
    }
)
"""What a model that can be held to a JSON schema must say: the reason first, so that the rating follows from it."""

_NUMBER = r"([0-9]+(?:[.,][0-9]+)?)(?![0-9])(?!\s*(?:-|\u2013|to\b)\s*[0-9])(?!\s*%)"
_OF_FIVE = r"(?:\s*(?:/|out of)\s*([0-9]+))?"
_LABELLED = re.compile(
    rf"\b(?:rating|score|grade|rate)\b[\s*_`\"']*(?:(?:is|of|it|as|a|an|this|the|answer|:|=|-)[\s*_`\"']*)*{_NUMBER}{_OF_FIVE}",
    re.IGNORECASE,
)
_BARE = re.compile(rf"[\s*_`\"'(\[]*{_NUMBER}{_OF_FIVE}(?:\s*(?:stars?|points?))?[\s*_`\"')\].]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model thinks of an answer."""

    rating: float
    reason: str


def verdict(text: str) -> Verdict | None:
    r"""The rating, by JSON, by a label (`Rating: 4/5`; the last one counts) or alone on the first or last line.

    None where there is none, where it is not between 0 and 5, or where it is one out of another number than five.

    >>> verdict('{"reason": "All right.", "rating": 4.5}'), verdict("All is right.\nRating: 4/5")
    (Verdict(rating=4.5, reason='All right.'), Verdict(rating=4.0, reason='All is right.'))
    >>> verdict("3\nIt names no river."), verdict("8 of 10 points"), verdict("Rating: 7")
    (Verdict(rating=3.0, reason='It names no river.'), None, None)
    """
    found = _from_json(text)
    if found is not None:
        return found
    labelled = list(_LABELLED.finditer(text))
    if labelled:
        rating = _value(labelled[-1])
        kept = [line.strip() for line in text.splitlines() if not _LABELLED.search(line) or len(line) > 40]
        return None if rating is None else Verdict(rating, _reason(kept))
    lines = [line for line in text.splitlines() if line.strip()]
    for line in (lines[:1] + lines[-1:]) if lines else []:
        bare = _BARE.fullmatch(line)
        if bare:
            rating = _value(bare)
            return None if rating is None else Verdict(rating, _reason([other for other in lines if other is not line]))
    return None


def _value(found: re.Match[str]) -> float | None:
    rating = float(found[1].replace(",", "."))
    return rating if rating <= 5 and found[2] in (None, "5") else None


def _reason(lines: list[str]) -> str:
    said = " ".join(line.strip() for line in lines if line.strip())
    return re.sub(r"^[\s*_`]*reason[\s*_`]*:[\s*_`]*", "", said, flags=re.IGNORECASE)


def _from_json(text: str) -> Verdict | None:
    begin, end = text.find("{"), text.rfind("}")
    if begin < 0 or end < begin:
        return None
    try:
        said = json.loads(text[begin : end + 1])
    except (ValueError, RecursionError):
        return None
    rating = said.get("rating") if isinstance(said, dict) else None
    if isinstance(rating, bool) or not isinstance(rating, int | float) or not 0 <= rating <= 5:
        return None
    return Verdict(float(rating), str(said.get("reason", "")))
