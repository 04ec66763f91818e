"""What an endpoint can do, and how each of its two paths is asked: learned, or stated in a recipe."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from selfinstruct.errors import BadInput
from selfinstruct.records import Json, Request
from selfinstruct.text import shown

COMPLETIONS, CHAT = "/completions", "/chat/completions"

LIMITS = ("max_tokens", "max_completion_tokens")
"""The two names of the most tokens an answer may have; an endpoint that refuses one is asked with the other."""
SAMPLING = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "seed")
REFUSABLE = (*SAMPLING, "stop", "n", "response_format", *LIMITS)
"""What may be left out of a request: there is another way for each, or the answer is only less to order."""

SystemRole = Literal["system", "developer", "user"]
_SYSTEM: tuple[SystemRole, ...] = ("system", "developer", "user")
_STATED = ("completions", "chat", "schema", "max_tokens", "refuses", "temperature_with_top_p", "system", "n", "streams")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStyle:
    """How one path is asked."""

    left_out: tuple[str, ...] = ()
    """Parameters that it refuses, by name. `stop` is then kept here, `n` asked for one at a time."""
    one_of_two: bool = False
    """Takes temperature or top_p, not both."""
    system: SystemRole = "system"
    """Who says what a system message says; `user`: it goes before the first thing that the user says."""
    streams: bool = False
    """Answers as a stream unless told not to."""

    @property
    def limit(self) -> str:
        """The name of the most tokens; empty where both are refused.

        >>> RequestStyle().limit, RequestStyle(left_out=("max_tokens",)).limit, RequestStyle(left_out=LIMITS).limit
        ('max_tokens', 'max_completion_tokens', '')
        """
        return next((name for name in LIMITS if name not in self.left_out), "")

    def without(self, *names: str) -> "RequestStyle":
        """The same, with these left out too."""
        return replace(self, left_out=tuple(sorted({*self.left_out, *names})))

    def as_json(self) -> dict[str, Json]:
        """Of a file that is read again."""
        return {
            "left_out": list(self.left_out),
            "one_of_two": self.one_of_two,
            "system": self.system,
            "streams": self.streams,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`; ValueError, TypeError or KeyError where it is none."""
        left_out, system = data["left_out"], data["system"]
        if not isinstance(left_out, list) or not {*left_out} <= {*REFUSABLE} or system not in _SYSTEM:
            raise ValueError(data)
        return cls(
            left_out=tuple(left_out),
            one_of_two=_flag(data["one_of_two"]),
            system=system,
            streams=_flag(data["streams"]),
        )

    @property
    def words(self) -> list[str]:
        """What is unusual, in words for a person."""
        words = []
        if "max_tokens" in self.left_out:
            words.append(f"{self.limit} for max_tokens" if self.limit else "no limit on an answer's tokens")
        other = [name for name in self.left_out if name not in (*LIMITS, "n", "response_format")]
        words += [f"without {', '.join(other)}"] if other else []
        words += ["temperature or top_p, not both"] if self.one_of_two else []
        words += ["one choice at a time"] if "n" in self.left_out else []
        words += ["told not to stream"] if self.streams else []
        words += [f"system messages as {self.system}"] if self.system != "system" else []
        return words


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an endpoint can do. Its shape stays as it is for a run: what stages ask depends on it, and so do keys."""

    completions: bool = True
    chat: bool = True
    schema: bool = True
    """Holds an answer to a JSON schema."""
    text: RequestStyle = RequestStyle()
    """How completions are asked."""
    turns: RequestStyle = RequestStyle()
    """How chat is asked."""

    def way(self, path: str) -> RequestStyle:
        """How requests to this path are written."""
        return self.text if path == COMPLETIONS else self.turns

    def with_way(self, path: str, way: RequestStyle) -> "Capabilities":
        """The same, one path asked in another way."""
        return replace(self, text=way) if path == COMPLETIONS else replace(self, turns=way)

    def as_json(self) -> dict[str, Json]:
        """Of a file that is read again."""
        return {
            "completions": self.completions,
            "chat": self.chat,
            "schema": self.schema,
            "text": self.text.as_json(),
            "turns": self.turns.as_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`; ValueError, TypeError or KeyError where it is none."""
        return cls(
            completions=_flag(data["completions"]),
            chat=_flag(data["chat"]),
            schema=_flag(data["schema"]),
            text=RequestStyle.from_json(data["text"]),
            turns=RequestStyle.from_json(data["turns"]),
        )

    @property
    def words(self) -> str:
        """Capabilities in a line for a person.

        >>> Capabilities(completions=False, schema=False, turns=RequestStyle(left_out=("max_tokens", "seed"))).words
        'chat, no JSON schema, max_completion_tokens for max_tokens, without seed'
        """
        paths = [name for name, has in (("completions", self.completions), ("chat", self.chat)) if has]
        if self.chat:
            paths.append("JSON schema" if self.schema else "no JSON schema")
        habits = [*(self.text.words if self.completions else []), *(self.turns.words if self.chat else [])]
        return ", ".join([*paths, *dict.fromkeys(habits)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a recipe says of an endpoint; None where it says nothing, and asking will tell."""

    completions: bool | None = None
    chat: bool | None = None
    schema: bool | None = None
    max_tokens: str | None = None
    """The name of the limit: `max_tokens`, `max_completion_tokens`, or `none`."""
    refuses: tuple[str, ...] = ()
    temperature_with_top_p: bool | None = None
    system: SystemRole | None = None
    n: bool | None = None
    streams: bool | None = None

    @property
    def whole(self) -> bool:
        """Nothing is left to ask before the first request."""
        shape = self.completions is not None and self.chat is not None
        return shape and (not self.chat or self.schema is not None)

    def over(self, learned: Capabilities) -> Capabilities:
        """What is known, where the recipe does not say otherwise."""
        given = {name: getattr(self, name) for name in ("completions", "chat", "schema")}
        shape = {name: value for name, value in given.items() if value is not None}
        return replace(learned, **shape, text=self._over(learned.text), turns=self._over(learned.turns))

    def _over(self, way: RequestStyle) -> RequestStyle:
        refused = {*way.left_out, *self.refuses}
        if self.max_tokens is not None:
            refused = (refused | {*LIMITS}) - {self.max_tokens}
        if self.n is not None:
            refused = refused - {"n"} if self.n else refused | {"n"}
        return RequestStyle(
            left_out=tuple(sorted(refused)),
            one_of_two=way.one_of_two if self.temperature_with_top_p is None else not self.temperature_with_top_p,
            system=self.system or way.system,
            streams=way.streams if self.streams is None else self.streams,
        )


def stated(given: Mapping[str, Any], place: str) -> Stated:
    """The mapping `capabilities` of a recipe; BadInput names the key.

    >>> stated({"completions": False, "refuses": ["seed"]}, "recipe.yaml:3").refuses
    ('seed',)
    """
    stated: dict[str, Any] = {}
    for key, value in given.items():
        if key not in _STATED:
            raise BadInput(f"no capability '{shown(str(key))}'", place=place, fix=f"capabilities: {', '.join(_STATED)}")
        stated[key] = _checked(key, value, place)
    if stated.get("completions") is False and stated.get("chat") is False:
        raise BadInput("neither completions nor chat", place=place, fix="state what the endpoint has")
    return Stated(**stated)


def _checked(key: str, value: object, place: str) -> object:
    choices: dict[str, tuple[str, ...]] = {"max_tokens": (*LIMITS, "none"), "system": _SYSTEM}
    if key in choices:
        if value not in choices[key]:
            raise BadInput(f"capabilities.{key}: {value!r}", place=place, fix=f"one of: {', '.join(choices[key])}")
        return value
    if key == "refuses":
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not {*map(str, names)} <= {*REFUSABLE}:
            what = f"capabilities.refuses: {shown(str(value))}"
            raise BadInput(what, place=place, fix=f"a list of: {', '.join(REFUSABLE)}")
        return tuple(map(str, names))
    if not isinstance(value, bool):
        raise BadInput(f"capabilities.{key}: expected true or false", place=place, fix="correct it")
    return value


def path_of(request: Request) -> str:
    """Text goes to completions, messages to chat."""
    return COMPLETIONS if isinstance(request.prompt, str) else CHAT


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value
