"""One stage called on a list of tasks, without a run: for notebooks, and to try a stage of one's own."""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from selfinstruct.errors import BadInput
from selfinstruct.records import Json, Task
from selfinstruct.run.ask_model import AskedModel, load_model
from selfinstruct.run.run_records import html_table, task_cells
from selfinstruct.run.runner import closed
from selfinstruct.stage import Bench, Failed, Kept, Measured, Model, Pool, Rejected, Stage
from selfinstruct.store.run_folder import largest_first

_ROWS = 10


@dataclass(frozen=True, slots=True)
class Applied:
    """What a stage said of a list of tasks: kept + rejected + failed are all of them."""

    kept: list[Task] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    measured: dict[str, Json] = field(default_factory=dict)

    @property
    def by_reason(self) -> dict[str, int]:
        """How many were rejected for each reason, largest first."""
        return largest_first(Counter(one.reason for one in self.rejected))

    def _repr_html_(self) -> str:
        """For a notebook: the sums, and the first of what was rejected."""
        sums = html_table(("kept", "rejected", "failed"), [(len(self.kept), len(self.rejected), len(self.failed))])
        rows = [
            (
                one.reason,
                *(task_cells(one.record) if isinstance(one.record, Task) else (one.record.id[:12], "", "", "")),
            )
            for one in self.rejected[:_ROWS]
        ]
        heads = ("reason", "id", "instruction", "input", "output")
        return sums + (html_table(heads, rows, of=len(self.rejected)) if rows else "")


def apply(
    stage: Stage,
    tasks: Sequence[Task],
    *,
    models: Mapping[str, str | Model] | None = None,
    seeds: Sequence[Task] = (),
    seed: int = 42,
) -> Applied:
    """Call one stage on tasks, in this process; nothing is written, and nothing is remembered.

    `models`: for a stage that asks some, by role (`{"teacher": "openai:NAME"}`), as specs or as `load_model` gives
    them. `seeds`: what novelty compares with besides. It cannot call what makes tasks (`Propose`), trains or builds
    (`Finetune`, `TrainJudge`, `Fragment`), measures likelihoods (`Difficulty`), compares with files (`Decontaminate`)
    or asks a set of prompts (`Score`, `ObjecQA`, `Suite`): a Recipe finds what these need, and keeps what they make.

    >>> from selfinstruct.dedup.exact import Exact
    >>> from selfinstruct.records import Provenance
    >>> texts = "Name a river.", "Name  a RIVER."
    >>> tasks = [Task(instruction=text, provenance=Provenance(stage="input")) for text in texts]
    >>> apply(Exact(), tasks).by_reason
    {'exact_duplicate': 1}
    """
    _check(stage)
    given = models or {}
    roles = stage.needs.models
    if lacking := [role for role in roles if role not in given]:
        what = f"asks a model '{lacking[0]}' that was not given"
        raise BadInput(what, place=f"stage '{stage.name}'", fix=f'give models={{"{lacking[0]}": "embedded"}}')
    opened = {role: one for role in roles if isinstance(one := given[role], str)}
    loaded: dict[str, AskedModel] = {}
    applied = Applied()
    try:
        for role, spec in opened.items():
            loaded[role] = load_model(spec)
        asked: dict[str, Model] = {role: one for role, one in given.items() if not isinstance(one, str)}
        with tempfile.TemporaryDirectory() as scratch:
            bench = Bench(
                pool=Pool(seeds), models={**asked, **loaded}, scratch=Path(scratch), seed=seed, stage=stage.name
            )
            for outcome in closed(stage(tasks, bench), stage, len(tasks)):
                match outcome:
                    case Kept(record):
                        applied.kept.append(record)
                    case Rejected():
                        applied.rejected.append(outcome)
                    case Failed():
                        applied.failed.append(outcome)
                    case Measured(name, value):
                        applied.measured[name] = value
                    case _:
                        raise BadInput(f"builds '{outcome.name}'", place=f"stage '{stage.name}'", fix=_RECIPE)
    finally:
        for one in loaded.values():
            one.close()
    return applied


_RECIPE = "run it in a Recipe, which keeps what it makes"


def _check(stage: Stage) -> None:
    place = f"stage '{stage.name}'"
    if stage.scope == "source":
        raise BadInput("makes records, and takes none", place=place, fix="run it in a Recipe, under `rounds`")
    needs = stage.needs
    if needs.scorer or needs.weights or needs.builds or needs.builds_judge:
        raise BadInput("measures or trains weights", place=place, fix=_RECIPE)
    if needs.sets or needs.judge is not None:
        raise BadInput("reads more than its records", place=place, fix="run it in a Recipe, which finds its files")
