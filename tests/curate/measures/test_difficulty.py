"""Instruction-following difficulty."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.measures.difficulty import Difficulty
from selfinstruct.errors import BadInput
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Kept, TokenScorer
from tests.curate.records import task


@dataclass
class Letters(TokenScorer):
    """One token a character; a character that stood in the prompt has probability 1/2, any other 1/8."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    name: str = "letters"

    def token_log_probabilities(self, prompt: str, continuation: str) -> Sequence[float]:
        self.asked.append((prompt, continuation))
        return [math.log(1 / 2 if char in prompt else 1 / 8) for char in continuation]


@dataclass
class ManyLetters(Letters):
    """The same, many at once."""

    calls: int = 0

    def many_log_probabilities(self, texts: Sequence[tuple[str, str]]) -> Sequence[Sequence[float]]:
        self.calls += 1
        return [Letters.token_log_probabilities(self, *text) for text in texts]


@dataclass
class Fixed(TokenScorer):
    """Log-probabilities as they are given, with and without a prompt."""

    given: Sequence[float]
    alone: Sequence[float]
    name: str = "fixed"

    def token_log_probabilities(self, prompt: str, continuation: str) -> Sequence[float]:
        del continuation
        return self.given if prompt else self.alone


def scored(tasks: Sequence[Task], scorer: Letters | Fixed, scratch: Path = Path()) -> list[Kept]:
    outcomes = list(Difficulty()(tasks, Bench(scorers={"scorer": scorer}, scratch=scratch)))
    return [outcome for outcome in outcomes if isinstance(outcome, Kept)]


def test_the_ratio_of_the_two_mean_losses_is_exact() -> None:
    [kept] = scored([task("abc", ("", "abxy"))], Letters())
    assert kept.record.measures["loss_alone"] == pytest.approx(math.log(8))
    assert kept.record.measures["loss_given_instruction"] == pytest.approx((math.log(2) + math.log(8)) / 2)
    assert kept.record.measures["ifd"] == pytest.approx((1 / 3 + 1) / 2)


def test_the_tokens_of_all_instances_count_alike() -> None:
    [kept] = scored([task("ab", ("", "ab"), ("", "wxyz"))], Letters())
    assert kept.record.measures["ifd"] == pytest.approx((2 * 1 / 3 + 4) / 6)


def test_the_scorer_sees_instruction_and_input_before_the_response_and_then_nothing() -> None:
    scorer = Letters()
    scored([task(" Add. ", ("1 2", "3"))], scorer)
    assert scorer.asked == [("Add.\n\n1 2\n\n", "3"), ("", "3")]


def test_a_task_without_a_response_is_kept_and_says_why_it_has_no_number() -> None:
    kept = scored([task("Add.", words=1), task("Add.", ("", " "), ifd=0.5, words=1)], Letters())
    assert [outcome.evidence for outcome in kept] == [{"not_scored": "no response"}] * 2
    assert [outcome.record.measures for outcome in kept] == [{"words": 1}] * 2


@pytest.mark.parametrize(("given_", "alone"), [([0.0], [0.0]), ([-math.inf], [-1.0]), ([math.nan], [-1.0])])
def test_a_loss_that_makes_no_ratio_is_no_number(given_: list[float], alone: list[float]) -> None:
    [kept] = scored([task("Add.", ("", "3"))], Fixed(given_, alone))
    assert kept.evidence == {"not_scored": "its loss is no number, or 0 alone"}
    assert "ifd" not in kept.record.measures


@given(
    st.lists(st.floats(-30, -0.001), min_size=1, max_size=9),
    st.lists(st.floats(-30, -0.001), min_size=1, max_size=9),
)
def test_the_difficulty_is_above_one_only_where_the_instruction_makes_things_worse(
    given_: list[float], alone: list[float]
) -> None:
    [kept] = scored([task("Add.", ("", "3"))], Fixed(given_, alone))
    measures = kept.record.measures
    assert (measures["ifd"] > 1) == (measures["loss_given_instruction"] > measures["loss_alone"])


@given(st.lists(st.sampled_from([("ab", "abc"), ("x", ""), ("long", "gnol!")]), max_size=40))
def test_many_at_once_or_one_by_one_gives_the_same(texts: list[tuple[str, str]]) -> None:
    tasks = [task(text, ("", output), ordinal=at) for at, (text, output) in enumerate(texts)]
    assert scored(tasks, ManyLetters()) == scored(tasks, Letters())


def test_a_run_that_was_killed_goes_on_from_its_notes(tmp_path: Path) -> None:
    tasks = [task("ab", ("", "abc"), ordinal=at) for at in range(40)]
    whole = scored(tasks, Letters())
    torn: Callable[[bytes], bytes]
    for torn in (lambda noted: noted, lambda noted: noted[:-7], lambda noted: noted + b'{"ids": ['):
        scratch = tmp_path / str(len(torn(b"x" * 9)))
        bench = Bench(scorers={"scorer": Letters()}, scratch=scratch)
        assert len(list(islice(Difficulty()(tasks, bench), 20))) == 20
        notes = scratch / "losses.jsonl"
        notes.write_bytes(torn(notes.read_bytes()))
        again = Letters()
        assert scored(tasks, again, scratch) == whole
        assert 0 < len(again.asked) < 2 * len(tasks)
        nothing = Letters()
        assert scored(tasks, nothing, scratch) == whole
        assert nothing.asked == []


def test_notes_of_other_tasks_are_not_used(tmp_path: Path) -> None:
    scored([task("ab", ("", "abc"))], Letters(), tmp_path)
    other = [task("xy", ("", "abc"))]
    assert scored(other, Letters(), tmp_path) == scored(other, Letters())


def test_a_scorer_that_was_not_named_is_refused() -> None:
    with pytest.raises(BadInput, match=r"no scorer 'scorer'.*name an hf: model"):
        list(Difficulty()([task()], Bench()))
