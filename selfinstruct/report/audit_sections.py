"""The sections about what a tuning did: tokens that it moved, facts that it lost, records that taught what is said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from selfinstruct.needs import OF_KNOWLEDGE, OF_SHIFT, OF_TRACE
from selfinstruct.records import Json
from selfinstruct.report import charts
from selfinstruct.report.drawing import KEPT, REJECTED, SEED
from selfinstruct.report.json_values import (
    ShownEstimate,
    count_in,
    estimate_in,
    number_in,
    part,
    rows,
    text_in,
    texts_in,
)
from selfinstruct.report.number_words import DASH, decimals, signed
from selfinstruct.report.page_parts import (
    AuditFinding,
    Cell,
    Figure,
    LegendKey,
    Section,
    Table,
    change_cell,
    count_cell,
    estimate_cell,
    number_cell,
    text_cell,
)
from selfinstruct.report.summary import StageMeasure
from selfinstruct.text.grammar import plural

_KINDS = ("unshifted", "marginal", "shifted", "loop")
_COLOURS = (REJECTED, KEPT, SEED)
_Value = Mapping[str, Json]


def _finding(value: Json, what: str, of: str, *, points: bool = False) -> AuditFinding | None:
    """From a share, or from a difference of shares in points."""
    estimate = estimate_in(value)
    if estimate is None:
        return None
    put = signed if points else decimals
    unit = "points" if points else "%"
    ends = [None if end is None else put(100 * end, 1) for end in (estimate.low, estimate.high)]
    interval = "one source: no interval" if None in ends else f"95 %: {ends[0]} to {ends[1]} {unit}"
    return AuditFinding(number=f"{put(100 * estimate.value, 1)} {unit}", what=what, interval=interval, of=of)


# Token shift


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a response, and how far the tuning moved it: a class of the page."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coloured:
    """A response, token by token."""

    tokens: Sequence[Token]
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftSection:
    """A base and a tuned model at each token of responses."""

    template: ClassVar[str] = "shift.html.jinja"
    finding: AuditFinding | None
    base: str
    tuned: str
    prompt_template: str
    of: str
    responses: int | None
    positions: int | None
    looping: int | None
    figures: Table
    curve: Figure
    most: Table
    coloured: Sequence[Coloured]

    @classmethod
    def of_measure(cls, measure: StageMeasure) -> "ShiftSection | None":
        """None where the value is of another shape."""
        value = part(measure.value)
        compared = [part(value, "shift"), *rows(value.get("floors"))]
        if not part(value, "shift", "all"):
            return None
        return cls(
            finding=_finding(
                part(value, "shift", "all").get("shifted"),
                f"of what {text_in(value.get('tuned'))} says is shifted",
                f"{plural(count_in(value.get('positions')) or 0, 'token')} beside {text_in(value.get('base'))}",
            ),
            base=text_in(value.get("base")),
            tuned=text_in(value.get("tuned")),
            prompt_template=text_in(value.get("template")),
            of=text_in(value.get("of")),
            responses=count_in(value.get("responses")),
            positions=count_in(value.get("positions")),
            looping=count_in(value.get("looping")),
            figures=_shift_table(compared),
            curve=_shift_curve(compared),
            most=_most_shifted(value),
            coloured=tuple(_coloured(row) for row in rows(value.get("examples"))),
        )


def _shift_table(compared: Sequence[_Value]) -> Table:
    head = ("Beside the tuned model", "Unshifted", "Marginal", "Shifted", "KL, first 5 %", "KL, the rest",
            "KL, reversed", "KL, top 10", "Base probability", "Jaccard")  # fmt: skip
    return Table(head, [tuple(_shift_row(comparison)) for comparison in compared], label="Token shift", dense=True)


def _shift_row(comparison: _Value) -> Iterator[Cell]:
    whole = part(comparison, "all")
    yield text_cell(comparison.get("about"), 60)
    for name in ("unshifted", "marginal", "shifted"):
        yield estimate_cell(estimate_in(whole.get(name)))
    for name in ("first_of_sentence", "rest_of_sentence"):
        yield estimate_cell(estimate_in(part(comparison, name).get("kl_base_tuned")))
    for name in ("kl_tuned_base", "kl_topk_compat", "base_probability", "jaccard"):
        yield estimate_cell(estimate_in(whole.get(name)))


def _shift_curve(compared: Sequence[_Value]) -> Figure:
    """KL by position, and below it the same of models that should be one."""
    steps = [text_in(row.get("name")) for row in rows(compared[0].get("by_position"))]
    drawn = [
        charts.ChartLine(
            colour,
            [
                (float(place), estimate)
                for place, step in enumerate(rows(comparison.get("by_position")))
                if (estimate := estimate_in(step.get("kl_base_tuned"))) is not None
            ],
        )
        for colour, comparison in zip(_COLOURS, compared, strict=False)
    ]
    if not steps:
        return Figure(caption="Divergence by position", chart=None, nothing="no position")
    across = charts.places_axis([(float(place), name) for place, name in enumerate(steps)], "token of the response")
    chart = charts.lines("KL(base || tuned) by position", drawn, across, up="nats")
    legend = [
        LegendKey(colour, text_in(comparison.get("about")))
        for colour, comparison in zip(_NAMES, compared, strict=False)
    ]
    return Figure(
        caption="Divergence by position", chart=chart, legend=legend, note="KL(base || tuned), nats; bars: 95 %",
        nothing="no position",
    )  # fmt: skip


_NAMES = ("--rejected", "--kept", "--seed")


def _most_shifted(value: _Value) -> Table:
    lines = [
        (Cell(repr(text_in(row.get("token"))), limit=40), count_cell(row.get("shifted")), count_cell(row.get("of")),
         number_cell(row.get("kl_base_tuned")))
        for row in rows(value.get("most_shifted"))
    ]  # fmt: skip
    return Table(("Token", "Shifted", "Of", "Mean KL there"), lines, label="Most shifted tokens")


def _coloured(response: _Value) -> Coloured:
    pairs = zip(texts_in(response.get("tokens")), texts_in(response.get("kinds")), strict=False)
    tokens = [Token(text, kind if kind in _KINDS else "unshifted") for text, kind in pairs]
    return Coloured(tokens=tokens, cut=response.get("cut") is True)


# Knowledge


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeSection:
    """A base and its students before facts and prose."""

    template: ClassVar[str] = "knowledge.html.jinja"
    finding: AuditFinding | None
    statements: int | None
    relations: int | None
    guessing: Cell
    models: Table
    differences: Table
    by_relation: Table

    @classmethod
    def of_measure(cls, measure: StageMeasure) -> "KnowledgeSection | None":
        """None where the value is of another shape."""
        value = part(measure.value)
        models = rows(value.get("models"))
        if not models:
            return None
        return cls(
            finding=_lost(value),
            statements=count_in(value.get("statements")),
            relations=count_in(value.get("relations")),
            guessing=number_cell(value.get("guessing"), 2),
            models=Table(
                ("Model", "Facts right", "Prose, nats a token", "Perplexity", "Held-out loss"),
                [
                    (
                        text_cell(model.get("name")),
                        estimate_cell(estimate_in(model.get("right"))),
                        estimate_cell(estimate_in(model.get("prose_loss"))),
                        number_cell(model.get("prose_perplexity"), 2),
                        estimate_cell(estimate_in(model.get("held_out_loss"))),
                    )
                    for model in models
                ],
                label="Models",
            ),
            differences=Table(
                ("Model", "Beside", "Facts the base knows", "Of facts", "Prose loss", "Held-out loss", "Equal loss"),
                [
                    (
                        text_cell(row.get("of")),
                        text_cell(row.get("above")),
                        change_cell(estimate_in(row.get("known_facts"))),
                        count_cell(row.get("known")),
                        change_cell(estimate_in(row.get("prose_loss"))),
                        change_cell(estimate_in(row.get("held_out_loss"))),
                        text_cell(row.get("equal_loss")),
                    )
                    for row in rows(value.get("differences"))
                ],
                words=2,
                label="Differences",
            ),
            by_relation=_by_relation(models),
        )


def _lost(value: _Value) -> AuditFinding | None:
    """Of the first student beside the base; where that knows nothing, of the base."""
    first = next(iter(rows(value.get("differences"))), None)
    if first is None or estimate_in(first.get("known_facts")) is None:
        base = rows(value.get("models"))[0]
        statements = plural(count_in(value.get("statements")) or 0, "fact")
        return _finding(base.get("right"), f"of facts are right with {text_in(base.get('name'))}", statements)
    known = plural(count_in(first.get("known")) or 0, "fact")
    what = f"of the facts known before the tuning, in {text_in(first.get('of'))}"
    return _finding(first.get("known_facts"), what, f"{known} known before", points=True)


def _by_relation(models: Sequence[_Value]) -> Table:
    names = list(dict.fromkeys(name for model in models for name in part(model, "by_relation")))
    return Table(
        ("Relation", *(text_in(model.get("name")) for model in models)),
        [(text_cell(name), *(_share_of(part(model, "by_relation", name)) for model in models)) for name in names],
        label="By relation",
        dense=True,
    )


def _share_of(counts: _Value) -> Cell:
    right, of = number_in(counts.get("right")), number_in(counts.get("of"))
    return estimate_cell(ShownEstimate(right / of) if right is not None and of else None, 2)


# Tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class Spanned:
    """A span, and the record that most likely taught it."""

    prompt: str
    span: str
    origins: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedSection:
    """Spans of responses, looked up in the training set."""

    template: ClassVar[str] = "trace.html.jinja"
    finding: AuditFinding | None
    records: int | None
    responses: int | None
    spans: int | None
    shares: Table
    manner: Table
    moved: Table
    examples: Sequence[Spanned]

    @classmethod
    def of_measure(cls, measure: StageMeasure) -> "TracedSection | None":
        """None where the value is of another shape."""
        value = part(measure.value)
        if "spans" not in value or "copying" not in value:
            return None
        return cls(
            finding=_finding(
                value.get("exact"),
                "of spans stand word for word in the training set",
                f"{count_in(value.get('spans')) or 0:,} spans, {count_in(value.get('records')) or 0:,} records",
            ),
            records=count_in(value.get("records")),
            responses=count_in(value.get("responses")),
            spans=count_in(value.get("spans")),
            shares=Table(
                ("Of all spans", "Share"),
                [(Cell(word), estimate_cell(estimate_in(value.get(name)))) for name, word in _SHARES.items()],
                label="Spans found",
            ),
            manner=_manner(part(value, "copying")),
            moved=_moved(part(value, "copying", "moved_words")),
            examples=tuple(_spanned(row) for row in rows(value.get("examples"))),
        )


_SHARES = {
    "found": "something like it stands in a record",
    "exact": "word for word in a record",
    "borrowed": "word for word in a record that is about the same",
}


def _manner(value: _Value) -> Table:
    features = [(name, part(value, name)) for name in ("characters", "words")]
    features += [(name, part(value, "layout", name)) for name in part(value, "layout")]
    lines = [
        (
            Cell(name),
            *(estimate_cell(estimate_in(feature.get(side)), 1 if at < 2 else 3) for side in ("taught", "said")),
        )
        for at, (name, feature) in enumerate(features)
    ]
    opener = estimate_cell(estimate_in(part(value, "openers").get("said_with_taught_opener")))
    lines.append((Cell("begins with an opener of the set"), Cell(DASH), opener))
    return Table(("Answers", "Taught", "Said"), lines, label="Manner")


def _moved(by_kind: _Value) -> Table:
    columns = {
        "words": "Words",
        "in_training": "In the set",
        "in_as_much_training": "In as much of it",
        "in_as_much_unrelated": "In as much other text",
    }
    return Table(
        ("Words that begin with a token", *columns.values()),
        [
            (
                Cell(kind),
                *(
                    count_cell(part(by_kind, kind).get(name))
                    if name == "words"
                    else estimate_cell(estimate_in(part(by_kind, kind).get(name)))
                    for name in columns
                ),
            )
            for kind in _KINDS[:3]
            if part(by_kind, kind)
        ],
        label="Moved words",
    )


def _spanned(span: _Value) -> Spanned:
    lines = [
        (
            Cell(text_in(origin.get("record"))[:12]),
            text_cell(origin.get("instruction"), 100),
            text_cell(origin.get("output"), 140),
            text_cell((texts_in(origin.get("ancestors")) or (DASH,))[-1], 100),
            number_cell(origin.get("overlap"), 2),
            number_cell(origin.get("concept"), 2),
            count_cell(origin.get("copies")),
        )
        for origin in rows(span.get("origins"))[:3]
    ]
    table = Table(
        ("Record", "Instruction", "Output", "Made of", "Overlap", "Concept", "Copies"), lines, words=4, dense=True
    )
    return Spanned(prompt=text_in(span.get("prompt")), span=text_in(span.get("span")), origins=table)


SHIFT = Section("shift", "Token shift", "Token shift: what did the tuning move?", {OF_SHIFT: ShiftSection.of_measure})
KNOWLEDGE = Section("knowledge", "Knowledge", "What did it forget?", {OF_KNOWLEDGE: KnowledgeSection.of_measure})
TRACE = Section("trace", "Tracing", "Which records taught what it says?", {OF_TRACE: TracedSection.of_measure})
