"""An endpoint as lm-evaluation-harness asks models: each answer goes through our gate, with its journal and its caps.

Imported by the harness's own process alone.
"""

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lm_eval.api.model import LM

from selfinstruct.errors import BadInput, ProviderDown
from selfinstruct.models.gate import Gate
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.models.openai_request import cut_at_stops
from selfinstruct.models.prices_and_budget import estimate
from selfinstruct.records import Failure, Message, Request
from selfinstruct.run.endpoints import Endpoints, made_backends
from selfinstruct.run.recipe.keys import Limits
from selfinstruct.run.stage_models import budget, policy, prices_of
from selfinstruct.stage import SAID_NOTHING
from selfinstruct.store.journal import Journal
from selfinstruct.store.run_folder import RunFolder

JOURNAL = "journal.sqlite"
_TOKENS = 256  # of an answer, where a task does not say
_ENDPOINT_STOPS = 4  # more than an endpoint takes; the others are cut here


class _Templated(LM):  # type: ignore[misc]  # the harness publishes no types
    """Of whose chat template and tokenizer nobody knows: turns are handed on as JSON."""

    def apply_chat_template(self, chat_history: list[dict[str, str]], **_: Any) -> str:  # noqa: ANN401 - as LM has it
        """What `as_request` reads back."""
        return as_turns(chat_history)

    @property
    def tokenizer_name(self) -> str:
        """Empty: the endpoint's tokenizer is unknown."""
        return "not known"

    def chat_template(self, *_: Any) -> str:  # noqa: ANN401 - as LM has it
        """Empty: the endpoint's chat template is unknown."""
        return ""


class JournalledEndpoint(_Templated):
    """Answers what is to be written; close it, so that the journal is whole."""

    def __init__(self, spec: str, folder: Path, limits: Limits, *, chat: bool, likelihood: LM | None) -> None:
        """`likelihood`: who is asked how likely given texts are; None: nobody."""
        super().__init__()
        self._chat, self._likelihood = chat, likelihood
        self._open = ExitStack()
        backends = made_backends({"scored": spec})
        prices = prices_of(limits)
        endpoints = Endpoints(backends, RunFolder(folder), _tell)
        journal = self._open.enter_context(Journal(folder / JOURNAL))
        try:
            spendable = budget(limits, journal.spent())
            endpoints.learn(spendable, prices)
            endpoints.keep(journal)
            gate = Gate(backends["scored"], journal, policy(limits), spendable, prices, notice=_tell)
        except BaseException:
            self._open.close()
            raise
        self._journal, self._gate = journal, self._open.enter_context(gate)

    def generate_until(self, requests: list[Any], **_: Any) -> list[str]:  # noqa: ANN401 - as LM has it
        """In their order; ProviderDown where some failed for good: the others are kept, and are not asked again."""
        wanted = [as_request(request, chat=self._chat) for request in requests]
        texts, failed = list[str](), list[Failure]()
        model = self._gate.scoped(f"harness/{requests[0].task_name}" if requests else "harness")
        for reply, (_request, stops) in zip(model.complete(request for request, _ in wanted), wanted, strict=True):
            if isinstance(reply, Failure):
                failed += [] if reply.kind in SAID_NOTHING else [reply]
                texts.append("")
            else:
                texts.append(cut_at_stops(reply.choices[:1], stops)[0].text)
        if failed:
            what = f"{len(failed)} of {len(wanted)} requests failed ({failed[0].kind}: {failed[0].message})"
            raise ProviderDown(f"{what}; what was answered is kept: type the same again")
        return texts

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        """By the harness's own client: of given text an endpoint tells likelihoods in one form only."""
        if self._likelihood is None:
            raise BadInput("nobody tells how likely a text is", place="--suite harness", fix="leave the task out")
        likelihoods: list[tuple[float, bool]] = self._likelihood.loglikelihood(requests)
        return likelihoods

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        """As `loglikelihood`."""
        if self._likelihood is None:
            raise BadInput("nobody tells how likely a text is", place="--suite harness", fix="leave the task out")
        likelihoods: list[float] = self._likelihood.loglikelihood_rolling(requests)
        return likelihoods

    def spent(self) -> dict[str, Any]:
        """So far, tries that were ended among it; `cost` is None where the price is unknown."""
        totals = self._journal.spent()
        return {"cost": None if self._gate.price is None else str(totals.cost), "tokens": totals.tokens}

    def close(self) -> None:
        """Let go of the endpoint and of the journal."""
        self._open.close()


class Planned(_Templated):
    """Takes note of what it would be asked, and says nothing."""

    def __init__(self, *, chat: bool) -> None:
        """`chat`: whether prompts are turns."""
        super().__init__()
        self._chat, self.noted = chat, list[Request]()

    def generate_until(self, requests: list[Any], **_: Any) -> list[str]:  # noqa: ANN401 - as LM has it
        """Note the requests for the estimate; nothing is sent."""
        self.noted += [as_request(request, chat=self._chat)[0] for request in requests]
        return [""] * len(requests)

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        """Each as a request for nothing but its prompt."""
        self.noted += [Request(prompt="".join(map(str, request.args)), max_tokens=1) for request in requests]
        return [(0.0, False)] * len(requests)

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        """As `loglikelihood`."""
        return [likelihood for likelihood, _ in self.loglikelihood(requests)]

    def plan(self, spec: str, limits: Limits) -> dict[str, Any]:
        """What all of it would take and cost."""
        backend = made_backends({"scored": spec}, planned=True)["scored"]
        base_url = backend.base_url if isinstance(backend, OpenAICompatible) else ""
        estimated = estimate(self.noted, prices_of(limits).of(backend.name, base_url))
        return {
            "requests": estimated.requests,
            "prompt_tokens": estimated.prompt_tokens_likely,
            "completion_tokens_most": estimated.completion_tokens_most,
            "cost": estimated.cost,
        }


def as_turns(history: Sequence[dict[str, str]]) -> str:
    """Turns of a chat as a text that `as_request` reads back.

    >>> as_turns([{"role": "user", "content": "1 + 1", "type": "text"}])
    '[{"role": "user", "content": "1 + 1"}]'
    """
    return json.dumps([{key: turn[key] for key in ("role", "content")} for turn in history], ensure_ascii=False)


def as_request(instance: Any, *, chat: bool) -> tuple[Request, tuple[str, ...]]:  # noqa: ANN401 - the harness's `Instance`
    """What the harness wants, as a request of ours, and every text at which the answer ends."""
    prompt, settings = str(instance.args[0]), dict(instance.args[1])
    until = settings.get("until") or ()
    stops = tuple(filter(None, (until,) if isinstance(until, str) else map(str, until)))
    warm = float(settings.get("temperature") or 0) if settings.get("do_sample", True) else 0.0
    request = Request(
        prompt=tuple(Message(turn["role"], turn["content"]) for turn in json.loads(prompt)) if chat else prompt,
        max_tokens=int(settings.get("max_gen_toks") or settings.get("max_tokens") or _TOKENS),
        temperature=warm,
        top_p=float(settings.get("top_p") or 1.0),
        stop=stops[:_ENDPOINT_STOPS],
        purpose="harness",
    )
    return request, stops


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
