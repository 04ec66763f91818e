"""The section about a tuned student: how its tone rose, where training stopped and why, and with which knobs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from selfinstruct.needs import OF_TRAINING
from selfinstruct.records import Json
from selfinstruct.report.charts import ChartLine, examples_seen, lines, place_of
from selfinstruct.report.drawing import FAILED, GOOD, KEPT, REJECTED, SEED
from selfinstruct.report.json_values import ShownEstimate, count_in, estimate_beside, number_in, part, rows, text_in
from selfinstruct.report.number_words import DASH, decimals, number, spaced
from selfinstruct.report.other_measures import GenericTables, generic_tables
from selfinstruct.report.page_parts import (
    Cell,
    Figure,
    LegendKey,
    Section,
    Table,
    count_cell,
    estimate_cell,
    number_cell,
)
from selfinstruct.report.summary import RunSummary, StageMeasure
from selfinstruct.text.grammar import plural
from selfinstruct.tone.tone_metrics import (
    IFS,
    IFS_CLEAN,
    IFS_FULL,
    IFS_PARTIAL,
    ShareOf,
    ToneMetric,
    columns_of,
    metric_of,
)

_REASONS = {
    "plateau": "IFS no longer rises, and is high",
    "too_few_checks": "there were too few checks to tell",
    "still_rising": "IFS may still rise",
    "too_low": "IFS is not high enough",
    "gap_wide": "cut prompts are answered far less often than whole ones",
}
_GAPS = {
    "narrow": "it was narrow",
    "wide": "it was wide",
    "undecided": "it stayed undecided, and did not count",
    "absent": "there was none",
}
_STOP_NAMES = (
    *("stopped_at", "trained_on", "reason", "gap", "checks", "rule", "judge", "prompts", "wrapper"),
    *("headroom", "can_stop", "phases"),
)
_TOP = ("base", "notice", "recipe", "data", "training", "stop", "stop_by_loss")

_Check = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFigures:
    """Where the training ended and why, and by which rule."""

    at: int | None
    """Examples seen when the rule said stop; None where it never did."""
    trained_on: bool
    reason: str
    plateau: str
    """The reason for which the rule stops."""
    can_stop: bool
    headroom: str
    phases: str
    patience: int | None
    epsilon: float | None
    tau: float | None
    bar: float | None
    """The lower bound of IFS that `tau` asks for, by a judge whose errors are known."""
    gap: str
    """How the gap between whole and cut prompts was at the last check; empty where the rule does not ask."""
    gap_limit: float | None
    gap_half_width: float | None
    checks: int
    prompts: str
    wrapper: str
    judge: str

    @classmethod
    def of(cls, stop: _Check, checks: int) -> "StopFigures":
        """What `stop` says of it."""
        rule, reason = part(stop.get("rule")), text_in(stop.get("reason"))
        return cls(
            at=count_in(stop.get("stopped_at")),
            trained_on=stop.get("trained_on") is True,
            reason=_REASONS.get(reason, reason),
            plateau=_REASONS["plateau"],
            can_stop=stop.get("can_stop") is not False,
            headroom=text_in(stop.get("headroom")),
            phases=text_in(stop.get("phases")),
            patience=count_in(rule.get("patience")),
            epsilon=number_in(rule.get("epsilon")),
            tau=number_in(rule.get("tau")),
            bar=number_in(stop.get("bar")),
            gap=_GAPS.get(text_in(stop.get("gap")), ""),
            gap_limit=number_in(rule.get("gap_limit")),
            gap_half_width=number_in(rule.get("gap_half_width")),
            checks=checks,
            prompts=text_in(stop.get("prompts")),
            wrapper=text_in(stop.get("wrapper")),
            judge=text_in(stop.get("judge")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningSection:
    """One training as its section shows it: method, data, losses, checks, what ended it."""

    template: ClassVar[str] = "tuning.html.jinja"
    base: str
    notice: str
    """The base's terms; empty where it has none of its own."""
    method: str
    prompt_template: str
    shuffled: bool
    """A control: each record learned the answer of another."""
    examples: int | None
    truncated: int | None
    unlearned: int
    """Answers that were read and, as the set marks them, not learned."""
    steps: int | None
    planned_steps: int | None
    examples_seen: int | None
    held_out_examples: int | None
    held_out_loss: float | None
    stop: StopFigures | None
    """None where the tone was not checked on the way."""
    curves: tuple[Figure, ...]
    checks: Table
    by_loss: str
    """Where the loss on the test split says stop, in words; empty where it was not asked on the way."""
    loss_checks: Table
    """That loss, and beside it the tone at the same checks."""
    rest: GenericTables
    training: GenericTables
    data: GenericTables
    settings: Table

    @classmethod
    def of(cls, measure: StageMeasure) -> "TuningSection | None":
        """None where the value is of another shape."""
        value = part(measure.value)
        training, data, stop = part(value.get("training")), part(value.get("data")), part(value.get("stop"))
        if not training or not data:
            return None
        recipe, checks = part(value.get("recipe")), _checks_in(value)
        rest: dict[str, Json] = {name: item for name, item in value.items() if name not in _TOP}
        rest |= {name: item for name, item in stop.items() if name not in _STOP_NAMES}
        return cls(
            base=text_in(value.get("base")),
            notice=text_in(value.get("notice")),
            method=text_in(recipe.get("method")),
            prompt_template=text_in(recipe.get("format")) or text_in(recipe.get("template")),
            shuffled=recipe.get("shuffled") is True,
            examples=count_in(data.get("examples")),
            truncated=count_in(data.get("truncated")),
            unlearned=count_in(data.get("unlearned_answers")) or 0,
            steps=count_in(training.get("steps")),
            planned_steps=count_in(training.get("planned_steps")),
            examples_seen=count_in(training.get("examples_seen")),
            held_out_examples=count_in(training.get("held_out_examples")),
            held_out_loss=number_in(training.get("held_out_loss")),
            stop=StopFigures.of(stop, len(checks)) if stop else None,
            curves=tuple(_curves(checks, count_in(stop.get("stopped_at")))),
            checks=_table(checks),
            by_loss=_by_loss(part(value.get("stop_by_loss"))),
            loss_checks=_loss_table(part(value.get("stop_by_loss")), checks),
            rest=generic_tables(rest),
            training=_numbers(training),
            data=_numbers(data),
            settings=Table(
                ("Knob", ""),
                [(Cell(spaced(name), limit=60), _setting(item)) for name, item in recipe.items()],
                words=2,
                label="Settings of the training",
            ),
        )


