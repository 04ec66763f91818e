"""The rounds of a run: how many requests each makes, which pool they see, and when one may begin.

A round is some requests and all that the stages make of them; its folder holds what those requests led to, and
`plan.json` how many they were and how many tasks of the machine pool they saw. With a `lag` of 0 a round begins when
the one before it has ended. Else it may begin while at most `lag` requests of earlier rounds have not come to their
end, so that slow answers are waited for while others are asked for:

- The requests of a round see the tasks of all rounds that were taken in when it began: of all requests but the last
  `lag` before it. Tasks that wait for `classify` or `instances` are in no pool; novelty compares with them all the
  same, for it goes through the rounds one after the other.
- When a round begins follows from numbers of requests and of kept tasks alone, never from time: the same answers give
  the same rounds, at any concurrency, and a run that was stopped goes on with the rounds it had.
- Near the target no more requests are under way than it likely takes: by the yield so far, for the tasks that are still
  needed and their square root. Those that are under way when it is reached are finished and paid for: at most `lag` and
  those of one round.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from math import ceil, sqrt
from pathlib import Path
from threading import Event
from typing import Literal

from selfinstruct.errors import BadInput, RecordingEnded
from selfinstruct.records import Task
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.stage_runner import Runner
from selfinstruct.stage import Pool, RoundStart, Stage
from selfinstruct.store.kept_file import NO_INFLOW
from selfinstruct.store.reading import publish_sealed, read_sealed
from selfinstruct.store.run_folder import StageFolder, round_name
from selfinstruct.store.stage_result import StageResult

Reason = Literal["target", "inputs", "dried_up", "unanswered", "unusable", "recording_ended", "plateau"]
PLAN = "plan.json"
Why = Literal["dried_up", "unanswered", "unusable"]


@dataclass(frozen=True, slots=True)
class RoundPace:
    """How much is asked at a time."""

    per_round: int
    """Requests."""
    lag: int = 0
    """Requests of earlier rounds that may be under way when a round begins; 0: none."""


@dataclass(slots=True)
class BarrenRounds:
    """The rounds since a task was last kept."""

    requests: int = 0
    unanswered: Counter[str] = field(default_factory=Counter)
    """Requests for new tasks that failed, by kind."""
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Candidates that stopped, by stage and reason."""
    new: set[str] = field(default_factory=set)
    """Stages that ask whether a candidate is new, for they look at others as well."""

    def add(self, stage: Stage, result: StageResult) -> None:
        """What a stage of a round without a task said."""
        if stage.scope == "source":
            self.requests += result.requests
            self.unanswered.update(result.failed)
        else:
            self.lost.update({(stage.name, kind): count for kind, count in result.failed.items()})
        self.lost.update({(stage.name, reason): count for reason, count in result.rejected.items()})
        if stage.scope in ("ordered", "set"):
            self.new.add(stage.name)

    def why(self) -> tuple[Why, str]:
        """The reason that most had, and in how many words."""
        failed = self.unanswered.total()
        if 2 * failed > self.requests:
            [(kind, count)] = self.unanswered.most_common(1)
            return "unanswered", f"{failed:,} of {self.requests:,} requests failed, {count:,} as {kind}"
        for (stage, reason), count in self.lost.most_common(1):
            if stage not in self.new:
                return "unusable", f"{count:,} of {self.lost.total():,} candidates stopped at {stage} as {reason}"
        return "dried_up", ""


@dataclass(slots=True)
class Rounds:
    """What the rounds so far have come to, in their order."""

    front: Pool
    """Seeds and what novelty has seen, without tasks: it may be rounds ahead of what was taken in."""
    starts: list[RoundStart] = field(default_factory=list)
    kept: list[Task] = field(default_factory=list)
    kept_by_round: list[int] = field(default_factory=list)
    barren: int = 0
    why_barren: BarrenRounds = field(default_factory=BarrenRounds)

    @property
    def pool(self) -> Pool:
        """With the tasks of all rounds that were taken in."""
        return self.front.after(self.kept, ())


@dataclass(slots=True)
class _Round:
    """One that was begun and is not taken in yet."""

    number: int
    tasks: Sequence[Task]
    """Of the machine pool, as its requests see it."""
    rounds: tuple[RoundStart, ...]
    before: "_Round | None"
    passed: Event = field(default_factory=Event)
    """Its records went through the stages that go through the rounds in order."""
    ended: "Future[tuple[Sequence[Task], list[tuple[StageFolder, StageResult]]]]" = field(default_factory=Future)

    @property
    def requests(self) -> int:
        return self.rounds[-1].requests


class _Halted(Exception):
    """Another round cannot go on."""


def go_on(
    resolved: Resolved, runner: Runner, so_far: Rounds, pace: RoundPace, count: int, before: Mapping[str, Path]
) -> tuple[Reason, str]:
    """Make rounds until `count` tasks are kept in all, or nothing new comes; why it ended."""
    work = _Work(resolved, runner, so_far, before, apart=pace.lag > 0)
    try:
        while len(so_far.kept) < count:
            barren = so_far.barren >= resolved.recipe.stop.barren_requests
            if barren and not work.under_way:
                return so_far.why_barren.why()
            requests = 0 if barren else work.requests_now(pace, count)
            if requests:
                work.begin(requests)
            if not requests or not pace.lag:
                work.take_in()
        while work.under_way:
            work.take_in()
    except RecordingEnded as ended:
        if resolved.recipe.profile == "reference" and len(so_far.starts) > 1:
            return "recording_ended", str(ended)
        raise
    finally:
        work.end()
    return "target", ""


