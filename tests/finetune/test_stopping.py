"""The stop rule: on curves whose truth is known it seldom stops too early, and mostly sees that a curve is flat."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from selfinstruct.errors import BadInput
from selfinstruct.finetune.stopping import StopRule, headroom
from selfinstruct.run.tone_judges import open_judge
from selfinstruct.tone.ask_loaded_model import ToneReading
from selfinstruct.tone.judge_error import JudgeErrors, errors_of
from tests.finetune.tone import curve, reading

RULE = StopRule(draws=1_000)


def stopped(shares: Sequence[float], *, sources: int, trials: int, rule: StopRule = RULE) -> float:
    """How often the rule stops at the last check of such a curve."""
    said = [rule.check(curve(shares, sources=sources, seed=seed)).stop for seed in range(trials)]
    return sum(said) / trials


def test_a_curve_that_still_rises_is_seldom_stopped() -> None:
    assert stopped([0.90, 0.93, 0.97], sources=250, trials=150) <= 0.05  # it gains 0.07 in two checks


def test_a_curve_that_rises_by_just_epsilon_is_stopped_one_time_in_twenty() -> None:
    assert stopped([0.93, 0.945, 0.96], sources=250, trials=200) <= 0.10  # 20 of 200 would be five deviations off


def test_a_flat_high_curve_is_mostly_stopped() -> None:
    assert stopped([0.96, 0.96, 0.96], sources=500, trials=60) >= 0.8


def test_a_flat_low_curve_is_never_stopped() -> None:
    assert stopped([0.85, 0.85, 0.85], sources=250, trials=40) <= 0.05


def test_twenty_prompts_never_stop_a_training() -> None:
    every = reading([True] * 20)
    decision = RULE.check([every, every, every])
    assert (decision.stop, decision.reason) == (False, "still_rising")
    assert decision.value("gain") == 0
    assert every.gain_since(every, level=0.9).high == pytest.approx(1 - 0.05 ** (1 / 10))


def test_each_condition_is_named_when_it_speaks_against_stopping() -> None:
    high, low, none = reading([True] * 600), reading([True, False] * 300), reading([False] * 600)
    assert RULE.check([high, high]).reason == "too_few_checks"
    assert RULE.check([none, high, high]).reason == "still_rising"
    assert RULE.check([none, none, none]).reason == "too_low"
    cut_missing = reading(([True, True] * 6 + [True, False]) * 60)  # one cut prompt in seven stays without an answer
    assert RULE.check([cut_missing] * 3).reason == "gap_wide"
    assert RULE.check([cut_missing] * 3).gap_state == "wide"
    assert RULE.check([high, high, high]).reason == "plateau"
    assert RULE.check([low, high, high, high]).stop


def heard_by(
    judge: JudgeErrors, truth: Sequence[float], *, seed: int, checks: int = 3, sources: int = 150
) -> list[ToneReading]:
    """Checks of a model that answers such shares of whole and of cut prompts, as a judge that errs so tells them."""
    random = Random(seed)
    hard = [[random.random() for _ in range(2 * sources)] for _ in range(2)]  # the same prompts, and the same errors
    kinds = (judge.whole, judge.cut)
    said = []
    for place, (answer, miss) in enumerate(zip(*hard, strict=True)):
        kind = kinds[place % 2]
        said.append(miss < (kind.sensitivity if answer < truth[place % 2] else 1 - kind.specificity))
    return [reading(said, judge="ifs-v2-linear") for _ in range(checks)]


def test_a_model_that_always_answers_can_be_stopped_by_a_judge_that_misses_answers() -> None:
    errors = errors_of(open_judge("ifs-v2-linear"))
    assert errors is not None
    assert errors.cut.sensitivity < 0.8  # it does miss them
    rule = StopRule(draws=1_000, errors=errors)
    perfect = [heard_by(errors, (1, 1), seed=seed) for seed in range(30)]
    assert {RULE.check(heard).reason for heard in perfect} == {"too_low"}  # whatever it learns, by the bar as it stands
    assert sum(rule.check(heard).stop for heard in perfect) >= 24
    assert rule.bar(perfect[0][0]) == pytest.approx(0.45 * (errors.whole.sensitivity + errors.cut.sensitivity))
    low = [rule.check(heard_by(errors, (0.8, 0.6), seed=seed)) for seed in range(30)]
    assert {check.reason for check in low} == {"too_low"}  # a plateau far from high stays one
    assert rule.as_json()["judge_finds"] == {"whole": errors.whole.sensitivity, "cut": errors.cut.sensitivity}


def test_a_gap_that_the_judge_alone_makes_holds_nothing_up() -> None:
    errors = errors_of(open_judge("ifs-v2-linear"))
    rule = StopRule(draws=1_000, errors=errors, gap_half_width=0.2)
    assert errors is not None
    alike = rule.check(heard_by(errors, (1, 1), seed=1))
    assert alike.numbers["gap"].value > rule.gap_limit
    assert (alike.gap_state, alike.reason) == ("narrow", "plateau")
    assert rule.check(heard_by(errors, (1, 0.5), seed=1)).gap_state == "wide"


def test_a_gap_that_is_not_known_well_enough_holds_nothing_up() -> None:
    some_missing = reading(([True, True] * 5 + [True, False]) * 15)
    decision = StopRule(tau=0.85, epsilon=0.1).check([some_missing] * 3)
    gap = decision.numbers["gap"]
    assert gap.value > 0.10
    assert (gap.half_width or 0) > 0.05
    assert (decision.stop, decision.gap_state) == (True, "undecided")
    all_whole = reading([True] * 300, per_source=1)
    assert RULE.check([all_whole] * 3).gap_state == "absent"


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    covered = [
        (level.low or 0) <= 0.9 <= (level.high or 0)
        for level in (curve([0.9], sources=120, seed=seed)[0].numbers(draws=1_000)["ifs"] for seed in range(200))
    ]
    assert 0.90 <= sum(covered) / len(covered) <= 0.99


def test_the_gain_is_paired_so_that_it_is_known_better_than_either_level() -> None:
    before, now = curve([0.9, 0.92], sources=150, seed=3, stickiness=1.0)
    rise, level = now.gain_since(before), now.numbers()["ifs"]
    assert (rise.half_width or 1) < (level.half_width or 0) * 0.8
    assert rise.value == pytest.approx(level.value - before.numbers()["ifs"].value)


@settings(max_examples=30, deadline=None)
@given(some.lists(some.tuples(some.booleans(), some.booleans()), min_size=1, max_size=12), some.integers(0, 99))
def test_numbers_are_those_of_plain_counting_and_lie_within_their_bounds(
    pairs: list[tuple[bool, bool]], seed: int
) -> None:
    answers = [answer for pair in pairs for answer in pair]
    numbers = reading(answers).numbers(seed=seed, draws=1_000)
    assert numbers["ifs"].value == pytest.approx(np.mean(answers))
    assert numbers["ifs_full"].value == pytest.approx(np.mean([whole for whole, _ in pairs]))
    assert numbers["gap"].value == pytest.approx(np.mean([whole - cut for whole, cut in pairs]))
    for estimate in (numbers[name] for name in ("ifs", "ifs_full", "ifs_partial", "gap")):
        if len(pairs) == 1:
            assert estimate.low is estimate.high is None
        else:
            assert estimate.low is not None
            assert estimate.high is not None
            assert estimate.low <= estimate.value <= estimate.high
    assert reading(answers).numbers(seed=seed, draws=1_000) == numbers


def test_the_order_of_prompts_does_not_change_a_level() -> None:
    known = curve([0.7], sources=40, seed=1)[0]
    mixed = list(known.verdicts)
    Random(5).shuffle(mixed)
    again = type(known)(judge=known.judge, prompts=known.prompts, wrapper=known.wrapper, verdicts=tuple(mixed))
    assert again.numbers()["ifs"] == known.numbers()["ifs"]


def test_readings_of_other_prompts_are_not_compared() -> None:
    answered = reading([True] * 10)
    for other in (reading([True] * 10, judge="mine"), reading([True] * 12), reading([True] * 10, per_source=1)):
        with pytest.raises(BadInput, match="two checks of one curve"):
            RULE.check([answered, answered, other][::-1])
    with pytest.raises(BadInput, match="no prompts"):
        RULE.check([reading([])])
    with pytest.raises(BadInput, match="no check"):
        RULE.check([])


@pytest.mark.parametrize("knobs", [{"epsilon": 0}, {"tau": 1.5}, {"patience": 0}, {"draws": 10}, {"gap_limit": -1}])
def test_knobs_that_decide_nothing_are_refused(knobs: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        StopRule(**knobs)  # type: ignore[arg-type] # one of them is a whole number, as it must be


def test_a_model_that_answers_before_training_leaves_no_headroom() -> None:
    assert headroom(reading([True, False] * 50)).left
    full = headroom(reading([True] * 100))
    assert not full.left
    assert "no headroom" in str(full)
    errors = errors_of(open_judge("ifs-v2-linear"))
    missed = reading([True] * 85 + [False] * 15)  # more than that judge finds, were every prompt answered
    assert headroom(missed).left
    assert not headroom(missed, StopRule(errors=errors)).left
