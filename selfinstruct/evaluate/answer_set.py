"""Stage: models answer the test split of a set, and their answers are compared with those of the set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.answer_set_marking import (
    Against,
    SetAnswer,
    SetQuestion,
    SetQuestions,
    set_answer,
    set_questions,
)
from selfinstruct.evaluate.answer_set_scores import by_category, lengths_in_all, set_differences, set_score
from selfinstruct.evaluate.result_json import as_line, as_page
from selfinstruct.evaluate.score import JUST_TRAINED
from selfinstruct.needs import OF_ANSWERS, JudgeNeed, Needs
from selfinstruct.records import Failure, Json, Request, Task
from selfinstruct.stage import Bench, Built, Kept, Measured, Model, Outcome, Scope, Tone, ask
from selfinstruct.text.grammar import plural
from selfinstruct.tone.first_tokens import TONE_TOKENS
from selfinstruct.tone.prompt_wrappers import AUTO, Wrapper, check_wrappers, wrapper_of
from selfinstruct.tone.response_verdicts import Terms, judged

"""Wrapper: the model's own template where it has one, else the bare prompt."""
MAX_TOKENS = 256


@dataclass(frozen=True, kw_only=True)
class AnswerSet:
    """Ask models what the records ask, and compare what they say; every record passes unchanged.

    Records marked `split: test` are asked about; all of them, where none is marked. What the set answers was mostly
    written by a model, so to come near it is `agreement_with_teacher`, which is imitation; beside answers of people
    (seeds held out, a gold file) the same numbers tell quality. `evaluation.json` has the numbers with their intervals
    by task, `answers.jsonl` every answer, so that what else is to be known of them needs no model again.
    """

    name: ClassVar[str] = "answer_set"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"

    model: str = "student"
    """Role of the model that is asked."""
    beside: tuple[str, ...] = ()
    """Roles of further models, asked the same and compared: the base, the teacher."""
    wrappers: tuple[str, ...] = (AUTO,)
    """How questions are put: one for all models, or one for each. `auto`: the model's own template or else `none`."""
    held_out_seeds: str = ""
    """A file of seeds that no model was shown, such as the `holdout_seeds.jsonl` of a run."""
    gold: str = ""
    """A file of tasks with answers that people wrote."""
    judge: str = ""
    """Name of a judge of tone; empty: the one this run trained, or the shipped one, or none."""
    max_tokens: int = MAX_TOKENS
    """Tokens of an answer."""
    temperature: float = 0.0
    """Of sampling; 0: the likeliest word each time."""
    first: int = 0
    """Only as many questions of each file, from its beginning; 0: all."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(
            models=(self.model, *self.beside),
            answers="numbers",
            judge=JudgeNeed(named=self.judge),
            gold=tuple(filter(None, (self.held_out_seeds, self.gold))),
            asks_inputs=True,
        )

    def __post_init__(self) -> None:
        """Refuse knobs that measure nothing."""
        check_wrappers(self.wrappers, models=1 + len(self.beside))
        if self.max_tokens < 1 or self.first < 0 or self.temperature < 0:
            raise BadInput("max_tokens below 1, or first or temperature below 0", fix="leave them out")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every record, then the files and the numbers."""
        yield from map(Kept, records)
        marked = any(task.held_out for task in records)
        asked = self._questions(records, bench, marked=marked)
        questions = [question for question_set in asked.values() for question in question_set.questions]
        if not questions:
            raise BadInput("no record with an answer to compare with", place="stage answer_set", fix="name another set")
        if not marked:
            bench.notice(
                f"no test split: all {len(records)} records may be asked, also those that a student has learned"
            )
        models = [bench.models[role] for role in (self.model, *self.beside)]
        wrappers = [wrapper_of(self.wrappers, place, model.traits) for place, model in enumerate(models)]
        for model, wrapper in zip(models, wrappers, strict=True):
            wrapper.check(model.name, model.traits)
        failures: list[dict[str, Json]] = []
        sides = [
            list(self._answers(model, wrapper, questions, failures))
            for model, wrapper in zip(models, wrappers, strict=True)
        ]
        if not any(sides):
            what = f"none of {plural(len(failures), 'question')} got an answer: {failures[0]['message']}"
            raise BadInput(what, place="stage answer_set", fix="see whether the model runs, then --retry-failed")
        tone = self._tone(bench)
        if tone is not None:
            sides = [list(self._judged(side, tone)) for side in sides]
        facts: dict[str, Json] = {
            "records": "test split" if marked else "all",
            "questions": {against: len(question_set.questions) for against, question_set in asked.items()},
            "without_answer": {against: question_set.without_answer for against, question_set in asked.items()},
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "judge": None if tone is None else {"version": tone.version, "threshold": tone.threshold},
            "models": [
                self._model_numbers(model, wrapper, side, tuple(asked), bench.seed)
                for model, wrapper, side in zip(models, wrappers, sides, strict=True)
            ],
            "differences": [
                difference for against in asked for difference in set_differences(sides, against, bench.seed)
            ],
        }
        bench.scratch.mkdir(parents=True, exist_ok=True)
        lines = "".join(as_line(answer.as_json()) for side in sides for answer in side)
        page = as_page({**facts, "failures": [*failures]})
        for name, text in (("evaluation.json", page), ("answers.jsonl", lines)):
            (bench.scratch / name).write_text(text, encoding="utf-8")
            yield Built(name, bench.scratch / name)
        yield Measured(OF_ANSWERS, {**facts, "failed": len(failures)})

    def _questions(self, records: Sequence[Task], bench: Bench, *, marked: bool) -> dict[Against, SetQuestions]:
        """By what they are compared with; only what is there."""
        tested = (task for task in records if task.held_out or not marked)
        question_sets: dict[Against, SetQuestions] = {
            "agreement_with_teacher": set_questions(tested, "agreement_with_teacher")
        }
        for against, file in self._files():
            if file not in bench.benchmarks:
                raise BadInput(f"'{file}' was not read", place="stage answer_set", fix="name a file of tasks")
            question_sets[against] = set_questions(bench.benchmarks[file], against)
        if not self.first:
            return question_sets
        return {
            name: replace(question_set, questions=tuple(islice(question_set.questions, self.first)))
            for name, question_set in question_sets.items()
        }

    def _files(self) -> Iterator[tuple[Against, str]]:
        if self.held_out_seeds:
            yield "quality_on_held_out_seeds", self.held_out_seeds
        if self.gold:
            yield "quality_on_gold", self.gold

    def _tone(self, bench: Bench) -> Tone | None:
        if self.judge and self.judge not in bench.judges:
            known = ", ".join(bench.judges) or "none here"
            raise BadInput(f"no judge '{self.judge}'", place="stage answer_set", fix=f"one of: {known}")
        names = (self.judge,) if self.judge else sorted(bench.judges, key=lambda name: name != JUST_TRAINED)
        return bench.judges[names[0]] if names else None

    def _answers(
        self, model: Model, wrapper: Wrapper, questions: Sequence[SetQuestion], failures: list[dict[str, Json]]
    ) -> Iterator[SetAnswer]:
        def request(question: SetQuestion) -> Request:
            return self._request(question, wrapper)

        for asked in ask(model, questions, request):
            question, reply = asked.about, asked.reply
            if isinstance(reply, Failure):
                failures.append({"model": model.name, "task": question.task, **reply.as_json()})
                continue
            yield set_answer(
                question,
                reply.choices[0].text,
                model=model.name,
                wrapper=wrapper.name,
                finish_reason=reply.choices[0].finish_reason,
                tokens=reply.usage.completion_tokens,
                tokens_estimated=reply.usage.estimated,
                request=reply.choice_id(0),
            )

    def _request(self, question: SetQuestion, wrapper: Wrapper) -> Request:
        wrapped = wrapper.wrap(question.instruction, question.input, question.system)
        return Request(
            prompt=wrapped.prompt,
            stop=wrapped.stop,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            purpose="answer_set",
            subject=question.text,
        )

    def _judged(self, side: Sequence[SetAnswer], tone: Tone) -> Iterator[SetAnswer]:
        budget = self.max_tokens if self.max_tokens >= TONE_TOKENS else 0
        responses = (answer.response(self.max_tokens) for answer in side)
        for answer, verdict in zip(side, judged(responses, tone, Terms(budget=budget)), strict=True):
            yield replace(answer, verdict=verdict)

    def _model_numbers(
        self, model: Model, wrapper: Wrapper, side: Sequence[SetAnswer], asked: Sequence[Against], seed: int
    ) -> dict[str, Json]:
        facts: dict[str, Json] = {"model": model.name, "wrapper": wrapper.name, "answered": len(side)}
        for against in asked:
            answers = [answer for answer in side if answer.question.against == against]
            numbers = set_score(answers, seed).as_json()
            facts[against] = {**numbers, **lengths_in_all(answers), "by_category": by_category(answers, seed)}
        return facts
