"""The keys of a recipe: what each says, which values it takes, and what it is when nobody writes it."""

import difflib
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    WithJsonSchema,
)

from selfinstruct import plugins
from selfinstruct.models.hosted import HostedModel
from selfinstruct.text import shown

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Whole = Annotated[int, Field(ge=1, le=100_000_000)]
RENAMED = {"format": "template", "shape": "template"}
"""Knobs of stages that are refused, by the names that they had."""
LARGEST = 2**63
Tokens = Annotated[int, Field(ge=1, lt=LARGEST)]
PUBLISHED_LAYOUTS = ("messages", "alpaca", "prompt_completion", "sharegpt", "tags", "self_instruct")
_AMOUNT = r"\d+(\.\d+)?"


def _dollars(given: object) -> object:
    """A number is dollars too: 5, 0.5 and "0.50" are what people write."""
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    amount = format(Decimal(str(given)), "f") if is_number else given
    if not isinstance(amount, str) or not re.fullmatch(_AMOUNT, amount):
        raise ValueError("no amount of dollars: write a number such as 5 or 0.50")
    return amount


Dollars = Annotated[
    str,
    BeforeValidator(_dollars),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": f"^{_AMOUNT}$"}]}),
]


def _layout(given: str) -> str:
    if given not in PUBLISHED_LAYOUTS and plugins.find("formats", given) is None:
        known = (*PUBLISHED_LAYOUTS, *plugins.names("formats"))
        raise ValueError(f"no layout '{shown(given)}'{nearest(given, known)}: one of {', '.join(known)}")
    return given


