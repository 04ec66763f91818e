"""Makes what a recipe names: seeds, inputs, and a gate before every model."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.prompt_sets import ifs_tasks
from selfinstruct.evaluate.taste_questions import objecqa_tasks
from selfinstruct.formats.aliases import Roles
from selfinstruct.formats.lines import read_values
from selfinstruct.formats.seeds import builtin_seeds, read_seeds
from selfinstruct.formats.sets import Unreadable, read_set
from selfinstruct.generate.topic import AUTO, topic_of
from selfinstruct.models.backend import AnswerBook, Backend, Totals
from selfinstruct.models.gate import Gate, Policy
from selfinstruct.models.hosted import HostedModel
from selfinstruct.models.make import make_backend
from selfinstruct.models.money import Budget, Prices
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.records import Json, Provenance, Task, digest
from selfinstruct.run.endpoints import hosted_by_name, made_backends
from selfinstruct.run.reading import content, opened
from selfinstruct.run.recipe import Limits, Recipe, Resolved
from selfinstruct.run.recipe_keys import built_name
from selfinstruct.run.runner import CountingModel
from selfinstruct.run.suite_files import suite_tasks
from selfinstruct.stage import TokenScorer, Weights

_SEED_FILES = frozenset({".jsonl", ".json", ".gz", ".zst", ".zstd"})
_FEW_SEEDS = 8
_HALVES = {"ifs-v1:dev": True, "ifs-v1:test": False}  # of the shipped prompts: for training, and for what is reported
_DEV_SOURCES = 150
SHIPPED_SETS = {
    "ifs-v1": "ifs_instructions.jsonl",
    "objecqa-v1": "objecqa.jsonl",
    "tone-v1": "tone_completions.jsonl",
    "tone-v2": "tone_reads.jsonl",
}
"""Names of sets that are shipped, to score with, to check against, to try a judge on; and their files."""
_LABELLED = frozenset({"tone-v1", "tone-v2"})
# Requests that see the same pool: enough to keep an endpoint busy, few enough that the pool grows between rounds.
_PER_ROUND, _PER_ROUND_SMALL, _PER_ROUND_REFERENCE = 32, 4, 5


@dataclass(frozen=True, slots=True)
class Material:
    """What a run starts from."""

    seeds: tuple[Task, ...]
    held_out: tuple[Task, ...]
    """Seeds that are no part of the pool: shown to no model, but compared with by novelty."""
    contents: Mapping[str, str]
    """Checksums of the inputs and benchmarks, by the path the recipe gives."""
    benchmarks: Mapping[str, Sequence[Task]]
    """What a set is checked against, by the path the recipe gives."""


def material(resolved: Resolved, notice: Callable[[str], None]) -> Material:
    """Read the seeds and benchmarks that the recipe names, and open its inputs: BadInput before a folder is taken."""
    recipe = resolved.recipe
    opened(resolved.sets, recipe.seed)
    named = builtin_seeds() if resolved.seeds == "builtin" else Path(resolved.seeds)
    seeds, held_out = _held_out(_seeds(named, recipe.seeds_columns) if resolved.seeds else (), recipe)
    if resolved.rounds and len(seeds) < _FEW_SEEDS:
        notice(f"only {len(seeds)} seed tasks: prompts show fewer demonstrations, and tasks will be less varied")
    _tell_topic(resolved, seeds, notice)
    needs = [stage.needs for stage in (*resolved.rounds, *resolved.stages)]
    against = dict.fromkeys(path for one in needs for path in (*one.against, *one.gold))
    sets = dict.fromkeys(name for one in needs for name in one.prompts)
    if any(one.checks is not None for one in needs):
        sets |= dict.fromkeys((*_HALVES, "objecqa-v1"))
    sets |= dict.fromkeys(path for path in against if path in SHIPPED_SETS)
    read = [path for path in (*(one.path for one in recipe.inputs), *against) if path not in SHIPPED_SETS]
    contents = {path: content(path) for path in read}
    contents |= {f"weights of {role}": mark for role, mark in weights_marks(resolved).items()}
    made = {name: prompt_set(name) for name in sets if name}
    made |= {one.labelled: labelled(one.labelled) for one in needs if one.labelled}
    contents |= {name: digest(*(task.id for task in tasks)) for name, tasks in made.items()}
    columns = {path: Roles.parse(one.against_columns) for one in needs if one.against_columns for path in one.against}
    benchmarks = {path: _benchmark(path, columns.get(path)) for path in against if path not in made} | made
    for suite in (suite for one in needs for suite in one.suites):
        benchmarks[suite.path] = suite_tasks(suite.name, suite.path, suite.instances)
        told: list[Json] = [[task.id, dict(task.extra)] for task in benchmarks[suite.path]]
        contents[suite.path] = digest(*told)
    return Material(seeds, held_out, contents, benchmarks)


def _seeds(path: Path, columns: Mapping[str, str]) -> Sequence[Task]:
    """Seed tasks, or the tasks of a set of another layout, whose every record must be readable: seeds are few."""
    if columns:
        return _seeds_of_set(path, Roles.of(columns, "seeds_columns"))
    try:
        return read_seeds(path)
    except BadInput as fault:
        if not path.exists():
            raise
        try:
            return _seeds_of_set(path)
        except BadInput as other:
            raise (fault if path.suffix in _SEED_FILES else other) from None


def _seeds_of_set(path: Path, roles: Roles | None = None) -> Sequence[Task]:
    seeds: list[Task] = []
    origin = Provenance(stage="seed", source=path.name)
    for found in read_set(str(path), columns=roles):
        if not isinstance(found, Task):
            raise BadInput(found.problem, place=found.place, fix="mend the seed, or take it out")
        seeds.append(replace(found, human=True, provenance=origin))
    return seeds


def _tell_topic(resolved: Resolved, seeds: Sequence[Task], notice: Callable[[str], None]) -> None:
    """What tasks are to be about, where nobody said it."""
    infers = any(stage.needs.infers_topic for stage in resolved.rounds)
    found = topic_of(seeds, AUTO) if infers else None
    if found is not None:
        notice(
            f"topic, by the words of the seeds: {found.name} (`topic` in the recipe, or --topic, names it otherwise)"
        )


def _held_out(seeds: Sequence[Task], recipe: Recipe) -> tuple[tuple[Task, ...], tuple[Task, ...]]:
    """The seeds of the pool, and those kept out of it: a larger number holds out the same ones and more."""
    wanted = recipe.holdout_seeds
    if wanted and wanted >= len(seeds):
        what = f"holdout_seeds: {wanted} of {len(seeds)} seeds leave none to show"
        raise BadInput(what, place="the recipe", fix=f"give at most {max(0, len(seeds) - 1)}, or more seeds")
    ranked = sorted(seeds, key=lambda seed: digest("holdout", recipe.seed, seed.id))
    drawn = frozenset(seed.id for seed in ranked[:wanted])
    return tuple(one for one in seeds if one.id not in drawn), tuple(one for one in seeds if one.id in drawn)


def _benchmark(path: str, columns: Roles | None) -> Sequence[Task]:
    """All its items; BadInput at the first that cannot be read, for a check with gaps is none."""
    items = []
    for found in _read_benchmark(path, columns):
        if not isinstance(found, Task):
            raise BadInput(found.problem, place=found.place, fix="mend the benchmark: a check with gaps is none")
        items.append(found)
    return items


def _read_benchmark(path: str, columns: Roles | None) -> Iterator[Task | Unreadable]:
    """As it is read; `--from` and `--columns` are words for inputs, and benchmarks have their own."""
    try:
        yield from read_set(path, columns=columns, answered=False if columns else None)
    except BadInput as fault:
        fix = fault.fix.replace("--columns", "--against-columns")
        if "--from" in fix:
            fix = f"bring it into one layout: `selfinstruct convert {path} --from NAME -o benchmark.jsonl`"
        raise BadInput(fault.what, place=fault.place, fix=fix) from None


def prompt_set(name: str) -> Sequence[Task]:
    """A set of prompts to score with: one that is shipped, or a file like them.

    `ifs-v1:dev` has 150 of the 500 sources of `ifs-v1`, drawn by a hash of their ids, `ifs-v1:test` the others; both in
    the order of the hash, so that their beginning is a fair sample.
    """
    if name in _HALVES:
        return _half(prompt_set("ifs-v1"), dev=_HALVES[name])
    if name in _LABELLED:
        return labelled(name)
    made = objecqa_tasks if name == "objecqa-v1" else ifs_tasks
    path = _path(name)
    return made((line.value for line in read_values(path)), path.name)


def labelled(name: str) -> Sequence[Task]:
    """Completions that were labelled by reading: a set that is shipped, or a file like it."""
    path = _path(name)
    return _labelled((line.value for line in read_values(path)), path.name)


def _path(name: str) -> Path:
    return builtin_seeds().with_name(SHIPPED_SETS[name]) if name in SHIPPED_SETS else Path(name)


def _labelled(rows: Iterable[Mapping[str, Any]], source: str) -> Sequence[Task]:
    """Completions with their labels as tasks: every field is extra, for the judge's room to read."""
    provenance = Provenance(stage="input", source=source)
    return [
        Task(instruction=str(row.get("prompt", "")), provenance=provenance, ordinal=number, extra=dict(row))
        for number, row in enumerate(rows)
    ]


