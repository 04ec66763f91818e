"""Stage: let a model rate each answer from 0 to 5, with its reason (AlpaGasus; Chen et al. 2023, arXiv 2307.08701)."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from statistics import fmean
from typing import ClassVar, Literal

from selfinstruct.needs import Needs
from selfinstruct.prompts import Prompt, prompt
from selfinstruct.records import Completion, Failure, Json, Message, Request, Task
from selfinstruct.stage import Bench, Failed, Kept, Measured, Outcome, Scope, Traits, ask
from selfinstruct.text import shown

_NO_INPUT = "(none)"
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "rating": {"enum": [half / 2 for half in range(11)]}},
        "required": ["reason", "rating"],
        "additionalProperties": False,
    }
)
"""What a model that can be held to a JSON schema must say: the reason first, so that the rating follows from it."""
_NUMBER = r"([0-9]+(?:[.,][0-9]+)?)(?![0-9])(?!\s*(?:-|\u2013|to\b)\s*[0-9])(?!\s*%)"
_OF_FIVE = r"(?:\s*(?:/|out of)\s*([0-9]+))?"
_LABELLED = re.compile(
    rf"\b(?:rating|score|grade|rate)\b[\s*_`\"']*(?:(?:is|of|it|as|a|an|this|the|answer|:|=|-)[\s*_`\"']*)*{_NUMBER}{_OF_FIVE}",
    re.IGNORECASE,
)
_BARE = re.compile(rf"[\s*_`\"'(\[]*{_NUMBER}{_OF_FIVE}(?:\s*(?:stars?|points?))?[\s*_`\"')\].]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RatingQuestion:
    """One question to the model: a task and which of its instances is rated."""

    task: Task
    instance: int

    @property
    def last(self) -> bool:
        """Whether the task's verdicts are complete with this one."""
        return self.instance == len(self.task.instances) - 1


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Put a model's rating of each answer into the task's measures as `rating`; nothing is rejected.

    A task with several instances has the mean of theirs. An answer that says no rating leaves the task without one,
    with `unclear` as evidence. Models under about a billion parameters rate by chance.
    """

    name: ClassVar[str] = "rate"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "record"

    model: str = "teacher"
    """Role of the model that is asked."""
    aspect: str = "whether the answer is correct, complete and does what the request asks"
    """What is rated, in words."""
    template: Literal["auto", "completion", "chat"] = "auto"
    """`completion`: a raw text to continue; `chat`: messages; `auto`: chat where the model takes it."""
    structured: bool = True
    """Hold the answer to a JSON schema, where the model can be held to one."""
    max_tokens: int = 300
    """Tokens of an answer."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(models=(self.model,))

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept with its rating, Failed where a call got no answer; then the distribution."""
        model = bench.models[self.model]
        verdicts = Counter[str]()
        for has_answers, tasks in groupby(records, key=lambda task: bool(task.instances)):
            if not has_answers:
                for task in tasks:
                    verdicts["unclear"] += 1
                    yield Kept(_without_rating(task), {"unclear": "no response"})
                continue
            for outcome in self._rated(tasks, bench):
                verdicts[_bin(outcome)] += 1
                yield outcome
        yield Measured("rating", {"model": model.name, "small": model.traits.small, **_distribution(verdicts)})

    def _rated(self, tasks: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        model = bench.models[self.model]
        text = self._text(model.traits)
        sides = (RatingQuestion(task, instance) for task in tasks for instance in range(len(task.instances)))
        ratings = _TaskRatings()
        for asked in ask(model, sides, lambda side: self._request(side, text)):
            ratings.add(asked.reply)
            if asked.about.last:
                yield ratings.outcome(asked.about.task, text)
                ratings = _TaskRatings()

    def _text(self, traits: Traits) -> Prompt:
        if self.template == "completion" or (self.template == "auto" and not traits.chat):
            return prompt("curate", "rate.completion")
        held = self.structured and traits.structured
        return prompt("curate", "rate.json" if held else "rate.chat")

    def _request(self, side: RatingQuestion, text: Prompt) -> Request:
        completion, pair = text.name.endswith(".completion"), side.task.instances[side.instance]
        filled = text.filled(
            aspect=self.aspect,
            instruction=side.task.instruction.strip(),
            input=pair.input.strip() or _NO_INPUT,
            response=conversation(side.task, side.instance),
        )
        return Request(
            prompt=filled if completion else (Message("user", filled),),
            max_tokens=self.max_tokens,
            temperature=0.0,
            stop=("\n\n", "\nRequest:") if completion else (),
            json_schema=SCHEMA if text.name.endswith(".json") else "",
            purpose="rate",
            subject=side.task.instruction,
        )


def conversation(task: Task, instance: int) -> str:
    r"""The answer that is rated, and what was said after it.

    >>> from selfinstruct.records import Instance, Provenance
    >>> after = (Message("user", "Why?"), Message("assistant", "It is long."))
    >>> talk = Task(instruction="A river?", instances=(Instance("", "Nile"),), later=after,
    ...             provenance=Provenance(stage="input"))
    >>> conversation(talk, 0)
    'Nile\n\nUser: Why?\n\nAssistant: It is long.'
    """
    later = (f"{turn.role.capitalize()}: {turn.content.strip()}" for turn in task.later)
    return "\n\n".join((task.instances[instance].output.strip() or "(empty)", *later))


@dataclass(frozen=True, slots=True)
class AnswerRating:
    """What a model thinks of an answer."""

    rating: float
    reason: str


@dataclass(slots=True)
class _TaskRatings:
    """What the model said of the instances of one task."""

    failure: Failure | None = None
    verdicts: list[AnswerRating] = field(default_factory=list)
    unclear: str | None = None
    completion: Completion | None = None

    def add(self, reply: Completion | Failure) -> None:
        if isinstance(reply, Failure):
            self.failure = self.failure or reply
            return
        self.completion = reply
        parsed = parse_verdict(reply.choices[0].text)
        if parsed is None:
            self.unclear = shown(reply.choices[0].text, 200) if self.unclear is None else self.unclear
        else:
            self.verdicts.append(parsed)

    def outcome(self, task: Task, text: Prompt) -> Outcome:
        """Failed if one call failed; no rating if one is unclear: the mean of a part would be another number."""
        if self.failure is not None:
            return Failed(self.failure, task)
        assert self.completion is not None  # a task that is rated has an instance
        evidence: dict[str, Json] = {"model": self.completion.model, "prompt": text.label}
        evidence |= {"request": self.completion.choice_id(0)}
        if self.unclear is not None:
            return Kept(_without_rating(task), {"unclear": self.unclear, **evidence})
        rating = fmean(verdict.rating for verdict in self.verdicts)
        evidence |= {"rating": rating, "reason": shown(self.verdicts[0].reason, 300)}
        if len(self.verdicts) > 1:
            evidence["ratings"] = [verdict.rating for verdict in self.verdicts]
        return Kept(replace(task, measures={**task.measures, "rating": rating}), evidence)


def _without_rating(task: Task) -> Task:
    """One that an earlier stage left would pass for this one's."""
    left = {name: value for name, value in task.measures.items() if name != "rating"}
    return replace(task, measures=left) if len(left) < len(task.measures) else task


