"""JSON where it is asked for."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.checks.check_json import json_asked_for, unfit
from selfinstruct.curate.replies import Reply

ASKED = "Convert the record into JSON."


def verdict(output: str, instruction: str = ASKED, given_: str = "") -> str:
    found = json_asked_for(Reply("instance 0", instruction, given_, output))
    return found.verdict if found else "silent"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
CONTAINERS = st.lists(VALUES, max_size=3) | st.dictionaries(st.text(max_size=4), VALUES, max_size=3)


@given(CONTAINERS, st.sampled_from(["{}", "Here it is:\n{}", "```json\n{}\n```", "{}\nThat is all."]))
def test_json_passes_alone_fenced_or_with_words_around_it(value: object, frame: str) -> None:
    text = json.dumps(value)
    if frame != "{}" and ("`" in text or "{" in frame.format("")):
        return
    assert verdict(frame.replace("{}", text)) == "passed"


@pytest.mark.parametrize(
    "output",
    [
        '{"a": 1,}',
        "{'a': 1}",
        '{"a": 1',
        "name: Ada",
        "```json\n{a: 1}\n```",
        '{"a": NaN}',
        "None of that.",
    ],
)
def test_what_does_not_parse_fails(output: str) -> None:
    assert verdict(output) == "failed"


@pytest.mark.parametrize("output", ['{"a": 1, ...}', '{"a": <your name>}', '{\n// a comment\n"a": 1}'])
def test_a_sketch_with_places_to_fill_is_left_alone(output: str) -> None:
    assert verdict(output) == "silent"


@pytest.mark.parametrize(
    "instruction",
    [
        "Explain what JSON is.",
        "Write a Python function that returns JSON.",
        "How do I convert a table to JSON?",
        "Convert from JSON to CSV.",
        "Name a format like JSON.",
        "Translate the text.",
        "Parse this JSON string.",
    ],
)
def test_json_is_not_always_asked_for(instruction: str) -> None:
    assert verdict("not json", instruction) == "silent"


def test_named_keys_must_be_there_at_any_depth() -> None:
    asked = 'Give the person in JSON format with the keys "name" and "age".'
    assert verdict('{"person": {"name": "Ada", "age": 36}}', asked) == "passed"
    assert verdict('{"person": {"name": "Ada"}}', asked) == "failed"


def test_a_schema_that_is_given_must_be_followed() -> None:
    asked = "Return JSON that follows the schema."
    schema = '{"type": "object", "required": ["age"], "properties": {"age": {"type": "integer"}}}'
    assert verdict('{"age": 36}', asked, schema) == "passed"
    assert verdict('{"age": "36"}', asked, schema) == "failed"
    assert verdict('{"name": "Ada"}', asked, schema) == "failed"


@pytest.mark.parametrize(
    ("value", "schema", "fault"),
    [
        (True, {"type": "integer"}, "$ is no integer"),
        (1.0, {"type": "integer"}, ""),
        ("c", {"enum": ["a", "b"]}, '$ is none of ["a", "b"]'),
        ([1, "x"], {"items": {"type": "number"}}, "$[1] is no number"),
        ({"b": 1}, {"properties": {}, "additionalProperties": False}, "$.b is not in the schema"),
        ({"a": {"b": 1}}, {"properties": {"a": {"required": ["c"]}}}, "$.a.c is missing"),
    ],
)
def test_what_a_schema_says(value: object, schema: dict[str, object], fault: str) -> None:
    assert unfit(value, schema) == fault


def test_very_deep_json_is_no_traceback() -> None:
    assert verdict("[" * 100_000) == "failed"
