"""The sections about evaluations: suites that a program marks, answers to a test split, ablations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from selfinstruct.needs import OF_ABLATION, OF_ANSWERS, OF_SPLIT, OF_SUITES
from selfinstruct.records import Json
from selfinstruct.report.json_values import count_in, estimate_in, number_in, part, rows, text_in
from selfinstruct.report.number_words import DASH, spaced
from selfinstruct.report.page_parts import (
    AuditFinding,
    Cell,
    Section,
    Table,
    change_cell,
    count_cell,
    differences_table,
    estimate_cell,
    model_cells,
    names_of,
    number_cell,
    text_cell,
)
from selfinstruct.report.summary import StageMeasure
from selfinstruct.text.grammar import plural
from selfinstruct.tone.tone_metrics import ECHO, EMPTY, IFS, IFS_CLEAN, LOOP, RUN_ON, TRUNCATED

_Value = Mapping[str, Json]


# Suites

_SUITES = {
    "ifeval": "IFEval: verifiable instructions",
    "superni": "Super-NaturalInstructions, by definition alone",
    "user_oriented": "User-oriented tasks, for people to rate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteScores:
    """One suite: models side by side, and by category."""

    title: str
    questions: int
    reads: str
    """Where the questions come from."""
    max_tokens: int | None
    left_out: int
    """Questions that a run of an older version left out, as no language could be told there."""
    scores: Table
    by_category: Table


@dataclass(frozen=True, slots=True)
class SuitesSection:
    """Every suite that was asked."""

    template: ClassVar[str] = "suites.html.jinja"
    suites: tuple[SuiteScores, ...]

    @classmethod
    def of(cls, measure: StageMeasure) -> "SuitesSection | None":
        """None where the value is of another shape."""
        value = part(measure.value)
        models, names = rows(value.get("models")), part(value, "suites")
        if not models or not names:
            return None
        return cls(tuple(_suite(name, part(value, "suites", name), models) for name in names))


def _suite(name: str, asked: _Value, models: Sequence[_Value]) -> SuiteScores:
    heads = {key: text_in(said) for key, said in part(asked, "measures").items()}
    lines = [
        (
            *model_cells(model),
            *(count_cell(part(model, name).get(key)) for key in ("answered", "failed", "truncated")),
            *(estimate_cell(estimate_in(part(model, name, "measures").get(key))) for key in heads),
        )
        for model in models
    ]
    head = ("Model", "Wrapper", "Answers", "Failed", "Truncated", *heads.values())
    return SuiteScores(
        title=_SUITES.get(name, name),
        questions=count_in(asked.get("questions")) or 0,
        reads=text_in(asked.get("reads")),
        max_tokens=count_in(asked.get("max_tokens")),
        left_out=count_in(asked.get("left_out")) or 0,
        scores=Table(head, lines, words=2, label=name, dense=True),
        by_category=_suite_by_category(name, heads, models),
    )


def _suite_by_category(name: str, heads: Mapping[str, str], models: Sequence[_Value]) -> Table:
    categories = [part(scores) for model in models for scores in part(model, name, "by_category").values()]
    shown = [key for key in heads if any(key in scores for scores in categories)]
    lines = []
    for category in names_of(part(model, name, "by_category") for model in models):
        for model in models:
            scores = part(model, name, "by_category", category)
            count = count_cell(part(scores, shown[0]).get("n")) if shown else Cell("")
            numbers = (estimate_cell(estimate_in(scores.get(key))) for key in shown)
            lines.append((Cell(category, limit=60), text_cell(model.get("model")), count, *numbers))
    head = ("Category", "Model", "n", *(heads[key] for key in shown))
    return Table(head, lines, words=2, label=f"{name} by category", dense=True)


# A split set, and answers to its test split

_AGAINST = {
    "agreement_with_teacher": (
        "Agreement with the teacher",
        "beside the answers of the set; where a model wrote them, this is imitation",
    ),
    "quality_on_held_out_seeds": ("Quality on held-out seeds", "to tasks that no model was shown, answered by people"),
    "quality_on_gold": ("Quality on gold answers", "beside the answers of the gold file"),
}
_NUMBERS = {
    "rouge_l": "ROUGE-L",
    "rouge_l_stemmed": "ROUGE-L, stems",
    "exact_match": "Exact match",
    IFS.key: IFS.head,
    IFS_CLEAN.key: IFS_CLEAN.head,
    "words": "Words",
    "unique_share": "Unique words",
    "reference_words": "Words in the reference",
    "tokens": "Tokens",
    **{metric.key: metric.head for metric in (TRUNCATED, EMPTY, ECHO, LOOP, RUN_ON)},
}
_COUNTS = frozenset({"words", "unique_words", "reference_words", "tokens"})  # not shares
_BRIEF = ("rouge_l", "exact_match", IFS.key, "words")
_COMPARED = ("rouge_l", "rouge_l_stemmed", "exact_match", IFS.key, IFS_CLEAN.key, "words", "unique_words")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSection:
    """How a set was divided, and how alike the two sides are."""

    template: ClassVar[str] = "split.html.jinja"
    train: int
    test: int
    groups: int | None
    """What is nearly the same is one group, and stays on one side."""
    groups_of_several: int | None
    largest_group: int | None
    groups_too_large: int | None
    """Too large to be tested on."""
    checked: int | None
    """Test records that were compared with all others afterwards."""
    most_alike: Table

    @classmethod
    def of(cls, measure: StageMeasure) -> "SplitSection | None":
        """None where the value is of another shape."""
        value = part(measure.value)
        train, test = count_in(value.get("train")), count_in(value.get("test"))
        if train is None or test is None:
            return None
        highest, limits = part(value.get("highest_across")), part(value.get("limits"))
        lines = [
            (
                Cell(name),
                number_cell(part(highest, key).get("score")),
                number_cell(limits.get(limit), 2),
                *(text_cell(text_in(part(highest, key).get(side))[:12]) for side in ("test", "train")),
            )
            for name, key, limit in (("Jaccard", "jaccard", "jaccard"), ("ROUGE-L", "rouge_l", "rouge_l_below"))
        ]
        head = ("Most alike across", "Found", "Limit", "Test record", "Train record")
        return cls(
            train=train,
            test=test,
            groups=count_in(value.get("groups")),
            groups_of_several=count_in(value.get("groups_of_several")),
            largest_group=count_in(value.get("largest_group")),
            groups_too_large=count_in(value.get("groups_too_large_to_test")),
            checked=count_in(value.get("checked")),
            most_alike=Table(head, lines, label="Most alike across the split"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedAnswers:
    """Answers beside one kind of other answers."""

    title: str
    meaning: str
    questions: int | None
    without_answer: int
    """Records that had no answer to compare with."""
    scores: Table
    differences: Table
    by_category: tuple[Table, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersSection:
    """Models on the same questions, by what their answers are compared with."""

    template: ClassVar[str] = "answers.html.jinja"
    records: str
    max_tokens: int | None
    temperature: float | None
    judge: str
    failed: int
    compared: tuple[ComparedAnswers, ...]

    @classmethod
    def of(cls, measure: StageMeasure) -> "AnswersSection | None":
        """None where the value is of another shape."""
        value = part(measure.value)
        models = rows(value.get("models"))
        against = [name for name in _AGAINST if any(name in model for model in models)]
        if not against:
            return None
        return cls(
            records=text_in(value.get("records")),
            max_tokens=count_in(value.get("max_tokens")),
            temperature=number_in(value.get("temperature")),
            judge=text_in(part(value.get("judge")).get("version")),
            failed=count_in(value.get("failed")) or 0,
            compared=tuple(_compared(name, value, models) for name in against),
        )


def _compared(name: str, value: _Value, models: Sequence[_Value]) -> ComparedAnswers:
    title, meaning = _AGAINST[name]
    lines = [
        (
            *model_cells(model),
            *(count_cell(part(model, name).get(key)) for key in ("n", "tasks")),
            *(estimate_cell(estimate_in(part(model, name).get(key)), _digits(key)) for key in _NUMBERS),
        )
        for model in models
    ]
    head = ("Model", "Wrapper", "Answers", "Tasks", *_NUMBERS.values())
    return ComparedAnswers(
        title=title,
        meaning=meaning,
        questions=count_in(part(value.get("questions")).get(name)),
        without_answer=count_in(part(value.get("without_answer")).get(name)) or 0,
        scores=Table(head, lines, words=2, label=title, dense=True),
        differences=_differences([row for row in rows(value.get("differences")) if row.get("against") == name]),
        by_category=tuple(table for table in _answers_by_category(name, models) if table.shown),
    )


def _differences(differences: Sequence[_Value]) -> Table:
    titles = {name: _NUMBERS.get(name, "Different words") for name in _COMPARED}
    return differences_table(differences, "questions", titles, _digits)


def _answers_by_category(against: str, models: Sequence[_Value]) -> Iterator[Table]:
    for feature, title in (("kind", "Kind"), ("verb", "First verb")):
        lines = []
        for name in names_of(part(model, against, "by_category", feature) for model in models):
            for model in models:
                scores = part(model, against, "by_category", feature, name)
                numbers = (estimate_cell(estimate_in(scores.get(key)), _digits(key)) for key in _BRIEF)
                lines.append((text_cell(spaced(name), 60), *model_cells(model), count_cell(scores.get("n")), *numbers))
        head = (title, "Model", "Wrapper", "Answers", *(_NUMBERS[name] for name in _BRIEF))
        yield Table(head, lines, words=3, label=f"Answers by {title.lower()}", dense=True)


def _digits(name: str) -> int:
    return 1 if name in _COUNTS else 3


# Ablations

_KINDS = {
    "labels": ("Tasks with a label space", "exact_match", "exact match"),
    "free_text": ("Tasks for free text", "rouge_l", "ROUGE-L of stems"),
}


@dataclass(frozen=True, slots=True)
class TaskKind:
    """Tasks that are marked alike: arms beside guessing and beside each other."""

    title: str
    arms: Table
    by_category: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationSection:
    """What each change of the instruction costs, and what follows from it."""

    template: ClassVar[str] = "ablation.html.jinja"
    finding: AuditFinding
    verdict: str
    why: str
    turned: Cell | None
    """By how much answers turn where labels have changed places; None where that control was not run."""
    turns: str
    """Whether they do, in words."""
    margin: float | None
    """Points within which two arms are equal."""
    model: str
    instances: int | None
    failed: int | None
    kinds: tuple[TaskKind, ...]

    @classmethod
    def of(cls, measure: StageMeasure) -> "AblationSection | None":
        """None where the value is of another shape."""
        value = part(measure.value)
        arms = [*rows(value.get("baselines")), *rows(value.get("arms"))]
        concluded, control = part(value, "conclusion"), part(value, "control")
        if not arms or not concluded:
            return None
        follows = control.get("followed")
        tasks = sum(count_in(number) or 0 for number in part(value, "tasks").values())
        return cls(
            finding=AuditFinding(
                number=text_in(concluded.get("verdict")),
                what=f"is the verdict on {text_in(value.get('model'))} and its instructions",
                interval=text_in(concluded.get("why")),
                of=plural(tasks, "task"),
            ),
            verdict=text_in(concluded.get("verdict")),
            why=text_in(concluded.get("why")),
            turned=change_cell(estimate_in(control.get("turned")), 1) if control else None,
            turns="cannot tell" if follows is None else "they turn" if follows else "they do not",
            margin=number_in(value.get("margin")),
            model=text_in(value.get("model")),
            instances=count_in(value.get("instances")),
            failed=count_in(value.get("failed")),
            kinds=tuple(task_kind for kind in _KINDS if (task_kind := _task_kind(kind, value, arms))),
        )


def _task_kind(kind: str, value: _Value, every_arm: Sequence[_Value]) -> TaskKind | None:
    title, metric, called = _KINDS[kind]
    arms = [arm for arm in every_arm if part(arm, kind)]
    if not arms:
        return None
    compared = {text_in(row.get("condition")): row for row in rows(part(value, "comparisons").get(kind))}
    head = ("Arm", "Tasks", f"Score, {called}", "Compared with", "Difference", "Equal within", "Could show", "Verdict")
    lines = [_arm(arm, part(arm, kind), metric, compared.get(text_in(arm.get("name")), {})) for arm in arms]
    categories = names_of(part(arm, kind, "by_category") for arm in arms)
    by_category = [
        (
            Cell(name, limit=60),
            *(estimate_cell(estimate_in(part(arm, kind, "by_category", name).get(metric)), 1) for arm in arms),
        )
        for name in categories
    ]
    names = [spaced(text_in(arm.get("name")))[:60] or DASH for arm in arms]
    return TaskKind(
        title,
        Table(head, lines, words=1, label=title, dense=True),
        Table(("Category", *names), by_category, dense=True),
    )


def _arm(arm: _Value, score: _Value, metric: str, compared: _Value) -> tuple[Cell, ...]:
    return (
        text_cell(spaced(text_in(arm.get("name"))), 60),
        count_cell(score.get("tasks")),
        estimate_cell(estimate_in(score.get(metric)), 1),
        text_cell(spaced(text_in(compared.get("against"))), 60),
        change_cell(estimate_in(compared.get("difference")), 1),
        number_cell(compared.get("equal_within"), 1),
        number_cell(compared.get("could_show"), 1),
        text_cell(compared.get("verdict")),
    )


SUITES = Section("suites", "Suites", "What a program can mark", {OF_SUITES: SuitesSection.of})
ANSWERS = Section(
    "tested",
    "Test split",
    "Answers to what was kept aside",
    {OF_SPLIT: SplitSection.of, OF_ANSWERS: AnswersSection.of},
)
ABLATION = Section("ablation", "Ablation", "Does it use its instructions?", {OF_ABLATION: AblationSection.of})