def _bin(outcome: Outcome) -> str:
    """The half point a rating falls to, `unclear` or `failed`."""
    if not isinstance(outcome, Kept):
        return "failed"
    rating = outcome.record.measures.get("rating")
    return "unclear" if rating is None else f"{int(rating * 2) / 2:g}"


def _distribution(counted: Counter[str]) -> dict[str, Json]:
    counts: dict[str, Json] = {f"{half / 2:g}": counted[f"{half / 2:g}"] for half in range(11)}
    return {"counts": counts, "unclear": counted["unclear"]}


def parse_verdict(text: str) -> AnswerRating | None:
    r"""The rating, by JSON, by a label (`Rating: 4/5`; the last one counts) or alone on the first or last line.

    None where there is none, where it is not between 0 and 5, or where it is one out of another number than five.

    >>> parse_verdict('{"reason": "All right.", "rating": 4.5}'), parse_verdict("All is right.\nRating: 4/5")
    (AnswerRating(rating=4.5, reason='All right.'), AnswerRating(rating=4.0, reason='All is right.'))
    >>> parse_verdict("3\nIt names no river."), parse_verdict("8 of 10 points"), parse_verdict("Rating: 7")
    (AnswerRating(rating=3.0, reason='It names no river.'), None, None)
    """
    parsed = _from_json(text)
    if parsed is not None:
        return parsed
    labelled = list(_LABELLED.finditer(text))
    if labelled:
        rating = _value(labelled[-1])
        kept = [line.strip() for line in text.splitlines() if not _LABELLED.search(line) or len(line) > 40]
        return None if rating is None else AnswerRating(rating, _reason(kept))
    lines = [line for line in text.splitlines() if line.strip()]
    for line in (lines[:1] + lines[-1:]) if lines else []:
        bare = _BARE.fullmatch(line)
        if bare:
            rating = _value(bare)
            return (
                None
                if rating is None
                else AnswerRating(rating, _reason([other for other in lines if other is not line]))
            )
    return None


def _value(match: re.Match[str]) -> float | None:
    rating = float(match[1].replace(",", "."))
    return rating if rating <= 5 and match[2] in (None, "5") else None


def _reason(lines: list[str]) -> str:
    said = " ".join(line.strip() for line in lines if line.strip())
    return re.sub(r"^[\s*_`]*reason[\s*_`]*:[\s*_`]*", "", said, flags=re.IGNORECASE)


def _from_json(text: str) -> AnswerRating | None:
    begin, end = text.find("{"), text.rfind("}")
    if begin < 0 or end < begin:
        return None
    try:
        said = json.loads(text[begin : end + 1])
    except (ValueError, RecursionError):
        return None
    rating = said.get("rating") if isinstance(said, dict) else None
    if isinstance(rating, bool) or not isinstance(rating, int | float) or not 0 <= rating <= 5:
        return None
    return AnswerRating(float(rating), str(said.get("reason", "")))
