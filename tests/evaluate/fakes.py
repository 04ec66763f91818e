"""A judge and a model that do as they are told, and small verdicts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from selfinstruct.records import Choice, Completion, Failure, Message, Provenance, Request, Task, Usage
from selfinstruct.stage import Traits, UntriedJudge
from selfinstruct.tone.response_verdicts import JudgedResponse, Response, Terms, judged


@dataclass
class Marked(UntriedJudge):
    """Takes for an answer what begins with a capital; remembers what it was shown."""

    version: str = "marked/1"
    threshold: float = 0.5
    shown: list[tuple[str, str]] = field(default_factory=list)

    def probabilities(
        self,
        pairs: Sequence[tuple[str, str]],
        whole: Sequence[bool | None] | None = None,  # noqa: ARG002 - as the protocol has it
    ) -> Sequence[float]:
        self.shown.extend(pairs)
        return [0.9 if text.lstrip()[:1].isupper() else 0.1 for _, text in pairs]


@dataclass
class Tried(Marked):
    """The same, with known errors."""

    confusion: Mapping[str, Mapping[str, int]] = field(
        default_factory=lambda: {
            "all": {"true_positives": 90, "false_negatives": 10, "true_negatives": 160, "false_positives": 40}
        }
    )


Says = Callable[[str], str | Choice | tuple[str, ...] | None]


@dataclass
class Speaker:
    """Says what `says` makes of a prompt's text; None is a failure."""

    says: Says
    traits: Traits = field(default_factory=Traits)
    name: str = "scripted:speaker"
    asked: list[Request] = field(default_factory=list)
    fails: str = "timeout"

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        for index, request in enumerate(requests):
            self.asked.append(request)
            said = self.says(text_of(request))
            if said is None:
                yield Failure(request=f"key.{index}", kind=self.fails, message="no answer")
                continue
            texts = said if isinstance(said, tuple) else (said,)
            choices = tuple(text if isinstance(text, Choice) else Choice(text, "stop") for text in texts)
            usage = Usage(prompt_tokens=1, completion_tokens=1)
            yield Completion(request=f"key.{index}", choices=choices, usage=usage, model=self.name)


def text_of(request: Request) -> str:
    if isinstance(request.prompt, str):
        return request.prompt
    [message] = request.prompt
    assert isinstance(message, Message)
    return message.content


def task(instruction: str, **extra: str | bool | int) -> Task:
    return Task(instruction=instruction, provenance=Provenance(stage="input"), extra=extra)


def verdicts(*responses: Response, terms: Terms | None = None) -> list[JudgedResponse]:
    return list(judged(responses, Marked(), terms))
