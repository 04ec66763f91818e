"""A refusal is read whatever words and form it comes in; what is about the request itself teaches nothing."""

import json

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.models.endpoint_capabilities import CHAT, Capabilities, RequestStyle, Stated, stated
from selfinstruct.models.refused_parameters import adapted
from selfinstruct.records import Json

BODY: dict[str, Json] = {
    "model": "m",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a river."}],
    "temperature": 0.7,
    "top_p": 0.5,
    "max_tokens": 16,
    "n": 2,
    "stop": ["\n"],
    "seed": 7,
    "presence_penalty": 2.0,
    "frequency_penalty": 1.0,
    "response_format": {"type": "json_schema"},
}


def error(message: str, **more: object) -> dict[str, object]:
    return {"error": {"message": message, **more}}


@pytest.mark.parametrize(
    ("status", "refusal_body", "left_out"),
    [
        (400, error("Unsupported parameter: 'seed' is not supported with this model.", param="seed"), ["seed"]),
        (
            400,
            error('Unknown name "presencePenalty": Cannot find field.', param="presence_penalty"),
            ["presence_penalty"],
        ),
        (400, error("Unrecognized request argument supplied: seed"), ["seed"]),
        (400, error("seed is not supported", param=None, code=None), ["seed"]),
        (400, error("property 'frequency_penalty' is unsupported"), ["frequency_penalty"]),
        (
            422,
            {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]},
            ["seed"],
        ),
        (422, {"detail": [{"loc": ["body", "seed"], "msg": "x"}, {"loc": ["body", "n"], "msg": "x"}]}, ["n", "seed"]),
        (422, {"detail": "Unknown field: seed"}, ["seed"]),
        (
            400,
            {"message": "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'input': 7}]"},
            ["seed"],
        ),
        (400, {"message": "stop is not supported for this model"}, ["stop"]),
        (400, error("'stop' array too long. Expected an array with maximum length 0", param="stop"), ["stop"]),
        (400, error("penalties are not supported by this model"), ["frequency_penalty", "presence_penalty"]),
        (400, error("This response_format type is unavailable now"), ["response_format"]),
        (400, error("Structured outputs are not supported by this model"), ["response_format"]),
        (400, error("json_schema is not a supported type; only json_object and text"), ["response_format"]),
        (400, error("Invalid schema for response_format 'answer'", param="response_format"), ["response_format"]),
        (501, error("grammar is not implemented here"), ["response_format"]),
        (400, error("Only one completion choice is allowed"), ["n"]),
        (400, error("'n' must be 1"), ["n"]),
        (422, {"detail": [{"loc": ["body"], "msg": "Value error, n > 1 is not supported"}]}, ["n"]),
        (400, error("best_of is unknown and multiple choices are not supported"), ["n"]),
        (400, error("Use 'max_completion_tokens' instead: 'max_tokens' is not supported."), ["max_tokens"]),
        (422, {"detail": [{"loc": ["body", "max_tokens"], "msg": "Extra inputs are not permitted"}]}, ["max_tokens"]),
        (
            400,
            error("'temperature' does not support 0.7. Only the default (1) is supported."),
            ["temperature"],
        ),
        (400, error("temperature is deprecated for this model"), ["temperature"]),
        (500, error("top_p is not supported"), ["top_p"]),
        (400, error(json.dumps({"error": {"message": "proxied", "param": "seed"}})), ["seed"]),
    ],
)
def test_a_refused_parameter_is_left_out(status: int, refusal_body: object, left_out: list[str]) -> None:
    way = adapted(RequestStyle(), status, json.dumps(refusal_body).encode(), BODY)
    assert way == RequestStyle(left_out=tuple(left_out))


def test_plain_text_that_names_a_parameter_is_enough() -> None:
    assert adapted(RequestStyle(), 400, b"Error: parameter seed is unknown", BODY) == RequestStyle(left_out=("seed",))


