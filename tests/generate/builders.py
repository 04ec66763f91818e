"""Small records, and a model that answers from a list."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from selfinstruct.records import Choice, Completion, Failure, Instance, Provenance, Request, Task, Usage
from selfinstruct.stage import Bench, Pool, RoundStart, Traits

Answers = Callable[[Request, int], str | Choice | tuple[Choice, ...] | None]


@dataclass
class Teller:
    """Says what `answers` says to each request; None is a failure."""

    answers: Answers
    traits: Traits = field(default_factory=Traits)
    kind: str = "server_error"
    name: str = "scripted:test"
    asked: list[Request] = field(default_factory=list)

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        for index, request in enumerate(requests):
            self.asked.append(request)
            said = self.answers(request, index)
            if said is None:
                yield Failure(request=f"key.{index}", kind=self.kind, message="the nearest entry is ...")
                continue
            choices = said if isinstance(said, tuple) else (Choice(said, "stop") if isinstance(said, str) else said,)
            usage = Usage(prompt_tokens=1, completion_tokens=1)
            yield Completion(request=f"key.{index}", choices=choices, usage=usage, model=self.name)


def seed(instruction: str, given: str = "", output: str = "out", *, is_classification: bool | None = False) -> Task:
    return Task(
        instruction=instruction,
        instances=(Instance(given, output),),
        is_classification=is_classification,
        human=True,
        provenance=Provenance(stage="seed", source="seeds.jsonl"),
    )


def task(instruction: str, *pairs: tuple[str, str], is_classification: bool | None = None) -> Task:
    return Task(
        instruction=instruction,
        instances=tuple(Instance(*pair) for pair in pairs),
        is_classification=is_classification,
        provenance=Provenance(stage="propose", request="key.0/0"),
    )


def bench(
    model: Teller,
    seeds: Sequence[Task] = (),
    tasks: Sequence[Task] = (),
    rounds: tuple[RoundStart, ...] = (RoundStart(1, 0),),
) -> Bench:
    return Bench(pool=Pool(seeds, tasks), models={"teacher": model}, stage="propose", rounds=rounds)


def raw(text: str) -> str:
    """A vector written on one line: `/` stands for a line end."""
    return text.replace("/", "\n")
