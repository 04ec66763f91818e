"""The released program's decisions, as computed with its own functions on texts of our own making."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.generate import reference_program
from selfinstruct.records import Task
from selfinstruct.stage import RoundStart
from tests.generate.builders import raw, seed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Example 1/Input: two/Output: 2/Example 2/Input: three/Output: 3", [("two", "2"), ("three", "3")]),
        ("Output: a lone answer", [("", "a lone answer")]),
        ("nothing is marked here", []),
        (
            "Two of them follow./Example 1/Word: cat/Output: Katze",
            [("", "Two of them follow."), ("Word: cat", "Katze")],
        ),
        ("Example 1/Output: red/Example 2/Output: blue", [("", "red"), ("", "blue")]),
        ("Example 1/Input 1: two/Output 1: 2/Input 2: three/Output 2: 3", [("two", "2")]),
        ("Example 1/Text: One Example is enough./Output: yes", [("", "Text: One"), ("is enough.", "yes")]),
        ("Example 1/Question: and no reply", [("", "Question: and no reply")]),
        ("Example1.Input: two/Output: 2", [("two", "2")]),
    ],
)
def test_instances_are_read_as_the_program_reads_them(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(pair.input, pair.output) for pair in reference_program.pairs(raw(text))] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Class label: up/Word: rise/Class label: down/Word: fall", [("Word: rise", "up"), ("Word: fall", "down")]),
        ("Class label: Oslo", [("", "Oslo")]),
        ("class label: up/rise", []),
        ("Class label:/Word: rise", [("", "Word: rise")]),
        ("Sure./Class label: up/Word: rise/and shine", [("Word: rise\nand shine", "up")]),
    ],
)
def test_labels_are_read_as_the_program_reads_them(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(pair.input, pair.output) for pair in reference_program.labelled_pairs(raw(text))] == expected


def test_an_item_needs_a_dot_and_a_space_after_its_number_and_loses_its_capitals() -> None:
    assert reference_program.split_items(" Ask NASA/ESA\n10.No split\n11 . In  Python\n\n3. x") == [
        "Ask nasa/esa 10.no split",
        "In python",
        "X",
    ]


def test_the_prompt_has_its_header_its_numbers_and_no_last_space() -> None:
    assert reference_program.propose_prompt(["Sort  these\nwords::", "Name a river."]) == (
        "Come up with a series of tasks:\n1. Sort these words\n2. Name a river.\n3."
    )
    assert reference_program.propose_prompt(["A"], classification_only=True) == (
        "Come up with a series of classification tasks. Try to specify the possible output labels when possible.\n"
        "1. A\n2."
    )


@given(st.integers(0, 2**32), st.lists(st.integers(1, 6), max_size=4), st.integers(1, 12))
def test_a_resumed_run_draws_what_an_uninterrupted_one_draws(seed_: int, requests: list[int], seeds: int) -> None:
    known: list[Task] = [seed(f"Seed {number}") for number in range(seeds)]
    machine: list[Task] = [seed(f"Machine {number}") for number in range(40)]
    starts = [RoundStart(count, 3 * at) for at, count in enumerate(requests)]
    straight = Random(seed_)
    for start in starts:
        for _ in range(start.requests):
            reference_program.draw(straight, machine[: start.tasks], known, 8, 2)
    resumed = reference_program.generator(seed_, starts, seeds, 8, 2)
    assert reference_program.draw(resumed, machine, known, 8, 2) == reference_program.draw(
        straight, machine, known, 8, 2
    )


@given(st.text())
def test_no_text_makes_a_reader_raise(text: str) -> None:
    reference_program.pairs(text)
    reference_program.labelled_pairs(text)
    assert reference_program.split_items(text)
