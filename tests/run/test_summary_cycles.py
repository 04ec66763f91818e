"""The story of a loop has every cycle, with its score, its interval and what was decided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from selfinstruct.needs import Needs, ScoreTerms
from selfinstruct.records import Json, Task
from selfinstruct.report.json_values import ShownEstimate
from selfinstruct.report.summary import RunSummary
from selfinstruct.run.main_loop import Walked, walk
from selfinstruct.run.run_summary import run_summary
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Scope
from selfinstruct.store.run_folder import RunFolder
from tests.run.toys import resolved, runner_in


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Says the score of its label."""

    name: ClassVar[str] = "score"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"

    label: str = ""
    ifs: float = 0.5

    @property
    def needs(self) -> Needs:
        return Needs(scores=ScoreTerms(tone_tokens=48, budget=0, asked_tokens=48), label=self.label)

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        del bench
        yield from map(Kept, records)
        yield Measured("score", {"ifs": self.ifs, "intervals": {"ifs": [self.ifs - 0.1, self.ifs + 0.1]}})


@dataclass(frozen=True, kw_only=True)
class Says:
    """Feedback without a student: the same each time, and a plateau from the second cycle on where that is wanted."""

    name: ClassVar[str] = "feedback"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"

    label: str = ""
    ifs: float = 0.5
    flat: bool = False

    @property
    def needs(self) -> Needs:
        return Needs(feeds_back=True, label=self.label)

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        yield from map(Kept, records)
        gain: Json = {"value": 0.02, "low": -0.01, "high": 0.05} if len(bench.pool.tasks) > 10 else None
        facts: dict[str, Json] = {"ifs": self.ifs, "gain": gain, "plateau": self.flat and gain is not None}
        yield Measured("feedback", {**facts, "asks_for": ["length: 3 of 9 not answered"], "steers": True})


def summarised(folder: Path, *stages: object, cycles: int = 3) -> tuple[RunSummary, Walked]:
    what = replace(resolved(6, cycles=cycles), stages=stages)  # type: ignore[arg-type]  # toys are stages
    walked = walk(what, runner_in(folder), (), 4)
    return run_summary(what, RunFolder(folder), walked, (), "mark"), walked


def test_every_cycle_is_told_with_its_score_and_what_the_next_one_asks_for(tmp_path: Path) -> None:
    story, walked = summarised(tmp_path, Scores(), Says())
    assert [cycle.number for cycle in story.cycles] == [1, 2, 3]
    assert [cycle.tasks for cycle in story.cycles] == [6, 12, 18]
    assert [cycle.rounds for cycle in story.cycles] == [cycle.rounds for cycle in walked.cycles]
    assert {cycle.ifs for cycle in story.cycles} == {ShownEstimate(0.5, 0.4, 0.6)}
    assert [cycle.gain for cycle in story.cycles] == [None, *[ShownEstimate(0.02, -0.01, 0.05)] * 2]
    assert [cycle.decision for cycle in story.cycles] == ["go on", "go on", "end: it was the last one asked for"]
    assert {cycle.asks_for for cycle in story.cycles} == {("length: 3 of 9 not answered",)}
    assert all(cycle.steers for cycle in story.cycles)
    assert all(cycle.distinct_2 is not None and cycle.nearest is None for cycle in story.cycles)


def test_the_interval_is_that_of_the_score_whose_responses_were_read(tmp_path: Path) -> None:
    stages = (Scores(label="test", ifs=0.9), Scores(label="dev", ifs=0.5), Says(label="dev"))
    story, _ = summarised(tmp_path, *stages, cycles=2)
    assert {cycle.ifs for cycle in story.cycles} == {ShownEstimate(0.5, 0.4, 0.6)}
    assert [measure.label for measure in story.measured] == ["test", "dev", "dev"]


def test_of_a_score_that_says_something_else_the_interval_is_not_borrowed(tmp_path: Path) -> None:
    story, _ = summarised(tmp_path, Scores(ifs=0.7), Says(ifs=0.5), cycles=2)
    assert {cycle.ifs for cycle in story.cycles} == {ShownEstimate(0.5)}


def test_a_loop_that_stopped_says_why(tmp_path: Path) -> None:
    story, _ = summarised(tmp_path, Scores(), Says(flat=True), cycles=5)
    assert [cycle.decision for cycle in story.cycles] == ["go on", "stop: the student's IFS no longer rises"]


def test_a_recipe_that_is_walked_once_has_no_cycles(tmp_path: Path) -> None:
    story, walked = summarised(tmp_path, Scores(), Says(), cycles=1)
    assert walked.cycles
    assert story.cycles == ()
