"""The sections about tone: IFS of models side by side, and how often they take no side in questions of taste."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from selfinstruct.needs import OF_TASTE, OF_TONE
from selfinstruct.records import Json
from selfinstruct.report import charts
from selfinstruct.report.drawing import KEPT, REJECTED, SEED
from selfinstruct.report.json_values import count_in, estimate_beside, estimate_in, number_in, part, rows, text_in
from selfinstruct.report.number_words import DASH, decimals, number, share
from selfinstruct.report.page_parts import (
    Cell,
    Figure,
    LegendKey,
    Section,
    Table,
    change_cell,
    count_cell,
    differences_table,
    estimate_cell,
    model_cells,
    number_cell,
    text_cell,
)
from selfinstruct.report.summary import RunSummary, StageMeasure
from selfinstruct.text import shown
from selfinstruct.text.grammar import plural
from selfinstruct.tone.tone_metrics import IFS, IFS_CUT, IFS_FULL, IFS_PARTIAL, columns_of, shown_in

_LEGEND = (LegendKey("--rejected", "partial"), LegendKey("--kept", "full"), LegendKey("--ink", "IFS, 95 % interval"))
_REPLIES = {"objective": "takes no side", "subjective": "takes a side", "no_answer": "no answer"}
_COLOURS = (KEPT, REJECTED, SEED)

_Side = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class FirstScore:
    """IFS of whatever was scored first."""

    ifs: float
    whose: str


def first_score(run: RunSummary) -> FirstScore | None:
    """That score; one with a label stands behind those without."""
    for measure in sorted(run.measured, key=lambda measured: bool(measured.label)):
        value = part(measure.value)
        ifs = number_in(value.get(IFS.key))
        if measure.name == OF_TONE and ifs is not None:
            who = ", ".join(name for name in (text_in(value.get("model")), text_in(value.get("wrapper"))) if name)
            return FirstScore(ifs, shown(who, 60))
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneSection:
    """Scores of tone: models side by side, corrected for the judge's errors, and compared."""

    template: ClassVar[str] = "tone.html.jinja"
    judges: str
    """Versions; empty where not stated."""
    thresholds: str
    tone_tokens: str
    """Tokens that the judge reads; empty where not stated."""
    budgets: str
    """Tokens within which a clean answer ends; empty where not stated."""
    prompts: str
    failed: int
    unknown_finish: int
    whole_and_cut: Figure
    scores: Table
    corrected: Table
    with_judge_error: Table
    same_wrapper: Table
    """Differences under the same wrapper."""
    other_wrappers: Table
    """All other pairs: there the wrapper may be what differs."""
    counts: Table

    @classmethod
    def of(cls, measure: StageMeasure) -> "ToneSection | None":
        """None where the value is no score."""
        value = part(measure.value)
        sides = [side for side in rows(value.get("scores")) or [value] if IFS.key in side and "n" in side]
        if not sides:
            return None
        differences = rows(value.get("differences"))
        return cls(
            # numbers under other terms do not compare
            judges=_distinct(text_in(part(side.get("judge")).get("version")) for side in sides),
            thresholds=_distinct(_plain(part(side.get("judge")).get("threshold")) for side in sides),
            tone_tokens=_distinct(_plain(side.get("tone_tokens")) for side in sides),
            budgets=_distinct(_plain(side.get("budget")) for side in sides if side.get("budget")),
            prompts=_distinct(text_in(side.get("prompts")) for side in sides),
            failed=sum(count_in(side.get("failed")) or 0 for side in sides),
            unknown_finish=sum(count_in(side.get("unknown_finish")) or 0 for side in sides),
            whole_and_cut=Figure(
                caption="Whole and cut prompts",
                chart=charts.pairs(_chart_label(sides), [_pair(side) for side in sides]),
                note="share of responses that answer; the line between the dots is the gap",
                legend=_LEGEND,
                nothing="nothing was judged",
            ),
            scores=_scores(sides),
            corrected=_corrected(sides),
            with_judge_error=_with_judge_error(sides),
            same_wrapper=_compared(
                [difference for difference in differences if difference.get("same_wrapper") is True]
            ),
            other_wrappers=_compared(
                [difference for difference in differences if difference.get("same_wrapper") is not True]
            ),
            counts=_counts(sides),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjecqaSection:
    """Replies to questions of taste: shares, agreement and comparison."""

    template: ClassVar[str] = "objecqa.html.jinja"
    questions: str
    wrapper: str
    judge: str
    """Empty where rules alone judged."""
    judge_prompt: str
    small_judge: bool
    """It judges little better than chance."""
    failed: int
    replies: Figure
    counts: Table
    paired: Table

    @classmethod
    def of(cls, measure: StageMeasure) -> "ObjecqaSection | None":
        """None where the value is of another shape."""
        value = part(measure.value)
        judged = list(_judged(value))
        if not judged:
            return None
        judge = part(value.get("judge"))
        who = [(f"{result.model} · {result.by}", [count or 0 for count in result.counts]) for result in judged]
        label = f"Replies of {plural(len(judged), 'model')} that take no side, take one, or are no answer"
        return cls(
            questions=text_in(value.get("questions")),
            wrapper=text_in(value.get("wrapper")),
            judge=(text_in(judge.get("model")) or DASH) if judge else "",
            judge_prompt=text_in(judge.get("prompt")),
            small_judge=judge.get("small") is True,
            failed=len(rows(value.get("failures"))),
            replies=Figure(
                caption="Replies to questions of taste",
                chart=charts.shares(label, who, _COLOURS),
                legend=[LegendKey(colour, word) for colour, word in zip(_COLOURS, _REPLIES.values(), strict=True)],
                nothing="there was no reply",
            ),
            counts=_replies(judged),
            paired=_paired(rows(value.get("paired"))),
        )


TONE = Section("tone", "Tone", "Does it answer, or carry on?", {OF_TONE: ToneSection.of})
OBJECQA = Section("taste", "Taste", "Does it take sides?", {OF_TASTE: ObjecqaSection.of})


def _pair(side: _Side) -> charts.ChartPair:
    return charts.ChartPair(
        name=text_in(side.get("model")) or "responses",
        under=text_in(side.get("wrapper")) or "no wrapper named",
        first=number_in(side.get(IFS_PARTIAL.key)),
        second=number_in(side.get(IFS_FULL.key)),
        mark=estimate_beside(side, IFS.key),
    )


def _chart_label(sides: Sequence[_Side]) -> str:
    first = sides[0]
    ifs = number_in(first.get(IFS.key))
    said = "unknown" if ifs is None else f"{ifs:.2f}"
    name = text_in(first.get("model")) or "responses"
    return (
        f"IFS of {plural(len(sides), 'model and wrapper', 'models and wrappers')}; of {name}, the first, it is {said}"
    )


def _scores(sides: Sequence[_Side]) -> Table:
    metrics = columns_of("scores")
    lines = [
        (
            *model_cells(side),
            count_cell(side.get("n")),
            *(estimate_cell(estimate_beside(side, metric.key)) for metric in metrics),
        )
        for side in sides
    ]
    head = ("Model", "Wrapper", "n", *(metric.head for metric in metrics))
    return Table(head, lines, words=2, label="Scores of tone by model and wrapper", dense=True)


def _corrected(sides: Sequence[_Side]) -> Table:
    """The same shares with the judge's known errors taken out, and those errors."""
    metrics = columns_of("corrected")
    known = [(side, part(side.get("corrected"))) for side in sides if part(side.get("corrected"))]
    lines = [
        (
            *model_cells(side),
            estimate_cell(estimate_beside(side, IFS.key)),
            *(estimate_cell(estimate_in(corrected.get(metric.key))) for metric in metrics),
            *(
                number_cell(part(corrected, "judge", prompts).get(rate))
                for prompts in ("whole", "cut")
                for rate in ("sensitivity", "specificity")
            ),
        )
        for side, corrected in known
    ]
    head = (
        *("Model", "Wrapper", f"{IFS.label} as judged"),
        *(f"{IFS.label} corrected" if metric is IFS else metric.head for metric in metrics),
        *("Sensitivity, whole", "Specificity, whole", "Sensitivity, cut", "Specificity, cut"),
    )
    return Table(head, lines, words=2, label="Scores corrected for the judge's errors", dense=True)


def _with_judge_error(sides: Sequence[_Side]) -> Table:
    """The same shares with intervals for a kind of model that the judge never saw."""
    metrics = columns_of("with_judge_error")
    known = [(side, part(side.get("with_judge_error"))) for side in sides if part(side.get("with_judge_error"))]
    lines = [
        (*model_cells(side), *(estimate_cell(estimate_in(wide.get(metric.key))) for metric in metrics))
        for side, wide in known
    ]
    head = ("Model", "Wrapper", *(metric.head for metric in metrics))
    return Table(head, lines, words=2, label="Scores with the judge's error", dense=True)


def _compared(differences: Sequence[_Side]) -> Table:
    heads = {metric.key: metric.head for metric in shown_in("differences")}
    return differences_table(differences, "prompts", heads)


def _counts(sides: Sequence[_Side]) -> Table:
    lines = []
    for side in sides:
        samples = part(side.get("samples"))
        mean, deviation = number_in(samples.get("mean")), number_in(samples.get("deviation"))
        spread = DASH if mean is None or deviation is None else f"{decimals(mean)} ± {decimals(deviation)}"
        names = ("sources", "n_full", "n_partial", "failed", "unknown_finish")
        counts = (count_cell(side.get(name)) for name in names)
        lines.append((*model_cells(side), *counts, estimate_cell(estimate_beside(side, IFS_CUT.key)), Cell(spread)))
    head = (
        *("Model", "Wrapper", "Sources", "Whole", "Cut", "Failed calls", "Finish not known"),
        *("Partial without whole sentences", "IFS over samples"),
    )
    return Table(head, lines, words=2, label="Counts behind the shares", dense=True)


def _plain(value: Json) -> str:
    figure = number_in(value)
    return "" if figure is None else number(int(figure)) if figure == int(figure) else f"{figure:g}"


def _distinct(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(text for text in texts if text))


@dataclass(frozen=True, slots=True)
class _Judged:
    """One model by one way of judging."""

    model: str
    by: str
    value: Mapping[str, Json]
    agreement: Mapping[str, Json]
    """With the other way; only beside a judge."""

    @property
    def counts(self) -> list[int | None]:
        """Number of replies of each kind."""
        counts = part(self.value.get("counts"))
        return [count_in(counts.get(kind)) for kind in _REPLIES]


def _judged(value: Mapping[str, Json]) -> Iterator[_Judged]:
    for score in rows(value.get("scores")):
        for by in ("rules", "judge"):
            figures = part(score.get(by))
            if figures:
                named = text_in(figures.get("judged_by")) or by
                agreement = part(score.get("agreement")) if by == "judge" else {}
                yield _Judged(text_in(score.get("model")), named, figures, agreement)


def _replies(judged: Sequence[_Judged]) -> Table:
    lines = []
    for result in judged:
        replies = count_in(result.value.get("n"))
        phrasings = result.value.get("by_phrasing")
        by_wording = [number_cell(value, 2).text for value in phrasings] if isinstance(phrasings, list) else []
        lines.append(
            (
                text_cell(result.model),
                text_cell(result.by),
                Cell(" ".join(by_wording) or DASH),
                count_cell(replies),
                *(
                    Cell(DASH if count is None else f"{number(count)} · {share(count, replies or 0)}")
                    for count in result.counts
                ),
                estimate_cell(estimate_in(result.value.get("objective"))),
                estimate_cell(estimate_in(result.value.get("unanswered"))),
                number_cell(result.agreement.get("same")),
                number_cell(result.agreement.get("kappa")),
            )
        )
    head = (
        *("Model", "Judged by", "Objective by wording", "Replies", "Takes no side", "Takes a side", "No answer"),
        *("Objective, of answers", "Not answered, of all", "Agrees with rules", "Kappa"),
    )
    return Table(head, lines, words=3, label="Replies to questions of taste", dense=True)


def _paired(comparisons: Sequence[Mapping[str, Json]]) -> Table:
    lines = []
    for comparison in comparisons:
        p = number_in(comparison.get("p"))
        lines.append(
            (
                text_cell(comparison.get("first")),
                text_cell(comparison.get("second")),
                text_cell(comparison.get("judged_by")),
                *(count_cell(comparison.get(name)) for name in ("n", "only_first", "only_second")),
                Cell(DASH if p is None else f"{p:.3g}"),
                change_cell(estimate_in(comparison.get("difference"))),
            )
        )
    head = (
        *("First", "Second", "Judged by", "Questions", "Only first objective", "Only second"),
        *("p (McNemar)", "Difference"),
    )
    return Table(head, lines, words=3, label="Paired test", dense=True)
