"""Customary names of columns, columns that are named, templates in a text; a key with null is a key not there."""

import json
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles
from selfinstruct.formats.read_sets import Unreadable, read_set
from selfinstruct.records import Message, Task

ASK = {"role": "user", "content": "Name a river."}
SAY = {"role": "assistant", "content": "Tay"}
HUMAN = [{"from": "human", "value": "Name a river."}, {"from": "gpt", "value": "Tay"}]


def write(folder: Path, *values: object) -> str:
    path = folder / "set.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return str(path)


def only_record(folder: Path, value: object, **more: Any) -> Task:
    [record] = read_set(write(folder, value), **more)
    assert isinstance(record, Task), record
    return record


@pytest.mark.parametrize(
    ("value", "given", "system"),
    [
        ({"question": "Name a river.", "answer": "Tay"}, "", ""),
        ({"Question ": "Name a river.", "ANSWER": "Tay"}, "", ""),
        ({"query": "Name a river.", "response": "Tay"}, "", ""),
        ({"prompt": "Name a river.", "answer": "Tay"}, "", ""),
        ({"prompt": "Name a river.", "output": "Tay"}, "", ""),
        ({"problem": "Name a river.", "solution": "Tay"}, "", ""),
        ({"input": "Name a river.", "output": "Tay"}, "", ""),
        ({"inputs": "Name a river.", "targets": "Tay"}, "", ""),
        ({"instruction": "Name a river.", "answer": "Tay"}, "", ""),
        ({"instruction": "Name a river.", "input": "Scotland", "answer": "Tay"}, "Scotland", ""),
        ({"question": "Name a river.", "context": "Scotland", "answer": "Tay"}, "Scotland", ""),
        ({"system_prompt": "Be brief.", "question": "Name a river.", "response": "Tay"}, "", "Be brief."),
        ({"prompt": "Name a river.", "chosen": "Tay", "rejected": "Ben Nevis"}, "", ""),
        ({"question": "Name a river.", "chosen": "Tay", "rejected": "Ben Nevis"}, "", ""),
        ({"prompt": "Name a river.", "chosen": [SAY], "rejected": [SAY]}, "", ""),
        ({"prompt": [ASK], "chosen": [SAY], "rejected": [SAY]}, "", ""),
        ({"prompt": "Name a river.", "chosen": [ASK, SAY], "rejected": [ASK, SAY]}, "", ""),
        ({"chosen": [ASK, SAY], "rejected": [ASK, SAY]}, "", ""),
        ({"chosen": "\n\nHuman: Name a river.\n\nAssistant: Tay", "rejected": "\n\nHuman: x"}, "", ""),
        ({"text": "Below is a task.\n\n### Instruction:\nName a river.\n\n### Response:\nTay</s>"}, "", ""),
        ({"text": "### Human: Name a river.### Assistant: Tay"}, "", ""),
        ({"text": "<|im_start|>user\nName a river.<|im_end|>\n<|im_start|>assistant\nTay<|im_end|>\n"}, "", ""),
        ({"text": "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nName a river. [/INST] Tay </s>"}, "", "Be brief."),
        ({"text": "<start_of_turn>user\nName a river.<end_of_turn>\n<start_of_turn>model\nTay<end_of_turn>"}, "", ""),
        ({"messages": json.dumps([ASK, SAY])}, "", ""),
        ({"conversations": json.dumps(HUMAN)}, "", ""),
        ({"messages": str([{**ASK, "weight": None}, SAY])}, "", ""),
        ({"messages": {"role": ["user", "assistant"], "content": ["Name a river.", "Tay"]}}, "", ""),
        ({"conversations": {"from": ["human", "gpt"], "value": ["Name a river.", "Tay"]}}, "", ""),
        ({"messages": [{"role": "developer", "content": "Be brief."}, ASK, SAY]}, "", "Be brief."),
        ({"messages": [{**ASK, "content": [{"type": "text", "text": "Name a "}, "river."]}, SAY]}, "", ""),
        ({"messages": [{**ASK, "from": None}, {"role": "assistant", "content": None, "value": "Tay"}]}, "", ""),
        ({"messages": None, "conversations": HUMAN}, "", ""),
        ({"instruction": None, "messages": [ASK, SAY], "prompt": None}, "", ""),
        ({"instruction": "Name a river.", "output": None, "response": "Tay", "messages": None}, "", ""),
        ({"prompt": "Name a river.", "completion": None, "response": "Tay"}, "", ""),
        ({"prompt": "Name a river.", "completion": None, "messages": [ASK, SAY]}, "", ""),
        ({"question": "Name a river.", "prompt": None, "answer": "Tay"}, "", ""),
        ({"problem": "Another one?", "solution": "Dee", "messages": [ASK, SAY]}, "", ""),
        ({"user": "Name a river.", "assistant": "Tay"}, "", ""),
        ({"human": "Name a river.", "bot": "Tay", "system": "Be brief."}, "", "Be brief."),
        ({"user": "ida", "question": "Name a river.", "answer": "Tay"}, "", ""),
        ({"instruction": "Name a river.", "input": "", "chosen": "Tay", "rejected": "Ben Nevis"}, "", ""),
        ({"instruction": "Name a river.", "input": "Scotland", "chosen": "Tay", "rejected": "x"}, "Scotland", ""),
        ({"conversations": HUMAN[:1], "chosen": HUMAN[1], "rejected": {"from": "gpt", "value": "x"}}, "", ""),
        ({"messages": [ASK], "chosen": [SAY], "rejected": [{**SAY, "content": "x"}]}, "", ""),
        ({"messages": [ASK, SAY], "chosen": [ASK, {**SAY, "content": "x"}], "rejected": [ASK, SAY]}, "", ""),
        ({"prompt": [ASK], "completion": "Tay"}, "", ""),
        ({"prompt": "Name a river.", "completion": [SAY]}, "", ""),
        ({"prompt": [{"role": "system", "content": "Be brief."}, ASK], "completion": [SAY]}, "", "Be brief."),
        ({"question": "Name a river.", "answer": "Tay", "a": "x"}, "", ""),
        ({"instruction": "Name a river.", "output": "Tay", "history": []}, "", ""),
        ({"prompt": "[INST] Name a river. [/INST]", "completion": " Tay</s>"}, "", ""),
        ({"prompt": "\n\nHuman: Name a river.\n\nAssistant:", "response": " Tay"}, "", ""),
        (
            {
                "prompt": "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nName a river.<|im_end|>\n"
                "<|im_start|>assistant\n",
                "completion": "Tay<|im_end|>",
            },
            "",
            "Be brief.",
        ),
        ({"instruction": "Name a river.", "output": "Tay", "history": ["edited"]}, "", ""),
    ],
)
def test_it_is_read_as_a_person_would(value: dict[str, object], given: str, system: str, tmp_path: Path) -> None:
    task = only_record(tmp_path, value)
    assert (task.instruction, task.instances[0].output, task.later) == ("Name a river.", "Tay", ())
    assert (task.instances[0].input, task.system) == (given, system)
    assert None not in task.extra.values()


