"""Small tasks in the NatInst layout, and a model that does with them as it is told."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from selfinstruct.audit.ablate_tasks import Studied, studied_task
from selfinstruct.records import Choice, Completion, Failure, Message, Provenance, Request, Task, Usage
from selfinstruct.stage import Traits
from selfinstruct.superni import NatInstExample, NatInstInstance, NatInstTask

LABELS = ("even", "odd")
DEFINITION = "You are given a number. Say even if two divides it, else odd."


def parity(name: str = "parity", count: int = 12) -> NatInstTask:
    """Numbers and whether two divides them."""
    return NatInstTask(
        name=name,
        definition=DEFINITION,
        categories=("Parity",),
        positive=(NatInstExample("2", "even"), NatInstExample("3", "odd")),
        negative=(NatInstExample("2", "odd"), NatInstExample("3", "even")),
        instances=tuple(NatInstInstance(f"{name}-{n}", str(n), (LABELS[n % 2],)) for n in range(count)),
    )


def echoing(name: str = "doubled") -> NatInstTask:
    """Free text: the input, twice."""
    return NatInstTask(
        name=name,
        definition="Write the word twice.",
        categories=("Repeating",),
        positive=(NatInstExample("go", "go go"),),
        instances=tuple(NatInstInstance(f"{name}-{n}", f"w{n}", (f"w{n} w{n}",)) for n in range(8)),
    )


def studies(count: int = 3) -> tuple[Studied, ...]:
    """So many tasks with labels, and one for free text."""
    return (*(studied_task(parity(f"parity-{n}"), 0) for n in range(count)), studied_task(echoing(), 0))


def record(task: NatInstTask, *, split: str = "") -> Task:
    """As a file in the NatInst layout is read."""
    from selfinstruct.formats.layouts import natinst

    value = {
        "Name": task.name,
        "Definition": [task.definition],
        "Categories": list(task.categories),
        "Positive Examples": [{"input": example.input, "output": example.output} for example in task.positive],
        "Negative Examples": [{"input": example.input, "output": example.output} for example in task.negative],
        "Instances": [
            {"id": instance.id, "input": instance.input, "output": list(instance.outputs)}
            for instance in task.instances
        ],
        **({"split": split} if split else {}),
    }
    return natinst(value, Provenance(stage="input", source="tasks.jsonl"))


@dataclass
class Asking:
    """Answers with what `says` makes of a prompt; None is a failure."""

    says: Callable[[str], str | None]
    traits: Traits = field(default_factory=Traits)
    name: str = "scripted:asking"
    asked: list[Request] = field(default_factory=list)

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        for index, request in enumerate(requests):
            self.asked.append(request)
            said = self.says(text_of(request))
            if said is None:
                yield Failure(request=f"key.{index}", kind="timeout", message="no answer")
                continue
            yield Completion(
                request=f"key.{index}",
                choices=(Choice(said, "stop"),),
                usage=Usage(prompt_tokens=1, completion_tokens=1),
                model=self.name,
            )


def text_of(request: Request) -> str:
    """The prompt as one text."""
    turns = request.prompt
    return turns if isinstance(turns, str) else "\n".join(turn.content for turn in turns if isinstance(turn, Message))


def obedient(text: str) -> str:
    """Reads the definition: says what it says, also when labels have changed places; else nothing sensible."""
    put = text.rsplit("Input: ", 1)[1].split(".\n", maxsplit=1)[0]
    if "twice" in text:
        return f"{put} {put}"
    if "two divides it" not in text:
        return "what?"
    return LABELS[(int(put) + ("changed places" in text)) % 2]
