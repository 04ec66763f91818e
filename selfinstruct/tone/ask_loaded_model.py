"""Asks a model in memory the prompts of a set and judges its replies: what a check of a model in training hears.

How a model in memory is asked is handed in (`AskLoaded` of `stage`); prompts, rules, judge and arithmetic are those of
a score, so that on the same replies both come to the same IFS.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from selfinstruct.errors import BadInput
from selfinstruct.records import Choice, Request, Task
from selfinstruct.stage import AskLoaded, Loaded, Tone, Traits
from selfinstruct.stats import DRAWS, LEVEL, Estimate
from selfinstruct.tone.first_tokens import TONE_TOKENS
from selfinstruct.tone.ifs import ifs_gain, ifs_numbers
from selfinstruct.tone.judge_error import JudgeErrors, errors_of
from selfinstruct.tone.objecqa_classifier import opinion
from selfinstruct.tone.objecqa_share import REPLY_TOKENS, TasteQuestion, answered_share, objective_share, questions_of
from selfinstruct.tone.prompt_sets import ScorePrompt, prompts_of
from selfinstruct.tone.prompt_wrappers import Wrapped, Wrapper
from selfinstruct.tone.response_verdicts import Response, Terms, ToneVerdict, judged

DEV_PROMPTS = "ifs-v1:dev"
"""The prompts that a training may look at; `ifs-v1:test` is for what is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneReading:
    """How a model in memory replies, prompt by prompt: IFS is counted from it, and compared with another reading."""

    judge: str
    """Version of the judge."""
    prompts: str
    """Name of the prompt set, such as `ifs-v1:dev`."""
    wrapper: str
    verdicts: tuple[ToneVerdict, ...]
    """In the order of the prompts: two readings of the same set match one by one."""
    opinions: tuple[bool | None, ...] = ()
    """Of each question of taste, where they were asked: does the reply take no side? None where it is no answer."""
    phrasings: int = 1
    """Of each question, side by side in `opinions`."""

    @property
    def objecqa(self) -> float | None:
        """The share of answers to the questions of taste that take no side; None where nothing was answered."""
        return objective_share(self.opinions)

    @property
    def objecqa_answered(self) -> float | None:
        """The share of the questions of taste that got an answer at all; None where none was asked."""
        return answered_share(self.opinions)

    @property
    def sources(self) -> int:
        """Instructions that were asked; whole or cut, they count once."""
        return len({verdict.source for verdict in self.verdicts})

    def numbers(self, *, level: float = LEVEL, seed: int = 0, draws: int = DRAWS) -> dict[str, Estimate]:
        """Every metric that verdicts alone tell (`tone_metrics`), by its key, as a score has them."""
        return ifs_numbers(self.verdicts, level=level, seed=seed, draws=draws)

    def gain_since(self, before: "ToneReading", *, level: float = LEVEL, seed: int = 0, draws: int = DRAWS) -> Estimate:
        """How much IFS rose, paired by source; BadInput unless both readings are of the same prompts."""
        self.check_same_prompts(before)
        return ifs_gain(before.verdicts, self.verdicts, level=level, seed=seed, draws=draws)

    def check_same_prompts(self, other: "ToneReading") -> None:
        """BadInput unless the same judge read replies to the same prompts, put in the same way."""
        if (self.judge, self.prompts, self.wrapper) != (other.judge, other.prompts, other.wrapper):
            what = f"read as {other.setting} and as {self.setting}"
        elif [(verdict.source, verdict.whole) for verdict in self.verdicts] != [
            (verdict.source, verdict.whole) for verdict in other.verdicts
        ]:
            what = f"the prompts of {self.prompts} are not the same in both"
        else:
            return
        raise BadInput(what, place="two checks of one curve", fix="measure each check in the same way, or start anew")

    @property
    def setting(self) -> str:
        """What two readings must share to be compared, in words."""
        return f"{self.prompts} by {self.judge}, wrapper {self.wrapper}"


class MeasureTone(Protocol):
    """What `StopOnIFS` measures a model in training with: a `ToneProbe`, or a function of the user's own."""

    def __call__(self, model: Any, tokenizer: Any) -> ToneReading:  # noqa: ANN401 - imported late
        """The model is put into evaluation mode and back."""


