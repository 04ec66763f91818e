"""The card of a published set: front matter for the Hub, and everything a reader must know, from plain values."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from selfinstruct.records import Json


@dataclass(frozen=True, slots=True)
class FunnelLine:
    """What one stage did, all rounds together."""

    stage: str
    received: int
    kept: int
    rejected: Mapping[str, int]
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """All a card tells."""

    title: str
    about: str
    license: str
    language: Sequence[str]
    layout: str
    rows: int
    tasks: int
    seeds: int
    seeds_source: str
    models: Sequence[str]
    profile: str
    run_seed: int
    version: str
    fingerprint: str
    stopped_because: str
    target: int | None
    funnel: Sequence[FunnelLine]
    stages: Mapping[str, Mapping[str, Json]]
    """Every stage's knobs."""
    requests: int
    failed_requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: str | None
    """US dollars of the answers used; None: unknown."""
    command: str
    example: Mapping[str, Json] | None
    parquet: bool


def size_category(rows: int) -> str:
    """The Hub's word for a size.

    >>> size_category(999), size_category(1000), size_category(2_000_000)
    ('n<1K', '1K<n<10K', '1M<n<10M')
    """
    for limit, name in ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M")):
        if rows < limit:
            return name
    return "1M<n<10M" if rows < 10**7 else "n>10M"


def render(card: Card) -> str:
    """The text of README.md; same card, same text."""
    return "\n".join((*_front_matter(card), *_body(card))) + "\n"


def _front_matter(card: Card) -> list[str]:
    """JSON strings are YAML strings, and safe ones."""
    lines = ["---", f"license: {json.dumps(card.license)}", "language:"]
    lines += [f"  - {json.dumps(code)}" for code in card.language]
    lines += [
        f"pretty_name: {json.dumps(card.title)}",
        "size_categories:",
        f"  - {json.dumps(size_category(card.rows))}",
        "task_categories:",
        "  - text-generation",
        "annotations_creators:",
        "  - machine-generated",
        "source_datasets:",
        "  - original",
        "tags:",
        "  - synthetic",
        "  - selfinstruct",
    ]
    if card.parquet:
        lines += ["configs:", "  - config_name: default", "    data_files:"]
        lines += ["      - split: train", "        path: data/train.parquet"]
    return [*lines, "---", ""]


def _body(card: Card) -> list[str]:
    goal = "" if card.target is None else f" The target was {card.target:,}."
    return [
        f"# {_plain(card.title)}",
        "",
        *([_plain(card.about), ""] if card.about else []),
        (
            f"{card.tasks:,} tasks ({card.rows:,} rows, one for each instance) in the `{card.layout}` layout, made "
            f"from {card.seeds:,} seed tasks ({_plain(card.seeds_source)}) by {_models(card)}.{goal} "
            f"The run ended because {_plain(card.stopped_because)}."
        ),
        "",
        "## Limits",
        "",
        (
            "Every row passed the rules below; that does not make it a good task or a right answer. Nobody has read "
            "them all. Draw a sample with `selfinstruct review` before training on them, and publish what it says."
        ),
        "The terms of the model that wrote the text may bind whoever uses it.",
        "",
        "## What was kept, and why the rest was not",
        "",
        "| stage | received | kept | rejected | failed |",
        "|---|---|---|---|---|",
        *[
            f"| {line.stage} | {line.received:,} | {line.kept:,} | {sum(line.rejected.values()):,} | {line.failed:,} |"
            for line in card.funnel
        ],
        "",
        *_reasons(card),
        "## Model calls",
        "",
        (
            f"{card.requests:,} requests, {card.failed_requests:,} of them without an answer; {card.prompt_tokens:,} "
            f"prompt tokens and {card.completion_tokens:,} completion tokens in the answers used. {_price(card)}"
        ),
        "",
        "## How it was made",
        "",
        "| stage | knobs |",
        "|---|---|",
        *[f"| {name} | {_knobs(knobs)} |" for name, knobs in card.stages.items()],
        "",
        (
            f"selfinstruct {card.version}, profile `{card.profile}`, seed {card.run_seed}, fingerprint "
            f"`{card.fingerprint[:16]}`. `recipe.yaml` in the run folder has every knob; this makes the run again:"
        ),
        "",
        *_fenced(card.command or "selfinstruct run recipe.yaml", "sh"),
        "",
        *_example(card),
    ]


def _price(card: Card) -> str:
    return "Their price is unknown." if card.cost is None else f"They cost ${card.cost}."


def _models(card: Card) -> str:
    return " and ".join(f"`{_plain(model)}`" for model in card.models) or "no model"


def _reasons(card: Card) -> list[str]:
    rows = [
        f"| {line.stage} | {_plain(reason)} | {count:,} |"
        for line in card.funnel
        for reason, count in line.rejected.items()
    ]
    return ["| stage | reason | rejected |", "|---|---|---|", *rows, ""] if rows else []


def _knobs(knobs: Mapping[str, Json]) -> str:
    return (
        ", ".join(f"{name}={_plain(json.dumps(value, ensure_ascii=False))}" for name, value in knobs.items()) or "none"
    )


def _example(card: Card) -> list[str]:
    if card.example is None:
        return []
    shown = json.dumps(dict(card.example), ensure_ascii=False, indent=2)
    return ["## One row", "", *_fenced(shown, "json")]


def _fenced(text: str, language: str) -> list[str]:
    """A fence longer than any run of backticks inside: record text is data, never mark-up."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", text, fence]


def _plain(text: str) -> str:
    """Text that stays text inside a Markdown line or table."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split())) if text else ""
