"""Code that parses."""

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.checks.check_syntax import code_parses, json_asked_for, unfit
from selfinstruct.curate.exchanges import Reply

ASKED_CODE = "Write a Python function that doubles a number."
GOOD = "def double(x):\n    return 2 * x"
BAD = "def double(x)\n    return 2 * x"
ASKED_JSON = "Convert the record into JSON."


def code_verdict(output: str, instruction: str = ASKED_CODE) -> str:
    checked = code_parses(Reply("instance 0", instruction, "", output))
    return checked.verdict if checked else "silent"


@pytest.mark.parametrize(
    "frame", ["{}", "```python\n{}\n```", "Like this:\n\n```py\n{}\n```\nThat is it.", "```Python\n    {}\n```"]
)
def test_python_passes_or_fails_as_it_parses(frame: str) -> None:
    indent = "    " if "    {" in frame else ""
    assert code_verdict(frame.replace("{}", GOOD.replace("\n", "\n" + indent))) == "passed"
    assert code_verdict(frame.replace("{}", BAD.replace("\n", "\n" + indent))) == "failed"


@given(st.text(alphabet="abx=()[]:\n 1+'\"#", max_size=40))
def test_a_fenced_block_fails_only_when_the_parser_says_so(text: str) -> None:
    verdict = code_verdict(f"```python\n{text}\n```")
    try:
        ast.parse(text)
    except SyntaxError:
        return
    assert verdict in ("passed", "unchecked")


@pytest.mark.parametrize(
    "output",
    [
        "```javascript\nfunction f( {\n```",
        "```\n" + BAD + "\n```",
        "```python\n" + BAD,  # cut short
        "```python\nprint 'old'\n```",
        "```python\n>>> f(1)\n2\n```",
        "```python\n!pip install x\n```",
        "```python\ndef f(x): ...\nOutput: it is three of them\n```",
        "```python\ntype Name = list[str]\n```",
        "```python\nx = \0\n```",
    ],
)
def test_what_no_parser_here_reads_is_unchecked(output: str) -> None:
    assert code_verdict(output, "Write some code.") == "unchecked"


@pytest.mark.parametrize(
    ("instruction", "output"),
    [
        ("Describe a cat.", "It purrs."),
        ("Explain Python.", "A language that many people use."),
        ("Write a Python function.", "I would write a function that doubles the number, and then test it."),
    ],
)
def test_replies_without_code_are_left_alone(instruction: str, output: str) -> None:
    assert code_verdict(output, instruction) == "silent"


def test_code_of_another_language_asked_for_without_a_fence_is_unchecked() -> None:
    assert (
        code_verdict("const f = x => {\n  return 2 * x;\n};", "Translate the Python function into JavaScript.")
        == "unchecked"
    )
    assert code_verdict(BAD, "Write a Python 2 function.") == "unchecked"


def test_words_around_unfenced_code_make_it_a_guess() -> None:
    assert code_verdict(f"{BAD}\n\nThis function doubles the number.") == "unchecked"


def json_verdict(output: str, instruction: str = ASKED_JSON, given_: str = "") -> str:
    checked = json_asked_for(Reply("instance 0", instruction, given_, output))
    return checked.verdict if checked else "silent"


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
    assert json_verdict(frame.replace("{}", text)) == "passed"


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
    assert json_verdict(output) == "failed"


@pytest.mark.parametrize("output", ['{"a": 1, ...}', '{"a": <your name>}', '{\n// a comment\n"a": 1}'])
def test_a_sketch_with_places_to_fill_is_left_alone(output: str) -> None:
    assert json_verdict(output) == "silent"


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
    assert json_verdict("not json", instruction) == "silent"


def test_named_keys_must_be_there_at_any_depth() -> None:
    asked = 'Give the person in JSON format with the keys "name" and "age".'
    assert json_verdict('{"person": {"name": "Ada", "age": 36}}', asked) == "passed"
    assert json_verdict('{"person": {"name": "Ada"}}', asked) == "failed"


