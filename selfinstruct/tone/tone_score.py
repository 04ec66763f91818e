"""The score of one model under one wrapper: IFS and its relatives, and what the judge's known errors do to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev
from types import MappingProxyType
from typing import TYPE_CHECKING

from selfinstruct import notebook
from selfinstruct.records import Json
from selfinstruct.stats import Estimate, of_draws, resampled
from selfinstruct.tone.ifs import PLACE, SHARES, all_numbers, counts_by_source
from selfinstruct.tone.judge_error import Bias, JudgeErrors, corrected, correction, widened
from selfinstruct.tone.response_verdicts import JudgedResponse, Terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NAMES = ("ifs", "ifs_clean", "ifs_partial", "ifs_full", "gap", *list(SHARES)[4:])
"""As a score lists them."""


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
            name: _estimate_json(getattr(self, name)) for name in ("ifs", "ifs_partial", "ifs_full", "gap")
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
            name: _estimate_json(getattr(self, name)) for name in ("ifs", "ifs_partial", "ifs_full")
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
    ifs: Estimate | None
    ifs_clean: Estimate | None
    """None where no budget was set."""
    ifs_partial: Estimate | None
    ifs_full: Estimate | None
    gap: Estimate | None
    """`ifs_full` - `ifs_partial`."""
    ifs_cut: Estimate | None
    """`ifs_partial` without the cuts that happen to be complete sentences."""
    run_on: Estimate | None
    empty: Estimate | None
    echo: Estimate | None
    loop: Estimate | None
    truncated: Estimate | None
    corrected: Corrected | None
    """None for a judge of unknown errors, and for one that knows how it errs on other kinds of model."""
    with_judge_error: WithJudgeError | None
    """None for a judge that was not tried on kinds of model it never saw."""
    by_sample: tuple[float, ...]
    """`ifs` of each sample, where there are several."""

    def as_json(self) -> dict[str, Json]:
        """As `score.json` has it: the numbers at the top, their intervals under `intervals`."""
        values: dict[str, Json] = {}
        intervals: dict[str, Json] = {}
        for name in _NAMES:
            number: Estimate | None = getattr(self, name)
            values[name] = number.value if number else None
            intervals[name] = [number.low, number.high] if number and number.low is not None else None
        spread: Json = None
        if len(self.by_sample) > 1:
            spread = {"mean": fmean(self.by_sample), "deviation": pstdev(self.by_sample), "ifs": list(self.by_sample)}
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
        numbers = ((name, getattr(self, name)) for name in _NAMES)
        rows = [(name, _shown(number)) for name, number in numbers if number is not None]
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

    rows = counts_by_source(verdicts)
    table = np.array(list(rows.values()), np.float64).reshape(len(rows), len(PLACE))
    total = [int(count) for count in table.sum(axis=0)]
    numbers = all_numbers(table, known_ends=bool(setting.terms.budget), seed=seed)
    return ToneScore(
        setting=setting,
        n=total[PLACE["all"]],
        n_partial=total[PLACE["partial"]],
        n_full=total[PLACE["full"]],
        sources=len(rows),
        failed=failed,
        unknown_finish=sum(not verdict.response.finish_reason for verdict in verdicts),
        corrected=_corrected(table, known, seed) if known and rows and not biases else None,
        with_judge_error=_with_judge_error(numbers, total, biases) if biases and rows else None,
        by_sample=_by_sample(verdicts),
        **numbers,
    )


def _with_judge_error(
    numbers: Mapping[str, Estimate | None], total: Sequence[int], biases: Mapping[str, Bias]
) -> WithJudgeError:
    """Empty responses stay as they are: no judge is asked about them, so none errs."""
    asked = {kind: total[PLACE[f"{name}_judged"]] for kind, name in (("whole", "full"), ("cut", "partial"))}

    def wide(name: str, of: str, *kinds: str) -> Estimate | None:
        number = numbers[name]
        there = [kind for kind in kinds if asked[kind]]
        if number is None or any(kind not in biases for kind in there):
            return None
        return widened(number, [(asked[kind] / total[PLACE[of]], biases[kind]) for kind in there])

    return WithJudgeError(
        ifs=wide("ifs", "all", "whole", "cut"),
        ifs_partial=wide("ifs_partial", "partial", "cut"),
        ifs_full=wide("ifs_full", "full", "whole"),
        biases=biases,
    )


def _corrected(table: "NDArray[np.float64]", known: JudgeErrors, seed: int) -> Corrected:
    """Whole and cut prompts each with the errors the judge makes on them; the score of all is put together of both.

    Empty responses stay as they are: no judge is asked about them, so none errs.
    """
    total = table.sum(axis=0).tolist()
    draws = resampled(table, seed=seed).tolist() if len(table) > 1 else []
    judges = {"full": correction(known.whole, seed), "partial": correction(known.cut, seed + 1)}
    values = {kind: _corrected_share(total, kind, *judge.rates) for kind, judge in judges.items()}
    spreads = {
        kind: [_corrected_share(draw, kind, *rates) for draw, rates in zip(draws, judge.drawn, strict=False)]
        for kind, judge in judges.items()
    }

    def estimate(value: float | None, spread: Sequence[float | None], lowest: float = 0.0) -> Estimate | None:
        import numpy as np

        if value is None:
            return None
        numbers = np.array(spread, np.float64)  # None becomes NaN
        asked = total[PLACE["all"]]
        return of_draws(value, numbers, n=asked, clusters=len(table), within=(lowest, 1.0))

    full, partial = (estimate(values[kind], spreads[kind]) for kind in judges)
    mixed = [
        _mixed(draw, of_full, of_partial) for draw, of_full, of_partial in zip(draws, *spreads.values(), strict=False)
    ]
    gaps = [
        None if of_full is None or of_partial is None else of_full - of_partial
        for of_full, of_partial in zip(*spreads.values(), strict=True)
    ]
    return Corrected(
        ifs=estimate(_mixed(total, values["full"], values["partial"]), mixed),
        ifs_partial=partial,
        ifs_full=full,
        gap=estimate(full.value - partial.value, gaps, -1.0) if full and partial else None,
        judge=known,
    )


def _corrected_share(counts: Sequence[float], kind: str, sensitivity: float, specificity: float) -> float | None:
    """Of the whole or the cut prompts, the share that was answered; None without any, or for a judge by chance."""
    answers, asked, every = (counts[PLACE[name]] for name in (f"answers_{kind}", f"{kind}_judged", kind))
    if not every:
        return None
    share = corrected(answers / asked, sensitivity, specificity) if asked else 0.0
    return None if share is None else share * asked / every


def _mixed(counts: Sequence[float], full: float | None, partial: float | None) -> float | None:
    """The share among all prompts, from those among whole and cut ones; None where one of them is missing."""
    parts = [(counts[PLACE["full"]], full), (counts[PLACE["partial"]], partial)]
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
