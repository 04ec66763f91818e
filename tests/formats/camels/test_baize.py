"""Baize: transcripts are split on their two marks."""

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.formats.camels import CAMELS
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.unreadable import Unreadable
from selfinstruct.records import Message, Task

OPENING = "Here two of them talk about a topic.\n"


def converted(transcript: str) -> list[Task | Unreadable]:
    value = {"topic": "Why does bread rise?", "input": transcript}
    return list(CAMELS["baize"].convert([Line("quora_chat_data.json:1", value)], source="quora_chat_data.json"))


def test_a_transcript_becomes_a_conversation() -> None:
    [task] = converted(
        f"{OPENING}[|Human|] Why does bread rise?\n[|AI|] Yeast makes gas.\n"
        "[|Human|] And without yeast?\n[|AI|] Soda does it.\n[|Human|] "
    )
    assert isinstance(task, Task)
    assert (task.instruction, task.instances[0].output) == ("Why does bread rise?", "Yeast makes gas.")
    assert task.later == (Message("user", "And without yeast?"), Message("assistant", "Soda does it."))
    assert task.extra == {"topic": "Why does bread rise?", "dataset": "baize"}


def test_a_question_without_an_answer_is_named() -> None:
    bad, task = converted("[|Human|] Why?\n[|AI|] So.\n[|Human|] Good bye!")
    assert isinstance(task, Task)
    assert task.later == ()
    assert isinstance(bad, Unreadable)
    assert (bad.reason, bad.text) == ("no_answer", "Good bye!")


def test_a_transcript_without_marks_is_named() -> None:
    [bad] = converted("Human: Why?")
    assert isinstance(bad, Unreadable)
    assert bad.reason == "no_turns"


def test_two_answers_to_one_question_are_not_guessed_at() -> None:
    [bad] = converted("[|Human|] Why?\n[|AI|] So.\n[|AI|] Or so.")
    assert isinstance(bad, Unreadable)
    assert bad.reason == "roles"


words = (
    st.text(st.characters(exclude_characters="[|]", exclude_categories=["Cs"]), min_size=1).map(str.strip).filter(bool)
)


@given(st.lists(st.tuples(words, words), min_size=1), st.booleans())
def test_turns_come_out_as_they_were_put_in(pairs: list[tuple[str, str]], ended: bool) -> None:  # noqa: FBT001 - drawn
    transcript = OPENING + "".join(f"[|Human|] {asked}\n[|AI|] {told}\n" for asked, told in pairs)
    [task] = converted(transcript + ("[|Human|]" if ended else ""))
    assert isinstance(task, Task)
    texts = [task.instruction, task.instances[0].output, *(turn.content for turn in task.later)]
    assert texts == [text for pair in pairs for text in pair]
