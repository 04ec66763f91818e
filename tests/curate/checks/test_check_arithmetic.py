"""Arithmetic stated or asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.checks.check_arithmetic import arithmetic
from selfinstruct.curate.exchanges import Reply


def verdict(output: str, instruction: str = "Solve the problem step by step.", given_: str = "") -> str:
    checked = arithmetic(Reply("instance 0", instruction, given_, output))
    return checked.verdict if checked else "silent"


@pytest.mark.parametrize(
    "output",
    [
        "She has 3 + 4 = 8 apples.",
        "12 * 12 = 154",
        "The total is $15 + $20 = $45.",
        "1. First, 5 x 6 = 35.",
        "(3 + 4) * 2 = 15",
        "So 20% of 50 is 12.",
        "As 7 times 8 equals 54, that is it.",
        "10 / 4 = 3.5",
        "2^5 = 30",
        "3 + 4 = 7, and 7 + 5 = 13.",
        "- 6 \u00d7 7 = 41",
        "The cost (4 * 5 = 21) is high.",
        "100 \u2212 1 = 98",
        "1,250 + 250 = 1,600",
    ],
)
def test_a_wrong_result_is_found(output: str) -> None:
    assert verdict(output) == "failed"


@pytest.mark.parametrize(
    "output",
    [
        "She has 3 + 4 = 7 apples.",
        "10 / 3 = 3.33",
        "22 / 7 = 3.14",
        "2 / 3 = 67%",
        "3 / 4 * 100 = 75%",
        "3.14 * 5^2 = 78.54",
        "2 + 3 = 5 + 4 = 9",
        "(2 + 3) * 4 = 5 * 4 = 20",
        "20% of 50 is 10.",
        "1,250 + 250 = 1500",
    ],
)
def test_a_right_result_passes(output: str) -> None:
    assert verdict(output) == "passed"


@pytest.mark.parametrize(
    "output",
    [
        "x + 3 = 7, so x = 4",
        "2x + 3 = 9",
        "f(2 + 3) = 25",
        "sqrt(16 + 9) = 5",
        "the square root of 16 + 9 = 5",
        "If 2 + 2 = 5, then anything follows.",
        "It is wrong to say that 2 + 2 = 5.",
        "Q:1/4=68",
        "7 / 2 = 3 remainder 1",
        "17 mod 5 = 2",
        "60 + 60 = 2 hours",
        "5 km + 300 m = 5.3 km",
        "1 + 1 = 10 in binary",
        "On 3/4 = the fourth of March",
        "`total = 3 + 4 = 8`",
        "```\n3 + 4 = 8\n```",
        "2, 4, 6 + 8 = 10",
        "a = 3 * b",
        "3 + 4 = 8x",
        "8 \u2013 10 = low",
        "The 2010-2011 = season",
        "5! = 120",
        "1/2 + 1/3 = 5/6",
        "0.5 + 1 = 3/2",
        "3,5 + 2 = 5,5",
        "2 + 3 = 5 \u00d7 1",
        "H2 + O2 = 2 H2O",
        "is 3 + 4 = 8?",
    ],
)
def test_what_may_mean_something_else_is_left_alone(output: str) -> None:
    assert verdict(output) != "failed"


@pytest.mark.parametrize(
    "instruction", ["Find the mistake in the sum.", "Solve the puzzle.", "Compute in base 3.", "Write a joke."]
)
def test_tasks_about_untrue_or_unusual_sums_are_left_alone(instruction: str) -> None:
    assert verdict("3 + 4 = 8", instruction) == "silent"


def test_a_sum_that_the_request_states_is_not_the_replys_fault() -> None:
    assert verdict("You said 3 + 4 = 8.", "Does 3 + 4 = 8 hold?") == "silent"


@pytest.mark.parametrize(
    ("instruction", "given_", "right", "wrong"),
    [
        ("Calculate 15 * 4.", "", "The result is 60.", "The result is 64."),
        ("What is 15% of 80?", "", "12", "It is 15."),
        ("What is 7 + 8?", "", "Fifteen.", "Sixteen."),
        ("Evaluate the following expression.", "(2 + 3) * 4 = ?", "20", "14"),
        ("Compute 7 / 2", "", "3 1/2", "4.5"),
        ("Solve: 10 / 3", "", "3.33", "3.5"),
        ("What is 3^4?", "", "81", "12"),
    ],
)
def test_a_computation_that_is_asked_for_must_come_out(instruction: str, given_: str, right: str, wrong: str) -> None:
    assert verdict(right, instruction, given_) == "passed"
    assert verdict(wrong, instruction, given_) == "failed"


@pytest.mark.parametrize(
    ("instruction", "given_"),
    [
        ("What is 9/11?", ""),
        ("What is 24/7?", ""),
        ("Calculate the area.", "3 x 4"),
        ("What is a 401?", ""),
        ("Solve 2x + 3 = 7.", ""),
    ],
)
def test_what_only_looks_like_a_computation_is_not_asked_for(instruction: str, given_: str) -> None:
    assert verdict("It was a day in September, 25 years ago.", instruction, given_) == "silent"


SIGNS = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}


@given(st.integers(0, 999), st.sampled_from(sorted(SIGNS)), st.integers(0, 999), st.integers(-3, 3))
def test_a_stated_result_passes_exactly_when_it_is_true(left: int, sign: str, right: int, off: int) -> None:
    result = SIGNS[sign](left, right) + off
    assert verdict(f"So we have {left} {sign} {right} = {result}.") == ("failed" if off else "passed")


@given(st.text(max_size=80), st.text(alphabet="0123456789 +-*/=.()x%", max_size=60))
def test_any_text_can_be_checked(instruction: str, output: str) -> None:
    assert verdict(output, instruction) in ("passed", "failed", "silent")