@pytest.mark.parametrize(
    "value",
    [
        {"question": "Which?", "prompt": "Q: Which?", "answer": "That."},
        {"question": "Which?", "answer": "That.", "response": "This."},
        {"instruction": "Answer.", "question": "Which?", "answer": "That."},
        {"question": "Which?", "input": "x", "answer": "That."},
        {"messages": [ASK, SAY], "conversations": HUMAN},
        {"question": "Which?", "choices": ["a", "b"], "answer": "B"},
        {"question": "How many?", "answer": 42},
        {"question": "Which?", "A": "Tay", "B": "Dee", "answer": "B"},
        {"question": "Which?", "option_a": "Tay", "option_b": "Dee", "answer": "b"},
        {"question": "Which?", "choice1": "Tay", "choice2": "Dee", "answer": "2"},
        {"user": "ida", "assistant": "Tay", "bot": "Dee"},
        {"text": "A river is water that runs."},
        {"messages": "Hello"},
        {"messages": "[{'role': open('x')}]"},
        {"messages": "[" * 3000 + "{'" + "]" * 3000},
        {"messages": "[{'role': " + "(" * 5000},
        {"messages": {"role": ["user", "assistant"], "content": ["Name a river."]}},
    ],
)
def test_what_is_tied_or_no_text_is_refused_with_the_way_to_say_it(value: object, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r'columns={"instruction": |layout="messages"'):
        list(read_set(write(tmp_path, value)))


