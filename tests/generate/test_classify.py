"""Telling classification tasks from others."""

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.generate.classify import Classify
from selfinstruct.generate.offline_classifier import balanced_accuracy, cross_validate, train
from selfinstruct.records import Task
from selfinstruct.stage import Failed, Kept, Rejected, Traits
from tests.generate.builders import Teller, bench, seed, task

OPEN = [
    f"Write {count} lines about {thing}." for count in ("two", "six") for thing in ("frost", "bread", "trains", "rain")
]
CLOSED = [
    f"Is the {thing} {pair}?"
    for thing in ("review", "letter")
    for pair in ("good or bad", "true or false", "old or new", "kind or rude")
]
SEEDS = [seed(text) for text in OPEN] + [seed(text, is_classification=True) for text in CLOSED]


def decisions(teller: Teller, *tasks: Task, stage: Classify | None = None) -> list[bool | str | None]:
    decided: list[bool | str | None] = []
    for outcome in (stage or Classify())(tasks, bench(teller, SEEDS)):
        if isinstance(outcome, Kept):
            decided.append(outcome.record.is_classification)
        elif isinstance(outcome, Rejected):
            decided.append(outcome.reason)
        elif isinstance(outcome, Failed):
            decided.append(outcome.failure.kind)
    return decided


@pytest.mark.parametrize(
    ("answer", "default", "reference"),
    [
        (" Yes", True, True),
        ("No", False, False),
        ("YES", True, True),
        ("**Yes.**", True, False),
        ("Yes, because", "unclear_label", False),
        ("", "unclear_label", False),
        ("true", "unclear_label", False),
    ],
)
def test_a_plain_answer_decides_and_anything_else_is_unclear(answer: str, default: bool | str, reference: bool) -> None:  # noqa: FBT001 - a row of the table
    teller = Teller(lambda *_: answer)
    assert decisions(teller, task("Sort them.")) == [default]
    assert decisions(teller, task("Sort them."), stage=Classify(profile="reference")) == [reference]


def test_a_failed_call_is_no_label() -> None:
    assert decisions(Teller(lambda *_: None), task("Sort them.")) == ["server_error"]


def test_what_is_decided_passes_as_it_is_and_in_its_place() -> None:
    tasks = [task("A?"), task("B?", is_classification=True), task("C?")]
    teller = Teller(lambda *_: "No")
    outcomes = list(Classify()(tasks, bench(teller, SEEDS)))
    assert [outcome.record.instruction for outcome in outcomes if isinstance(outcome, Kept)] == ["A?", "B?", "C?"]
    second = outcomes[1]
    assert isinstance(second, Kept)
    assert second.record is tasks[1]
    assert [asked.subject for asked in teller.asked] == ["A?", "C?"]


def test_the_decision_is_a_new_record_that_names_its_request() -> None:
    [outcome] = Classify()([task("Sort them.")], bench(Teller(lambda *_: "No")))
    assert isinstance(outcome, Kept)
    assert outcome.record.provenance.parents == (task("Sort them.").id,)
    assert outcome.record.provenance.request == "key.0/0"
    assert outcome.evidence == {"answer": "No"}


def test_a_small_model_is_not_asked() -> None:
    teller = Teller(lambda *_: "Yes", Traits(small=True))
    assert decisions(teller, task("Is the essay long or short?"), task("Write three lines about snow.")) == [
        True,
        False,
    ]
    assert teller.asked == []


def test_a_small_model_is_asked_where_the_seeds_teach_nothing() -> None:
    teller = Teller(lambda *_: "Yes", Traits(small=True))
    assert len(list(Classify()([task("Sort them.")], bench(teller, SEEDS[:3])))) == len(teller.asked) == 1


def test_the_offline_classifier_learns_in_any_language_and_is_repeatable() -> None:
    danish = [seed(f"Skriv {count} linjer om {thing}") for count in ("to", "seks") for thing in ("frost", "tog", "sne")]
    danish += [
        seed(f"Er denne {thing} {pair}?", is_classification=True)
        for thing in ("tekst", "anmeldelse")
        for pair in ("god eller ringe", "ny eller gammel", "venlig eller vred")
    ]
    probabilities = [train(danish).probability("Er dette brev langt eller kort?") for _ in range(2)]
    assert probabilities[0] == probabilities[1] > 0.5 > train(danish).probability("Skriv fire linjer om regn")


def test_cross_validation_holds_its_test_tasks_out() -> None:
    assert cross_validate(SEEDS) > 0.9
    # The same instruction with both labels cannot be learnt: what is seen in training misleads.
    both = [seed("Same text.", is_classification=answer) for answer in (True, False) for _ in range(10)]
    assert cross_validate(both) <= 0.5


def test_seeds_of_one_kind_are_refused_with_a_way_out() -> None:
    with pytest.raises(BadInput, match="by: model"):
        train([seed("Write a line.")])
    with pytest.raises(BadInput, match="fewer than five"):
        cross_validate(SEEDS[:9])


def test_balanced_accuracy_counts_both_kinds_alike() -> None:
    assert balanced_accuracy([True] * 2 + [False] * 8, [True, False] + [False] * 8) == 0.75
