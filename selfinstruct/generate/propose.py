"""Stage: asks a model for new tasks, with a few known ones as demonstrations, drawn evenly or towards failures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import ClassVar, Literal, TypeVar

from selfinstruct.errors import BadInput, RecordingEnded
from selfinstruct.generate import reference_program
from selfinstruct.generate.propose_prompts import ProposalTemplate, ordinals, template_for
from selfinstruct.generate.propose_settings import SMALL, SMALL_CHOICES, STYLES, Asking, Profile, Style, Template
from selfinstruct.generate.topic import AUTO, Topic, topic_of
from selfinstruct.needs import Demonstrations, Needs
from selfinstruct.records import Completion, Failure, Json, Provenance, Request, Task
from selfinstruct.stage import Bench, Failed, Kept, Measured, Outcome, Rejected, Scope, Traits, ask
from selfinstruct.text import shown

Number = TypeVar("Number", int, float)
_NAMED = 0.5  # share of requests that name a kind: what is failed on is wanted more, and not alone


@dataclass(frozen=True, slots=True)
class _DrawnPrompt:
    """What a request shows, and its template."""

    drawn: Sequence[Task]
    template: ProposalTemplate


@dataclass(frozen=True, kw_only=True)
class Propose:
    """Ask for new tasks, `bench.requests` times; a knob that is None takes the value of its style.

    Sources: Self-Instruct (Wang et al. 2023) and Stanford Alpaca (2023). Small models get one short raw list.
    """

    name: ClassVar[str] = "propose"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "source"

    model: str = "teacher"
    """Role of the model that is asked."""
    style: Style = "self_instruct"
    """`self_instruct`: instructions alone; `alpaca`: instruction, input and output in one request."""
    template: Template = "auto"
    """`completion`: a raw text to continue; `chat`: messages; `auto`: completion where the model takes it."""
    demonstrations: int | None = None
    """Known tasks shown in each prompt; 8 (alpaca: 3)."""
    machine_demonstrations: int | None = None
    """How many of them, at most, come from what earlier rounds kept; 2 (alpaca: 0)."""
    items: int | None = None
    """New tasks that one choice may hold; 8 (alpaca: 16, of a small model 3)."""
    choices: int | None = None
    """Texts for each request; 8 for a small model that gives several cheaply, else 1."""
    demonstrate: Literal["any", "without_input"] | None = None
    """Which seeds are shown: all, or, where there are enough, those that need no input; the latter for small models."""
    classification_only: bool = False
    """Show only classification seeds, and ask for classification tasks."""
    temperature: float | None = None
    """Of sampling; 0.7 (alpaca: 1), of a small model 0.8 (alpaca: 0.9)."""
    top_p: float | None = None
    """The share of probability that is sampled from; 0.5 (alpaca: 1), of a small model 0.95."""
    presence_penalty: float | None = None
    """Against words that were said already; as the style has it."""
    frequency_penalty: float = 0.0
    """Against words by how often they were said already."""
    max_tokens: int | None = None
    """Tokens for each choice."""
    topic: str = AUTO
    """What tasks are to be about, in a few words; `auto`: what the seeds have in common, if anything; `none`."""
    profile: Profile = "default"
    """`reference`: prompts, draws and parsing of the released program."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        tables = (SMALL[self.style], STYLES[self.style])
        return Needs(
            models=(self.model,),
            answers="records",
            demonstrations=tuple(
                Demonstrations(
                    shown=_or(self.demonstrations, table.demonstrations),
                    machine=_or(self.machine_demonstrations, table.machine_demonstrations),
                )
                for table in tables
            ),
        )

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Candidates as Kept, torn ones and empty choices as Rejected, unanswered requests as Failed."""
        del records
        model = bench.models[self.model]
        asking = self._asking(model.traits)
        topic = None if self.profile == "reference" else topic_of(bench.pool.seeds, self.topic)
        seeds, machine = self._known(bench, asking, model.traits, topic)
        if len(seeds) < asking.demonstrations - min(asking.machine_demonstrations, len(machine)):
            yield Measured("fewer_demonstrations", {"asked": asking.demonstrations, "seeds": len(seeds)})
        prompts = self._prompts(bench, asking, model.traits, seeds, machine, topic)
        unrecorded = 0
        failure: Failure | None = None
        for asked in ask(model, prompts, lambda drawn_prompt: self._request(drawn_prompt, asking, model.traits)):
            if isinstance(asked.reply, Failure):
                failure = asked.reply
                unrecorded += failure.kind == "not_recorded"
                yield Failed(failure)
            else:
                yield from self._outcomes(asked.about, asked.reply)
        if self.profile == "reference" and failure and unrecorded == bench.requests:
            raise RecordingEnded(
                f"the recording has none of this round's {unrecorded} prompts: {failure.message}",
                place=model.name,
                fix="use the seeds, the seed number and the demonstration counts of the recorded run",
            )

    def _asking(self, traits: Traits) -> Asking:
        small = traits.small and self.profile == "default"
        table = SMALL[self.style] if small else STYLES[self.style]
        for knob, given in (("demonstrations", self.demonstrations), ("items", self.items), ("choices", self.choices)):
            if given is not None and given < 1:
                raise BadInput(f"knob '{knob}' is {given}", place=f"stage {self.name}", fix="give at least 1")
        return Asking(
            demonstrations=_or(self.demonstrations, table.demonstrations),
            machine_demonstrations=_or(self.machine_demonstrations, table.machine_demonstrations),
            items=_or(self.items, table.items),
            temperature=_or(self.temperature, table.temperature),
            top_p=_or(self.top_p, table.top_p),
            presence_penalty=_or(self.presence_penalty, table.presence_penalty),
            max_tokens=_or(self.max_tokens, table.max_tokens),
        )

    def _known(
        self, bench: Bench, asking: Asking, traits: Traits, topic: Topic | None
    ) -> tuple[Sequence[Task], Sequence[Task]]:
        """Seeds and machine tasks that may be shown; with a topic those that are on it, if these are enough."""
        seeds: Sequence[Task] = bench.pool.seeds
        machine: Sequence[Task] = bench.pool.tasks
        if self.classification_only:
            seeds = [task for task in seeds if task.is_classification]
        if self.style == "alpaca":
            seeds, machine = ([task for task in tasks if _answered(task)] for tasks in (seeds, machine))
        if self._without_input(traits):
            # Shown tasks on a text that is not there, a small model writes more of them and cannot invent the texts.
            alone = [task for task in seeds if not task.is_classification and not any(p.input for p in task.instances)]
            seeds = alone if len(alone) >= asking.demonstrations else seeds
        if topic is not None:
            machine = [task for task in machine if topic.found_in(task.instruction)]
            on = [task for task in seeds if topic.found_in(task.instruction)]
            seeds = on if len(on) >= asking.demonstrations else seeds
        if not seeds:
            need = "an instance with an output" if self.style == "alpaca" else "`is_classification` true"
            raise BadInput(
                f"no seed task has {need}", place=f"stage {self.name}", fix="add such seeds or change the style"
            )
        return seeds, machine

    def _without_input(self, traits: Traits) -> bool:
        if self.demonstrate is None:
            small = traits.small and self.profile == "default"
            return small and self.style == "self_instruct" and not self.classification_only
        return self.demonstrate == "without_input"

    def _prompts(
        self,
        bench: Bench,
        asking: Asking,
        traits: Traits,
        seeds: Sequence[Task],
        machine: Sequence[Task],
        topic: Topic | None,
    ) -> Iterator[_DrawnPrompt]:
        def template(what: str, about: str) -> ProposalTemplate:
            knobs = (self.style, self.template, self.profile, traits, asking)
            return template_for(*knobs, classification_only=self.classification_only, what=what, topic=about)

        kinds = {} if self.classification_only or self.profile == "reference" else bench.wanted
        numbers = count(bench.first_request)
        for number, drawn in zip(numbers, self._draws(bench, asking, seeds, machine), strict=False):
            rng = bench.random(-1 - number)
            what = kind(rng, kinds)
            yield _DrawnPrompt(drawn, template(what, "" if topic is None else topic.asked_for(rng)))

    def _draws(
        self, bench: Bench, asking: Asking, seeds: Sequence[Task], machine: Sequence[Task]
    ) -> Iterator[list[Task]]:
        total, from_machine = asking.demonstrations, min(asking.machine_demonstrations, asking.demonstrations)
        if self.profile == "reference" and self.style == "self_instruct":
            rng = reference_program.generator(bench.seed, bench.rounds[:-1], len(seeds), total, from_machine)
            for _ in range(bench.requests):
                yield reference_program.draw(rng, machine, seeds, total, from_machine)
            return
        for number in range(bench.first_request, bench.first_request + bench.requests):
            rng = bench.random(number)
            if bench.guidance:
                yield draw(rng, machine, seeds, total, from_machine, bench.guidance)
            else:
                yield reference_program.draw(rng, machine, seeds, total, from_machine)

    def _request(self, drawn_prompt: _DrawnPrompt, asking: Asking, traits: Traits) -> Request:
        template, drawn = drawn_prompt.template, drawn_prompt.drawn
        several = SMALL_CHOICES if traits.small and traits.multiple and self.profile == "default" else 1
        return Request(
            prompt=template.prompt(drawn),
            max_tokens=asking.max_tokens,
            temperature=asking.temperature,
            top_p=asking.top_p,
            presence_penalty=asking.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            stop=template.stop(len(drawn)),
            n=self.choices or several,
            json_schema=template.json_schema,
            purpose="propose",
        )

    def _outcomes(self, drawn_prompt: _DrawnPrompt, completion: Completion) -> Iterator[Outcome]:
        template, drawn = drawn_prompt.template, drawn_prompt.drawn
        read = completion.choices[:1] if self.profile == "reference" else completion.choices
        for index, choice in enumerate(read):
            items = template.items(choice, len(drawn))
            provenance = Provenance(
                stage=self.name,
                parents=tuple(task.id for task in drawn),
                request=completion.choice_id(index),
                model=completion.model,
                prompt=template.label,
            )
            if not items:
                reason = "truncated" if choice.finish_reason == "length" else "no_item"
                head: dict[str, Json] = {
                    "choice": index,
                    "finish_reason": choice.finish_reason,
                    "text": shown(choice.text, 200),
                }
                yield Rejected(completion, reason, head)
            for item, ordinal in zip(items, ordinals(items), strict=True):
                task = Task(
                    instruction=item.instruction, instances=item.instances, provenance=provenance, ordinal=ordinal
                )
                yield Rejected(task, item.fault, {"choice": index}) if item.fault else Kept(task)


def _or(given: Number | None, otherwise: Number) -> Number:
    return otherwise if given is None else given


def _answered(task: Task) -> bool:
    return bool(task.instances and task.instances[0].output.strip())


def draw(
    rng: Random,
    machine: Sequence[Task],
    seeds: Sequence[Task],
    demonstrations: int,
    from_machine: int,
    guidance: Mapping[str, float],
) -> list[Task]:
    """Demonstrations of one prompt, each task as likely as its weight says (1 where none is given), in any order.

    Human seeds fill what machine tasks leave, so that they stay at least as many as without guidance; where seeds are
    few there are no more machine tasks than seeds.
    """
    drawn = _weighted(rng, machine, min(from_machine, len(seeds)), guidance)
    drawn += _weighted(rng, seeds, demonstrations - len(drawn), guidance)
    rng.shuffle(drawn)
    return drawn


def kind(rng: Random, wanted: Mapping[str, float]) -> str:
    """The kind of task that a request names: for every other one a kind that is wanted, by weight; else none.

    >>> [kind(Random(number), {"tasks about rivers": 2.0}) for number in range(4)]
    ['', 'tasks about rivers', '', 'tasks about rivers']
    """
    if not wanted or rng.random() >= _NAMED:
        return ""
    return rng.choices(list(wanted), list(wanted.values()))[0]


def _weighted(rng: Random, tasks: Sequence[Task], count: int, guidance: Mapping[str, float]) -> list[Task]:
    """So many different tasks, drawn one after another by weight (Efraimidis and Spirakis, 2006)."""
    keys = [rng.random() ** (1.0 / guidance.get(task.id, 1.0)) for task in tasks]
    order = sorted(range(len(tasks)), key=lambda at: -keys[at])
    return [tasks[at] for at in order[: max(0, count)]]
