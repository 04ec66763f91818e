"""Stage: ask models the questions of suites, greedily, and mark every answer by a program."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.result_json import as_line, as_page
from selfinstruct.evaluate.suites.suite_files import IFEVAL, SUPERNI, USER_ORIENTED, check_suite_names
from selfinstruct.evaluate.suites.suite_questions import SUITES, Question
from selfinstruct.evaluate.suites.suite_scores import SuiteAnswer, suite_numbers
from selfinstruct.needs import OF_SUITES, Needs, SuiteNeed
from selfinstruct.records import Failure, Json, Request, Task
from selfinstruct.stage import SAID_NOTHING, Bench, Built, Kept, Measured, Model, Outcome, Scope, ask
from selfinstruct.text.grammar import plural
from selfinstruct.tone.prompt_wrappers import AUTO, Wrapper, check_wrappers, wrapper_of

"""Wrapper: the model's own template where it has one, else the bare prompt."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Ask models the questions of suites and mark their answers; records pass unchanged.

    `suite.json` has the numbers with their intervals, `suite.jsonl` every answer with its marks.
    """

    name: ClassVar[str] = "suite"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"

    suites: tuple[str, ...] = ("ifeval",)
    """`ifeval`, `superni`, `user_oriented`."""
    model: str = "student"
    """Role of the model that is asked."""
    beside: tuple[str, ...] = ()
    """Roles of further models, asked the same."""
    wrappers: tuple[str, ...] = (AUTO,)
    """How questions are put: one for all models, or one for each. `auto`: the model's own template or else `none`."""
    ifeval: str = IFEVAL
    """A file in IFEval's public schema; if not given, the 64 prompts that are shipped."""
    superni: str = SUPERNI
    """A folder of Super-NaturalInstructions: `tasks/` and `splits/default/test_tasks.txt`, or task files alone.

    If not given, the six tasks of ten instances that are shipped: their numbers stand beside no published ones.
    """
    user_oriented: str = USER_ORIENTED
    """A file of user-oriented tasks; if not given, the 28 that are shipped. People rate the answers."""
    instances: int = 100
    """Of each task of `superni`, its first ones."""
    max_tokens: int = 0
    """Of an answer; 0: as many as each suite has elsewhere (`ifeval` 1,280, `superni` 128)."""
    first: int = 0
    """Only as many questions of each suite, from its beginning; 0: all."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        suites = (SuiteNeed(name=name, path=path, instances=self.instances) for name, path in self._paths.items())
        return Needs(models=(self.model, *self.beside), answers="numbers", suites=tuple(suites))

    def __post_init__(self) -> None:
        """Refuse knobs that measure nothing."""
        check_suite_names(self.suites, SUITES)
        check_wrappers(self.wrappers, models=1 + len(self.beside))
        if self.instances < 1 or self.first < 0 or self.max_tokens < 0:
            raise BadInput("instances below 1, or first or max_tokens below 0", fix="leave them out")

    @property
    def _paths(self) -> Mapping[str, str]:
        """By suite the file or folder that is read for it."""
        named = {"ifeval": self.ifeval, "superni": self.superni, "user_oriented": self.user_oriented}
        return {suite: named[suite] for suite in self.suites}

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every record, then the files and the numbers."""
        yield from map(Kept, records)
        asked = self._questions(bench)
        models = [bench.models[role] for role in (self.model, *self.beside)]
        wrappers = [wrapper_of(self.wrappers, place, model.traits) for place, model in enumerate(models)]
        for model, wrapper in zip(models, wrappers, strict=True):
            wrapper.check(model.name, model.traits)
        for questions in asked.values():
            for question in questions[:1]:
                question.mark("")  # what marks is loaded now: no endpoint waits for it later
        failures: list[Json] = []
        answers: list[SuiteAnswer] = []
        sides: list[Json] = []
        for model, wrapper in zip(models, wrappers, strict=True):
            numbers: dict[str, Json] = {"model": model.name, "wrapper": wrapper.name}
            for suite, questions in asked.items():
                failed = len(failures)
                heard = list(self._answers(model, wrapper, suite, questions, failures))
                answers += heard
                numbers[suite] = suite_numbers(heard, bench.seed) | {"failed": len(failures) - failed}
            sides.append(numbers)
        if not answers:
            what = f"none of {plural(len(failures), 'question')} got an answer"
            raise BadInput(what, place="stage suite", fix="see whether the model runs, then --retry-failed")
        facts: dict[str, Json] = {
            "suites": {
                suite: {
                    "reads": self._paths[suite],
                    "questions": len(questions),
                    "max_tokens": self._tokens(suite),
                    "measures": dict(SUITES[suite].measures),
                }
                for suite, questions in asked.items()
            },
            "models": sides,
        }
        page = as_page({**facts, "failures": failures})
        bench.scratch.mkdir(parents=True, exist_ok=True)
        for name, text in (
            ("suite.json", page),
            ("suite.jsonl", "".join(as_line(answer.as_json()) for answer in answers)),
        ):
            (bench.scratch / name).write_text(text, encoding="utf-8")
            yield Built(name, bench.scratch / name)
        yield Measured(OF_SUITES, {**facts, "failed": len(failures)})

    def _questions(self, bench: Bench) -> dict[str, list[Question]]:
        """The questions of each suite, by its name."""
        asked: dict[str, list[Question]] = {}
        for suite, path in self._paths.items():
            if path not in bench.benchmarks:
                raise BadInput(f"'{path}' was not read", place=f"stage suite, {suite}", fix="name a file or folder")
            tasks = bench.benchmarks[path]
            asked[suite] = [SUITES[suite].question(task) for task in tasks[: self.first or len(tasks)]]
        return asked

    def _tokens(self, suite: str) -> int:
        return self.max_tokens or SUITES[suite].max_tokens

    def _answers(
        self, model: Model, wrapper: Wrapper, suite: str, questions: Sequence[Question], failures: list[Json]
    ) -> Iterator[SuiteAnswer]:
        tokens = self._tokens(suite)

        def request(question: Question) -> Request:
            wrapped = wrapper.wrap(question.text)
            return Request(
                prompt=wrapped.prompt,
                stop=wrapped.stop,
                max_tokens=tokens,
                temperature=0.0,
                purpose="suite",
                subject=question.text,
            )

        for asked in ask(model, questions, request):
            question, reply = asked.about, asked.reply
            if isinstance(reply, Failure) and reply.kind not in SAID_NOTHING:
                failures.append({"model": model.name, "suite": suite, "question": question.id, **reply.as_json()})
                continue
            silent = isinstance(reply, Failure)
            text = "" if isinstance(reply, Failure) else reply.choices[0].text
            yield SuiteAnswer(
                model=model.name,
                wrapper=wrapper.name,
                suite=suite,
                question=question,
                text=text,
                finish_reason=reply.kind if isinstance(reply, Failure) else reply.choices[0].finish_reason,
                request=reply.id if isinstance(reply, Failure) else reply.choice_id(0),
                marked=question.mark("" if silent else text),
            )
