"""The part of the page for an ablation: what each change of the instruction costs, and what follows from it."""

from collections.abc import Iterator, Mapping

from selfinstruct.records import Json
from selfinstruct.report.cells import DASH, change_cell, count_cell, names_of, number_cell, share_cell, text_cell
from selfinstruct.report.json_values import estimate_in, part, rows, text_in
from selfinstruct.report.markup import folded, table
from selfinstruct.report.phrases import prose
from selfinstruct.report.summary import Measure

_KINDS = {
    "labels": ("Tasks with a label space", "exact_match", "exact match"),
    "free_text": ("Tasks for free text", "rouge_l", "ROUGE-L of stems"),
}
_Told = Mapping[str, Json]


def ablation(measure: Measure, which: str) -> str:
    """Arms beside guessing and beside each other; empty where the value is of another shape."""
    del which  # nothing is drawn
    told = part(measure.value)
    arms = [*rows(told.get("baselines")), *rows(told.get("arms"))]
    concluded = part(told, "conclusion")
    if not arms or not concluded:
        return ""
    verdict = f"<strong>{text_cell(concluded.get('verdict'))}</strong>"
    return (
        f"<h3>Conditions</h3><p>Verdict on definitions: {verdict} ({text_cell(concluded.get('why'), 300)})."
        f"{_control(part(told, 'control'))} Numbers are points; of differences each task counts once; intervals are "
        f"95 % by task; equal is within {number_cell(told.get('margin'), 1)} points by two one-sided tests. Asked: "
        f"{text_cell(told.get('model'))}, {count_cell(told.get('instances'))} instances under each condition; "
        f"{count_cell(told.get('failed'))} calls got no answer and count nowhere.</p>"
        + "".join(_kind(kind, told, arms) for kind in _KINDS)
    )


def _control(told: _Told) -> str:
    if not told:
        return ""
    followed = told.get("followed")
    said = "cannot tell" if followed is None else "they turn" if followed else "they do not"
    return (
        f" Where labels have changed places, answers turn by {change_cell(estimate_in(told.get('turned')), 1)}: {said}."
    )


def _kind(kind: str, told: _Told, arms: list[Mapping[str, Json]]) -> str:
    title, metric, called = _KINDS[kind]
    found = [arm for arm in arms if part(arm, kind)]
    if not found:
        return ""
    compared = {text_in(one.get("condition")): one for one in rows(part(told, "comparisons").get(kind))}
    head = ("Arm", "Tasks", f"Score, {called}", "Compared with", "Difference", "Equal within", "Could show", "Verdict")
    lines = [_line(arm, kind, metric, compared.get(text_in(arm.get("name")), {})) for arm in found]
    by_category = folded("By category", _categories(kind, metric, found))
    return f"<h4>{title}</h4>{table(head, lines, words=1, label=title, dense=True)}{by_category}"


def _line(arm: _Told, kind: str, metric: str, compared: _Told) -> tuple[str, ...]:
    score = part(arm, kind)
    return (
        _named(text_in(arm.get("name"))),
        count_cell(score.get("tasks")),
        share_cell(estimate_in(score.get(metric)), 1),
        _named(text_in(compared.get("against"))),
        change_cell(estimate_in(compared.get("difference")), 1),
        number_cell(compared.get("equal_within"), 1),
        number_cell(compared.get("could_show"), 1),
        text_cell(compared.get("verdict")),
    )


def _categories(kind: str, metric: str, arms: list[Mapping[str, Json]]) -> str:
    names = names_of(part(arm, kind, "by_category") for arm in arms)
    head = ("Category", *(_named(text_in(arm.get("name"))) for arm in arms))
    return table(head, [(prose(name, 60), *_of(name, kind, metric, arms)) for name in names], dense=True)


def _of(name: str, kind: str, metric: str, arms: list[Mapping[str, Json]]) -> Iterator[str]:
    for arm in arms:
        yield share_cell(estimate_in(part(arm, kind, "by_category", name).get(metric)), 1)


def _named(name: str) -> str:
    return prose(name.replace("_", " "), 60) or DASH
