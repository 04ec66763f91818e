"""Entries of instruction, input and output."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.generate.entries import Entry, read, read_strictly, written
from tests.generate.builders import raw, seed

TWO = [Entry("Say hi.", "", "Hi."), Entry("Add.", "1 2", "3")]


@pytest.mark.parametrize(
    "text",
    [
        " Say hi./4. Input:/<noinput>/4. Output:/Hi./###/5. Instruction: Add./5. Input:/1 2/5. Output:/3",
        " Say hi./4. Input:/<noinput>/4. Output:/Hi./##/5. Instruction: Add./5. Input:/1 2/5. Output:/3/###",
        " Say hi./Input: none/Output: Hi./Instruction: Add./Input: 1 2/Output: 3",
        "4. Instruction: Say hi./4. Output: Hi. ### 5. Instruction: Add./5. Input: 1 2/5. Output: 3",
        " Say hi./4. Output: Hi./---/7. Instruction: Add./7. Input: 1 2/7. Output: 3",
        "**Instruction:** Say hi./**Input:** None/**Output:** Hi.//**Instruction:** Add./**Input:** 1 2/**Output:** 3",
        "4. Instruction: Say hi./4. Output: Hi. 5. Instruction: Add./5. Input: 1 2/5. Output: 3",
    ],
)
def test_the_next_entry_never_leaks_into_an_output(text: str) -> None:
    assert read(raw(text), opened=True) == TWO


def test_an_output_may_quote_field_names_and_separators() -> None:
    text = " Show a form./4. Input:/x/4. Output:/Input: a name/Output: a badge/###/not a new entry"
    assert read(raw(text), opened=True) == [
        Entry("Show a form.", "x", "Input: a name\nOutput: a badge\n###\nnot a new entry")
    ]


def test_an_entry_that_never_came_to_its_output_says_so() -> None:
    assert read(" Say hi.\n4. Input:\nto whom", opened=True) == [Entry("Say hi.", "to whom", None)]


def test_demonstrations_read_back() -> None:
    shown = [seed("Say hi."), seed("Add.", "1 2", "3")]
    assert read(written(shown), opened=False) == [Entry("Say hi.", "", "out"), Entry("Add.", "1 2", "3")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" A./4. Input:/<noinput>/4. Output:/B", [Entry("A.", "", "B")]),
        (" A./4. Input:/<NOINPUT>/4. Output:/", [Entry("A.", "", "")]),
        (" A./4. Input:/None/4. Output:/B", [Entry("A.", "None", "B")]),
        (" A./4. Output:/B", [None]),
        (" A./4. Input:/x/4. Output:/B/##/5. Instruction: C/5. Input:/y/5. Output:/D",
         [Entry("A.", "x", "B\n##\n5. Instruction: C\n5. Input:\ny\n5. Output:\nD")]),
    ],
)  # fmt: skip
def test_the_strict_reader_drops_and_swallows_as_alpaca_does(text: str, expected: list[Entry | None]) -> None:
    assert read_strictly(raw(text), 3) == expected


@given(
    st.text() | st.lists(st.sampled_from(["4. Instruction:", "Input:", "5. Output:", "###", "x", "\n"])).map("".join)
)
def test_no_text_makes_a_reader_raise(text: str) -> None:
    for opened in (True, False):
        assert all(entry.instruction for entry in read(text, opened=opened))
    assert read_strictly(text, 3)
