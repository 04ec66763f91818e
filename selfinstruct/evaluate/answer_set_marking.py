"""What models are asked of a set, and how far an answer says what a reference says: ROUGE-L twice, and exact match.

ROUGE-L is that of `rouge_score` (Lin 2004), bit for bit, and so are stems. The words are the library's where texts are
ASCII; others are cut by `selfinstruct.text.segmentation`, as the library knows a-z and 0-9 alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selfinstruct.records import Json, Task, digest
from selfinstruct.superni import exact_match
from selfinstruct.text import words
from selfinstruct.text.rouge_l import rouge_l, stem
from selfinstruct.text.verb_rule import root_by_rule
from selfinstruct.tone.no_answer import asks_to_repeat, is_echo, is_empty, is_loop, run_on
from selfinstruct.tone.prompt_sets import asked
from selfinstruct.tone.response_verdicts import JudgedResponse, Response

Against: TypeAlias = Literal["agreement_with_teacher", "quality_on_held_out_seeds", "quality_on_gold"]
"""What an answer beside its references tells: imitation where a model wrote them, quality where people did."""
Kind: TypeAlias = Literal["classification", "not_classification", "undecided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetQuestion:
    """One instruction with its input, and every answer the set has to it."""

    against: Against
    task: str
    """Id of the first record that asks it."""
    source: str
    """The same for all questions of one instruction: they are not independent."""
    text: str
    """Instruction and input joined."""
    instruction: str
    input: str
    system: str
    references: tuple[str, ...]
    kind: Kind
    verb: str
    """Of the request, or the question word; empty where the plain English rule finds none."""


@dataclass(frozen=True, slots=True)
class SetQuestions:
    """The questions of a set."""

    questions: tuple[SetQuestion, ...]
    without_answer: int
    """Records with nothing to compare with."""


def set_questions(tasks: Iterable[Task], against: Against) -> SetQuestions:
    """One question for each instruction and input, in order of appearance; of a conversation its first turn.

    Further accepted answers of a Natural Instructions task, which stand beside its instances, are references too.

    >>> from selfinstruct.records import Instance, Provenance
    >>> pairs = (Instance("", "Tay"), Instance("", "Spey"))
    >>> tay = Task(instruction="Name a river.", instances=pairs, provenance=Provenance(stage="input"))
    >>> [(question.text, question.references) for question in set_questions([tay], "quality_on_gold").questions]
    [('Name a river.', ('Tay', 'Spey'))]
    """
    answers: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], tuple[Task, str]] = {}
    without = 0
    for task in tasks:
        pairs = [(at, pair) for at, pair in enumerate(task.instances) if pair.output.strip()]
        without += not pairs
        for at, pair in pairs:
            key = (task.system, asked(task, pair.input))
            first.setdefault(key, (task, pair.input))
            answers.setdefault(key, []).extend((pair.output, *_further(task, at)))
    questions = (_question(*first[key], key, references, against) for key, references in answers.items())
    return SetQuestions(tuple(questions), without)


def _further(task: Task, at: int) -> list[str]:
    """Other accepted outputs of an instance, as `formats/layouts.py` keeps them; extra fields may be anything."""
    raw_instances = task.extra.get("Instances")
    if not isinstance(raw_instances, list) or len(raw_instances) != len(task.instances):
        return []
    instance = raw_instances[at]
    outputs = instance.get("output") if isinstance(instance, dict) else None
    return (
        [output for output in outputs if isinstance(output, str) and output.strip()]
        if isinstance(outputs, list)
        else []
    )


def _question(task: Task, given: str, key: tuple[str, str], references: list[str], against: Against) -> SetQuestion:
    kinds: dict[bool | None, Kind] = {True: "classification", False: "not_classification", None: "undecided"}
    return SetQuestion(
        against=against,
        task=task.id,
        source=digest("instruction", task.instruction),
        text=key[1],
        instruction=task.instruction,
        input=given,
        system=key[0],
        references=tuple(dict.fromkeys(references)),
        kind=kinds[task.is_classification],
        verb=root_by_rule(task.instruction).verb,
    )


@dataclass(frozen=True, slots=True)
class Overlap:
    """An answer beside its references; of several the best, number by number."""

    rouge_l: float | None
    """F-measure; None where no reference has words (`???`)."""
    rouge_l_stemmed: float | None
    """The same of stems: the setting of Super-NaturalInstructions."""
    exact: bool
    """The same but for case, punctuation and white space."""


def overlap(answer: str, references: Sequence[str]) -> Overlap:
    """The answer compared with each reference.

    >>> measured = overlap("Running rivers", ["It runs.", "A running river"])
    >>> round(measured.rouge_l, 3), measured.rouge_l_stemmed, measured.exact
    (0.4, 0.8, False)
    >>> overlap("Positive.", ["positive"]).exact, overlap("长城", ["长河"]).rouge_l, overlap("!", ["?"]).rouge_l
    (True, 0.5, None)
    """
    said = words(answer)
    wanted = [cut for cut in map(words, references) if cut]
    plain = [rouge_l(said, cut) for cut in wanted]
    stems = [_stems(cut) for cut in wanted]
    return Overlap(
        max(plain, default=None),
        max((rouge_l(_stems(said), cut) for cut in stems), default=None),
        exact_match(answer, references),
    )


def _stems(cut: Sequence[str]) -> list[str]:
    return [stem(word) for word in cut]


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
    verdict: JudgedResponse | None = None
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
        line: dict[str, Json] = {
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
            line |= {"answer_like": self.verdict.answer_like, "clean": self.verdict.clean}
        return line


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
    """An answer with its ROUGE-L to the references of its question."""
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
    "all": lambda answer: 1,  # noqa: ARG005 - every column is asked the same
    "with_words": lambda answer: answer.overlap.rouge_l is not None,
    "rouge_l": lambda answer: _units(answer.overlap.rouge_l),
    "rouge_l_stemmed": lambda answer: _units(answer.overlap.rouge_l_stemmed),
    "exact": lambda answer: answer.overlap.exact,
    "words": lambda answer: answer.words,
    "unique_words": lambda answer: answer.unique_words,
    "reference_words": lambda answer: answer.reference_words,
    "tokens": lambda answer: answer.tokens,
    "truncated": lambda answer: answer.finish_reason == "length",
    "empty": lambda answer: is_empty(answer.text),
    "echo": lambda answer: is_echo(answer.question.text, answer.text),
    "loop": lambda answer: is_loop(answer.text) and not asks_to_repeat(answer.question.text),
    "run_on": lambda answer: run_on(answer.question.text, answer.text) is not None,
    "judged": lambda answer: answer.verdict is not None,
    "answers": lambda answer: answer.verdict is not None and answer.verdict.answer_like,
    "ended": lambda answer: answer.verdict is not None and answer.verdict.clean is not None,
    "clean": lambda answer: answer.verdict is not None and bool(answer.verdict.clean),
}
"""What is counted of each answer, in whole numbers."""
