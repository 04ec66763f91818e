"""The score of one model under one wrapper: IFS and its relatives, and what the judge's known errors do to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev
from types import MappingProxyType
from typing import TYPE_CHECKING, overload

from selfinstruct import notebook
from selfinstruct.records import Json
from selfinstruct.stats import Estimate, of_draws, resampled
from selfinstruct.tone.ifs import all_numbers, counts_by_source, places
from selfinstruct.tone.judge_error import Bias, JudgeErrors, corrected, correction, widened
from selfinstruct.tone.response_verdicts import JudgedResponse, Terms
from selfinstruct.tone.tone_metrics import (
    ALL,
    ANSWERS_FULL,
    ANSWERS_PARTIAL,
    ECHO,
    EMPTY,
    FULL,
    FULL_JUDGED,
    GAP,
    IFS,
    IFS_CLEAN,
    IFS_CUT,
    IFS_FULL,
    IFS_PARTIAL,
    LOOP,
    PARTIAL,
    PARTIAL_JUDGED,
    RUN_ON,
    TRUNCATED,
    ToneCount,
    ToneMetric,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class MetricOf:
    """A metric as an attribute of a score: `score.ifs_clean` for `score.numbers[IFS_CLEAN.key]`."""

    def __init__(self, metric: ToneMetric) -> None:
        """`help` tells what it means."""
        self.key = metric.key
        self.__doc__ = metric.meaning

    @overload
    def __get__(self, score: None, owner: type) -> "MetricOf": ...

    @overload
    def __get__(self, score: "ToneScore", owner: type) -> Estimate | None: ...

    def __get__(self, score: "ToneScore | None", owner: type) -> "Estimate | MetricOf | None":
        """None for a number over nothing."""
        return self if score is None else score.numbers[self.key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """The shares of answers with the judge's known errors taken out (judge_error.py)."""

    ifs: Estimate | None
    ifs_partial: Estimate | None
    ifs_full: Estimate | None
    gap: Estimate | None
    judge: JudgeErrors

    def as_json(self) -> dict[str, Json]:
        """Each number with its interval, and what was known of the judge."""
        numbers: dict[str, Json] = {
            IFS.key: _estimate_json(self.ifs),
            IFS_PARTIAL.key: _estimate_json(self.ifs_partial),
            IFS_FULL.key: _estimate_json(self.ifs_full),
            GAP.key: _estimate_json(self.gap),
        }
        return {**numbers, "judge": self.judge.as_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class WithJudgeError:
    """The shares as judged, with intervals for a model of a kind that the judge never saw (judge_error.py)."""

    ifs: Estimate | None
    ifs_partial: Estimate | None
    ifs_full: Estimate | None
    biases: Mapping[str, Bias]

    def as_json(self) -> dict[str, Json]:
        """Each number with its interval, and how the judge errs."""
        numbers: dict[str, Json] = {
            IFS.key: _estimate_json(self.ifs),
            IFS_PARTIAL.key: _estimate_json(self.ifs_partial),
            IFS_FULL.key: _estimate_json(self.ifs_full),
        }
        return {**numbers, "bias": {name: bias.as_json() for name, bias in self.biases.items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a score is a score of: numbers of different settings do not simply compare."""

    model: str = ""
    wrapper: str = ""
    prompts: str = ""
    """Name of the prompt set; empty for responses that were handed in."""
    judge: str = ""
    """Version of the judge."""
    threshold: float = 0.5
    terms: Terms = field(default_factory=Terms)

    @property
    def label(self) -> str:
        """How a table and a plot name it.

        >>> Setting(model="embedded", wrapper="chat").label
        'embedded, chat'
        """
        return ", ".join(part for part in (self.model, self.wrapper) if part) or "responses"

    def as_json(self) -> dict[str, Json]:
        """The head of a score."""
        return {
            "model": self.model,
            "wrapper": self.wrapper,
            "prompts": self.prompts,
            "judge": {"version": self.judge, "threshold": self.threshold},
            "tone_tokens": self.terms.tone_tokens,
            "budget": self.terms.budget,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneScore:
    """The score of one model under one wrapper."""

    setting: Setting
    n: int
    """Number of responses."""
    n_partial: int
    n_full: int
    sources: int
    failed: int
    """Calls that got no answer; they are no responses and count nowhere else."""
    unknown_finish: int
    """Responses without a finish reason: whether they were cut off is not known."""
    numbers: Mapping[str, Estimate | None]
    """Every metric by its key, in the order of `tone_metrics.METRICS`; None for a number over nothing."""
    corrected: Corrected | None
    """None for a judge of unknown errors, and for one that knows how it errs on other kinds of model."""
    with_judge_error: WithJudgeError | None
    """None for a judge that was not tried on kinds of model it never saw."""
    by_sample: tuple[float, ...]
    """`ifs` of each sample, where there are several."""

    ifs = MetricOf(IFS)
    ifs_clean = MetricOf(IFS_CLEAN)
    ifs_partial = MetricOf(IFS_PARTIAL)
    ifs_full = MetricOf(IFS_FULL)
    gap = MetricOf(GAP)
    ifs_cut = MetricOf(IFS_CUT)
    run_on = MetricOf(RUN_ON)
    empty = MetricOf(EMPTY)
    echo = MetricOf(ECHO)
    loop = MetricOf(LOOP)
    truncated = MetricOf(TRUNCATED)

    def as_json(self) -> dict[str, Json]:
        """As `score.json` has it: the numbers at the top, their intervals under `intervals`."""
        values: dict[str, Json] = {}
        intervals: dict[str, Json] = {}
        for name, number in self.numbers.items():
            values[name] = number.value if number else None
            intervals[name] = [number.low, number.high] if number and number.low is not None else None
        spread: dict[str, Json] | None = None
        if len(self.by_sample) > 1:
            spread = {"mean": fmean(self.by_sample), "deviation": pstdev(self.by_sample)}
            spread[IFS.key] = list(self.by_sample)
        return {
            **self.setting.as_json(),
            **values,
            "n": self.n,
            "n_partial": self.n_partial,
            "n_full": self.n_full,
            "sources": self.sources,
            "failed": self.failed,
            "unknown_finish": self.unknown_finish,
            "intervals": intervals,
            "corrected": self.corrected.as_json() if self.corrected else None,
            "with_judge_error": self.with_judge_error.as_json() if self.with_judge_error else None,
            "samples": spread,
        }

    def _repr_html_(self) -> str:
        """For a notebook: each number with its interval, and by which judge."""
        rows = [(name, _shown(number)) for name, number in self.numbers.items() if number is not None]
        caption = f"{self.setting.label}: {self.n:,} responses, judge {self.setting.judge}"
        return notebook.view(notebook.ViewTable(("", "with its 95 % interval"), rows, caption=caption))


def _shown(number: Estimate) -> str:
    interval = "" if number.low is None or number.high is None else f" [{number.low:.2f}, {number.high:.2f}]"
    return f"{number.value:.2f}{interval}"


def score_of(
    verdicts: Sequence[JudgedResponse],
    setting: Setting,
    *,
    known: JudgeErrors | None = None,
    biases: Mapping[str, Bias] = MappingProxyType({}),
    failed: int = 0,
    seed: int = 0,
) -> ToneScore:
    """The score of judged responses, with intervals by source; `seed` is of what is drawn.

    `known`: how the judge did on labelled responses; `biases`: how it errs on kinds of model that it never saw. A
    number over nothing is None, never 0.
    """
    import numpy as np

    place = places()
    rows = counts_by_source(verdicts)
    table = np.array(list(rows.values()), np.float64).reshape(len(rows), len(place))
    total = [int(count) for count in table.sum(axis=0)]
    numbers = all_numbers(table, known_ends=bool(setting.terms.budget), seed=seed)
    return ToneScore(
        setting=setting,
        n=total[place[ALL.name]],
        n_partial=total[place[PARTIAL.name]],
        n_full=total[place[FULL.name]],
        sources=len(rows),
        failed=failed,
        unknown_finish=sum(not verdict.response.finish_reason for verdict in verdicts),
        corrected=_corrected(table, known, seed) if known and rows and not biases else None,
        with_judge_error=_with_judge_error(numbers, total, biases) if biases and rows else None,
        by_sample=_by_sample(verdicts),
        numbers=numbers,
    )


def _with_judge_error(
    numbers: Mapping[str, Estimate | None], total: Sequence[int], biases: Mapping[str, Bias]
) -> WithJudgeError:
    """Empty responses stay as they are: no judge is asked about them, so none errs."""
    place = places()
    asked = {"whole": total[place[FULL_JUDGED.name]], "cut": total[place[PARTIAL_JUDGED.name]]}

    def wide(metric: ToneMetric, of: ToneCount, *kinds: str) -> Estimate | None:
        number = numbers[metric.key]
        there = [kind for kind in kinds if asked[kind]]
        if number is None or any(kind not in biases for kind in there):
            return None
        return widened(number, [(asked[kind] / total[place[of.name]], biases[kind]) for kind in there])

    return WithJudgeError(
        ifs=wide(IFS, ALL, "whole", "cut"),
        ifs_partial=wide(IFS_PARTIAL, PARTIAL, "cut"),
        ifs_full=wide(IFS_FULL, FULL, "whole"),
        biases=biases,
    )


def _corrected(table: "NDArray[np.float64]", known: JudgeErrors, seed: int) -> Corrected:
    """Whole and cut prompts each with the errors the judge makes on them; the score of all is put together of both.

    Empty responses stay as they are: no judge is asked about them, so none errs.
    """
    total = table.sum(axis=0).tolist()
    draws = resampled(table, seed=seed).tolist() if len(table) > 1 else []
    judges = {"full": correction(known.whole, seed), "partial": correction(known.cut, seed + 1)}
    place = places()
    counted = {"full": (ANSWERS_FULL, FULL_JUDGED, FULL), "partial": (ANSWERS_PARTIAL, PARTIAL_JUDGED, PARTIAL)}
    columns = {kind: [place[count.name] for count in counts] for kind, counts in counted.items()}

    def share(counts: Sequence[float], kind: str, rates: tuple[float, float]) -> float | None:
        answers, asked, every = (counts[column] for column in columns[kind])
        return _corrected_share(answers, asked, every, *rates)

    def mixed(counts: Sequence[float], of_full: float | None, of_partial: float | None) -> float | None:
        return _mixed((counts[place[FULL.name]], of_full), (counts[place[PARTIAL.name]], of_partial))

    values = {kind: share(total, kind, judge.rates) for kind, judge in judges.items()}
    spreads = {
        kind: [share(draw, kind, rates) for draw, rates in zip(draws, judge.drawn, strict=False)]
        for kind, judge in judges.items()
    }

    def estimate(value: float | None, spread: Sequence[float | None], lowest: float = 0.0) -> Estimate | None:
        import numpy as np

        if value is None:
            return None
        numbers = np.array(spread, np.float64)  # None becomes NaN
        asked = total[place[ALL.name]]
        return of_draws(value, numbers, n=asked, clusters=len(table), within=(lowest, 1.0))

    full, partial = (estimate(values[kind], spreads[kind]) for kind in judges)
    of_all = [
        mixed(draw, of_full, of_partial) for draw, of_full, of_partial in zip(draws, *spreads.values(), strict=False)
    ]
    gaps = [
        None if of_full is None or of_partial is None else of_full - of_partial
        for of_full, of_partial in zip(*spreads.values(), strict=True)
    ]
    return Corrected(
        ifs=estimate(mixed(total, values["full"], values["partial"]), of_all),
        ifs_partial=partial,
        ifs_full=full,
        gap=estimate(full.value - partial.value, gaps, -1.0) if full and partial else None,
        judge=known,
    )


def _corrected_share(
    answers: float, asked: float, every: float, sensitivity: float, specificity: float
) -> float | None:
    """Of the whole or the cut prompts, the share that was answered; None without any, or for a judge by chance."""
    if not every:
        return None
    share = corrected(answers / asked, sensitivity, specificity) if asked else 0.0
    return None if share is None else share * asked / every


def _mixed(*parts: tuple[float, float | None]) -> float | None:
    """The share among all prompts, from numbers and shares of whole and of cut ones; None where a share is missing."""
    there = [(many, share) for many, share in parts if many]
    if not there or any(share is None for _, share in there):
        return None
    return sum(many * (share or 0.0) for many, share in there) / sum(many for many, _ in there)


def _by_sample(verdicts: Sequence[JudgedResponse]) -> tuple[float, ...]:
    samples: dict[int, list[bool]] = {}
    for verdict in verdicts:
        samples.setdefault(verdict.response.sample, []).append(verdict.answer_like)
    return tuple(fmean(samples[sample]) for sample in sorted(samples)) if len(samples) > 1 else ()


def _estimate_json(estimate: Estimate | None) -> Json:
    return estimate.as_json() if estimate else None
