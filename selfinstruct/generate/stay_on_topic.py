"""The stage that keeps a set on the topic of its seeds, and tells how far what was proposed has drifted from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from selfinstruct.errors import BadInput
from selfinstruct.generate.topic import AUTO, topic_of
from selfinstruct.needs import Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Rejected, Scope


@dataclass(frozen=True, kw_only=True)
class StayOnTopic:
    """Reject a task without a word of the topic; where the seeds have none, or none is given, all pass.

    Measured: `topic`, with its name and words, and how many were on it. Evidence: the words that put a task on it.
    """

    name: ClassVar[str] = "topic"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"  # it needs the seeds, which processes of a `record` stage do not have

    topic: str = AUTO
    """What tasks are about, in a few words; `auto`: what the seeds have in common, if anything; `none`."""
    off_topic: Literal["reject", "keep"] = "reject"
    """`keep` only measures."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(infers_topic=self.topic == AUTO)

    def __post_init__(self) -> None:
        """Refuse a choice that does not exist."""
        if self.off_topic not in {"reject", "keep"}:
            raise BadInput(f"off_topic '{self.off_topic}'", place=f"stage {self.name}", fix="write reject or keep")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Each task, by its instruction and inputs; what a person wrote passes."""
        topic = topic_of(bench.pool.seeds, self.topic)
        if topic is None:
            yield from map(Kept, records)
            return
        asked = on = 0
        for task in records:
            found = topic.found_in(" ".join((task.instruction, *(pair.input for pair in task.instances))))
            asked, on = asked + 1, on + bool(found)
            if found or task.human or self.off_topic == "keep":
                yield Kept(task, {"on_topic": [*found]})
            else:
                yield Rejected(task, "off_topic", {"topic": topic.name})
        known: list[Json] = [*sorted(topic.core)]
        yield Measured("topic", {"name": topic.name, "words": known, "on": on, "of": asked})
