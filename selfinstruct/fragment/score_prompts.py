"""Fragments from prompts alone, to score a model by: each instruction whole, and cut where it can be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from selfinstruct.fragment.cuts import By, cut
from selfinstruct.fragment.languages import language_of
from selfinstruct.fragment.sources import asked, first_input
from selfinstruct.records import Json, Task, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePrompt:
    """What a model is given to see whether it answers."""

    prompt: str
    whole: bool
    complete: bool
    """Cut, and a complete sentence all the same."""
    source: str
    """Id of the task."""

    @property
    def id(self) -> str:
        """Content and origin answer for it."""
        return digest("score_prompt", self.prompt, self.whole, self.source)

    def as_json(self) -> dict[str, Json]:
        """One line of a JSONL file."""
        return {
            "id": self.id,
            "prompt": self.prompt,
            "whole": self.whole,
            "complete": self.complete,
            "source": self.source,
        }


def prompts_of(tasks: Iterable[Task], seed: int, *, by: By = "uniform", words_at_least: int = 3) -> list[ScorePrompt]:
    """Of each task its instruction (and input) whole, then cut: `ifs_full` and `ifs_partial` (arXiv 2307.03692).

    A cut that reads as a complete sentence is taken only where there is no other, and marked. What is too short to be
    cut gives the whole alone; a task that asks nothing gives nothing. The cut depends on seed and task, not on order.
    """
    return [prompt for task in tasks for prompt in _prompts(task, seed, by, words_at_least)]


def _prompts(task: Task, seed: int, by: By, least: int) -> Iterator[ScorePrompt]:
    text = asked(task.instruction, first_input(task))
    if not text:
        return
    yield ScorePrompt(prompt=text, whole=True, complete=False, source=task.id)
    # Not for secrets: the same seed gives the same cuts.
    random = Random(digest("score_prompt", seed, task.id))  # noqa: S311
    found = cut(text, random, by=by, least=least, language=language_of(text), avoid_complete=True)
    if found:
        yield ScorePrompt(prompt=found.head, whole=False, complete=found.complete, source=task.id)
