"""Super-NaturalInstructions: its task files, the prompt it is asked in, and its scorer.

Paper: Wang et al. 2022 (arXiv 2204.07705). A task file holds a definition, examples that are right (positive) and wrong
(negative), and instances that may each have several right answers. The prompt is that of Tk-Instruct. Both numbers are
the best over the references, times 100: exact match of lower-cased texts without punctuation (articles stay), and the
F-measure of ROUGE-L of stems, by the package `rouge-score`. Intervals are by task, for instances of one task resemble
each other.
"""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.records import Json
from selfinstruct.stats import Estimate, mean
from selfinstruct.text import one_line
from selfinstruct.text.rouge_l import rouge_l, stemmed_words

Metric: TypeAlias = Literal["exact_match", "rouge_l"]

CATEGORY_METRICS: Mapping[str, Metric] = {
    "Textual Entailment": "exact_match",
    "Cause Effect Classification": "exact_match",
    "Coreference Resolution": "exact_match",
    "Dialogue Act Recognition": "exact_match",
    "Answerability Classification": "exact_match",
    "Word Analogy": "exact_match",
    "Overlap Extraction": "rouge_l",
    "Keyword Tagging": "rouge_l",
    "Question Rewriting": "rouge_l",
    "Title Generation": "rouge_l",
    "Data to Text": "rouge_l",
    "Grammar Error Correction": "rouge_l",
}
"""The twelve categories of the English test track, and the number that each is told by."""

TEST_INSTANCES = 100
"""Of a test task, the first so many are asked."""
SOURCE_WORDS = 700
"""About 1,024 tokens of T5: beyond, examples are dropped from the end of a prompt."""
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_SHARES = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class NatInstExample:
    """An input with an output, and why it is right or wrong."""

    input: str
    output: str
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class NatInstInstance:
    """One instance, with every answer that is right."""

    id: str
    input: str
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NatInstTask:
    """A task file of Super-NaturalInstructions: definition, categories, examples and instances."""

    name: str
    definition: str
    categories: tuple[str, ...] = ()
    positive: tuple[NatInstExample, ...] = ()
    negative: tuple[NatInstExample, ...] = ()
    instances: tuple[NatInstInstance, ...] = ()
    labels: tuple[str, ...] = field(default=())
    """The label space, where the file names it; else it is found from the outputs."""

    @property
    def category(self) -> str:
        """The first; empty where the file names none."""
        return self.categories[0] if self.categories else ""


def natinst_task(value: Mapping[str, Any], name: str, place: str = "") -> NatInstTask:
    """A task from the object of its file; keys beside those of the public layout are let be, but for `Labels`.

    >>> file = {"Definition": ["Name a river."], "Instances": [{"input": "Scotland", "output": ["Tay", "Dee"]}]}
    >>> natinst_task(file, "rivers").instances
    (NatInstInstance(id='rivers-1', input='Scotland', outputs=('Tay', 'Dee')),)

    Raises:
        BadInput: a key that is missing or of another kind; `place` is named.
    """
    definition = _texts(value.get("Definition"), "Definition", place)
    instances = tuple(
        NatInstInstance(
            str(instance.get("id", f"{name}-{number}")),
            _text(instance.get("input"), f"Instances, item {number}, input", place),
            _texts(instance.get("output"), f"Instances, item {number}, output", place),
        )
        for number, instance in enumerate(_objects(value.get("Instances"), "Instances", place), 1)
    )
    labels, categories = value.get("Labels"), value.get("Categories")
    return NatInstTask(
        name=name,
        definition=definition[0],
        categories=_texts(categories, "Categories", place) if categories else (),
        positive=_examples(value.get("Positive Examples", []), "Positive Examples", place),
        negative=_examples(value.get("Negative Examples", []), "Negative Examples", place),
        instances=instances,
        labels=_texts(labels, "Labels", place) if labels else (),
    )


def split_names(text: str) -> tuple[str, ...]:
    r"""Names of tasks from a split file, one a line.

    >>> split_names("task1_a\n\ntask2_b.json\n")
    ('task1_a', 'task2_b')
    """
    return tuple(line.strip().removesuffix(".json") for line in text.splitlines() if line.strip())


def tk_prompt(
    definition: str, source: str, positive: Sequence[NatInstExample] = (), *, most_words: int = SOURCE_WORDS
) -> str:
    r"""The prompt of Tk-Instruct; without a definition, that block is away.

    Sentences get a full stop where they end without a mark. Examples are dropped from the end where the whole would be
    longer than `most_words`.

    >>> print(tk_prompt("Say the opposite", "hot", [NatInstExample("wet", "dry")]) + "|")
    Definition: Say the opposite.
    <BLANKLINE>
     Positive Example 1 -
    Input: wet.
     Output: dry.
    <BLANKLINE>
    Now complete the following example -
    Input: hot.
    Output: |
    """
    head = f"{_ended(f'Definition: {definition.strip()}')}\n\n" if definition.strip() else ""
    tail = f"Now complete the following example -\n{_ended(f'Input: {source.strip()}')}\nOutput: "
    shown = ""
    for number, example in enumerate(positive, 1):
        put, said = _ended(f"Input: {example.input.strip()}"), _ended(f" Output: {example.output.strip()}")
        more = f"{shown} Positive Example {number} -\n{put}\n{said}\n\n"
        if len((head + more + tail).split()) > most_words:
            break
        shown = more
    return head + shown + tail


