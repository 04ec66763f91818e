"""The sections about a judge of tone: the fragments that it learns from, and how well it tells answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from selfinstruct.needs import OF_FRAGMENTS, OF_JUDGE
from selfinstruct.records import Json
from selfinstruct.report import charts
from selfinstruct.report.json_values import count_in, estimate_in, number_in, part, text_in, texts_in
from selfinstruct.report.number_words import DASH, number, share, spaced
from selfinstruct.report.page_parts import (
    Cell,
    Figure,
    LegendKey,
    Section,
    Table,
    count_cell,
    estimate_cell,
    names_of,
    number_cell,
    text_cell,
)
from selfinstruct.report.summary import StageMeasure
from selfinstruct.text import shown
from selfinstruct.text.grammar import plural

_SPLITS = ("train", "validation", "test")
_LABELS = {1: "answer-like", 0: "continuation-like"}
_BY_RULE = {
    "first_character_by_kind": "kind",
    "first_character_by_ic_words": "words of the continued instruction",
    "first_character_by_input": "input",
}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentsSection:
    """How many of which kind a judge learns from, and what would give them away."""

    template: ClassVar[str] = "fragments.html.jinja"
    total: int | None
    used: int | None
    seen: int | None
    unused: tuple[tuple[str, int | None], ...]
    """Why records were not used, and how many."""
    cuts: int | None
    complete: int | None
    """Cut prompts that read as complete sentences all the same."""
    by_split: Table
    shortcuts: Table
    by_kind: Table
    more: tuple[Table, ...]

    @classmethod
    def of(cls, measure: StageMeasure) -> "FragmentsSection | None":
        """None where the value is of another shape."""
        value = part(measure.value)
        splits = part(value.get("by_split"))
        if not splits:
            return None
        records, cuts = part(value.get("records")), part(value.get("cuts"))
        unused = part(records.get("unused"))
        return cls(
            total=count_in(value.get("total")),
            used=count_in(records.get("used")),
            seen=count_in(records.get("seen")),
            unused=tuple((spaced(name), count_in(count)) for name, count in unused.items()),
            cuts=count_in(cuts.get("made")),
            complete=count_in(cuts.get("complete")),
            by_split=_by_split(splits),
            shortcuts=_shortcuts(part(value.get("shortcuts"))),
            by_kind=_by_kind(part(value.get("by_kind"))),
            more=tuple(table for table in _more(value) if table.shown),
        )


def _by_split(splits: _Part) -> Table:
    names = [*(name for name in _SPLITS if name in splits), *(name for name in splits if name not in _SPLITS)]
    lines = [
        (Cell(name, limit=40), count_cell(part(splits, name).get("records")), *_labels(part(splits, name)))
        for name in names
    ]
    head = ("Split", "Records", "Fragments", "Answer-like", "Continuation-like", "Prevalence")
    return Table(head, lines, label="Fragments by split and label", dense=True)


def _labels(value: _Part) -> tuple[Cell, ...]:
    counts = (count_cell(value.get(name)) for name in ("fragments", "answer_like", "continuation_like"))
    return (*counts, number_cell(value.get("prevalence")))


def _by_kind(kinds: _Part) -> Table:
    lines = []
    for name in kinds:
        counts = part(kinds, name)
        label = count_in(counts.get("label"))
        lines.append(
            (
                text_cell(spaced(name)),
                Cell(DASH if label is None else _LABELS.get(label, DASH)),
                *(count_cell(counts.get(split)) for split in _SPLITS),
            )
        )
    return Table(("Kind", "Label", "Train", "Validation", "Test"), lines, words=2, label="Fragments by kind")


def _shortcuts(value: _Part) -> Table:
    """What a rule that looks at one thing only would get right: a judge must do better."""
    first = part(value.get(_RULE))
    lines = [
        (Cell("Always the commoner label"), number_cell(value.get("majority")), Cell(DASH)),
        (Cell("First letter"), number_cell(first.get("accuracy")), number_cell(first.get("balanced"))),
    ]
    for name, title in (
        ("length", "Length"),
        ("last_mark", "Last mark"),
        ("white_space", "White space at the seam"),
        ("whole_prompt", "Whole or cut prompt"),
    ):
        lines.append((Cell(title), Cell(DASH), number_cell(part(value, name).get("balanced"))))
    head = ("What one look would tell", "Accuracy", "Balanced")
    return Table(head, lines if value else (), label="Shortcuts", dense=True)


def _more(value: _Part) -> list[Table]:
    inputs = part(value.get("by_input"))
    lines = [(Cell(f"{name} input", limit=40), *_labels(part(inputs, name))) for name in inputs]
    head = ("Input", "Fragments", "Answer-like", "Continuation-like", "Prevalence")
    tables = [Table(head, lines, label="Fragments with and without input", dense=True)]
    for name, title in (("by_language", "Language"), ("by_set", "Set")):
        counts = part(value.get(name))
        tables.append(Table((title, "Fragments"), _counted(counts), label=f"Fragments by {title.lower()}"))
    shortcuts = part(value.get("shortcuts"))
    for name, title in _BY_RULE.items():
        parts = part(shortcuts.get(name))
        ruled = [
            (
                text_cell(spaced(group)),
                count_cell(part(parts, group).get("of")),
                number_cell(part(parts, group).get("accuracy")),
            )
            for group in parts
        ]
        label = f"First-letter rule by {title}"
        tables.append(Table((label, "Fragments", "Accuracy"), ruled, label=label))
    return tables


def _counted(counts: _Part) -> list[tuple[Cell, Cell]]:
    whole = sum(count_in(value) or 0 for value in counts.values())
    return [
        (
            text_cell(name),
            Cell(DASH if (count := count_in(value)) is None else f"{number(count)} · {share(count, whole)}"),
        )
        for name, value in counts.items()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSection:
    """A judge of tone that was trained, on fragments that it did not learn from and on completions of real models."""

    template: ClassVar[str] = "judge.html.jinja"
    name: str
    backend: str
    sees: str
    """What of a response it is shown."""
    fragments: int | None
    records: int | None
    answer_like: int | None
    sets: tuple[str, ...]
    """What it learned from."""
    threshold: float | None
    rule: str
    """How the threshold was chosen."""
    measures: Table
    accuracy: Figure
    by_kind: Table
    by_group: tuple[tuple[str, Table], ...]
    validation: Table
    read_twice: int | None
    """Completions that two people read; None where that was not done."""
    agreement: float | None
    kappa: float | None

    @classmethod
    def of(cls, measure: StageMeasure) -> "JudgeSection | None":
        """None where the value is of another shape."""
        value = part(measure.value)
        metrics = part(value.get("metrics"))
        tried = {name: part(metrics.get(name)) for name in ("test", "held_out") if part(metrics.get(name))}
        if not tried:
            return None
        data, threshold = part(value.get("data")), part(value.get("threshold"))
        titles, parts = [_title(name, data) for name in tried], list(tried.values())
        train, aware = part(data, "fragments", "train"), value.get("pair_aware")
        twice = part(value, "validation", "read_twice")
        groups = [(name, title) for name, title in _GROUPS.items() if any(part(trial.get(name)) for trial in parts)]
        return cls(
            name=text_in(value.get("name")),
            backend=text_in(value.get("backend")),
            sees=("prompt and response" if aware else "the response alone") if isinstance(aware, bool) else DASH,
            fragments=count_in(train.get("n")),
            records=count_in(train.get("sources")),
            answer_like=count_in(train.get("answer_like")),
            sets=texts_in(data.get("sets")),
            threshold=number_in(threshold.get("value")),
            rule=text_in(threshold.get("rule")),
            measures=_measures(titles, parts),
            accuracy=_accuracy_by_kind(parts[0], titles[0]),
            by_kind=_by(("by_kind", "Kind"), titles, parts),
            by_group=tuple((title, _by((name, title), titles, parts)) for name, title in groups),
            validation=_validation(part(value, "validation", "groups")),
            read_twice=(count_in(twice.get("n")) or 0) if twice else None,
            agreement=number_in(twice.get("agreement")),
            kappa=number_in(twice.get("kappa")),
        )


FRAGMENTS = Section("fragments", "Fragments", "What a judge learns from", {OF_FRAGMENTS: FragmentsSection.of})
JUDGE = Section("judge", "Judge", "How good the judge is", {OF_JUDGE: JudgeSection.of})


def _title(name: str, data: _Part) -> str:
    if name == "test":
        return "Test fragments"
    held_out = text_in(data.get("held_out"))
    return f"Held-out source{f' {shown(held_out, 60)}' if held_out else ''}"


def _measures(titles: Sequence[str], parts: Sequence[_Part]) -> Table:
    """A row for each measure, a column for each set it was tried on."""
    first_letter = "Accuracy of a rule that looks at the first letter"
    lines = [
        (Cell("Fragments"), *(count_cell(trial.get("n")) for trial in parts)),
        (Cell("Source records"), *(count_cell(trial.get("sources")) for trial in parts)),
        (Cell("Prevalence: answer-like, of all"), *(number_cell(trial.get("prevalence")) for trial in parts)),
        *(
            (Cell(title), *(estimate_cell(estimate_in(trial.get(name))) for trial in parts))
            for name, title in _MEASURES.items()
        ),
        (Cell(first_letter), *(number_cell(part(trial.get(_RULE)).get("accuracy")) for trial in parts)),
    ]
    return Table(("Measure", *titles), lines, label="The judge on fragments it did not learn from")


def _accuracy_by_kind(tried: _Part, title: str) -> Figure:
    judged, ruled = part(tried.get("by_kind")), part(tried, _RULE, "by_kind")
    pairs = [
        charts.ChartPair(name=spaced(kind), first=_accuracy(ruled, kind), second=_accuracy(judged, kind))
        for kind in judged
    ]
    return Figure(
        caption=f"Accuracy by kind: {title.lower()}",
        chart=charts.pairs(f"Accuracy by kind of fragment, {plural(len(pairs), 'kind')}", pairs),
        note="far apart: what the judge knows is more than how a text begins",
        legend=(LegendKey("--rejected", "first-letter rule"), LegendKey("--kept", "judge")),
        nothing="no kind was named",
    )


def _by(group: tuple[str, str], titles: Sequence[str], parts: Sequence[_Part]) -> Table:
    """Accuracy of each group, on each set it was tried on, beside the rule's where that was measured."""
    name, title = group
    ruled = any(part(trial, _RULE, name) for trial in parts)
    lines = []
    for member in names_of(part(trial.get(name)) for trial in parts):
        line = [text_cell(spaced(member))]
        for trial in parts:
            line += [
                count_cell(part(trial, name, member).get("n")),
                number_cell(_accuracy(part(trial.get(name)), member)),
            ]
            line += [number_cell(_accuracy(part(trial, _RULE, name), member))] if ruled else []
        lines.append(tuple(line))
    columns = ("n", "judge", "rule") if ruled else ("n", "judge")
    head = (title, *(f"{said.split(' ', 1)[0]}: {column}" for said in titles for column in columns))
    return Table(head, lines, label=f"Accuracy by {title.lower()}", dense=True)


def _validation(groups: _Part) -> Table:
    """On completions of real models that people labelled."""
    lines = []
    for name in groups:
        group = part(groups.get(name))
        wrong = part(group.get("confusion"))
        lines.append(
            (
                text_cell(name, 120),
                *(count_cell(group.get(key)) for key in ("n", "answer_like", "called_answer_like")),
                estimate_cell(estimate_in(group.get("accuracy"))),
                number_cell(group.get("kappa")),
                *(count_cell(wrong.get(key)) for key in ("false_negatives", "false_positives")),
            )
        )
    head = (
        *("Completions", "n", "Answer-like", "Called so", "Accuracy", "Kappa"),
        *("Answers missed", "Others taken for answers"),
    )
    return Table(head, lines, label="The judge on labelled completions", dense=True)


def _accuracy(groups: _Part, name: str) -> float | None:
    return number_in(part(groups.get(name)).get("accuracy"))
