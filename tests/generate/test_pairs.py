"""Instances as models write them, read without the released parser's faults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.generate.pairs import labelled_pairs, pairs, torn
from selfinstruct.records import Instance
from tests.generate.builders import raw


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
def test_no_text_makes_a_reader_raise(text: str) -> None:
    for found in (pairs(text), labelled_pairs(text)):
        assert all(pair.output == pair.output.strip() for pair in found)


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
