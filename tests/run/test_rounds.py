"""Rounds that overlap: what each sees and where they end follows from counts alone, never from time."""

import json
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import ProviderDown
from selfinstruct.needs import NOTHING, Needs
from selfinstruct.records import Provenance, Task
from selfinstruct.run.main_loop import Walked, walk
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.stage import Bench, Kept, Outcome, Rejected, Scope
from tests.faults.same import events, files
from tests.run.toys import Count, Sieve, Silent, resolved, runner_in


@dataclass(frozen=True, kw_only=True)
class Dawdles:
    """Passes every task on after a while that nobody can foresee; makes a record of how many were at it at once."""

    name: ClassVar[str] = "dawdles"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "record"
    needs: ClassVar[Needs] = NOTHING

    seed: int = 0
    waits: bool = False
    """The first waits for a second, so that a busy machine has two at once as well."""
    at_once: list[int] = field(default_factory=list, compare=False, repr=False)
    now: list[int] = field(default_factory=list, compare=False, repr=False)

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        self.now.append(1)
        self.at_once.append(len(self.now))
        until = time.monotonic() + 10
        while self.waits and max(self.at_once) == 1 and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(Random(f"{self.seed}/{len(bench.rounds)}").random() * 0.02)
        self.now.pop()
        yield from map(Kept, records)


@dataclass(frozen=True, kw_only=True)
class Echo:
    """Makes tasks that name how large the pool was that the request saw."""

    name: ClassVar[str] = "echo"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "source"
    needs: ClassVar[Needs] = NOTHING

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        del records
        for request in range(bench.first_request, bench.first_request + bench.requests):
            last = bench.pool.tasks[-1].instruction if bench.pool.tasks else "nothing"
            for item in range(3):
                number = request * 3 + item
                text = f"Task number {number} after {len(bench.pool.tasks)} such as {last[:15]}"
                yield Kept(Task(instruction=text, provenance=Provenance(stage="echo", request=f"{number}.0/0")))


@dataclass(frozen=True, kw_only=True)
class InOrder:
    """Keeps what no task before it says, wherever that was: every third number counts as said before."""

    name: ClassVar[str] = "in_order"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "ordered"
    needs: ClassVar[Needs] = NOTHING

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        known = bench.pool.index("in_order", lambda tasks: [task.instruction for task in tasks])
        for task in records:
            if int(task.instruction.split()[2]) % 3 == 0:
                yield Rejected(task, "said", {"before": len(known)})
            else:
                known.append(task.instruction)
                yield Kept(task, {"before": len(known)})


def overlapped(folder: Path, what: Resolved, lag: int, per_round: int = 4) -> Walked:
    return walk(what, runner_in(folder), (), per_round, lag=lag)


def toy(count: int, seed: int = 0, *, waits: bool = False) -> Resolved:
    return resolved(count, Echo(), InOrder(), Dawdles(seed=seed, waits=waits), Sieve(by=5))


def test_rounds_overlap_and_time_changes_nothing(tmp_path: Path) -> None:
    at_once = []
    for seed in range(3):
        what = toy(150, seed, waits=seed == 0)
        ended = overlapped(tmp_path / str(seed), what, lag=16)
        assert len(ended.kept) == 150
        at_once.append(max(what.rounds[2].at_once))  # type: ignore[attr-defined]  # a toy
    first = files(tmp_path / "0")
    assert all(files(tmp_path / str(seed)) == first for seed in range(3))
    assert all(events(tmp_path / str(seed)) == events(tmp_path / "0") for seed in range(3))
    assert max(at_once) > 1


