"""A response and its verdict: does it answer, and is it a clean answer that stops?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from selfinstruct.errors import BadInput
from selfinstruct.records import Json, digest
from selfinstruct.stage import Tone
from selfinstruct.text.thinking import parted, sounds_like_thinking
from selfinstruct.tone.first_tokens import TONE_TOKENS, CountTokens, approximate_tokens, first_tokens
from selfinstruct.tone.no_answer import (
    asks_to_repeat,
    is_echo,
    is_empty,
    is_loop,
    opens_another_turn,
    run_on,
    says_prompt_alone,
)

BUDGET = 256
"""Tokens within which a clean answer comes to its end."""
_BATCH = 4096  # pairs that a judge is given at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a verdict rests on, the judge aside."""

    tone_tokens: int = TONE_TOKENS
    """The tone is told from as many generated tokens; later ones never change it."""
    budget: int = BUDGET
    """Tokens within which a clean answer ends; 0: whether it ends is not looked at."""
    count: CountTokens | None = None
    """Tokens of a text; None: an estimate (`approximate_tokens`)."""

    def __post_init__(self) -> None:
        """Refuse terms under which nothing could be told."""
        if self.tone_tokens < 1:
            raise BadInput(f"tone_tokens: {self.tone_tokens}", fix="give at least 1; ifs-v1 is told from 48")
        if self.budget and self.budget < self.tone_tokens:
            raise BadInput(
                f"budget: {self.budget} is less than the {self.tone_tokens} of the tone", fix="give more, or 0"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a model replied to a prompt."""

    prompt: str
    """What the user said: no wrapper, no template."""
    text: str
    model: str = ""
    wrapper: str = ""
    finish_reason: str = ""
    """`stop`, `length` or what the endpoint said; empty where unknown."""
    whole: bool = True
    """False for the beginning of an instruction."""
    inferred: bool = False
    """Whether the prompt is whole is not stated: it is inferred from its end."""
    complete: bool = False
    """A beginning that happens to be a whole sentence."""
    source: str = ""
    """What the prompt was made from: responses of one source are not independent."""
    sample: int = 0
    asked_tokens: int | None = None
    """At most as many tokens were asked for; None where unknown."""
    extra: Mapping[str, Json] = field(default_factory=dict)
    """Fields of the user's own; they come back in `responses.jsonl`."""

    @property
    def known_whole(self) -> bool | None:
        """Whether the prompt is whole, as a judge is told: nothing that was only inferred."""
        return None if self.inferred else self.whole

    @property
    def origin(self) -> str:
        """The source, or the prompt where none is named."""
        return self.source or digest("prompt", self.prompt)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneVerdict:
    """What IFS is counted from: a judge's verdict on one response, without the response."""

    source: str
    """Of the prompt: whole and cut prompts of one instruction share it."""
    whole: bool
    """The prompt is a whole instruction."""
    answers: bool
    clean: bool | None
    """Answers and stops within the budget; None where no budget was set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedResponse:
    """One response with all that was found out about it."""

    response: Response
    probability: float
    """That it answers, as the judge says; 0 where a rule says that it does not, and no judge is asked: it is empty,
    only thinks, is the prompt over again, or opens another turn of the user's."""
    answer_like: bool
    run_on: str
    """The kind of mark at which it goes on into something new; empty where it does not."""
    empty: bool
    echo: bool
    loop: bool
    truncated: bool
    """Cut off by a cap on its length, as its finish reason says."""
    stopped: bool | None
    """Came to its end within the budget; None where no budget is set."""

    @property
    def clean(self) -> bool | None:
        """Answers and stops: not empty, no echo, no loop, nothing new begun."""
        if self.stopped is None:
            return None
        failed = self.empty or self.echo or self.loop or bool(self.run_on)
        return self.answer_like and self.stopped and not failed

    @property
    def verdict(self) -> ToneVerdict:
        """What IFS is counted from."""
        response = self.response
        return ToneVerdict(source=response.origin, whole=response.whole, answers=self.answer_like, clean=self.clean)

    def as_json(self) -> dict[str, Json]:
        """One line of `responses.jsonl`: the user's fields (`given_NAME` where we have one so named), then ours."""
        response = self.response
        ours: dict[str, Json] = {
            "model": response.model,
            "wrapper": response.wrapper,
            "prompt": response.prompt,
            "response": response.text,
            "finish_reason": response.finish_reason,
            "probability": self.probability,
            "answer_like": self.answer_like,
            "clean": self.clean,
            "run_on": self.run_on,
            "empty": self.empty,
            "echo": self.echo,
            "loop": self.loop,
            "truncated": self.truncated,
            "whole": response.whole,
            "complete": response.complete,
            "source": response.source,
            "sample": response.sample,
        }
        return {
            f"given_{key}" if key in ours and ours[key] != value else key: value
            for key, value in response.extra.items()
        } | ours


def judged(responses: Iterable[Response], tone: Tone, terms: Terms | None = None) -> Iterator[JudgedResponse]:
    """Each response with its verdict, in order; the judge sees the prompt and the first tokens of the response.

    A response that says nothing, only thinks, says the prompt alone or opens another turn of the user's is no answer,
    whatever a judge would make of it.
    """
    terms = terms or Terms()
    waiting = iter(responses)
    while batch := list(islice(waiting, _BATCH)):
        said = [spoken(response.text, response.prompt) for response in batch]
        ruled = [_is_no_answer(response.prompt, text) for response, text in zip(batch, said, strict=True)]
        asked = [(response, text) for response, text, no in zip(batch, said, ruled, strict=True) if not no]
        pairs = [(response.prompt, first_tokens(text, terms.tone_tokens, terms.count)) for response, text in asked]
        heard = iter(_probabilities(tone, pairs, [response.known_whole for response, _ in asked]))
        for response, text, no in zip(batch, said, ruled, strict=True):
            yield _verdict(response, text, 0.0 if no else next(heard), tone.threshold, terms, ruled=no)


def _is_no_answer(prompt: str, said: str) -> bool:
    return is_empty(said) or says_prompt_alone(prompt, said) or opens_another_turn(said)


def spoken(response: str, prompt: str) -> str:
    """What a response says once its thinking is taken off; nothing where it thinks alone, with marks or without."""
    text = parted(response).answer
    return "" if sounds_like_thinking(text, prompt) else text


def _probabilities(tone: Tone, pairs: Sequence[tuple[str, str]], whole: Sequence[bool | None]) -> list[float]:
    probabilities = [float(probability) for probability in tone.probabilities(pairs, whole)] if pairs else []
    if len(probabilities) != len(pairs):
        raise RuntimeError(
            f"judge '{tone.version}' was given {len(pairs)} pairs and said {len(probabilities)} probabilities"
        )
    return probabilities


def _verdict(
    response: Response, said: str, probability: float, threshold: float, terms: Terms, *, ruled: bool
) -> JudgedResponse:
    left = run_on(response.prompt, said)
    return JudgedResponse(
        response=response,
        probability=probability,
        answer_like=not ruled and probability >= threshold,
        run_on=left.mark if left else "",
        empty=is_empty(said),
        echo=is_echo(response.prompt, said),
        loop=is_loop(said) and not asks_to_repeat(response.prompt),
        truncated=response.finish_reason == "length",
        stopped=_stopped(response, said, terms) if terms.budget else None,
    )


def _stopped(response: Response, said: str, terms: Terms) -> bool:
    """A finish reason is believed; the length is counted where more than the budget may have been asked for."""
    if response.finish_reason == "length":
        return False
    if response.asked_tokens is not None and response.asked_tokens <= terms.budget:
        return True
    if terms.count is None and 2 * len(said) <= terms.budget:  # no character is estimated at more than two
        return True
    return (terms.count or approximate_tokens)(said) <= terms.budget
