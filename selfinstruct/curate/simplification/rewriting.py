"""Asking a model for a plainer reply, and a judge whether the original says everything the rewrite says."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from selfinstruct.curate.replies import Reply
from selfinstruct.prompts import Prompt, prompt
from selfinstruct.records import Completion, Failure, Message, Request
from selfinstruct.stage import Model, ask

END = "<<<END>>>"
"""What closes a reply in the prompts for raw completion, where a blank line may be part of it."""
_CUT = ("length", "content_filter")
_ANSWER = re.compile(r"[\s*_\"'`]*(yes|no)\b", re.IGNORECASE)
_LABEL = re.compile(
    r"\A(?:\*\*)?(?:simplified|shorter|plainer|rewritten) (?:reply|response|answer):?(?:\*\*)?:?\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Said:
    """A model's answer, read."""

    text: str
    request: str
    """Id of the completion."""
    cut: bool = False
    """True when it ran into the limit of tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Whether a model is asked by messages or by a raw text, and how prompts become requests."""

    chat: bool

    def prompt(self, name: str) -> Prompt:
        """The prompt of that name, in this form."""
        return prompt("curate", f"{name}.{'chat' if self.chat else 'completion'}")

    def request(
        self,
        text: str,
        *,
        max_tokens: int,
        purpose: str,
        subject: str,
        stop: tuple[str, ...] = (),
        temperature: float = 0.0,
        n: int = 1,
        seed: int | None = None,
    ) -> Request:
        """A request; `stop` is for raw texts, which would go on to the next example."""
        return Request(
            prompt=(Message("user", text),) if self.chat else text,
            max_tokens=max_tokens,
            temperature=temperature,
            stop=() if self.chat else stop,
            n=n,
            seed=seed,
            purpose=purpose,
            subject=subject,
        )


def form_of(model: Model) -> Form:
    """Messages where the model takes them: rewriting and judging are what chat models are tuned for."""
    return Form(chat=model.traits.chat)


class Asking:
    """The two questions of simplification, put to one model."""

    def __init__(self, model: Model, *, max_tokens: int) -> None:
        """`max_tokens` is for a rewrite."""
        self._model, self._max_tokens, self._form = model, max_tokens, form_of(model)

    @property
    def label(self) -> str:
        """Name and version of the prompt for rewriting."""
        return self._form.prompt("simplify").label

    def rewrites(self, asked: Sequence[Reply]) -> Iterator[Said | Failure]:
        """A plainer text for each reply, in order."""
        text = self._form.prompt("simplify")

        def request(reply: Reply) -> Request:
            filled = text.filled(asked=reply.asked.strip(), reply=reply.output.strip())
            return self._form.request(
                filled, max_tokens=self._max_tokens, purpose="simplify", subject=reply.instruction, stop=(END,)
            )

        for found in ask(self._model, asked, request):
            yield _said(found.reply)

    def entailments(self, changes: Sequence[tuple[Reply, str]]) -> Iterator[Said | Failure]:
        """For each reply and its rewrite: `yes`, `no`, or nothing where the judge said neither."""
        text = self._form.prompt("entails")

        def request(change: tuple[Reply, str]) -> Request:
            reply, rewrite = change
            filled = text.filled(asked=reply.asked.strip(), reply=reply.output.strip(), rewrite=rewrite)
            return self._form.request(filled, max_tokens=16, purpose="entails", subject=reply.instruction, stop=("\n",))

        for found in ask(self._model, changes, request):
            said = _said(found.reply)
            if isinstance(said, Failure):
                yield said
                continue
            answer = _ANSWER.match(said.text)
            yield Said(answer[1].lower() if answer else "", said.request)


def _said(reply: Completion | Failure) -> Said | Failure:
    if isinstance(reply, Failure):
        return reply
    choice = reply.choices[0]
    text = _LABEL.sub("", choice.text.split(END)[0].strip())
    return Said(text, reply.choice_id(0), cut=choice.finish_reason in _CUT)
