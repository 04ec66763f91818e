"""Verdicts of an ablation on simulated models whose truth is known: at most one in twenty is wrong."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from selfinstruct.audit.ablate_statistics import (
    CANNOT_TELL,
    IGNORES,
    LIST_ONLY,
    USES,
    beating,
    comparisons,
    conclusion,
    control,
)

TASKS, ANSWERS, RUNS = 60, 100, 60
_FEWER = {"simplified": "original", "empty": "original", "shuffled_words": "original"}
Arms = dict[str, dict[str, float]]


def simulated(chances: dict[str, float], seed: int, tasks: int = TASKS) -> Arms:
    """Scores by task of each arm: the chance of a right answer there, tasks being unlike each other."""
    chance = np.random.default_rng(seed)
    harder = chance.normal(0, 0.08, tasks)
    return {
        arm: {
            f"t{n}": 100 * chance.binomial(ANSWERS, min(1, max(0, right + harder[n]))) / ANSWERS for n in range(tasks)
        }
        for arm, right in chances.items()
    }


USING = {"original": 0.8, "simplified": 0.6, "empty": 0.2, "shuffled_words": 0.6, "inverted": 0.6, "turned": 0.15}
LISTING = {"original": 0.8, "simplified": 0.8, "empty": 0.3, "shuffled_words": 0.8, "inverted": 0.15, "turned": 0.15}
IGNORING = {"original": 0.8, "simplified": 0.8, "empty": 0.8, "shuffled_words": 0.8, "inverted": 0.15, "turned": 0.15}
GUESSING = dict.fromkeys(USING, 0.5)


def verdicts(model: dict[str, float], margin: float = 3.0, tasks: int = TASKS) -> Iterator[tuple[str, dict[str, str]]]:
    """The conclusion, and the verdict on each condition, run after run."""
    for seed in range(RUNS):
        arms = simulated(model, seed, tasks)
        sides = {name: arms.pop(name) for name in ("inverted", "turned")}
        guess = {"guess": {f"t{n}": 50.0 for n in range(tasks)}}
        beats = bool(beating(arms, guess))
        compared = comparisons(arms, beats=beats, margin=margin, against=_FEWER)
        by_name = {comparison.condition: comparison for comparison in compared}
        concluded = conclusion(by_name, control(sides["inverted"], sides["turned"]), beats=beats)
        yield concluded.verdict, {name: comparison.verdict for name, comparison in by_name.items()}


@pytest.mark.parametrize(
    ("model", "right", "wrong_of_condition"),
    [
        (USING, USES, lambda said: said["simplified"] in ("equal", "higher") or said["empty"] != "lower"),
        (LISTING, LIST_ONLY, lambda said: said["simplified"] in ("lower", "higher")),
        (IGNORING, IGNORES, lambda said: said["empty"] in ("lower", "higher")),
        (GUESSING, CANNOT_TELL, lambda said: said["simplified"] != "cannot tell"),
    ],
    ids=["uses", "list", "ignores", "guesses"],
)
def test_at_most_one_verdict_in_twenty_is_wrong(
    model: dict[str, float], right: str, wrong_of_condition: Callable[[dict[str, str]], bool]
) -> None:
    reached = list(verdicts(model))
    concluded = [verdict for verdict, _ in reached]
    assert sum(verdict not in (right, CANNOT_TELL) for verdict in concluded) <= RUNS / 20
    assert sum(wrong_of_condition(said) for _, said in reached) <= RUNS / 20
    assert concluded.count(right) >= RUNS / 2


def test_a_difference_as_large_as_the_margin_is_rarely_called_equal() -> None:
    model = {**IGNORING, "simplified": 0.77}
    assert sum(said["simplified"] == "equal" for _, said in verdicts(model)) <= RUNS / 20 + 2  # by chance


def test_few_tasks_cannot_show_three_points_and_say_which_margin_they_could() -> None:
    for verdict, said in verdicts(IGNORING, tasks=8):
        assert verdict == CANNOT_TELL
        assert said["simplified"] != "equal"
    arms = simulated(IGNORING, 1, 8)
    [comparison] = comparisons(arms, beats=True, against={"empty": "original"})
    assert comparison.could_show is not None
    assert comparison.equal_within is not None
    assert comparison.could_show > 3
    [wider] = comparisons(arms, beats=True, margin=comparison.equal_within, against={"empty": "original"})
    assert wider.verdict == "equal"
    [closer] = comparisons(arms, beats=True, margin=comparison.equal_within - 0.01, against={"empty": "original"})
    assert closer.verdict == "cannot tell"


def test_the_same_answers_everywhere_show_no_more_than_so_many_tasks_can_rule_out() -> None:
    same = {f"t{n}": 100.0 for n in range(60)}
    [comparison] = comparisons({"original": same, "empty": same}, beats=True, against={"empty": "original"})
    assert comparison.difference.value == 0
    assert comparison.equal_within == pytest.approx(4.87, abs=0.01)  # three in sixty


def test_a_lone_task_and_arms_that_share_none_show_nothing() -> None:
    [comparison] = comparisons({"original": {"t": 1.0}, "empty": {"t": 0.0}}, beats=True, against={"empty": "original"})
    assert (comparison.verdict, comparison.equal_within, comparison.could_show) == ("cannot tell", None, None)
    assert comparisons({"original": {"t": 1.0}, "empty": {"u": 0.0}}, beats=True) == ()
    assert control({"t": 1.0}, {"u": 0.0}) is None


def test_ablation_and_control_that_contradict_each_other_tell_nothing() -> None:
    arms = simulated(IGNORING, 3)
    by_condition = {made.condition: made for made in comparisons(arms, beats=True, margin=5, against=_FEWER)}
    turning = control({f"t{n}": 70.0 + n % 7 for n in range(60)}, {f"t{n}": 10.0 for n in range(60)})
    assert by_condition["simplified"].verdict == "equal"
    assert turning is not None
    assert turning.followed is True
    assert conclusion(by_condition, turning, beats=True).verdict == CANNOT_TELL
    assert conclusion(by_condition, None, beats=True).verdict == CANNOT_TELL
    assert conclusion({}, turning, beats=True).why == "original, simplified and empty were not all asked"


def test_an_arm_beats_guessing_only_if_it_beats_the_majority_too() -> None:
    arms = simulated({"original": 0.8}, 5)
    low, high = {f"t{n}": 50.0 for n in range(60)}, {f"t{n}": 85.0 for n in range(60)}
    assert beating(arms, {"guess": low, "majority": low}) == ("original",)
    assert beating(arms, {"guess": low, "majority": high}) == ()
    assert beating(arms, {}) == ()
