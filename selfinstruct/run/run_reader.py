"""A run folder as an object, finished or stopped: records, reasons, measures, scores, cost. Opens no journal."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from selfinstruct import notebook
from selfinstruct.arguments import arguments_checked
from selfinstruct.errors import BadInput
from selfinstruct.records import Json
from selfinstruct.report.summary import Cost
from selfinstruct.run.run_cost import spending
from selfinstruct.run.run_records import Failures, Life, Rejections, Tasks, life_of
from selfinstruct.store.ledger import read_ledger
from selfinstruct.store.lock import held
from selfinstruct.store.reading import AGAIN, read_object
from selfinstruct.store.run_folder import READ, RunFolder, StageFolder
from selfinstruct.store.stage_result import StageResult
from selfinstruct.tone import tone_metrics
from selfinstruct.tone.tone_metrics import GAP, IFS, IFS_CLEAN, IFS_FULL, IFS_PARTIAL, columns_of

if TYPE_CHECKING:
    from datasets import Dataset

_PUBLISHED = "run it to its end; what its stages kept so far is in `.stages`"


@dataclass(frozen=True, slots=True)
class FinishedStage:
    """A stage of a run that is whole, with its sums: received = kept + rejected + failed."""

    place: StageFolder
    result: StageResult

    @property
    def part(self) -> str:
        """`round-00001`, or `stages` for those that run once."""
        return self.place.path.parent.name

    @property
    def folder(self) -> str:
        """Name of its folder, such as `03-novelty`."""
        return self.place.path.name

    @property
    def path(self) -> str:
        """Round and stage, such as `round-00001/03-novelty`."""
        return f"{self.part}/{self.folder}"

    @property
    def position(self) -> int:
        """Its number in the round, or among the stages that run once; from 1."""
        return int(self.folder.partition("-")[0])

    @property
    def name(self) -> str:
        """As a recipe calls it."""
        return self.folder.partition("-")[2]

    @property
    def reads_inputs(self) -> bool:
        """The engine's own first step: what it rejected are lines that are no records."""
        return self.name == READ


class FinishedStages(tuple[FinishedStage, ...]):
    """The finished stages in the order of the work."""

    __slots__ = ()

    def _table(self) -> notebook.ViewTable:
        rows = [
            (
                stage.path,
                stage.result.received,
                stage.result.kept,
                _counted(stage.result.rejected),
                _counted(stage.result.failed),
            )
            for stage in self
        ]
        return notebook.ViewTable(("stage", "received", "kept", "rejected", "failed"), rows)

    def _repr_html_(self) -> str:
        """For a notebook."""
        return notebook.view(self._table())


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a score with its 95 % interval, as it is written; `ifs` and the stages give an `Estimate`."""

    value: float
    low: float | None
    """With `high`: None where fewer than two sources show no spread."""
    high: float | None

    def __str__(self) -> str:
        """Value and interval."""
        ends = "" if self.low is None or self.high is None else f" [{self.low:.3f}, {self.high:.3f}]"
        return f"{self.value:.3f}{ends}"


@dataclass(frozen=True, slots=True)
class RunScore:
    """The Instruction Following Score of one model under one wrapper, as `score.json` has it."""

    facts: Mapping[str, Any]
    """All that stands there."""

    @property
    def model(self) -> str:
        """The scored model's spec."""
        return str(self.facts.get("model", ""))

    @property
    def wrapper(self) -> str:
        """The wrapper that prompts were put in."""
        return str(self.facts.get("wrapper", ""))

    @property
    def judge(self) -> str:
        """Version of the judge: numbers of two judges do not compare."""
        return str(self.facts["judge"]["version"])

    @property
    def numbers(self) -> Mapping[str, Number | None]:
        """Every metric of tone (`tone_metrics`) by its key; None for a number over nothing."""
        return {metric.key: self._number(metric.key) for metric in tone_metrics.METRICS}

    @property
    def ifs(self) -> Number | None:
        """The share of responses that answer whole prompts and carry on cut ones; None where nothing was scored."""
        return self.numbers[IFS.key]

    @property
    def ifs_partial(self) -> Number | None:
        """IFS of the cut prompts alone."""
        return self.numbers[IFS_PARTIAL.key]

    @property
    def ifs_full(self) -> Number | None:
        """IFS of the whole prompts alone."""
        return self.numbers[IFS_FULL.key]

    @property
    def ifs_clean(self) -> Number | None:
        """Answers that also stop within the budget; None where none was set."""
        return self.numbers[IFS_CLEAN.key]

    @property
    def gap(self) -> Number | None:
        """How far `ifs_full` lies above `ifs_partial`."""
        return self.numbers[GAP.key]

    def _number(self, name: str) -> Number | None:
        value = self.facts.get(name)
        low, high = self.facts["intervals"].get(name) or (None, None)
        return None if value is None else Number(value, low, high)

    def _cells(self) -> tuple[str, ...]:
        numbers = (self._number(metric.key) for metric in columns_of("notebook"))
        return (self.model, self.wrapper, *map(_interval, numbers), self.judge)

    def __repr__(self) -> str:
        """Model, IFS with its interval, and judge."""
        return f"<RunScore {self.model or 'responses'}: IFS {_interval(self.ifs)} by {self.judge}>"

    def _repr_html_(self) -> str:
        """For a notebook."""
        return notebook.view(notebook.ViewTable(_score_heads(), [self._cells()]))


