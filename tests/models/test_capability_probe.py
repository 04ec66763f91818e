"""What an endpoint can do is learned by at most five small requests, and what it refuses is left out from then on."""

import asyncio
import json
import socket
import time
from decimal import Decimal

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from selfinstruct.errors import Capped, ProviderDown
from selfinstruct.models.backend import AnswersInMemory, CallError
from selfinstruct.models.capability_probe import MOST_REQUESTS, ProbeRequest, learn
from selfinstruct.models.endpoint_capabilities import CHAT, COMPLETIONS, Stated
from selfinstruct.models.gate import Gate, Policy
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.models.prices_and_budget import Budget, Price, tokens_of
from selfinstruct.records import Completion, Message, Request
from tests.models import habits
from tests.models.habits import Body, Endpoint, Habit, chat_only, refusal, said, strict_fields, without_reason
from tests.models.loopback import CHAT as ASKED
from tests.models.loopback import TEXT, asked, refused

CENT = Price(Decimal(10_000), Decimal(10_000))  # a cent a token
SCHEMA = '{"type": "object"}'


def learned(server: HTTPServer, *kept: Habit, prose: str = "", **knobs: object) -> tuple[Endpoint, OpenAICompatible]:
    there = Endpoint(server, kept, prose=prose)
    backend = OpenAICompatible(model="m", url=there.url, **knobs)  # type: ignore[arg-type]  # knobs of the backend
    learn(backend, None, Budget(), unheard)
    return there, backend


def unheard(line: str) -> None:
    assert line


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ([], "completions, chat, JSON schema"),
        ([habits.text_only], "completions"),
        ([chat_only()], "chat, JSON schema"),
        ([chat_only(405, {"detail": "Method Not Allowed"})], "chat, JSON schema"),
        ([chat_only(400, {"error": {"message": "This is a chat model, use /chat/completions"}})], "chat, JSON schema"),
        ([chat_only(403, {"error": {"message": "not on your plan"}})], "chat, JSON schema"),
        ([chat_only(200, "<html>Welcome</html>")], "chat, JSON schema"),
        ([chat_only(501, {"error": "not implemented"})], "chat, JSON schema"),
        ([habits.no_schema], "completions, chat, no JSON schema"),
        ([habits.no_system], "completions, chat, JSON schema, system messages as user"),
        ([habits.developer_only], "completions, chat, JSON schema, system messages as developer"),
        ([habits.other_limit], "completions, chat, JSON schema, max_completion_tokens for max_tokens"),
        ([habits.not_both], "completions, chat, JSON schema, temperature or top_p, not both"),
        ([habits.streams], "completions, chat, JSON schema, told not to stream"),
        (
            [chat_only(), habits.other_limit, habits.no_schema, habits.no_system],
            "chat, no JSON schema, max_completion_tokens for max_tokens, system messages as user",
        ),
        (
            [chat_only(), strict_fields("model", "messages", "max_tokens")],
            "chat, no JSON schema, without temperature, top_p",
        ),
    ],
)
def test_the_shape_is_known_after_five_small_requests(kept: list[Habit], words: str, httpserver: HTTPServer) -> None:
    there, backend = learned(httpserver, *kept)
    assert backend.capabilities.words == words
    assert len(there.bodies) <= MOST_REQUESTS
    known = backend.capabilities
    traits = backend.traits
    assert (traits.completion, traits.chat, traits.structured) == (
        known.completions,
        known.chat,
        known.schema and known.chat,
    )


def test_who_answers_in_prose_holds_to_no_schema(httpserver: HTTPServer) -> None:
    _, backend = learned(httpserver, prose="Water the plants, and weed.")
    assert backend.traits.chat
    assert not backend.traits.structured


