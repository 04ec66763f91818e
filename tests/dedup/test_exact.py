"""What makes two records the same, and which of them stays."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.dedup.exact import NORMAL, Exact, Same
from selfinstruct.dedup.near import Near
from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Json, Provenance, Task
from selfinstruct.stage import Bench, Kept, Measured, Rejected
from selfinstruct.text import words

INPUT = Provenance(stage="input")


def tasks(*texts: str) -> list[Task]:
    return [Task(instruction=text, provenance=INPUT, ordinal=number) for number, text in enumerate(texts)]


def kept(stage: Exact, records: list[Task]) -> list[int]:
    return [outcome.record.ordinal for outcome in stage(records, Bench()) if isinstance(outcome, Kept)]


def test_a_later_copy_names_the_first_one() -> None:
    records = tasks("Name a river.", "Name a lake.", " name  a\nRIVER. ", "Name a river.")
    outcomes = list(Exact()(records, Bench()))
    assert [type(outcome) for outcome in outcomes] == [Kept, Kept, Rejected, Rejected, Measured]
    for outcome in outcomes[2:4]:
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "exact_duplicate"
        expected: dict[str, Json] = {"neighbour": records[0].id, "neighbour_text": "Name a river.", "score": 1.0}
        expected["answer"] = "same"
        assert outcome.evidence == expected


def answered(*outputs: str, **measures: tuple[float, ...]) -> list[Task]:
    """The same question, answered so."""
    return [
        Task(
            instruction="Name a river.",
            instances=(Instance("", output),),
            provenance=INPUT,
            ordinal=number,
            measures={name: values[number] for name, values in measures.items()},
        )
        for number, output in enumerate(outputs)
    ]


@pytest.mark.parametrize(
    ("knobs", "stays"),
    [
        ({}, 0),
        ({"keep": "shortest"}, 1),
        ({"keep": "longest"}, 0),
        ({"keep": "newest"}, 3),
        ({"keep": "best", "measure": "quality"}, 2),
    ],
)
def test_which_of_them_stays_is_a_knob_and_conflicts_are_counted(knobs: dict[str, str], stays: int) -> None:
    records = answered(
        "Sure! What a great question. The Ebro, in Spain.",
        "The Ebro.",
        "The Po, in Italy.",
        "the  EBRO.",
        quality=(1.0, 2.0, 4.5, 3.0),
    )
    stage = Exact(**knobs)  # type: ignore[arg-type]  # literals, as YAML gives them
    outcomes = list(stage(records, Bench()))
    assert kept(stage, records) == [stays]
    answers = {
        outcome.record.ordinal: outcome.evidence["answer"]
        for outcome in outcomes
        if isinstance(outcome, Rejected) and isinstance(outcome.record, Task)
    }
    twins = {1: {3}, 3: {1}}.get(stays, set())
    assert answers == {at: "same" if at in twins else "other" for at in range(4) if at != stays}
    counts = {"removed": 3, "with_another_answer": 3 - len(twins), "kept": stage.keep}
    assert outcomes[-1] == Measured("exact_duplicates", counts)  # type: ignore[arg-type]  # JSON


def test_the_best_by_a_measure_that_nobody_has_is_refused() -> None:
    with pytest.raises(BadInput, match="no record has a measure 'quality'"):
        list(Exact(keep="best", measure="quality")(tasks("Hi.", "Hi."), Bench()))
    with pytest.raises(BadInput, match="needs a measure"):
        Exact(keep="best")


@pytest.mark.parametrize(
    ("one", "other", "same_from"),
    [
        ("Add.", "Add.", "characters"),
        ("Add  it.", " Add\tit.\n", "spaces"),
        ("caf\u00e9", "cafe\u0301", "spaces"),
        ("Add.", "ADD.", "case"),
        ("STRASSE", "Straße", "case"),
        ("2+2", "2*2", "words"),
        ("x²", "x2", "words"),
        ("Add it.", "Add them.", None),
    ],
)
def test_each_normal_form_forgets_more_than_the_one_before_it(one: str, other: str, same_from: Same | None) -> None:
    same = [form(one) == form(other) for form in NORMAL.values()]
    first = list(NORMAL).index(same_from) if same_from else len(NORMAL)
    assert same == [False] * first + [True] * (len(NORMAL) - first)


@given(st.text())
def test_a_normal_form_is_normal(text: str) -> None:
    for name, form in NORMAL.items():
        assert form(form(text)) == form(text), name


@given(st.text(alphabet=st.characters(min_codepoint=0, max_codepoint=0x7F)))
def test_on_ascii_the_fast_way_is_the_unicode_way(text: str) -> None:
    assert NORMAL["case"](text) == " ".join(unicodedata.normalize("NFC", text).casefold().split())


@given(st.lists(st.text(alphabet="aA .b", max_size=4), max_size=20))
def test_one_of_each_normal_form_is_kept_and_it_is_the_first(texts: list[str]) -> None:
    first: dict[str, int] = {}
    for number, text in enumerate(texts):
        form = NORMAL["case"](text)
        if form:
            first.setdefault(form, number)
    empty = [number for number, text in enumerate(texts) if not text.split()]
    assert kept(Exact(), tasks(*texts)) == sorted([*first.values(), *empty])


def test_what_is_compared_is_a_knob() -> None:
    pairs = [("1", "2"), ("1", "3"), ("4", "2")]
    records = [
        Task(instruction="Go.", instances=(Instance(*pair),), provenance=INPUT, ordinal=number)
        for number, pair in enumerate(pairs)
    ]
    assert kept(Exact(), records) == [0, 2]
    assert kept(Exact(over="response"), records) == [0, 1]
    assert kept(Exact(over="record"), records) == [0, 1, 2]


def test_another_system_turn_asks_something_else() -> None:
    records = [Task(instruction="Hi.", system=said, provenance=INPUT) for said in ("Be kind.", "Be rude.")]
    assert len([out for out in Exact()(records, Bench()) if isinstance(out, Kept)]) == 2


def test_records_without_a_response_are_kept_and_counted() -> None:
    outcomes = list(Exact(over="response")(tasks("One.", "Two."), Bench()))
    assert [type(outcome) for outcome in outcomes] == [Kept, Kept, Measured]
    assert outcomes[-1] == Measured("never_compared_for_want_of_text", 2)


def test_texts_with_lone_surrogates_are_compared_like_any() -> None:
    assert kept(Exact(), tasks("odd \ud800 text", "ODD \ud800 text", "odd \ud801 text")) == [0, 2]


def test_words_alone_can_decide() -> None:
    assert words("C++?") == words("C#!")
    assert kept(Exact(same="words"), tasks("C++?", "C#!", "c#", "???", "!!!")) == [0, 1, 3, 4]


def test_a_knob_that_cannot_be_meant_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="'letters'"):
        Exact(same="letters")  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(BadInput, match="'prompt'"):
        Exact(over="prompt")  # type: ignore[arg-type] # wrong on purpose


@pytest.mark.parametrize("stage", [Exact(), Near(keep="first")])
@pytest.mark.parametrize("size", [1, 1000])
def test_the_same_answer_is_told_from_another_however_long_it_is(stage: Exact | Near, size: int) -> None:
    answers = ["Up the hill we go. " * size, "up the HILL  we go. " * size, "Up the hill we went. " * size]
    records = [
        Task(instruction="Go up to the old mill.", instances=(Instance("", said),), provenance=INPUT)
        for said in answers
    ]
    said = [outcome.evidence["answer"] for outcome in stage(records, Bench()) if isinstance(outcome, Rejected)]
    assert sorted(map(str, said)) == ["other", "same"]
