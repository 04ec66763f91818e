"""ShareGPT: conversations are cut into runs of whole pairs; the default loses no turn that fits."""

from dataclasses import replace
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.formats.camels import CAMELS
from selfinstruct.formats.camels.dialogues import PairRange, ShareGPT, about_llama_tokens, released_runs, runs
from selfinstruct.formats.fields import Unreadable
from selfinstruct.formats.json_stream import Line
from selfinstruct.records import Message, Task

LETTERS = ShareGPT(limit=40, per_message=6, count_tokens=len)
OPENING = "Here two of them talk about a topic.\n"


def talk(*said: str, first: int = 0, **more: Any) -> dict[str, Any]:
    speakers = ("human", "gpt")
    turns = [{"from": speakers[(at + first) % 2], "value": text} for at, text in enumerate(said)]
    return {"id": "QWJhYvA", "conversations": turns, **more}


def from_sharegpt(*values: Any, compat: str = "", rules: ShareGPT = LETTERS) -> list[Task | Unreadable]:
    lines = [Line(f"sg.json:{at}", value) for at, value in enumerate(values, 1)]
    return list(rules.convert(lines, source="sg.json", compat=compat))


def texts(task: Task) -> list[str]:
    return [task.instruction, task.instances[0].output, *(turn.content for turn in task.later)]


def decisions(tasks: list[Task | Unreadable]) -> list[str | list[str]]:
    return [texts(item) if isinstance(item, Task) else item.reason for item in tasks]


def test_a_short_conversation_stays_whole() -> None:
    [task] = from_sharegpt(talk("a", "b", "c", "d"))
    assert isinstance(task, Task)
    assert texts(task) == ["a", "b", "c", "d"]
    assert task.extra == {"id": "QWJhYvA_0", "dataset": "sharegpt"}


def test_a_long_one_is_cut_between_pairs_and_each_run_has_its_own_id() -> None:
    tasks = from_sharegpt(talk("a" * 8, "b" * 8, "c" * 8, "d" * 8, "e", "f"))
    assert decisions(tasks) == [["a" * 8, "b" * 8], ["c" * 8, "d" * 8], ["e", "f"]]
    assert [item.extra["id"] for item in tasks if isinstance(item, Task)] == ["QWJhYvA_0", "QWJhYvA_2", "QWJhYvA_4"]


def test_a_pair_that_exceeds_the_limit_alone_is_dropped_by_name() -> None:
    tasks = from_sharegpt(talk("a", "b", "c" * 30, "d", "e", "f"))
    assert decisions(tasks) == [["a", "b"], "pair_too_long", ["e", "f"]]
    assert isinstance(tasks[1], Unreadable)
    assert tasks[1].place == "sg.json:1, turn 3"


def test_the_released_splitter_loses_the_last_pair_that_overflows() -> None:
    value = talk("a" * 8, "b" * 8, "c" * 8, "d" * 8)
    assert decisions(from_sharegpt(value, compat="camels")) == [["a" * 8, "b" * 8], "last_pair_lost"]
    assert decisions(from_sharegpt(value)) == [["a" * 8, "b" * 8], ["c" * 8, "d" * 8]]


def test_the_released_splitter_makes_empty_runs() -> None:
    value = talk("a" * 30, "b", "c", "d", "e", "f")
    assert decisions(from_sharegpt(value, compat="camels")) == [
        "empty_chunk",
        "pair_too_long",
        "empty_chunk",
        ["c", "d", "e", "f"],
    ]
    assert decisions(from_sharegpt(value)) == ["pair_too_long", ["c", "d", "e", "f"]]


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
    assert decisions(from_sharegpt(value)) == [reason]


def test_a_last_question_without_an_answer_is_named_and_the_rest_is_used() -> None:
    assert decisions(from_sharegpt(talk("a", "b", "c"))) == ["no_answer", ["a", "b"]]


def test_answers_still_in_html_become_markdown_and_questions_stay() -> None:
    value = talk("<p>What is this?</p>", '<div class="markdown prose"><p>A <b>paragraph</b>.</p></div>')
    [task] = from_sharegpt(value, rules=ShareGPT())
    assert isinstance(task, Task)
    assert texts(task) == ["<p>What is this?</p>", "A **paragraph**."]


