"""Recipes as people write them, and as nobody should."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.run.recipe.yaml_file import parse_yaml


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\na: 2\n", r"r\.yaml:2: key 'a' stands twice; see line 1"),
        ("a: [1, 2\n", r"r\.yaml:\d"),
        ("a: !!python/object/apply:os.system ['true']\n", r"r\.yaml:1"),
        ("? [1]\n: 2\n", r"r\.yaml:1: a key must be a word"),
        ("[" * 40, r"r\.yaml:1: nested"),
        ("a: &a [1]\nb: [" + ", ".join(["*a"] * 70) + "]\n", r"r\.yaml:2: nested or aliased"),
        ("a: &a [*a]\n", r"r\.yaml"),
        ("a: 2026-13-45\n", r"r\.yaml"),
    ],
)
def test_a_bad_recipe_is_one_line_with_its_place(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        parse_yaml(text.encode(), "r.yaml")


def test_bytes_that_are_no_utf_8_are_placed() -> None:
    with pytest.raises(BadInput, match=r"r\.yaml:2: not UTF-8"):
        parse_yaml(b"a: 1\nb: \xff\n", "r.yaml")


def test_every_key_knows_its_line() -> None:
    file = parse_yaml(b"name: x\nrounds:\n  - novelty:\n      rouge_l_below: 0.7\n", "r.yaml")
    assert file.place(("rounds", 0, "novelty", "rouge_l_below")) == "r.yaml:4"
    assert file.place(("rounds", 0, "novelty", "absent")) == "r.yaml:3"


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_a_value_or_one_line(content: bytes) -> None:
    try:
        parse_yaml(content, "r.yaml")
    except BadInput as error:
        assert str(error).startswith("r.yaml")
        assert "\n" not in str(error).strip()


@given(st.text(alphabet="abc:-[]{}&*!#'\"|>? \n\t1.", max_size=120))
@settings(max_examples=500, deadline=None)
def test_any_yaml_like_text_gives_a_value_or_one_line(text: str) -> None:
    try:
        parse_yaml(text.encode(), "r.yaml")
    except BadInput as error:
        assert str(error).startswith("r.yaml")
