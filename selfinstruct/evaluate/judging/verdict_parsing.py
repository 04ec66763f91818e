"""What a judge model said, read: a verdict on a pair, five aspects, a level; or the name of what is wrong with it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from selfinstruct.records import Json

ASPECTS: Mapping[str, str] = {
    "helpful": "helpfulness",
    "clear": "clarity",
    "factual": "factuality",
    "deep": "depth",
    "engaging": "engagement",
}
"""Of just-eval, as an answer names them and as its authors head them."""
LEVELS = "ABCD"
"""Of user-oriented tasks, from the best to the worst (arXiv 2212.10560, section 4.4)."""
NO_VERDICT = "no_verdict"
PROSE = "prose"
"""A judge that was asked for JSON and wrote sentences."""
BROKEN = "broken_json"
MISSING = "missing_aspect"
NOT_1_TO_5 = "not_1_to_5"

_MARKED = re.compile(r"\[\[\s*([A-D])\s*\]\]")
_LAST_WORD = re.compile(r"(?:verdict|rating|level|answer)?\s*:?\s*\W*([A-D])\W*", re.IGNORECASE)
_ONE = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "score": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["reason", "score"],
    "additionalProperties": False,
}
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": dict.fromkeys(ASPECTS, _ONE),
        "required": [*ASPECTS],
        "additionalProperties": False,
    }
)
"""Of an answer with five aspects, for judges that can be held to one."""


@dataclass(frozen=True, slots=True)
class AspectScores:
    """The five aspects of one answer."""

    scores: Mapping[str, int]
    """1 to 5, by aspect."""
    reasons: Mapping[str, str]

    @property
    def mean(self) -> float:
        """Mean of the five scores."""
        return sum(self.scores.values()) / len(self.scores)


def mark(said: str, letters: str) -> str | None:
    r"""The letter of a verdict: the last one in double brackets, else a last line that holds nothing else.

    >>> mark("B is false.\n[[A]]", "ABC"), mark("Both. [[A]] or [[B]]", "ABC"), mark("A is true.\nVerdict: A", "ABC")
    ('A', None, 'A')
    >>> mark("I like A, and B, too.", "ABC") is None
    True
    """
    marked = [letter for letter in _MARKED.findall(said) if letter in letters]
    if marked:
        last_line = _MARKED.findall(said.strip().splitlines()[-1])
        settled = set(last_line or marked)
        return marked[-1] if len(settled) == 1 else None
    lines = said.strip().splitlines()
    only = _LAST_WORD.fullmatch(lines[-1].strip()) if lines else None
    return only[1].upper() if only and only[1].upper() in letters else None


def aspects(said: str) -> AspectScores | str:
    r"""The five scores with their reasons, or the name of the fault; never a number that was not given as one.

    >>> aspects("The answer is very helpful, 5 of 5."), aspects('{"helpful": {"score": 5, "reason": "Right."}}')
    ('prose', 'missing_aspect')
    >>> verdict = {name: {"reason": "It is.", "score": 4} for name in ASPECTS}
    >>> aspects("```json\n" + json.dumps(verdict) + "\n```").mean, aspects(json.dumps(verdict | {"deep": {"score": 9}}))
    (4.0, 'not_1_to_5')
    """
    start, end = said.find("{"), said.rfind("}")
    if start < 0:
        return PROSE
    try:
        verdict = json.loads(said[start : end + 1])
    except (ValueError, RecursionError):
        return BROKEN
    if not isinstance(verdict, dict):
        return BROKEN
    scores: dict[str, int] = {}
    reasons: dict[str, str] = {}
    for name in ASPECTS:
        aspect = verdict.get(name)
        if not isinstance(aspect, dict) or "score" not in aspect:
            return MISSING
        score = _whole(aspect["score"])
        if score is None:
            return NOT_1_TO_5
        scores[name], reasons[name] = score, str(aspect.get("reason") or "")
    return AspectScores(scores, reasons)


def _whole(value: Json) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = int(value) if value.strip() in {"1", "2", "3", "4", "5"} else None
    if isinstance(value, int | float) and value in {1, 2, 3, 4, 5}:
        return int(value)
    return None
