"""Judges of answers: a model that is asked in both orders, a likelihood, and two that only count.

The dummy judge is that of arXiv 2306.04751: it prefers the answer with more different tokens, and yet explains most of
what a strong judge says.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

from selfinstruct.evaluate.judging.verdict_parsing import LEVELS, NO_VERDICT, PROSE, SCHEMA, aspects, mark
from selfinstruct.prompts import Prompt, prompt
from selfinstruct.records import Completion, Failure, Json, Message, Request
from selfinstruct.stage import Model, TokenScorer, ask
from selfinstruct.text import words

_FIRST = {"A": 1.0, "B": 0.0, "C": 0.5}  # how far the answer that is shown first is preferred
NO_CALL = "no_answer"


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """Two answers to one request."""

    instruction: str
    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Preference:
    """What a judge made of a pair."""

    value: float | None
    """1 where it prefers `one`, 0 where the `other`, 0.5 a tie; None where it gave no verdict."""
    said: tuple[str, str] = ("", "")
    """Verdicts of both orders, `A` for what was shown first; empty where a judge sees no order."""
    fault: str = ""
    """Why there is no verdict."""
    reasons: tuple[str, str] = ("", "")
    requests: tuple[str, str] = ("", "")

    @property
    def consistent(self) -> bool | None:
        """Both orders gave the same; None where one gave nothing or there is no order."""
        if not all(self.said):
            return None
        return _FIRST[self.said[0]] == 1.0 - _FIRST[self.said[1]]

    def as_json(self) -> dict[str, Json]:
        """What a line of `judged.jsonl` has of a pair."""
        line: dict[str, Json] = {"preference": self.value}
        if any(self.said) or self.fault:
            line |= {"said": list(self.said), "fault": self.fault or None, "reasons": list(self.reasons)}
            line["requests"] = list(self.requests)
        return line


class PairJudge(Protocol):
    """Anything that prefers one of two answers."""

    @property
    def name(self) -> str:
        """The judge's name in tables."""

    def __call__(self, pairs: Iterable[AnswerPair]) -> Iterator[Preference]:
        """One for each pair, in order."""


def settled(first: str, second: str) -> float:
    """Of the verdicts with `one` shown first and with it shown second: what both say, else a tie.

    >>> settled("A", "B"), settled("A", "A"), settled("C", "C"), settled("A", "C")
    (1.0, 0.5, 0.5, 0.5)
    """
    one, other = _FIRST[first], 1.0 - _FIRST[second]
    return one if one == other else 0.5


@dataclass(frozen=True, slots=True)
class ModelJudge:
    """A model that sees each pair in both orders; where they disagree, it is a tie, as in FastChat."""

    model: Model
    max_tokens: int

    @property
    def name(self) -> str:
        """The judging model's name."""
        return self.model.name

    def __call__(self, pairs: Iterable[AnswerPair]) -> Iterator[Preference]:
        """Two requests for each pair; a verdict that cannot be read is a fault, never a tie."""
        text = prompt("evaluate", "pairwise")
        heard: list[tuple[str | None, str, str, str]] = []

        def both() -> Iterator[tuple[AnswerPair, bool]]:
            for pair in pairs:
                yield pair, False
                yield pair, True

        def request(side: tuple[AnswerPair, bool]) -> Request:
            pair, turned = side
            first, second = (pair.other, pair.one) if turned else (pair.one, pair.other)
            return judge_request(self.model, text, pair.instruction, self.max_tokens, first=first, second=second)

        for asked in ask(self.model, both(), request):
            heard.append(_heard(asked.reply, lambda said: mark(said, "ABC")))
            if asked.about[1]:
                (first, *_), (second, *_) = heard
                faults = [fault for _, fault, _, _ in heard if fault]
                value = settled(first, second) if first and second else None
                yield Preference(
                    value=value,
                    said=(first or "", second or ""),
                    fault=faults[0] if faults else "",
                    reasons=(heard[0][2], heard[1][2]),
                    requests=(heard[0][3], heard[1][3]),
                )
                heard = []


def judge_request(model: Model, text: Prompt, instruction: str, max_tokens: int, **slots: str) -> Request:
    """What a judge is asked; greedily, as messages where it takes them."""
    filled = text.filled(
        instruction=instruction.strip(), **{key: value.strip() or "(empty)" for key, value in slots.items()}
    )
    held = text.name == "just_eval" and model.traits.structured
    return Request(
        prompt=(Message("user", filled),) if model.traits.chat else filled + "\n\n",
        max_tokens=max_tokens,
        temperature=0.0,
        json_schema=SCHEMA if held else "",
        purpose=text.name if text.name != "user_oriented" else "rate_answer",
        subject=instruction,
    )


