"""What a judge could learn instead of the tone: rules that look at one thing only; the counts of what was made."""

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from selfinstruct.fragment.cuts import size
from selfinstruct.fragment.fragment import KINDS, Fragment
from selfinstruct.fragment.levelling import ends_with_mark
from selfinstruct.fragment.pair_sources import SPLITS, Split, SplitAssignment
from selfinstruct.records import Json

Rule: TypeAlias = Callable[[str], bool]
"""Says of a continuation that it is answer-like."""
_BINS = (3, 6, 9, 14, 24)  # words of I_c: the upper end of each bin but the last


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many of a part were judged right."""

    right: int
    of: int

    @property
    def share(self) -> float:
        """0 for a part with nothing in it."""
        return self.right / self.of if self.of else 0.0

    def as_json(self) -> dict[str, Json]:
        """Counts and share right, as `shortcuts` has them."""
        return {"right": self.right, "of": self.of, "accuracy": round(self.share, 4)}


def starts_large(continuation: str) -> bool:
    """The first-character rule: a lower-case letter carries on, all else answers.

    >>> starts_large(" of Spain?"), starts_large("The Ebro."), starts_large("1. Ebro")
    (False, True, True)
    """
    return not continuation.lstrip()[:1].islower()


def accuracy(fragments: Iterable[Fragment], said: Iterable[int]) -> Accuracy:
    """Of labels said, 1 or 0, in the order of the fragments."""
    right = [fragment.label == label for fragment, label in zip(fragments, said, strict=True)]
    return Accuracy(sum(right), len(right))


def accuracy_by_kind(fragments: Sequence[Fragment], said: Sequence[int]) -> dict[str, Accuracy]:
    """The same for each kind, in alphabetical order."""
    return _by(fragments, said, lambda fragment: fragment.kind)


def accuracy_by_length(fragments: Sequence[Fragment], said: Sequence[int]) -> dict[str, Accuracy]:
    """The same by the words of I_c, for fragments that hold one, from short to long.

    >>> [length_bin(words) for words in (2, 3, 4, 24, 25)]
    ['1-3', '1-3', '4-6', '15-24', '25-']
    """
    return _by(fragments, said, lambda fragment: length_bin(fragment.ic_words) if fragment.ic_words else "")


def accuracy_by_input(fragments: Sequence[Fragment], said: Sequence[int]) -> dict[str, Accuracy]:
    """The same for instructions with and without an input."""
    return _by(fragments, said, lambda fragment: "with_input" if fragment.with_input else "without_input")


def length_bin(words: int) -> str:
    """The bin of a number of words."""
    at = bisect(_BINS, words - 1)
    low = _BINS[at - 1] + 1 if at else 1
    return f"{low}-{_BINS[at]}" if at < len(_BINS) else f"{low}-"


def shortcuts(fragments: Sequence[Fragment]) -> dict[str, Json]:
    """How far single features go; `majority` is the accuracy of always saying the commoner label.

    `first_character` is the fixed rule `starts_large`. `by_label` is the share of each label that a feature holds for,
    `balanced` the mean of the shares of both labels that the best rule on it judges right: 0.5 where it tells nothing.
    """
    if not fragments:
        return {}
    answers = sum(fragment.label for fragment in fragments)
    large = [starts_large(fragment.continuation) for fragment in fragments]
    return {
        "majority": round(max(answers, len(fragments) - answers) / len(fragments), 4),
        "first_character": {**accuracy(fragments, map(int, large)).as_json(), **_flag(fragments, large)},
        "length": _length(fragments),
        "last_mark": _flag(fragments, [ends_with_mark(fragment.continuation) for fragment in fragments]),
        "white_space": _flag(fragments, [fragment.continuation[:1].isspace() for fragment in fragments]),
        "whole_prompt": _flag(fragments, [fragment.whole for fragment in fragments]),
    }


def _by(fragments: Sequence[Fragment], said: Sequence[int], part: Callable[[Fragment], str]) -> dict[str, Accuracy]:
    parts: dict[str, list[bool]] = {}
    for fragment, label in zip(fragments, said, strict=True):
        if name := part(fragment):
            parts.setdefault(name, []).append(fragment.label == label)
    order = sorted(parts, key=lambda name: (int(name.split("-")[0]) if name[0].isdigit() else 0, name))
    return {name: Accuracy(sum(parts[name]), len(parts[name])) for name in order}


def _flag(fragments: Sequence[Fragment], holds: Sequence[bool]) -> dict[str, Json]:
    shares = {}
    for label in (1, 0):
        own = [flag for fragment, flag in zip(fragments, holds, strict=True) if fragment.label == label]
        shares[label] = sum(own) / len(own) if own else 0.0
    return {
        "balanced": round(0.5 + abs(shares[1] - shares[0]) / 2, 4),
        "by_label": {str(label): round(share, 4) for label, share in shares.items()},
    }


def _length(fragments: Sequence[Fragment]) -> dict[str, Json]:
    """The best rule that looks at the number of words alone: longer, or shorter, than some bound."""
    sizes = {
        label: sorted(size(fragment.continuation) for fragment in fragments if fragment.label == label)
        for label in (1, 0)
    }
    apart = 0.0
    if sizes[1] and sizes[0]:
        bounds = sorted({*sizes[1], *sizes[0]})
        below = [[bisect(sizes[label], bound) / len(sizes[label]) for label in (1, 0)] for bound in bounds]
        apart = max(abs(positive - negative) for positive, negative in below)
    medians: dict[str, Json] = {str(label): own[len(own) // 2] if own else None for label, own in sizes.items()}
    return {"balanced": round(0.5 + apart / 2, 4), "median_words_by_label": medians}


def fragment_counts(draw: SplitAssignment, made: Mapping[Split, Sequence[Fragment]]) -> dict[str, Json]:
    """What `Measured("fragments")` and `about.json` say; `prevalence` is the share of answer-like fragments."""
    everything = [fragment for split in SPLITS for fragment in made[split]]
    placements = Counter(draw.placements)
    unused: dict[str, Json] = {
        placement: placements[placement] for placement in sorted(placements) if placement not in SPLITS
    }
    first = [int(starts_large(fragment.continuation)) for fragment in everything]
    return {
        "records": {"seen": len(draw.placements), "used": sum(placements[split] for split in SPLITS), "unused": unused},
        "total": len(everything),
        "by_split": {split: {"records": placements[split], **_labels(made[split])} for split in SPLITS},
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
    by_split: dict[str, Json] = {split: sum(fragment.kind == name for fragment in made[split]) for split in SPLITS}
    return {"label": KINDS[name].label, **by_split}


def _sorted(counts: Counter[str]) -> dict[str, Json]:
    """Counts as JSON, the commonest first."""
    return {name: counts[name] for name in sorted(counts, key=lambda name: (-counts[name], name))}


def _accuracies(parts: Mapping[str, Accuracy]) -> dict[str, Json]:
    return {name: part.as_json() for name, part in parts.items()}
