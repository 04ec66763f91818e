"""Counts what was made: by kind, label, split and input, with the cuts that are complete sentences."""

from collections import Counter
from collections.abc import Mapping, Sequence

from selfinstruct.fragment.fragment import Fragment
from selfinstruct.fragment.kinds import KINDS
from selfinstruct.fragment.shortcuts import (
    Accuracy,
    accuracy_by_input,
    accuracy_by_kind,
    accuracy_by_length,
    shortcuts,
    starts_large,
)
from selfinstruct.fragment.splits import SPLITS, Draw, Split
from selfinstruct.records import Json


def counted(draw: Draw, made: Mapping[Split, Sequence[Fragment]]) -> dict[str, Json]:
    """What `Measured("fragments")` and `about.json` say; `prevalence` is the share of answer-like fragments."""
    everything = [fragment for split in SPLITS for fragment in made[split]]
    fates = Counter(draw.fates)
    unused: dict[str, Json] = {fate: fates[fate] for fate in sorted(fates) if fate not in SPLITS}
    first = [int(starts_large(fragment.continuation)) for fragment in everything]
    return {
        "records": {"seen": len(draw.fates), "used": sum(fates[split] for split in SPLITS), "unused": unused},
        "total": len(everything),
        "by_split": {split: {"records": fates[split], **_labels(made[split])} for split in SPLITS},
        "by_kind": {name: _of_kind(name, made) for name in KINDS},
        "by_input": {
            "with": _labels([fragment for fragment in everything if fragment.with_input]),
            "without": _labels([fragment for fragment in everything if not fragment.with_input]),
        },
        "by_language": _sorted(Counter(fragment.language or "unknown" for fragment in everything)),
        "by_set": _sorted(Counter(fragment.set for fragment in everything)),
        "cuts": {
            "made": sum(not fragment.whole for fragment in everything),
            "complete": sum(fragment.complete for fragment in everything),
        },
        "shortcuts": {
            **shortcuts(everything),
            "first_character_by_kind": _accuracies(accuracy_by_kind(everything, first)),
            "first_character_by_ic_words": _accuracies(accuracy_by_length(everything, first)),
            "first_character_by_input": _accuracies(accuracy_by_input(everything, first)),
        },
    }


def _labels(fragments: Sequence[Fragment]) -> dict[str, Json]:
    answers = sum(fragment.label for fragment in fragments)
    return {
        "fragments": len(fragments),
        "answer_like": answers,
        "continuation_like": len(fragments) - answers,
        "prevalence": round(answers / len(fragments), 4) if fragments else None,
    }


def _of_kind(name: str, made: Mapping[Split, Sequence[Fragment]]) -> dict[str, Json]:
    by_split: dict[str, Json] = {split: sum(one.kind == name for one in made[split]) for split in SPLITS}
    return {"label": KINDS[name].label, **by_split}


def _sorted(counts: Counter[str]) -> dict[str, Json]:
    """The commonest first."""
    return {name: counts[name] for name in sorted(counts, key=lambda name: (-counts[name], name))}


def _accuracies(parts: Mapping[str, Accuracy]) -> dict[str, Json]:
    return {name: part.as_json() for name, part in parts.items()}
