"""A judge tried on completions of real models that readers labelled, and how far readers agree."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selfinstruct.errors import BadInput
from selfinstruct.judge.judge_metrics import Predictions, measures, rounded
from selfinstruct.records import Json
from selfinstruct.stage import Tone
from selfinstruct.stats import bootstrap, kappa
from selfinstruct.text.quoting import six_digits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_KIND = 8
"""Completions that a kind of model needs, to tell how a judge errs on it."""
_TEXTS = ("prompt", "response", "model", "wrapper", "source")
ALL, WHOLE, CUT = "all", "whole", "cut"
"""Groups whose errors are counted apart: the judge errs otherwise on cut prompts than on whole ones."""
SURE, LINEAGE, SHAPE, LOCKED = "sure", "lineage ", "prompts of shape ", "locked: "
"""Further groups, by the beginnings of their names: what readers agree on, and models and prompts of one kind."""
_ROUNDS = ("first", "second", "third")
_CALLED = {"1": 1, "0": 0, "u": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """The beginning of a completion, and what one who read it called it."""

    prompt: str
    response: str
    """As many tokens as a judge is shown."""
    label: int | None
    """1 answers, 0 carries on; None: no reading settled it."""
    called: tuple[int | None, ...]
    """By each reading that did not see the others, in order; None: unsure."""
    model: str
    wrapper: str
    whole: bool
    source: str
    """Of the prompt: whole and cut prompts of one instruction share it."""
    lineage: str = ""
    """The pretraining behind the model: wrappers and students belong to their base; empty: the model itself."""
    shape: str = ""
    """Of the prompt, such as `code` or `letter`; empty where it is not recorded."""
    unsure: bool = False
    """A reader could not tell, or two did not agree, or it was read once where others were read twice."""

    @property
    def family(self) -> str:
        """The lineage, or the model where none is named: figures about models never seen leave out all of it."""
        return self.lineage or self.model


def labelled_of(rows: Iterable[Mapping[str, Any]], place: str) -> tuple[Labelled, ...]:
    """The rows of a file such as `seeds/tone_completions.jsonl` or `seeds/tone_reads.jsonl`.

    A row has one `label` (and `again`, a second reading), or up to three readings (`first`, `second`, `third`), or none
    so far: those are left out. So are rows that have a `sha256` in place of their texts, for those lie elsewhere.

    Raises:
        BadInput: a row lacks a field.

    >>> row = {"prompt": "Name a", "response": " river.", "label": 0, "model": "a", "wrapper": "none"}
    >>> labelled_of([{**row, "whole": False, "source": "s-1"}], "file")[0].called
    (0,)
    """
    made = []
    for number, row in enumerate(rows, 1):
        if ("sha256" in row and "prompt" not in row) or ("id" in row and not {"label", "first"} & row.keys()):
            continue
        texts = {key: row.get(key) for key in _TEXTS}
        right = all(isinstance(text, str) for text in texts.values()) and isinstance(row.get("whole"), bool)
        label, called, unsure = _called(row, f"{place}:{number}")
        if not right or not called:
            what = "no labelled completion: it needs " + ", ".join((*_TEXTS, "whole", "label (0 or 1)"))
            raise BadInput(what, place=f"{place}:{number}", fix="complete the line")
        made.append(
            Labelled(
                **{key: str(text) for key, text in texts.items()},
                label=label,
                called=called,
                whole=row["whole"] is True,
                lineage=str(row.get("lineage") or ""),
                shape=str(row.get("shape") or ""),
                unsure=unsure,
            )
        )
    return tuple(made)


def _called(row: Mapping[str, Any], place: str) -> tuple[int | None, tuple[int | None, ...], bool]:
    """The label, every reading, and whether there is doubt."""
    if "first" in row:
        called = labels_read(row, place)
        adjudication = adjudicated(called)
        return adjudication.label, tuple(called), not adjudication.sure
    label, again = row.get("label"), row.get("again")
    if label not in (0, 1) or again not in (0, 1, None):
        return None, (), True
    return label, (label,) if again is None else (label, again), row.get("unsure") is True


def validated(judge: Tone, completions: Sequence[Labelled], *, seed: int) -> dict[str, Json]:
    """`completion_metrics` on what a judge says that did not learn from these completions."""
    import numpy as np

    pairs = [(completion.prompt, completion.response) for completion in completions]
    probabilities = judge.probabilities(pairs, [completion.whole for completion in completions])
    return completion_metrics(completions, np.array(probabilities, np.float64), threshold=judge.threshold, seed=seed)


def completion_metrics(
    completions: Sequence[Labelled],
    probabilities: "NDArray[np.float64]",
    *,
    threshold: float,
    seed: int,
    locked: Sequence[str] = (),
) -> dict[str, Json]:
    """What verdicts are worth, group by group, and how far two readings agreed. Intervals: 95 %, by source.

    `groups`: all, whole and cut prompts; those of them that are sure; each lineage, or each model under each wrapper
    where no lineages are named; each shape of prompt. `locked`: lineages that have groups of their own alone.
    Completions that no reading settled are in no group; `undecided` says what they would do to the accuracy.
    """
    said = (probabilities >= threshold).tolist()
    free = [
        (completion, verdict)
        for completion, verdict in zip(completions, said, strict=True)
        if completion.family not in locked
    ]
    groups = _groups([(completion, verdict) for completion, verdict in free if completion.label is not None])
    for name in locked:
        kept = [
            (completion, verdict)
            for completion, verdict in zip(completions, said, strict=True)
            if completion.family == name
        ]
        groups |= {
            f"{LOCKED}{name}": [pair for pair in kept if pair[0].label is not None],
            f"{LOCKED}{name}, {SURE}": [pair for pair in kept if not pair[0].unsure],
        }
    by_group: dict[str, Json] = {name: _group(rows, seed) for name, rows in groups.items() if rows}
    kinds = _kinds(list(zip(completions, said, strict=True)))
    return {"groups": by_group, "read_twice": _read_twice(completions), "undecided": _undecided(free), "kinds": kinds}


def _kinds(rows: Sequence[tuple[Labelled, bool]]) -> dict[str, Json]:
    """For whole and for cut prompts, how the judge errs on each kind of model: a lineage, under one wrapper."""
    by_prompt: dict[str, Json] = {}
    for name, whole in ((WHOLE, True), (CUT, False)):
        cells: dict[tuple[str, str], list[tuple[bool, bool]]] = {}
        for completion, verdict in rows:
            if completion.label is not None and completion.whole == whole:
                cells.setdefault((completion.family, completion.wrapper), []).append((completion.label == 1, verdict))
        by_prompt[name] = [
            {
                "lineage": family,
                "wrapper": wrapper,
                "n": len(pairs),
                "false_positives": pairs.count((False, True)),
                "false_negatives": pairs.count((True, False)),
            }
            for (family, wrapper), pairs in sorted(cells.items())
            if len(pairs) >= _KIND
        ]
    return by_prompt


def _read_twice(completions: Sequence[Labelled]) -> Json:
    twice = [
        (completion, (completion.called[0], completion.called[1]))
        for completion in completions
        if len(completion.called) > 1
    ]
    if not twice:
        return None
    lineages = sorted({completion.lineage for completion, _ in twice if completion.lineage})
    by_group: dict[str, Json] = {
        f"{LINEAGE}{name}": agreement([called for completion, called in twice if completion.lineage == name])
        for name in lineages
    }
    for title, whole in ((WHOLE, True), (CUT, False)):
        by_group[title] = agreement([called for completion, called in twice if completion.whole == whole])
    return {**agreement([called for _, called in twice]), "groups": by_group}


def _groups(rows: Sequence[tuple[Labelled, bool]]) -> "dict[str, list[tuple[Labelled, bool]]]":
    groups: dict[str, list[tuple[Labelled, bool]]] = {ALL: [], WHOLE: [], CUT: []}
    if any(completion.unsure for completion, _ in rows):
        groups |= {SURE: [], f"{WHOLE}, {SURE}": [], f"{CUT}, {SURE}": []}
    for pair in rows:
        completion = pair[0]
        names = [ALL, WHOLE if completion.whole else CUT]
        if not completion.unsure:
            names += [SURE, f"{names[1]}, {SURE}"]
        for name in names:
            if name in groups:
                groups[name].append(pair)
    for name in dict.fromkeys(map(_setting, (completion for completion, _ in rows))):
        groups[name] = [pair for pair in rows if _setting(pair[0]) == name]
    for shape in sorted({completion.shape for completion, _ in rows if completion.shape}):
        groups[f"{SHAPE}{shape}"] = [pair for pair in rows if pair[0].shape == shape]
    return groups


def _undecided(rows: Sequence[tuple[Labelled, bool]]) -> Json:
    """How many no reading settled, and the accuracy in all with them as answers, as others, as half of each."""
    right = sum((completion.label == 1) == verdict for completion, verdict in rows if completion.label is not None)
    called = [verdict for completion, verdict in rows if completion.label is None]
    if not called:
        return None
    whole = len(rows)
    return {
        "n": len(called),
        "called_answer_like": sum(called),
        "accuracy_as_answers": six_digits((right + sum(called)) / whole),
        "accuracy_as_others": six_digits((right + len(called) - sum(called)) / whole),
        "accuracy_as_half": six_digits((right + len(called) / 2) / whole),
    }


def confusions(validation: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The counts of right and wrong verdicts on all, whole and cut prompts, as far as there are both labels.

    >>> confusions({})
    {}
    """
    groups = validation.get("groups", {})
    by_group = {name: dict(groups[name]["confusion"]) for name in (ALL, WHOLE, CUT) if name in groups}
    return {
        name: counts
        for name, counts in by_group.items()
        if counts["true_positives"] + counts["false_negatives"] and counts["true_negatives"] + counts["false_positives"]
    }


