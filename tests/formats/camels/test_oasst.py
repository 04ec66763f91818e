"""Open Assistant: the paths of a tree."""

from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.formats.camels import CAMELS
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.unreadable import Unreadable
from selfinstruct.records import Message, Task


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


def converted(*trees: Any) -> list[Task | Unreadable]:
    return list(
        CAMELS["oasst1"].convert(
            [Line(f"trees.jsonl:{at}", one) for at, one in enumerate(trees, 1)], source="trees.jsonl"
        )
    )


def said(task: Task | Unreadable) -> str:
    assert isinstance(task, Task)
    [pair] = task.instances
    return " ".join([task.instruction, pair.output, *(turn.content for turn in task.later)])


def test_every_answer_ends_a_conversation_inner_ones_too() -> None:
    found = converted(
        tree(
            node(
                "q1",
                node("a1", node("q2", node("a2"), node("a3")), node("q3")),
                node("a4", node("q4", node("a5"))),
            )
        )
    )
    assert [said(task) for task in found] == ["q1 a1", "q1 a1 q2 a2", "q1 a1 q2 a3", "q1 a4", "q1 a4 q4 a5"]
    last = found[1]
    assert isinstance(last, Task)
    assert last.later == (Message("user", "q2"), Message("assistant", "a2"))
    assert last.extra == {"message_tree_id": "tree 1", "id": "id of a2", "lang": "en", "dataset": "oasst1"}


def test_paths_through_a_deleted_message_are_kept_and_say_so() -> None:
    first, second = converted(tree(node("q1", node("a1", node("q2", node("a2")), deleted=True), deleted=False)))
    assert isinstance(first, Task)
    assert isinstance(second, Task)
    assert first.extra["deleted"] is second.extra["deleted"] is True


def test_who_speaks_out_of_turn_is_named_and_the_other_branches_are_used() -> None:
    bad, good = converted(tree(node("q1", node("a1", role="prompter"), node("a2"))))
    assert isinstance(bad, Unreadable)
    assert bad.reason == "roles"
    assert said(good) == "q1 a2"


def test_a_tree_without_an_answer_gives_nothing() -> None:
    assert converted(tree(node("q1"))) == []


shapes: st.SearchStrategy[list[Any]] = st.recursive(
    st.just([]), lambda inner: st.lists(inner, max_size=4), max_leaves=25
)


def grown(shape: list[Any], numbers: Any) -> dict[str, Any]:
    return node(f"m{next(numbers)}", *(grown(inner, numbers) for inner in shape))


def brute_force(message: dict[str, Any], before: tuple[str, ...] = ()) -> list[str]:
    """Every path from the root that ends with an answer, by recursion."""
    path = (*before, message["text"])
    own = [" ".join(path)] if len(path) % 2 == 0 else []
    return own + [found for reply in message["replies"] for found in brute_force(reply, path)]


@given(shapes)
def test_the_paths_are_those_that_brute_force_finds(shape: list[Any]) -> None:
    value = tree(grown(shape, count()))
    assert [said(task) for task in converted(value)] == brute_force(value["prompt"])
