"""Checks that ask a model: self-consistency over several answers, and a second model's verdict."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from selfinstruct.curate.exchanges import PASSED, UNCHECKED, CheckFinding, Reply, failed
from selfinstruct.curate.simplification.simplify_by_model import template_of
from selfinstruct.prompts import Prompt
from selfinstruct.records import Completion, Failure, Request
from selfinstruct.stage import Model, ask
from selfinstruct.text import shown, words

_LEAD = re.compile(
    r"\A(?:the )?(?:final |correct )?(?:answer|output|result|label|class)(?: is)?\s*:?\s*", re.IGNORECASE
)
_FIGURE = re.compile(r"[-\u2212]?\d[\d,]*(?:\.\d+)?")
_VERDICT = re.compile(
    r"[\s*_\"'`]*(correct|incorrect|right|wrong)\b[\s*_\"'`]*[.:,;-]*\s*(.*)", re.IGNORECASE | re.DOTALL
)
_CUT = ("length", "content_filter")
_REASON = 160  # tokens of a verdict with its reason


@dataclass(frozen=True, slots=True)
class ModelFinding:
    """A model's word on one reply."""

    finding: CheckFinding
    request: str
    """Id of the completion it was read from."""


class SecondModel:
    """The two questions of verification, put to one model."""

    def __init__(self, model: Model, *, answers: int, short_words: int, temperature: float) -> None:
        """As the knobs of the stage say."""
        self._model, self._template = model, template_of(model)
        self._answers, self._short_words, self._temperature = answers, short_words, temperature

    def can_vote(self, reply: Reply) -> bool:
        """Only answers that are short enough to be the same twice: labels, numbers, names."""
        said = words(reply.output)
        return bool(said) and len(said) <= self._short_words and "\n" not in reply.output.strip()

    def agreements(self, asked: Sequence[Reply]) -> Iterator[ModelFinding | Failure]:
        """For each reply, whether most of several new answers say the same."""
        text = self._template.prompt("answer")
        # A model that gives one choice at a time is asked once for each.
        each = 1 if self._model.traits.multiple else self._answers
        subjects = [(reply, number) for reply in asked for number in range(each)]
        answers = ask(self._model, subjects, lambda subject: self._vote(*subject, text))
        for reply in asked:
            replies = [answer.reply for answer in islice(answers, each)]
            failure = next((answer for answer in replies if isinstance(answer, Failure)), None)
            if failure is not None:
                yield failure
                continue
            completions = [answer for answer in replies if isinstance(answer, Completion)]
            texts = [
                choice.text for answer in completions for choice in answer.choices if choice.finish_reason not in _CUT
            ]
            yield ModelFinding(agreement(reply.output, texts), completions[0].choice_id(0))

    def verdicts(self, asked: Sequence[Reply]) -> Iterator[ModelFinding | Failure]:
        """For each reply, whether the model calls it correct."""
        text = self._template.prompt("verdict")

        def request(reply: Reply) -> Request:
            filled = text.filled(asked=reply.request.strip(), reply=reply.output.strip())
            return self._template.request(
                filled, max_tokens=_REASON, purpose="verdict", subject=reply.instruction, stop=("\n\n",)
            )

        for answer in ask(self._model, asked, request):
            if isinstance(answer.reply, Failure):
                yield answer.reply
            else:
                yield ModelFinding(parse_verdict(answer.reply.choices[0].text), answer.reply.choice_id(0))

    def _vote(self, reply: Reply, number: int, text: Prompt) -> Request:
        single = not self._model.traits.multiple
        return self._template.request(
            text.filled(asked=reply.request.strip()),
            max_tokens=max(32, 4 * self._short_words),
            purpose="agreement",
            subject=reply.instruction,
            stop=("\n",),
            temperature=self._temperature,
            n=1 if single else self._answers,
            seed=number if single else None,
        )


def agreement(output: str, answers: Sequence[str]) -> CheckFinding:
    """Whether more than half of the answers say what the output says; unchecked where no answer has a majority.

    >>> agreement("It is 12.", ["12", "Answer: 12.0", "13"]).verdict
    'passed'
    >>> agreement("Positive", ["negative", "Negative.", "neutral"])
    CheckFinding(verdict='failed', expected='negative (2 of 3)', found='Positive')
    >>> agreement("Positive", ["negative", "positive", "neutral"]).verdict
    'unchecked'
    """
    votes = Counter(said for answer in answers if (said := normal(answer)))
    if not votes:
        return UNCHECKED
    likeliest, count = votes.most_common(1)[0]
    if count * 2 <= len(answers) or count < 2:
        return UNCHECKED
    if _same(normal(output), likeliest):
        return PASSED
    return failed(f"{likeliest} ({count} of {len(answers)})", shown(output, 120))


def normal(answer: str) -> str:
    """A short answer as it is compared: its one number, or its words without case, marks, articles and lead-in.

    >>> normal("The answer is: 1,200.0 euros."), normal(" The Positive ")
    ('1200', 'positive')
    """
    text = _LEAD.sub("", answer.strip())
    figures: list[str] = _FIGURE.findall(text)
    if len(figures) == 1:
        figure = figures[0].replace(",", "").replace("\u2212", "-")
        return figure.rstrip("0").rstrip(".") if "." in figure else figure
    return " ".join(word for word in words(text) if word not in ("a", "an", "the"))


def parse_verdict(text: str) -> CheckFinding:
    """What a model's verdict says, with its reason as evidence; unchecked where it is none.

    >>> parse_verdict("Incorrect: the Nile is longer.")
    CheckFinding(verdict='failed', expected='correct', found='Incorrect: the Nile is longer.')
    >>> parse_verdict("Well...").verdict
    'unchecked'
    """
    match = _VERDICT.match(text)
    if not match:
        return UNCHECKED
    if match[1].lower() in ("correct", "right"):
        return PASSED
    return failed("correct", shown(text, 300))


def _same(output: str, majority: str) -> bool:
    """Whether one of two normal answers holds the other as whole words: `Paris, France` says `Paris`."""
    one, other = f" {output} ", f" {majority} "
    return bool(output) and (one in other or other in one)
