"""Makes the models that the stages of a recipe ask: a gate before each, one budget for all, weights, scorers."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import AnswerStore, Backend, Totals
from selfinstruct.models.gate import Gate, Policy
from selfinstruct.models.hosted import HostedModel
from selfinstruct.models.make_backend import make_backend
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.models.prices_and_budget import Budget, Prices
from selfinstruct.run.endpoints import hosted_by_name, made_backends
from selfinstruct.run.recipe.keys import Limits, RecipeKeys, built_name
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.run_cost import CountingModel
from selfinstruct.stage import TokenScorer, Weights

# Requests that see the same pool: enough to keep an endpoint busy, few enough that the pool grows between rounds.
_PER_ROUND, _PER_ROUND_SMALL, _PER_ROUND_REFERENCE = 32, 4, 5
_LAG_HOSTED = 256  # eight rounds: what follows from the answers of each is asked for while the others wait


class Gates:
    """One gate for each model, one budget for all."""

    def __init__(
        self, resolved: Resolved, book: AnswerStore, notice: Callable[[str], None], backends: dict[str, Backend]
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

    def lag(self) -> int:
        """What the recipe says, or what suits its models."""
        return lag(self._recipe, self._backends)

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
    resolved: Resolved, book: AnswerStore, notice: Callable[[str], None], backends: dict[str, Backend]
) -> Iterator[Gates]:
    """The gates of a run, closed at its end."""
    bases = [weights_of(resolved.recipe, role) for role in weights_marks(resolved)]
    notices = {f"{base.name}: {base.notice}" for base in bases if base.notice}
    here = {backend.notice for backend in backends.values() if not isinstance(backend, OpenAICompatible)}
    for line in sorted(filter(None, notices | here)):  # where an endpoint is was told when it was asked what it can do
        notice(line)
    made = Gates(resolved, book, notice, backends)
    try:
        yield made
    finally:
        made.close()


def weights_of(recipe: RecipeKeys, role: str, built: Mapping[str, Path] = MappingProxyType({})) -> Weights:
    """What a stage trains or looks into; BadInput where a role's spec names nothing of the kind."""
    from selfinstruct.models.transformers_weights import TransformersWeights

    spec = recipe.specs[role]
    name = built_name(spec)
    return TransformersWeights(f"hf:{_folder_of(role, name, built)}" if name else spec)


def weights_marks(resolved: Resolved) -> dict[str, str]:
    """For each role that is trained, what tells its content: another base makes another run."""
    roles = dict.fromkeys(role for stage in resolved.stages for role in stage.needs.weights)
    models = resolved.recipe.specs
    return {role: _mark(models[role]) for role in roles if not built_name(models[role])}


def _mark(spec: str) -> str:
    from selfinstruct.models.transformers_weights import TransformersWeights

    return TransformersWeights(spec).mark


def _folder_of(role: str, name: str, built: Mapping[str, Path]) -> Path:
    if name not in built:
        known = ", ".join(built) or "nothing"
        what = f"no stage of this run has built '{name}' by now; built so far: {known}"
        raise BadInput(what, place=f"model {role}", fix="put the stage that builds it before the one that asks it")
    return built[name]


def scorer_of(recipe: RecipeKeys, role: str) -> TokenScorer:
    """What measures likelihoods for a role; only models of transformers can."""
    from selfinstruct.models.transformers_scoring import TransformersScorer

    spec = recipe.specs[role]
    kind, _, name = spec.partition(":")
    if kind != "hf" and not Path(spec).is_dir():
        raise BadInput(f"'{spec}' does not tell how likely a text is", place=f"model {role}", fix="name it hf:FOLDER")
    return TransformersScorer(name if kind == "hf" else spec)


def requests_per_round(recipe: RecipeKeys, backends: Mapping[str, Backend]) -> int:
    """What the recipe says, or what suits its models."""
    if recipe.requests_per_round is not None:
        return recipe.requests_per_round
    if recipe.profile == "reference":
        return _PER_ROUND_REFERENCE
    small = any(backend.traits.small for backend in backends.values())
    return _PER_ROUND_SMALL if small else _PER_ROUND


def lag(recipe: RecipeKeys, backends: Mapping[str, Backend]) -> int:
    """What the recipe says; else as much as keeps an endpoint busy, and nothing for models on this machine."""
    if recipe.lag is not None:
        return recipe.lag
    hosted = any(isinstance(backend, OpenAICompatible) for backend in backends.values())
    return _LAG_HOSTED if hosted else 0


def prices_of(limits: Limits, hosted: Mapping[str, HostedModel] = MappingProxyType({})) -> Prices:
    """Known prices, the user's own first: those that stand beside a model before those in a file."""
    read = Prices.load(None if limits.prices is None else Path(limits.prices))
    own = {name: model.price for name, model in hosted.items() if model.price is not None}
    return replace(read, own={**read.own, **own})


def policy_of(recipe: RecipeKeys, role: str) -> Policy:
    """The recipe's limits, and over them those that stand beside the model of that role."""
    model = recipe.models[role]
    own: dict[str, Any] = {} if isinstance(model, str) else dict(model.limits)
    return replace(policy(recipe.limits), **own)


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
