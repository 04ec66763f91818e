"""Small stages with plain behaviour, to try the loop without a model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from selfinstruct.needs import NOTHING, Needs
from selfinstruct.records import Failure, Provenance, Task
from selfinstruct.run.main_loop import Walked, walk
from selfinstruct.run.recipe.keys import RecipeKeys
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.stage_runner import Runner
from selfinstruct.stage import Bench, Failed, Kept, Outcome, Rejected, Scope
from selfinstruct.store.ledger import Ledger
from selfinstruct.store.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Count:
    """Makes `per_request` numbered tasks for each request."""

    name: ClassVar[str] = "count"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "source"
    needs: ClassVar[Needs] = NOTHING

    per_request: int = 3
    until: int = 1_000_000

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        del records
        for request in range(bench.first_request, bench.first_request + bench.requests):
            for item in range(self.per_request):
                number = request * self.per_request + item
                if number < self.until:
                    drawn = bench.random(request).random()
                    origin = Provenance(stage="count", request=f"{number}.0/0")
                    yield Kept(Task(instruction=f"Task number {number} of {drawn:.6f}", provenance=origin))


@dataclass(frozen=True, kw_only=True)
class Silent:
    """Gets no answer to any request, most of them for one reason."""

    name: ClassVar[str] = "silent"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "source"
    needs: ClassVar[Needs] = NOTHING

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        del records
        for request in range(bench.first_request, bench.first_request + bench.requests):
            kind = "empty_text" if request % 4 else "timeout"
            yield Failed(Failure(request=f"{request}.0", kind=kind, message="nothing came"))


@dataclass(frozen=True, kw_only=True)
class Sieve:
    """Rejects every task whose number divides by `by`."""

    name: ClassVar[str] = "sieve"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "record"
    needs: ClassVar[Needs] = NOTHING

    by: int = 3

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        del bench
        for task in records:
            number = int(task.instruction.split()[2])
            yield Rejected(task, "divides") if number % self.by == 0 else Kept(task)


@dataclass(frozen=True, kw_only=True)
class Loses:
    """Forgets its first record."""

    name: ClassVar[str] = "loses"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "record"
    needs: ClassVar[Needs] = NOTHING

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        del bench
        for task in list(records)[1:]:
            yield Kept(task)


def runner_in(folder: Path, workers: int = 1) -> Runner:
    folder.mkdir(parents=True, exist_ok=True)
    place = RunFolder(folder)

    def never_asked(role: str, scope: str, built: object) -> object:
        raise AssertionError((role, scope, built))

    return Runner(
        folder=place,
        ledger=Ledger(place.ledger),
        seed=7,
        model_for=never_asked,  # type: ignore[arg-type]  # never_asked is asked here
        workers=workers,
    )


def resolved(count: int, *stages: object, **knobs: object) -> Resolved:
    rounds = stages or (Count(), Sieve())
    recipe = RecipeKeys.model_validate({"name": "toy", "count": count, **knobs})
    return Resolved(recipe, rounds, ())  # type: ignore[arg-type]  # toys are stages


def walked(folder: Path, what: Resolved, per_round: int = 8, workers: int = 1) -> Walked:
    return walk(what, runner_in(folder, workers), (), per_round)
