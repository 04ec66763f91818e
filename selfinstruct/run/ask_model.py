"""A model by its spec, asked from Python: answers as texts, failures as objects; no run, no journal."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import AnswersInMemory
from selfinstruct.models.gate import Gate, Policy
from selfinstruct.models.hosted import hosted_model
from selfinstruct.models.make import check_spec
from selfinstruct.models.money import Budget, Prices
from selfinstruct.records import Completion, Failure, Message, Request
from selfinstruct.run.endpoints import Endpoints, made_backends
from selfinstruct.stage import Traits
from selfinstruct.store.run_folder import RunFolder
from selfinstruct.text import printable, shown

_ROLE = "model"


class AskedModel:
    """A loaded model: `ask` it, or hand it to a stage that is called alone. `with` it, or `close` it, to let it go.

    Nothing that it says is kept, and nothing caps what it costs: for that there are runs.
    """

    def __init__(self, gate: Gate, learn: Callable[[], None]) -> None:
        """Made by `load_model`."""
        self._gate, self._learn = gate, learn
        self._model = gate.scoped("ask")
        self._learned = False

    @property
    def name(self) -> str:
        """Its spec, without secrets."""
        return self._model.name

    @property
    def traits(self) -> Traits:
        """What it can be asked for."""
        self._know()
        return self._model.traits

    def ask(
        self,
        prompts: Sequence[str | Sequence[Message]],
        *,
        max_tokens: int = 256,
        temperature: float = 0.0,
        top_p: float = 1.0,
        stop: Sequence[str] = (),
        seed: int | None = None,
        system: str = "",
        raw: bool = False,
    ) -> list[str | Failure]:
        """An answer to each prompt, in order, or the Failure that says why there is none; never an empty text.

        A prompt is a text, put as a chat's user turn where the model takes chats (`raw`: always a text to continue), or
        the turns of a chat. `system` goes before a text. BadInput for a text alone in place of a list.
        """
        if isinstance(prompts, str):
            raise BadInput("a text alone", place="ask", fix="give a list of prompts")
        chat = self.traits.chat and not raw
        requests = (
            Request(
                prompt=_put(prompt, system, chat=chat),
                max_tokens=max_tokens,
                temperature=temperature,
                top_p=top_p,
                stop=tuple(stop),
                seed=seed,
                purpose="ask",
            )
            for prompt in prompts
        )
        return [_text(reply) for reply in self.complete(requests)]

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        """Answers in request order, lazily, as stages ask for them."""
        self._know()
        return self._model.complete(requests)

    def _know(self) -> None:
        if not self._learned:
            self._learn()
            self._learned = True

    def close(self) -> None:
        """Let go of connections and of memory."""
        self._gate.close()

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Its name."""
        return f"<model {self.name}>"


def load_model(
    spec: str | Path | Mapping[str, Any], *, in_flight: int | None = None, timeout: float = 600.0, attempts: int = 6
) -> AskedModel:
    """The model of a spec such as `embedded`, `hf:FOLDER` or `openai:NAME`, or of a mapping as in a recipe.

    `in_flight`: requests at a time, None: the backend's own default; `timeout`: seconds for one answer; `attempts` at
    each request. BadInput lists the kinds that exist.
    """
    given = hosted_model(spec, "the model") if isinstance(spec, Mapping) else str(spec)
    if isinstance(given, str):
        check_spec(given)
    backends = made_backends({_ROLE: given})
    [backend] = backends.values()
    endpoints = Endpoints(backends, RunFolder(Path("no folder: nothing is remembered")), _tell)
    prices = Prices.load(None)
    policy = Policy(in_flight=in_flight, timeout=timeout, attempts=attempts)
    gate = Gate(backend, AnswersInMemory(), policy=policy, prices=prices, notice=_tell)
    return AskedModel(gate, lambda: endpoints.learn(Budget(), prices))


def _put(prompt: str | Sequence[Message], system: str, *, chat: bool) -> str | tuple[Message, ...]:
    if not isinstance(prompt, str):
        turns = tuple(prompt)
        if not turns or not all(isinstance(turn, Message) for turn in turns):
            raise BadInput(f"no prompt: {shown(repr(prompt), 60)}", place="ask", fix="give texts, or lists of Message")
        return turns
    if not chat:
        return f"{system}\n\n{prompt}" if system else prompt
    before = (Message("system", system),) if system else ()
    return (*before, Message("user", prompt))


def _text(reply: Completion | Failure) -> str | Failure:
    if isinstance(reply, Failure):
        return reply
    text = reply.choices[0].text if reply.choices else ""
    return text if text.strip() else Failure(request=reply.request, kind="empty_text", message="an answer without text")


def _tell(line: str) -> None:
    sys.stderr.write(printable(line) + "\n")
