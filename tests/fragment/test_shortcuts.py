"""What single features tell, and accuracy by part."""

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.fragment.fragment import Fragment
from selfinstruct.fragment.shortcuts import (
    accuracy,
    accuracy_by_input,
    accuracy_by_kind,
    accuracy_by_length,
    length_bin,
    shortcuts,
)


def fragment(continuation: str, kind: str = "answer", ic_words: int = 0, *, with_input: bool = False) -> Fragment:
    return Fragment(
        prompt="Name a river",
        continuation=continuation,
        kind=kind,
        whole=True,
        complete=False,
        with_input=with_input,
        open=False,
        ic_words=ic_words,
        source="s",
        set="set.jsonl",
        language="en",
    )


MADE = [
    fragment("The Ebro."),
    fragment(" the Ebro", with_input=True),
    fragment("of Spain.", "finishes", 2),
    fragment(" Of long words in all the lands", "finishes", 7),
]


def test_accuracy_counts_what_was_said_right_in_all_and_in_each_part() -> None:
    said = [1, 0, 0, 1]
    assert accuracy(MADE, said).share == 0.5
    assert {name: (part.right, part.of) for name, part in accuracy_by_kind(MADE, said).items()} == {
        "answer": (1, 2),
        "finishes": (1, 2),
    }
    assert {name: part.right for name, part in accuracy_by_length(MADE, said).items()} == {"1-3": 1, "7-9": 0}
    assert {name: part.of for name, part in accuracy_by_input(MADE, said).items()} == {
        "with_input": 1,
        "without_input": 3,
    }


def test_a_feature_that_tells_all_is_shown_and_one_that_tells_nothing_too() -> None:
    rules = shortcuts([fragment("The Ebro."), fragment("of Spain.", "finishes", 2)])
    assert rules["first_character"] == {
        "right": 2,
        "of": 2,
        "accuracy": 1.0,
        "balanced": 1.0,
        "by_label": {"1": 1.0, "0": 0.0},
    }
    assert rules["last_mark"] == {"balanced": 0.5, "by_label": {"1": 1.0, "0": 1.0}}
    assert rules["length"] == {"balanced": 0.5, "median_words_by_label": {"1": 2, "0": 2}}
    assert rules["majority"] == 0.5


def test_nothing_tells_nothing() -> None:
    assert shortcuts([]) == {}


@given(st.integers(1, 500))
def test_every_length_has_one_bin_that_says_it(words: int) -> None:
    low, high = length_bin(words).split("-")
    assert int(low) <= words <= (int(high) if high else words)
