"""Scripted and replayed models, and the table that makes them."""

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import Answer, AnswersInMemory, Backend, CallError
from selfinstruct.models.gate import Gate, Policy
from selfinstruct.models.make_backend import make_backend
from selfinstruct.models.replay import Replay
from selfinstruct.models.scripted import Scripted
from selfinstruct.records import Choice, Completion, Request, Usage
from selfinstruct.store.journal import Journal

PROMPT = "Come up with a series of tasks:\n1. Name a river.\n2."


def asked(backend: Backend, **knobs: Any) -> Answer:
    return asyncio.run(backend.answer(Request(**{"prompt": PROMPT, "max_tokens": 9, "purpose": "propose", **knobs})))


def dump(folder: Path, *lines: dict[str, Any], name: str = "machine_generated_instructions.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def proposal(response: object, prompt: object = PROMPT) -> dict[str, Any]:
    return {"instruction": "Name a lake.", "metadata": {"prompt": prompt, "response": response}, "request_idx": 0}


@pytest.mark.parametrize("prompt", [PROMPT, [PROMPT]])
@pytest.mark.parametrize(
    ("response", "reason"),
    [({"choices": [{"text": " Name a lake.", "finish_reason": "stop"}]}, "stop"), (" Name a lake.", "")],
)
def test_a_dump_answers_the_exact_prompt(prompt: object, response: object, reason: str, tmp_path: Path) -> None:
    backend = Replay.load(dump(tmp_path, proposal(response, prompt)))
    assert asked(backend).choices == (Choice(" Name a lake.", reason),)


def test_a_prompt_that_is_not_recorded_shows_the_nearest_entry(tmp_path: Path) -> None:
    backend = Replay.load(dump(tmp_path, proposal(" x")))
    with pytest.raises(CallError, match="nearest entry parts at character 41") as error:
        asked(backend, prompt=PROMPT.replace("a river", "b river"))
    assert (error.value.kind, error.value.retry) == ("not_recorded", "never")


def test_a_recorded_null_is_a_failure_of_its_own_kind(tmp_path: Path) -> None:
    with pytest.raises(CallError) as error:
        asked(Replay.load(dump(tmp_path, proposal(None))))
    assert error.value.kind == "null_response"


def test_a_folder_answers_labels_and_instances_by_instruction(tmp_path: Path) -> None:
    dump(tmp_path, proposal(" x"))
    dump(tmp_path, {"instruction": "Name a lake.", "is_classification": " No"}, name="is_clf_or_not.jsonl")
    metadata = {"prompt": "p", "response": {"choices": [{"text": "Output: Ness", "finish_reason": "length"}]}}
    line = {"instruction": "Name a lake.", "raw_instances": "Output: Ness", "instance_metadata": metadata}
    dump(tmp_path, line, name="machine_generated_instances.jsonl")
    dump(tmp_path, {"id": "seed_task_0", "instruction": "Name a sea.", "instances": []}, name="seed_tasks.jsonl")
    backend = Replay.load(tmp_path)
    assert asked(backend, purpose="classify", subject="Name a lake.").choices[0].text == " No"
    assert asked(backend, purpose="instances", subject="Name a lake.").choices == (Choice("Output: Ness", "length"),)


def test_our_own_journal_answers_the_same_request_of_any_model(tmp_path: Path) -> None:
    request = Request(prompt=PROMPT, max_tokens=9)
    with Journal(tmp_path / "journal.sqlite") as journal:
        completion = Completion(
            request=f"{request.key('openai:x')}.0",
            choices=(Choice(" Name a sea.", "stop"),),
            usage=Usage(prompt_tokens=1, completion_tokens=2),
            model="openai:x",
        )
        journal.write("round-00001/01-propose", 0, request, completion, "").result(10)
    assert asked(Replay.load(tmp_path / "journal.sqlite")).choices == completion.choices


def test_a_journal_is_replayed_in_order_without_room_for_sorting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    request = Request(prompt=PROMPT, max_tokens=9)
    with Journal(path) as journal:
        for scope in ("round-00003", "round-00001", "round-00002"):
            completion = Completion(
                request=f"{request.key('openai:x')}.0",
                choices=(Choice(f"of {scope}", "stop"),),
                usage=Usage(prompt_tokens=1, completion_tokens=2),
                model="openai:x",
            )
            journal.write(scope, 0, request, completion, "").result(10)
    statements: list[str] = []
    connect = sqlite3.connect

    def watched(place: str, *, uri: bool) -> sqlite3.Connection:
        opened = connect(place, uri=uri)
        opened.set_trace_callback(statements.append)
        return opened

    monkeypatch.setattr(sqlite3, "connect", watched)
    replay = Replay.load(path)
    monkeypatch.undo()
    assert asked(replay).choices[0].text == "of round-00001"
    assert "2 were recorded more than once, the first is used" in replay.notice
    with contextlib.closing(sqlite3.connect(path)) as db:
        plans = [
            str(db.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall())
            for statement in statements
            if statement.startswith("SELECT")
        ]
    assert len(plans) == 4
    assert not [plan for plan in plans if "TEMP B-TREE" in plan]


def test_a_journal_in_a_folder_that_can_only_be_read_is_replayed_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    request = Request(prompt=PROMPT, max_tokens=9)
    with Journal(path) as journal:
        completion = Completion(
            request=f"{request.key('openai:x')}.0",
            choices=(Choice(" Name a sea.", "stop"),),
            usage=Usage(prompt_tokens=1, completion_tokens=2),
            model="openai:x",
        )
        journal.write("a", 0, request, completion, "").result(10)
    made: list[str] = []
    # what a file system that can only be read refuses, a hook sees: SQLite would make `-shm` and `-wal`
    connect = sqlite3.connect

    class Looking(sqlite3.Connection):
        def close(self) -> None:
            made.extend(path.name for path in tmp_path.iterdir())
            super().close()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sqlite3, "connect", lambda place, *, uri: connect(place, uri=uri, factory=Looking))
        assert asked(Replay.load(path)).choices == completion.choices
    assert made == ["journal.sqlite"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", r"d\.jsonl:2: not JSON"),
        ("[1]", r"d\.jsonl:2: not an object"),
        ('{"a": 1}', r"d\.jsonl:2: no recorded answer"),
        (json.dumps(proposal(7)), r"d\.jsonl:2: 'response' is neither"),
        (json.dumps(proposal("x", 7)), r"d\.jsonl:2: 'prompt' is neither"),
        (json.dumps(proposal({"choices": [{}]})), r"d\.jsonl:2: a choice without text"),
    ],
)
def test_a_broken_line_of_a_dump_is_named(line: str, says: str, tmp_path: Path) -> None:
    path = dump(tmp_path, proposal(" x"), name="d.jsonl")
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(BadInput, match=says):
        Replay.load(path)


