"""Stage: how much an instruction helps to foresee its response (IFD; Li et al. 2023, arXiv 2308.12032)."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, ClassVar

from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.prompt_templates import joined
from selfinstruct.records import Instance, Task
from selfinstruct.stage import Bench, Kept, Outcome, Scope, TokenScorer

_MEASURES = ("ifd", "loss_given_instruction", "loss_alone")
_TOGETHER = 16  # tasks scored in one call, and noted in one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Mean loss of a task's responses in nats for each token, over all tokens of all its instances."""

    given: float
    """With the instruction, and the input, before them."""
    alone: float
    tokens: int

    @property
    def ifd(self) -> float | None:
        """The ratio: near 0 the instruction tells all, above 1 it misleads; None where nothing is left to foresee.

        >>> Losses(given=1.5, alone=3.0, tokens=7).ifd
        0.5
        """
        return self.given / self.alone if self.tokens and self.alone > 0 and math.isfinite(self.given) else None


@dataclass(frozen=True, kw_only=True)
class Difficulty:
    """Put the instruction-following difficulty of each task into its measures: `ifd`, and the two losses it is made of.

    `ifd` is the ratio of mean losses, as in the paper. The ratio of perplexities that others use is
    exp(`loss_given_instruction` - `loss_alone`). Of a conversation only the first answer is scored.
    """

    name: ClassVar[str] = "difficulty"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "record"

    scorer: str = "scorer"
    """Role of the model that gives log-probabilities; an `hf:` model."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(scorer=self.scorer)

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Every task, kept; one whose response could not be scored has no `ifd`, and the evidence says so.

        Losses are noted under `bench.scratch` as they come, so that a run killed in the middle goes on from there.
        """
        if self.scorer not in bench.scorers:
            raise BadInput(
                f"no scorer '{self.scorer}'",
                place="stage difficulty, knob 'scorer'",
                fix=f"name one of: {', '.join(bench.scorers)}" if bench.scorers else "name an hf: model for it",
            )
        scorer = bench.scorers[self.scorer]
        with _notes(bench.scratch) as notes:
            for tasks in _batches(records):
                ids = tuple(task.id for task in tasks)
                losses = notes.read(ids)
                if losses is None:
                    losses = _losses(tasks, scorer)
                    notes.write(ids, losses)
                yield from map(_outcome, tasks, losses)


def shown(task: Task, instance: Instance) -> str:
    r"""What stands before the response when it is scored with its instruction: plain, so that any model may read it.

    >>> from selfinstruct.records import Provenance
    >>> shown(Task(instruction="Add.", provenance=Provenance(stage="input")), Instance("1 2", "3"))
    'Add.\n\n1 2\n\n'
    """
    parts = (task.system.strip(), joined(task.instruction, instance.input))
    return "".join(f"{part}\n\n" for part in parts if part)


def _batches(records: Iterable[Task]) -> Iterator[list[Task]]:
    batch: list[Task] = []
    for task in records:
        batch.append(task)
        if len(batch) == _TOGETHER:
            yield batch
            batch = []
    if batch:
        yield batch


def _outcome(task: Task, losses: Losses) -> Outcome:
    others = {name: value for name, value in task.measures.items() if name not in _MEASURES}
    if losses.ifd is None:
        return Kept(
            replace(task, measures=others),
            {"not_scored": "no response" if not losses.tokens else "its loss is no number, or 0 alone"},
        )
    scores = dict(zip(_MEASURES, (losses.ifd, losses.given, losses.alone), strict=True))
    return Kept(replace(task, measures={**others, **scores}))


def _losses(tasks: Sequence[Task], scorer: TokenScorer) -> list[Losses]:
    """Of each task; all texts in one call."""
    pairs = [[(shown(task, pair), pair.output) for pair in task.instances if pair.output.strip()] for task in tasks]
    asked = [text for of_task in pairs for given, output in of_task for text in ((given, output), ("", output))]
    answers = iter(scorer.many_log_probabilities(asked))
    losses = []
    for of_task in pairs:
        given, alone = list[float](), list[float]()
        for _ in of_task:
            given += next(answers)
            alone += next(answers)
        losses.append(Losses(given=_mean_loss(given), alone=_mean_loss(alone), tokens=len(alone)))
    return losses


def _mean_loss(log_probabilities: Sequence[float]) -> float:
    return -math.fsum(log_probabilities) / len(log_probabilities) if log_probabilities else 0.0


@contextmanager
def _notes(scratch: Path) -> Iterator["_Notes"]:
    """The notes of an earlier try, and room for more; nowhere for a bench without a scratch folder."""
    if scratch == Path():
        yield _Notes(None)
        return
    scratch.mkdir(parents=True, exist_ok=True)
    with (scratch / "losses.jsonl").open("a+b") as file:
        file.seek(0)
        yield _Notes(file)


@dataclass(slots=True)
class _Notes:
    """One line for each batch: read again from the start, written on from the first that is torn or another's."""

    file: IO[bytes] | None
    reading: bool = True

    def read(self, ids: tuple[str, ...]) -> list[Losses] | None:
        """What was noted of these tasks."""
        if self.file is None or not self.reading:
            return None
        begin = self.file.tell()
        try:
            line = json.loads(self.file.readline())
            if line["ids"] == list(ids):
                return [Losses(given=given, alone=alone, tokens=tokens) for given, alone, tokens in line["losses"]]
        except (ValueError, KeyError, TypeError):
            pass  # torn by a kill: this batch is scored again
        self.reading = False
        self.file.seek(begin)
        self.file.truncate()
        return None

    def write(self, ids: tuple[str, ...], losses: Sequence[Losses]) -> None:
        """Append the losses of some records, so that a killed run need not measure them again."""
        if self.file is not None:
            line = {"ids": list(ids), "losses": [[loss.given, loss.alone, loss.tokens] for loss in losses]}
            self.file.write(json.dumps(line).encode() + b"\n")
            self.file.flush()
