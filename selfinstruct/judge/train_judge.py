"""Stage: learns, from the fragments that an earlier stage built, to tell answers from continuations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, get_args

from selfinstruct.errors import BadInput
from selfinstruct.judge.fit_judge import Backend, train
from selfinstruct.judge.validate_on_reads import Labelled, labelled_of
from selfinstruct.needs import OF_JUDGE, Needs
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Built, Kept, Measured, Outcome, Scope


@dataclass(frozen=True, kw_only=True)
class TrainJudge:
    """Build `judge`, a response tone classifier (arXiv 2307.03692, section 3); every task passes unchanged."""

    name: ClassVar[str] = "train_judge"
    version: ClassVar[int] = 3
    scope: ClassVar[Scope] = "set"

    backend: Backend = "linear"
    """`linear`: seconds, NumPy alone; `probe`: a line through hidden states of the embedded model, minutes; `encoder`:
    a transformers classifier, minutes. The last two need the extra `train`."""
    encoder: str = ""
    """For `encoder`: a Hub name or a folder; empty: the packaged MiniLM."""
    pair_aware: bool = True
    """False: the response alone is judged, as in the paper."""
    held_out: str = ""
    """A set (the file its records were read from) to keep out and measure on; empty: none."""
    called: str = ""
    """The judge's name, which every score repeats; empty: made of its content."""
    labelled: str = ""
    """Completions of models labelled by reading, to measure the judge on: a file, or `tone-v1` or `tone-v2`, which are
    shipped."""
    learn_labelled: bool = False
    """Learn from them, too; they are then measured with their lineage left out. A probe always does."""
    locked: tuple[str, ...] = ()
    """Lineages of `labelled` that teach nothing and by which nothing is chosen; they are reported apart."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(
            extras=() if self.backend == "linear" else ("train",),
            hidden_states=self.backend == "probe",
            labelled=self.labelled,
            builds_judge=True,
        )

    def __post_init__(self) -> None:
        """Refuse a backend that does not exist, or an encoder for one that has none."""
        if self.backend not in get_args(Backend):
            raise BadInput(
                f"backend '{self.backend}' is unknown",
                place="stage train_judge",
                fix=f"one of: {', '.join(get_args(Backend))}",
            )
        if self.backend == "probe" and not (self.labelled and self.pair_aware):
            what = "a probe learns from labelled completions, and from their prompts"
            raise BadInput(what, place="stage train_judge", fix="write labelled: tone-v2, and not pair_aware: false")
        if self.encoder and self.backend != "encoder":
            raise BadInput(
                "'encoder' says nothing to a linear judge", place="stage train_judge", fix="write backend: encoder"
            )

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every task, then the judge and what was measured of it."""
        yield from map(Kept, records)
        if "fragments" not in bench.built:
            raise BadInput(
                "no fragments to learn from", place="stage train_judge", fix="put the stage fragment before it"
            )
        folder = bench.scratch / "judge"
        report = train(
            bench.built["fragments"],
            folder,
            backend=self.backend,
            encoder=self.encoder,
            pair_aware=self.pair_aware,
            held_out=self.held_out,
            name=self.called,
            labelled=self._labelled(bench),
            learn_labelled=self.learn_labelled,
            locked=self.locked,
            states=bench.hidden_states,
            seed=bench.seed,
        )
        yield Measured(OF_JUDGE, report.as_json())
        yield Built("judge", folder)

    def _labelled(self, bench: Bench) -> tuple[Labelled, ...]:
        if not self.labelled:
            return ()
        if self.labelled not in bench.benchmarks:
            known = ", ".join(bench.benchmarks) or "none here"
            raise BadInput(f"no labelled set '{self.labelled}'", place="stage train_judge", fix=f"one of: {known}")
        return labelled_of((dict(task.extra) for task in bench.benchmarks[self.labelled]), self.labelled)
