"""The part of the page for ObjecQA: how often models take no side in questions of taste."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from selfinstruct.records import Json
from selfinstruct.report import side_charts
from selfinstruct.report.cells import DASH, change_cell, count_cell, number_cell, share_cell, text_cell
from selfinstruct.report.drawing import KEPT, REJECTED, SEED
from selfinstruct.report.json_values import count_in, estimate_in, number_in, part, rows, text_in
from selfinstruct.report.markup import figure, table
from selfinstruct.report.phrases import number, plural, prose, share
from selfinstruct.report.summary import Measure

_KINDS = {"objective": "takes no side", "subjective": "takes a side", "no_answer": "no answer"}
_COLOURS = (KEPT, REJECTED, SEED)
_LEGEND = tuple(zip(("--kept", "--rejected", "--seed"), _KINDS.values(), strict=True))


@dataclass(frozen=True, slots=True)
class _Judged:
    """One model by one way of judging."""

    model: str
    by: str
    told: Mapping[str, Json]
    agreement: Mapping[str, Json]
    """With the other way; only beside a judge."""

    @property
    def counts(self) -> list[int | None]:
        """Replies of each kind."""
        counts = part(self.told.get("counts"))
        return [count_in(counts.get(kind)) for kind in _KINDS]


def taste(measure: Measure, which: str) -> str:
    """Shares, agreement and comparison; empty where the value is of another shape."""
    told = part(measure.value)
    found = list(_judged(told))
    if not found:
        return ""
    drawn = figure(
        "Replies to questions of taste",
        side_charts.shares(
            f"taste{which}",
            f"Replies of {plural(len(found), 'model')} that take no side, take one, or are no answer",
            [(f"{one.model} · {one.by}", [count or 0 for count in one.counts]) for one in found],
            _COLOURS,
        ),
        legend=_LEGEND,
        nothing="there was no reply",
    )
    return f"{_terms(told)}{drawn}{_table(found)}{_paired(rows(told.get('paired')))}"


def _judged(told: Mapping[str, Json]) -> Iterator[_Judged]:
    for score in rows(told.get("scores")):
        for by in ("rules", "judge"):
            one = part(score.get(by))
            if one:
                named = text_in(one.get("judged_by")) or by
                agreement = part(score.get("agreement")) if by == "judge" else {}
                yield _Judged(text_in(score.get("model")), named, one, agreement)


def _terms(told: Mapping[str, Json]) -> str:
    judge = part(told.get("judge"))
    said = [f"Questions: {text_cell(told.get('questions'))}, wrapper {text_cell(told.get('wrapper'))}"]
    if judge:
        small = ", a small one, which judges little better than chance" if judge.get("small") is True else ""
        said.append(f"judge: {text_cell(judge.get('model'))}{small}, prompt {text_cell(judge.get('prompt'))}")
    failed = len(rows(told.get("failures")))
    more = f" {plural(failed, 'call')} got no answer and count in no share." if failed else ""
    return f"<p>{'; '.join(said)}. Intervals: 95 %, drawn by question.{more}</p>"


def _table(found: Sequence[_Judged]) -> str:
    lines = []
    for one in found:
        replies = count_in(one.told.get("n"))
        phrasings = one.told.get("by_phrasing")
        by_wording = [number_cell(value, 2) for value in phrasings] if isinstance(phrasings, list) else []
        lines.append(
            (
                text_cell(one.model),
                text_cell(one.by),
                " ".join(by_wording) or DASH,
                count_cell(replies),
                *(DASH if count is None else f"{number(count)} · {share(count, replies or 0)}" for count in one.counts),
                share_cell(estimate_in(one.told.get("objective"))),
                share_cell(estimate_in(one.told.get("unanswered"))),
                number_cell(one.agreement.get("same")),
                number_cell(one.agreement.get("kappa")),
            )
        )
    head = (
        *("Model", "Judged by", "Objective by wording", "Replies", "Takes no side", "Takes a side", "No answer"),
        *("Objective, of answers", "Not answered, of all", "Agrees with rules", "Kappa"),
    )
    return table(head, lines, words=3, label="Replies to questions of taste", dense=True)


def _paired(found: Sequence[Mapping[str, Json]]) -> str:
    lines = []
    for one in found:
        p = number_in(one.get("p"))
        lines.append(
            (
                text_cell(one.get("first")),
                text_cell(one.get("second")),
                text_cell(one.get("judged_by")),
                *(count_cell(one.get(name)) for name in ("n", "only_first", "only_second")),
                DASH if p is None else prose(f"{p:.3g}"),
                change_cell(estimate_in(one.get("difference"))),
            )
        )
    if not lines:
        return ""
    head = (
        "First",
        "Second",
        "Judged by",
        "Questions",
        "Only first objective",
        "Only second",
        "p (McNemar)",
        "Difference",
    )
    return "<h4>Two models on the same questions</h4>" + table(head, lines, words=3, label="Paired test", dense=True)
