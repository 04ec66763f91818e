"""The endpoints of a run: made, asked once what they can do, remembered in its folder."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import AnswersInMemory, Backend
from selfinstruct.models.capability_probe import ProbeRequest, learn
from selfinstruct.models.endpoint_capabilities import Capabilities
from selfinstruct.models.gate import Gate
from selfinstruct.models.hosted import HostedModel, connected, short_form
from selfinstruct.models.make_backend import make_backend
from selfinstruct.models.openai_compatible import OpenAICompatible, traits_of
from selfinstruct.models.prices_and_budget import Budget, Prices
from selfinstruct.records import Json
from selfinstruct.run.recipe.keys import RecipeKeys
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.stage import Traits
from selfinstruct.store.atomic_writes import publish_text
from selfinstruct.store.journal import Journal
from selfinstruct.store.reading import read_object
from selfinstruct.store.run_folder import RunFolder

FILE = "endpoints.json"
SCOPE = "capabilities"
"""Of the requests that ask an endpoint what it can do, in the journal."""


def made_backends(models: Mapping[str, str | HostedModel], *, planned: bool = False) -> dict[str, Backend]:
    """By role; roles with the same model share one. `planned`: endpoints are asked nothing, and need no key."""
    made: dict[str, Backend] = {}
    by_name: dict[str, Backend] = {}
    for role, (hosted, label, mark) in _told_apart(models).items():
        if mark not in made:
            made[mark] = make_backend(mark) if hosted is None else connected(hosted, label, planned=planned)
        by_name[role] = made[mark]
    return by_name


def recorded(models: Mapping[str, str | HostedModel], folder: RunFolder) -> dict[str, tuple[str, Traits]]:
    """By role, name and traits as a run knew them; nobody is asked, and no key is needed."""
    known = remembered(folder)
    by_role: dict[str, tuple[str, Traits]] = {}
    for role, (hosted, label, _) in _told_apart(models).items():
        name = "" if hosted is None else hosted.name(label)
        if name in known:
            by_role[role] = name, traits_of(known[name].capabilities)
        else:
            backend = made_backends({role: models[role]}, planned=True)[role]
            by_role[role] = backend.name, backend.traits
    return by_role


def _told_apart(models: Mapping[str, str | HostedModel]) -> dict[str, tuple[HostedModel | None, str, str]]:
    """By role: the endpoint's model, if it is one, its label, and what is the same for the same model.

    Where two endpoints have a model of one name, each is told by the first role that it plays.
    """
    hosted = {role: short_form(model) if isinstance(model, str) else model for role, model in sorted(models.items())}
    marks = {
        role: str(models[role]) if model is None else json.dumps(model.as_yaml(), sort_keys=True)
        for role, model in hosted.items()
    }
    first: dict[str, str] = {}
    of_spec: dict[str, set[str]] = {}
    for role, model in hosted.items():
        first.setdefault(marks[role], role)
        if model is not None:
            of_spec.setdefault(model.spec, set()).add(marks[role])
    return {
        role: (model, first[marks[role]] if model is not None and len(of_spec[model.spec]) > 1 else "", marks[role])
        for role, model in hosted.items()
    }


def hosted_by_name(recipe: RecipeKeys, backends: Mapping[str, Backend]) -> dict[str, HostedModel]:
    """What the recipe says of each endpoint's model, by the name that answers bear."""
    models = ((backend.name, recipe.models[role]) for role, backend in backends.items())
    return {name: model for name, model in models if isinstance(model, HostedModel)}


def located(resolved: Resolved, backends: Mapping[str, Backend]) -> Resolved:
    """The same recipe, with the address that is used beside every model behind an endpoint."""
    models = dict(resolved.recipe.models)
    for role, backend in backends.items():
        model = models[role]
        hosted = short_form(model) if isinstance(model, str) else model
        if isinstance(backend, OpenAICompatible) and hosted is not None:
            models[role] = hosted.at(backend)
    return replace(resolved, recipe=resolved.recipe.model_copy(update={"models": models}))


