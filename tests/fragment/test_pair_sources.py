"""Which record falls into which split."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.fragment.pair_sources import NeighbourIndex, SplitAssignment, assigned_splits
from selfinstruct.records import Task
from tests.fragment.builders import many, source, task

LINES = st.lists(
    st.lists(
        st.sampled_from(["name", "two", "long", "rivers", "lakes", "of", "spain", "peru"]), min_size=1, max_size=6
    ),
    min_size=2,
    max_size=14,
)


def draw(
    tasks: list[Task], seed: int = 1, at_most: int = 1000, validation: float = 0.1, test: float = 0.1
) -> SplitAssignment:
    return assigned_splits(tasks, seed=seed, at_most=at_most, words_at_most=100, validation=validation, test=test)


def test_the_shares_are_met() -> None:
    assert Counter(draw(many(100)).placements) == {"train": 80, "validation": 10, "test": 10}
    assert Counter(draw(many(100), validation=0, test=0.25).placements) == {"train": 75, "test": 25}


@pytest.mark.parametrize("count", range(3, 9))
def test_a_small_set_has_something_in_every_split(count: int) -> None:
    counts = Counter(draw(many(count)).placements)
    assert min(counts["train"], counts["validation"], counts["test"]) >= 1


def test_one_record_is_for_training() -> None:
    assert draw(many(1)).placements == ["train"]


def test_the_same_instruction_is_never_in_two_splits() -> None:
    tasks = [task(f"Correct sentence {number // 5} of the text!", given=f"Text {number}") for number in range(200)]
    placements = draw(tasks, test=0.3).placements
    for start in range(0, 200, 5):
        assert len({*placements[start : start + 5]}) == 1
    assert 50 <= Counter(placements)["test"] <= 70


def test_the_order_of_the_set_does_not_matter_and_the_seed_does() -> None:
    tasks = many(60)
    forward, backward = draw(tasks).placements, draw(tasks[::-1]).placements
    assert list(forward) == list(backward)[::-1]
    assert forward != draw(tasks, seed=2).placements


def test_what_cannot_be_used_says_why() -> None:
    tasks = [
        task("Name a river.", ""),
        task("?!", "Yes"),
        task("Name a river.", "..."),
        task("word " * 101, "Yes"),
        task("w" * 100_000, "Yes"),
        task("Name a river."),
    ]
    assert draw(tasks).placements == ["no_answer", "no_words", "no_words", "too_long", "too_long", "train"]


def test_a_larger_set_is_sampled() -> None:
    counts = Counter(draw(many(100), at_most=40).placements)
    assert counts == {"not_drawn": 60, "train": 32, "validation": 4, "test": 4}


@given(LINES)
def test_in_a_small_set_the_nearest_is_the_one_that_shares_most(lines: list[list[str]]) -> None:
    keys = [" ".join(line) for line in lines]
    index = NeighbourIndex([source(key) for key in keys])
    for place, key in enumerate(keys):
        own = {*key.split()}
        others = [{*other.split()} for other in keys if other != key]
        best = max((len(own & other) / len(own | other) for other in others), default=0.0)
        neighbour = index.nearest(place)
        assert all(keys[other] != key for other in neighbour)
        assert bool(neighbour) == (best > 0)
        if neighbour:
            first = {*keys[neighbour[0]].split()}
            assert len(own & first) / len(own | first) == best


def test_a_word_that_all_share_does_not_make_it_slow_or_empty() -> None:
    sources = [source(f"Describe the number {number % 700} of the list") for number in range(2000)]
    index = NeighbourIndex(sources)
    neighbour = index.nearest(5)
    assert neighbour
    assert len(neighbour) <= 3
    assert index.nearest(5) == neighbour
