import pytest

from selfinstruct.finetune.check_plan import GRID, PROBE_COST, PROMPT_COST, QUESTION_COST, as_asked, fitted
from selfinstruct.finetune.stopping import StopRule


@pytest.mark.parametrize("share", [0.1, 1 / 3, 0.5])
@pytest.mark.parametrize("examples", [100, 400, 1_000, 10_000, 100_000])
@pytest.mark.parametrize("length", [60, 200, 900])
@pytest.mark.parametrize("questions", [0, 100])
def test_checks_take_their_share_of_the_time_at_most(share: float, examples: int, length: int, questions: int) -> None:
    tokens = examples * length
    plan = fitted(GRID, examples, tokens, share, questions=questions)
    least = fitted(GRID, examples, 1, share, questions=questions)
    assert plan.cost / (plan.cost + tokens) <= share + 1e-9 or plan == least
    assert least.checks == 2
    assert plan.grid[0] == 0
    assert all(point < examples for point in plan.grid)
    assert [*plan.grid] == sorted(set(plan.grid) & set(GRID))
    assert 20 <= plan.prompts <= 300
    assert plan.checks == len(plan.grid) + 1


def test_more_training_gets_more_checks_of_more_prompts() -> None:
    plans = [fitted(GRID, 800, tokens, 1 / 3) for tokens in (10**4, 10**5, 3 * 10**5, 10**7)]
    asked = [plan.checks * plan.prompts for plan in plans]
    assert asked == sorted(set(asked))
    assert (plans[-1].grid, plans[-1].first, plans[-1].checks) == ((0, 64, 128, 256, 512), 0, 6)


def test_where_it_fits_the_stop_rule_has_prompts_and_checks_enough() -> None:
    tokens = 2 * 3 * (200 * PROMPT_COST + PROBE_COST) + 1
    plan = fitted(GRID, 800, tokens, 1 / 3)
    assert (plan.checks, plan.first) == (3, 100)
    assert StopRule().can_stop(plan.first)
    assert StopRule().patience < plan.checks


def test_without_a_limit_all_is_asked_and_what_a_person_writes_holds() -> None:
    assert fitted(GRID, 300, 1, 1).prompts == 300
    assert as_asked((0, 64), 20, 100).checks == 3
    assert as_asked((0, 64), 20, 50).grid == (0,)
    assert as_asked(GRID, 0, 300).prompts == 300


@pytest.mark.parametrize(("numbers", "expected"), [("bfloat16", "about 60 s"), ("float32", "about 2 min")])
def test_whoever_waits_is_told_the_time_of_the_numbers_that_are_computed_in(numbers: str, expected: str) -> None:
    plan = fitted(GRID, 54, 1, 1 / 3)
    said = plan.announced(6_000, numbers, 0.01)
    assert said.startswith("2 checks of 20 prompts, ")
    assert said.split(", ")[1] == expected
    assert "; with fewer they would say nothing, --stop=none does without)" in said
    more = fitted(GRID, 800, 10**7, 1 / 3)
    assert "fewer" not in more.announced(10**7, numbers, 0.01)


def test_answers_to_questions_of_taste_are_as_much_quicker_in_two_bytes_as_those_to_prompts() -> None:
    bare, asking = (as_asked((0, 64), 10, 200, questions=questions) for questions in (0, 400))
    more = {numbers: asking.cost_in(numbers) - bare.cost_in(numbers) for numbers in ("float32", "bfloat16")}
    assert more["float32"] == asking.checks * 400 * QUESTION_COST
    assert more["bfloat16"] == pytest.approx(0.3 * more["float32"])