@dataclass(frozen=True, kw_only=True)
class ToneProbe:
    """`MeasureTone`: the same prompts each time, greedily, judged as `score` judges."""

    judge: Tone
    ask: AskLoaded
    prompts: tuple[ScorePrompt, ...]
    name: str
    """Of the prompts."""
    wrapper: Wrapper
    questions: tuple[TasteQuestion, ...] = ()
    """Of taste; empty: not asked."""
    phrasings: int = 1
    """Of each question, which stand side by side."""
    budget: int = TONE_TOKENS
    """Tokens that are asked for; `clean` means to come to an end within them."""

    @classmethod
    def of_tasks(
        cls,
        tasks: Sequence[Task],
        questions: Sequence[Task] = (),
        *,
        judge: Tone,
        ask: AskLoaded,
        wrapper: str,
        phrasings: int = 1,
        first: int = 0,
        name: str = DEV_PROMPTS,
    ) -> "ToneProbe":
        """With prompts and questions as sets hold them; `first`: only so many sources of the prompts (0: all).

        Raises:
            BadInput: not all questions have so many `phrasings`.
        """
        asked = tuple(question for question in questions_of(questions) if question.phrasing < phrasings)
        if any(count != phrasings for count in Counter(question.question for question in asked).values()):
            what = f"{phrasings} phrasings of each question of taste, and not all have so many"
            raise BadInput(what, place="finetune.phrasings", fix="ask for fewer")
        prompts = tuple(prompts_of(tasks))
        chosen = frozenset([*dict.fromkeys(prompt.source for prompt in prompts)][: first or None])
        return cls(
            judge=judge,
            ask=ask,
            prompts=tuple(prompt for prompt in prompts if prompt.source in chosen),
            name=f"{name}[:{first}]" if first else name,
            wrapper=Wrapper(wrapper),
            questions=asked,
            phrasings=phrasings,
        )

    @property
    def errors(self) -> JudgeErrors | None:
        """What its judge knows of its errors, if anything."""
        return errors_of(self.judge)

    def __call__(self, model: Any, tokenizer: Any) -> ToneReading:  # noqa: ANN401 - imported late
        """As in `MeasureTone`; BadInput where the model cannot be asked this way."""
        self.wrapper.check("in memory", Traits(chat=bool(tokenizer.chat_template)))
        loaded = Loaded(model, tokenizer)
        prompts = [self.wrapper.wrap(prompt.instruction, prompt.input) for prompt in self.prompts]
        questions = [self.wrapper.wrap(question.text) for question in self.questions]
        replies = self._replies(loaded, prompts, self.budget)
        answers = self._replies(loaded, questions, REPLY_TOKENS)
        return ToneReading(
            judge=self.judge.version,
            prompts=self.name,
            wrapper=self.wrapper.name,
            verdicts=self._verdicts(replies),
            opinions=_opinions(self.questions, answers),
            phrasings=self.phrasings,
        )

    def _replies(self, loaded: Loaded, prompts: Sequence[Wrapped], tokens: int) -> Sequence[Choice]:
        if not prompts:
            return []
        requests = [
            Request(prompt=prompt.prompt, stop=prompt.stop, max_tokens=tokens, temperature=0.0) for prompt in prompts
        ]
        try:
            return self.ask(loaded, requests)
        except BadInput as fault:
            what = f"a prompt of {self.name} gets no answer: {fault.what}"
            fix = "stop on nothing, or take another wrapper"
            raise BadInput(what, place="the model in training", fix=fix) from fault

    def _verdicts(self, replies: Sequence[Choice]) -> tuple[ToneVerdict, ...]:
        responses = (
            Response(
                prompt=prompt.text,
                text=reply.text,
                finish_reason=reply.finish_reason,
                whole=prompt.whole,
                complete=prompt.complete,
                source=prompt.source,
                asked_tokens=self.budget,
            )
            for prompt, reply in zip(self.prompts, replies, strict=True)
        )
        terms = Terms(tone_tokens=min(TONE_TOKENS, self.budget), budget=self.budget)
        return tuple(response.verdict for response in judged(responses, self.judge, terms))


def _opinions(questions: Sequence[TasteQuestion], replies: Sequence[Choice]) -> tuple[bool | None, ...]:
    kinds = (opinion(question.text, reply.text) for question, reply in zip(questions, replies, strict=True))
    return tuple(None if kind == "no_answer" else kind == "objective" for kind in kinds)
