"""The part of the page for a judge of tone that was trained: how well it tells answers from continuations."""

from collections.abc import Mapping, Sequence

from selfinstruct.records import Json
from selfinstruct.report import side_charts
from selfinstruct.report.cells import DASH, count_cell, names_of, number_cell, share_cell, text_cell
from selfinstruct.report.json_values import estimate_in, number_in, part, text_in, texts_in
from selfinstruct.report.markup import figure, folded, table
from selfinstruct.report.phrases import plural, prose
from selfinstruct.report.summary import Measure
from selfinstruct.text import shown

_MEASURES = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "auroc": "AUROC",
    "ece": "Expected calibration error",
}
_RULE = "first_character"
_GROUPS = {
    "by_length": "Words of the continuation",
    "by_prompt": "Prompt",
    "by_set": "Set",
    "by_language": "Language",
}

_Part = Mapping[str, Json]


def judge(measure: Measure, which: str) -> str:
    """What was measured of the judge; empty where the value is of another shape."""
    told = part(measure.value)
    metrics = part(told.get("metrics"))
    tried = {name: part(metrics.get(name)) for name in ("test", "held_out") if part(metrics.get(name))}
    if not tried:
        return ""
    titles = [_title(name, told) for name in tried]
    parts = list(tried.values())
    more = "".join(
        f"<h4>{title}</h4>{_by(name, title, titles, parts)}" for name, title in _GROUPS.items() if _has(name, parts)
    )
    kinds = f'<div class="pair">{_drawn(parts[0], titles[0], which)}{_by("by_kind", "Kind", titles, parts)}</div>'
    return (
        f"{_what(told)}{_measures(titles, parts)}{kinds}{folded('Accuracy by length, prompt, set and language', more)}"
        f"{_validation(part(told.get('validation')))}"
    )


def _title(name: str, told: _Part) -> str:
    if name == "test":
        return "Test fragments"
    held_out = text_in(part(told.get("data")).get("held_out"))
    return f"Held-out source{f' {shown(held_out, 60)}' if held_out else ''}"


def _what(told: _Part) -> str:
    """Name, kind, data and threshold."""
    data = part(told.get("data"))
    train = part(data, "fragments", "train")
    threshold = part(told.get("threshold"))
    aware = told.get("pair_aware")
    sees = ("prompt and response" if aware else "the response alone") if isinstance(aware, bool) else DASH
    rule = text_in(threshold.get("rule"))
    sets = ", ".join(prose(name, 60) for name in texts_in(data.get("sets")))
    return (
        f"<p><strong>{text_cell(told.get('name'))}</strong>, {text_cell(told.get('backend'))}, sees "
        f"{sees}. Learned from {count_cell(train.get('n'))} fragments of {count_cell(train.get('sources'))} records, "
        f"{count_cell(train.get('answer_like'))} of them answer-like{f', from {sets}' if sets else ''}. "
        f"Threshold {number_cell(threshold.get('value'), 2)}"
        f"{f': {prose(rule, 200)}' if rule else ''}. "
        "Intervals: 95 %, by source record.</p>"
    )


def _measures(titles: Sequence[str], parts: Sequence[_Part]) -> str:
    """A row for each measure, a column for each set it was tried on."""
    lines = [
        ("Fragments", *(count_cell(one.get("n")) for one in parts)),
        ("Source records", *(count_cell(one.get("sources")) for one in parts)),
        ("Prevalence: answer-like, of all", *(number_cell(one.get("prevalence")) for one in parts)),
        *((title, *(share_cell(estimate_in(one.get(name))) for one in parts)) for name, title in _MEASURES.items()),
        (
            "Accuracy of a rule that looks at the first letter",
            *(number_cell(part(one.get(_RULE)).get("accuracy")) for one in parts),
        ),
    ]
    return table(("Measure", *titles), lines, label="The judge on fragments it did not learn from")


def _drawn(tried: _Part, title: str, which: str) -> str:
    found, ruled = part(tried.get("by_kind")), part(tried, _RULE, "by_kind")
    rows = [
        side_charts.Pair(name=kind.replace("_", " "), first=_accuracy(ruled, kind), second=_accuracy(found, kind))
        for kind in found
    ]
    return figure(
        f"Accuracy by kind: {title.lower()}",
        side_charts.pairs(f"judge{which}", f"Accuracy by kind of fragment, {plural(len(rows), 'kind')}", rows),
        note="far apart: what the judge knows is more than how a text begins",
        legend=(("--rejected", "first-letter rule"), ("--kept", "judge")),
        nothing="no kind was named",
    )


def _by(name: str, title: str, titles: Sequence[str], parts: Sequence[_Part]) -> str:
    """Accuracy of each group, on each set it was tried on, beside the rule's where that was measured."""
    ruled = any(part(one, _RULE, name) for one in parts)
    lines = []
    for group in names_of(part(one.get(name)) for one in parts):
        line = [text_cell(group.replace("_", " "))]
        for one in parts:
            line += [count_cell(part(one, name, group).get("n")), number_cell(_accuracy(part(one.get(name)), group))]
            line += [number_cell(_accuracy(part(one, _RULE, name), group))] if ruled else []
        lines.append(tuple(line))
    columns = ("n", "judge", "rule") if ruled else ("n", "judge")
    short = [said.split(" ", 1)[0] for said in titles]
    head = (title, *(f"{said}: {column}" for said in short for column in columns))
    return table(head, lines, label=f"Accuracy by {title.lower()}", dense=True)


def _validation(found: _Part) -> str:
    """On completions of real models that people labelled."""
    groups = part(found.get("groups"))
    lines = []
    for name in groups:
        one = part(groups.get(name))
        wrong = part(one.get("confusion"))
        lines.append(
            (
                text_cell(name, 120),
                *(count_cell(one.get(key)) for key in ("n", "answer_like", "called_answer_like")),
                share_cell(estimate_in(one.get("accuracy"))),
                number_cell(one.get("kappa")),
                *(count_cell(wrong.get(key)) for key in ("false_negatives", "false_positives")),
            )
        )
    if not lines:
        return ""
    twice = part(found.get("read_twice"))
    again = (
        f" {count_cell(twice.get('n'))} were read twice: agreement {number_cell(twice.get('agreement'))}, "
        f"kappa {number_cell(twice.get('kappa'))}."
        if twice
        else ""
    )
    head = (
        *("Completions", "n", "Answer-like", "Called so", "Accuracy", "Kappa"),
        *("Answers missed", "Others taken for answers"),
    )
    return (
        "<h4>On completions of real models</h4><p>Labelled by reading, without sight of model or verdict."
        f"{again}</p>{table(head, lines, label='The judge on labelled completions', dense=True)}"
    )


def _has(name: str, parts: Sequence[_Part]) -> bool:
    return any(part(one.get(name)) for one in parts)


def _accuracy(groups: _Part, name: str) -> float | None:
    return number_in(part(groups.get(name)).get("accuracy"))
