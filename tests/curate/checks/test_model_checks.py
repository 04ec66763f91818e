"""Agreement over several answers, and verdicts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.checks.model_checks import agreement, normal, parse_verdict


@pytest.mark.parametrize(
    ("output", "answers", "expected"),
    [
        ("12", ["12", "12.0", "13"], "passed"),
        ("The answer is 12.", ["Answer: 12", "12", "12"], "passed"),
        ("Paris, France", ["Paris", "Paris.", "Lyon"], "passed"),
        ("spam", ["ham", "Ham", "spam"], "failed"),
        ("12", ["13", "13", "13"], "failed"),
        ("1", ["10", "10", "10"], "failed"),
        ("spam", ["ham", "eggs", "spam"], "unchecked"),
        ("spam", ["ham", "ham", "eggs", "eggs"], "unchecked"),
        ("spam", ["ham"], "unchecked"),
        ("spam", [], "unchecked"),
        ("spam", ["", " ", ""], "unchecked"),
    ],
)
def test_only_a_majority_counts(output: str, answers: list[str], expected: str) -> None:
    assert agreement(output, answers).verdict == expected


@given(st.text(alphabet="abc 12.,", min_size=1, max_size=12), st.integers(2, 5))
def test_an_output_agrees_with_itself(output: str, votes: int) -> None:
    assert agreement(output, [output] * votes).verdict in (("passed",) if normal(output) else ("unchecked",))


@given(st.text(max_size=30))
def test_a_normal_answer_is_normal_already(answer: str) -> None:
    once = normal(answer)
    assert normal(once) in (once, normal(normal(once)))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Correct", "passed"),
        (" **Correct.** It is.", "passed"),
        ("Incorrect: it is 5.", "failed"),
        ("wrong, it is 5", "failed"),
        ("Right.", "passed"),
        ("It is correct.", "unchecked"),
        ("Correctly put", "unchecked"),
        ("", "unchecked"),
    ],
)
def test_a_verdict_is_its_first_word(said: str, expected: str) -> None:
    assert parse_verdict(said).verdict == expected