def test_a_layout_that_is_forced_is_the_one_that_is_read(tmp_path: Path) -> None:
    value = {
        "messages": [ASK, SAY],
        "conversations": [{"from": "human", "value": "Name a lake."}, {"from": "gpt", "value": "Ness"}],
    }
    assert only_record(tmp_path, value, layout="messages").instruction == "Name a river."
    assert only_record(tmp_path, value, layout="sharegpt").instruction == "Name a lake."
    assert (
        only_record(tmp_path, {**value, "instruction": "x", "output": "y"}, layout="sharegpt").instruction
        == "Name a lake."
    )


def test_columns_that_are_named_are_read_and_the_others_stay(tmp_path: Path) -> None:
    value = {"q": "Name a river.", "a": "Tay", "input": "mine", "n": 3, "where": "Scotland", "sys": "Be brief."}
    roles = Roles.parse("instruction=q,output=a,input=where,system=sys")
    task = only_record(tmp_path, value, columns=roles)
    assert (task.instruction, task.system) == ("Name a river.", "Be brief.")
    assert (task.instances[0].input, task.instances[0].output) == ("Scotland", "Tay")
    assert task.extra == {"input": "mine", "n": 3}
    assert (
        only_record(tmp_path, {"q": "6 * 7?", "a": 42}, columns=Roles.parse("instruction=q,output=a"))
        .instances[0]
        .output
        == "42"
    )
    chat = only_record(tmp_path, {"chat": [ASK, SAY, ASK, SAY]}, columns=Roles.parse("messages=chat"))
    assert chat.later == (Message("user", "Name a river."), Message("assistant", "Tay"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("instruction", "'instruction' is no ROLE=COLUMN"),
        ("question=q", "no role 'question' of a column; columns are given for instruction, output"),
        ("output=a", "expected a column for the instruction"),
        ("instruction=q,output=q", "column 'q' stands twice"),
        ("instruction=q,instruction=r", "role 'instruction' stands twice"),
        ("instruction=", "no column for 'instruction'"),
        ("messages=m,output=a", "expected|hold input and output already"),
    ],
)
def test_columns_that_make_no_sense_are_refused(words: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        Roles.parse(words)


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no column 'q'; it has question, answer"):
        only_record(tmp_path, {"question": "x", "answer": "y"}, columns=Roles.parse("instruction=q"))
    with pytest.raises(BadInput, match=r"both a layout \('alpaca'\) and columns"):
        only_record(tmp_path, {"question": "x"}, columns=Roles.parse("instruction=question"), layout="alpaca")


def test_no_column_that_is_named_may_be_missing_throughout(tmp_path: Path) -> None:
    row = {"question": "x", "answer": "y"}
    with pytest.raises(BadInput, match="no column 'anwser'; it has question, answer"):
        only_record(tmp_path, row, columns=Roles.parse("instruction=question,output=anwser"))
    roles = Roles.parse("instruction=question,output=answer,input=context")
    with pytest.raises(BadInput, match="no column 'context'; it has question, answer"):
        list(read_set(write(tmp_path, *[row] * 30), columns=roles))
    records = list(read_set(write(tmp_path, *[row] * 30, row | {"context": "z"}), columns=roles))
    assert [task.instances[0].input for task in records if isinstance(task, Task)] == [""] * 30 + ["z"]


def reasons(source: str, **more: Any) -> list[str]:
    return [record.reason for record in read_set(source, **more) if isinstance(record, Unreadable)]


def test_a_record_without_an_answer_is_rejected_where_others_have_one(tmp_path: Path) -> None:
    source = write(tmp_path, {"instruction": "Name a river.", "output": "Tay"}, {"instruction": "Name a lake."})
    assert reasons(source) == ["no_answer"]
    assert reasons(source, answered=False) == []
    prompts = write(tmp_path, {"instruction": "Name a river."}, {"instruction": "Name a lake."})
    assert reasons(prompts) == []
    assert reasons(prompts, answered=True) == ["no_answer"] * 2
    columns = write(tmp_path, {"q": "Name a river.", "a": "Tay"}, {"q": "Name a lake.", "a": None}, {"q": "x"})
    assert reasons(columns, columns=Roles.parse("instruction=q,output=a")) == ["no_answer"] * 2


def test_parts_that_are_no_text_reject_the_record(tmp_path: Path) -> None:
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    assert reasons(write(tmp_path, {"messages": [ASK, SAY]}, {"messages": [picture, SAY]})) == ["not_text"]


def test_a_text_about_a_picture_is_rejected_and_one_about_the_word_is_not(tmp_path: Path) -> None:
    about = [{"from": "human", "value": "<image>\nWhat is it?"}, HUMAN[1]]
    assert reasons(write(tmp_path, {"conversations": HUMAN}, {"image": "a.jpg", "conversations": about})) == [
        "not_text"
    ]
    assert only_record(tmp_path, {"images": [], "conversations": about}).instruction == "<image>\nWhat is it?"
    assert only_record(tmp_path, {"image": "a.jpg", "conversations": HUMAN}).extra == {"image": "a.jpg"}


def test_a_null_of_the_users_own_stays(tmp_path: Path) -> None:
    value = {"instruction": "x", "output": "y", "input": None, "topic": None, "messages": None}
    assert only_record(tmp_path, value).extra == {"topic": None}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"question": "Which?", "answer": ["Tay", "Dee"]}, "column 'answer': a list, not text"),
        ({"question": "How many?", "answer": 42}, "column 'answer': a number, not text"),
        (
            {"question": "Which?", "A": "Tay", "B": "Dee", "answer": "B"},
            "beside 'A' the answer may be the letter of one",
        ),
    ],
)
def test_why_customary_names_are_not_read_is_said(value: object, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=says):
        list(read_set(write(tmp_path, value)))
    [fine, bad] = read_set(write(tmp_path, {"question": "Name a river.", "answer": "Tay"}, value))
    assert isinstance(fine, Task)
    assert isinstance(bad, Unreadable)
    assert bad.problem == says


