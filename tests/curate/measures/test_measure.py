"""Numbers put on tasks."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from selfinstruct.curate.measures.measure import (
    MEASURES,
    Measure,
    code_share,
    copied,
    estimated_tokens,
    list_items,
    measured,
)
from selfinstruct.errors import BadInput
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Kept
from selfinstruct.text import program_words, words
from selfinstruct.text.rouge_l import rouge_l
from tests.curate.records import task

SCORER = RougeScorer(["rougeL"], use_stemmer=False)
FEW_WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=12)


def kept(stage: Measure, *tasks: Task) -> list[Task]:
    outcomes = list(stage(tasks, Bench()))
    assert all(isinstance(outcome, Kept) for outcome in outcomes)
    return [outcome.record for outcome in outcomes if isinstance(outcome, Kept)]


@given(FEW_WORDS, FEW_WORDS)
@settings(deadline=None)  # the library is compiled and imported in the first example
def test_rouge_l_has_the_bits_of_the_library(one: list[str], other: list[str]) -> None:
    expected = SCORER.score(" ".join(other), " ".join(one))["rougeL"].fmeasure
    assert rouge_l(one, other) == expected


@given(st.text(), st.text())
def test_rouge_l_of_any_ascii_text_is_that_of_the_library(one: str, other: str) -> None:
    expected = SCORER.score(other, one)["rougeL"].fmeasure
    assert rouge_l(program_words(one), program_words(other)) == expected


@given(FEW_WORDS, FEW_WORDS, st.integers(1, 4))
def test_the_copied_share_is_what_counting_by_hand_gives(response: list[str], given_: list[str], size: int) -> None:
    size_used = min(size, len(response))
    grams = [response[at : at + size_used] for at in range(len(response) - size_used + 1)] if response else []
    there = [given_[at : at + size_used] for at in range(len(given_) - size_used + 1)]
    expected = sum(gram in there for gram in grams) / len(grams) if grams and given_ else 0.0
    assert copied(response, given_, size) == expected


@given(FEW_WORDS.filter(bool), FEW_WORDS, FEW_WORDS)
def test_a_response_cut_out_of_the_instruction_is_copied_whole(
    piece: list[str], before: list[str], after: list[str]
) -> None:
    assert copied(piece, before + piece + after) == 1.0


def test_the_numbers_of_a_plain_task() -> None:
    river = task("Which river is long?", ("In Egypt", "The river is long: the Nile."))
    measures = measured(river, tuple(MEASURES))
    assert measures["characters"] == len("Which river is long?") + len("In Egypt") + len("The river is long: the Nile.")
    assert measures["words"] == 4 + 2 + 6
    assert measures["turns"] == 1
    assert measures["instruction_words"] == 4
    assert measures["response_words"] == 6
    assert measures["overlap"] == 1 / 4  # "river is long" of four
    assert (
        measures["rouge_l"]
        == SCORER.score("Which river is long? In Egypt", "The river is long: the Nile.")["rougeL"][2]
    )
    assert measures["unique_words"] == 5 / 6


def test_several_instances_give_the_mean_of_their_overlaps_and_one_turn() -> None:
    measures = measured(
        task("Say it.", ("one two", "one two"), ("one two", "four five")), ("overlap", "turns", "rouge_l")
    )
    assert measures == {"overlap": 0.5, "turns": 1, "rouge_l": (2 * 2 / (2 + 4)) / 2}


def test_a_conversation_counts_its_answers() -> None:
    talk = task("Hi.", ("", "Hello."), later=(("Name a tree.", "Oak."), ("Another.", "Ash and elm.")))
    assert measured(talk, ("turns", "response_words", "words")) == {"turns": 3, "response_words": 5, "words": 10}


def test_a_task_without_instances_has_no_numbers_of_answers() -> None:
    assert set(measured(task(), tuple(MEASURES))) == {
        "characters",
        "words",
        "tokens",
        "turns",
        "instruction_words",
    }
    assert measured(task(), ("turns",)) == {"turns": 0}


def test_an_empty_answer_is_measured_as_nothing() -> None:
    measures = measured(task("Name it.", ("", "")), tuple(MEASURES))
    assert [measures[name] for name in ("response_words", "rouge_l", "overlap", "unique_words", "code_share")] == [
        0.0
    ] * 5


def test_a_tokenizer_at_hand_counts_instead_of_the_estimate() -> None:
    pair = task("Name it.", ("", "The Nile"))
    assert measured(pair, ("tokens", "response_tokens"), count_tokens=len) == {"tokens": 16, "response_tokens": 8}


@given(st.text())
def test_estimated_tokens_are_the_same_with_the_words_cut_before_and_never_below_nothing(text: str) -> None:
    assert estimated_tokens(text) == estimated_tokens(text, words(text)) >= 0


@given(st.text(alphabet=st.characters()))
def test_every_text_even_a_torn_one_has_finite_numbers(text: str) -> None:
    measures = measured(task(text, (text, text + "\ud800")), tuple(MEASURES))
    assert all(0 <= value < float("inf") for value in measures.values())
    assert all(measures[name] <= 1 for name in ("rouge_l", "overlap", "unique_words", "code_share"))


@pytest.mark.parametrize(
    ("text", "items"),
    [("1. oak\n2. ash\n10) elm", 3), ("- oak\n* ash\n• elm", 3), ("a) oak\nb) ash", 2), ("Oak - a tree\n2.5 m", 0)],
)
def test_list_items_are_counted_by_their_marks(text: str, items: int) -> None:
    assert list_items(text) == items


@pytest.mark.parametrize(
    "program",
    [
        "import math\n\ndef area(r):\n    return math.pi * r ** 2",
        '#include <stdio.h>\nint main() {\n  puts("hi");\n}',
        "SELECT name FROM rivers WHERE length > 10;",
        '#!/bin/sh\nfor file in *; do\n    wc -l "$file"\ndone',
        "const a = 1;\nconsole.log(a);",
        "for (int i = 0; i < 3; i++) {\n    total += i;\n}",
    ],
)
def test_programs_are_all_code_and_their_fence_changes_nothing(program: str) -> None:
    assert code_share(program) == 1.0
    assert code_share(f"```\n{program}\n```") == 1.0


@pytest.mark.parametrize(
    "prose",
    [
        "For example, if you want to go:\n  take the train; it is fast.",
        "Public transport is cheap.\n\n1. Buses\n2. Trains",
        "Import duties rose; exports fell.",
        "Bring:\na) apples;\nb) pears (two);",
        "While I was away, the cat slept: all day.",
        "Select a river and return home.",
    ],
)
def test_prose_is_no_code(prose: str) -> None:
    assert code_share(prose) == 0.0


def test_the_stage_keeps_everything_with_its_identity_and_what_was_measured_before() -> None:
    before = task("Name it.", ("", "The Nile"), rating=4.0)
    [after] = kept(Measure(which=("words", "turns")), before)
    assert after.id == before.id
    assert after.measures == {"rating": 4.0, "words": 4, "turns": 1}


@given(st.text(st.sampled_from([*"ab-1. \t\n\r\x0b\x1c;{}()=", "\u00a0", "\u2028", "\u00e9"]), max_size=40))
def test_what_is_counted_at_once_is_what_counting_line_by_line_gives(text: str) -> None:
    assert list_items(text) == sum(list_items(line) for line in text.split("\n"))
    marks = sum(not char.isspace() for char in text) - sum(map(len, words(text)))
    further = len(text.encode()) - len(text)
    estimate = 1.1 * len(words(text)) + 0.85 * max(0, marks) + 0.32 * further + 1.3 * text.count("\n")
    assert estimated_tokens(text) == round(estimate)


def test_a_measured_record_is_the_record_with_its_numbers() -> None:
    rated = replace(task("Name a river.", ("", "The Po.")), measures={"rating": 5})
    [measured_one] = kept(Measure(which=("words", "turns")), rated)
    assert measured_one == replace(rated, measures={"rating": 5, "words": 5, "turns": 1})
    assert (measured_one.id, rated.measures) == (rated.id, {"rating": 5})


def test_an_unknown_measure_is_refused_with_those_that_exist() -> None:
    with pytest.raises(BadInput, match=r"no measure 'length'.*response_tokens"):
        Measure(which=("length",))
    with pytest.raises(BadInput, match="n-grams of 0 words"):
        Measure(ngram=0)