PublishedLayout = Annotated[
    str,
    AfterValidator(_layout),
    WithJsonSchema({"anyOf": [{"enum": list(PUBLISHED_LAYOUTS)}, {"type": "string", "pattern": plugins.DOTTED}]}),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Input(_Strict):
    """A set to work on."""

    path: Annotated[str, Field(min_length=1)]
    """A file, a folder, a Hub id, or `builtin` for our seed tasks."""
    layout: str = Field(default="", alias="from")
    """Its layout, where it is not to be told by looking, or is one of the twelve sets of Camels."""
    compat: Literal["", "camels"] = ""
    """`camels`: with the two quirks of that paper's converters."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Which column is the `instruction`, the `output`, the `input`, the `system`; or which holds the `messages`."""


def _spelt_out(given: object) -> object:
    """A bare path is an input too."""
    return {"path": given} if isinstance(given, str) else given


class Publish(_Strict):
    """What the published folder looks like."""

    format: PublishedLayout = "messages"
    """A layout of ours, one of a package that is installed, or a dotted path."""
    files: tuple[Literal["jsonl", "parquet"], ...] = ("jsonl", "parquet")
    """Which files the published set has."""
    license: str = "other"
    """Licence of the result, for the card; the terms of the model that wrote it may bind you: nobody guesses here."""
    language: tuple[str, ...] = ("en",)
    """ISO 639-1 codes of the set, for the card."""
    title: str = ""
    """Of the card; empty: the name of the recipe."""
    first_turn: bool = False
    """Of conversations only the first turn, where the format has room for no more."""


class Limits(_Strict):
    """Bounds on money, speed and patience: no part of what the run is, so they may change between two tries."""

    max_cost: Dollars | None = None
    """US dollars; kept as text, so that no rounding happens."""
    max_total_tokens: Tokens | None = None
    """Tokens of prompts and completions that may be spent in all."""
    prices: str | None = None
    """A file of prices (US dollars per million tokens) for models the price library does not know."""
    in_flight: Whole | None = None
    """Requests at a time; None: the backend's own default."""
    requests_per_minute: Whole | None = None
    """Requests a minute, of all models together."""
    tokens_per_minute: Tokens | None = None
    """Tokens a minute."""
    thinking_tokens: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    """Tokens for thinking, beside those of each answer; None: none until the model is seen to think, then 4,096."""
    attempts: Whole = 6
    """Tries of a request before it has failed for good."""
    timeout: Annotated[float, Field(gt=0)] = 600.0
    """Seconds for one answer."""
    give_up_after: Whole = 8
    """Requests in a row that fail for good before the run stops."""


class Stop(_Strict):
    """When to give up although the target is not reached."""

    barren_requests: Whole = 48
    """Requests in a row from which not one task was kept: novelty has dried up."""


class RecipeKeys(_Strict):
    """Everything a run does. Order is meaning."""

    name: Name
    """What the run is called, and its folder if no other is given."""
    about: str = ""
    """In words, for people."""
    seed: Annotated[int, Field(ge=0, lt=LARGEST)] = 42
    """Of all randomness."""
    profile: Literal["default", "reference"] = "default"
    """`reference`: the decisions of the released Self-Instruct program, bit for bit."""
    topic: Annotated[str, Field(max_length=200)] = "auto"
    """What tasks are to be about, in a few words; `auto`: what the seeds have in common, if anything; `none`."""
    seeds: str = ""
    """A file of seed tasks, or `builtin`; empty: `builtin` for rounds, none for inputs."""
    seeds_columns: dict[str, str] = Field(default_factory=dict)
    """Which column of the seeds is the `instruction`, the `output`, the `input`, where it is not to be told by name."""
    holdout_seeds: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    """Seeds, drawn by `seed`, that no model is shown: to measure a student on. Novelty compares with them too."""
    inputs: tuple[Annotated[Input, BeforeValidator(_spelt_out)], ...] = ()
    """Sets to work on, in place of rounds."""
    strict: bool = False
    """End at the first record of an input that cannot be used, in place of rejecting it."""
    models: dict[Name, str | InstanceOf[HostedModel]] = Field(default_factory=dict)
    """Role, such as `teacher`, and model spec, or a mapping that says where an endpoint is and how it is asked."""
    count: Whole = 100
    """Tasks that must have passed every stage of the rounds."""
    cycles: Whole = 1
    """How often the whole is walked: each cycle makes `count` tasks more, and its student's failures steer the next."""
    arms: dict[Name, tuple[str, ...]] = Field(default_factory=dict)
    """Name and changes, as words of `--set`: the recipe is run once for each, in a folder of its own, and compared."""
    student_teaches: bool = False
    """From the second cycle on the student proposes tasks and answers them; who classes or rates them stays."""
    requests_per_round: Whole | None = None
    """None: 32 for a model behind an endpoint, 4 for a small one, 5 in the reference profile."""
    lag: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Requests of earlier rounds that may still be under way when a round begins; 0: none, each round waits for the one
    before it. None: 256 where an endpoint is asked, else 0. Cycles and the reference profile always wait."""
    rounds: tuple[Any, ...] = ()
    """Stages repeated until `count` is reached."""
    stages: tuple[Any, ...] = ()
    """Stages run once, after the rounds or on `inputs`."""
    publish: Publish | None = Publish()
    """What the published set looks like; null: none is published."""
    stop: Stop = Stop()
    """When to give up although the target is not reached."""
    limits: Limits = Limits()
    """Bounds on money, speed and patience; they may change between two tries."""
    code: dict[str, str] = Field(default_factory=dict)
    """By dotted path, the hash of the source of each stage and rule that no package brings; a run writes it."""

    @property
    def specs(self) -> dict[str, str]:
        """Role and model spec, which says nothing of an address."""
        return {role: model if isinstance(model, str) else model.spec for role, model in self.models.items()}


def nearest(word: str, known: Iterable[str]) -> str:
    """What may have been meant by a key, in brackets: its new name, or the likeliest of those that are known.

    >>> nearest("format", ["template", "rank"]), nearest("ramk", ["template", "rank"]), nearest("x", ["rank"])
    (" (it is called 'template' now)", " (did you mean 'rank'?)", '')
    """
    names = list(known)
    if RENAMED.get(word) in names:
        return f" (it is called '{RENAMED[word]}' now)"
    likely = difflib.get_close_matches(word, names, 1)
    return f" (did you mean '{likely[0]}'?)" if likely else ""


def built_name(spec: str) -> str | None:
    """What a spec `built:NAME` names; None for any other.

    >>> built_name("built:student"), built_name("embedded")
    ('student', None)
    """
    kind, colon, name = spec.partition(":")
    return name if kind == "built" and colon else None


def student_role(recipe: RecipeKeys) -> str:
    """The role that the recipe's student has: the first with a spec `built:NAME`; empty where it does not teach."""
    roles = (role for role, spec in recipe.specs.items() if built_name(spec))
    return next(roles, "") if recipe.student_teaches else ""
