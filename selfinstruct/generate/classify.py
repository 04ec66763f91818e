"""Stage: tells classification tasks from others, so that their instances are made output-first."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, Literal

from selfinstruct.generate import reference_program
from selfinstruct.generate.offline_classifier import Classifier, labelled, train
from selfinstruct.generate.propose_settings import Profile, Template
from selfinstruct.needs import Needs
from selfinstruct.prompts import Prompt, prompt
from selfinstruct.records import Completion, Failure, Message, Request, Task
from selfinstruct.stage import Bench, Failed, Kept, Outcome, Rejected, Scope, Traits, ask
from selfinstruct.text import one_line, shown

_ANSWER = re.compile(r"[\s*_\"'`]*(yes|no)[\s*_\"'`.!]*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Classify:
    """Decide for each undecided task whether its output is one of a few labels (Self-Instruct, section 2.2)."""

    name: ClassVar[str] = "classify"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "record"

    model: str = "teacher"
    """Role of the model that is asked; with `by: offline` it only says what it is."""
    by: Literal["auto", "model", "offline"] = "auto"
    """`offline`: a classifier trained on the seeds; `auto`: that for small models, which answer by chance."""
    template: Template = "auto"
    """`completion`: a raw text to continue; `chat`: messages; `auto`: completion where the model takes it."""
    max_tokens: int | None = None
    """3 for a completion, 16 for a chat."""
    profile: Profile = "default"
    """`reference`: everything that is not a plain yes is a no, and a model is always asked."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(models=(self.model,))

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept with the decision, Rejected as `unclear_label`, Failed without an answer."""
        traits = bench.models[self.model].traits
        offline = self._offline(traits, bench)
        classifier: Classifier | None = None
        for decided, tasks in groupby(records, key=lambda task: task.is_classification is not None):
            if decided:
                yield from map(Kept, tasks)
            elif offline:
                classifier = classifier or train(bench.pool.seeds)
                yield from (self._by_classifier(task, classifier) for task in tasks)
            else:
                yield from self._by_model(list(tasks), bench)

    def _offline(self, traits: Traits, bench: Bench) -> bool:
        if self.by == "auto":
            # Seeds without labels of both kinds, such as a bare list of instructions, teach nothing.
            kinds = {task.is_classification for task in labelled(bench.pool.seeds)}
            return traits.small and self.profile == "default" and len(kinds) == 2
        return self.by == "offline"

    def _by_classifier(self, task: Task, classifier: Classifier) -> Outcome:
        probability = classifier.probability(task.instruction)
        decided = task.grown(self.name, is_classification=probability > 0.5, prompt="offline/1")
        return Kept(decided, {"probability": round(probability, 4)})

    def _by_model(self, tasks: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        model = bench.models[self.model]
        chat = self.template == "chat" or (self.template == "auto" and not model.traits.completion)
        text = prompt("generate", "classify.chat" if chat else "classify.completion")
        for asked in ask(model, tasks, lambda task: self._request(task, text, chat=chat)):
            if isinstance(asked.reply, Failure):
                yield Failed(asked.reply, asked.about)
            else:
                yield self._outcome(asked.about, asked.reply, text)

    def _request(self, task: Task, text: Prompt, *, chat: bool) -> Request:
        filled = text.filled(instruction=one_line(task.instruction))
        return Request(
            prompt=(Message("user", filled),) if chat else filled,
            max_tokens=self.max_tokens or (16 if chat else 3),
            temperature=0.0,
            top_p=0.0 if self.profile == "reference" else 1.0,
            stop=() if chat else reference_program.CLASSIFY_STOP if self.profile == "reference" else ("\n",),
            purpose="classify",
            subject=task.instruction,
        )

    def _outcome(self, task: Task, completion: Completion, text: Prompt) -> Outcome:
        raw = completion.choices[0].text
        if self.profile == "reference":
            answer: bool | None = raw.strip() in reference_program.YES
        else:
            match = _ANSWER.fullmatch(raw)
            answer = match[1].lower() == "yes" if match else None
        if answer is None:
            return Rejected(task, "unclear_label", {"answer": shown(raw, 200)})
        decided = task.grown(
            self.name,
            is_classification=answer,
            request=completion.choice_id(0),
            model=completion.model,
            prompt=text.label,
        )
        return Kept(decided, {"answer": shown(raw, 200)})