def test_a_schema_that_is_given_must_be_followed() -> None:
    asked = "Return JSON that follows the schema."
    schema = '{"type": "object", "required": ["age"], "properties": {"age": {"type": "integer"}}}'
    assert json_verdict('{"age": 36}', asked, schema) == "passed"
    assert json_verdict('{"age": "36"}', asked, schema) == "failed"
    assert json_verdict('{"name": "Ada"}', asked, schema) == "failed"


@pytest.mark.parametrize(
    "asked",
    [
        'Reply with JSON that follows this schema: %s. An example: {"age": 7}. Ada is 36.',
        "Answer only with JSON for {the person}, by this schema:\n```json\n%s\n```\nNot {this}.",
        'Tell of {"name": "Ada"}; your answer must match the following JSON schema: %s',
    ],
)
def test_a_schema_is_found_among_other_braces(asked: str) -> None:
    asked %= '{"type": "object", "required": ["age"], "properties": {"age": {"type": "integer", "minimum": 1}}}'
    assert json_verdict('{"age": 36}', asked) == "passed"
    assert json_verdict('{"age": 0}', asked) == "failed"
    assert json_verdict('{"name": "Ada"}', asked) == "failed"


@pytest.mark.parametrize(
    ("value", "schema", "fault"),
    [
        (True, {"type": "integer"}, "$: True is not of type 'integer'"),
        (1.0, {"type": "integer"}, ""),
        ("c", {"enum": ["a", "b"]}, "$: 'c' is not one of ['a', 'b']"),
        ([1, "x"], {"items": {"type": "number"}}, "$[1]: 'x' is not of type 'number'"),
        (
            {"b": 1},
            {"properties": {}, "additionalProperties": False},
            "$: Additional properties are not allowed ('b' was unexpected)",
        ),
        ({"a": {"b": 1}}, {"properties": {"a": {"required": ["c"]}}}, "$.a: 'c' is a required property"),
    ],
)
def test_what_a_schema_says(value: object, schema: dict[str, object], fault: str) -> None:
    assert unfit(value, schema) == fault


def test_very_deep_json_is_no_traceback() -> None:
    assert json_verdict("[" * 100_000) == "failed"


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"type": "integer", "minimum": 3}, 3, 2),
        ({"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"}, "AB1", "ab1"),
        ({"type": "array", "maxItems": 1}, [1], [1, 2]),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, 1),
        ({"$defs": {"a": {"type": "object", "required": ["b"]}}, "$ref": "#/$defs/a"}, {"b": 1}, {"c": 1}),
        ({"type": ["string", "null"]}, None, 1),
        ({"properties": {"a": {"const": 2}}}, {"a": 2}, {"a": 3}),
        ({"type": "string", "minLength": 2}, "ab", "a"),
        ({"type": "object", "additionalProperties": False, "properties": {"a": {}}}, {"a": 1}, {"b": 1}),
    ],
)
def test_every_word_of_a_schema_counts(schema: dict[str, object], right: object, wrong: object) -> None:
    asked = f"Answer in JSON that follows this schema: {json.dumps(schema)}"
    assert unfit(right, schema) == ""
    assert unfit(wrong, schema).startswith("$")
    if isinstance(right, dict | list):
        assert json_verdict(json.dumps(right), asked) == "passed"
        assert json_verdict(json.dumps(wrong), asked) == "failed"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^(a+)+$"},
        {"type": "string", "pattern": "^(a|a)*$"},
        {"type": "string", "pattern": "a*a*a*a*a*a*a*b"},
        {"type": "string", "pattern": "("},
        {"type": "string", "$ref": "https://127.0.0.1:1/schema.json"},
        {"type": "string", "$ref": "#"},
        {"type": "strin"},
        {"type": "object", "patternProperties": {"^(a+)+$": False}},
    ],
)
def test_a_schema_that_cannot_be_checked_objects_to_nothing(schema: dict[str, object]) -> None:
    assert unfit("a" * 40 + "!", schema) == "" or schema["type"] == "object"


def test_data_that_has_a_type_is_no_schema() -> None:
    asked = 'Answer in JSON after this example of the schema: {"type": "book", "properties": 3}'
    assert json_verdict('{"type": "film"}', asked) == "passed"