def _half(tasks: Sequence[Task], *, dev: bool) -> Sequence[Task]:
    by_source: dict[str, list[Task]] = {}
    for task in tasks:
        by_source.setdefault(str(task.extra["source"]), []).append(task)
    ranked = sorted(by_source, key=lambda source: digest("ifs-v1", source))
    return [task for source in (ranked[:_DEV_SOURCES] if dev else ranked[_DEV_SOURCES:]) for task in by_source[source]]


class Gates:
    """One gate for each model, one budget for all."""

    def __init__(
        self, resolved: Resolved, book: AnswerBook, notice: Callable[[str], None], backends: dict[str, Backend]
    ) -> None:
        """`backends` by role; roles with the same spec share one."""
        recipe = resolved.recipe
        self._recipe, self._backends = recipe, backends
        prices = prices_of(recipe.limits, hosted_by_name(recipe, backends))
        shared = budget(recipe.limits, book.spent())
        self._gate = partial(Gate, book=book, budget=shared, prices=prices, notice=notice)
        unique = {id(backend): (role, backend) for role, backend in backends.items()}
        self._gates = {
            key: self._gate(backend, policy=policy_of(recipe, role)) for key, (role, backend) in unique.items()
        }
        self._built: dict[Path, Gate] = {}

    def model(self, role: str, scope: str, built: Mapping[str, Path] = MappingProxyType({})) -> CountingModel:
        """The model of that role, for one stage of one round; of a spec `built:NAME` what `built` has by that name."""
        name = built_name(self._recipe.specs[role])
        if not name:
            return self._gates[id(self._backends[role])].scoped(scope)
        place = _folder_of(role, name, built)
        if place not in self._built:
            self._built[place] = self._gate(make_backend(f"hf:{place}"), policy=policy(self._recipe.limits))
        return self._built[place].scoped(scope)

    def release(self) -> None:
        """A stage has ended: let go of the models that were made for it, for they lie in memory."""
        made, self._built = list(self._built.values()), {}
        for gate in made:
            gate.close()

    def requests_per_round(self) -> int:
        """What the recipe says, or what suits its models."""
        return requests_per_round(self._recipe, self._backends)

    def close(self) -> None:
        """Let go of connections and servers."""
        self.release()
        for gate in self._gates.values():
            gate.close()