def test_the_limit_of_the_paper_is_2048_tokens_and_six_for_each_message() -> None:
    assert (ShareGPT().limit, ShareGPT().per_message) == (2048, 6)
    exact = replace(ShareGPT(), count_tokens=len)
    fits, too_long = talk("a", "b" * (2048 - 13)), talk("a", "b" * (2048 - 12))
    assert isinstance(from_sharegpt(fits, rules=exact)[0], Task)
    assert decisions(from_sharegpt(too_long, rules=exact)) == ["pair_too_long"]


lengths = st.lists(st.integers(1, 12), max_size=12)


@given(lengths, st.integers(1, 20))
def test_no_run_exceeds_the_limit_and_each_pair_is_in_exactly_one(pairs: list[int], limit: int) -> None:
    pieces = list(runs(pairs, limit))
    assert [at for run in pieces for at in range(run.first, run.end)] == list(range(len(pairs)))
    for run in pieces:
        total = sum(pairs[run.first : run.end])
        assert (total > limit) == (run.lost == "pair_too_long")
        assert not run.lost or run.end == run.first + 1


@given(lengths, st.integers(1, 20))
def test_runs_are_as_long_as_they_can_be(pairs: list[int], limit: int) -> None:
    pieces = list(runs(pairs, limit))
    for run, following in pairwise(pieces):
        if not run.lost and not following.lost:
            assert sum(pairs[run.first : run.end]) + pairs[run.end] > limit


@given(lengths, st.integers(1, 20))
def test_the_released_splitter_accounts_for_every_pair_too(pairs: list[int], limit: int) -> None:
    pieces = list(released_runs(pairs, limit))
    assert [at for run in pieces for at in range(run.first, run.end)] == list(range(len(pairs)))
    for run in pieces:
        assert run.lost or sum(pairs[run.first : run.end]) <= limit
        assert (run.first == run.end) == (run.lost == "empty_chunk")
    lost = [run for run in pieces if run.lost == "last_pair_lost"]
    assert all(run.end == len(pairs) for run in lost)


@given(st.lists(st.integers(1, 6), max_size=12), st.integers(6, 20))
def test_where_nothing_overflows_at_the_end_both_splitters_agree(pairs: list[int], limit: int) -> None:
    released = list(released_runs(pairs, limit))
    repaired = list(runs(pairs, limit))
    assert [PairRange(run.first, run.end) for run in released] == repaired


@given(st.text())
def test_an_estimate_is_at_least_a_token_for_each_seven_letters(text: str) -> None:
    assert about_llama_tokens(text) >= len("".join(text.split())) / 7