def _setting(completion: Labelled) -> str:
    return f"{LINEAGE}{completion.lineage}" if completion.lineage else f"{completion.model}, {completion.wrapper}"


def _group(rows: Sequence[tuple[Labelled, bool]], seed: int) -> dict[str, Json]:
    import numpy as np

    pairs = [(completion.label == 1, verdict) for completion, verdict in rows]
    truth, said = [real for real, _ in pairs], [verdict for _, verdict in pairs]
    numbers: dict[str, int] = {}
    sources = np.array([numbers.setdefault(completion.source, len(numbers)) for completion, _ in rows], np.int64)
    predictions = Predictions(np.array(said, np.float64), np.array(truth, np.int64), sources)
    metrics = measures(predictions, threshold=0.5, seed=seed)
    off = np.array(said, np.float64) - np.array(truth, np.float64)
    table = np.stack([np.bincount(sources, off), np.bincount(sources)], axis=1)
    bias = bootstrap(_mean, table, n=len(rows), within=(-1, 1), seed=seed)
    return {
        "n": len(rows),
        "answer_like": sum(truth),
        "called_answer_like": sum(said),
        "accuracy": metrics["accuracy"],
        "bias": rounded(bias),
        "kappa": six_digits(kappa(truth, said)),
        "confusion": {
            "true_positives": pairs.count((True, True)),
            "false_negatives": pairs.count((True, False)),
            "true_negatives": pairs.count((False, False)),
            "false_positives": pairs.count((False, True)),
        },
    }