def _heard(reply: Completion | Failure, read: Callable[[str], str | None]) -> tuple[str | None, str, str, str]:
    """The verdict, or why there is none; what was said; and the id of the answer."""
    if isinstance(reply, Failure):
        return None, f"{NO_CALL}: {reply.kind}", "", reply.id
    said = reply.choices[0].text
    verdict = read(said)
    return verdict, "" if verdict else NO_VERDICT, said, reply.choice_id(0)


@dataclass(frozen=True, slots=True)
class CountingJudge:
    """Prefers the answer of which there is more; knows nothing of what it says."""

    name: str
    count: Callable[[str], int]

    def __call__(self, pairs: Iterable[AnswerPair]) -> Iterator[Preference]:
        """A tie where both have as much."""
        for pair in pairs:
            one, other = self.count(pair.one), self.count(pair.other)
            yield Preference(0.5 if one == other else float(one > other))


def unique_tokens(text: str) -> int:
    """Number of different words of an answer.

    >>> unique_tokens("The rain, the rain")
    2
    """
    return len(set(words(text)))


def length(text: str) -> int:
    """Number of words of an answer."""
    return len(words(text))


DUMMY = "dummy (more unique tokens)"
LONGER = "dummy (longer)"
DUMMIES: Sequence[CountingJudge] = (CountingJudge(DUMMY, unique_tokens), CountingJudge(LONGER, length))


@dataclass(frozen=True, slots=True)
class LikelihoodJudge:
    """Prefers the answer that a model finds likelier after the request, by the mean over its tokens."""

    scorer: TokenScorer

    @property
    def name(self) -> str:
        """Says what it is, and of which model."""
        return f"likelihood ({self.scorer.name})"

    def __call__(self, pairs: Iterable[AnswerPair]) -> Iterator[Preference]:
        """No verdict where an answer is empty: nothing has no likelihood."""
        for pair in pairs:
            before = f"{pair.instruction.strip()}\n\n"
            token_scores = [
                self.scorer.token_log_probabilities(before, text) if text.strip() else ()
                for text in (pair.one, pair.other)
            ]
            if not all(token_scores):
                yield Preference(None, fault="empty")
                continue
            one, other = (fmean(scores) for scores in token_scores)
            yield Preference(0.5 if one == other else float(one > other))


@dataclass(frozen=True, slots=True)
class Rated:
    """What a judge made of one answer."""

    value: float | None
    """For comparing answers: the mean of five aspects, or a level as 4 (A) to 1 (D); None where it gave none."""
    level: str = ""
    scores: tuple[tuple[str, int], ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    fault: str = ""
    said: str = ""
    request: str = ""

    def as_json(self) -> dict[str, Json]:
        """What a line of `judged.jsonl` has of one answer."""
        return {
            "level": self.level or None,
            "scores": dict(self.scores) or None,
            "reasons": dict(self.reasons) or None,
            "fault": self.fault or None,
            "said": self.said,
            "request": self.request,
        }


@dataclass(frozen=True, slots=True)
class AnswerRater:
    """A model that rates one answer at a time: by five aspects (`just_eval`), or by a level (`user_oriented`)."""

    model: Model
    measure: str
    max_tokens: int

    def __call__(self, answers: Iterable[tuple[str, str]]) -> Iterator[Rated]:
        """One for each (instruction, answer), in order."""
        text = prompt("evaluate", self.measure)

        def request(side: tuple[str, str]) -> Request:
            return judge_request(self.model, text, side[0], self.max_tokens, answer=side[1])

        read = _aspects if self.measure == "just_eval" else _level
        for asked in ask(self.model, answers, request):
            if isinstance(asked.reply, Failure):
                yield Rated(None, fault=f"{NO_CALL}: {asked.reply.kind}", request=asked.reply.id)
            else:
                yield read(asked.reply.choices[0].text, asked.reply.choice_id(0))


def _aspects(said: str, request: str) -> Rated:
    scored = aspects(said)
    if isinstance(scored, str):
        return Rated(None, fault=scored, said=said, request=request)
    scores, reasons = tuple(scored.scores.items()), tuple(scored.reasons.items())
    return Rated(scored.mean, scores=scores, reasons=reasons, said=said, request=request)


def _level(said: str, request: str) -> Rated:
    level = mark(said, LEVELS)
    if level is None:
        return Rated(None, fault=PROSE if said.strip() else NO_VERDICT, said=said, request=request)
    return Rated(float(len(LEVELS) - LEVELS.index(level)), level=level, said=said, request=request)
