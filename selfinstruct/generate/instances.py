"""Stage: gives tasks their instances: output-first for classification, input-first for everything else.

Whether a text must come with an instruction is told from its English words. On two public sets that say of each task
whether it has an input, this finds 75 and 77 % of those that have one
and is wrong about 7 and 8 % of those that have none.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from selfinstruct.generate import parse_instances, reference_program
from selfinstruct.generate.parse_instances import whole_part
from selfinstruct.generate.propose_prompts import CUT
from selfinstruct.generate.propose_settings import Profile, Template
from selfinstruct.needs import Needs
from selfinstruct.prompts import Prompt, prompt
from selfinstruct.records import Choice, Completion, Failure, Instance, Json, Message, Request, Task
from selfinstruct.stage import Bench, Failed, Kept, Model, Outcome, Rejected, Scope, Traits, ask
from selfinstruct.text import one_line, shown

_NOUN = (
    r"(?:sentences?|texts?|paragraphs?|passages?|reviews?|e-?mails?|messages?|statements?|articles?|stor(?:y|ies)|poems?"
    r"|words?|numbers?|dialogues?|conversations?|code|functions?|equations?|lists?|tables?|questions?|quer(?:y|ies)|quotes?"
    r"|phrases?|letters?|inputs?|documents?|tweets?|comments?|headlines?|recipes?|names?|data|items?|sequences?|values?"
    r"|expressions?|options?|arguments?|claims?|excerpts?|essays?|products?|facts?|descriptions?|scenarios?|prompts?"
    r"|songs?|movies?|books?|titles?|dates?|clauses?|strings?|arrays?|snippets?|examples?|notes?|transcripts?|posts?)"
)
_SPOKEN_OF = re.compile(
    rf"\b(?:(?:given|following|provided|below|above)\b|(?:this|these|that|those|the|both) (?:[\w-]+ )?{_NOUN}\b)",
    re.IGNORECASE,
)
_BROUGHT_ALONG = re.compile(r"[\"'\u201c\u2018`]\w|:\s*\S|\n|=|\(")


@dataclass(frozen=True, kw_only=True)
class MakeInstances:
    """Make instances for each task that has none (Self-Instruct, section 2.2).

    Output-first: labels are fixed before inputs are made up for them, or else every input gets the same label.
    """

    name: ClassVar[str] = "instances"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "record"

    model: str = "teacher"
    """Role of the model that is asked."""
    template: Template = "auto"
    """`completion`: a raw text to continue; `chat`: messages; `auto`: completion where the model takes it.

    Small models: chat, and the answer is the output; they cannot make inputs up, so tasks without theirs are rejected.
    """
    max_instances: int = 5
    """Instances asked for; `prepare` holds the same limit."""
    max_tokens: int | None = None
    """For a task that is no classification: 350; for a small model that answers 140."""
    max_tokens_classification: int = 300
    """For a classification task."""
    when_cut: Literal["whole_part", "longer", "reject"] = "whole_part"
    """Of an answer that does not come to its end: `whole_part` keeps it up to its last whole sentence, and says so in
    the evidence (`cut`) and in the measure `answer_kept`, the share that is left; `longer` asks once more, with three
    times the tokens; `reject` throws the task away, as happens to an answer of which too little is whole, or that goes
    in circles.

    Nineteen such answers of the embedded model were read both ways: the whole part was better in 8, the longer try in 6
    (procedures, most of all), alike in 5. Given room, it says the same again; so the way that costs nothing is usual.
    """
    temperature: float | None = None
    """0; for a small model that answers 0.3, with which it loops less."""
    frequency_penalty: float | None = None
    """0; for a small model that answers 0.5."""
    top_p: float | None = None
    """1; 0 in the reference profile."""
    presence_penalty: float | None = None
    """1.5; none for small models, which repeat what they were shown when they may not repeat themselves."""
    profile: Profile = "default"
    """`reference`: the parsers of the released program."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(models=(self.model,), answers="records", makes_answers=True)

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """For each task: Kept with its instances, Rejected without any, Failed without an answer."""
        waiting: list[Task] = []
        # Runs of tasks that have instances pass in their place, without a request.
        for task in records:
            if task.instances:
                yield from self._answers(waiting, bench)
                waiting = []
                yield Kept(task)
            else:
                waiting.append(task)
        yield from self._answers(waiting, bench)

    def _answers(self, tasks: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        model = bench.models[self.model]
        if not self._direct(model.traits):
            for asked in ask(model, tasks, lambda task: self._request(task, model.traits)):
                if isinstance(asked.reply, Failure):
                    yield Failed(asked.reply, asked.about)
                else:
                    usual = self._request(asked.about, model.traits)
                    ended = self._ended(asked.about, asked.reply, usual, model)
                    yield self._outcome(asked.about, ended, self._text(asked.about, model.traits))
            return
        lacking = {task.id: missing_input(task.instruction) for task in tasks}
        answers = ask(model, [task for task in tasks if not lacking[task.id]], self._direct_request)
        for task in tasks:
            if lacking[task.id]:
                yield Rejected(task, "needs_input", {"found": lacking[task.id]})
                continue
            asked = next(answers)
            if isinstance(asked.reply, Failure):
                yield Failed(asked.reply, task)
            else:
                yield self._direct_outcome(task, self._ended(task, asked.reply, self._direct_request(task), model))

    def _text(self, task: Task, traits: Traits) -> Prompt:
        if self._small(traits):
            return prompt("generate", "instances.small.completion")
        order = "output_first" if task.is_classification else "input_first"
        return prompt("generate", f"instances.{order}.{self._template_for(traits)}")

    def _template_for(self, traits: Traits) -> str:
        return (
            "chat" if self.template == "chat" or (self.template == "auto" and not traits.completion) else "completion"
        )

    def _small(self, traits: Traits) -> bool:
        return traits.small and self.profile == "default" and self._template_for(traits) == "completion"

    def _direct(self, traits: Traits) -> bool:
        """Whether the instruction is the message and the answer the output."""
        return traits.small and self.profile == "default" and self.template != "completion" and traits.chat

    def _direct_request(self, task: Task) -> Request:
        return Request(
            prompt=(
                Message("system", prompt("generate", "instances.small.chat").text),
                Message("user", task.instruction.strip()),
            ),
            max_tokens=self.max_tokens or 140,
            temperature=_or(self.temperature, 0.3),
            top_p=self._top_p(),
            presence_penalty=_or(self.presence_penalty, 0.0),
            frequency_penalty=_or(self.frequency_penalty, 0.5),
            purpose="instances",
            subject=task.instruction,
        )

    def _ended(self, task: Task, completion: Completion, usual: Request, model: Model) -> Completion:
        """The answer, or where it is cut off and that is wanted, one with more room; the first where there is none."""
        cut = completion.choices[0].finish_reason == "length"
        if self.when_cut != "longer" or not cut or self.profile == "reference":
            return completion
        [again] = ask(model, [task], lambda _: replace(usual, max_tokens=3 * usual.max_tokens))
        return completion if isinstance(again.reply, Failure) else again.reply

    def _whole(self, text: str, choice: Choice) -> str:
        """What stays of an answer that was cut off."""
        cut = choice.finish_reason == "length"  # a filter of contents may have cut where it should
        return whole_part(text) if cut and self.when_cut == "whole_part" and self.profile == "default" else ""

    def _direct_outcome(self, task: Task, completion: Completion) -> Outcome:
        choice = completion.choices[0]
        text = choice.text.strip()
        evidence: dict[str, Json] = {"finish_reason": choice.finish_reason}
        whole = self._whole(text, choice) if choice.finish_reason in CUT else text
        if not whole:
            return Rejected(task, "truncated" if text else "no_instance", {**evidence, "text": shown(text, 300)})
        grown = self._grown(task, [Instance("", whole)], completion, prompt("generate", "instances.small.chat"))
        return _kept(grown, evidence, text)

    def _grown(self, task: Task, instances: Sequence[Instance], completion: Completion, text: Prompt) -> Task:
        return task.grown(
            self.name,
            instances=tuple(instances),
            request=completion.choice_id(0),
            model=completion.model,
            prompt=text.label,
        )

    def _request(self, task: Task, traits: Traits) -> Request:
        small, template = self._small(traits), self._template_for(traits)
        text = self._text(task, traits).filled(
            instruction=one_line(task.instruction) if small else task.instruction.strip(),
            items=str(self.max_instances),
        )
        stop: tuple[str, ...] = ()
        if self.profile == "reference":
            stop = (f"Example {self.max_instances + 1}", "Task:")
        elif template == "completion":
            stop = ("\nTask:", f"\nExample {self.max_instances + 1}")
        return Request(
            prompt=(Message("user", text),) if template == "chat" else f"{text}\n",
            max_tokens=self.max_tokens_classification if task.is_classification else self.max_tokens or 350,
            temperature=_or(self.temperature, 0.0),
            top_p=self._top_p(),
            presence_penalty=_or(self.presence_penalty, 0.0 if small else 1.5),
            frequency_penalty=_or(self.frequency_penalty, 0.0),
            stop=stop,
            purpose="instances",
            subject=task.instruction,
        )

    def _top_p(self) -> float:
        return _or(self.top_p, 0.0 if self.profile == "reference" else 1.0)

    def _outcome(self, task: Task, completion: Completion, text: Prompt) -> Outcome:
        choice = completion.choices[0]
        labelled = bool(task.is_classification) and text.name != "instances.small.completion"
        module = reference_program if self.profile == "reference" else parse_instances
        instances: list[Instance] = (module.labelled_pairs if labelled else module.pairs)(choice.text)
        if self.profile == "reference":
            cut = torn = choice.finish_reason == "length"
        else:
            cut = choice.finish_reason in CUT
            torn = cut and bool(instances) and parse_instances.torn(choice.text, instances[-1], labelled=labelled)
        evidence: dict[str, Json] = {"finish_reason": choice.finish_reason, "read": len(instances)}
        said = instances[-1].output if instances else ""
        whole = self._whole(said, choice) if torn and len(instances) == 1 and not labelled else ""
        if whole:
            instances = [Instance(instances[0].input, whole)]
        elif torn and instances:
            evidence["truncated"] = {"input": instances[-1].input, "output": instances[-1].output}
            instances = instances[:-1]
        if not instances:
            reason = "truncated" if cut else "no_instance"
            return Rejected(task, reason, {**evidence, "text": shown(choice.text, 300)})
        return _kept(self._grown(task, instances, completion, text), evidence, said if whole else "")


def _kept(task: Task, evidence: dict[str, Json], said: str) -> Kept:
    """The outcome; where less is left of the last answer than was `said`, marked so."""
    left = task.instances[-1].output
    if not said or left == said:
        return Kept(task, evidence)
    marked = replace(task, measures={"answer_kept": round(len(left) / len(said), 4)})
    return Kept(marked, {**evidence, "cut": shown(said.strip()[len(left) :].strip(), 200)})


def _or(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given


def missing_input(instruction: str) -> str:
    """What the instruction speaks of and does not bring along; empty where it can be answered as it stands.

    >>> missing_input("Correct the grammar of the sentence."), missing_input("Reverse the word 'stone'.")
    ('the sentence', '')
    """
    if _BROUGHT_ALONG.search(instruction):
        return ""
    match = _SPOKEN_OF.search(instruction)
    return match[0] if match else ""
