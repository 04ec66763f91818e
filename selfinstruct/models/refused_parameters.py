"""Reads a refusal: which parameter an endpoint does not take, whatever words and form it says so in."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from selfinstruct.models.endpoint_capabilities import LIMITS, REFUSABLE, RequestStyle
from selfinstruct.records import Json

_ABOUT_THE_REQUEST = frozenset({400, 415, 422, 424, 500, 501})
_EXPLAINED = frozenset({424, 500, 501})  # these say as well that something broke: only plain words count
_REFUSING = re.compile(
    r"not? (?:an? )?(?:be )?(?:support|implement|allow|permit|accept|available|recogni|valid|enabled|specified|used)"
    r"|n['o]t (?:support|allow|accept|work|specify|use)|unsupported|unavailable|unknown|unrecogni[sz]ed|unexpected"
    r"|invalid|extra|forbid|deprecat|additional propert|incompatible|only (?:one|the default|supports?|user|accepts?)"
    r"|no such (?:param|field|option)|must (?:alternate|be (?:omitted|unset|absent|null|1\b|one\b))"
    r"|cannot|can't|instead|removed?\b|ignored",
    re.IGNORECASE,
)
_TOO_MUCH = re.compile(
    r"too (?:large|big|high|long|many|small|low)|exceed|at (?:most|least)|(?:less|greater|more|fewer) than"
    r"|maximum|minimum|in the range|between|context|[<>]=?",
    re.IGNORECASE,
)
_NOT_TAKEN = re.compile(
    r"unsupported param|not support|n't support|unrecogni[sz]ed|unknown|unexpected|extra|not permitted|forbid|deprecat"
    r"|additional propert|instead",
    re.IGNORECASE,
)
_NOT_BOTH = re.compile(
    r"both|together|either|only one|one of|simultaneous|at the same time|mutually|exclusive|in combination|combined",
    re.IGNORECASE,
)
_SYSTEM = re.compile(
    r"system['\"`]?[ _-]?(?:role|message|prompt|instruction|turn)|roles?\b.{0,40}\bsystem\b|roles must alternate"
    r"|must alternate|does not support ['\"`]?system|only user and (?:assistant|model)"
    r"|developer (?:instruction|message)",
    re.IGNORECASE | re.DOTALL,
)
# Words that are no names of parameters alone: marked as one, or with what else people call them.
_NAMES: Mapping[str, re.Pattern[str]] = {
    "n": re.compile(
        r"['\"`]n['\"`]|\bn ?(?:=|>|<|!=|must)|\b(?:parameter|param|field|argument|option|property):? n\b"
        r"|(?:multiple|several|more than one|only one|number of) (?:completion )?(?:choice|completion)s?",
        re.IGNORECASE,
    ),
    "stop": re.compile(
        r"['\"`]stop['\"`]|\b(?:parameter|param|field|argument|option|property):? stop\b"
        r"|stop[ _]?(?:sequence|word|string)|\bstop (?:is|array|list)",
        re.IGNORECASE,
    ),
    "seed": re.compile(r"\bseed(?:ing)?\b", re.IGNORECASE),
    "temperature": re.compile(r"\btemperature\b", re.IGNORECASE),
    "top_p": re.compile(r"\btop[_-]?p\b|\bnucleus\b", re.IGNORECASE),
    "presence_penalty": re.compile(r"\bpresence[_ ]?penalty\b|\bpenalties\b", re.IGNORECASE),
    "frequency_penalty": re.compile(r"\bfrequency[_ ]?penalty\b|\bpenalties\b", re.IGNORECASE),
    "response_format": re.compile(
        r"response[_ ]?format|json[_ -]?schema|json[_ -]?(?:mode|object)|structured[_ -]?(?:output|generation)|"
        r"guided[_ -]?(?:json|decoding)|\bgrammar\b",
        re.IGNORECASE,
    ),
    "max_tokens": re.compile(r"\bmax_tokens\b|\bmaxTokens\b"),
    "max_completion_tokens": re.compile(r"\bmax_completion_tokens\b|\bmaxCompletionTokens\b"),
}
_REPEATED = frozenset({"input", "messages", "prompt", "body"})  # what was sent, told back
_MOST_NAMED = 3  # who names more than that repeats the request
# What an endpoint that gives no reason most likely means: tried one by one, in this order, and then all.
SUSPECTS = ("response_format", "seed", "n", "presence_penalty", "frequency_penalty", "stop", "top_p", "temperature")


def adapted(way: RequestStyle, status: int, content: bytes, body: Mapping[str, Json]) -> RequestStyle | None:
    r"""The way to ask so that this refusal does not come again; None where it names nothing that could be changed.

    >>> said = b'{"error": {"message": "Unsupported parameter", "param": "seed"}}'
    >>> adapted(RequestStyle(), 400, said, {"model": "m", "seed": 1}).left_out
    ('seed',)
    """
    if status not in _ABOUT_THE_REQUEST:
        return None
    refusal = _Refusal(content)
    if status in _EXPLAINED and not _REFUSING.search(refusal.text):
        return None
    pointed = refusal.pointed(body)
    named = pointed or {name for name, words in _NAMES.items() if name in body and words.search(refusal.text)}
    if not pointed and len(named) > _MOST_NAMED:
        named = set()
    if {"temperature", "top_p"} & named and {"temperature", "top_p"} <= {*body} and _both(refusal.text):
        return replace(way, one_of_two=True)
    if not pointed and not _REFUSING.search(refusal.text):
        named = set()
    limits = {name for name in LIMITS if name in named}
    if limits and not _limit_refused(refusal.text, way.limit, pointed):
        return None  # a matter of how many
    named -= {*LIMITS} - limits
    if named:
        return way.without(*named)
    return _other_speaker(way, refusal, body)


def _both(text: str) -> bool:
    return bool(_NAMES["temperature"].search(text) and _NAMES["top_p"].search(text) and _NOT_BOTH.search(text))


def _limit_refused(text: str, limit: str, pointed: set[str]) -> bool:
    other = next(name for name in LIMITS if name != limit)
    if _NOT_TAKEN.search(text):
        return True
    return bool(limit in pointed or _NAMES[other].search(text)) and not _TOO_MUCH.search(text)


def _other_speaker(way: RequestStyle, refusal: "_Refusal", body: Mapping[str, Json]) -> RequestStyle | None:
    messages = body.get("messages")
    roles = {str(turn["role"]) for turn in messages if isinstance(turn, dict)} if isinstance(messages, list) else set()
    if not roles & {"system", "developer"} or not (_SYSTEM.search(refusal.text) or refusal.about_roles):
        return None
    developer = way.system == "system" and re.search(r"developer", refusal.text) and "developer" not in roles
    if developer and not re.search(r"developer (?:instruction|message)", refusal.text, re.IGNORECASE):
        return replace(way, system="developer")
    return replace(way, system="user")


class _Refusal:
    """What an error says: its texts, also those of JSON within a text, and where it points to."""

    def __init__(self, content: bytes) -> None:
        raw = content.decode("utf-8", errors="replace")[:20_000]
        self._values = list(_values(raw, 0))
        self.text = "\n".join(value for _, value in self._values)

    def pointed(self, body: Mapping[str, Json]) -> set[str]:
        """Parameters of the body that the error's own fields for that name."""
        named: set[str] = set()
        for key, value in self._values:
            if key in {"param", "loc", "parameter", "field", "path"}:
                named |= {part for part in re.split(r"[^\w]+", value) if part in REFUSABLE and part in body}
        # `loc: ('body', 'seed')`, as text within a message
        for place in re.findall(r"['\"]loc['\"]: ?[(\[]([^)\]]*)[)\]]", self.text):
            named |= {part for part in re.split(r"[^\w]+", place) if part in REFUSABLE and part in body}
        return named

    @property
    def about_roles(self) -> bool:
        """It points to the role of a message."""
        return any(key in {"param", "loc"} and re.search(r"messages.*role", value) for key, value in self._values)


def _values(raw: str, depth: int) -> Iterator[tuple[str, str]]:
    """Key and text of everything in a body, JSON in texts opened too."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        yield "", raw
        return
    yield from _walked("", data, depth)


def _walked(key: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON of any shape
    if depth > 8:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in _REPEATED:
                yield from _walked(str(name), item, depth + 1)
    elif isinstance(value, list):
        if key == "loc":
            yield key, ".".join(map(str, value))
        else:
            for item in value:
                yield from _walked(key, item, depth + 1)
    elif isinstance(value, str):
        if value.lstrip()[:1] in {"{", "["}:
            yield from _values(value, depth + 1)
        else:
            yield key, value