@pytest.mark.parametrize(
    "words",
    [
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        "Specify either temperature or top_p.",
        "temperature and top-p are mutually exclusive",
        '{"type":"error","error":{"message":"temperature and top_p cannot both be specified for this model."}}',
    ],
)
def test_temperature_and_top_p_together_are_a_habit_of_their_own(words: str) -> None:
    assert adapted(RequestStyle(), 400, json.dumps(error(words)).encode(), BODY) == RequestStyle(one_of_two=True)


@pytest.mark.parametrize(
    ("words", "status", "speaker"),
    [
        ("System role not supported", 400, "user"),
        ("Conversation roles must alternate user/assistant/user/assistant/...", 424, "user"),
        ("Only user and assistant roles are supported!", 400, "user"),
        ("Jinja Exception: System role not supported", 500, "user"),
        ("Developer instruction is not enabled for models/gemma", 400, "user"),
        ("Unsupported value: 'messages[0].role' does not support 'system'. Use 'developer' instead.", 400, "developer"),
    ],
)
def test_a_system_message_that_is_refused_is_said_by_another(words: str, status: int, speaker: str) -> None:
    way = adapted(RequestStyle(), status, json.dumps(error(words)).encode(), BODY)
    assert way is not None
    assert way.system == speaker


@pytest.mark.parametrize(
    ("status", "words", "more"),
    [
        (
            400,
            "This model's maximum context length is 4096 tokens, and you requested 5000.",
            {"param": "messages"},
        ),
        (400, "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model supports at most 4096", {}),
        (400, "max_tokens is too large", {"param": "max_tokens"}),
        (400, "max_tokens must be at least 16", {"param": "max_tokens"}),
        (400, "Your request was flagged by our content policy", {}),
        (500, "Internal server error", {}),
        (500, "worker died with seed 7", {}),
        (503, "'seed' is not supported", {}),
        (429, "temperature too high, slow down", {}),
        (400, "invalid request: temperature 0.7 top_p 0.5 max_tokens 16 seed 7 presence_penalty 2", {}),
        (401, "Invalid API key", {}),
    ],
)
def test_what_is_about_the_request_or_passes_teaches_nothing(status: int, words: str, more: dict[str, str]) -> None:
    assert adapted(RequestStyle(), status, json.dumps(error(words, **more)).encode(), BODY) is None


def test_what_is_told_back_of_the_request_is_not_read() -> None:
    detail = {"loc": ["body"], "msg": "value is not a valid dict", "input": {"seed": "seed unsupported"}}
    refusal_body = {"detail": [detail]}
    assert adapted(RequestStyle(), 422, json.dumps(refusal_body).encode(), BODY) is None


def test_what_a_recipe_states_stands_over_what_was_learned() -> None:
    refusal = stated(
        {
            "completions": False,
            "schema": False,
            "max_tokens": "max_completion_tokens",
            "refuses": ["seed", "stop"],
            "temperature_with_top_p": False,
            "system": "user",
            "n": False,
            "streams": True,
        },
        "recipe.yaml:3",
    )
    known = refusal.over(Capabilities(turns=RequestStyle(left_out=("temperature",))))
    assert (known.completions, known.chat, known.schema) == (False, True, False)
    refused = ("max_tokens", "n", "seed", "stop", "temperature")
    assert known.way(CHAT) == RequestStyle(left_out=refused, one_of_two=True, system="user", streams=True)
    assert Capabilities.from_json(known.as_json()) == known
    assert not refusal.whole
    assert stated({"completions": True, "chat": False}, "r").whole
    assert Stated().over(known) == known


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"colour": 1}, "no capability 'colour'"),
        ({"chat": "yes"}, "capabilities.chat: expected true or false"),
        ({"max_tokens": True}, "capabilities.max_tokens"),
        ({"system": "nobody"}, "one of: system, developer, user"),
        ({"refuses": ["prompt"]}, "capabilities.refuses"),
        ({"refuses": 7}, "capabilities.refuses"),
        ({"chat": False, "completions": False}, "neither completions nor chat"),
    ],
)
def test_a_capability_that_is_none_is_refused_with_its_place(given: dict[str, object], says: str) -> None:
    with pytest.raises(BadInput, match=says) as fault:
        stated(given, "recipe.yaml:3")
    assert fault.value.place == "recipe.yaml:3"
