"""IFS by reads and judge together, of each model that was read, and how the judge errs on what was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from selfinstruct.evaluate.human_read_sample import ScoredResponse, Side, strata
from selfinstruct.evaluate.human_read_sheet import Draw
from selfinstruct.prediction_powered import Reads, difference_with_reads, share_with_reads
from selfinstruct.records import Json
from selfinstruct.stats import Estimate, share
from selfinstruct.tone.tone_metrics import IFS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_UNSURE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumCounts:
    """Counts of what was read and not called unsure, in one stratum."""

    answers: int
    """Read as answers."""
    missed: int
    """Of these, those that the judge calls none."""
    others: int
    """Read as no answers; those that say nothing are not among them, as no judge is asked about these."""
    called_answers: int
    """Of these, those that the judge calls answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadShare:
    """The share of answers of one model under one wrapper, told in three ways."""

    side: Side
    n: int
    read: int
    """Responses that were drawn, silent ones among them."""
    silent: int
    unsure: int
    """They count as half an answer."""
    disagreements: int
    by_judge: Estimate
    by_reads: Estimate
    both: Estimate
    """Prediction-powered; with fewer than five disagreements that of the reads alone."""
    unsure_as: tuple[float, float]
    """`both` if every unsure one were no answer, and if every one were an answer."""
    errors: Mapping[str, StratumCounts]
    """By stratum: `whole` and `cut`, or `all`."""

    @property
    def label(self) -> str:
        """Model and wrapper as tables name them."""
        return ", ".join(part for part in self.side if part) or "responses"

    def as_json(self) -> dict[str, Json]:
        """One entry of `models` in `read.json`."""
        errors: dict[str, Json] = {
            stratum: {
                "read_as_answers": counts.answers,
                "missed_by_the_judge": counts.missed,
                "read_as_none": counts.others,
                "called_answers_by_the_judge": counts.called_answers,
            }
            for stratum, counts in self.errors.items()
        }
        return {
            "model": self.side[0],
            "wrapper": self.side[1],
            "n": self.n,
            "read": self.read,
            "silent": self.silent,
            "unsure": self.unsure,
            "disagreements": self.disagreements,
            IFS.key: _estimate_json(self.both),
            "by_reads": _estimate_json(self.by_reads),
            "by_judge": _estimate_json(self.by_judge),
            "unsure_as_none": self.unsure_as[0],
            "unsure_as_answers": self.unsure_as[1],
            "judge_errors": errors,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDifference:
    """How far the share of one lies above that of another, both of which were read."""

    of: ReadShare
    above: ReadShare
    estimate: Estimate

    def as_json(self) -> dict[str, Json]:
        """One entry of `differences` in `read.json`."""
        same = self.of.side[1] == self.above.side[1]
        return {
            "of": self.of.label,
            "above": self.above.label,
            "same_wrapper": same,
            IFS.key: _estimate_json(self.estimate),
        }


def read_shares(
    scored: Sequence[ScoredResponse], sides: Mapping[Side, Sequence[int]], draw: Draw, read: Mapping[int, float]
) -> tuple[tuple[ReadShare, ...], tuple[ReadDifference, ...]]:
    """Of each side that was drawn from, and every pair once, the later one minus the earlier; `read` by place."""
    taken = {side: places for side, places in sides.items() if any(place in read for place in places)}
    reads = {side: _reads(scored, places, draw, read) for side, places in taken.items()}
    silent = {row.place for row in draw.silent}
    shares = tuple(
        _share(side, reads[side], [place in silent for place in taken[side]], scored, taken[side]) for side in taken
    )
    differences = tuple(
        ReadDifference(of=later, above=earlier, estimate=difference_with_reads(reads[later.side], reads[earlier.side]))
        for earlier, later in combinations(shares, 2)
    )
    return shares, differences


def _reads(scored: Sequence[ScoredResponse], places: Sequence[int], draw: Draw, read: Mapping[int, float]) -> Reads:
    import numpy as np

    drawn = {row.place: row for row in (*draw.rows.values(), *draw.silent)}
    of = strata([scored[place].response for place in places])
    number = {name: at for at, name in enumerate(dict.fromkeys(of))}
    return Reads(
        judged=np.array([scored[place].answer_like for place in places], np.float64),
        read=np.array([read.get(place, np.nan) for place in places], np.float64),
        chance=np.array([drawn[place].chance if place in drawn else 0.0 for place in places], np.float64),
        stratum=np.array([number[name] for name in of], np.int64),
        sources=[scored[place].response.origin for place in places],
    )


def _share(
    side: Side, reads: Reads, silent: Sequence[bool], scored: Sequence[ScoredResponse], places: Sequence[int]
) -> ReadShare:
    import numpy as np

    def called(unsure: float) -> Reads:
        return _with(reads, read=np.where(reads.read == _UNSURE, unsure, reads.read))

    of = np.array(strata([scored[place].response for place in places]))
    asked = ~np.array(silent)
    _, source = np.unique(np.array(reads.sources), return_inverse=True)
    by_judge = share(np.bincount(source, reads.judged), np.bincount(source))
    assert by_judge is not None
    is_read = np.isfinite(reads.read)
    return ReadShare(
        side=side,
        n=len(places),
        read=int(is_read.sum()),
        silent=int((is_read & ~asked).sum()),
        unsure=int((reads.read == _UNSURE).sum()),
        disagreements=reads.disagreements,
        by_judge=by_judge,
        by_reads=share_with_reads(_with(reads, judged=np.zeros(len(places)))),
        both=share_with_reads(reads),
        unsure_as=(share_with_reads(called(0.0)).value, share_with_reads(called(1.0)).value),
        errors={str(name): _errors(reads, (of == name) & asked) for name in dict.fromkeys(of.tolist())},
    )


def _errors(reads: Reads, here: "NDArray[np.bool_]") -> StratumCounts:
    yes, no, called = here & (reads.read == 1), here & (reads.read == 0), reads.judged == 1
    return StratumCounts(
        answers=int(yes.sum()),
        missed=int((yes & ~called).sum()),
        others=int(no.sum()),
        called_answers=int((no & called).sum()),
    )


def _with(
    reads: Reads, *, judged: "NDArray[np.float64] | None" = None, read: "NDArray[np.float64] | None" = None
) -> Reads:
    return Reads(
        judged=reads.judged if judged is None else judged,
        read=reads.read if read is None else read,
        chance=reads.chance,
        stratum=reads.stratum,
        sources=reads.sources,
    )


def _estimate_json(estimate: Estimate) -> Json:
    return {**estimate.as_json(), "how": estimate.how}
