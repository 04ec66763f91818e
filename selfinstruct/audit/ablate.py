"""Stage: a model answers tasks whose instruction is changed, and what each change costs is told."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from selfinstruct.audit.ablate_conditions import CONDITIONS, prompt
from selfinstruct.audit.ablate_results import ConditionAnswer, ablation
from selfinstruct.audit.ablate_statistics import MARGIN
from selfinstruct.audit.ablate_tasks import Studied, TaskSet, tasks_of
from selfinstruct.errors import BadInput
from selfinstruct.needs import OF_ABLATION, Needs
from selfinstruct.records import Failure, Json, Message, Request, Task
from selfinstruct.stage import SAID_NOTHING, Bench, Built, Kept, Measured, Model, Outcome, Scope, ask
from selfinstruct.superni import TEST_INSTANCES, NatInstInstance
from selfinstruct.text.grammar import plural

LABEL_TOKENS, TEXT_TOKENS = 24, 128


@dataclass(frozen=True, slots=True)
class _Place:
    """The condition, studied task and instance that a prompt is of: its answer is marked there."""

    condition: str
    studied: Studied
    asked: NatInstInstance


@dataclass(frozen=True, kw_only=True)
class Ablate:
    """Ask a model tasks in the NatInst layout under each condition; every record passes unchanged.

    Papers: Kung and Peng 2023 (arXiv 2305.11383), Yin et al. 2023 (arXiv 2306.01150). Records marked `split: test` are
    asked; all of them, where none is marked. `ablation.json` has scores, comparisons, the control and the conclusion,
    `conditions.jsonl` every answer. A prompt that several conditions share is asked once.
    """

    name: ClassVar[str] = "ablate"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"

    model: str = "student"
    """Role of the model that is asked."""
    conditions: tuple[str, ...] = tuple(CONDITIONS)
    """Which, of: original, simplified, empty, shuffled_words, labels_removed, input_removed, right_examples,
    delusive_examples, wrong_pairing, inverted (the control)."""
    shots: int = 2
    """Examples that the three conditions about examples show; the others show none."""
    instances: int = TEST_INSTANCES
    """Of each task, the first so many; 0: all."""
    label_tokens: int = LABEL_TOKENS
    """Asked for at most, of a task with a label space."""
    text_tokens: int = TEXT_TOKENS
    """Of a task for free text."""
    margin: float = MARGIN
    """Points within which two conditions are called equal."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(models=(self.model,), answers="numbers", asks_inputs=True)

    def __post_init__(self) -> None:
        """Refuse knobs that measure nothing."""
        check_conditions(self.conditions)
        if min(self.shots, self.label_tokens, self.text_tokens) < 1 or self.instances < 0 or not self.margin > 0:
            what = "shots, label_tokens or text_tokens below 1, instances below 0, or no margin"
            raise BadInput(what, fix="leave them out")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every record, then the files and the numbers."""
        yield from map(Kept, records)
        marked = any(task.held_out for task in records)
        task_set = tasks_of((task for task in records if task.held_out or not marked), self.instances)
        model = bench.models[self.model]
        failures: list[dict[str, Json]] = []
        lines: list[dict[str, Json]] = []
        answers = list(self._answers(model, task_set, bench, failures, lines))
        if not answers:
            what = f"none of {plural(len(failures), 'prompt')} got an answer: {failures[0]['message']}"
            raise BadInput(what, place="stage ablate", fix="see whether the model runs, then --retry-failed")
        results: dict[str, Json] = {
            "model": model.name,
            "shots": self.shots,
            "instances": sum(len(studied.asked) for studied in task_set.tasks),
            "left_out": task_set.left_out,
            "failed": len(failures),
            **ablation(task_set.tasks, answers, margin=self.margin, seed=bench.seed).as_json(),
        }
        bench.scratch.mkdir(parents=True, exist_ok=True)
        page = json.dumps({**results, "failures": [*failures]}, indent=1, ensure_ascii=False) + "\n"
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        for name, written in (("ablation.json", page), ("conditions.jsonl", text)):
            (bench.scratch / name).write_text(written, encoding="utf-8", errors="backslashreplace")
            yield Built(name, bench.scratch / name)
        yield Measured(OF_ABLATION, {key: value for key, value in results.items() if key != "by_task"})

    def _answers(
        self,
        model: Model,
        task_set: TaskSet,
        bench: Bench,
        failures: list[dict[str, Json]],
        lines: list[dict[str, Json]],
    ) -> Iterator[ConditionAnswer]:
        places = self._places(task_set.tasks, bench.seed)

        def request(text: str) -> Request:
            tokens = self.label_tokens if places[text][0].studied.labels else self.text_tokens
            chat = model.traits.chat
            return Request(
                prompt=(Message("user", text),) if chat else text,
                stop=() if chat else ("\n",),
                max_tokens=tokens,
                temperature=0.0,
                purpose="ablate",
                subject=places[text][0].studied.task.definition,
            )

        for asked in ask(model, places, request):
            text, reply = asked.about, asked.reply
            if isinstance(reply, Failure) and reply.kind not in SAID_NOTHING:
                failures += [{**_place_json(place), **reply.as_json()} for place in places[text]]
                continue
            # A model that said nothing was asked and gave no right answer: left out, it would flatter.
            said = "" if isinstance(reply, Failure) else reply.choices[0].text.strip()
            where = reply.id if isinstance(reply, Failure) else reply.choice_id(0)
            for place in places[text]:
                answer = ConditionAnswer(place.condition, place.studied, place.asked, said)
                score = answer.scored()
                lines.append(
                    {
                        **_place_json(place),
                        "prompt": text,
                        "response": said,
                        "references": list(answer.references),
                        "exact_match": bool(score.exact_match),
                        "rouge_l": round(score.rouge_l, 6),
                        "request": where,
                    }
                )
                yield answer

    def _places(self, tasks: Sequence[Studied], seed: int) -> dict[str, list[_Place]]:
        """Every prompt, once, with all the places that it fills."""
        places: dict[str, list[_Place]] = {}
        for studied in tasks:
            for condition in self.conditions:
                for asked in studied.asked:
                    text = prompt(condition, studied, asked, shots=self.shots, seed=seed)
                    if text is not None:
                        places.setdefault(text, []).append(_Place(condition, studied, asked))
        return places


def check_conditions(given: Sequence[str]) -> None:
    """BadInput names the first that nobody knows, or what is asked twice."""
    for name in given:
        if name not in CONDITIONS:
            raise BadInput(f"no condition '{name}'", place="conditions", fix=f"one of: {', '.join(CONDITIONS)}")
    if not given or len(set(given)) < len(given):
        what = "no condition is named" if not given else "a condition is named twice"
        raise BadInput(what, place="conditions", fix=f"some of: {', '.join(CONDITIONS)}")


def _place_json(place: _Place) -> dict[str, Json]:
    return {"condition": place.condition, "task": place.studied.name, "instance": place.asked.id}