@given(count=st.integers(1, 120), per_round=st.integers(1, 9), lag=st.integers(0, 30))
@settings(max_examples=15, deadline=None)
def test_the_target_is_met_and_what_was_under_way_is_the_only_surplus(
    count: int, per_round: int, lag: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ended = overlapped(tmp_path_factory.mktemp("run"), toy(count), lag, per_round)
    assert len(ended.kept) == count
    assert sum(ended.kept_by_round) == count + len(ended.surplus)
    numbers = [int(task.instruction.split()[2]) for task in (*ended.kept, *ended.surplus)]
    assert numbers == sorted(numbers)
    assert len(ended.surplus) <= 3 * (lag + per_round)
    seen = 0
    for at, start in enumerate(ended.rounds):
        done = max((n for n in range(at + 1) if sum(ended.kept_by_round[:n]) <= start.tasks), default=0)
        assert sum(round_.requests for round_ in ended.rounds[done:at]) <= lag
        assert seen <= start.tasks <= sum(ended.kept_by_round[:at])
        seen = start.tasks


def test_without_a_lag_rounds_are_what_they_were(tmp_path: Path) -> None:
    ended = overlapped(tmp_path, toy(60), lag=0)
    assert [start.tasks for start in ended.rounds] == [sum(ended.kept_by_round[:at]) for at in range(len(ended.rounds))]


def test_novelty_sees_every_round_before_and_requests_only_those_that_were_taken_in(tmp_path: Path) -> None:
    overlapped(tmp_path, toy(150), lag=16)
    before = [
        json.loads(line)["evidence"]["before"]
        for round_ in sorted(tmp_path.glob("round-*"))
        for line in (round_ / "02-in_order" / "kept.jsonl").read_text().splitlines()
    ]
    assert before == list(range(1, len(before) + 1))
    tasks = [json.loads((round_ / "plan.json").read_text())["tasks"] for round_ in sorted(tmp_path.glob("round-*"))]
    assert tasks[1] == 0 < tasks[-1]


def test_a_run_stopped_after_any_stage_of_any_round_ends_with_the_same_bytes(tmp_path: Path) -> None:
    overlapped(tmp_path / "oracle", toy(60), lag=12)
    whole = files(tmp_path / "oracle")
    done = [name for name in whole if name.endswith(("DONE", "plan.json"))]
    draw = Random(1)
    for number in range(12):
        folder = Path(shutil.copytree(tmp_path / "oracle", tmp_path / str(number)))
        began = draw.randrange(1, len(list(folder.glob("round-*"))) + 1)
        for name in done:  # rounds that were under way are cut off anywhere, those after them had not begun
            at = int(name[6:11])
            if at > began + 3:
                shutil.rmtree(folder / name[:11], ignore_errors=True)
            elif at >= began and name.endswith("DONE") and draw.random() < 0.7:
                for later in done:
                    if later[:11] == name[:11] and later >= name and later.endswith("DONE"):
                        (folder / later).unlink(missing_ok=True)
        overlapped(folder, toy(60, seed=number), lag=12)
        assert files(folder) == whole


def test_raising_the_target_goes_on_where_the_run_ended(tmp_path: Path) -> None:
    first = overlapped(tmp_path, toy(40), lag=12)
    more = overlapped(tmp_path, toy(90), lag=12)
    assert more.kept[:40] == first.kept
    assert len(more.kept) == 90
    assert more.rounds[: len(first.rounds)] == first.rounds


def test_a_run_that_gives_nothing_new_stops_after_what_was_under_way(tmp_path: Path) -> None:
    what = resolved(100, Count(until=10), Sieve(), stop={"barren_requests": 8})
    ended = overlapped(tmp_path, what, lag=16)
    assert (ended.reason, len(ended.kept)) == ("dried_up", 6)
    again = overlapped(tmp_path, what, lag=16)
    assert (again.reason, again.kept_by_round) == (ended.reason, ended.kept_by_round)


def test_a_run_to_which_nothing_comes_says_why(tmp_path: Path) -> None:
    ended = overlapped(tmp_path, resolved(100, Silent(), Sieve(), stop={"barren_requests": 8}), lag=16)
    assert ended.reason == "unanswered"


def test_a_fault_in_one_round_ends_all_of_them(tmp_path: Path) -> None:
    waits = threading.Event()

    @dataclass(frozen=True, kw_only=True)
    class Breaks:
        name: ClassVar[str] = "breaks"
        version: ClassVar[int] = 1
        scope: ClassVar[Scope] = "record"
        needs: ClassVar[Needs] = NOTHING

        def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
            if len(bench.rounds) == 1:
                raise ProviderDown("nobody there")
            waits.wait(20)
            yield from map(Kept, records)

    runner = replace(runner_in(tmp_path), halt=waits.set)
    before = threading.active_count()
    with pytest.raises(ProviderDown, match="nobody there"):
        walk(resolved(150, Echo(), InOrder(), Breaks()), runner, (), 4, lag=16)
    assert waits.is_set()
    assert threading.active_count() <= before


def test_the_reference_profile_waits_for_each_round(tmp_path: Path) -> None:
    what = replace(toy(40), recipe=toy(40).recipe.model_copy(update={"profile": "reference"}))
    ended = overlapped(tmp_path, what, lag=12)
    assert [start.tasks for start in ended.rounds] == [sum(ended.kept_by_round[:at]) for at in range(len(ended.rounds))]
