"""Names of tasks, what the harness calls them, and the settings of arXiv 2306.04751 as far as the harness has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from selfinstruct.errors import BadInput
from selfinstruct.records import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessTask:
    """One task, or a group of them."""

    name: str
    """Our name for it, as `--tasks` takes it."""
    tasks: tuple[str, ...]
    """As the harness calls them."""
    fewshot: int | None = None
    """None: as the harness has it."""
    limit: int | None = None
    """Of each of its tasks, the first so many; None: all."""
    settings: str = "as the harness has it"
    differs: str = ""
    """In what it is not the paper's; empty: nothing that changes what is measured."""
    likelihood: bool | None = None
    """Answered by comparing likelihoods, not by writing; None: not known before it is loaded."""
    runs_code: bool = False
    """Runs what the model wrote."""

    @property
    def conditions(self) -> str:
        """What a number of it rests on."""
        return f"{self.settings}; not the paper's: {self.differs}" if self.differs else self.settings

    def as_json(self) -> dict[str, Json]:
        """For the process that runs it."""
        return {"name": self.name, "tasks": [*self.tasks], "fewshot": self.fewshot, "limit": self.limit}


_TYDIQA = tuple(f"tydiqa_goldp_{language}" for language in ("ar", "bn", "en", "fi", "id", "ko", "ru", "sw", "te"))

HARNESS: Mapping[str, HarnessTask] = {
    task.name: task
    for task in (
        HarnessTask(
            name="mmlu",
            tasks=("mmlu",),
            fewshot=0,
            settings="0-shot, the likeliest of A to D",
            likelihood=True,
        ),
        HarnessTask(
            name="gsm8k",
            tasks=("gsm8k_cot",),
            fewshot=8,
            limit=200,
            settings="8-shot with chains of thought, 200 questions; flexible-extract takes the last number",
            differs="which 200 of the 1,319 questions, and answers do not end at a line's end",
            likelihood=False,
        ),
        HarnessTask(
            name="bbh",
            tasks=("bbh_cot_fewshot",),
            fewshot=3,
            limit=40,
            settings="3-shot with chains of thought, 40 questions a task",
            likelihood=False,
        ),
        HarnessTask(
            name="tydiqa",
            tasks=_TYDIQA,
            fewshot=1,
            limit=100,
            settings="gold passage, 1-shot, 100 questions in each of nine languages",
            differs="passages are not cut at 512 tokens, and which 100 questions",
            likelihood=False,
        ),
        HarnessTask(
            name="humaneval",
            tasks=("humaneval",),
            fewshot=0,
            settings="0-shot, one greedy sample, pass@1",
            differs="20 samples at temperature 0.1 (pass@1) and 0.8 (pass@10)",
            likelihood=False,
            runs_code=True,
        ),
        HarnessTask(
            name="toxigen",
            tasks=("toxigen",),
            fewshot=0,
            settings="is a statement hateful, yes or no, by likelihood",
            differs="there the model writes, and a classifier tells how much of it is toxic",
            likelihood=True,
        ),
        HarnessTask(
            name="truthfulqa",
            tasks=("truthfulqa_mc2",),
            settings="several true answers among false ones, by likelihood (mc2)",
            differs="there judges tell which written answers are true and informative",
            likelihood=True,
        ),
    )
}
"""By our name."""


def harness_tasks(names: Sequence[str]) -> tuple[HarnessTask, ...]:
    """Ours by name; any other name is passed to the harness as it is.

    BadInput for none, or one twice.

    >>> [task.tasks for task in harness_tasks(["gsm8k", "arc_easy"])]
    [('gsm8k_cot',), ('arc_easy',)]
    """
    if not names or len(set(names)) < len(names):
        raise BadInput(
            "no task, or one twice", place="--tasks", fix=f"name some of: {', '.join(HARNESS)}, or lm-eval's own"
        )
    return tuple(HARNESS.get(name) or HarnessTask(name=name, tasks=(name,)) for name in names)


def refused(task: str, *, likelihood: bool, runs_code: bool, chat: bool, run_model_code: bool) -> str:
    """Why a task is not run; empty where it may be.

    >>> refused("mmlu", likelihood=True, runs_code=False, chat=True, run_model_code=False).split(":")[0]
    'mmlu compares likelihoods'
    """
    if likelihood and chat:
        return (
            f"{task} compares likelihoods: a chat endpoint tells none of given text; ask a model on this machine "
            "(hf:), or leave the task out"
        )
    if runs_code and not run_model_code:
        return (
            f"{task} runs code that the model wrote: it may delete files or reach the network; in a container or a "
            "machine that can be lost, pass --run-model-code"
        )
    return ""


def past_the_cap(task: str) -> str:
    """Why a task by likelihood is not asked of an endpoint under a cap."""
    return (
        f"{task} compares likelihoods: the harness's own client asks for these, past the journal and any cap; take the "
        "cap away, ask a model on this machine (hf:), or leave the task out"
    )
