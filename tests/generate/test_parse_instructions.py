"""Lists as models write them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.generate.parse_instructions import json_items, list_items, numbered

WORDS = st.text(alphabet=st.characters(categories=["L"]), min_size=1, max_size=8)
INSTRUCTIONS = st.lists(WORDS, min_size=2, max_size=6).map(" ".join).map(lambda text: f"x {text}.")


@given(st.lists(INSTRUCTIONS, min_size=1, max_size=9), st.integers(1, 30), st.sampled_from(["", "Task "]))
def test_a_numbered_list_reads_back(items: list[str], first: int, label: str) -> None:
    text = numbered(items, first, label)
    assert list_items(text) == items
    opened = text.removeprefix(f"{label}{first}").lstrip(".:")
    assert list_items(opened, opened=first) == items


@given(st.text(), st.integers(0, 12), st.booleans())
def test_no_text_makes_the_reader_raise_or_gives_an_empty_item(text: str, opened: int, chat: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    assert all(item.strip() for item in list_items(text, opened=opened, chat=chat))


@pytest.mark.parametrize(
    "text",
    [
        "1. Name a river.\n2. Sort them.",
        "1) Name a river.\n2) Sort them.",
        "Task 1: Name a river.\nTask 2: Sort them.",
        "**1.** Name a river.\n**2.** Sort them.",
        "**1. Name a river.**\n**2. Sort them.**",
        "1. **Name a river.**\n\n2. **Sort them.**",
        '1. "Name a river."\n2. "Sort them."',
        "1. Task: Name a river.\n2. Task: Sort them.",
        "**Task 1:** Name a river.\n**Task 2:** Sort them.",
        "- Name a river.\n- Sort them.",
        "* Name a river.\n* Sort them.",
        "\u2022 Name a river.\n\u2022 Sort them.",
        "Here you are:\n\n9. Name a river.\n11. Sort them.\n\nShall I go on?",
        "Name a river.\nSort them.",
    ],
)
def test_a_chat_model_may_number_mark_or_quote_its_list(text: str) -> None:
    assert list_items(text, chat=True) == ["Name a river.", "Sort them."]


def test_case_and_lines_of_an_item_are_kept() -> None:
    assert list_items(" Ask NASA:\n- one\n- two\n10. In Python, sort.", opened=9) == [
        "Ask NASA:\n- one\n- two",
        "In Python, sort.",
    ]


def test_chinese_and_arabic_lists_are_lists() -> None:
    assert list_items("1\u3001\u5199\u4e00\u9996\u8bd7\u3002\n2\uff0e\u7ffb\u8bd1\u3002") == [
        "\u5199\u4e00\u9996\u8bd7\u3002",
        "\u7ffb\u8bd1\u3002",
    ]


@given(st.lists(st.text(), min_size=1), st.integers(0, 200))
def test_whole_elements_of_a_cut_array_are_kept(items: list[str], cut: int) -> None:
    text = json.dumps({"tasks": items}, indent=1)
    assert json_items(text) == items
    kept = json_items(text[:cut])
    assert kept == items[: len(kept)]
