"""What is known of a judge on other kinds of model widens what is said of one more."""

import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.stage import UntriedJudge
from selfinstruct.stats import Estimate, clopper_pearson
from selfinstruct.tone.judge_error import Bias, bias_of, biases_of, widened
from selfinstruct.tone.tone_score import Setting, score_of
from tests.evaluate.fakes import verdicts
from tests.tone.test_ifs import response

KIND = st.tuples(st.integers(8, 200), st.floats(0, 0.4), st.floats(0, 0.4)).map(
    lambda k: {"n": k[0], "false_positives": int(k[0] * k[1]), "false_negatives": int(k[0] * k[2])}
)


def counted(n: int, over: int, under: int) -> dict[str, int]:
    return {"n": n, "false_positives": over, "false_negatives": under}


def test_kinds_that_agree_leave_a_small_spread_and_kinds_that_do_not_a_large_one() -> None:
    alike, unlike = bias_of([counted(100, 5, 5)] * 6), bias_of([counted(100, 30, 0), counted(100, 0, 30)] * 3)
    assert alike is not None
    assert unlike is not None
    assert alike.mean == pytest.approx(0)
    assert alike.reach < 0.05
    assert unlike.reach > 0.4
    assert bias_of([counted(100, 5, 5)] * 2) is None


@given(st.lists(KIND, min_size=3, max_size=12))
def test_the_mean_lies_among_the_kinds(kinds: Sequence[Mapping[str, int]]) -> None:
    bias = bias_of(kinds)
    assert bias is not None
    off = [(kind["false_positives"] - kind["false_negatives"]) / (kind["n"] + 1) for kind in kinds]
    assert min(off) - 1e-9 <= bias.mean <= max(off) + 1e-9
    assert bias.spread > 0


@given(st.floats(0, 1), st.floats(0, 0.2), st.floats(-0.3, 0.3), st.floats(0.001, 0.2), st.integers(3, 20))
def test_an_interval_becomes_no_narrower_and_stays_a_share(
    value: float, half: float, mean: float, spread: float, kinds: int
) -> None:
    estimate = Estimate(value, max(0.0, value - half), min(1.0, value + half), 100, 50, "exact")
    wide = widened(estimate, [(1.0, Bias(mean, spread, kinds))])
    assert wide.value == value
    assert wide.low is not None
    assert wide.high is not None
    assert 0 <= wide.low <= value <= wide.high <= 1
    assert wide.high - wide.low >= min(half, spread) - 1e-9 or value in (0, 1) or wide.low == 0 or wide.high == 1


def test_it_covers_the_share_of_a_kind_that_the_judge_never_saw() -> None:
    draw, held, tries = random.Random(7), 0, 400
    for _ in range(tries):
        between = draw.uniform(0.0, 0.12)

        def kind(n: int, between: float = between) -> tuple[dict[str, int], float, int]:
            share, off = draw.uniform(0.3, 0.8), draw.gauss(0.02, between)
            over, under = max(0.0, 0.08 + off / 2), max(0.0, 0.08 - off / 2)  # of all responses
            pairs = []
            for _ in range(n):
                answers = draw.random() < share
                errs = draw.random() < (under / share if answers else over / (1 - share))
                pairs.append((answers, answers != errs))
            wrong = counted(n, pairs.count((False, True)), pairs.count((True, False)))
            return wrong, share, sum(called for _, called in pairs)

        bias = bias_of([kind(60)[0] for _ in range(10)])
        _, share, called = kind(200)
        interval = clopper_pearson(called, 200)
        assert bias is not None
        assert interval is not None
        wide = widened(interval, [(1.0, bias)])
        assert wide.low is not None
        assert wide.high is not None
        held += wide.low <= share <= wide.high
    assert held / tries >= 0.93


class Knows(UntriedJudge):
    version, threshold = "knows/1", 0.5
    kinds = MappingProxyType({"whole": [counted(50, 5, 2)] * 4, "cut": [counted(50, 2, 9)] * 4})

    def probabilities(
        self,
        pairs: Sequence[tuple[str, str]],
        whole: Sequence[bool | None] | None = None,  # noqa: ARG002 - as the protocol has it
    ) -> list[float]:
        return [1.0 for _ in pairs]


def test_a_score_tells_both_intervals_and_moves_nothing() -> None:
    biases = biases_of(Knows())
    said = verdicts(*(response(number, answers=number % 3 > 0) for number in range(60)))
    scored = score_of(said, Setting(judge="knows/1"), biases=biases)
    assert scored.corrected is None
    assert scored.with_judge_error is not None
    wide = scored.with_judge_error.ifs
    assert scored.ifs is not None
    assert wide is not None
    assert wide.value == scored.ifs.value
    assert wide.half_width is not None
    assert scored.ifs.half_width is not None
    assert wide.half_width > scored.ifs.half_width
    page = scored.as_json()["with_judge_error"]
    assert isinstance(page, dict)
    assert page["bias"]["whole"]["kinds"] == 4  # type: ignore[index,call-overload]
    assert score_of(said, Setting(judge="marked/1")).with_judge_error is None
