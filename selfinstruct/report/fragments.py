"""The part of the page for fragments: how many of which kind a judge learns from, and what would give them away."""

from collections.abc import Mapping, Sequence

from selfinstruct.records import Json
from selfinstruct.report.cells import DASH, count_cell, number_cell, text_cell
from selfinstruct.report.json_values import count_in, part
from selfinstruct.report.markup import folded, table
from selfinstruct.report.phrases import number, prose, share
from selfinstruct.report.summary import Measure

_SPLITS = ("train", "validation", "test")
_LABELS = {1: "answer-like", 0: "continuation-like"}
_BY_RULE = {
    "first_character_by_kind": "kind",
    "first_character_by_ic_words": "words of the continued instruction",
    "first_character_by_input": "input",
}


def fragments(measure: Measure, which: str) -> str:
    """Counts; empty where the value is of another shape."""
    del which  # nothing is drawn
    told = part(measure.value)
    splits = part(told.get("by_split"))
    if not splits:
        return ""
    aside = f'<div class="pair">{_by_split(splits)}{_shortcuts(part(told.get("shortcuts")))}</div>'
    more = folded("By input, language and set, and what the first letter tells", _more(told))
    return f"{_sums(told)}{aside}{_by_kind(part(told.get('by_kind')))}{more}"


def _sums(told: Mapping[str, Json]) -> str:
    records, cuts = part(told.get("records")), part(told.get("cuts"))
    unused = part(records.get("unused"))
    why = "; ".join(f"{prose(name.replace('_', ' '), 60)} {count_cell(unused[name])}" for name in unused)
    return (
        f"<p>{count_cell(told.get('total'))} fragments of {count_cell(records.get('used'))} records; "
        f"{count_cell(records.get('seen'))} were seen{f' (not used: {why})' if why else ''}. "
        f"{count_cell(cuts.get('made'))} prompts are cut, and {count_cell(cuts.get('complete'))} of the cut ones read "
        "as complete sentences all the same.</p>"
    )


def _by_split(splits: Mapping[str, Json]) -> str:
    names = [*(name for name in _SPLITS if name in splits), *(name for name in splits if name not in _SPLITS)]
    lines = [
        (prose(name, 40), count_cell(part(splits, name).get("records")), *_labels(part(splits, name))) for name in names
    ]
    head = ("Split", "Records", "Fragments", "Answer-like", "Continuation-like", "Prevalence")
    return table(head, lines, label="Fragments by split and label", dense=True)


def _labels(told: Mapping[str, Json]) -> tuple[str, ...]:
    counts = (count_cell(told.get(name)) for name in ("fragments", "answer_like", "continuation_like"))
    return (*counts, number_cell(told.get("prevalence")))


def _by_kind(kinds: Mapping[str, Json]) -> str:
    lines = []
    for name in kinds:
        one = part(kinds, name)
        label = count_in(one.get("label"))
        lines.append(
            (
                text_cell(name.replace("_", " ")),
                DASH if label is None else _LABELS.get(label, DASH),
                *(count_cell(one.get(split)) for split in _SPLITS),
            )
        )
    head = ("Kind", "Label", "Train", "Validation", "Test")
    return table(head, lines, words=2, label="Fragments by kind")


def _shortcuts(told: Mapping[str, Json]) -> str:
    """What a rule that looks at one thing only would get right: a judge must do better."""
    first = part(told.get("first_character"))
    lines = [
        ("Always the commoner label", number_cell(told.get("majority")), DASH),
        ("First letter", number_cell(first.get("accuracy")), number_cell(first.get("balanced"))),
    ]
    for name, title in (
        ("length", "Length"),
        ("last_mark", "Last mark"),
        ("white_space", "White space at the seam"),
        ("whole_prompt", "Whole or cut prompt"),
    ):
        lines.append((title, DASH, number_cell(part(told, name).get("balanced"))))
    if not told:
        return ""
    return table(("What one look would tell", "Accuracy", "Balanced"), lines, label="Shortcuts", dense=True)


def _more(told: Mapping[str, Json]) -> str:
    inputs = part(told.get("by_input"))
    lines = [(prose(f"{name} input", 40), *_labels(part(inputs, name))) for name in inputs]
    head = ("Input", "Fragments", "Answer-like", "Continuation-like", "Prevalence")
    found = table(head, lines, label="Fragments with and without input", dense=True)
    for name, title in (("by_language", "Language"), ("by_set", "Set")):
        counts = part(told.get(name))
        found += table((title, "Fragments"), _counted(counts), label=f"Fragments by {title.lower()}")
    shortcuts = part(told.get("shortcuts"))
    for name, title in _BY_RULE.items():
        parts = part(shortcuts.get(name))
        ruled = [
            (
                text_cell(one.replace("_", " ")),
                count_cell(part(parts, one).get("of")),
                number_cell(part(parts, one).get("accuracy")),
            )
            for one in parts
        ]
        found += table(
            (f"First-letter rule by {title}", "Fragments", "Accuracy"), ruled, label=f"First-letter rule by {title}"
        )
    return found


def _counted(counts: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
    whole = sum(count_in(value) or 0 for value in counts.values())
    return [
        (text_cell(name), DASH if (count := count_in(value)) is None else f"{number(count)} · {share(count, whole)}")
        for name, value in counts.items()
    ]