def backends_of(resolved: Resolved, *, planned: bool = False) -> dict[str, Backend]:
    """A backend for each role that a stage asks, those aside that this run has yet to build.

    `planned`: nothing will be sent, so endpoints need no key.
    """
    asked = {role for stage in (*resolved.rounds, *resolved.stages) for role in stage.needs.models}
    wanted = {role: spec for role, spec in resolved.recipe.specs.items() if role in asked and not built_name(spec)}
    return made_backends({role: resolved.recipe.models[role] for role in wanted}, planned=planned)


@contextmanager
def gates(
    resolved: Resolved, book: AnswerBook, notice: Callable[[str], None], backends: dict[str, Backend]
) -> Iterator[Gates]:
    """The gates of a run, closed at its end."""
    bases = [weights_of(resolved.recipe, role) for role in weights_marks(resolved)]
    told = {f"{base.name}: {base.notice}" for base in bases if base.notice}
    here = {backend.notice for backend in backends.values() if not isinstance(backend, OpenAICompatible)}
    for line in sorted(filter(None, told | here)):  # where an endpoint is was told when it was asked what it can do
        notice(line)
    made = Gates(resolved, book, notice, backends)
    try:
        yield made
    finally:
        made.close()


def weights_of(recipe: Recipe, role: str, built: Mapping[str, Path] = MappingProxyType({})) -> Weights:
    """What a stage trains or looks into; BadInput where a role's spec names nothing of the kind."""
    from selfinstruct.models.trainable import TransformersWeights

    spec = recipe.specs[role]
    name = built_name(spec)
    return TransformersWeights(f"hf:{_folder_of(role, name, built)}" if name else spec)


