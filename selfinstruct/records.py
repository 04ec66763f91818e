"""The nouns that travel between rooms: frozen, typed, each with an identity made of its content and its origin."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, Self, TypeAlias

from selfinstruct.text.quoting import quoted_ascii

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

NO_EXTRA: Mapping[str, Json] = {}
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(*parts: Json) -> str:
    """SHA-256 of the parts as canonical JSON: sorted keys, no spaces, lone surrogates escaped.

    >>> digest("task", 1) == digest("task", 1), digest("a", "b") == digest("ab")
    (True, False)
    """
    return hashlib.sha256(_CANONICAL.encode(parts).encode("ascii")).hexdigest()


def _canonical(value: Json) -> bytes:
    if value is None:
        return b"null"
    if value is True or value is False:
        return b"true" if value else b"false"
    return b"%d" % value if type(value) is int else _CANONICAL.encode(value).encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a record comes from: enough to walk back to the seeds."""

    stage: str
    """The stage that made it; `seed` or `input` for what was read."""
    source: str = ""
    """For what was read: the name of the file, without its folder."""
    parents: tuple[str, ...] = ()
    """Ids of the records it was made from: the demonstrations shown, or the task that gained instances."""
    request: str = ""
    """Id of the completion it was read from, `KEY.ORDINAL/CHOICE`: `KEY` finds the raw answer in the journal."""
    model: str = ""
    prompt: str = ""
    """Name and version of the prompt text, such as `propose.completion/1`."""

    def as_json(self) -> dict[str, Json]:
        """Only the fields that say something."""
        everything: dict[str, Json] = {name: getattr(self, name) for name in self.__slots__}
        everything["parents"] = list(self.parents)
        return {key: value for key, value in everything.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(**{**data, "parents": tuple(data.get("parents", ()))})


@lru_cache(maxsize=64)
def _shared(*fields: tuple[str, Any]) -> Provenance:
    """One for all the records that were read from one file."""
    return Provenance(**dict(fields))


def provenance_of(data: Mapping[str, Any]) -> Provenance:
    """As it stands on a line; one for all the records of a file that was read."""
    return Provenance.from_json(data) if "parents" in data else _shared(*data.items())


def origin_of(provenance: Provenance) -> bytes:
    """As it stands in what a record's id is made of: without the brackets."""
    return b"%s,%s,[%s],%s" % (
        quoted_ascii(provenance.stage),
        quoted_ascii(provenance.source),
        b",".join(map(quoted_ascii, provenance.parents)) if provenance.parents else b"",
        quoted_ascii(provenance.request) if provenance.request else b'""',
    )


@dataclass(frozen=True, slots=True)
class Instance:
    """One (input, output) pair for an instruction; the input may be empty."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An instruction together with its instances (perhaps none yet).

    A conversation is a task whose one instance is the first answer; what was said before and after it stands beside.

    >>> river = Task(instruction="Name a river.", provenance=Provenance(stage="seed"))
    >>> river.id == replace(river, extra={"note": "mine"}).id, river.id == replace(river, ordinal=1).id
    (True, False)
    """

    instruction: str
    instances: tuple[Instance, ...] = ()
    is_classification: bool | None = None
    """None: not decided yet."""
    human: bool = False
    """True for a seed task, written by a person."""
    system: str = ""
    """What a conversation's system turn says."""
    later: tuple[Message, ...] = ()
    """Turns of a conversation after the first answer; only a task with exactly one instance has them."""
    unlearned: tuple[int, ...] = ()
    """Answers that are read and not to be learned, by number: of a conversation its answers, else the instances."""
    provenance: Provenance
    ordinal: int = 0
    """Tells identical siblings apart: same content, same origin."""
    extra: Mapping[str, Json] = field(default_factory=dict)
    """The user's own fields, their id among them; they survive the round trip and are no part of the identity."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """What stages measured of it, by name; no part of the identity, and gone when the instances change."""
    id: str = field(init=False)
    line: bytes | None = field(init=False, default=None, compare=False, repr=False)
    """The line of a file of ours that it was just read from, if that holds it and nothing beside: who keeps the record
    as it is writes this again. A record that is made of another has none."""

    def __post_init__(self) -> None:
        """Derive the identity."""
        object.__setattr__(self, "id", hashlib.sha256(self._identity()).hexdigest())

    def _identity(self) -> bytes:
        """What `digest("task", CONTENT, ORIGIN, ordinal)` would hash, put together text by text."""
        pairs = [
            b"[%s,%s]" % (quoted_ascii(instance.input), quoted_ascii(instance.output)) for instance in self.instances
        ]
        more = b""
        if self.system or self.later:
            turns = [b"[%s,%s]" % (quoted_ascii(turn.role), quoted_ascii(turn.content)) for turn in self.later]
            more = b",[%s,[%s]]" % (quoted_ascii(self.system), b",".join(turns))
        if self.unlearned:
            more += b',["unlearned",%s]' % b",".join(map(_canonical, self.unlearned))
        return b'["task",[%s,[%s],%s,%s%s],[%s],%s]' % (
            quoted_ascii(self.instruction),
            b",".join(pairs),
            _canonical(self.is_classification),
            _canonical(self.human),
            more,
            origin_of(self.provenance),
            _canonical(self.ordinal),
        )

    @property
    def held_out(self) -> bool:
        """Marked, by `split: test` among the extra fields, to be measured on and never learnt from."""
        return self.extra.get("split") == "test"

    def unlearned_in(self, index: int) -> frozenset[int]:
        """The answers of one instance, by their number in its conversation, that are not to be learned."""
        several = len(self.instances) > 1
        return frozenset(((0,) if index in self.unlearned else ()) if several else self.unlearned)

    def alone(self) -> Self:
        """It without its line, which memory that holds many records has no room for."""
        if self.line is not None:
            _put_line(self, None)
        return self

    @property
    def answers(self) -> int:
        """Of all instances, or of the conversation."""
        return len(self.instances) + sum(turn.role == "assistant" for turn in self.later)

    def grown(
        self,
        stage: str,
        *,
        instances: tuple[Instance, ...] | None = None,
        is_classification: bool | None = None,
        request: str = "",
        model: str = "",
        prompt: str = "",
    ) -> "Task":
        """A new record with more known about it, and this one as its parent."""
        return replace(
            self,
            instances=self.instances if instances is None else instances,
            is_classification=self.is_classification if is_classification is None else is_classification,
            provenance=Provenance(stage=stage, parents=(self.id,), request=request, model=model, prompt=prompt),
            ordinal=0,
            measures=self.measures if instances is None else {},
        )

    def as_json(self) -> dict[str, Json]:
        """One line of a JSONL file."""
        line: dict[str, Json] = {
            "kind": "task",
            "id": self.id,
            "instruction": self.instruction,
            "instances": [{"input": pair.input, "output": pair.output} for pair in self.instances],
            "is_classification": self.is_classification,
            "human": self.human,
            "provenance": self.provenance.as_json(),
        }
        if self.system:
            line["system"] = self.system
        if self.later:
            line["later"] = [{"role": turn.role, "content": turn.content} for turn in self.later]
        if self.unlearned:
            line["unlearned"] = list(self.unlearned)
        if self.ordinal:
            line["ordinal"] = self.ordinal
        if self.extra:
            line["extra"] = dict(self.extra)
        if self.measures:
            line["measures"] = dict(self.measures)
        return line

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`; the id is derived again, never trusted."""
        return cls(
            instruction=data["instruction"],
            instances=tuple(Instance(pair["input"], pair["output"]) for pair in data["instances"]),
            is_classification=data["is_classification"],
            human=data["human"],
            system=data.get("system", ""),
            later=tuple(Message(turn["role"], turn["content"]) for turn in data.get("later", ())),
            unlearned=tuple(data.get("unlearned", ())),
            provenance=Provenance.from_json(data["provenance"]),
            ordinal=data.get("ordinal", 0),
            extra=data.get("extra", {}),
            measures=data.get("measures", {}),
        )


def setter_of(name: str) -> Callable[[Task, object], None]:
    """Sets a field of a task that is being made: in a third less time than `object.__setattr__`."""
    put: Callable[[Task, object], None] = getattr(Task, name).__set__
    return put


_put_line = setter_of("line")


@dataclass(frozen=True, slots=True)
class Unread:
    """A line of an input that holds no usable record."""

    place: str
    """`file:line`."""
    text: str
    """How it begins, made fit to be shown."""

    @property
    def id(self) -> str:
        """Its place and beginning answer for it."""
        return digest("unread", self.place, self.text)

    def as_json(self) -> dict[str, Json]:
        """One line of a JSONL file."""
        return {"kind": "unread", "id": self.id, "place": self.place, "text": self.text}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(data["place"], data["text"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent to a model: a prompt (text, or chat messages) with its sampling parameters."""

    prompt: str | tuple[Message, ...]
    """A `str` is a raw completion prompt; messages are a chat."""
    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    stop: tuple[str, ...] = ()
    n: int = 1
    seed: int | None = None
    json_schema: str = ""
    """A JSON schema, as text, that the answer must follow; only for models whose traits say `structured`."""
    grammar: str = ""
    """A GBNF grammar that the answer must follow; only for models whose traits say `grammar`."""
    purpose: str = ""
    """Which question this is: `propose`, `classify`, `instances` ...; no part of the key."""
    subject: str = ""
    """The instruction asked about, where there is one; no part of the key."""
    thinking_tokens: int = 0
    """Tokens that the model may think with, beside `max_tokens` for the answer; no part of the key."""

    @property
    def most_tokens(self) -> int:
        """Of one choice, thinking and answer together."""
        return self.max_tokens + self.thinking_tokens

    def wire(self) -> dict[str, Json]:
        """Everything the answer depends on, and nothing else."""
        prompt: Json
        if isinstance(self.prompt, str):
            prompt = self.prompt
        else:
            prompt = [{"role": turn.role, "content": turn.content} for turn in self.prompt]
        return {
            "prompt": prompt,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "stop": list(self.stop),
            "n": self.n,
            "seed": self.seed,
            "json_schema": self.json_schema,
            "grammar": self.grammar,
        }

    def key(self, model: str) -> str:
        """SHA-256 of the canonical request to that model: never of an API key, a URL or a time-out."""
        return digest("request", model, self.wire())


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the texts that came back."""

    text: str
    finish_reason: str
    """`stop`, `length` (cut off), `content_filter` or what the endpoint says; empty when it says nothing."""
    thinking: str = ""
    """What the model wrote out before it answered; no part of the text."""

    def as_json(self) -> dict[str, Json]:
        """As a line of a file shows it."""
        fields: dict[str, Json] = {"text": self.text, "finish_reason": self.finish_reason}
        return fields | ({"thinking": self.thinking} if self.thinking else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one answer, all choices together."""

    prompt_tokens: int
    completion_tokens: int
    estimated: bool = False
    """True when the endpoint did not say and they were counted or bounded here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What came back for one request: n texts, consumed in index order."""

    request: str
    """`KEY.ORDINAL` of the request within its stage."""
    choices: tuple[Choice, ...]
    usage: Usage
    model: str
    cost: str | None = None
    """US dollars as a decimal string; None where the price is unknown."""

    def choice_id(self, index: int) -> str:
        """Id of one text: `KEY.ORDINAL/INDEX`."""
        return f"{self.request}/{index}"

    @property
    def id(self) -> str:
        """The request answers for the whole."""
        return self.request

    def as_json(self) -> dict[str, Json]:
        """One line of a JSONL file, or one row of the journal."""
        return {
            "kind": "completion",
            "id": self.id,
            "choices": [choice.as_json() for choice in self.choices],
            "usage": {
                "prompt_tokens": self.usage.prompt_tokens,
                "completion_tokens": self.usage.completion_tokens,
                "estimated": self.usage.estimated,
            },
            "model": self.model,
            "cost": self.cost,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(
            request=data["id"],
            choices=tuple(
                Choice(choice["text"], choice["finish_reason"], choice.get("thinking", ""))
                for choice in data["choices"]
            ),
            usage=Usage(**data["usage"]),
            model=data["model"],
            cost=data["cost"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A request that got no answer, after all its attempts."""

    request: str
    kind: str
    """Why, in one word: `timeout`, `server_error`, `not_recorded`, `too_long` ..."""
    message: str

    @property
    def id(self) -> str:
        """The request's own id."""
        return self.request

    def as_json(self) -> dict[str, Json]:
        """One line of a JSONL file."""
        return {"kind": "failure", "id": self.id, "error": self.kind, "message": self.message}


Record: TypeAlias = Task | Completion | Unread


def record_from_json(data: Mapping[str, Any]) -> Record:
    """The record a line holds, by its `kind`."""
    match data["kind"]:
        case "completion":
            return Completion.from_json(data)
        case "unread":
            return Unread.from_json(data)
        case _:
            return Task.from_json(data)
