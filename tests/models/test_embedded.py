"""The engine inside this process, with the real weights where they are; without them only what needs none."""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import Answer, CallError
from selfinstruct.models.embedded import Embedded, _cores, soon_asleep_while_waiting
from selfinstruct.models.gguf_export import export_gguf
from selfinstruct.models.transformers_weights import load_weights
from selfinstruct.models.weights import check_machine, embedded_weights
from selfinstruct.records import Message, Request

LIST = "A list of different tasks, one per line:\nTask 1: Name a river.\nTask 2: Add two numbers.\nTask 3:"
NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def _runs_here() -> bool:
    try:
        check_machine()
        embedded_weights()
    except BadInput:
        return False
    return True


real = [pytest.mark.embedded, pytest.mark.skipif(not _runs_here(), reason="needs `selfinstruct fetch embedded`")]


@pytest.fixture(scope="module")
def backend() -> Iterator[Embedded]:
    made = Embedded(None, in_flight=2)
    yield made
    asyncio.run(made.close())


def ask(backend: Embedded, prompt: str | tuple[Message, ...], **knobs: Any) -> Answer:
    return asyncio.run(backend.answer(Request(**{"prompt": prompt, "max_tokens": 12, "seed": 1, **knobs})))


class TestReal:
    pytestmark = real

    def test_one_prompt_gives_eight_texts_that_end_at_the_stop(self, backend: Embedded) -> None:
        answer = ask(backend, LIST, n=8, stop=("\n",), temperature=0.9)
        assert len(answer.choices) == 8
        assert len({choice.text for choice in answer.choices}) > 1
        assert all("\n" not in choice.text for choice in answer.choices)
        assert {choice.finish_reason for choice in answer.choices} <= {"stop", "length"}

    def test_tokens_of_all_choices_are_counted(self, backend: Embedded) -> None:
        answer = ask(backend, "one two three", n=4, max_tokens=10, temperature=0.0)
        full = [choice for choice in answer.choices if choice.finish_reason == "length"]
        assert answer.usage.completion_tokens >= 9 * len(full)
        assert json.loads(answer.raw)["usage"]["completion_tokens"] <= 10  # what the engine says: one choice
        assert answer.usage.prompt_tokens > 2

    def test_a_chat_goes_through_the_models_template(self, backend: Embedded) -> None:
        turns = (Message("system", "Answer with one word."), Message("user", "Say hello."))
        plain = ask(backend, "Say hello.", max_tokens=4)
        chat = ask(backend, turns, max_tokens=4)
        assert chat.choices[0].text
        assert chat.usage.prompt_tokens > plain.usage.prompt_tokens + 8

    def test_a_grammar_and_a_schema_hold_the_answer(self, backend: Embedded) -> None:
        free = ask(backend, "Is the sky blue? Answer:", grammar='root ::= " Yes" | " No"')
        assert free.choices[0].text in {" Yes", " No"}
        schema = {
            "type": "object",
            "properties": {"label": {"enum": ["even", "odd"]}},
            "required": ["label"],
            "additionalProperties": False,
        }
        held = ask(backend, "Is 3 even or odd? JSON:", max_tokens=40, json_schema=json.dumps(schema))
        assert json.loads(held.choices[0].text)["label"] in {"even", "odd"}

    def test_a_prompt_that_does_not_fit_can_never_succeed(self, backend: Embedded) -> None:
        with pytest.raises(CallError) as error:
            ask(backend, "river " * 4000)
        assert (error.value.kind, error.value.retry) == ("too_long", "never")

    @pytest.mark.slow
    def test_a_student_as_gguf_says_here_what_it_says_in_transformers(self, tmp_path: Path) -> None:
        """Tuned by chance, so that it says something else than its base; in 16 bits, greedily."""
        torch, peft = pytest.importorskip("torch"), pytest.importorskip("peft")
        loaded = load_weights("embedded", dtype="float32")
        torch.manual_seed(1)
        settings = peft.LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
        student = peft.get_peft_model(loaded.model, settings).eval()
        student.peft_config["default"].base_model_name_or_path = "embedded"
        with torch.no_grad():
            for name, weight in student.named_parameters():
                weight.mul_(0.5 if "lora_B" in name else 1.0)
        student.save_pretrained(tmp_path / "student")
        loaded.tokenizer.save_pretrained(tmp_path / "student")
        asked = loaded.tokenizer(LIST, return_tensors="pt")
        with torch.no_grad(), student.disable_adapter():
            base = student.generate(**asked, do_sample=False, max_new_tokens=8)[0, asked["input_ids"].shape[1] :]
        with torch.no_grad():
            said = student.generate(**asked, do_sample=False, max_new_tokens=8)[0, asked["input_ids"].shape[1] :]
        file = export_gguf(tmp_path / "student", embedded_weights(), tmp_path / "student.gguf", quantisation="f16")
        served = Embedded(file)
        try:
            answer = ask(served, LIST, max_tokens=8, temperature=0.0)
        finally:
            asyncio.run(served.close())
        assert answer.choices[0].text == loaded.tokenizer.decode(said, skip_special_tokens=True)
        assert said.tolist() != base.tolist()

    def test_questions_at_one_time_are_divided_between_two_engines(self) -> None:
        async def both() -> tuple[Answer, ...]:
            asked = (two.answer(Request(prompt=f"Count from {n}:", max_tokens=8, n=4)) for n in (1, 2))
            return tuple(await asyncio.gather(*asked))

        two = Embedded(None)
        answers = asyncio.run(both())
        assert [len(answer.choices) for answer in answers] == [4, 4]
        assert [engine.server is not None for engine in two._engines] == [True] * min(2, _cores())
        asyncio.run(two.close())

    @pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
    def test_engines_that_start_at_one_time_leave_the_terminal_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Slow:
            def __init__(self, params: object) -> None:
                del params
                time.sleep(0.2)

        def start(engine: Any) -> None:
            engine.loaded()

        monkeypatch.setattr("xllamacpp.Server", Slow)
        backend = Embedded(None)
        before = Path("/proc/self/fd/2").readlink()
        starts = [threading.Thread(target=start, args=(engine,)) for engine in backend._engines]
        for thread in starts:
            thread.start()
            time.sleep(0.05)
        for thread in starts:
            thread.join()
        assert Path("/proc/self/fd/2").readlink() == before

    def test_one_question_at_a_time_starts_one_engine(self, backend: Embedded) -> None:
        ask(backend, "one", max_tokens=1)
        ask(backend, "two", max_tokens=1)
        assert [engine.server is not None for engine in backend._engines] == [True, False][: _cores()]

    def test_no_other_program_may_use_the_engines_port(self, backend: Embedded) -> None:
        ask(backend, "one", max_tokens=1)
        address = urlsplit(backend._engines[0].server.listening_address)
        assert address.hostname == "127.0.0.1"
        stranger = http.client.HTTPConnection(address.netloc, timeout=10)
        stranger.request("POST", "/v1/completions", '{"prompt": "x", "max_tokens": 1}')
        assert stranger.getresponse().status == 401
        stranger.close()

    def test_a_program_that_asked_ends_by_itself_and_quietly(self) -> None:
        program = (
            "import asyncio\n"
            "from selfinstruct.models.embedded import Embedded\n"
            "from selfinstruct.records import Request\n"
            "backend = Embedded(None)\n"
            "answer = asyncio.run(backend.answer(Request(prompt='one two', max_tokens=2)))\n"
            "print(len(answer.choices))\n"  # and no close(): the worst case
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def gguf(path: Path, content: bytes) -> Path:
    path.write_bytes(b"GGUF" + content)
    return path


def test_a_file_without_a_template_takes_no_chat(tmp_path: Path) -> None:
    base = Embedded(gguf(tmp_path / "base.gguf", b"\0 general.name"))
    tuned = Embedded(gguf(tmp_path / "tuned.gguf", b"\0 tokenizer.chat_template"))
    assert (base.traits.chat, tuned.traits.chat) == (False, True)
    assert base.traits.completion
    assert base.name == "gguf:base.gguf"
    assert str(tmp_path) in base.notice


def test_nothing_is_loaded_before_the_first_question(tmp_path: Path) -> None:
    backend = Embedded(gguf(tmp_path / "broken.gguf", b"no weights at all"))
    assert all(engine.server is None for engine in backend._engines)
    asyncio.run(backend.close())


@pytest.mark.parametrize("content", [b"", b"GG", b"PK\x03\x04"])
def test_a_file_that_is_no_gguf_is_refused_at_once(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.gguf"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="not a GGUF file"):
        Embedded(path)


@pytest.mark.skipif(not _runs_here(), reason="needs the engine")
def test_weights_the_engine_cannot_read_are_one_clear_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadInput, match="the engine cannot load it"):
        ask(Embedded(gguf(tmp_path / "broken.gguf", b"no weights at all")), "one")
    assert capfd.readouterr().err == ""


def test_libraries_are_told_to_sleep_soon_and_nothing_stays_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    with soon_asleep_while_waiting():
        assert [os.environ.get(name) for name in NAMES] == ["passive", "10000"]
    assert not any(name in os.environ for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_who_says_how_threads_wait_is_obeyed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in NAMES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, "7")
    with soon_asleep_while_waiting():
        assert {name: os.environ.get(name) for name in NAMES} == {**dict.fromkeys(NAMES), name: "7"}
    assert os.environ[name] == "7"
