"""The loop: exact targets, rounds that shrink, resuming at every stage, several processes."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.records import Task
from selfinstruct.run.run_records import life_of
from selfinstruct.stage import Bench, Kept, Outcome
from selfinstruct.store.run_folder import RunFolder
from tests.faults.same import files
from tests.run.toys import Count, Loses, Sieve, Silent, resolved, runner_in, walked


@given(count=st.integers(1, 60), per_round=st.integers(1, 40), made=st.integers(1, 9))
@settings(max_examples=15, deadline=None)
def test_the_target_is_met_exactly_and_the_surplus_is_named(
    count: int, per_round: int, made: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    ended = walked(folder, resolved(count, Count(per_request=made), Sieve()), per_round)
    assert len(ended.kept) == count
    assert sum(ended.kept_by_round) == count + len(ended.surplus)
    numbers = [int(task.instruction.split()[2]) for task in (*ended.kept, *ended.surplus)]
    assert numbers == sorted(numbers)


def test_no_round_asks_more_than_a_quarter_of_what_is_needed(tmp_path: Path) -> None:
    ended = walked(tmp_path, resolved(100), per_round=32)
    need = 100
    for start, kept in zip(ended.rounds, ended.kept_by_round, strict=True):
        assert start.requests <= max(1, need // 4)
        need -= kept


def test_a_run_that_gives_nothing_new_stops_and_says_so(tmp_path: Path) -> None:
    ended = walked(tmp_path, resolved(100, Count(until=10), Sieve(), stop={"barren_requests": 8}), per_round=4)
    assert (ended.reason, len(ended.kept)) == ("dried_up", 6)


def test_a_run_to_which_nothing_came_says_so_with_the_reason_that_most_requests_had(tmp_path: Path) -> None:
    ended = walked(tmp_path, resolved(100, Silent(), Sieve(), stop={"barren_requests": 8}), per_round=4)
    assert ended.reason == "unanswered"
    assert "6 as empty_text" in ended.note
    again = walked(tmp_path, resolved(100, Silent(), Sieve(), stop={"barren_requests": 8}), per_round=4)
    assert (again.reason, again.note) == (ended.reason, ended.note)


def test_a_run_whose_candidates_are_all_refused_by_a_rule_says_which(tmp_path: Path) -> None:
    ended = walked(tmp_path, resolved(100, Count(), Sieve(by=1), stop={"barren_requests": 8}), per_round=4)
    assert (ended.reason, ended.note) == ("unusable", "24 of 24 candidates stopped at sieve as divides")


def test_a_run_stopped_after_any_stage_ends_with_the_same_bytes(tmp_path: Path) -> None:
    walked(tmp_path / "oracle", resolved(20))
    whole = files(tmp_path / "oracle")
    stages = [name for name in whole if name.endswith("DONE")]
    for number, done in enumerate(stages):
        folder = Path(shutil.copytree(tmp_path / "oracle", tmp_path / str(number)))
        for later in stages[number:]:
            (folder / later).unlink()
        assert done in whole
        walked(folder, resolved(20))
        assert files(folder) == whole


def test_raising_the_target_goes_on_where_the_run_ended(tmp_path: Path) -> None:
    first = walked(tmp_path, resolved(10))
    more = walked(tmp_path, resolved(30))
    assert more.kept[:10] == first.kept
    assert len(more.kept) == 30
    assert more.rounds[: len(first.rounds)] == first.rounds


def test_one_process_and_several_give_the_same_bytes(tmp_path: Path) -> None:
    what = resolved(2000, Count(per_request=100), Sieve())
    walked(tmp_path / "one", what, per_round=16)
    walked(tmp_path / "two", what, per_round=16, workers=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_stage_that_loses_a_record_is_caught(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="'loses': took 24 records and accounted for 23"):
        walked(tmp_path, resolved(100, Count(), Loses()))


def test_the_ledger_tells_every_stage_once_however_often_the_run_starts(tmp_path: Path) -> None:
    from tests.faults.same import events

    walked(tmp_path, resolved(10))
    once = events(tmp_path)
    walked(tmp_path, resolved(10))
    assert events(tmp_path) == once
    assert runner_in(tmp_path).folder.round_numbers()


@dataclass(frozen=True, kw_only=True)
class Imagine(Count):
    """Proposes as `Count` does, and has shown two tasks for each."""

    name: ClassVar[str] = "imagine"

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        for outcome in super().__call__(records, bench):
            assert isinstance(outcome, Kept)
            assert isinstance(outcome.record, Task)
            origin = replace(outcome.record.provenance, parents=("a" * 64, "b" * 64))
            yield Kept(replace(outcome.record, provenance=origin))


def test_why_shows_what_was_shown_whatever_the_stage_is_called_that_makes_records(tmp_path: Path) -> None:
    ended = walked(tmp_path, resolved(3, Imagine(), Sieve()), per_round=4)
    life = life_of(RunFolder(tmp_path), ended.kept[0].id)
    assert [shown["id"] for shown in life.demonstrations] == ["a" * 64, "b" * 64]
    assert [station.stage for station in life.stations][:2] == ["round-00001/01-imagine", "round-00001/02-sieve"]