@dataclass(frozen=True, slots=True)
class KnownEndpoint:
    """What a run folder remembers of an endpoint."""

    base_url: str
    capabilities: Capabilities
    taken: Mapping[str, tuple[str, ...]]
    """By path, what it was seen to take: a refusal without a reason is then not about that."""


def remembered(folder: RunFolder) -> dict[str, KnownEndpoint]:
    """By model name; empty where nothing was learned yet."""
    path = folder.path / FILE
    if not path.exists():
        return {}
    fix = "delete it: what the endpoints can do is then learned again"
    try:
        return {
            name: KnownEndpoint(
                base_url=_text(entry["base_url"]),
                capabilities=Capabilities.from_json(entry["capabilities"]),
                taken={path: tuple(map(_text, names)) for path, names in entry["taken"].items()},
            )
            for name, entry in read_object(path, fix).items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise BadInput("not what was written there", place=str(path), fix=fix) from fault


class Endpoints:
    """The backends of a run that are reached over a network, and what is known of them."""

    def __init__(self, backends: Mapping[str, Backend], folder: RunFolder, notice: Callable[[str], None]) -> None:
        """Recalls what the folder remembers; says so where an address is another than it was."""
        self._folder, self._notice = folder, notice
        self._hosted = {backend.name: backend for backend in backends.values() if isinstance(backend, OpenAICompatible)}
        self._learned: set[str] = set()
        self._probes: dict[str, tuple[ProbeRequest, ...]] = {}
        if not self._hosted:
            return
        known = remembered(folder)
        for name, backend in self._hosted.items():
            if name not in known:
                continue
            if known[name].base_url == backend.base_url:
                backend.asking.recall(backend.stated.over(known[name].capabilities), known[name].taken)
                self._learned.add(name)
            else:
                was = f"{name} was at {known[name].base_url} when this run was last worked on"
                notice(f"{was}, and is at {backend.base_url} now: what it can do is asked anew")

    def learn(self, budget: Budget, prices: Prices) -> None:
        """Ask those that are not known yet. Capped, ProviderDown, or BadInput where a cap cannot be kept."""
        for name, backend in self._hosted.items():
            price = Gate(backend, AnswersInMemory(), budget=budget, prices=prices).price
            backend.asking.must_limit = budget.capped
            self._notice(backend.notice)
            if name not in self._learned:
                self._probes[name] = learn(backend, price, budget, self._notice)
                self._learned.add(name)
                self._notice(f"{name} can do: {backend.capabilities.words}")

    @property
    def addresses(self) -> dict[str, Json]:
        """Where each is, by the name that its answers bear."""
        return {name: backend.base_url for name, backend in sorted(self._hosted.items())}

    def keep(self, journal: Journal) -> None:
        """Write down what was learned and what it took, now and whenever more is learned."""
        if not self._hosted:
            return
        for name, probes in self._probes.items():
            written = [_noted(journal, probe, name, number) for number, probe in enumerate(probes)]
            for done in written:
                done.result()
        self._probes.clear()
        self._write()
        for backend in self._hosted.values():
            backend.asking.changed = self._write
            backend.asking.notice = self._notice

    def _write(self) -> None:
        facts = {
            name: {
                "base_url": backend.base_url,
                "capabilities": backend.capabilities.as_json(),
                "taken": backend.asking.taken,
            }
            for name, backend in sorted(self._hosted.items())
        }
        publish_text(self._folder.path / FILE, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


def _noted(journal: Journal, probe: ProbeRequest, name: str, number: int) -> "Future[None]":
    key = probe.request.key(name)
    if probe.completion is None:
        return journal.reserve(key, f"lost {SCOPE}", number, probe.cost, probe.tokens)
    completion = replace(probe.completion, request=f"{key}.{number}")
    return journal.write(SCOPE, number, probe.request, completion, probe.raw, probe.sent)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
