"""Stage: ask models questions of taste, and tell how often they take no side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.result_json import as_line, as_page
from selfinstruct.needs import OF_TASTE, Needs, optional_role
from selfinstruct.prompts import Prompt, prompt
from selfinstruct.records import Failure, Json, Message, Request, Task
from selfinstruct.stage import Bench, Built, Kept, Measured, Model, Outcome, Scope, Traits, ask
from selfinstruct.stats import kappa
from selfinstruct.tone.objecqa_classifier import OPINIONS, Opinion, opinion
from selfinstruct.tone.objecqa_share import (
    OBJECQA,
    REPLY_TOKENS,
    TasteQuestion,
    TasteReply,
    objectivity,
    paired,
    questions_of,
)
from selfinstruct.tone.prompt_wrappers import Wrapper

RULES = "rules/1"
"""Name and version of the offline classifier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjecqaReply:
    """One reply of a model, judged twice where a model judges too."""

    model: str
    question: TasteQuestion
    sample: int
    text: str
    by_rules: Opinion
    by_model: Opinion | None = None
    """None: no model judges, it failed, or it said none of the three."""

    def as_reply(self, kind: Opinion) -> TasteReply:
        """As the score takes it."""
        return TasteReply(
            question=self.question.question, phrasing=self.question.phrasing, sample=self.sample, kind=kind
        )

    def as_json(self) -> dict[str, Json]:
        """One line of `objecqa.jsonl`."""
        return {
            "model": self.model,
            "id": self.question.question,
            "phrasing": self.question.phrasing,
            "question": self.question.text,
            "sample": self.sample,
            "response": self.text,
            "rules": self.by_rules,
            "judge": self.by_model,
        }


@dataclass(frozen=True, kw_only=True)
class ObjecQA:
    """Score models by the share of their answers to questions of taste that takes no side; records pass unchanged.

    Replies are classed by rules and, where a judge is named, by a model with a two-shot prompt; `objecqa.json` has
    both scores and how far the two agree, `objecqa.jsonl` every reply.
    """

    name: ClassVar[str] = "objecqa"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"

    model: str = "teacher"
    """Role of the model that is asked."""
    beside: tuple[str, ...] = ()
    """Roles of further models, asked the same and compared."""
    judge_model: str = ""
    """Role of the model that judges; empty: rules alone. Models under about a billion parameters judge by chance."""
    questions: str = OBJECQA
    """Name of a set of questions."""
    phrasings: int = 4
    """Wordings of each question that are asked, the first one included."""
    wrapper: str = "chat"
    """How questions are put (tone/prompt_wrappers.py)."""
    max_tokens: int = REPLY_TOKENS
    """Tokens of an answer."""
    temperature: float = 0.0
    """Of sampling; 0: the likeliest word each time."""
    samples: int = 1
    """Answers to each question; above 1 at a temperature above 0."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        judges = optional_role(self.judge_model)
        return Needs(models=(self.model, *self.beside, *judges), answers="numbers", prompts=(self.questions,))

    def __post_init__(self) -> None:
        """Refuse knobs that measure nothing."""
        Wrapper(self.wrapper)
        if min(self.phrasings, self.max_tokens, self.samples) < 1 or self.temperature < 0:
            raise BadInput("phrasings, max_tokens or samples below 1, or temperature below 0", fix="leave them out")
        if self.samples > 1 and self.temperature == 0:
            raise BadInput(f"samples: {self.samples} at temperature 0 are all the same", fix="raise the temperature")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every record, then the files and the numbers."""
        yield from map(Kept, records)
        if self.questions not in bench.benchmarks:
            known = ", ".join(bench.benchmarks) or "none here"
            raise BadInput(f"no questions '{self.questions}'", place="stage objecqa", fix=f"one of: {known}")
        asked = [
            question
            for question in questions_of(bench.benchmarks[self.questions])
            if question.phrasing < self.phrasings
        ]
        models = [bench.models[role] for role in (self.model, *self.beside)]
        for model in models:
            Wrapper(self.wrapper).check(model.name, model.traits)
        failures: list[Json] = []
        heard = [list(self._heard(model, asked, failures)) for model in models]
        if self.judge_model:
            heard = [list(self._judged(bench.models[self.judge_model], replies, failures)) for replies in heard]
        scores = self._page(heard, bench, failures)
        bench.scratch.mkdir(parents=True, exist_ok=True)
        lines = "".join(as_line(reply.as_json()) for replies in heard for reply in replies)
        for name, text in (("objecqa.json", as_page(scores)), ("objecqa.jsonl", lines)):
            (bench.scratch / name).write_text(text, encoding="utf-8")
            yield Built(name, bench.scratch / name)
        yield Measured(OF_TASTE, scores)

    def _heard(self, model: Model, questions: Sequence[TasteQuestion], failures: list[Json]) -> Iterator[ObjecqaReply]:
        wrapper = Wrapper(self.wrapper)

        def request(question: TasteQuestion) -> Request:
            wrapped = wrapper.wrap(question.text)
            return Request(
                prompt=wrapped.prompt,
                stop=wrapped.stop,
                max_tokens=self.max_tokens,
                temperature=self.temperature,
                n=self.samples,
                purpose="objecqa",
                subject=question.text,
            )

        for asked in ask(model, questions, request):
            if isinstance(asked.reply, Failure):
                failures.append({"model": model.name, "question": asked.about.text, **asked.reply.as_json()})
                continue
            for sample, choice in enumerate(asked.reply.choices):
                kind = opinion(asked.about.text, choice.text)
                yield ObjecqaReply(
                    model=model.name, question=asked.about, sample=sample, text=choice.text, by_rules=kind
                )

    def _judged(self, judge: Model, replies: Sequence[ObjecqaReply], failures: list[Json]) -> Iterator[ObjecqaReply]:
        text = judge_prompt(judge.traits)
        for asked in ask(judge, replies, lambda reply: judge_request(text, reply.question.text, reply.text)):
            if isinstance(asked.reply, Failure):
                failures.append({"model": judge.name, "question": asked.about.question.text, **asked.reply.as_json()})
                yield asked.about
            else:
                yield replace(asked.about, by_model=read_kind(asked.reply.choices[0].text))

    def _page(self, heard: Sequence[Sequence[ObjecqaReply]], bench: Bench, failures: list[Json]) -> dict[str, Json]:
        names = [bench.models[role].name for role in (self.model, *self.beside)]
        scores: list[Json] = [_scores(name, replies) for name, replies in zip(names, heard, strict=True)]
        compared: list[Json] = []
        for (first, ours), (second, theirs) in combinations(zip(names, heard, strict=True), 2):
            pair = [[reply.as_reply(reply.by_rules) for reply in replies] for replies in (ours, theirs)]
            if all(pair):
                comparison = paired(pair[0], pair[1], bench.seed)
                compared.append({"first": first, "second": second, "judged_by": RULES, **comparison.as_json()})
        judge: Json = None
        if self.judge_model:
            model = bench.models[self.judge_model]
            judge = {"model": model.name, "small": model.traits.small, "prompt": judge_prompt(model.traits).label}
        return {
            "questions": self.questions,
            "wrapper": self.wrapper,
            "judge": judge,
            "scores": scores,
            "paired": compared,
            "failures": failures,
        }