def test_a_model_that_thinks_gets_room_for_it_once_and_what_it_took_counts(httpserver: HTTPServer) -> None:
    def thinks(path: str, body: Body) -> Response | None:
        if path == COMPLETIONS or body["max_tokens"] > 1000:
            return None
        message = {"role": "assistant", "content": "", "reasoning_content": "Two tasks. Let me see"}
        choice = {"index": 0, "finish_reason": "length", "message": message}
        return said({"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 128}})

    there = Endpoint(httpserver, (thinks,))
    backend = OpenAICompatible(model="m", url=there.url)
    budget = Budget(max_total_tokens=9999)
    probes = learn(backend, None, budget, unheard)
    assert backend.capabilities.words == "completions, chat, JSON schema"
    assert [(probe.completion is None, probe.tokens) for probe in probes] == [(False, 11), (True, 133), (False, 11)]
    assert budget.tokens + budget.unconfirmed_tokens == 155
    assert len(there.bodies) == 3


def test_a_chat_model_that_says_nothing_to_raw_text_is_asked_in_chat(httpserver: HTTPServer) -> None:
    def silent(path: str, body: Body) -> Response | None:
        return said(habits.answer(body, " \n")) if path == COMPLETIONS else None

    assert learned(httpserver, silent)[1].capabilities.words == "chat, JSON schema"


def test_a_busy_endpoint_is_waited_for_and_its_refusals_teach_nothing(httpserver: HTTPServer) -> None:
    turn = iter(range(99))

    def busy(_: str, __: Body) -> Response | None:
        if next(turn) % 3 == 2:
            return None
        return Response(json.dumps({"error": {"message": "slow down"}}), 429, headers={"Retry-After": "0"})

    assert learned(httpserver, busy)[1].capabilities.words == "completions, chat, JSON schema"


def test_what_a_recipe_states_is_not_asked(httpserver: HTTPServer) -> None:
    there, backend = learned(httpserver, stated=Stated(completions=False, chat=True, schema=False, refuses=("seed",)))
    assert there.bodies == []
    assert backend.capabilities.words == "chat, no JSON schema, without seed"
    backend = OpenAICompatible(model="m", url=there.url, stated=Stated(completions=False))
    learn(backend, None, Budget(), unheard)
    assert [path for path, _ in there.bodies] == [CHAT]


@pytest.mark.parametrize(
    ("kept", "says"),
    [
        (lambda _path, _body: said({"error": {"message": "no model m", "code": "model_not_found"}}, 404), "no model m"),
        (lambda _path, _body: said({"error": {"message": "wrong key"}}, 401), "wants a key"),
        (lambda _path, _body: said("<html>", 200), "web page"),
    ],
)
def test_where_no_request_can_succeed_that_is_said_at_once(kept: Habit, says: str, httpserver: HTTPServer) -> None:
    there = Endpoint(httpserver, (kept,))
    backend = OpenAICompatible(model="m", url=there.url)
    with pytest.raises(ProviderDown, match=says):
        learn(backend, None, Budget(), unheard)
    assert len(there.bodies) <= 6  # a page that is no JSON may be a fault that passes


def test_an_address_without_a_version_gets_a_hint(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/chat/completions").respond_with_data("404 page not found", 404)
    httpserver.expect_request("/completions").respond_with_data("404 page not found", 404)
    backend = OpenAICompatible(model="m", url=httpserver.url_for(""))
    with pytest.raises(ProviderDown, match=rf"is it {httpserver.url_for('')}/?v1\?"):
        learn(backend, None, Budget(), unheard)


def test_a_port_with_nobody_behind_it_is_said_in_five_seconds_with_a_line_before() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        backend = OpenAICompatible(model="m", url=f"http://127.0.0.1:{free.getsockname()[1]}/v1")
    heard: list[str] = []
    began = time.monotonic()
    with pytest.raises(ProviderDown, match="cannot connect"):
        learn(backend, None, Budget(), heard.append)
    assert time.monotonic() - began < 5.0
    assert len(heard) == 1
    assert backend.base_url in heard[0]


def test_small_requests_count_under_the_cap(httpserver: HTTPServer) -> None:
    there = Endpoint(httpserver)
    backend = OpenAICompatible(model="m", url=there.url)
    budget = Budget(max_cost=Decimal(50))
    probes = learn(backend, CENT, budget, unheard)
    assert [type(probe) for probe in probes] == [ProbeRequest, ProbeRequest]
    assert budget.cost == Decimal("0.22") == sum((probe.cost or Decimal(0) for probe in probes), Decimal(0))
    with pytest.raises(Capped):
        learn(OpenAICompatible(model="m", url=there.url), CENT, Budget(max_cost=Decimal("0.01")), unheard)
    assert len(there.bodies) == 2


LONG = Request(
    prompt="Go on: 1, 2,", max_tokens=9, temperature=0.7, top_p=0.5, seed=7, stop=("\n",), presence_penalty=1.0
)


@pytest.mark.parametrize(
    ("habit", "gone"),
    [
        (habits.fixed_temperature, {"temperature"}),
        (habits.not_both, {"top_p"}),
        (strict_fields("model", "prompt", "max_tokens", "temperature", "top_p"), {"seed", "stop", "presence_penalty"}),
        (without_reason("seed"), {"seed"}),
        (without_reason("seed", "presence_penalty"), {"seed", "presence_penalty"}),
    ],
)
def test_a_parameter_is_refused_once_however_many_are_in_flight(
    habit: Habit, gone: set[str], httpserver: HTTPServer
) -> None:
    there = Endpoint(httpserver, (habit,))
    backend = OpenAICompatible(model="m", url=there.url)
    heard: list[str] = []
    backend.asking.notice = heard.append
    with Gate(backend, AnswersInMemory(), Policy(in_flight=16)) as gate:
        answers = list(gate.scoped("s").complete([LONG] * 40))
    assert all(isinstance(answer, Completion) for answer in answers)
    last = there.bodies[-1][1]
    assert {"temperature", "top_p", "seed", "stop", "presence_penalty"} - {*last} == gone
    assert there.refused <= len(gone) + 1
    bodies = [json.dumps(body) for _, body in there.bodies]
    refused_ones = [body for body in bodies if habit(COMPLETIONS, json.loads(body)) is not None]
    assert len(set(refused_ones)) == len(refused_ones)  # never retried unchanged
    assert heard
    assert len(heard) == len(set(heard))


def test_a_stop_that_is_refused_is_kept_here(httpserver: HTTPServer) -> None:
    there = Endpoint(
        httpserver, (strict_fields("model", "prompt", "max_tokens", "temperature", "top_p"),), prose="a\nb"
    )
    (choice,) = asked(
        OpenAICompatible(model="m", url=there.url), Request(prompt="x", max_tokens=9, stop=("\n",))
    ).choices
    assert (choice.text, choice.finish_reason) == ("a", "stop")


@pytest.mark.parametrize("habit", [habits.one_choice, habits.ignores_n])
def test_choices_are_asked_for_one_by_one_where_several_are_not_given(habit: Habit, httpserver: HTTPServer) -> None:
    there = Endpoint(httpserver, (habit,))
    backend = OpenAICompatible(model="m", url=there.url)
    request = Request(prompt="Name a river.", max_tokens=16, n=3)
    for _ in range(2):
        answer = asked(backend, request)
        assert len(answer.choices) == 3
    assert sum(body.get("n", 1) != 1 for body in there.sent(COMPLETIONS)) == 1
    assert json.loads(answer.sent)["times"] == 3
    assert answer.usage.prompt_tokens == 15
    assert backend.times(request) == 3


def test_a_prompt_that_may_be_paid_for_several_times_is_set_aside_so_often(httpserver: HTTPServer) -> None:
    there = Endpoint(httpserver, (habits.one_choice,))
    request = Request(prompt="Name a river.", max_tokens=16, n=3)
    tokens = tokens_of(request)
    backend = OpenAICompatible(model="m", url=there.url)
    with Gate(backend, AnswersInMemory(), budget=Budget(max_total_tokens=tokens.most + tokens.prompt_most)) as gate:
        with pytest.raises(Capped):
            list(gate.scoped("s").complete([request]))
        assert there.bodies == []
    with Gate(
        OpenAICompatible(model="m", url=there.url), AnswersInMemory(), budget=Budget(max_total_tokens=999)
    ) as gate:
        (answer,) = gate.scoped("s").complete([request])
    assert isinstance(answer, Completion)
    assert len(answer.choices) == 3


def test_a_schema_that_is_refused_later_is_told_in_words(httpserver: HTTPServer) -> None:
    there = Endpoint(httpserver, (habits.no_schema,))
    asked(OpenAICompatible(model="m", url=there.url), Request(prompt=ASKED.prompt, max_tokens=16, json_schema=SCHEMA))
    assert SCHEMA in there.bodies[-1][1]["messages"][-1]["content"]


def test_a_system_message_goes_before_what_the_user_says(httpserver: HTTPServer) -> None:
    there = Endpoint(httpserver, (habits.no_system,))
    turns = (Message("system", "Be brief."), Message("user", "A?"), Message("assistant", "B."), Message("user", "C?"))
    asked(OpenAICompatible(model="m", url=there.url), Request(prompt=turns, max_tokens=9))
    sent = [(turn["role"], turn["content"]) for turn in there.bodies[-1][1]["messages"]]
    assert sent == [("user", "Be brief.\n\nA?"), ("assistant", "B."), ("user", "C?")]


def test_an_answer_that_streams_is_joined_and_the_next_is_asked_not_to(httpserver: HTTPServer) -> None:
    there = Endpoint(httpserver, (habits.streams,))
    backend = OpenAICompatible(model="m", url=there.url)
    assert asked(backend, TEXT).choices[0].text == "1. Bread \u2028 and butter"
    asked(backend, ASKED)
    asked(backend, ASKED)
    assert {body.get("stream") for _, body in there.bodies[1:]} == {False}
    assert there.refused == 1


def test_a_stream_that_breaks_off_is_no_answer(httpserver: HTTPServer) -> None:
    event = 'data: {"choices": [{"index": 0, "delta": {"content": "half"}}]}\n\n'
    there = Endpoint(httpserver, (lambda _path, _body: said(event, kind="text/event-stream"),))
    fault = refused(OpenAICompatible(model="m", url=there.url))
    assert (fault.kind, fault.retry) == ("connection_lost", "later")
    broken = 'data: {"error": {"message": "upstream fell over", "code": 502}}\n\n'
    there.habits = (lambda _path, _body: said(broken, kind="text/event-stream"),)
    assert "upstream fell over" in refused(OpenAICompatible(model="m", url=there.url)).message


def test_a_prompt_that_is_refused_for_what_it_says_costs_one_more_request_and_changes_nothing(
    httpserver: HTTPServer,
) -> None:
    there = Endpoint(httpserver, (lambda _path, _body: said("flagged", 400, "text/plain"),))
    backend = OpenAICompatible(model="m", url=there.url)
    before = backend.capabilities
    for _ in range(4):
        assert refused(backend, LONG).kind == "bad_request"
    assert backend.capabilities == before
    assert len(there.bodies) <= 4 + 3  # without what was never taken; the other name of the limit; no limit


def test_a_refusal_inside_a_200_is_one(httpserver: HTTPServer) -> None:
    def habit(_: str, body: Body) -> Response | None:
        body_of_refusal = {"error": {"message": "seed is not supported", "code": 400}}
        return said(body_of_refusal) if "seed" in body else None

    there = Endpoint(httpserver, (habit,))
    assert asked(OpenAICompatible(model="m", url=there.url), LONG).choices
    assert len(there.bodies) == 2


def test_under_a_cap_an_answer_without_a_limit_is_not_asked_for(httpserver: HTTPServer) -> None:
    def no_limits(_: str, body: Body) -> Response | None:
        limits = {"max_tokens", "max_completion_tokens"} & {*body}
        return refusal(f"Unsupported parameter: '{limits.pop()}'") if limits else None

    there = Endpoint(httpserver, (no_limits,))
    backend = OpenAICompatible(model="m", url=there.url)
    backend.asking.must_limit = True
    assert refused(backend, LONG).kind == "bad_request"
    backend.asking.must_limit = False
    assert asked(backend, LONG).choices
    assert "max_tokens" not in there.bodies[-1][1]


def test_the_key_of_the_journal_is_that_of_the_request_as_it_was_asked(httpserver: HTTPServer) -> None:
    there = Endpoint(httpserver, (habits.fixed_temperature,))
    with Gate(OpenAICompatible(model="m", url=there.url), AnswersInMemory()) as gate:
        (answer,) = gate.scoped("s").complete([LONG])
    assert isinstance(answer, Completion)
    assert answer.request == f"{LONG.key('openai:m')}.0"


def test_one_endpoint_after_another_loop(httpserver: HTTPServer) -> None:
    """Learned on one event loop and asked on another, with many in flight."""
    _, backend = learned(httpserver, habits.fixed_temperature)

    async def many() -> list[object]:
        try:
            return await asyncio.gather(*(backend.answer(LONG) for _ in range(20)), return_exceptions=True)
        finally:
            await backend.close()

    assert not [answer for answer in asyncio.run(many()) if isinstance(answer, BaseException)]


def test_other_faults_are_raised_as_they_are(httpserver: HTTPServer) -> None:
    faults = {"server_error": ("no", 500), "too_long": ("This model's maximum context length is 9", 400)}
    there = Endpoint(httpserver)
    for kind, fault_of in faults.items():
        there.habits = (_always(*fault_of),)
        there.bodies.clear()
        with pytest.raises(CallError) as fault:
            asked(OpenAICompatible(model="m", url=there.url), LONG)
        assert fault.value.kind == kind
        assert len(there.bodies) == 1


def _always(words: str, status: int) -> Habit:
    return lambda _path, _body: refusal(words, status)
