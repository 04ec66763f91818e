"""One way to dress a prompt, and everybody who dresses one uses it."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from selfinstruct import prompt_templates
from selfinstruct.curate.exchanges import exchanges, replies
from selfinstruct.curate.measures.difficulty import shown
from selfinstruct.dedup.duplicate_records import compared_text
from selfinstruct.evaluate.answer_set_marking import set_questions
from selfinstruct.evaluate.score_files import Row, responses_of
from selfinstruct.finetune.training_text import conversation, one_turn, tagged
from selfinstruct.formats.conversations import after_history, tagged_prompt
from selfinstruct.formats.conversations import tagged as published_tags
from selfinstruct.formats.rows import PLAIN
from selfinstruct.formats.turns_in_text import turns_of
from selfinstruct.fragment.pair_sources import source_of
from selfinstruct.prompt_templates import joined, with_system, wrapped
from selfinstruct.records import Instance, Message, Provenance, Task
from selfinstruct.run.python_calls import put_to_model
from selfinstruct.task_turns import turns
from selfinstruct.text import words
from selfinstruct.tone.prompt_sets import own_prompts, prompts_of
from selfinstruct.tone.prompt_wrappers import Wrapper

CASES = {
    ("Sort.", "b a\n"): "Sort.\n\nb a",
    (" Sort.\n", "\n \nb a"): "Sort.\n\nb a",
    ("Sort.", "  b:\n    a\r\n"): "Sort.\n\n  b:\n    a",
    ("Sort.", "\r\n\tb a"): "Sort.\n\n\tb a",
    ("Sort. ", " \n "): "Sort.",
    ("Sort {x} and {i}.", "{i}"): "Sort {x} and {i}.\n\n{i}",
}


def _task(instruction: str, given: str, **extra: object) -> Task:
    return Task(
        instruction=instruction,
        instances=(Instance(given, "a b"),),
        provenance=Provenance(stage="input"),
        extra=extra,  # type: ignore[arg-type]
    )


def _everywhere(instruction: str, given: str) -> dict[str, str]:
    """The request of a record, as each part of the program writes it."""
    task = _task(instruction, given)
    pair = task.instances[0]
    row = {"instruction": instruction, "input": given, "response": "a b"}
    return {
        "replies of a task": replies(task)[0].request,
        "rules on records": exchanges(task)[0].request,
        "difficulty": shown(task, pair).removesuffix("\n\n"),
        "fragments": source_of(task, 2).text,
        "a student's training": conversation(task, pair)[0].content,
        "responses": next(iter(responses_of([Row("a.jsonl:1", row)]))).prompt,
        "named prompts": next(iter(prompts_of([task]))).text,
        "own prompts": next(iter(own_prompts([task]))).text,
        "questions of a set": set_questions([task], "quality_on_gold").questions[0].text,
    }


@pytest.mark.parametrize(("parts", "whole"), CASES.items())
def test_instruction_and_input_are_joined_alike_everywhere(parts: tuple[str, str], whole: str) -> None:
    assert joined(*parts) == whole
    assert _everywhere(*parts) == dict.fromkeys(_everywhere(*parts), whole)


@pytest.mark.parametrize(("parts", "whole"), CASES.items())
def test_published_turns_join_alike_but_keep_an_instruction_alone_as_it_is(parts: tuple[str, str], whole: str) -> None:
    task = _task(*parts, history=[["Hi", "Hello"]])
    expected = whole if parts[1].strip() else parts[0]
    assert turns(task, task.instances[0])[0].content == expected
    assert PLAIN["prompt_completion"](task, task.instances[0])["prompt"] == expected
    assert after_history(task).later[0].content == expected


@pytest.mark.parametrize("parts", CASES)
def test_a_student_learns_the_words_that_it_is_asked_with_though_a_set_keeps_the_space_around_them(
    parts: tuple[str, str],
) -> None:
    task = _task(*parts)
    learned, published = conversation(task, task.instances[0]), turns(task, task.instances[0])
    asked = Wrapper("chat").wrap(*parts).prompt[0]
    assert learned[0] == asked
    assert learned[1:] == published[1:]
    assert (published[0] == asked) is (parts[1].strip() != "")


@pytest.mark.parametrize("parts", CASES)
def test_duplicates_are_sought_among_the_same_words(parts: tuple[str, str]) -> None:
    assert words(compared_text(_task(*parts), "instruction")) == words(joined(*parts))


def test_an_alpaca_text_is_read_as_its_parts_are_joined() -> None:
    text = "### Instruction:\nSort.\n\n### Input:\nb a\n\n### Response:\na b"
    assert [turn.content for turn in turns_of(text)] == [joined("Sort.", "b a\n"), "a b"]


SYSTEMS = {"Be brief.\n": "Be brief.\n\nSort.", " \n": "Sort.", "": "Sort."}


@pytest.mark.parametrize(("system", "whole"), SYSTEMS.items())
def test_the_systems_words_stand_before_a_text_alike_everywhere(system: str, whole: str) -> None:
    task = replace(_task("Sort.", ""), system=system)
    trained = one_turn(task, task.instances[0], "ifs", "", Random(0))[0].text
    assert (with_system("Sort.", system), put_to_model("Sort.", system, chat=False)) == (whole, whole)
    assert (trained, wrapped("ifs", "Sort.", system=system)) == (f"{whole}### Response:",) * 2
    turns_asked = put_to_model("Sort.", system, chat=True)
    assert [turn.role for turn in turns_asked] == (["system", "user"] if system.strip() else ["user"])  # type: ignore[union-attr]


TALK = (Message("system", "Be brief. "), Message("user", "\nA river?"), Message("assistant", "Tay\n"))


def test_turns_under_tags_are_one_text_for_training_publishing_and_asking() -> None:
    trained = "".join(piece.text for piece in tagged([*TALK], "</s>"))
    assert trained == published_tags(TALK) == "<|system|>\nBe brief.\n<|user|>\nA river?\n<|assistant|>\nTay</s>"
    assert tagged_prompt(TALK[:2]) == wrapped("tags", "\nA river?", system="Be brief. ")
    assert trained.startswith(tagged_prompt(TALK[:2]))


def test_an_input_without_an_instruction_stands_alone() -> None:
    assert joined(" ", "\nb a") == "b a"
    assert joined("", "") == ""


FIXED_TEXTS = (
    "Below is an instruction that describes",
    "### Instruction:\\n{",
    "Input: {input}",
    "TAGS[turn",
    '"<|im_start|>user\\n"',
)


def test_the_texts_of_templates_stand_once_in_the_program() -> None:
    ours = Path(prompt_templates.__file__)
    for path in set(ours.parent.rglob("*.py")) - {ours}:
        code = path.read_text(encoding="utf-8")
        assert not [text for text in FIXED_TEXTS if text in code], path
