"""One arithmetic: intervals cover as often as they say, and every room tells the same of the same verdicts."""

import json
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from selfinstruct import stats
from selfinstruct.audit.review_sheet import WilsonShare
from selfinstruct.evaluate.answer_set_marking import SetAnswer, SetQuestion, set_answer
from selfinstruct.evaluate.answer_set_scores import set_differences, set_score
from selfinstruct.evaluate.compare_models import ComparedScore, differences
from selfinstruct.evaluate.feedback import _gain, _read
from selfinstruct.judge.judge_metrics import Predictions, measures
from selfinstruct.tone.objecqa_share import TasteReply, objectivity, paired
from selfinstruct.tone.response_verdicts import Response
from selfinstruct.tone.tone_score import Setting, ToneScore, score_of
from tests.evaluate.fakes import verdicts
from tests.finetune.tone import reading

SOURCES = 60
NOW = [place not in {5, 17, 18, 90} for place in range(2 * SOURCES)]
"""What is said of the whole and the cut prompt of each of 60 sources: 116 of 120 are answers."""
BEFORE = [place % 11 > 0 for place in range(2 * SOURCES)]


def counted(answers: list[bool]) -> list[int]:
    return [answers[place] + answers[place + 1] for place in range(0, len(answers), 2)]


def ends(estimate: stats.Estimate | None) -> tuple[float, float, float]:
    assert estimate is not None
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.value, estimate.low, estimate.high