def normalized(text: str) -> str:
    """Lower case, without ASCII punctuation and needless white space; articles stay.

    >>> normalized(" The  answer: YES. ")
    'the answer yes'
    """
    return one_line(text.lower().translate(_PUNCTUATION))


def exact_match(answer: str, references: Sequence[str]) -> bool:
    """Whether the answer is one of the references but for case, punctuation and white space.

    >>> exact_match("Positive.", ["negative", "positive"]), exact_match("a cat", ["cat"])
    (True, False)
    """
    said = normalized(answer)
    return any(said == normalized(reference) for reference in references)


def package_rouge_l(answer: str, references: Sequence[str]) -> float:
    """F-measure of ROUGE-L of stems, the best over the references, in 0..1.

    The words are those of the package, as in every published score, which finds none in other scripts than Latin;
    `evaluate/answer_set_marking.py` cuts those itself.

    >>> package_rouge_l("running rivers", ["It runs.", "A running river"])
    0.8
    """
    said = stemmed_words(answer)
    return max((rouge_l(stemmed_words(reference), said) for reference in references), default=0.0)


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """One answer beside its references; numbers in points, 0 to 100."""

    task: str
    category: str
    exact_match: float
    rouge_l: float


def scored(task: str, category: str, answer: str, references: Sequence[str]) -> ScoredAnswer:
    """An answer, scored in both ways."""
    return ScoredAnswer(
        task, category, 100.0 * exact_match(answer, references), 100.0 * package_rouge_l(answer, references)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperNIScore:
    """Means over answers in points, with 95 % intervals by task."""

    exact_match: Estimate
    rouge_l: Estimate
    by_category: "Mapping[str, SuperNIScore]" = field(default_factory=dict)
    """Empty within a category."""

    def as_json(self) -> dict[str, Json]:
        """Both numbers, how many answers and tasks, and the same by category."""
        numbers: dict[str, Json] = {
            "answers": self.rouge_l.n,
            "tasks": self.rouge_l.clusters,
            "exact_match": self.exact_match.as_json(),
            "rouge_l": self.rouge_l.as_json(),
        }
        if not self.by_category:
            return numbers
        return numbers | {
            "by_category": {
                name: estimate.as_json() | ({"told_by": CATEGORY_METRICS[name]} if name in CATEGORY_METRICS else {})
                for name, estimate in self.by_category.items()
            }
        }


def superni_score(answers: Sequence[ScoredAnswer], seed: int = 0) -> SuperNIScore | None:
    """All answers together and by category, as the public scorer has it: means over answers; None where there is none.

    >>> found = superni_score([scored("t1", "A", "yes", ["yes"]), scored("t2", "B", "no", ["yes"])])
    >>> found.exact_match.value, found.by_category["A"].rouge_l.value, found.rouge_l.clusters
    (50.0, 100.0, 2)
    """
    if not answers:
        return None
    categories = dict.fromkeys(sorted(answer.category for answer in answers if answer.category))
    return SuperNIScore(
        exact_match=_by_task(answers, "exact_match", seed),
        rouge_l=_by_task(answers, "rouge_l", seed),
        by_category={
            name: SuperNIScore(
                exact_match=_by_task(within, "exact_match", seed), rouge_l=_by_task(within, "rouge_l", seed)
            )
            for name in categories
            if (within := [answer for answer in answers if answer.category == name])
        },
    )


def _by_task(answers: Sequence[ScoredAnswer], metric: Metric, seed: int) -> Estimate:
    values: dict[str, list[float]] = {}
    for answer in answers:
        values.setdefault(answer.task, []).append(getattr(answer, metric) / 100)
    estimate = mean(
        [sum(each) for each in values.values()], [len(each) for each in values.values()], within=_SHARES, seed=seed
    )
    assert estimate is not None
    return in_points(estimate)


def in_points(share: Estimate) -> Estimate:
    """An estimate of a number in -1..1 times 100; bounds of few clusters are known on the scale of shares alone.

    >>> in_points(Estimate(0.5, 0.25, None, 4, 2, "bootstrap")).low
    25.0
    """
    low, high = (None if end is None else round(100 * end, 6) for end in (share.low, share.high))
    return Estimate(round(100 * share.value, 6), low, high, share.n, share.clusters, share.how)


def _ended(text: str) -> str:
    return text if text[-1] in string.punctuation else f"{text}."


def _objects(value: object, what: str, place: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise BadInput(f"'{what}' is not a list of objects", place=place, fix=_LAYOUT)
    return value


def _text(value: object, what: str, place: str) -> str:
    if not isinstance(value, str):
        raise BadInput(f"'{what}' is not a text", place=place, fix=_LAYOUT)
    return value


def _texts(value: object, what: str, place: str) -> tuple[str, ...]:
    """One text, or a list of at least one."""
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, list) or not several or not all(isinstance(item, str) for item in several):
        raise BadInput(f"'{what}' is no text and no list of texts", place=place, fix=_LAYOUT)
    return tuple(several)


def _examples(value: object, what: str, place: str) -> tuple[NatInstExample, ...]:
    return tuple(
        NatInstExample(
            _text(example.get("input"), f"{what}, item {number}, input", place),
            _texts(example.get("output"), f"{what}, item {number}, output", place)[0],
            example["explanation"] if isinstance(example.get("explanation"), str) else "",
        )
        for number, example in enumerate(_objects(value, what, place), 1)
    )


_LAYOUT = "name task files in the layout of Natural Instructions: Definition, Positive Examples, Instances"
