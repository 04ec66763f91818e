"""Asks a model in memory the `dev` prompts of ifs-v1 and judges its tone: what a training stops on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.ask_objecqa import QUESTIONS, ObjecQA
from selfinstruct.finetune.preserve_training_state import evaluating
from selfinstruct.models.backend import Answer, CallError
from selfinstruct.records import Request
from selfinstruct.run.judges import LINEAR, open_judge
from selfinstruct.run.material import prompt_set
from selfinstruct.stage import Loaded, MakeMeasure, MeasureTone, Stage, Tone, ToneReading, ToneVerdict, Traits
from selfinstruct.tone.first_tokens import TONE_TOKENS
from selfinstruct.tone.objecqa import TasteQuestion, questions_of
from selfinstruct.tone.opinion import opinion
from selfinstruct.tone.prompt_sets import ScorePrompt, prompts_of
from selfinstruct.tone.verdicts import Response, Terms, judged
from selfinstruct.tone.wrappers import Wrapper

DEV = "ifs-v1:dev"
"""The prompts that a training may look at; `ifs-v1:test` is for what is reported."""


@dataclass(frozen=True, kw_only=True)
class Examiner:
    """`MeasureTone`: the same prompts, greedily and in batches, judged as `score` judges."""

    tone: Tone
    prompts: tuple[ScorePrompt, ...]
    name: str
    """Of the prompts."""
    wrapper: Wrapper
    questions: tuple[TasteQuestion, ...] = ()
    """Of taste; empty: not asked."""
    budget: int = TONE_TOKENS
    """Tokens that are asked for; `clean` means to come to an end within them."""

    def __call__(self, model: Any, tokenizer: Any) -> ToneReading:  # noqa: ANN401 - imported late
        """As in `MeasureTone`; BadInput where the model cannot be asked this way."""
        self.wrapper.check("in memory", Traits(chat=bool(tokenizer.chat_template)))
        with evaluating(model):
            loaded = Loaded(model, tokenizer)
            answers = self._asked(loaded, [prompt.text for prompt in self.prompts], self.budget)
            replies = self._asked(loaded, [one.text for one in self.questions], ObjecQA.max_tokens)
        return ToneReading(
            judge=self.tone.version,
            prompts=self.name,
            wrapper=self.wrapper.name,
            verdicts=tuple(self._verdicts(answers)),
            opinions=_opinions(self.questions, replies),
        )

    def _asked(self, loaded: Loaded, texts: Sequence[str], tokens: int) -> list[Answer]:
        from selfinstruct.models.transformers_decode import Decoder

        if not texts:
            return []
        wrapped = [self.wrapper.wrap(text) for text in texts]
        requests = [Request(prompt=one.prompt, stop=one.stop, max_tokens=tokens, temperature=0.0) for one in wrapped]
        try:
            return Decoder(loaded).replies(requests)
        except CallError as fault:
            what = f"a prompt of {self.name} gets no answer: {fault.message}"
            raise BadInput(
                what, place="the model in training", fix="stop on nothing, or take another wrapper"
            ) from fault

    def _verdicts(self, answers: Sequence[Answer]) -> Iterator[ToneVerdict]:
        responses = (
            Response(
                prompt=prompt.text,
                text=answer.choices[0].text,
                finish_reason=answer.choices[0].finish_reason,
                whole=prompt.whole,
                complete=prompt.complete,
                source=prompt.source,
                asked_tokens=self.budget,
            )
            for prompt, answer in zip(self.prompts, answers, strict=True)
        )
        terms = Terms(tone_tokens=min(TONE_TOKENS, self.budget), budget=self.budget)
        for one in judged(responses, self.tone, terms):
            yield ToneVerdict(
                source=one.response.source, whole=one.response.whole, answers=one.answer_like, clean=one.clean
            )


def examiner(tone: Tone, wrapper: str, *, objecqa: bool = False, first: int = 0) -> Examiner:
    """With the shipped prompts; `first`: only so many sources of them, for a quick look (0: all)."""
    tasks = prompt_set(DEV)
    if first:
        sources = frozenset([*dict.fromkeys(str(task.extra["source"]) for task in tasks)][:first])
        tasks = [task for task in tasks if task.extra["source"] in sources]
    questions = questions_of(prompt_set(QUESTIONS)) if objecqa else ()
    return Examiner(
        tone=tone,
        prompts=tuple(prompts_of(tasks)),
        name=f"{DEV}[:{first}]" if first else DEV,
        wrapper=Wrapper(wrapper),
        questions=tuple(one for one in questions if not one.phrasing),
    )


def ifs_v1(wrapper: str = "chat", first: int = 0, *, judge: str = LINEAR) -> MeasureTone:
    """What `StopOnIFS` takes, with the shipped prompts and judge, for a training script of your own.

    `wrapper`: how prompts are put, best as it was tuned (evaluate/wrappers.py); `judge`: a shipped one's name or
    a folder, by default the linear one, which takes no time beside the model's answers.
    """
    return examiner(open_judge(judge), wrapper, first=first)


def measure_tone_for(stage: Stage, judges: Mapping[str, Tone]) -> MakeMeasure | None:
    """`Bench.measure_tone` of a stage that checks a model in training, by its own judge."""
    checks = stage.needs.checks
    if checks is None:
        return None

    def make(wrapper: str, objecqa: bool, first: int = 0, /) -> MeasureTone:  # noqa: FBT001 - as the bench promises it
        tone = next(iter(judges.values()), None) or open_judge(LINEAR)
        return examiner(tone, wrapper, objecqa=objecqa, first=first or checks.first)

    return make


def _opinions(questions: Sequence[TasteQuestion], replies: Sequence[Answer]) -> tuple[bool | None, ...]:
    kinds = (opinion(one.text, reply.choices[0].text) for one, reply in zip(questions, replies, strict=True))
    return tuple(None if kind == "no_answer" else kind == "objective" for kind in kinds)