SECTION = Section("tuning", "Tuning", "How the student learned", {OF_TRAINING: TuningSection.of})


def before_and_after(run: RunSummary) -> tuple[float, float] | None:
    """IFS of the student before training and at the last check; None where both were not measured."""
    for measure in reversed(run.measured):
        if measure.name == OF_TRAINING:
            checks = _checks_in(part(measure.value))
            before, after = (number_in(checks[at].get(IFS.key)) if checks else None for at in (0, -1))
            if len(checks) > 1 and not checks[0].get("examples") and before is not None and after is not None:
                return before, after
    return None


def _checks_in(value: _Check) -> list[_Check]:
    """What was measured on the way, in order."""
    return [row for row in rows(part(value.get("stop")).get("checks")) if count_in(row.get("examples")) is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Curve:
    """A drawing over examples seen."""

    caption: str
    label: str
    lines: tuple[tuple[str, str, str], ...]
    """Name in a check, colour, and word in the legend, of each."""
    up: str
    share: bool = False
    note: str
    nothing: str = ""
    """Why it may be missing; empty where it is then left out."""


_CURVES = (
    _Curve(
        caption="Answers",
        label="IFS",
        lines=((IFS.key, KEPT, IFS.short), (IFS_CLEAN.key, GOOD, IFS_CLEAN.short)),
        up="share",
        share=True,
        note="IFS, and the share that answers and ends in time; 95 % intervals",
        nothing="IFS was not measured",
    ),
    _Curve(
        caption="Whole and cut prompts",
        label="Full",
        lines=((IFS_FULL.key, KEPT, IFS_FULL.short), (IFS_PARTIAL.key, REJECTED, IFS_PARTIAL.short)),
        up="share",
        share=True,
        note="IFS of each; what lies between them is the gap",
        nothing="whole and cut prompts were not told apart",
    ),
    _Curve(
        caption="Loss",
        label="Loss",
        lines=(("loss", SEED, "training loss"),),
        up="nats a token",
        note="mean over the steps since the check before",
        nothing="no loss was told",
    ),
    _Curve(
        caption="Distance from the base",
        label="KL",
        lines=(("kl_prose", FAILED, "plain prose"), ("kl_reference", SEED, "reference answers")),
        up="KL, nats a token",
        note="on plain prose it is drift, on reference answers it is format",
        nothing="it was not measured",
    ),
    _Curve(
        caption="Questions of taste",
        label="ObjecQA",
        lines=(("objecqa", FAILED, "ObjecQA"), ("objecqa_answered", SEED, "answered")),
        up="share",
        share=True,
        note="ObjecQA: share of the answers that take no side; beside it the share of questions that got an answer",
    ),
)


def _curves(checks: Sequence[_Check], stopped_at: int | None) -> Iterator[Figure]:
    if not checks:
        return
    seen = [count_in(check.get("examples")) or 0 for check in checks]
    first = next((count for count in seen if count), 1)
    across = examples_seen(seen)
    stop = None if stopped_at is None else place_of(stopped_at, first)
    stopped = [] if stopped_at is None else [LegendKey("--ink", f"stop rule: {number(stopped_at)}")]
    for curve in _CURVES:
        drawn = []
        for name, colour, _ in curve.lines:
            points = [
                (place_of(count, first), estimate_beside(check, name))
                for count, check in zip(seen, checks, strict=True)
            ]
            drawn.append(ChartLine(colour, [(place, known) for place, known in points if known is not None]))
        if drawn[0].points or curve.nothing:
            yield Figure(
                caption=curve.caption,
                chart=lines(
                    _chart_label(curve.label, drawn[0]), drawn, across, up=curve.up, share=curve.share, stop=stop
                ),
                note=curve.note,
                legend=[*(LegendKey(colour, word) for _, colour, word in curve.lines), *stopped],
                nothing=curve.nothing,
            )


def _chart_label(what: str, line: ChartLine) -> str:
    if not line.points:
        return f"{what} was not measured"
    first, last = line.points[0][1].value, line.points[-1][1].value
    return f"{what} over examples seen: {first:.2f} at first, {last:.2f} at last"


def _table(checks: Sequence[_Check]) -> Table:
    metrics = columns_of("checks")
    cells = [
        (
            count_cell(check.get("examples")),
            *(estimate_cell(_estimate_of(metric, check)) for metric in metrics),
            _gain(part(check.get("intervals")).get("gain")),
            *(
                number_cell(check.get(name))
                for name in ("loss", "objecqa", "objecqa_answered", "kl_prose", "kl_reference")
            ),
            Cell("stop" if check.get("stop") is True else ""),
        )
        for check in checks
    ]
    head = (
        *("Examples", *(metric.head for metric in metrics), "Gain, 95 %"),
        *("Loss", "ObjecQA", "Answered", "KL prose", "KL reference", "Rule"),
    )
    return Table(head, cells, words=1, label="Checks on the way", dense=True)


def _by_loss(stop: _Check) -> str:
    if not stop:
        return ""
    at, lowest = count_in(stop.get("stopped_at")), count_in(stop.get("lowest_at"))
    patience = plural(count_in(part(stop.get("rule")).get("patience")) or 0, "check")
    would = "would have stopped" if stop.get("trained_on") is True else "stopped"
    where = "never said stop" if at is None else f"{would} after {plural(at, 'example')}"
    least = DASH if lowest is None else number(lowest)
    return f"by the loss on the test split it {where} (lowest at {least}, patience {patience})"


def _loss_table(stop: _Check, checks: Sequence[_Check]) -> Table:
    tone = {count_in(check.get("examples")): check for check in checks}
    at = count_in(stop.get("stopped_at"))
    lines = []
    for row in rows(stop.get("checks")):
        examples = count_in(row.get("examples"))
        beside = tone.get(examples, {})
        says = [name for name, yes in (("loss", examples == at), ("IFS", beside.get("stop") is True)) if yes]
        loss, ifs = number_cell(row.get("held_out_loss")), estimate_cell(estimate_beside(beside, IFS.key))
        lines.append((count_cell(examples), loss, ifs, Cell(f"stop by {' and '.join(says)}" if says else "")))
    return Table(("Examples", "Loss on the test split", "IFS", "Rule"), lines, label="Loss beside IFS", dense=True)


def _gain(ends: Json) -> Cell:
    low, high = (number_in(end) for end in ends) if isinstance(ends, list) and len(ends) == 2 else (None, None)
    return Cell(DASH if low is None or high is None else f"{decimals(low)} to {decimals(high)}")


def _estimate_of(metric: ToneMetric, check: _Check) -> ShownEstimate | None:
    """Of a difference a check has the interval alone, and the two shares."""
    if isinstance(metric.counted, ShareOf):
        return estimate_beside(check, metric.key)
    upper, lower = (number_in(check.get(metric_of(share).key)) for share in (metric.counted.of, metric.counted.minus))
    if upper is None or lower is None:
        return None
    return estimate_beside({metric.key: upper - lower, "intervals": check.get("intervals")}, metric.key)


def _numbers(value: _Check) -> GenericTables:
    return generic_tables({spaced(name): item for name, item in value.items()})


def _setting(value: Json) -> Cell:
    """As a recipe has it: small numbers as they are."""
    if isinstance(value, list):
        said = ", ".join(map(str, value))
    elif isinstance(value, bool):
        said = "yes" if value else "no"
    elif isinstance(value, float):
        said = f"{value:g}"
    else:
        said = DASH if value is None else str(value)
    return Cell(said, limit=200)