def test_the_same_request_is_always_told_the_same_and_others_differ() -> None:
    backend = make_backend("scripted:smoke")
    first, again = asked(backend, n=3), asked(backend, n=3)
    assert first.choices == again.choices
    assert first.choices != asked(backend, n=3, prompt=PROMPT + " ").choices


def test_a_script_fails_where_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("answers:\n  - {contains: river, fail: server_error, retry: later}\n  - texts: [fine]\n")
    backend = Scripted.load(path)
    with pytest.raises(CallError) as error:
        asked(backend)
    assert (error.value.kind, error.value.retry) == ("server_error", "later")
    assert asked(backend, prompt="a lake").choices[0].text == "fine"


def test_answers_with_different_delays_are_handed_out_in_request_order(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "answers:\n"
        "  - {contains: river, texts: [slow], delay: 0.4}\n"
        "  - {contains: lake, fail: server_error, delay: 0.2}\n"
        "  - {texts: [fast]}\n"
    )
    requests = [Request(prompt=f"Name a {word}.", max_tokens=9) for word in ("river", "lake", "sea", "pond")]
    book = AnswersInMemory()
    with Gate(Scripted.load(path), book, Policy(in_flight=4)) as gate:
        replies = list(gate.scoped("s").complete(requests))
    keys = [request.key("scripted:s") for request in requests]
    assert [reply.id for reply in replies] == [f"{key}.0" for key in keys]
    assert [reply.choices[0].text if isinstance(reply, Completion) else reply.kind for reply in replies] == [
        "slow",
        "server_error",
        "fast",
        "fast",
    ]
    arrived = [key for key, _, _ in book.answers]
    assert arrived[-1] == keys[0]  # the first question was the last to be answered


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1", r"s\.yaml:\d"),
        ("7", "not a mapping"),
        ("bank: 7", "key 'bank': not a list"),
        ("banks: []", "no key 'banks'"),
        ("{}", "neither 'answers' nor 'bank'"),
        ("answers: [{texts: [x], retyr: never}]", "no key 'retyr'"),
        ("answers: [{texts: [x], fail: y}]", "either 'texts' or 'fail'"),
        ("answers: [{fail: y, retry: soon}]", "retry 'soon'"),
        ("answers: [{texts: [x], delay: -1}]", "'delay' is nothing to wait; give seconds from 0 to 60"),
        ("answers: [{texts: [x], delay: 0xffffffffffffffffffffffffffffffffffffffff}]", "answers, entry 1: 'delay' is"),
        ("answers: [{texts: [x], delay: .nan}]", "answers, entry 1: 'delay' is"),
        ("answers: [{texts: [x], delay: soon}]", "answers, entry 1: 'delay' is"),
        ("answers: [{texts: [x], delay: true}]", "answers, entry 1: 'delay' is"),
        ("bank: [{instruction: Name a river.}]", "entry 1: 'output' is missing"),
    ],
)
def test_a_script_that_cannot_be_used_is_one_line(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=says):
        Scripted.load(path)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("gpt-5", "no model kind 'gpt-5'; if it is a model's name, write openai:gpt-5 or its like; kinds: embedded"),
        ("replay:", "nothing after the colon"),
        ("replay:/no/such/place", "no such file or folder"),
        ("scripted:/no/such/place", "No such file"),
        ("gguf:/no/such/place", "No such file"),
    ],
)
def test_a_spec_that_names_nothing_is_one_line(spec: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        make_backend(spec)


def test_a_file_that_is_no_gguf_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "weights.gguf"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match="not a GGUF file"):
        make_backend(f"gguf:{path}")
