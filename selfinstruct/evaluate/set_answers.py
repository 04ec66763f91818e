"""An answer to a question of a set, with all that is counted of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from selfinstruct.evaluate.overlap import Overlap, overlap
from selfinstruct.evaluate.set_questions import SetQuestion
from selfinstruct.records import Json
from selfinstruct.text import words
from selfinstruct.tone.no_answer import asks_to_repeat, is_echo, is_empty, is_loop, run_on
from selfinstruct.tone.verdicts import Judged, Response

UNITS = 10**9
"""ROUGE-L is summed in whole billionths, as all sums are whole numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAnswer:
    """What one model said to one question."""

    model: str
    wrapper: str
    question: SetQuestion
    text: str
    finish_reason: str
    tokens: int
    """Of the answer, as the model or its endpoint counts them, or as they were estimated."""
    tokens_estimated: bool
    request: str
    """Id of the completion: its prompt and raw answer stand in the journal."""
    overlap: Overlap
    words: int
    unique_words: int
    reference_words: int
    """Of the first reference."""
    verdict: Judged | None = None
    """Of the judge of tone; None where none judged."""

    def response(self, asked_tokens: int) -> Response:
        """As judges of tone take it."""
        return Response(
            prompt=self.question.text,
            text=self.text,
            model=self.model,
            wrapper=self.wrapper,
            finish_reason=self.finish_reason,
            source=self.question.source,
            asked_tokens=asked_tokens,
        )

    def as_json(self) -> dict[str, Json]:
        """One line of `answers.jsonl`; `score --responses` takes it too."""
        question = self.question
        told: dict[str, Json] = {
            "model": self.model,
            "wrapper": self.wrapper,
            "against": question.against,
            "task": question.task,
            "source": question.source,
            "system": question.system,
            "prompt": question.text,
            "response": self.text,
            "references": list(question.references),
            "finish_reason": self.finish_reason,
            "kind": question.kind,
            "verb": question.verb,
            "rouge_l": self.overlap.rouge_l,
            "rouge_l_stemmed": self.overlap.rouge_l_stemmed,
            "exact_match": self.overlap.exact,
            "words": self.words,
            "unique_words": self.unique_words,
            "reference_words": self.reference_words,
            "tokens": self.tokens,
            "tokens_estimated": self.tokens_estimated,
            "request": self.request,
        }
        if self.verdict is not None:
            told |= {"answer_like": self.verdict.answer_like, "clean": self.verdict.clean}
        return told


def set_answer(
    question: SetQuestion,
    text: str,
    *,
    model: str,
    wrapper: str,
    finish_reason: str,
    tokens: int,
    tokens_estimated: bool,
    request: str,
) -> SetAnswer:
    """The answer, measured."""
    said = words(text)
    return SetAnswer(
        model=model,
        wrapper=wrapper,
        question=question,
        text=text,
        finish_reason=finish_reason,
        tokens=tokens,
        tokens_estimated=tokens_estimated,
        request=request,
        overlap=overlap(text, question.references),
        words=len(said),
        unique_words=len(dict.fromkeys(said)),
        reference_words=len(words(question.references[0])),
    )


Counted = Callable[[SetAnswer], int]


def _units(score: float | None) -> int:
    return round((score or 0.0) * UNITS)


COUNTED: Mapping[str, Counted] = {
    "all": lambda one: 1,  # noqa: ARG005 - every column is asked the same
    "with_words": lambda one: one.overlap.rouge_l is not None,
    "rouge_l": lambda one: _units(one.overlap.rouge_l),
    "rouge_l_stemmed": lambda one: _units(one.overlap.rouge_l_stemmed),
    "exact": lambda one: one.overlap.exact,
    "words": lambda one: one.words,
    "unique_words": lambda one: one.unique_words,
    "reference_words": lambda one: one.reference_words,
    "tokens": lambda one: one.tokens,
    "truncated": lambda one: one.finish_reason == "length",
    "empty": lambda one: is_empty(one.text),
    "echo": lambda one: is_echo(one.question.text, one.text),
    "loop": lambda one: is_loop(one.text) and not asks_to_repeat(one.question.text),
    "run_on": lambda one: run_on(one.question.text, one.text) is not None,
    "judged": lambda one: one.verdict is not None,
    "answers": lambda one: one.verdict is not None and one.verdict.answer_like,
    "ended": lambda one: one.verdict is not None and one.verdict.clean is not None,
    "clean": lambda one: one.verdict is not None and bool(one.verdict.clean),
}
"""What is counted of each answer, in whole numbers."""