def _mean(sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
    return sums[..., 0] / sums[..., 1]


@dataclass(frozen=True, slots=True)
class Adjudicated:
    """The label that the readings of one completion give."""

    label: int | None
    """1 answers, 0 carries on; None: no reading settled it."""
    sure: bool
    """Two readers, each without sight of the other, called it the same."""


def adjudicated(called: Sequence[int | None]) -> Adjudicated:
    """One reading counts as it is; two that agree are sure; where two differ, a third decides.

    >>> adjudicated([1, 1]), adjudicated([1, 0]), adjudicated([1, 0, 0])
    (Adjudicated(label=1, sure=True), Adjudicated(label=None, sure=False), Adjudicated(label=0, sure=False))
    >>> adjudicated([None]), adjudicated([0])
    (Adjudicated(label=None, sure=False), Adjudicated(label=0, sure=False))
    """
    if len(called) == 1:
        return Adjudicated(called[0], sure=False)
    if called[0] is not None and called[0] == called[1]:
        return Adjudicated(called[0], sure=True)
    return Adjudicated(called[2] if len(called) > 2 else None, sure=False)


def labels_read(row: Mapping[str, Any], place: str) -> list[int | None]:
    """The readings in a row such as those of `seeds/tone_reads.jsonl`, in order; BadInput for another label.

    >>> labels_read({"first": {"label": "1"}, "second": {"label": "u"}}, "reads.jsonl:1")
    [1, None]
    """
    labels = []
    for name in _ROUNDS:
        if name not in row:
            break
        label = row[name].get("label") if isinstance(row[name], dict) else None
        if label not in _CALLED:
            raise BadInput(f"label {label!r}", place=f"{place}: {name}", fix="write '1', '0' or 'u' (unsure)")
        labels.append(_CALLED[label])
    return labels


def agreement(pairs: Sequence[tuple[int | None, int | None]]) -> dict[str, Json]:
    """How far two readings of the same completions agree, on those that neither calls unsure.

    Cohen's kappa (1960), Gwet's AC1 (2008), and the agreement on answers and on others apart (Cicchetti and Feinstein
    1990): kappa alone is low wherever one label is rare. `unsure`: share of all that a reader could not tell.

    >>> agreement([(1, 1), (1, 1), (0, 0), (0, 1), (1, None)])["agreement"]
    0.75
    """
    sure = [(label, again) for label, again in pairs if label is not None and again is not None]
    both, neither = sure.count((1, 1)), sure.count((0, 0))
    count, differ = len(sure), len(sure) - both - neither
    figures: dict[str, Json] = {"n": count, "unsure": six_digits(1 - count / len(pairs)) if pairs else None}
    if not count:
        return figures
    first, second = ([pair[side] for pair in sure] for side in (0, 1))
    agreed, share = (both + neither) / count, (sum(first) + sum(second)) / (2 * count)
    by_prevalence = 2 * share * (1 - share)
    return figures | {
        "agreement": six_digits(agreed),
        "kappa": six_digits(kappa(first, second)),
        "ac1": six_digits((agreed - by_prevalence) / (1 - by_prevalence)),
        "on_answers": six_digits(2 * both / (2 * both + differ)) if both or differ else None,
        "on_others": six_digits(2 * neither / (2 * neither + differ)) if neither or differ else None,
    }
