"""The metrics of a score of tone: what each is called, means, is counted from, and where it is shown.

Nothing else lists them: a score and its file, the lines that `score` prints, `compare`, the curve of a training, the
page and the tables of arms go through `METRICS`, so a metric more is an entry more here. Who wants one by what it means
(the stop rule wants IFS) names its constant.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selfinstruct.tone.response_verdicts import JudgedResponse, ToneVerdict


@dataclass(frozen=True, slots=True)
class VerdictCount:
    """Responses of which something holds that a verdict alone tells: a check during training keeps no more."""

    name: str
    holds: Callable[[ToneVerdict], bool]


@dataclass(frozen=True, slots=True)
class ResponseCount:
    """Responses of which something holds that only the response itself tells."""

    name: str
    holds: Callable[[JudgedResponse], bool]


ToneCount: TypeAlias = VerdictCount | ResponseCount

ALL = VerdictCount("all", lambda verdict: True)  # noqa: ARG005 - every count is asked the same
PARTIAL = VerdictCount("partial", lambda verdict: not verdict.whole)
FULL = VerdictCount("full", lambda verdict: verdict.whole)
ANSWERS = VerdictCount("answers", lambda verdict: verdict.answers)
ANSWERS_PARTIAL = VerdictCount("answers_partial", lambda verdict: verdict.answers and not verdict.whole)
ANSWERS_FULL = VerdictCount("answers_full", lambda verdict: verdict.answers and verdict.whole)
CLEAN = VerdictCount("clean", lambda verdict: bool(verdict.clean))
PARTIAL_JUDGED = ResponseCount("partial_judged", lambda judged: not judged.response.whole and not judged.empty)
FULL_JUDGED = ResponseCount("full_judged", lambda judged: judged.response.whole and not judged.empty)
CUT = ResponseCount("cut", lambda judged: not judged.response.whole and not judged.response.complete)
ANSWERS_CUT = ResponseCount(
    "answers_cut", lambda judged: judged.answer_like and not judged.response.whole and not judged.response.complete
)


@dataclass(frozen=True, slots=True)
class ShareOf:
    """Of the responses that `among` holds of, the share that `of` holds of."""

    of: ToneCount
    among: ToneCount = ALL


@dataclass(frozen=True, slots=True)
class ShareMinusShare:
    """How far one share lies above another, from -1 to 1."""

    of: ShareOf
    minus: ShareOf


Shown: TypeAlias = Literal[
    "score",
    "scores",
    "differences",
    "compare",
    "curve",
    "checks",
    "notebook",
    "arms",
    "arm_differences",
    "card",
    "corrected",
    "with_judge_error",
]
"""Where a metric may stand, besides `score.json`, which has all:

`score`, the lines of that verb; `scores`, tables of scores on the page and in `arms.md`; `differences`, of two models
in `score.json` and on the page; `compare`, a column; `curve`, a line of `curve.jsonl`; `checks`, the page's table of
these; `notebook`, the table of a run's scores; `arms` and `arm_differences`, the columns of what arms are contrasted
in, and those of `arms.md`; `card`, the curve on a student's card; `corrected` and `with_judge_error`, the numbers
that `tone_score` reckons the judge's errors into.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneMetric:
    """One number of a score of tone."""

    key: str
    """In every file and in Python."""
    label: str
    """Heads a column where other measures stand beside it."""
    short: str
    """The same among metrics of tone alone."""
    meaning: str
    better: Literal["higher", "lower"]
    counted: ShareOf | ShareMinusShare
    tells: Literal["tone", "form"]
    """Whether it answers, or how the answer goes on and ends: tables have the former first."""
    needs_budget: bool = False
    """Known only where it is said within how many tokens an answer should end."""
    shown: frozenset[Shown] = frozenset()

    def __post_init__(self) -> None:
        """Refuse what cannot be counted where it is to be shown: that is an error of this file."""
        if self.shown & {"curve", "checks"} and not self.of_verdicts:
            raise ValueError(f"{self.key}: a check during training keeps verdicts, and no responses")
        if self.shown & {"curve", "compare", "arm_differences"} and isinstance(self.counted, ShareMinusShare):
            raise ValueError(f"{self.key}: what is counted response by response is a share, and no difference")

    @property
    def head(self) -> str:
        """`short`, as the head of a column on the page."""
        return self.short[:1].upper() + self.short[1:]

    @property
    def of_verdicts(self) -> bool:
        """Whether verdicts without their responses are enough."""
        return all(isinstance(count, VerdictCount) for count in self.counts)

    @property
    def counts(self) -> tuple[ToneCount, ...]:
        """All that is counted for it."""
        shares = (self.counted,) if isinstance(self.counted, ShareOf) else (self.counted.of, self.counted.minus)
        return tuple(count for share in shares for count in (share.of, share.among))


def counts_for(metric: ToneMetric, judged: JudgedResponse) -> bool | None:
    """Whether one response is counted for a share; None where it is not among those asked, or that is not known."""
    share = metric.counted
    assert isinstance(share, ShareOf)  # so each metric of which marks are made was checked
    if not _holds(share.among, judged) or (metric.needs_budget and judged.clean is None):
        return None
    return _holds(share.of, judged)


def _holds(count: ToneCount, judged: JudgedResponse) -> bool:
    return count.holds(judged.verdict) if isinstance(count, VerdictCount) else count.holds(judged)


