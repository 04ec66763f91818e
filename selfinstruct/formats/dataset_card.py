"""The card of a published set: front matter for the Hub, all a reader must know, splits; strangers' text escaped.

`huggingface_hub` reads it as it would read its own (a test), and does not write it: the order of its keys, hence the
bytes of a published set, is its version's; of a title with a line separator (U+0085, U+2028) it makes another; and it
takes 0.4 s to load.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from selfinstruct.records import Json


@dataclass(frozen=True, slots=True)
class FunnelLine:
    """What one stage did, all rounds together."""

    stage: str
    received: int
    kept: int
    rejected: Mapping[str, int]
    failed: int


@dataclass(frozen=True, slots=True)
class SplitLine:
    """How much one split holds."""

    name: str
    tasks: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCheck:
    """Up to where records of two splits may be alike, and how alike the most alike are."""

    jaccard: float
    shingle_words: int
    rouge_l_below: float
    """0: instructions were not compared by ROUGE-L."""
    checked: int
    """Records of the test split that were compared with all others."""
    highest_jaccard: float
    """0 where they share nothing."""
    highest_rouge_l: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The facts of a data set that its card states."""

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
    stages: Sequence[tuple[str, Mapping[str, Json]]]
    """Every stage's name and knobs, in order: one may stand there twice."""
    requests: int
    failed_requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: str | None
    """US dollars of the answers used; None: unknown."""
    command: str
    example: Mapping[str, Json] | None
    parquet: bool
    content: str = ""
    """SHA-256 of the rows, as `write_dataset` tells it."""
    estimated: bool = False
    """Some of the tokens were counted here, because the endpoint did not say."""
    addresses: Sequence[tuple[str, str]] = ()
    """Model and base URL, of each that was asked over a network."""
    called: Mapping[str, str] = field(default_factory=dict)
    """By model, what the world calls it, where its spec does not say."""
    terms: Mapping[str, str] = field(default_factory=dict)
    """By model, the terms its text comes under, where they are known."""
    inputs: Sequence[str] = ()
    """The sets it was made of, where it was not generated."""
    checked: Mapping[str, int] = field(default_factory=dict)
    """By benchmark, how many records were removed because they held some of it."""
    splits: Sequence[SplitLine] = ()
    """Where there are several; else all is for training."""
    split_check: SplitCheck | None = None
    """None: the splits were there before, and this run did not compare them."""
    held_out_seeds: int = 0
    """Seeds that no model was shown."""


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
    lines = ["---", f"license: {quoted(card.license)}"]
    if card.language:
        lines += ["language:", *(f"  - {quoted(code)}" for code in card.language)]
    lines += [
        f"pretty_name: {quoted(card.title)}",
        "size_categories:",
        f"  - {quoted(size_category(card.rows))}",
        "task_categories:",
        "  - text-generation",
        *([] if card.inputs and not card.models else ["annotations_creators:", "  - machine-generated"]),
        "source_datasets:",
        f"  - {'extended' if card.inputs else 'original'}",
        "tags:",
        *([] if card.inputs and not card.models else ["  - synthetic"]),
        "  - selfinstruct",
    ]
    if card.parquet:
        lines += ["configs:", "  - config_name: default"]
        # `datasets` caches by the names of folder, config and files: without this, one run's set is taken for another's
        lines += [f"    description: {quoted(f'rows of SHA-256 {card.content}')}"] if card.content else []
        lines += ["    data_files:"]
        for split in [line.name for line in card.splits] or ["train"]:
            lines += [f"      - split: {split}", f"        path: data/{split}.parquet"]
    return [*lines, "---", ""]


