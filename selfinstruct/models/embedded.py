"""llama.cpp inside this process, from a prebuilt wheel: no key, no server to start, no GPU."""

import asyncio
import contextlib
import http.client
import json
import mmap
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selfinstruct.bounded_read import regular
from selfinstruct.errors import BadInput
from selfinstruct.models.backend import Answer, CallError
from selfinstruct.models.weights import check_machine, embedded_weights
from selfinstruct.records import Choice, Request, Usage
from selfinstruct.stage import Traits

_SLOTS = 8  # continuations decoded together: one prefill of a shared prompt serves them all
_CONTEXT = 2048  # tokens for each slot; a prompt of eight demonstrations takes about 300
_METADATA = 64 * 2**20  # bytes at the start of a GGUF file among which its metadata lie
_STARTING = threading.Lock()  # while an engine starts, what it writes and reads of the whole process is bent
_SMALL_FILE = 1_000_000_000  # bytes; four-bit weights of about a billion parameters and a half
_WISHES = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "10000"}  # the second, where known, outweighs the first


class Embedded:
    """The backend of `embedded`, `gemma` and `gguf:PATH`; weights are loaded when the first question comes."""

    def __init__(self, path: Path | None, *, name: str = "", notice: str = "", in_flight: int = 8) -> None:
        """`path` None: our embedded model; `name`, `notice`: in place of a file's; BadInput where it is no GGUF."""
        if path is not None:
            _check_gguf(path)
        self._path = path
        self.name = name or ("embedded" if path is None else f"gguf:{path.name}")
        self.in_flight = in_flight
        small = path is None or path.stat().st_size < _SMALL_FILE
        self.traits = Traits(chat=path is None or has_template(path), structured=True, grammar=True, small=small)
        self.notice = notice or ("" if path is None else f"weights: {path}")
        self._lock = threading.Lock()
        # Two engines side by side answer faster than one of twice the threads; large weights are not held twice.
        engines = min(2 if small else 1, in_flight, _cores())
        self._engines = [_Engine(path, slots=min(2, in_flight) // engines * _SLOTS, of=engines) for _ in range(engines)]
        self._threads: ThreadPoolExecutor | None = None

    async def answer(self, request: Request) -> Answer:
        """One answer, or CallError."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.in_flight, thread_name_prefix="embedded")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, request)

    async def close(self) -> None:
        """End the threads, then the engine; an answer in the making cannot be broken off and is not waited for."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None
        for engine in self._engines:
            engine.server = None

    def _ask(self, request: Request) -> Answer:
        with self._least_busy() as engine:
            return engine.ask(request)

    @contextlib.contextmanager
    def _least_busy(self) -> Iterator["_Engine"]:
        """The engine with the fewest questions; the second starts when the first is at work."""
        with self._lock:
            engine = min(self._engines, key=lambda candidate: candidate.asked)
            engine.asked += 1
        try:
            yield engine
        finally:
            with self._lock:
                engine.asked -= 1


class _Engine:
    """One loaded model; `asked` counts the questions it is at work on."""

    def __init__(self, path: Path | None, *, slots: int, of: int) -> None:
        """`path` None: our embedded model; `slots`: continuations at a time; `of`: engines that share the cores."""
        self._path, self._slots, self._of = path, slots, of
        self._lock = threading.Lock()
        self.server: Any = None
        self.password = secrets.token_hex()  # the engine opens a loopback port; no other program may use it
        self.asked = 0

    def ask(self, request: Request) -> Answer:
        server = self.loaded()
        chat = not isinstance(request.prompt, str)
        response = (server.handle_chat_completions if chat else server.handle_completions)(_body(request))
        response = json.loads(response) if isinstance(response, str | bytes) else response
        if "error" in response:
            raise _refused(response["error"])
        choices = tuple(_choice(choice, chat=chat) for choice in sorted(response["choices"], key=lambda c: c["index"]))
        if len(choices) != request.n:
            raise CallError("bad_answer", f"{len(choices)} texts instead of {request.n}", retry="later")
        # The engine counts the tokens of one choice only, so the texts are counted again.
        completion = sum(_tokens(server, self.password, choice.thinking + choice.text) for choice in choices)
        usage = Usage(prompt_tokens=response["usage"]["prompt_tokens"], completion_tokens=completion)
        return Answer(choices=choices, usage=usage, raw=json.dumps(response))

    def loaded(self) -> Any:  # noqa: ANN401 - the engine publishes no types
        with self._lock:
            if self.server is None:
                with _STARTING:
                    self.server = _start(self._path or embedded_weights(), self.password, self._slots, self._of)
            return self.server


def _tokens(server: Any, password: str, text: str) -> int:  # noqa: ANN401 - the engine publishes no types
    """Tokens of a text by the engine's own tokenizer, and one for the mark that ended it."""
    if not text:
        return 1
    engine = http.client.HTTPConnection(urlsplit(server.listening_address).netloc, timeout=60)
    try:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {password}"}
        engine.request("POST", "/tokenize", json.dumps({"content": text}), headers)
        return len(json.load(engine.getresponse())["tokens"]) + 1
    except (OSError, http.client.HTTPException, ValueError, KeyError) as fault:
        raise CallError("engine", f"the engine does not count tokens ({fault!r})", retry="later") from fault
    finally:
        engine.close()


def _start(path: Path, password: str, slots: int, of: int) -> Any:  # noqa: ANN401 - the engine publishes no types
    check_machine()
    with soon_asleep_while_waiting():
        import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = slots
    params.n_ctx = slots * _CONTEXT
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [password]
    params.verbosity = 0
    params.warmup = params.ui = params.fit_params = False
    params.cache_ram_mib = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, _free_cores() // of)
    with _silent():
        try:
            return xllamacpp.Server(params)
        except Exception as fault:
            raise BadInput(f"the engine cannot load it ({fault})", place=str(path), fix="try another file") from fault


def _free_cores() -> int:
    """Cores that nobody uses, at least one.

    The engine's threads wait for each other some three hundred times a token: when one of them has to share its core,
    all stand still, and two threads on a busy machine are a hundred times slower than one.
    """
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, _cores() - round(busy))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep the engine's own words, written past Python, off the terminal while it loads."""
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def _body(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = {
        "n": request.n,
        "max_tokens": request.most_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
        "stop": list(request.stop),
        "seed": request.seed if request.seed is not None else int(request.key("seed")[:7], 16),
        "cache_prompt": True,
    }
    if isinstance(request.prompt, str):
        body["prompt"] = request.prompt
    else:
        body["messages"] = [{"role": turn.role, "content": turn.content} for turn in request.prompt]
    if request.json_schema:
        body["json_schema"] = json.loads(request.json_schema)
    if request.grammar:
        body["grammar"] = request.grammar
    return body


def _choice(choice: Mapping[str, Any], *, chat: bool) -> Choice:
    message = choice["message"] if chat else {"content": choice["text"]}
    thinking = message.get("reasoning_content")
    reason = choice.get("finish_reason") or ""
    return Choice(message.get("content") or "", reason, thinking if isinstance(thinking, str) else "")


def _refused(error: Mapping[str, Any]) -> CallError:
    message = str(error.get("message", error))
    if error.get("type") == "exceed_context_size_error":
        return CallError("too_long", message, retry="never")
    return CallError("engine", message, retry="never" if error.get("code") == 400 else "later")


def _check_gguf(path: Path) -> None:
    regular(path, f"gguf:{path}")
    try:
        with path.open("rb") as file:
            mark = file.read(4)
    except OSError as fault:
        raise BadInput(fault.strerror or str(fault), place=f"gguf:{path}", fix="check the path") from fault
    if mark != b"GGUF":
        raise BadInput("not a GGUF file", place=f"gguf:{path}", fix="convert the weights to GGUF first")


def has_template(path: Path) -> bool:
    """Whether the file says how a conversation is written; without it the engine would make something up."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"tokenizer.chat_template", 0, _METADATA) >= 0


@contextlib.contextmanager
def soon_asleep_while_waiting() -> Iterator[None]:
    """Threads of what is loaded within soon sleep while they wait for each other, unless the user says otherwise.

    By default they spin for milliseconds, and when somebody else needs a core, two threads become many times slower
    than one; asleep at once, they take longer to wake up than small matrices take to multiply. A few thousandths of a
    millisecond are best on a free machine and on a busy one (`benchmarks/NOTES.md`). OpenMP reads the wish once, while
    it is loaded.
    """
    said = any(name in os.environ for name in _WISHES)
    if not said:
        os.environ.update(_WISHES)
    try:
        yield
    finally:
        if not said:
            for name in _WISHES:
                os.environ.pop(name, None)