def _scores(name: str, replies: Sequence[ObjecqaReply]) -> dict[str, Json]:
    """A model's score by rules and by the judge, and how far they agree on the replies that both classed."""
    both = [(reply, reply.by_model) for reply in replies if reply.by_model is not None]
    by_rules = objectivity([reply.as_reply(reply.by_rules) for reply in replies], RULES)
    scores: dict[str, Json] = {"model": name, "rules": by_rules.as_json(), "judge": None, "agreement": None}
    if both:
        scores["judge"] = objectivity([reply.as_reply(kind) for reply, kind in both], "judge").as_json()
        same = sum(reply.by_rules == kind for reply, kind in both)
        agreed = kappa([reply.by_rules for reply, _ in both], [kind for _, kind in both])
        scores["agreement"] = {"n": len(both), "same": same / len(both), "kappa": agreed}
    return scores


def judge_prompt(traits: Traits) -> Prompt:
    """The two-shot prompt for a model: messages where it takes them."""
    return prompt("evaluate", "objecqa.chat" if traits.chat else "objecqa.completion")


def judge_request(text: Prompt, question: str, reply: str) -> Request:
    """What a judge is asked about one reply."""
    filled = text.filled(question=question, reply=reply.strip() or "(nothing)")
    completion = text.name.endswith(".completion")
    return Request(
        prompt=filled if completion else (Message("user", filled),),
        max_tokens=8,
        temperature=0.0,
        stop=("\n",) if completion else (),
        purpose="judge_objecqa",
        subject=question,
    )


def read_kind(said: str) -> Opinion | None:
    """The class that a judge names first; None where it names none.

    >>> read_kind(" Objective."), read_kind("Kind: no answer"), read_kind("It is nice.")
    ('objective', 'no_answer', None)
    """
    text = said.lower().replace("no answer", "no_answer").replace("no-answer", "no_answer")
    places = {kind: text.find(kind) for kind in OPINIONS if kind in text}
    return min(places, key=lambda kind: places[kind], default=None)