def _body(card: Card) -> list[str]:
    goal = "" if card.target is None else f" The target was {card.target:,}."
    return [
        f"# {plain(card.title)}",
        "",
        *([plain(card.about), ""] if card.about else []),
        (
            f"{card.tasks:,} tasks ({card.rows:,} rows, one for each instance) in the {code(card.layout)} layout, "
            f"made from {_origin(card)} by {_models(card)}.{goal} "
            f"The run ended because {plain(card.stopped_because)}."
        ),
        "",
        *splits_section(card.splits, card.split_check),
        "## Limits",
        "",
        (
            "Every row passed the rules below; that does not make it a good task or a right answer. Nobody has read "
            "them all. Draw a sample with `selfinstruct review` before training on them, and publish what it says."
        ),
        "",
        "## Models and their terms",
        "",
        "The terms of the model that wrote the text may bind whoever uses it.",
        "",
        *_terms(card),
        "",
        "## What was kept, and why the rest was not",
        "",
        "| stage | received | kept | rejected | failed |",
        "|---|---|---|---|---|",
        *map(_funnel_line, card.funnel),
        "",
        *_reasons(card),
        *_checked(card),
        "## Model calls",
        "",
        (
            f"{card.requests:,} requests, {card.failed_requests:,} of them without an answer; {card.prompt_tokens:,} "
            f"prompt tokens and {card.completion_tokens:,} completion tokens in the answers used{_counted(card)}. "
            f"{_price(card)}"
        ),
        "",
        "## How it was made",
        "",
        "| stage | knobs |",
        "|---|---|",
        *[f"| {plain(name)} | {_knobs(knobs)} |" for name, knobs in card.stages],
        "",
        (
            f"selfinstruct {plain(card.version)}, profile {code(card.profile)}, seed {card.run_seed}, fingerprint "
            f"{code(card.fingerprint[:16])}. `recipe.yaml` in the run folder has every knob; this makes the run again:"
        ),
        "",
        *fenced(card.command or "selfinstruct run recipe.yaml", "sh"),
        "",
        *_example(card),
    ]


def _funnel_line(line: FunnelLine) -> str:
    rejected = sum(line.rejected.values())
    return f"| {plain(line.stage)} | {line.received:,} | {line.kept:,} | {rejected:,} | {line.failed:,} |"


def _price(card: Card) -> str:
    return "Their price is unknown." if card.cost is None else f"They cost ${card.cost}."


def _counted(card: Card) -> str:
    return " (in part counted here, not by the endpoint)" if card.estimated else ""


def _models(card: Card) -> str:
    def named(model: str) -> str:
        places = [code(url) for name, url in card.addresses if name == model]
        called = [plain(card.called[model])] if model in card.called else []
        details = [*called, *([f"at {' and '.join(places)}"] if places else [])]
        return code(model) + (f" ({', '.join(details)})" if details else "")

    return " and ".join(map(named, card.models)) or "no model"


def _origin(card: Card) -> str:
    if card.inputs:
        return ", ".join(code(name) for name in card.inputs)
    held_out = ""
    if card.held_out_seeds:
        held_out = f"; {card.held_out_seeds:,} more were held out: shown to no model, kept in `holdout_seeds.jsonl`"
    return f"{card.seeds:,} seed tasks ({plain(card.seeds_source)}{held_out})"


def _checked(card: Card) -> list[str]:
    """What the set was compared with, so that nobody has to guess."""
    if not card.checked:
        return ["Not checked against any benchmark.", ""]
    return [
        "## Checked against",
        "",
        "| benchmark | records removed |",
        "|---|---|",
        *(f"| {plain(name)} | {count:,} |" for name, count in card.checked.items()),
        "",
    ]


def _terms(card: Card) -> list[str]:
    unknown = "not known to this tool: read those of whoever serves it"
    return [f"- {code(model)}: {plain(card.terms.get(model, unknown))}" for model in card.models] or ["No model."]


def _reasons(card: Card) -> list[str]:
    rows = [
        f"| {plain(line.stage)} | {plain(reason)} | {count:,} |"
        for line in card.funnel
        for reason, count in line.rejected.items()
    ]
    return ["| stage | reason | rejected |", "|---|---|---|", *rows, ""] if rows else []


def _knobs(knobs: Mapping[str, Json]) -> str:
    said = (f"{plain(name)} = {cell(json.dumps(value, ensure_ascii=False))}" for name, value in knobs.items())
    return ", ".join(said) or "none"


