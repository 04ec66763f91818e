"""What stands in a benchmark is found: verbatim, in other clothes, in long texts; boilerplate and near misses pass."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.benchmark_index import BenchmarkIndex, SameTextRule
from selfinstruct.curate.decontaminate import Decontaminate
from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Message, Provenance, Task
from selfinstruct.stage import Bench, Kept, Measured, Rejected

EXAM = "exam.jsonl"
QUESTION = (
    "A ferry leaves the northern harbour at seven in the morning and crosses the sound in forty minutes;"
    " how many crossings does it make before noon if it rests ten minutes on each side?"
)
ANSWER = (
    "It needs fifty minutes for a crossing with the rest after it, so that five hours, which are three hundred minutes,"
    " are enough for six crossings."
)


def task(instruction: str, output: str = "", *, given: str = "", **more: Any) -> Task:
    instances = (Instance(given, output),) if output or given else ()
    return Task(instruction=instruction, instances=instances, provenance=Provenance(stage="input"), **more)


def judged(records: list[Task], benchmark: list[Task], **knobs: Any) -> tuple[list[Kept | Rejected], Any]:
    """The decisions in order, and the count of the one benchmark."""
    stage = Decontaminate(against=(EXAM,), **knobs)
    *outcomes, last = stage(records, Bench(benchmarks={EXAM: benchmark}))
    assert isinstance(last, Measured)
    assert last.name == "contamination"
    assert isinstance(last.value, dict)
    decisions = [outcome for outcome in outcomes if isinstance(outcome, Kept | Rejected)]
    assert [decision.record for decision in decisions] == records
    return decisions, last.value[EXAM]


def kinds(decisions: list[Kept | Rejected]) -> list[str]:
    return [str(decision.evidence["kind"]) if isinstance(decision, Rejected) else "" for decision in decisions]


def test_a_question_copied_word_for_word_is_found_with_all_its_evidence() -> None:
    item = task(QUESTION, "six")
    [decision], count = judged([task(QUESTION, "6")], [item])
    assert isinstance(decision, Rejected)
    assert decision.reason == "contaminated"
    assert decision.evidence["benchmark"] == EXAM
    assert decision.evidence["neighbour"] == item.id
    assert decision.evidence["kind"] == "ngram"
    assert decision.evidence["part"] == "question"
    assert decision.evidence["where"] == "request"
    assert decision.evidence["score"] == 1
    assert str(decision.evidence["found"]).startswith("a ferry leaves the northern harbour")
    assert json.dumps(dict(decision.evidence))
    assert count == {"items": 1, "matched_items": 1, "records": 1, "never_compared": 0}


def test_other_case_punctuation_and_space_hide_nothing() -> None:
    dressed = QUESTION.upper().replace(" ", "  \n").replace(";", " --").replace("?", "!!")
    assert kinds(judged([task(dressed)], [task(QUESTION)])[0]) == ["ngram"]


def test_a_question_with_a_few_other_words_is_found_by_its_share() -> None:
    item = "Which of the two towns on the river Skjern had the larger mill in the year of the flood"
    other = "Which of the two towns on the river Skjern had a larger mill in the year of the flood"
    [decision], _ = judged([task(other)], [task(item)])
    assert isinstance(decision, Rejected)
    assert decision.evidence["kind"] == "fuzzy"
    assert 0.75 <= float(str(decision.evidence["score"])) < 1


def test_a_question_on_the_same_matter_in_other_words_passes() -> None:
    reworded = (
        "If a boat needs forty minutes to cross and then rests for ten, how often can it cross from seven until noon?"
    )
    assert kinds(judged([task(reworded, "six")], [task(QUESTION, ANSWER)])[0]) == [""]


def test_an_answer_is_looked_for_too_and_wherever_it_stands() -> None:
    benchmark = [task("How many?", ANSWER)]
    records = [
        task("Explain.", f"Certainly! {ANSWER} I hope that helps."),
        task(f"Check this: {ANSWER}", "It is right."),
        task("Hi", "Hello!", later=(Message("user", "Explain."), Message("assistant", ANSWER))),
        task("Hi", "Hello!", system=ANSWER),
        task("Explain.", given=ANSWER, output="Yes"),
    ]
    decisions, count = judged(records, benchmark)
    assert kinds(decisions) == ["ngram"] * 5
    assert [decision.evidence["where"] for decision in decisions] == [
        "answer",
        "request",
        "answer",
        "system",
        "request",
    ]
    assert (count["records"], count["matched_items"]) == (5, 1)


def test_short_answers_contaminate_nothing() -> None:
    assert kinds(judged([task("Is water wet?", "yes")], [task(QUESTION, "yes")])[0]) == [""]


def test_thirteen_words_in_a_row_are_enough_and_twelve_are_not() -> None:
    words = QUESTION.split()
    for count, kind in ((12, ""), (13, "ngram")):
        text = "Before it comes this. " + " ".join(words[3 : 3 + count]) + " Lighthouse."
        assert kinds(judged([task(text)], [task(QUESTION)])[0]) == [kind]


def test_a_passage_shorter_than_that_must_be_there_as_a_whole() -> None:
    item = task("Name the ferry that crosses the northern sound")
    inside = task("Please read on. Name the ferry that crosses the northern sound, and its captain.")
    parted = task("Name the ferry that crosses the wide sound")
    decisions, _ = judged([inside, parted], [item])
    assert kinds(decisions) == ["ngram", ""]


def test_a_very_short_question_must_be_the_whole_request() -> None:
    decisions, count = judged(
        [task("name a ferry!"), task("Name a ferry and a boat.")], [task("Name a ferry.", "Isefjord")]
    )
    assert kinds(decisions) == ["whole", ""]
    assert count == {"items": 1, "matched_items": 1, "records": 1, "never_compared": 0}


TEMPLATE = "Read the question below with care and choose the one right answer among the four options given."


def test_what_recurs_in_many_items_is_boilerplate_and_does_not_count() -> None:
    random = Random(1)
    benchmark = [task(f"{TEMPLATE} {prose(random, 30)}") for _ in range(40)]
    own = task(f"{TEMPLATE} {prose(random, 30)}")
    decisions, count = judged([own, benchmark[7], task(TEMPLATE, "A")], benchmark)
    assert kinds(decisions) == ["", "ngram", ""]
    assert (count["matched_items"], count["never_compared"]) == (1, 0)
    assert kinds(judged([own], benchmark[:9])[0]) == ["ngram"]  # nine items make no custom


def test_a_definition_shared_by_many_items_leaves_their_inputs_to_be_found() -> None:
    random = Random(2)
    inputs = [prose(random, 20) for _ in range(30)]
    benchmark = [task(TEMPLATE, "A", given=text) for text in inputs]
    elsewhere = task("Translate this into Danish.", "...", given=inputs[3])
    decisions, count = judged([elsewhere, task(TEMPLATE, "B", given=prose(random, 20))], benchmark)
    assert kinds(decisions) == ["ngram", ""]
    assert decisions[0].evidence["neighbour"] == benchmark[3].id
    assert count["items"] == 30


def test_items_of_which_nothing_can_be_looked_for_are_counted() -> None:
    benchmark = [task(f"{TEMPLATE} Item {number}.", "A") for number in range(20)]
    _, count = judged([task("Name a river.", "Po")], benchmark)
    assert count == {"items": 20, "matched_items": 0, "records": 0, "never_compared": 20}


def test_a_list_of_numbers_belongs_to_nobody() -> None:
    count = " ".join(map(str, range(1, 40)))
    assert kinds(judged([task(f"Add them: {count}", "780")], [task(f"Which is missing? {count} or 41")])[0]) == [""]


def test_several_benchmarks_are_told_apart() -> None:
    benches = {"a": [task(QUESTION)], "b": [task("Explain.", ANSWER)], "c": list[Task]()}
    stage = Decontaminate(against=("a", "b", "c"))
    *outcomes, last = stage([task(QUESTION, ANSWER), task("Name a river.", "Po")], Bench(benchmarks=benches))
    assert isinstance(outcomes[0], Rejected)
    assert outcomes[0].evidence["other_items"] == 1
    assert isinstance(outcomes[1], Kept)
    assert isinstance(last, Measured)
    assert last.value == {
        "a": {"items": 1, "matched_items": 1, "records": 1, "never_compared": 0},
        "b": {"items": 1, "matched_items": 1, "records": 1, "never_compared": 0},
        "c": {"items": 0, "matched_items": 0, "records": 0, "never_compared": 0},
    }


def test_nothing_to_compare_with_is_an_error_and_no_clean_result() -> None:
    with pytest.raises(BadInput, match="nothing to compare with"):
        list(Decontaminate()([task("Hi")], Bench()))
    with pytest.raises(BadInput, match=r"no benchmark 'exam.jsonl'"):
        list(Decontaminate(against=(EXAM,))([task("Hi")], Bench()))


@pytest.mark.parametrize(
    "knobs",
    [
        {"shingle_words": 0},
        {"shingle_words": 14},
        {"share_at_least": 0.0},
        {"share_at_least": 1.5},
        {"boilerplate_share": float("nan")},
    ],
)
def test_knobs_that_cannot_be_meant_are_refused(knobs: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Decontaminate(**knobs)


def prose(random: Random, length: int) -> str:
    return " ".join("".join(random.choices("abcdefghij", k=4)) for _ in range(length))


WORD = st.sampled_from(["sea", "sun", "mill", "ferry", "town", "north", "of", "the", "in"])
PASSAGE = st.lists(WORD, min_size=8, max_size=40)


@given(PASSAGE, st.lists(WORD, max_size=20), st.lists(WORD, max_size=20), st.data())
def test_any_run_of_the_length_is_found_wherever_it_was_planted(
    passage: list[str], before: list[str], after: list[str], data: st.DataObject
) -> None:
    n = data.draw(st.integers(3, 13))
    size = data.draw(st.integers(1, min(n, 5)))
    start = data.draw(st.integers(0, max(0, len(passage) - n)))
    text = " ".join([*before, *passage[start : start + n], *after])
    decisions, _ = judged([task(text)], [task(" ".join(passage))], words_in_a_row=n, shingle_words=size)
    assert isinstance(decisions[0], Rejected)


@given(PASSAGE, st.lists(WORD, min_size=1, max_size=40), st.integers(3, 13))
def test_what_is_found_is_there_and_what_is_there_is_found(passage: list[str], said: list[str], n: int) -> None:
    """The oracle compares every run with every run, and every shingle with every shingle."""
    index = BenchmarkIndex(
        {EXAM: [task(" ".join(passage))]},
        SameTextRule(words_in_a_row=n, share_at_least=0.75, shingle_words=3, boilerplate_share=0.01),
    )
    run = min(n, len(passage))
    runs = {tuple(passage[at : at + run]) for at in range(len(passage) - run + 1)}
    there = any(tuple(said[at : at + run]) in runs for at in range(len(said) - run + 1))
    shingles = {tuple(passage[at : at + 3]) for at in range(len(passage) - 2)}
    present = {tuple(said[at : at + 3]) for at in range(len(said) - 2)}
    share = len(shingles & present) / len(shingles)
    matches = list(index.matches(" ".join(said)))
    assert bool(matches) == (there or (len(shingles) >= 6 and share >= 0.75))
    for match in matches:
        assert match.kind == ("ngram" if there else "fuzzy")
        assert match.score == share
        assert match.words in " ".join(said)


@given(st.lists(st.text(max_size=80), max_size=5), st.lists(st.text(max_size=80), max_size=5))
def test_no_text_makes_it_raise_and_a_benchmark_finds_itself(texts: list[str], others: list[str]) -> None:
    benchmark = [task(text, other) for text, other in zip(texts, others, strict=False)]
    decisions, count = judged([*benchmark, *map(task, others)], benchmark)
    assert count["records"] == sum(isinstance(decision, Rejected) for decision in decisions)
    assert count["matched_items"] + count["never_compared"] <= len(benchmark)
