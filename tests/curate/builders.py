"""Small records, and a model that answers from a list."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from selfinstruct.records import Choice, Completion, Failure, Instance, Message, Provenance, Request, Task, Usage
from selfinstruct.stage import Bench, Measured, Outcome, Stage, Traits

Answers = Callable[[Request, int], str | Choice | tuple[str, ...] | None]
CHAT = Traits(completion=False)


@dataclass
class Teller:
    """Says what `answers` says to each request; None is a failure."""

    answers: Answers
    traits: Traits = CHAT
    name: str = "scripted:test"
    asked: list[Request] = field(default_factory=list)

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        for index, request in enumerate(requests):
            self.asked.append(request)
            said = self.answers(request, index)
            if said is None:
                yield Failure(request=f"key.{index}", kind="server_error", message="no answer")
                continue
            texts = said if isinstance(said, tuple) else (said,)
            choices = tuple(text if isinstance(text, Choice) else Choice(text, "stop") for text in texts)
            usage = Usage(prompt_tokens=1, completion_tokens=1)
            yield Completion(request=f"key.{index}", choices=choices, usage=usage, model=self.name)


def task(instruction: str, *pairs: str | tuple[str, str], later: tuple[Message, ...] = ()) -> Task:
    """A task with an instance for each output, or for each (input, output)."""
    instances = tuple(Instance("", pair) if isinstance(pair, str) else Instance(*pair) for pair in pairs)
    return Task(instruction=instruction, instances=instances, later=later, provenance=Provenance(stage="input"))


def bench(model: Teller | None = None) -> Bench:
    return Bench(models={} if model is None else {"teacher": model}, stage="test")


def run(stage: Stage, *tasks: Task, model: Teller | None = None) -> list[Outcome]:
    """The decisions of the tasks, without what was measured."""
    return [outcome for outcome in stage(list(tasks), bench(model)) if not isinstance(outcome, Measured)]


def measured(stage: Stage, *tasks: Task, model: Teller | None = None) -> dict[str, object]:
    outcomes = stage(list(tasks), bench(model))
    return {outcome.name: outcome.value for outcome in outcomes if isinstance(outcome, Measured)}


def text_of(request: Request) -> str:
    """Everything a request says."""
    if isinstance(request.prompt, str):
        return request.prompt
    return "\n".join(turn.content for turn in request.prompt)
