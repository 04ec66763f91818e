"""What is asked of a set: each thing once, with every answer there is."""

from dataclasses import replace
from typing import Any

import pytest

from selfinstruct.evaluate.answer_set_marking import set_questions
from selfinstruct.formats.layouts import natinst
from selfinstruct.records import Instance, Message, Provenance, Task

INPUT = Provenance(stage="input")


def task(instruction: str, *pairs: tuple[str, str], **more: object) -> Task:
    made = tuple(Instance(given, said) for given, said in pairs)
    return Task(instruction=instruction, instances=made, provenance=INPUT, **more)  # type: ignore[arg-type]  # fields


def test_each_instruction_and_input_is_asked_once_with_all_its_answers() -> None:
    tasks = [
        task("Add.", ("1 1", "2"), ("1 1", "two"), ("2 2", "4")),
        task("Add.", ("1 1", "2"), ("1 1", "II"), ordinal=1),
    ]
    questions = set_questions(tasks, "agreement_with_teacher").questions
    assert [(question.text, question.references) for question in questions] == [
        ("Add.\n\n1 1", ("2", "two", "II")),
        ("Add.\n\n2 2", ("4",)),
    ]
    assert len({question.source for question in questions}) == 1
    assert {question.task for question in questions} == {tasks[0].id}


def test_records_without_an_answer_are_counted_and_not_asked() -> None:
    questions = set_questions(
        [task("Name a river."), task("Name a lake.", ("", " ")), task("Sing.", ("", "La"))], "quality_on_gold"
    )
    assert [question.text for question in questions.questions] == ["Sing."]
    assert questions.without_answer == 2


def test_system_turns_tell_questions_apart_and_conversations_are_asked_their_first_turn() -> None:
    later = (Message("user", "And?"), Message("assistant", "Spey"))
    tasks = [task("Name a river.", ("", "Tay"), later=later), task("Name a river.", ("", "Tay"), system="Be brief.")]
    questions = set_questions(tasks, "quality_on_gold").questions
    assert [(question.text, question.system, question.references) for question in questions] == [
        ("Name a river.", "", ("Tay",)),
        ("Name a river.", "Be brief.", ("Tay",)),
    ]


def test_the_kind_is_the_records_own() -> None:
    tasks = [task(text, ("", "x"), is_classification=label) for text, label in (("A", True), ("B", False), ("C", None))]
    kinds = [question.kind for question in set_questions(tasks, "quality_on_gold").questions]
    assert kinds == ["classification", "not_classification", "undecided"]


def test_every_accepted_answer_of_a_natural_instructions_task_is_a_reference() -> None:
    given = {"input": "Scotland", "output": ["Tay", "Dee"]}
    value = {"Definition": ["Name a river."], "Instances": [given, {"input": "Spain", "output": ["Ebro"]}]}
    questions = set_questions([natinst(value, INPUT)], "quality_on_gold").questions
    assert [question.references for question in questions] == [("Tay", "Dee"), ("Ebro",)]


@pytest.mark.parametrize("beside", ["x", [], [1], [{"output": "x"}], [{"output": [1, " "]}]])
def test_a_field_of_that_name_that_is_something_else_adds_nothing(beside: Any) -> None:
    river = task("Name a river.", ("", "Tay"))
    assert set_questions([replace(river, extra={"Instances": beside})], "quality_on_gold").questions[0].references == (
        "Tay",
    )
