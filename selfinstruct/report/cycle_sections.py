"""The section about the loop: cycle after cycle, where the student does not answer, and what comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from selfinstruct.needs import OF_FEEDBACK
from selfinstruct.records import Json
from selfinstruct.report.charts import ChartLine, lines, places_axis
from selfinstruct.report.drawing import FAILED, KEPT, SEED
from selfinstruct.report.json_values import ShownEstimate, count_in, estimate_in, number_in, part, rows, texts_in
from selfinstruct.report.number_words import DASH, number
from selfinstruct.report.page_parts import (
    Cell,
    Figure,
    LegendKey,
    Section,
    Table,
    change_cell,
    count_cell,
    estimate_cell,
    flag_cell,
    number_cell,
)
from selfinstruct.report.summary import CycleCount, RunSummary, StageMeasure
from selfinstruct.text.grammar import plural
from selfinstruct.tone.tone_metrics import IFS

_ROWS = 60  # kinds of prompt that are shown; all of them stand in feedback.json


@dataclass(frozen=True, slots=True)
class CyclesSection:
    """A line for each cycle, and their curves."""

    template: ClassVar[str] = "cycles.html.jinja"
    curves: tuple[Figure, ...]
    table: Table

    @classmethod
    def of(cls, run: RunSummary) -> "CyclesSection | None":
        """None for a recipe without a loop."""
        if not run.cycles:
            return None
        cells = [
            (
                Cell(number(cycle.number)),
                Cell(_rounds(cycle)),
                Cell(cycle.decision, limit=200),
                _asks(cycle),
                Cell(number(cycle.tasks)),
                estimate_cell(cycle.ifs),
                change_cell(cycle.gain),
                number_cell(cycle.nearest),
                number_cell(cycle.distinct_2),
            )
            for cycle in run.cycles
        ]
        head = (
            *("Cycle", "Rounds", "Decision", "The next asks for", "Tasks", "IFS", "Gain"),
            *("Nearest ROUGE-L", "Different word pairs"),
        )
        return cls(_curves(run.cycles), Table(head, cells, words=4, label="Cycles of the loop", dense=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackSection:
    """Where the student does not answer, and what the next cycle asks for."""

    template: ClassVar[str] = "feedback.html.jinja"
    prompts: int | None
    failures: int | None
    ifs: float | None
    gain: Cell | None
    """Over the cycle before; None where there was none."""
    plateau: bool
    weighed: int | None
    """Demonstrations that are drawn more or less often for it."""
    asks_for: tuple[str, ...]
    counted_only: bool
    """The failures are counted and do not steer."""
    steering: Table
    steering_left_out: int
    others: Table
    """Kinds of prompt that tell too little to steer."""
    others_left_out: int

    @classmethod
    def of(cls, measure: StageMeasure) -> "FeedbackSection | None":
        """None where the value is of another shape."""
        value = part(measure.value)
        if "prompts" not in value or "failures" not in value:
            return None
        kinds = rows(value.get("cells"))
        steering = [kind for kind in kinds if kind.get("steers") is True]
        others = [kind for kind in kinds if kind.get("steers") is not True]
        gain = estimate_in(value.get("gain"))
        return cls(
            prompts=count_in(value.get("prompts")),
            failures=count_in(value.get("failures")),
            ifs=number_in(value.get(IFS.key)),
            gain=change_cell(gain) if gain else None,
            plateau=value.get("plateau") is True,
            weighed=count_in(value.get("weighed")),
            asks_for=texts_in(value.get("asks_for")),
            counted_only=value.get("steers") is False,
            steering=_kinds(steering),
            steering_left_out=max(0, len(steering) - _ROWS),
            others=_kinds(others),
            others_left_out=max(0, len(others) - _ROWS),
        )


SECTION = Section("loop", "Loop", "Cycle after cycle", {OF_FEEDBACK: FeedbackSection.of}, CyclesSection.of)


def _rounds(count: CycleCount) -> str:
    first, last = count.rounds
    if last < first:
        return "none needed"
    return number(first) if first == last else f"{number(first)} to {number(last)}"


def _asks(count: CycleCount) -> Cell:
    if not count.asks_for:
        return Cell(DASH)
    return Cell("Counted only: it does not steer." if count.steers is False else "", items=count.asks_for)


def _curves(cycles: Sequence[CycleCount]) -> tuple[Figure, ...]:
    if len(cycles) < 2:
        return ()
    across = places_axis([(float(cycle.number), number(cycle.number)) for cycle in cycles], "cycle")
    tone = ChartLine(KEPT, [(float(cycle.number), cycle.ifs) for cycle in cycles if cycle.ifs])
    near = ChartLine(
        FAILED, [(float(cycle.number), ShownEstimate(cycle.nearest)) for cycle in cycles if cycle.nearest is not None]
    )
    word_pairs = [
        (float(cycle.number), ShownEstimate(cycle.distinct_2)) for cycle in cycles if cycle.distinct_2 is not None
    ]
    said = f"{plural(len(cycles), 'cycle')} of the loop"
    return (
        Figure(
            caption="Does the student answer more?",
            chart=lines(f"IFS of the student over {said}", [tone], across, up="IFS", share=True),
            note="with its 95 % interval where that is known",
            nothing="no cycle was scored",
        ),
        Figure(
            caption="Is what it learns from still new?",
            chart=lines(f"Novelty over {said}", [near, ChartLine(SEED, word_pairs)], across, up="share", share=True),
            legend=(
                LegendKey("--failed", "nearest ROUGE-L: lower is newer"),
                LegendKey("--seed", "distinct-2: higher is richer"),
            ),
            nothing="neither was measured",
        ),
    )


def _kinds(kinds: Sequence[Mapping[str, Json]]) -> Table:
    lines_of = []
    for kind in kinds[:_ROWS]:
        factor = number_in(kind.get("factor"))
        lines_of.append(
            (
                Cell(str(kind.get("feature", "")) or DASH, limit=40),
                Cell(str(kind.get("cell", "")) or DASH, limit=120),
                count_cell(kind.get("prompts")),
                count_cell(kind.get("failures")),
                number_cell(kind.get("share")),
                Cell(DASH if factor is None else f"\N{MULTIPLICATION SIGN} {factor:.2f}"),
                flag_cell(kind.get("steers")),
            )
        )
    head = ("Told by", "Kind of prompt", "Prompts", "Not answered", "Share", "Weight", "Steers")
    return Table(head, lines_of, words=2, label="Kinds of prompt and how the student did")