class _Work:
    """The rounds that are under way: each in a thread of its own, or the only one in this."""

    def __init__(
        self, resolved: Resolved, runner: Runner, so_far: Rounds, before: Mapping[str, Path], *, apart: bool
    ) -> None:
        """`apart`: each round in a thread of its own."""
        self._resolved, self._so_far, self._before = resolved, so_far, before
        self._runner = replace(runner, alone=not apart)
        self.under_way: deque[_Round] = deque()
        self._last: _Round | None = None
        self._halted = False
        self._threads = ThreadPoolExecutor(1024, thread_name_prefix="round") if apart else None
        ordered = [at for at, stage in enumerate(resolved.rounds) if stage.scope in ("ordered", "set")]
        self._in_turn = range(ordered[0], ordered[-1] + 1) if ordered else range(0)

    def requests_now(self, pace: RoundPace, count: int) -> int:
        """How many requests a round may make that begins now; 0: none before another was taken in."""
        so_far, waiting = self._so_far, sum(work.requests for work in self.under_way)
        if self._planned(len(so_far.starts) + 1) is not None:
            return self._known(waiting, pace)
        need = count - len(so_far.kept)
        if self._resolved.recipe.profile == "reference":
            return pace.per_round  # the released program sends whole batches; everybody else slows down
        allowed = max(1, need // 4)
        asked = sum(start.requests for start in so_far.starts) - waiting
        if pace.lag and asked >= pace.per_round and so_far.kept:
            allowed = max(allowed, ceil((need + sqrt(need)) * asked / len(so_far.kept)))
        full = min(pace.per_round, allowed)
        if not waiting:
            return full
        room = min(allowed - waiting, full)
        return room if waiting <= pace.lag and 4 * room >= full else 0

    def _planned(self, number: int) -> RoundStart | None:
        plan = self._runner.folder.path / round_name(number) / PLAN
        return _read_plan(plan) if plan.exists() else None

    def _known(self, waiting: int, pace: RoundPace) -> int:
        """A round that was begun before begins again when the tasks that it saw are there."""
        plan = self._planned(len(self._so_far.starts) + 1)
        assert plan is not None
        there = len(self._so_far.kept) >= plan.tasks
        return plan.requests if not waiting or (there and waiting <= pace.lag) else 0

    def begin(self, requests: int) -> None:
        """Begin the next round; what was decided when it first began is kept to, whatever the target is now."""
        so_far, number = self._so_far, len(self._so_far.starts) + 1
        start = self._planned(number)
        if start is None:
            self._runner.refuse_to_make(round_name(number))
            start = RoundStart(requests, len(so_far.kept))
            plan = self._runner.folder.path / round_name(number) / PLAN
            publish_sealed(plan, {"requests": start.requests, "tasks": start.tasks})
        so_far.starts.append(start)
        made = _Round(number, tuple(so_far.kept[: start.tasks]), tuple(so_far.starts), self._last)
        self.under_way.append(made)
        self._last = made
        if self._threads is None:
            made.ended.set_result(self._go(made))
        else:
            made.ended = self._threads.submit(self._go, made)

    def take_in(self) -> None:
        """Wait for the oldest round, and count what came of it."""
        made, so_far = self.under_way[0], self._so_far
        records, said = made.ended.result()
        self.under_way.popleft()
        for place, result in said:
            self._runner.tell(place, result)
        so_far.kept.extend(records)
        so_far.kept_by_round.append(len(records))
        self._runner.watch.round_done(made.number, len(so_far.kept))
        if records:
            so_far.barren, so_far.why_barren = 0, BarrenRounds()
            return
        so_far.barren += made.requests
        for stage, (_, result) in zip(self._resolved.rounds, said, strict=True):
            so_far.why_barren.add(stage, result)

    def end(self) -> None:
        """Nothing is under way any more: where rounds still are, something went wrong, and they are broken off."""
        if self._threads is None:
            return
        if self.under_way:
            self._halted = True
            for made in self.under_way:
                made.passed.set()
            self._runner.halt()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._runner.release()

    def _go(self, made: _Round) -> tuple[Sequence[Task], list[tuple[StageFolder, StageResult]]]:
        """All stages of a round, one after the other."""
        runner, so_far, part = self._runner, self._so_far, round_name(made.number)
        inflow, seen, said = NO_INFLOW, list[Task](), list[tuple[StageFolder, StageResult]]()
        grown = True
        pool = so_far.front.after(made.tasks, ())
        for at, stage in enumerate(self._resolved.rounds):
            if self._in_turn and at == self._in_turn.start:
                if made.before is not None:
                    made.before.passed.wait()
                pool = so_far.front.after(made.tasks, ())
            if self._halted:
                raise _Halted
            place, result = runner.run(
                stage,
                inflow,
                part=part,
                position=at + 1,
                pool=pool,
                rounds=made.rounds,
                before=self._before,
            )
            inflow = place.inflow(result, runner.memory)
            said.append((place, result))
            if stage.scope == "ordered":
                seen.extend(inflow.records)
                grown = grown and place.made
            if self._in_turn and at == self._in_turn.stop - 1:
                front = so_far.front
                # A stage that was found has added nothing to the indexes: they are built again when one is needed.
                so_far.front = front.after((), seen) if grown else Pool(front.seeds, (), (*front.seen, *seen))
                made.passed.set()
        return inflow.records, said


def _read_plan(plan: Path) -> RoundStart:
    fix = f"delete {plan.parent} and the rounds after it, then run again: they are made again from the journal"
    sealed = read_sealed(plan, fix)
    requests, tasks = sealed.get("requests"), sealed.get("tasks")
    if type(requests) is not int or type(tasks) is not int or requests < 1 or tasks < 0:
        raise BadInput("damaged: not the plan of a round", place=str(plan), fix=fix)
    return RoundStart(requests, tasks)
