"""ShareGPT: conversations are cut into runs of whole pairs; the default loses no turn that fits."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.formats.camels.sharegpt import Run, ShareGPT, about_llama_tokens, released_runs, runs
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.unreadable import Unreadable
from selfinstruct.records import Task

LETTERS = ShareGPT(limit=40, per_message=6, count_tokens=len)


def talk(*said: str, first: int = 0, **more: Any) -> dict[str, Any]:
    speakers = ("human", "gpt")
    turns = [{"from": speakers[(at + first) % 2], "value": text} for at, text in enumerate(said)]
    return {"id": "QWJhYvA", "conversations": turns, **more}


def converted(*values: Any, compat: str = "", rules: ShareGPT = LETTERS) -> list[Task | Unreadable]:
    lines = [Line(f"sg.json:{at}", value) for at, value in enumerate(values, 1)]
    return list(rules.convert(lines, source="sg.json", compat=compat))


def texts(task: Task) -> list[str]:
    return [task.instruction, task.instances[0].output, *(turn.content for turn in task.later)]


def fates(found: list[Task | Unreadable]) -> list[str | list[str]]:
    return [texts(item) if isinstance(item, Task) else item.reason for item in found]


def test_a_short_conversation_stays_whole() -> None:
    [task] = converted(talk("a", "b", "c", "d"))
    assert isinstance(task, Task)
    assert texts(task) == ["a", "b", "c", "d"]
    assert task.extra == {"id": "QWJhYvA_0", "dataset": "sharegpt"}


def test_a_long_one_is_cut_between_pairs_and_each_run_has_its_own_id() -> None:
    found = converted(talk("a" * 8, "b" * 8, "c" * 8, "d" * 8, "e", "f"))
    assert fates(found) == [["a" * 8, "b" * 8], ["c" * 8, "d" * 8], ["e", "f"]]
    assert [item.extra["id"] for item in found if isinstance(item, Task)] == ["QWJhYvA_0", "QWJhYvA_2", "QWJhYvA_4"]


def test_a_pair_that_exceeds_the_limit_alone_is_dropped_by_name() -> None:
    found = converted(talk("a", "b", "c" * 30, "d", "e", "f"))
    assert fates(found) == [["a", "b"], "pair_too_long", ["e", "f"]]
    assert isinstance(found[1], Unreadable)
    assert found[1].place == "sg.json:1, turn 3"


def test_the_released_splitter_loses_the_last_pair_that_overflows() -> None:
    value = talk("a" * 8, "b" * 8, "c" * 8, "d" * 8)
    assert fates(converted(value, compat="camels")) == [["a" * 8, "b" * 8], "last_pair_lost"]
    assert fates(converted(value)) == [["a" * 8, "b" * 8], ["c" * 8, "d" * 8]]


def test_the_released_splitter_makes_empty_runs() -> None:
    value = talk("a" * 30, "b", "c", "d", "e", "f")
    assert fates(converted(value, compat="camels")) == [
        "empty_chunk",
        "pair_too_long",
        "empty_chunk",
        ["c", "d", "e", "f"],
    ]
    assert fates(converted(value)) == ["pair_too_long", ["c", "d", "e", "f"]]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (talk("a", "b", first=1), "roles"),
        ({"id": "x", "conversations": [{"from": "human", "value": "a"}, {"from": "human", "value": "b"}]}, "roles"),
        ({"id": "x", "conversations": [{"from": "system", "value": "a"}, {"from": "human", "value": "b"}]}, "speaker"),
        ({"id": "x", "conversations": [{"from": "human", "value": "a"}, {"from": "bing", "value": "b"}]}, "speaker"),
        ({"id": "x", "conversations": []}, "no_turns"),
        (talk("a"), "no_answer"),
        (talk(" ", "b"), "empty"),
    ],
)
def test_conversations_that_cannot_be_used_have_a_reason(value: dict[str, Any], reason: str) -> None:
    assert fates(converted(value)) == [reason]


def test_a_last_question_without_an_answer_is_named_and_the_rest_is_used() -> None:
    assert fates(converted(talk("a", "b", "c"))) == ["no_answer", ["a", "b"]]


def test_answers_still_in_html_become_markdown_and_questions_stay() -> None:
    value = talk("<p>What is this?</p>", '<div class="markdown prose"><p>A <b>paragraph</b>.</p></div>')
    [task] = converted(value, rules=ShareGPT())
    assert isinstance(task, Task)
    assert texts(task) == ["<p>What is this?</p>", "A **paragraph**."]


def test_the_limit_of_the_paper_is_2048_tokens_and_six_for_each_message() -> None:
    assert (ShareGPT().limit, ShareGPT().per_message) == (2048, 6)
    exact = replace(ShareGPT(), count_tokens=len)
    fits, too_long = talk("a", "b" * (2048 - 13)), talk("a", "b" * (2048 - 12))
    assert isinstance(converted(fits, rules=exact)[0], Task)
    assert fates(converted(too_long, rules=exact)) == ["pair_too_long"]


lengths = st.lists(st.integers(1, 12), max_size=12)


@given(lengths, st.integers(1, 20))
def test_no_run_exceeds_the_limit_and_each_pair_is_in_exactly_one(pairs: list[int], limit: int) -> None:
    found = list(runs(pairs, limit))
    assert [at for run in found for at in range(run.first, run.end)] == list(range(len(pairs)))
    for run in found:
        total = sum(pairs[run.first : run.end])
        assert (total > limit) == (run.lost == "pair_too_long")
        assert not run.lost or run.end == run.first + 1


@given(lengths, st.integers(1, 20))
def test_runs_are_as_long_as_they_can_be(pairs: list[int], limit: int) -> None:
    found = list(runs(pairs, limit))
    for run, following in pairwise(found):
        if not run.lost and not following.lost:
            assert sum(pairs[run.first : run.end]) + pairs[run.end] > limit


@given(lengths, st.integers(1, 20))
def test_the_released_splitter_accounts_for_every_pair_too(pairs: list[int], limit: int) -> None:
    found = list(released_runs(pairs, limit))
    assert [at for run in found for at in range(run.first, run.end)] == list(range(len(pairs)))
    for run in found:
        assert run.lost or sum(pairs[run.first : run.end]) <= limit
        assert (run.first == run.end) == (run.lost == "empty_chunk")
    lost = [run for run in found if run.lost == "last_pair_lost"]
    assert all(run.end == len(pairs) for run in lost)


@given(st.lists(st.integers(1, 6), max_size=12), st.integers(6, 20))
def test_where_nothing_overflows_at_the_end_both_splitters_agree(pairs: list[int], limit: int) -> None:
    released = list(released_runs(pairs, limit))
    repaired = list(runs(pairs, limit))
    assert [Run(run.first, run.end) for run in released] == repaired


@given(st.text())
def test_an_estimate_is_at_least_a_token_for_each_seven_letters(text: str) -> None:
    assert about_llama_tokens(text) >= len("".join(text.split())) / 7
