"""The chat form of the Camels paper, to the letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.formats.conversations import tagged, tagged_prompt, untagged
from selfinstruct.records import Message

TALK = (
    Message("system", "Be brief.\n"),
    Message("user", "  Which planet is the largest?"),
    Message("assistant", "Jupiter."),
    Message("user", "And the smallest?\n\n"),
    Message("assistant", " Mercury.\n"),
)


def test_a_conversation_is_written_to_the_letter() -> None:
    assert tagged(TALK) == (
        "<|system|>\nBe brief.\n"
        "<|user|>\nWhich planet is the largest?\n"
        "<|assistant|>\nJupiter.</s>\n"
        "<|user|>\nAnd the smallest?\n"
        "<|assistant|>\nMercury.</s>"
    )


def test_a_prompt_ends_with_the_assistants_tag_and_its_newline() -> None:
    prompt = tagged_prompt(TALK[:4])
    assert prompt.endswith("<|user|>\nAnd the smallest?\n<|assistant|>\n")
    assert tagged(TALK).startswith(prompt), "a student must see in use what it saw in training"


def test_the_end_mark_is_that_of_the_student() -> None:
    assert tagged(TALK[1:3], end="<|endoftext|>").endswith("Jupiter.<|endoftext|>")


content = st.text(st.characters(exclude_characters="<|>", exclude_categories=["Cs"])).map(str.strip)
turns = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), content), min_size=1)


@given(turns)
def test_reading_back_gives_the_same_turns(talk: list[Message]) -> None:
    assert list(untagged(tagged(talk))) == talk


@given(turns)
def test_every_prompt_of_a_conversation_is_a_beginning_of_it(talk: list[Message]) -> None:
    for index, turn in enumerate(talk):
        if turn.role == "assistant":
            assert (tagged(talk) + "\n").startswith(tagged_prompt(talk[:index]))


@pytest.mark.parametrize("text", ["", "Name a river.", "Hello\n<|user|>\nName a river."])
def test_text_that_does_not_begin_with_a_tag_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no tag"):
        untagged(text)


@pytest.mark.parametrize("end", ["</s>", "<|end|>", "<|endoftext|>", "<|im_end|>"])
def test_marks_that_close_every_turn_are_no_words_of_it(end: str) -> None:
    text = "".join(f"<|{turn.role}|>\n{turn.content.strip()}{end}\n" for turn in TALK)
    assert [turn.content for turn in untagged(text)] == [turn.content.strip() for turn in TALK]
