"""What a stage needs of the engine, and what it is to a run: facts that it declares and the engine reads.

A stage says them once, in `needs`, from its knobs as they stand. `check`, `--dry-run`, the run and its report read them
there; none of them knows a stage by its name or a knob by its spelling.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Answers: TypeAlias = Literal["records", "decisions", "numbers"]
"""What becomes of a model's words: `records` (tasks, their answers), `decisions` about records, or `numbers` alone."""

HandsOn: TypeAlias = Literal["as_they_came", "with_evidence", "changed"]
"""How a stage hands on what it keeps: the records that came in, the same with evidence beside them, or others."""

OF_TRAINING = "finetune"
"""Name under which a stage that tunes measures how it went. As all below: the run, its report and the terminal look a
measure up by what it is, whichever stage took it."""
OF_TONE = "score"
"""Name of the scores of tone that feedback reads and pages tell."""
OF_FEEDBACK = "feedback"
"""Name of what a cycle's score says to the next."""
OF_SPLIT = "split"
"""Name of how a set was split for testing, and of what was checked across."""
OF_TOPIC = "topic"
"""Name of how many tasks kept to a topic."""
OF_FRAGMENTS = "fragments"
"""Name of the pairs that a judge of tone learns from."""
OF_JUDGE = "judge"
"""Name of how good a judge of tone is."""
OF_TASTE = "objecqa"
"""Name of how often models take no side in questions of taste."""
OF_SUITES = "suite"
"""Name of the marks that a program gave to answers."""
OF_JUDGED = "judge_answers"
"""Name of what judges made of answers."""
OF_ANSWERS = "evaluation"
"""Name of answers to the test split of a set."""
OF_ABLATION = "ablation"
"""Name of whether a model uses its instructions."""
OF_SHIFT = "shift"
"""Name of what tuning moved, token by token."""
OF_KNOWLEDGE = "knowledge"
"""Name of what tuning made a model forget."""
OF_TRACE = "trace"
"""Name of which records taught what a student says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeNeed:
    """A judge of tone that a stage asks."""

    named: str
    """Its name or folder, as the stage's knob says; empty: the engine takes one and writes it into that knob."""
    knob: str = "judge"
    fast: bool = False
    """Where none is named, the judge that needs no model: it is asked while another model waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteNeed:
    """A suite of questions that a stage asks."""

    name: str
    path: str
    """A file or a folder, or the name of a shipped one; the bench has its tasks under it."""
    instances: int = 1
    """Of each task, the first so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckNeed:
    """Checks of the tone of a model in training."""

    tone: bool
    """The prompts for training are asked; else a check of that kind is possible, and none is planned."""
    taste: bool
    """The questions of taste are asked, too."""
    sets: tuple[str, ...] = ()
    """Names of the prompts and of the questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTerms:
    """By what a published score of tone was told, so that its responses can be judged again in the same way."""

    tone_tokens: int
    """Generated tokens from which the tone is told."""
    budget: int
    """Tokens within which a clean answer ends; 0: whether it ends is not looked at."""
    asked_tokens: int
    """At most as many were asked for."""


REDIS = "redis://"
"""Begins the place of an index that lies in no folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexNeed:
    """An index of what earlier runs published: a stage compares with it, and what the run publishes goes into it."""

    place: str
    """A folder, or `redis://HOST:PORT/DB#NAME`."""
    over: Literal["instruction", "record", "response"]
    """The parts of a record that are compared."""
    shingle_words: int
    num_perm: int
    seed: int
    bands: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstrations:
    """How many tasks a prompt shows, and how many of them a model may have written."""

    shown: int
    machine: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """All that a stage wants of the engine; the bench has what is named here, and nothing else of its kind."""

    hands_on: HandsOn = "changed"
    """How what it keeps leaves it. What came in `as_they_came` need not be written down again to be known."""

    models: tuple[str, ...] = ()
    """Roles of the models that it asks, each once; an empty one is a role that the recipe failed to give."""
    answers: Answers = "decisions"
    """What their words become; a student that teaches takes over where they become records."""
    scorer: str = ""
    """Role of the model that tells how likely a text is; empty: none."""
    base: str = ""
    """Role of the weights that it tunes or looks into; empty: none."""
    beside: tuple[str, ...] = ()
    """Roles of weights that it looks into beside the base."""
    judge: JudgeNeed | None = None
    checks: CheckNeed | None = None
    """For a stage that measures the tone of a model in training."""
    hidden_states: bool = False
    """It learns from what a small model makes of replies."""
    extras: tuple[str, ...] = ()
    """Of this package, that must be installed for it."""
    gpu: bool = False
    """It cannot do without one."""

    prompts: tuple[str, ...] = ()
    """Names or files of prompts that its models are asked, whatever the records are."""
    suites: tuple[SuiteNeed, ...] = ()
    """Suites that its models are asked, whatever the records are."""
    asks_about_answers: int = 0
    """Requests about each answer that a stage before it gets, at most: a plan cannot know how many there are."""
    against: tuple[str, ...] = ()
    """Benchmarks of which nothing may stand in the records that it keeps."""
    against_columns: str = ""
    """Which column of these is what, where their names do not say it: `instruction=QUESTION,output=ANSWER`."""
    gold: tuple[str, ...] = ()
    """Files of tasks with answers that it compares with."""
    labelled: str = ""
    """A set of completions labelled by reading; empty: none."""
    rows: tuple[str, ...] = ()
    """Files whose lines are handed in as they are, each a task with all its fields as extra."""

    lineage: bool = False
    """It tells of a record what it was made of, up to its seeds."""
    index: IndexNeed | None = None
    """What earlier runs published counts for it, too."""

    rules: tuple[str, ...] = ()
    """Names of rules that others wrote, as the recipe says them."""

    builds: tuple[str, ...] = ()
    """Models that later stages may name `built:NAME`."""
    builds_judge: bool = False
    """It trains the judge that later stages ask where they name none."""
    tunes: bool = False
    """What it is shown, the student that it builds has learned: nothing that is asked of it may be there."""
    preview: Callable[[Sequence[Any], Any], str] | None = field(default=None, compare=False)
    """Of a stage that tunes: what it would learn of records, with a bench that has its base, in words; None: it cannot
    tell without training."""

    reads_before: bool = False
    """It compares with what the cycle before it built."""
    feeds_back: bool = False
    """It reads the score of its label, and steers the next cycle by it."""
    scores: ScoreTerms | None = None
    """It publishes `responses.jsonl` and the score of them, which feedback, the report and arms read; None: it does
    not."""
    label: str = ""
    """Which of several scores it publishes or reads."""

    novelty_below: float | None = None
    """It measures ROUGE-L with the nearest known task, and keeps what is below this; None: it does nothing of the
    kind."""
    demonstrations: tuple[Demonstrations, ...] = ()
    """Of a stage that asks for new tasks: what a prompt shows, for each kind of model that may be asked."""
    infers_topic: bool = False
    """It finds out from the seeds what tasks are to be about."""
    makes_answers: bool = False
    """A record without an answer is one to work on."""
    learns_answers: bool = False
    """A record without an answer is of no use to it."""
    asks_inputs: bool = False
    """Alone in a recipe, it asks just what the inputs ask, so that a plan is exact."""
    draws: bool = False
    """Records that it leaves out were not drawn; nothing was wrong with them."""

    def __post_init__(self) -> None:
        """Name each role once, in order."""
        object.__setattr__(self, "models", tuple(dict.fromkeys(self.models)))

    @property
    def sets(self) -> tuple[str, ...]:
        """Names of all sets that the bench has for it."""
        checked = self.checks.sets if self.checks else ()
        named = (
            *self.prompts,
            *checked,
            *(suite.path for suite in self.suites),
            *self.against,
            *self.gold,
            self.labelled,
            *self.rows,
        )
        return tuple(dict.fromkeys(filter(None, named)))

    @property
    def weights(self) -> tuple[str, ...]:
        """Roles of all weights that it tunes or looks into."""
        return tuple(dict.fromkeys(filter(None, (self.base, *self.beside))))

    @property
    def asks_sets(self) -> bool:
        """Its models are asked sets of prompts, so that it needs no records."""
        return any(self.prompts) or bool(self.suites)


NOTHING = Needs()
"""Of a stage that works on records alone."""


def optional_role(role: str) -> tuple[str, ...]:
    """The models of a stage that can do without one: that role, or none where its knob is empty.

    >>> optional_role("teacher"), optional_role("")
    (('teacher',), ())
    """
    return (role,) if role else ()
