"""Thinking is told from the answer by the marks of many families, and what only speaks of a mark is left alone."""

import time
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.text import thinking
from selfinstruct.text.thinking import only_thinking, parted, sounds_like_thinking

MUSED = "A lake, then. Ladoga is the largest of Europe."
FAMILIES = (
    ("<think>\n", "\n</think>\n\n"),
    ("<thinking>", "</thinking>"),
    ("<THINK>", "</THINK>"),
    ("<thought>", "</thought>\n"),
    ("<reasoning>\n", "\n</reasoning>\n"),
    ("<seed:think>", "</seed:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("[THINK]", "[/THINK]"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("<|begin_of_thought|>\n", "\n<|end_of_thought|>\n\n"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<unused94>thought\n", "<unused95>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("analysis", "assistantfinal"),
    ("Here is my thought process:\n", "\n\nHere is my response:\n"),
)


@pytest.mark.parametrize(("opening", "closing"), FAMILIES)
def test_the_marks_of_every_family_part_a_text(opening: str, closing: str) -> None:
    parts = parted(f"{opening}{MUSED}{closing}1. Ladoga\n2. Onega")
    assert (parts.answer, parts.thinking, parts.unclosed) == ("1. Ladoga\n2. Onega", MUSED, False)
    cut = parted(opening + MUSED)
    assert (cut.answer, cut.thinking, cut.unclosed) == ("", MUSED, True)
    assert only_thinking(opening + MUSED)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("So it is Ladoga.\n</think>\n\nLadoga.", "Ladoga."),
        ("</think>\nLadoga.", "Ladoga."),
        ("<think></think>Ladoga.", "Ladoga."),
        ("It is Ladoga </think> Ladoga.", "Ladoga."),
        ("<think>a</think>Ladoga.\n<think>b</think>\nOnega.", "Ladoga.\n\nOnega."),
        ("Ladoga.\n<think>\nshould I say more", "Ladoga."),
        ("<think><think>a</think>b</think>Ladoga.", "Ladoga."),
        ("<think>a</think>\n<answer>\nLadoga.\n</answer>", "Ladoga."),
        ("<|begin_of_thought|>a<|end_of_thought|><|begin_of_solution|>Ladoga.<|end_of_solution|>", "Ladoga."),
        ("<|channel|>final<|message|>Ladoga.<|return|>", "Ladoga."),
    ],
)
def test_odd_thinking_is_taken_off(text: str, answer: str) -> None:
    assert parted(text).answer == answer


@pytest.mark.parametrize(
    "text",
    [
        "Explain what the <think> tag is for.",
        "Explain what </think> does to a parser.",
        "Put your notes between `<think>` and `</think>`.",
        '{"tasks": ["Describe the <thinking> element", "<think> or not?"]}',
        "```xml\n<think>\nno\n</think>\n```",
        " Ask NASA.\n10. Do <b>this</b>: [x] and [y]",
        "I think the analysis is fine.",
        "",
    ],
)
def test_a_text_that_only_speaks_of_marks_comes_back_as_it_is(text: str) -> None:
    parts = parted(text)
    assert (parts.answer, parts.marked) == (text, False)
    assert not only_thinking(text)


@pytest.mark.parametrize(
    "text",
    [
        "Okay, so the user wants to know how far the moon is. I recall that",
        "Alright, I need to figure out what they mean by that. First",
        "Hmm, the user is asking for a poem",
        "The user asks for three rivers. They probably",
        "We need to respond with a list of",
        "Let me think about this step by step.",
    ],
)
def test_bare_thinking_is_heard(text: str) -> None:
    assert sounds_like_thinking(text)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Okay! Here are three rivers: the Po, the Ob and the Don.", ""),
        ("Well, the task of a judge is to be fair.", ""),
        ("The user is the person who runs a program.", ""),
        ("The user asks the server for a page.", "What does a user do with a browser?"),
        ("I need to buy milk, eggs and bread.", "Write a note to myself."),
        ("First, boil the water.", ""),
    ],
)
def test_an_answer_is_not_taken_for_thinking(text: str, asked: str) -> None:
    assert not sounds_like_thinking(text, asked)


def test_a_text_made_of_marks_alone_comes_to_an_end() -> None:
    before = time.process_time()
    for mark in ("<think></think>", "a <think> ", "</think>", "```\n<think>\n", "<|channel|>analysis", "x </think> y "):
        parted(mark * 30_000)
    assert time.process_time() - before < 10.0


PIECES = st.sampled_from(
    [
        *(mark for family in FAMILIES for mark in family),
        *("Ladoga", " ", "\n", "<", "[", "a[0] < b", "</div>", "\u25c1", "i think>", "Think.", "\u212a", "th\u0131nk>"),
        *("analysisX", "'<think>'", "```\n", "<|im_end|>", "<answer>", "</answer>", "[thinking]", "<scratchpad>"),
    ]
)


@given(st.lists(PIECES, max_size=6).map("".join))
def test_the_quick_look_misses_no_mark(text: str) -> None:
    with patch.object(thinking, "may_hold_marks", return_value=True):
        thorough = parted(text)
    assert parted(text) == thorough