def scored(answers: list[bool]) -> ComparedScore:
    texts = {True: "The Nile, I should say.", False: "and a lake near it."}
    said = verdicts(
        *(
            Response(prompt=f"Name {place}.", text=texts[answer], whole=place % 2 == 0, source=str(place // 2))
            for place, answer in enumerate(answers)
        )
    )
    return ComparedScore(score_of(said, Setting(judge="marked/1")), said)


def replies(answers: list[bool]) -> list[TasteReply]:
    return [
        TasteReply(question=str(place // 2), phrasing=place % 2, sample=0, kind="objective" if answer else "subjective")
        for place, answer in enumerate(answers)
    ]


def answered(answers: list[bool]) -> list[SetAnswer]:
    return [
        set_answer(
            SetQuestion(
                against="quality_on_gold",
                task=str(place),
                source=str(place // 2),
                system="",
                text=f"Name {place}.",
                instruction=f"Name {place}.",
                input="",
                references=("Nile",),
                kind="not_classification",
                verb="name",
            ),
            "Nile" if answer else "Rhine",
            model="m",
            wrapper="none",
            finish_reason="stop",
            tokens=1,
            tokens_estimated=False,
            request="r",
        )
        for place, answer in enumerate(answers)
    ]


def predictions(answers: list[bool]) -> Predictions:
    places = np.arange(len(answers))
    return Predictions(np.array(answers, np.float64), np.ones(len(answers), np.int64), places // 2)


def test_every_room_gives_the_same_share_of_the_same_verdicts() -> None:
    truth = stats.share(counted(NOW), [2] * SOURCES)
    assert [round(end, 3) for end in ends(truth)] == [0.967, 0.911, 0.992]
    scores: ToneScore = scored(NOW).scored
    assert reading(NOW).numbers()["ifs"] == scores.ifs == truth
    assert objectivity(replies(NOW), "rules/1").objective == truth
    assert set_score(answered(NOW)).numbers["exact_match"] == truth
    accuracy: Any = measures(predictions(NOW), threshold=0.5, seed=1)["accuracy"]
    assert tuple(accuracy.values()) == tuple(round(end, 6) for end in ends(truth))
    assert ends(scores.gap) == ends(reading(NOW).numbers()["gap"])
    assert (WilsonShare(8, 10).low, WilsonShare(8, 10).high) == ends(stats.wilson(8, 10))[1:]


def test_every_room_gives_the_same_difference_of_the_same_verdicts(tmp_path: Path) -> None:
    change = [now - before for now, before in zip(counted(NOW), counted(BEFORE), strict=True)]
    truth = ends(stats.paired_difference(change, [2] * SOURCES))
    assert ends(reading(NOW).gain_since(reading(BEFORE))) == truth
    assert ends(differences([scored(BEFORE), scored(NOW)])[0].numbers["ifs"]) == truth
    assert ends(paired(replies(NOW), replies(BEFORE)).difference) == truth
    between: Any = set_differences([answered(BEFORE), answered(NOW)], "quality_on_gold")[0]
    assert tuple(between["exact_match"].values()) == pytest.approx(truth, abs=1e-12)
    for name, answers in (("now", NOW), ("before", BEFORE)):
        rows = [
            {"prompt": str(place), "source": str(place // 2), "whole": place % 2 == 0, "answer_like": answer}
            for place, answer in enumerate(answers)
        ]
        lines = [json.dumps({"model": "m", "wrapper": "none", **row}) + "\n" for row in rows]
        (tmp_path / name).write_text("".join(lines), encoding="utf-8")
    risen, most = _gain(_read(tmp_path / "now"), _read(tmp_path / "before"), 0)
    assert ends(risen) == truth
    assert most == reading(NOW).gain_since(reading(BEFORE), level=0.9).high


@pytest.mark.parametrize(("yes", "n"), [(0, 1), (1, 1), (3, 7), (0, 30), (29, 30), (57, 120)])
def test_the_exact_interval_is_that_of_binomial_tails(yes: int, n: int) -> None:
    def at_least(count: int, share: float) -> float:
        return sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(count, n + 1))

    _, low, high = ends(stats.clopper_pearson(yes, n))
    assert low == 0 if yes == 0 else at_least(yes, low) == pytest.approx(0.025, abs=1e-6)
    assert high == 1 if yes == n else 1 - at_least(yes + 1, high) == pytest.approx(0.025, abs=1e-6)
    assert ends(stats.share([1] * yes + [0] * (n - yes), [1] * n))[1:] == (low, high) if n > 1 else True


def test_the_exact_interval_holds_that_of_jeffreys_which_holds_the_share() -> None:
    for n in (1, 5, 40):
        for yes in range(n + 1):
            value, low, high = ends(stats.clopper_pearson(yes, n))
            _, above, below = ends(stats.jeffreys(yes, n))
            assert low <= above <= value <= below <= high


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=40))
def test_a_share_is_mirrored_lies_in_its_interval_and_copies_make_it_no_narrower(rows: list[tuple[int, int]]) -> None:
    yes, no = (np.array(column) for column in zip(*rows, strict=True))
    estimate, mirrored, twice = (
        stats.share(part, asked) for part, asked in ((yes, yes + no), (no, yes + no), (2 * yes, 2 * (yes + no)))
    )
    if not (yes + no).any() or ((yes + no) > 0).sum() == 1:
        assert estimate is None or estimate.low is estimate.high is None
        return
    value, low, high = ends(estimate)
    assert 0 <= low <= value <= high <= 1
    assert ends(mirrored) == pytest.approx((1 - value, 1 - high, 1 - low), abs=2e-9)
    assert ends(twice)[2] - ends(twice)[1] >= (high - low) * 0.98  # the source added weighs two as well


def test_where_no_source_differs_the_interval_is_the_rule_of_three() -> None:
    for sources, each in ((20, 1), (20, 6), (99, 2)):
        never = stats.rule_of_three(sources, 0.025)
        full = stats.share([each] * sources, [each] * sources)
        assert ends(full) == pytest.approx((1, 1 - never, 1))
        still = stats.paired_difference([0] * sources, [each] * sources)
        assert ends(still) == pytest.approx((0, -never, never))
        assert ends(stats.mean([0] * sources, [each] * sources, within=(0, 1))) == pytest.approx((0, 0, never))


def test_draws_are_of_whole_numbers_and_the_same_however_many_are_held_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = np.arange(60, dtype=np.float64).reshape(20, 3)
    table[:, 0] = 1
    at_once = stats.resampled(table, seed=3, draws=50)
    assert (at_once[:, 0] == 20).all()
    assert (at_once == stats.resampled(table, seed=3, draws=50)).all()
    assert at_once[0, 1] == 539  # PCG64's bits, on any machine
    monkeypatch.setattr(stats, "_CELLS", 70)
    assert (at_once == stats.resampled(table, seed=3, draws=50)).all()


def alike(random: np.random.Generator, sources: int, each: int, share: float, likeness: float) -> NDArray[np.float64]:
    """1 for yes, shape [sources, each]; responses of a source share their luck with chance sqrt(`likeness`)."""
    common = random.random((sources, each)) < likeness**0.5
    luck = np.where(common, random.random((sources, 1)), random.random((sources, each)))
    return (luck < share).astype(np.float64)


def covers(estimate: stats.Estimate | None, truth: float) -> bool:
    _, low, high = ends(estimate)
    return low <= truth <= high


def share_coverage(sources: int, each: int, share: float, likeness: float, trials: int) -> float:
    random = np.random.Generator(np.random.PCG64(sources + each))
    asked = np.full(sources, each)
    said = (alike(random, sources, each, share, likeness).sum(axis=1) for _ in range(trials))
    return sum(covers(stats.share(yes, asked), share) for yes in said) / trials


def test_a_share_near_one_is_covered_with_few_sources() -> None:
    assert share_coverage(12, 2, 0.967, 0.4, 250) >= 0.93  # percentiles of the bootstrap cover 0.44


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.967, 0.99])
@pytest.mark.parametrize("sources", [5, 12, 30, 60, 250])
def test_a_share_is_covered_as_often_as_it_says(sources: int, share: float) -> None:
    for each, likeness in ((1, 0.0), (2, 0.0), (2, 0.4), (2, 0.9), (6, 0.3), (6, 0.8), (20, 0.3)):
        assert share_coverage(sources, each, share, likeness, 1_000) >= 0.93, (each, likeness)


@pytest.mark.slow
@pytest.mark.parametrize("sources", [12, 30, 60, 250])
def test_a_difference_is_covered_as_often_as_it_says(sources: int) -> None:
    random = np.random.Generator(np.random.PCG64(sources))
    for each, likeness in ((1, 0.0), (2, 0.4), (6, 0.3)):
        for gained, lost in ((0.0, 0.01), (0.02, 0.02), (0.06, 0.01), (0.1, 0.0), (0.3, 0.1)):
            asked, covered = np.full(sources, each), []
            for _ in range(400):
                luck = alike(random, sources, each, gained, likeness)
                loss = alike(random, sources, each, lost / (1 - gained), likeness) * (1 - luck)
                change = (luck - loss).sum(axis=1)
                covered.append(covers(stats.paired_difference(change, asked, draws=1_000), gained - lost))
            assert np.mean(covered) >= 0.92, (each, likeness, gained, lost)  # 0.93, and two deviations of 400 trials


@pytest.mark.parametrize("within", [(0.0, 100.0), (1.0, 5.0), (-100.0, 100.0), (0.0, 0.01)])
def test_a_mean_of_values_with_other_bounds_is_that_of_shares_on_their_scale(within: tuple[float, float]) -> None:
    low, high = within
    both = low < 0
    unit = high if both else high - low
    values = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0]
    plain = stats.mean(values, [1] * 6, within=(-1, 1) if both else (0, 1))
    scaled = stats.mean([(0 if both else low) + unit * value for value in values], [1] * 6, within=within)
    assert plain is not None
    assert scaled is not None
    start = 0 if both else low
    assert scaled.value == pytest.approx(start + unit * plain.value)
    assert scaled.low == pytest.approx(start + unit * (plain.low or 0), abs=1e-8)
    assert scaled.high == pytest.approx(start + unit * (plain.high or 0), abs=1e-8)
    lone = stats.mean([unit + start], [1], within=within)
    assert lone is not None
    assert lone.value == pytest.approx(start + unit)
    assert lone.low is None