def test_an_answer_that_is_not_there_is_told_as_that(tmp_path: Path) -> None:
    source = write(
        tmp_path, {"question": "x", "answer": "y"}, {"question": "z", "answer": None}, {"question": "", "answer": "y"}
    )
    assert reasons(source) == ["no_answer", "no_instruction"]


def test_turns_before_an_instruction_are_read_with_it(tmp_path: Path) -> None:
    history = [["Name a river.", "Tay"], ["Another?", "Dee"]]
    value = {
        "instruction": "And a lake?",
        "input": "in Scotland",
        "output": "Ness",
        "system": "Be brief.",
        "history": history,
    }
    task = only_record(tmp_path, value)
    assert (task.system, task.instruction, task.instances[0].output) == ("Be brief.", "Name a river.", "Tay")
    assert [turn.content for turn in task.later] == ["Another?", "Dee", "And a lake?\n\nin Scotland", "Ness"]
    assert task.extra == {}
    assert only_record(tmp_path, {**value, "weight": 0}).unlearned == (0, 1, 2)
    assert only_record(tmp_path, {"prompt": "And a lake?", "response": "Ness", "history": history}).answers == 3
    source = write(tmp_path, {"instruction": "x", "output": "y"}, {**value, "history": [["x"]]})
    assert reasons(source) == ["wrong_type"]


def test_a_call_of_a_tool_is_no_empty_answer(tmp_path: Path) -> None:
    call = {"role": "assistant", "tool_calls": [{"function": {"name": "look", "arguments": "{}"}}]}
    for said in ({"content": ""}, {"content": None}, {}):
        assert reasons(write(tmp_path, {"messages": [ASK, SAY]}, {"messages": [ASK, {**call, **said}]})) == ["not_text"]
    assert (
        only_record(tmp_path, {"messages": [{**ASK, "tool_calls": None}, {**SAY, "tool_calls": []}]})
        .instances[0]
        .output
        == "Tay"
    )


@pytest.mark.parametrize(
    "prompt", ["[INST] is how it begins. Why?", "Human: a word?", "### Human: x", "Assistant: go on"]
)
def test_a_prompt_that_only_begins_like_a_template_is_left_as_it_is(prompt: str, tmp_path: Path) -> None:
    assert only_record(tmp_path, {"prompt": prompt, "completion": "Tay"}).instruction == prompt
