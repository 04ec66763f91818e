"""Transformers models on this machine (extra `train`): requests are gathered into batches and answered together."""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import Answer, CallError
from selfinstruct.models.model_files import SMALL, facts, find_weights, plain_name
from selfinstruct.models.transformers_decode import Decoder, EncoderDecoder, TokenizedRequest
from selfinstruct.models.transformers_weights import facts_on_hub, load_weights
from selfinstruct.records import Request
from selfinstruct.stage import DTYPES, OWN_DTYPE, Dtype, Traits

Prepared = TypeVar("Prepared")
_IN_FLIGHT = 64  # two batches on a processor: while one is answered, the next is chosen by length


@dataclass(slots=True, eq=False)
class QueuedRequest(Generic[Prepared]):
    """A request on its way to an answer, made ready for the model."""

    ready: Prepared
    answer: "Future[Answer]"

    @property
    def unwanted(self) -> bool:
        """Whether the caller has given the request up."""
        return self.answer.cancelled()


@dataclass(slots=True, eq=False)
class RequestBatcher(Generic[Prepared]):
    """Waits until `enough` requests are there, or until none came for `pause` seconds; then works on them.

    `work` gets all that wait, the oldest first, settles some of them, the first in any case, and returns the others;
    its second argument tells whether it should break off.
    What `prepare` raises concerns that request alone; what `work` raises, all that wait.
    """

    prepare: Callable[[Request], Prepared]
    work: Callable[[list[QueuedRequest[Prepared]], Callable[[], bool]], list[QueuedRequest[Prepared]]]
    enough: int
    pause: float = 0.005
    _inbox: "SimpleQueue[tuple[Request, Future[Answer]] | None]" = field(default_factory=SimpleQueue)
    _thread: threading.Thread | None = None
    _closed: bool = False

    def put(self, request: Request) -> "Future[Answer]":
        """Line a request up; its answer, or why there is none."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="model batches", daemon=True)
            self._thread.start()
        answer: Future[Answer] = Future()
        self._inbox.put((request, answer))
        return answer

    def close(self, patience: float = 5.0) -> None:
        """Cancel what waits, and give the thread so many seconds to end."""
        self._closed = True
        self._inbox.put(None)
        if self._thread is not None:
            self._thread.join(patience)

    def _run(self) -> None:
        waiting: list[QueuedRequest[Prepared]] = []
        while self._collect(waiting):
            waiting = [asked for asked in waiting if not asked.unwanted]
            try:
                waiting = self.work(waiting, lambda: self._closed) if waiting else []
            except Exception as fault:  # noqa: BLE001 - raised where the answers are read
                for asked in waiting:
                    resolve_answer(asked.answer, fault)
                waiting = []
        for asked in waiting:
            asked.answer.cancel()
        while not self._inbox.empty():
            left = self._inbox.get()
            if left is not None:
                left[1].cancel()

    def _collect(self, waiting: list[QueuedRequest[Prepared]]) -> bool:
        """Add to what waits; False when closed."""
        patience = self.pause if waiting else None
        while len(waiting) < self.enough and not self._closed:
            try:
                arrived = self._inbox.get(timeout=patience)
            except Empty:
                break
            if arrived is None:
                break
            patience = self.pause
            request, answer = arrived
            try:
                waiting.append(QueuedRequest(self.prepare(request), answer))
            except Exception as fault:  # noqa: BLE001 - as above
                resolve_answer(answer, fault)
        return not self._closed


def resolve_answer(answer: "Future[Answer]", outcome: Answer | Exception) -> None:
    """Hand an answer over, or the reason why there is none; nothing happens where the caller has given it up."""
    if answer.done() or not answer.set_running_or_notify_cancel():
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


class TransformersModel:
    """The backend of `hf:NAME_OR_FOLDER`; weights are loaded when the first question comes.

    At temperature 0 the likeliest token is taken; otherwise each choice of each request throws its own dice, seeded by
    the request. Neighbours in a batch change nothing but the rounding of the last bits: in 4-byte floats a text differs
    only where two tokens are equally likely to one in a million, in 2-byte floats now and then.
    """

    def __init__(
        self, name: str, *, device: str = "", dtype: Dtype = "auto", rows: int = 0, in_flight: int = _IN_FLIGHT
    ) -> None:
        """`name`: a folder, an adapter's folder, a .gguf file, or a name on the Hub; `rows`: most texts at a time."""
        self._weights, self._place = name, find_weights(name)
        self._device, self._dtype, self._rows = device, dtype, rows
        self.in_flight = in_flight
        self.notice = f"weights: {name} (transformers{'' if dtype == 'auto' else f', {dtype}'})"
        self._decoder: Decoder | None = None
        self._gatherer: RequestBatcher[TokenizedRequest] | None = None

    @classmethod
    def from_environment(cls, name: str) -> "TransformersModel":
        """With the number format that SELFINSTRUCT_DTYPE names, if any."""
        wish = os.environ.get(OWN_DTYPE, "auto") or "auto"
        for dtype in DTYPES:
            if dtype == wish:
                return cls(name, dtype=dtype)
        raise BadInput(f"no number format '{wish}'", place=OWN_DTYPE, fix=f"one of: {', '.join(DTYPES)}")

    @cached_property
    def name(self) -> str:
        """As in `Backend`; a folder's name says nothing of where it lies, and a mark tells contents apart."""
        return plain_name(self._weights)

    @cached_property
    def traits(self) -> Traits:
        """As in `Backend`; for a name on the Hub its settings are fetched."""
        known = facts_on_hub(self._weights) if self._place is None else facts(self._place, facts_on_hub)
        return Traits(chat=known.chat, small=known.parameters < SMALL)

    async def answer(self, request: Request) -> Answer:
        """As in `Backend`; BadInput where a model without a chat template is asked for a chat."""
        if self._gatherer is None:
            self._gatherer = RequestBatcher(self._prepare, self._work, enough=self.in_flight)
        return await asyncio.wrap_future(self._gatherer.put(request))

    async def close(self) -> None:
        """Break off what is under way, end the thread and forget the weights."""
        gatherer, self._gatherer = self._gatherer, None
        if gatherer is not None:
            await asyncio.to_thread(gatherer.close)
        self._decoder = None

    def _prepare(self, request: Request) -> TokenizedRequest:
        return self._loaded().cut(request)

    def _loaded(self) -> Decoder:
        """On the gatherer's thread alone, so that weights are loaded once."""
        if self._decoder is None:
            loaded = load_weights(self._weights, device=self._device, dtype=self._dtype, to_ask=True)
            made = EncoderDecoder if getattr(loaded.model.config, "is_encoder_decoder", False) else Decoder
            self._decoder = made(loaded, name=self._weights.removeprefix("hf:"), rows=self._rows)
        return self._decoder

    def _work(
        self, waiting: list[QueuedRequest[TokenizedRequest]], broken_off: Callable[[], bool]
    ) -> list[QueuedRequest[TokenizedRequest]]:
        """Answer the one that has waited longest, together with those nearest to it in length."""
        decoder = self._loaded()
        chosen = decoder.fellows([asked.ready for asked in waiting])
        asked = [waiting[at] for at in chosen]
        outcomes: Sequence[Answer | CallError]
        try:
            cuts = [queued.ready for queued in asked]
            outcomes = decoder.answers(cuts, lambda at: broken_off() or asked[at].unwanted)
        except CallError as fault:
            outcomes = [fault] * len(asked)
        except (RuntimeError, IndexError, ValueError) as fault:  # what the engine says of a model it cannot run
            said = str(fault).strip().partition("\n")[0]
            outcomes = [CallError("engine", f"transformers: {said}", retry="never")] * len(asked)
        for queued, outcome in zip(asked, outcomes, strict=True):
            if broken_off():
                queued.answer.cancel()
            resolve_answer(queued.answer, outcome)
        taken = frozenset(chosen)
        return [queued for at, queued in enumerate(waiting) if at not in taken]