def _score_heads() -> tuple[str, ...]:
    return ("model", "wrapper", *(metric.short for metric in columns_of("notebook")), "judge")


class RunScores(tuple[RunScore, ...]):
    """Every model and wrapper that a run scored last."""

    __slots__ = ()

    def _table(self) -> notebook.ViewTable:
        return notebook.ViewTable(_score_heads(), [score._cells() for score in self])  # noqa: SLF001 - its own items

    def _repr_html_(self) -> str:
        """For a notebook."""
        return notebook.view(self._table())


class Run:
    """A run folder; each part is read when it is first asked for, and what is damaged is BadInput with its place."""

    def __init__(self, folder: RunFolder | str | Path) -> None:
        """The same as `load_run`; BadInput where the path leads to no run."""
        self._folder = run_folder(Path(folder)) if isinstance(folder, str | Path) else folder

    @property
    def folder(self) -> Path:
        """Path of the run's folder."""
        return self._folder.path

    @property
    def recipe(self) -> str:
        """The text of `recipe.yaml`: every knob written out."""
        return self._folder.recipe.read_text(encoding="utf-8")

    @property
    def running(self) -> bool:
        """Whether a process works on it now."""
        return held(self.folder)

    @property
    def published(self) -> int | None:
        """How many records it kept to its end; None while it has not come there."""
        return len(self.kept) if self._top("kept").exists() else None

    @property
    def finished(self) -> bool:
        """Whether it has come to its end."""
        return any(event.get("event") == "finished" for event in self.ledger)

    @property
    def reason(self) -> str:
        """Why it ended: `target`, `inputs`, `dried_up` ...; empty while it has not."""
        ends = [event for event in self.ledger if event.get("event") == "finished"]
        return str(ends[-1]["reason"]) if ends else ""

    @property
    def ledger(self) -> tuple[Mapping[str, Json], ...]:
        """The diary's events, oldest first."""
        return tuple(read_ledger(self._folder.ledger))

    @cached_property
    def kept(self) -> Tasks:
        """What passed every stage, in order; BadInput while nothing is published."""
        top = self._top("kept")
        if not top.exists():
            raise BadInput("nothing is published yet", place=str(self.folder), fix=_PUBLISHED)
        return Tasks(top)

    @cached_property
    def rejected(self) -> Rejections:
        """What was rejected, with reasons; of a run that has not come to its end, by the stages that have."""
        return Rejections(self._files("rejected"))

    @cached_property
    def failed(self) -> Failures:
        """Calls that got no answer."""
        return Failures(self._files("failed"))

    @cached_property
    def stages(self) -> FinishedStages:
        """The finished stages in the order of the work."""
        return FinishedStages(FinishedStage(place, result) for place, result in self._folder.finished_stages())

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Stages that were begun and are not whole."""
        whole = {stage.path for stage in self.stages}
        begun = (f"{place.path.parent.name}/{place.path.name}" for place in self._folder.stage_folders())
        return tuple(path for path in begun if path not in whole)

    @cached_property
    def measures(self) -> Mapping[str, Mapping[str, Json]]:
        """What the stages that run once measured, by stage, as `label.name` where it has a label; the last of each."""
        labels = self._labels()
        once = [stage for stage in self.stages if not stage.part.startswith("round-") and stage.result.measured]
        return {labels.get(stage.folder, "") + stage.name: stage.result.measured for stage in once}

    @cached_property
    def scores(self) -> RunScores:
        """Of every model and wrapper that it scored; of several `score` stages, those of the last. May be empty."""
        path = self.folder / "score.json"
        if not path.exists():
            return RunScores()
        page = read_object(path, AGAIN)
        return RunScores(RunScore(score) for score in page.get("scores", [page]))

    @property
    def score(self) -> RunScore:
        """The first of `scores`; BadInput where nothing was scored."""
        if not self.scores:
            fix = "add the stage `score`, or read `.measures` of another"
            raise BadInput("holds no score", place=str(self.folder), fix=fix)
        return self.scores[0]

    @property
    def cost(self) -> Cost:
        """What the answers took that were used."""
        return Cost(spending((stage.name, stage.result) for stage in self.stages))

    @arguments_checked()
    def why(self, identity: str) -> Life:
        """The life of the record whose id begins so: what it was shown, what each stage said, how it ended."""
        return life_of(self._folder, identity)

    @arguments_checked()
    def dataset(self, split: str = "train") -> "Dataset":
        """The published set as `datasets` has it; BadInput where none is published, or no such split."""
        place = self.folder / "dataset"
        if not place.is_dir():
            raise BadInput(
                "publishes no set", place=str(self.folder), fix="read `.kept`, or set `publish` in its recipe"
            )
        for kind, files in (("parquet", place / "data"), ("json", place / "jsonl")):
            there = {path.stem: str(path) for path in sorted(files.glob("*.*"))}
            if split in there:
                return _loaded(kind, {split: there[split]}, split)
            if there:
                fix = f"one of: {', '.join(there)}"
                raise BadInput(f"no split '{split}'", place=str(place), fix=fix)
        raise BadInput("holds no files", place=str(place), fix=AGAIN)

    @property
    def report(self) -> Path:
        """The HTML page, once it is published; `selfinstruct report` makes it again."""
        return self.folder / "report.html"

    def __repr__(self) -> str:
        """Where it is, and how far."""
        state = "unfinished" if self.published is None else f"{self.published:,} kept"
        return f"<Run {self.folder}: {state}>"

    def _repr_html_(self) -> str:
        """For a notebook: sums by stage, cost, scores."""
        tables = [part._table() for part in (self.stages, self.scores) if part]  # noqa: SLF001 - its own parts
        return notebook.view(f"{repr(self)[1:-1]}; {self.cost}", *tables)

    def _top(self, fate: str) -> Path:
        return self.folder / f"{fate}.jsonl"

    def _files(self, fate: str) -> Sequence[tuple[Path, str]]:
        """The published file, or, while there is none, those of the finished stages."""
        top = self._top(fate)
        return (
            [(top, "")]
            if top.exists()
            else [(self.folder / stage.path / f"{fate}.jsonl", stage.path) for stage in self.stages]
        )

    def _labels(self) -> dict[str, str]:
        """By stage folder, what goes before the name of a stage with a label."""
        try:
            steps = yaml.safe_load(self.recipe)["stages"]
            before = 2 if yaml.safe_load(self.recipe)["inputs"] else 1  # reading them comes first
            named = [next(iter(step.items())) for step in steps]
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            StopIteration,
            RecursionError,
            yaml.YAMLError,
        ):
            return {}
        places = {stage.position: stage.folder for stage in self.stages if not stage.part.startswith("round-")}
        labels = ((at, knobs.get("label")) for at, (_, knobs) in enumerate(named, before) if isinstance(knobs, dict))
        return {places[at]: f"{label}." for at, label in labels if label and at in places}


def _loaded(kind: str, files: Mapping[str, str], split: str) -> "Dataset":
    """By `datasets`, whose bars are drawn in terminals alone."""
    import datasets

    quiet = not sys.stderr.isatty() and datasets.is_progress_bar_enabled()
    if quiet:
        datasets.disable_progress_bars()
    try:
        dataset: Dataset = datasets.load_dataset(kind, data_files=files, split=split)
    finally:
        if quiet:
            datasets.enable_progress_bars()
    return dataset


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "0"


def _interval(number: Number | None) -> str:
    return "-" if number is None else str(number)


def run_folder(path: Path) -> RunFolder:
    """The run in this folder; BadInput when it holds none."""
    if not path.is_dir():
        what = "is a file, and no folder" if path.exists() else "no such folder"
        raise BadInput(what, place=str(path), fix="name the folder of a run")
    folder = RunFolder(path)
    if not folder.recipe.exists():
        raise BadInput("holds no run (no recipe.yaml)", place=str(path), fix="name the folder of a run")
    return folder


@arguments_checked()
def load_run(folder: str | Path) -> Run:
    """The run in a folder, finished, stopped or being worked on; BadInput where there is none."""
    return Run(run_folder(Path(folder)))