def _example(card: Card) -> list[str]:
    if card.example is None:
        return []
    columns = [f"| {code(column)} | {_COLUMNS.get(column, 'text')} |" for column in card.example]
    text = json.dumps(_short(dict(card.example)), ensure_ascii=False, indent=2)
    return [
        "## Columns",
        "",
        "| column | holds |",
        "|---|---|",
        *columns,
        "",
        f"The first row (texts over {_LONGEST:,} characters are cut here, not in the set):",
        "",
        *fenced(text, "json"),
    ]


_LONGEST = 2000
_COLUMNS = {
    "messages": "the turns: `role` is `user` or `assistant`, `content` the text",
    "conversations": "the turns: `from` is `human` or `gpt`, `value` the text",
    "instruction": "what is asked for",
    "input": "what it is asked about; may be empty",
    "output": "the answer",
    "prompt": "the text to continue",
    "completion": "how it goes on",
    "id": "id of the record and number of its instance: `selfinstruct why ID FOLDER` tells its life",
    "is_classification": "true if the answer is one of a few labels; null if nobody decided",
    "source": "the file it was read from, or the stage that made it",
    "model": "the model that wrote it; empty if none did",
    "metadata": "other fields of the original record, as JSON; empty if it had none",
}


def _short(value: Json) -> Json:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else value[:_LONGEST] + "…"
    if isinstance(value, list):
        return [_short(item) for item in value]
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    return value


def splits_section(splits: Sequence[SplitLine], check: SplitCheck | None) -> list[str]:
    """Lines of Markdown; none for a set that is all for training."""
    if not splits:
        return []
    rows = [f"| {line.name} | {line.tasks:,} | {line.rows:,} |" for line in splits]
    return ["## Splits", "", "| split | tasks | rows |", "|---|---|---|", *rows, "", _said(check), ""]


def _said(check: SplitCheck | None) -> str:
    if check is None:
        return "The records came with their marks; whether any of one is nearly one of the other was not checked here."
    by_rouge = f", no two instructions a ROUGE-L above {check.rouge_l_below:g}" if check.rouge_l_below else ""
    return (
        "Split by task: no near-duplicate crosses. No two records on different sides have a Jaccard similarity of "
        f"{check.jaccard:g} or more (shingles of {check.shingle_words} words){by_rouge}. Of {check.checked:,} test "
        f"records compared with all others, the most alike have a Jaccard similarity of {check.highest_jaccard:.3f} "
        f"and a ROUGE-L of {check.highest_rouge_l:.3f}."
    )


def fenced(text: str, language: str) -> list[str]:
    r"""Lines of a block of code, in a fence longer than any run of backticks inside.

    >>> fenced("```\n# headline", "sh")
    ['````sh', '```\n# headline', '````']
    """
    fence = "`" * max(3, _longest_run(text) + 1)
    return [f"{fence}{language}", visible(text), fence]


def code(text: str) -> str:
    """A span of code: it needs no escapes, only fences that are long enough.

    >>> code("openai:some_model"), code("a`b")
    ('`openai:some_model`', '`` a`b ``')
    """
    line = visible(" ".join(text.split()))
    if "`" not in line:
        return f"`{line}`" if line else ""
    fence = "`" * (_longest_run(line) + 1)
    return f"{fence} {line} {fence}"


def cell(text: str) -> str:
    """A span of code inside a table, where a bar ends the cell even there."""
    return code(text).replace("|", "\\|")


def plain(text: str) -> str:
    r"""One line that stays text, also inside a table.

    >>> print(plain("too_similar | [x](y)"))
    too_similar \| \[x\](y)
    """
    line = visible(" ".join(text.split()))
    return re.sub(r"([\\`*\[\]<>|#~&]|(?<!\w)_|_(?!\w))", r"\\\1", line)


def visible(text: str) -> str:
    """Control characters and their like as JSON escapes: printed, it steers no terminal and hides nothing."""
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def quoted(text: str) -> str:
    r"""A YAML string in double quotes; JSON's pairs of escapes would be two half characters there.

    >>> print(quoted('a: "b" # 🎉'))
    "a: \"b\" # 🎉"
    """
    return '"' + "".join(map(_quoted_char, text)) + '"'


def _quoted_char(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    number = ord(char)
    if 0xD800 <= number <= 0xDFFF:  # half of a character
        return "\ufffd"
    return f"\\x{number:02x}" if number <= 0xFF else f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
