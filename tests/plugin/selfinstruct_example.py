"""A stage, a rule, a format and a model of one's own, as small as they can be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from selfinstruct.formats.plugin_formats import Format
from selfinstruct.models.backend import Answer
from selfinstruct.records import Choice, Instance, Json, Provenance, Request, Task, Usage
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Rejected, Scope, Stage, Traits


@dataclass(frozen=True, kw_only=True)
class CountWords(Stage):
    """Reject a task whose instruction has more words than `at_most`, and tell how many there were in all."""

    name: ClassVar[str] = "count_words"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "record"

    at_most: int = 100
    """Words of an instruction; more are too many."""

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept, or Rejected as `wordy`."""
        del bench
        total = 0
        for task in records:
            count = len(task.instruction.split())
            total += count
            yield Rejected(task, "wordy", {"words": count}) if count > self.at_most else Kept(task)
        yield Measured("words", total)


def shouting(task: Task) -> str:
    """An instruction in capitals alone.

    >>> shouting(Task(instruction="NAME A RIVER", provenance=Provenance(stage="input")))
    'NAME A RIVER'
    """
    return task.instruction if task.instruction.isupper() else ""


def _fits(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("ask"), str) and isinstance(value.get("reply"), str)


def _read(value: Any, origin: Provenance) -> Task:
    return Task(instruction=value["ask"], instances=(Instance("", value["reply"]),), provenance=origin)


def _write(task: Task, pair: Instance) -> Mapping[str, Json]:
    return {"ask": f"{task.instruction} {pair.input}".strip(), "reply": pair.output}


ASK_REPLY = Format(about='{"ask", "reply"}', fits=_fits, read=_read, write=_write, columns=("ask", "reply"))


class Parrot:
    """A model that always says what stands after its name: `parrot:hello`."""

    in_flight, notice, traits = 4, "", Traits()

    def __init__(self, words: str) -> None:
        """`words`: what it says."""
        self.name, self._words = f"parrot:{words}", words

    async def answer(self, request: Request) -> Answer:
        """The same for every request."""
        usage = Usage(prompt_tokens=1, completion_tokens=1, estimated=True)
        choices = tuple(Choice(self._words, "stop") for _ in range(request.n))
        return Answer(choices=choices, usage=usage, raw=self._words)

    async def close(self) -> None:
        """Nothing is open."""
