import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.audit.review_sheet import PAPER, Kappa, TaskReview, WilsonShare, agreement, rates, table

_ANSWER = st.sampled_from([True, False, None])
_VERDICTS = st.lists(
    st.builds(TaskReview, id=st.integers(0, 9).map(str), valid_task=_ANSWER, input_fits=_ANSWER, output_right=_ANSWER),
    unique_by=lambda verdict: verdict.id,
)


def verdict(name: str, answers: str) -> TaskReview:
    valid, fits, right = ({"y": True, "n": False, ".": None}[answer] for answer in answers)
    return TaskReview(id=name, valid_task=valid, input_fits=fits, output_right=right)


@pytest.mark.parametrize(
    ("yes", "answered", "low", "high"),
    [  # roots of (x - share)^2 n = z^2 x (1 - x), found by bisection
        (0, 10, 0.0, 0.277533),
        (10, 10, 0.722467, 1.0),
        (8, 10, 0.490162, 0.943318),
        (184, 200, 0.874011, 0.950159),
        (108, 200, 0.470823, 0.607669),
        (1, 1, 0.206549, 1.0),
    ],
)
def test_intervals_are_wilsons(yes: int, answered: int, low: float, high: float) -> None:
    rate = WilsonShare(yes, answered)
    assert rate.low == pytest.approx(low, abs=1e-6)
    assert rate.high == pytest.approx(high, abs=1e-6)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_mirrors(pair: tuple[int, int]) -> None:
    yes, n = pair
    rate, mirrored = WilsonShare(yes, n), WilsonShare(n - yes, n)
    assert rate.share is not None
    assert 0 <= rate.low <= rate.share <= rate.high <= 1
    assert rate.low == pytest.approx(1 - mirrored.high, abs=1e-12)
    # Wilson's ends solve |p - share| = z sqrt(p (1 - p) / n).
    for end in (rate.low, rate.high):
        if 0 < end < 1:
            assert abs(end - rate.share) == pytest.approx(1.959963985 * (end * (1 - end) / n) ** 0.5, rel=1e-6)


def test_rates_count_what_was_answered() -> None:
    shares = rates(
        [verdict("a", "yyy"), verdict("b", "yny"), verdict("c", "n.."), verdict("d", "y.."), verdict("e", "...")]
    )
    assert shares.valid_task == WilsonShare(3, 4)
    assert shares.input_fits == WilsonShare(1, 2)
    assert shares.output_right == WilsonShare(2, 2)
    assert shares.all_three == WilsonShare(1, 3)
    assert shares.open == 2


@given(_VERDICTS)
def test_all_three_is_never_more_often_than_any_one(verdicts: list[TaskReview]) -> None:
    shares = rates(verdicts)
    assert shares.all_three.yes <= min(shares.valid_task.yes, shares.input_fits.yes, shares.output_right.yes)
    assert shares.all_three.answered + shares.open == len(verdicts)


@pytest.mark.parametrize(
    ("counts", "kappa"),
    [
        ((20, 5, 10, 15), 0.4),
        ((45, 15, 25, 15), 0.1304),  # Po 0.60, Pe 0.54
        ((25, 35, 5, 35), 0.2593),  # Po 0.60, Pe 0.46
        ((10, 0, 0, 10), 1.0),
        ((0, 10, 10, 0), -1.0),
        ((5, 5, 5, 5), 0.0),
        ((7, 0, 0, 0), None),
        ((0, 0, 0, 0), None),
    ],
)
def test_kappa_is_cohens(counts: tuple[int, int, int, int], kappa: float | None) -> None:
    assert Kappa(*counts).value == (None if kappa is None else pytest.approx(kappa, abs=5e-5))


@given(_VERDICTS, _VERDICTS)
def test_agreement_does_not_depend_on_who_is_first(first: list[TaskReview], second: list[TaskReview]) -> None:
    here, there = agreement(first, second), agreement(second, first)
    assert here.valid_task.value == there.valid_task.value
    assert here.all_three.answered == there.all_three.answered


def test_agreement_is_over_tasks_that_both_answered() -> None:
    first = [verdict("a", "yyy"), verdict("b", "yn."), verdict("c", "nnn")]
    second = [verdict("c", "ynn"), verdict("b", "yny"), verdict("z", "yyy")]
    between = agreement(first, second)
    assert between.valid_task == Kappa(both_yes=1, first_only=0, second_only=1, both_no=0)
    assert between.input_fits == Kappa(0, 0, 0, 2)
    assert between.output_right == Kappa(0, 0, 0, 1)
    assert between.all_three.answered == 2


def test_the_table_says_what_is_open_and_what_is_undefined() -> None:
    verdicts = [verdict("a", "yyy"), verdict("b", "y..")]
    said = table(rates(verdicts), agreement(verdicts, verdicts))
    assert "1 row" in said
    assert "undefined" in said
    assert said.splitlines()[1].split()[-3:] == ["%", "92", "%"]
    assert "none" in table(rates([]))


def test_the_papers_rates_are_the_papers() -> None:
    shares = [PAPER.valid_task.share, PAPER.input_fits.share, PAPER.output_right.share, PAPER.all_three.share]
    assert shares == [0.92, 0.79, 0.58, 0.54]
