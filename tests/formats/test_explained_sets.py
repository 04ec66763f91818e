"""How a set would be read, and why, is said before anything is made of it."""

import json
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles
from selfinstruct.formats.read_sets import explained

PAIR = {"question": "Name a river.", "answer": "Tay", "topic": "water"}
TURNS = [
    {"role": "user", "content": "6 * 7?"},
    {"role": "assistant", "content": "41.", "weight": 0, "by": "a"},
    {"role": "user", "content": "Check."},
    {"role": "assistant", "content": "42."},
]


def said(folder: Path, *values: object, layout: str = "", columns: str = "") -> str:
    path = folder / "set.jsonl"
    path.write_text("".join((value if isinstance(value, str) else json.dumps(value)) + "\n" for value in values))
    return "\n".join(explained(str(path), layout=layout, columns=Roles.parse(columns) if columns else None))


def test_columns_that_are_recognised_are_named_as_they_would_be_given(tmp_path: Path) -> None:
    explained = said(tmp_path, PAIR, PAIR, '{"question": NaN}')
    assert "read as question_answer" in explained
    assert "2 of the first 2 records fit it and no other" in explained
    assert "--columns instruction=question,output=answer" in explained
    assert "2 records can be used, 1 cannot: broken_json 1" in explained
    assert "set.jsonl:3: NaN is no JSON number" in explained
    assert "fields of your own that stay beside: topic" in explained
    assert "output       Tay" in explained
    again = said(tmp_path, PAIR, columns="instruction=question,output=topic")
    assert "read by the columns that were named: instruction=question,output=topic" in again
    assert "output       water" in again


def test_marks_turns_and_splits_are_counted(tmp_path: Path) -> None:
    explained = said(tmp_path, {"messages": TURNS, "split": "test"})
    for words in (
        "1 are conversations of several answers",
        "1 answers are marked as not to be learned",
        "1 are marked as of the test split",
        "fields of turns that stay beside: ",
    ):
        assert words in explained


def test_what_cannot_be_decided_is_explained_too(tmp_path: Path) -> None:
    tied = said(tmp_path, {"question": "x", "prompt": "x", "answer": "y"})
    assert "not readable so: the instruction may be question or prompt; say which: --columns" in tied
    both = {"messages": TURNS, "conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}]}
    assert "layouts that fit it: messages, sharegpt" in said(tmp_path, both)
    assert "read as sharegpt" in said(tmp_path, both, layout="sharegpt")
    assert "the first record has the keys title, body" in said(tmp_path, {"title": "x", "body": "y"})
    assert "read as a set of instructions" in said(tmp_path, {"instruction": "Name a river."})
    assert "no records" in said(tmp_path, "")


def test_a_layout_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no layout 'camels/baize'"):
        said(tmp_path, PAIR, layout="camels/baize")
    with pytest.raises(BadInput, match="both a layout"):
        said(tmp_path, PAIR, layout="alpaca", columns="instruction=question")
