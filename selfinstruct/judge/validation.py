"""A judge tried on completions of real models that were labelled by reading: what its verdicts on models are worth."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.judge.metrics import Told, measures
from selfinstruct.records import Json
from selfinstruct.stage import Tone

_DIGITS = 6
_TEXTS = ("prompt", "response", "model", "wrapper", "source")
ALL, WHOLE, CUT = "all", "whole", "cut"
"""Groups whose errors are told apart: the judge errs otherwise on cut prompts than on whole ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """The beginning of a completion, and what one who read it called it."""

    prompt: str
    response: str
    """As many tokens as a judge is shown."""
    label: int
    """1 answers, 0 carries on."""
    again: int | None
    """What a second, independent reading called it; None where there was none."""
    model: str
    wrapper: str
    whole: bool
    source: str
    """Of the prompt: whole and cut prompts of one instruction share it."""
    lineage: str = ""
    """The pretraining behind the model: wrappers and students belong to their base; empty: the model itself."""
    unsure: bool = False
    """A reader could not tell, or two readers did not agree until a third one decided."""

    @property
    def family(self) -> str:
        """The lineage, or the model where none is named: figures about models never seen leave out all of it."""
        return self.lineage or self.model


def labelled_of(rows: Iterable[Mapping[str, Any]], place: str) -> tuple[Labelled, ...]:
    """The rows of a file such as `seeds/tone_completions.jsonl`; BadInput for one that lacks a field.

    >>> row = {"prompt": "Name a", "response": " river.", "label": 0, "model": "a", "wrapper": "none"}
    >>> labelled_of([{**row, "whole": False, "source": "s-1"}], "file")[0].again is None
    True
    """
    made = []
    for number, row in enumerate(rows, 1):
        texts = {key: row.get(key) for key in _TEXTS}
        label, again = row.get("label"), row.get("again")
        right = all(isinstance(text, str) for text in texts.values()) and isinstance(row.get("whole"), bool)
        if not right or label not in (0, 1) or again not in (0, 1, None):
            what = "no labelled completion: it needs " + ", ".join((*_TEXTS, "whole", "label (0 or 1)"))
            raise BadInput(what, place=f"{place}:{number}", fix="complete the line")
        made.append(
            Labelled(
                **{key: str(text) for key, text in texts.items()},
                label=label,
                again=again,
                whole=row["whole"] is True,
                lineage=str(row.get("lineage") or ""),
                unsure=row.get("unsure") is True,
            )
        )
    return tuple(made)


def validated(judge: Tone, some: Sequence[Labelled], *, seed: int) -> dict[str, Json]:
    """Accuracy, Cohen's kappa and counts of every group of completions, and how far two readings agreed.

    Groups: all, whole and cut prompts, and each model under each wrapper. Intervals: 95 %, by source.
    """
    said = [
        probability >= judge.threshold
        for probability in judge.probabilities(
            [(one.prompt, one.response) for one in some], [one.whole for one in some]
        )
    ]
    groups: dict[str, Callable[[Labelled], bool]] = {
        ALL: lambda one: True,  # noqa: ARG005 - every group is asked the same
        WHOLE: lambda one: one.whole,
        CUT: lambda one: not one.whole,
    }
    for name in dict.fromkeys(_setting(one) for one in some):
        groups[name] = lambda one, name=name: _setting(one) == name  # type: ignore[misc]  # bound now, not later
    told: dict[str, Json] = {}
    for name, belongs in groups.items():
        rows = [(one, verdict) for one, verdict in zip(some, said, strict=True) if belongs(one)]
        if rows:
            told[name] = _group([one for one, _ in rows], [verdict for _, verdict in rows], seed)
    twice = [(one.label == 1, one.again == 1) for one in some if one.again is not None]
    return {"groups": told, "read_twice": _agreement(twice) if twice else None}


def confusions(validation: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The counts of right and wrong verdicts on all, whole and cut prompts, as far as there are both labels.

    >>> confusions({})
    {}
    """
    groups = validation.get("groups", {})
    found = {name: dict(groups[name]["confusion"]) for name in (ALL, WHOLE, CUT) if name in groups}
    return {
        name: one
        for name, one in found.items()
        if one["true_positives"] + one["false_negatives"] and one["true_negatives"] + one["false_positives"]
    }


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Agreement beyond chance (Cohen 1960); None where both sides only ever say the same one thing.

    >>> kappa([(True, True), (True, True), (False, False), (False, True)])
    0.5
    """
    count = len(pairs)
    agreed = sum(one == other for one, other in pairs) / count
    first, second = (sum(pair[side] for pair in pairs) / count for side in (0, 1))
    chance = first * second + (1 - first) * (1 - second)
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def _setting(one: Labelled) -> str:
    return f"{one.model}, {one.wrapper}"


def _group(some: Sequence[Labelled], said: Sequence[bool], seed: int) -> dict[str, Json]:
    import numpy as np

    truth = [one.label == 1 for one in some]
    pairs = list(zip(truth, said, strict=True))
    numbers: dict[str, int] = {}
    sources = np.array([numbers.setdefault(one.source, len(numbers)) for one in some], np.int64)
    told = Told(np.array(said, np.float64), np.array(truth, np.int64), sources)
    found = measures(told, threshold=0.5, seed=seed)
    return {
        "n": len(some),
        "answer_like": sum(truth),
        "called_answer_like": sum(said),
        "accuracy": found["accuracy"],
        "kappa": _rounded(kappa(pairs)),
        "confusion": {
            "true_positives": pairs.count((True, True)),
            "false_negatives": pairs.count((True, False)),
            "true_negatives": pairs.count((False, False)),
            "false_positives": pairs.count((False, True)),
        },
    }


def _agreement(pairs: Sequence[tuple[bool, bool]]) -> dict[str, Json]:
    agreed = sum(one == other for one, other in pairs)
    return {"n": len(pairs), "agreement": round(agreed / len(pairs), _DIGITS), "kappa": _rounded(kappa(pairs))}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