def weights_marks(resolved: Resolved) -> dict[str, str]:
    """For each role that is trained, what tells its content: another base makes another run."""
    roles = dict.fromkeys(stage.needs.base for stage in resolved.stages if stage.needs.base)
    models = resolved.recipe.specs
    return {role: _mark(models[role]) for role in roles if not built_name(models[role])}


def _mark(spec: str) -> str:
    from selfinstruct.models.trainable import TransformersWeights

    return TransformersWeights(spec).mark


def _folder_of(role: str, name: str, built: Mapping[str, Path]) -> Path:
    if name not in built:
        known = ", ".join(built) or "nothing"
        what = f"no stage of this run has built '{name}' by now; built so far: {known}"
        raise BadInput(what, place=f"model {role}", fix="put the stage that builds it before the one that asks it")
    return built[name]


def scorer_of(recipe: Recipe, role: str) -> TokenScorer:
    """What measures likelihoods for a role; only models of transformers can."""
    from selfinstruct.models.token_scorer import TransformersScorer

    spec = recipe.specs[role]
    kind, _, name = spec.partition(":")
    if kind != "hf" and not Path(spec).is_dir():
        raise BadInput(f"'{spec}' does not tell how likely a text is", place=f"model {role}", fix="name it hf:FOLDER")
    return TransformersScorer(name if kind == "hf" else spec)


def requests_per_round(recipe: Recipe, backends: Mapping[str, Backend]) -> int:
    """What the recipe says, or what suits its models."""
    if recipe.requests_per_round is not None:
        return recipe.requests_per_round
    if recipe.profile == "reference":
        return _PER_ROUND_REFERENCE
    small = any(backend.traits.small for backend in backends.values())
    return _PER_ROUND_SMALL if small else _PER_ROUND


def prices_of(limits: Limits, hosted: Mapping[str, HostedModel] = MappingProxyType({})) -> Prices:
    """Known prices, the user's own first: those that stand beside a model before those in a file."""
    read = Prices.load(None if limits.prices is None else Path(limits.prices))
    beside = {name: model.price for name, model in hosted.items() if model.price is not None}
    return replace(read, own={**read.own, **beside})


def policy_of(recipe: Recipe, role: str) -> Policy:
    """The recipe's limits, and over them those that stand beside the model of that role."""
    model = recipe.models[role]
    beside: dict[str, Any] = {} if isinstance(model, str) else dict(model.limits)
    return replace(policy(recipe.limits), **beside)


def cap(limits: Limits) -> Decimal | None:
    """The cap on money, exact."""
    return None if limits.max_cost is None else Decimal(limits.max_cost)


def budget(limits: Limits, spent: Totals | None = None) -> Budget:
    """What may be spent, over what was."""
    return Budget(cap(limits), limits.max_total_tokens, spent)


def policy(limits: Limits) -> Policy:
    """The recipe's limits as the gate takes them."""
    return Policy(
        in_flight=limits.in_flight,
        attempts=limits.attempts,
        timeout=limits.timeout,
        requests_per_minute=limits.requests_per_minute,
        tokens_per_minute=limits.tokens_per_minute,
        give_up_after=limits.give_up_after,
        thinking_tokens=limits.thinking_tokens,
    )
