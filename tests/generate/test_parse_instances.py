"""Instances as models write them, read without the released parser's faults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.generate.parse_instances import (
    ParsedEntry,
    labelled_pairs,
    pairs,
    read,
    read_strictly,
    torn,
    whole_part,
    written,
)
from selfinstruct.records import Instance
from tests.generate.builders import raw, seed

TWO = [ParsedEntry("Say hi.", "", "Hi."), ParsedEntry("Add.", "1 2", "3")]
TALE = "Bread needs flour, water and salt. Knead it for ten minutes, and let it rest for an hour."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Example 1/Input: two/Output: 2/Example 2/Input: three/Output: 3", [("two", "2"), ("three", "3")]),
        ("**Example 1**/**Input:** two/**Output:** 2", [("two", "2")]),
        ("### Example 1/Input: two/Output: 2//### Example 2/Output: 3", [("two", "2"), ("", "3")]),
        ("Two follow:/Example 1/Word: cat/Output: Katze", [("Word: cat", "Katze")]),
        ("Example 1: Input: two/Output: 2", [("two", "2")]),
        ("Example 1/Input 1: two/Output 1: 2/Input 2: three/Output 2: 3", [("two", "2"), ("three", "3")]),
        ("Example 1/Input 1 - List: 3 1/Input 2 - Order: down/Output: 3 1", [("3 1\ndown", "3 1")]),
        ("Example 1/Text: One Example. Output matters./Output: yes", [("Text: One Example. Output matters.", "yes")]),
        ("Example 1/Question: and no reply", []),
        ("Example 1/Red./Example 2/Blue.", [("", "Red."), ("", "Blue.")]),
        ("The Danube.", [("", "The Danube.")]),
        ("Output: The Danube./It is long.", [("", "The Danube.\nIt is long.")]),
        ("Input: none/Output: The Danube.//Task: Name a lake./Input: none/Output: Como", [("", "The Danube.")]),
        ("Place: Oslo/Question: Where?/Output: north", [("Place: Oslo\nQuestion: Where?", "north")]),
        ("Here is my answer./Output: rain", [("", "rain")]),
        ("Input: two Output: 2", [("two", "2")]),
        ("```/Input: two/Output: 2/```", [("two", "2")]),
        ("```python/print(1)/```", [("", "```python\nprint(1)\n```")]),
        ("Input: none/Output: none", [("none", "none")]),
        ("", []),
    ],
)  # fmt: skip
def test_instances_are_read(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(pair.input, pair.output) for pair in pairs(raw(text))] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Class label: up/Word: rise/Class label: down/Word: fall", [("Word: rise", "up"), ("Word: fall", "down")]),
        ("class label: up/Input: rise", [("rise", "up")]),
        ("**Class label:** up/Input: rise//**Class label: down**/Input: fall", [("rise", "up"), ("fall", "down")]),
        ("Class label: Oslo", [("", "Oslo")]),
        ("Class label:/Word: rise", [("Word: rise", "")]),
        ("Text: the Class label: of a jar", []),
        ("no label", []),
    ],
)
def test_labels_are_read(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(pair.input, pair.output) for pair in labelled_pairs(raw(text))] == expected


def test_a_pair_is_torn_only_where_the_text_ends_inside_it() -> None:
    text = "Class label: up\nWord: ri"
    [last] = labelled_pairs(text)
    assert torn(text, last, labelled=True)
    assert not torn("Output: 2\nExample 2\nInput: thr", Instance("", "2"), labelled=False)


MARKS = st.lists(
    st.sampled_from(["Example 1", "Input: ", "Output 2: ", "Class label: ", "Task: ", "```", "x", "\n", "\n"])
)


@given(st.text() | MARKS.map("".join))
def test_no_text_makes_a_reader_of_instances_raise(text: str) -> None:
    for read_pairs in (pairs(text), labelled_pairs(text)):
        assert all(pair.output == pair.output.strip() for pair in read_pairs)


@given(
    st.lists(
        st.tuples(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.from_regex(r"[a-z]{1,9}", fullmatch=True)),
        min_size=1,
    )
)
def test_written_instances_read_back(written: list[tuple[str, str]]) -> None:
    text = "".join(f"Example {at}\nInput: in-{one}\nOutput: out-{two}\n" for at, (one, two) in enumerate(written, 1))
    assert [(pair.input, pair.output) for pair in pairs(text)] == [(f"in-{one}", f"out-{two}") for one, two in written]
    labels = "".join(f"Class label: out-{two}\nInput: in-{one}\n" for one, two in written)
    assert labelled_pairs(labels) == pairs(text)


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
        ParsedEntry("Show a form.", "x", "Input: a name\nOutput: a badge\n###\nnot a new entry")
    ]


def test_an_entry_that_never_came_to_its_output_says_so() -> None:
    assert read(" Say hi.\n4. Input:\nto whom", opened=True) == [ParsedEntry("Say hi.", "to whom", None)]


def test_demonstrations_read_back() -> None:
    shown = [seed("Say hi."), seed("Add.", "1 2", "3")]
    assert read(written(shown), opened=False) == [ParsedEntry("Say hi.", "", "out"), ParsedEntry("Add.", "1 2", "3")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" A./4. Input:/<noinput>/4. Output:/B", [ParsedEntry("A.", "", "B")]),
        (" A./4. Input:/<NOINPUT>/4. Output:/", [ParsedEntry("A.", "", "")]),
        (" A./4. Input:/None/4. Output:/B", [ParsedEntry("A.", "None", "B")]),
        (" A./4. Output:/B", [None]),
        (" A./4. Input:/x/4. Output:/B/##/5. Instruction: C/5. Input:/y/5. Output:/D",
         [ParsedEntry("A.", "x", "B\n##\n5. Instruction: C\n5. Input:\ny\n5. Output:\nD")]),
    ],
)  # fmt: skip
def test_the_strict_reader_drops_and_swallows_as_alpaca_does(text: str, expected: list[ParsedEntry | None]) -> None:
    assert read_strictly(raw(text), 3) == expected


@given(
    st.text() | st.lists(st.sampled_from(["4. Instruction:", "Input:", "5. Output:", "###", "x", "\n"])).map("".join)
)
def test_no_text_makes_a_reader_of_entries_raise(text: str) -> None:
    for opened in (True, False):
        assert all(entry.instruction for entry in read(text, opened=opened))
    assert read_strictly(text, 3)


@pytest.mark.parametrize(
    ("torn", "whole"),
    [
        (f"{TALE} Then you sh", TALE),
        (f"{TALE} Ask Mr. Bak", TALE),
        (f"{TALE}\n\n1. Flour, as fine as can be.\n2. Wat", f"{TALE}\n\n1. Flour, as fine as can be."),
        (f"{TALE}\n\n- flour\n- water\n- sa", f"{TALE}\n\n- flour\n- water"),
        (f"{TALE} You need:\n\n1. **", TALE),
        (f"{TALE} It costs 2.", TALE),  # perhaps 2.50
        (
            "\u9762\u5305\u8981\u9762\u7c89\u3001\u6c34\u548c\u76d0\u3002\u63c9\u5341\u5206\u949f\u3002\u7136\u540e",
            "\u9762\u5305\u8981\u9762\u7c89\u3001\u6c34\u548c\u76d0\u3002\u63c9\u5341\u5206\u949f\u3002",
        ),
    ],
)
def test_the_text_ends_with_its_last_whole_sentence_or_item(torn: str, whole: str) -> None:
    assert whole_part(torn) == whole


@pytest.mark.parametrize(
    "torn",
    [
        "",
        "Bread needs flour",
        "Bread is fine. It needs flour and water and a good hour in which nobody looks at it, and then an oven that",
        f"{TALE} {TALE} Bread",
        f"{TALE}\n```python\nprint('a. b')\nThat is all. And",
    ],
    ids=["nothing", "no sentence", "too little", "in circles", "open code"],
)
def test_where_too_little_is_whole_nothing_stays(torn: str) -> None:
    assert whole_part(torn) == ""