def node(text: str, *replies: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A message; who says it is decided by its depth."""
    return {"message_id": f"id of {text}", "text": text, "lang": "en", "replies": list(replies), **more}


def tree(root: dict[str, Any]) -> dict[str, Any]:
    waiting = [(root, "prompter")]
    while waiting:
        message, role = waiting.pop()
        message.setdefault("role", role)
        other = "assistant" if role == "prompter" else "prompter"
        waiting.extend((reply, other) for reply in message["replies"])
    return {"message_tree_id": "tree 1", "tree_state": "ready_for_export", "prompt": root}


def from_oasst(*trees: Any) -> list[Task | Unreadable]:
    return list(
        CAMELS["oasst1"].convert(
            [Line(f"trees.jsonl:{at}", tree) for at, tree in enumerate(trees, 1)], source="trees.jsonl"
        )
    )


def said(task: Task | Unreadable) -> str:
    assert isinstance(task, Task)
    [pair] = task.instances
    return " ".join([task.instruction, pair.output, *(turn.content for turn in task.later)])


def test_every_answer_ends_a_conversation_inner_ones_too() -> None:
    tasks = from_oasst(
        tree(
            node(
                "q1",
                node("a1", node("q2", node("a2"), node("a3")), node("q3")),
                node("a4", node("q4", node("a5"))),
            )
        )
    )
    assert [said(task) for task in tasks] == ["q1 a1", "q1 a1 q2 a2", "q1 a1 q2 a3", "q1 a4", "q1 a4 q4 a5"]
    last = tasks[1]
    assert isinstance(last, Task)
    assert last.later == (Message("user", "q2"), Message("assistant", "a2"))
    assert last.extra == {"message_tree_id": "tree 1", "id": "id of a2", "lang": "en", "dataset": "oasst1"}


def test_paths_through_a_deleted_message_are_kept_and_say_so() -> None:
    first, second = from_oasst(tree(node("q1", node("a1", node("q2", node("a2")), deleted=True), deleted=False)))
    assert isinstance(first, Task)
    assert isinstance(second, Task)
    assert first.extra["deleted"] is second.extra["deleted"] is True


def test_who_speaks_out_of_turn_is_named_and_the_other_branches_are_used() -> None:
    bad, good = from_oasst(tree(node("q1", node("a1", role="prompter"), node("a2"))))
    assert isinstance(bad, Unreadable)
    assert bad.reason == "roles"
    assert said(good) == "q1 a2"


def test_a_tree_without_an_answer_gives_nothing() -> None:
    assert from_oasst(tree(node("q1"))) == []


shapes: st.SearchStrategy[list[Any]] = st.recursive(
    st.just([]), lambda inner: st.lists(inner, max_size=4), max_leaves=25
)


def grown(shape: list[Any], numbers: Any) -> dict[str, Any]:
    return node(f"m{next(numbers)}", *(grown(inner, numbers) for inner in shape))


def brute_force(message: dict[str, Any], before: tuple[str, ...] = ()) -> list[str]:
    """Every path from the root that ends with an answer, by recursion."""
    path = (*before, message["text"])
    own = [" ".join(path)] if len(path) % 2 == 0 else []
    return own + [talk_below for reply in message["replies"] for talk_below in brute_force(reply, path)]


@given(shapes)
def test_the_paths_are_those_that_brute_force_finds(shape: list[Any]) -> None:
    value = tree(grown(shape, count()))
    assert [said(task) for task in from_oasst(value)] == brute_force(value["prompt"])


def from_baize(transcript: str) -> list[Task | Unreadable]:
    value = {"topic": "Why does bread rise?", "input": transcript}
    return list(CAMELS["baize"].convert([Line("quora_chat_data.json:1", value)], source="quora_chat_data.json"))


def test_a_transcript_becomes_a_conversation() -> None:
    [task] = from_baize(
        f"{OPENING}[|Human|] Why does bread rise?\n[|AI|] Yeast makes gas.\n"
        "[|Human|] And without yeast?\n[|AI|] Soda does it.\n[|Human|] "
    )
    assert isinstance(task, Task)
    assert (task.instruction, task.instances[0].output) == ("Why does bread rise?", "Yeast makes gas.")
    assert task.later == (Message("user", "And without yeast?"), Message("assistant", "Soda does it."))
    assert task.extra == {"topic": "Why does bread rise?", "dataset": "baize"}


def test_a_question_without_an_answer_is_named() -> None:
    bad, task = from_baize("[|Human|] Why?\n[|AI|] So.\n[|Human|] Good bye!")
    assert isinstance(task, Task)
    assert task.later == ()
    assert isinstance(bad, Unreadable)
    assert (bad.reason, bad.text) == ("no_answer", "Good bye!")


def test_a_transcript_without_marks_is_named() -> None:
    [bad] = from_baize("Human: Why?")
    assert isinstance(bad, Unreadable)
    assert bad.reason == "no_turns"


def test_two_answers_to_one_question_are_not_guessed_at() -> None:
    [bad] = from_baize("[|Human|] Why?\n[|AI|] So.\n[|AI|] Or so.")
    assert isinstance(bad, Unreadable)
    assert bad.reason == "roles"


words = (
    st.text(st.characters(exclude_characters="[|]", exclude_categories=["Cs"]), min_size=1).map(str.strip).filter(bool)
)


@given(st.lists(st.tuples(words, words), min_size=1), st.booleans())
def test_turns_come_out_as_they_were_put_in(pairs: list[tuple[str, str]], ended: bool) -> None:  # noqa: FBT001 - drawn
    transcript = OPENING + "".join(f"[|Human|] {asked}\n[|AI|] {answered}\n" for asked, answered in pairs)
    [task] = from_baize(transcript + ("[|Human|]" if ended else ""))
    assert isinstance(task, Task)
    texts = [task.instruction, task.instances[0].output, *(turn.content for turn in task.later)]
    assert texts == [text for pair in pairs for text in pair]