_EVERYWHERE: frozenset[Shown] = frozenset(
    {"score", "scores", "differences", "compare", "curve", "checks", "notebook", "arm_differences"}
)
IFS = ToneMetric(
    key="ifs",
    label="IFS",
    short="IFS",
    meaning="The share of responses that answer instead of carrying on the prompt.",
    better="higher",
    counted=ShareOf(ANSWERS),
    tells="tone",
    shown=_EVERYWHERE | {"arms", "card", "corrected", "with_judge_error"},
)
IFS_CLEAN = ToneMetric(
    key="ifs_clean",
    label="IFS clean",
    short="clean",
    meaning="The share of responses that answer and stop within the budget; None where none was set.",
    better="higher",
    counted=ShareOf(CLEAN),
    tells="form",
    needs_budget=True,
    shown=_EVERYWHERE | {"arms"},
)
IFS_PARTIAL = ToneMetric(
    key="ifs_partial",
    label="IFS partial",
    short="partial",
    meaning="IFS of cut prompts alone.",
    better="higher",
    counted=ShareOf(ANSWERS_PARTIAL, PARTIAL),
    tells="tone",
    shown=_EVERYWHERE | {"card", "corrected", "with_judge_error"},
)
IFS_FULL = ToneMetric(
    key="ifs_full",
    label="IFS full",
    short="full",
    meaning="IFS of whole prompts alone.",
    better="higher",
    counted=ShareOf(ANSWERS_FULL, FULL),
    tells="tone",
    shown=_EVERYWHERE | {"card", "corrected", "with_judge_error"},
)
GAP = ToneMetric(
    key="gap",
    label="IFS gap",
    short="gap",
    meaning="How far `ifs_full` lies above `ifs_partial`: it tells a base model from a tuned one best.",
    better="lower",
    counted=ShareMinusShare(ShareOf(ANSWERS_FULL, FULL), ShareOf(ANSWERS_PARTIAL, PARTIAL)),
    tells="tone",
    shown=frozenset({"score", "scores", "differences", "checks", "corrected"}),
)
IFS_CUT = ToneMetric(
    key="ifs_cut",
    label="IFS cut",
    short="cut",
    meaning="`ifs_partial` without the cut prompts that happen to be complete sentences.",
    better="higher",
    counted=ShareOf(ANSWERS_CUT, CUT),
    tells="tone",
)
RUN_ON = ToneMetric(
    key="run_on",
    label="Run on",
    short="run on",
    meaning="The share of responses that go on into something new, such as another task.",
    better="lower",
    counted=ShareOf(ResponseCount("run_on", lambda judged: bool(judged.run_on))),
    tells="form",
    shown=frozenset({"scores"}),
)
EMPTY = ToneMetric(
    key="empty",
    label="Empty",
    short="empty",
    meaning="The share of responses that say nothing.",
    better="lower",
    counted=ShareOf(ResponseCount("empty", lambda judged: judged.empty)),
    tells="form",
    shown=frozenset({"scores"}),
)
ECHO = ToneMetric(
    key="echo",
    label="Echo",
    short="echo",
    meaning="The share of responses that repeat the prompt.",
    better="lower",
    counted=ShareOf(ResponseCount("echo", lambda judged: judged.echo)),
    tells="form",
    shown=frozenset({"scores"}),
)
LOOP = ToneMetric(
    key="loop",
    label="Loop",
    short="loop",
    meaning="The share of responses that repeat themselves.",
    better="lower",
    counted=ShareOf(ResponseCount("loop", lambda judged: judged.loop)),
    tells="form",
    shown=frozenset({"scores"}),
)
TRUNCATED = ToneMetric(
    key="truncated",
    label="Truncated",
    short="truncated",
    meaning="The share of responses that a cap on their length cut off.",
    better="lower",
    counted=ShareOf(ResponseCount("truncated", lambda judged: judged.truncated)),
    tells="form",
    shown=frozenset({"scores"}),
)

METRICS: tuple[ToneMetric, ...] = (
    *(IFS, IFS_CLEAN, IFS_PARTIAL, IFS_FULL, GAP, IFS_CUT),
    *(RUN_ON, EMPTY, ECHO, LOOP, TRUNCATED),
)
"""In the order of every file that has them."""
BESIDES: tuple[ToneCount, ...] = (PARTIAL_JUDGED, FULL_JUDGED)
"""Counted for the correction of shares alone."""


def shown_in(place: Shown) -> tuple[ToneMetric, ...]:
    """The metrics that stand in one place, in the order of files."""
    return tuple(metric for metric in METRICS if place in metric.shown)


def columns_of(place: Shown) -> tuple[ToneMetric, ...]:
    """The same in the order of tables for people: what tells of tone comes before what tells of form.

    >>> [metric.short for metric in columns_of("score")]
    ['IFS', 'partial', 'full', 'gap', 'clean']
    """
    return tuple(sorted(shown_in(place), key=lambda metric: metric.tells == "form"))


def labels() -> dict[str, str]:
    """The label of each metric by its key."""
    return {metric.key: metric.label for metric in METRICS}


def metric_of(share: ShareOf) -> ToneMetric:
    """The metric that a share is, where a difference is made of it; StopIteration where it is none."""
    return next(metric for metric in METRICS if metric.counted == share)


def verdict_counts() -> tuple[VerdictCount, ...]:
    """Each count that verdicts alone tell, once."""
    return tuple(count for count in _counts() if isinstance(count, VerdictCount))


def response_counts() -> tuple[ResponseCount, ...]:
    """Each count that takes the responses, once."""
    return tuple(count for count in _counts() if isinstance(count, ResponseCount))


def _counts() -> Iterator[ToneCount]:
    every = (ALL, *(count for metric in METRICS for count in metric.counts), *BESIDES)
    yield from dict.fromkeys(every)
