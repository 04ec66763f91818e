"""What makes two runs the same run, with one table of what does not count and why."""

import re
import types
from collections.abc import Iterator, Mapping

from selfinstruct import plugins
from selfinstruct.errors import BadInput
from selfinstruct.formats.read_sets import layout_names
from selfinstruct.models.make_backend import plugin_model
from selfinstruct.records import Json, Task, digest
from selfinstruct.run.recipe.keys import built_name
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.stage_names import plugin_of
from selfinstruct.text import shown

SCHEME = 2  # raised when this file changes what counts
_SOURCE = re.compile(r"code\.(?P<path>.+)|plugins\.(?P<kind>[a-z]+)s/(?P<name>.+)\.source")
_HASH = re.compile(r"[0-9a-f]{16,64}")

NOT_COUNTED = {
    "about": "words for people",
    "arms": "each is a run of its own, with its changes made",
    "count": "a higher target continues the run",
    "limits": "money, speed and patience change when an answer comes, not what it is",
    "publish": "how the result is shown; it can be made again from the kept records",
}


def identity(
    resolved: Resolved, seeds: tuple[Task, ...], contents: Mapping[str, str] = types.MappingProxyType({})
) -> dict[str, Json]:
    """Everything that counts, flat: dotted key and value; `contents` are checksums of the files that are read.

    `seeds`: all, the held-out ones too. Where they were read is no part of it: a renamed file makes no other run.
    """
    written = {key: value for key, value in resolved.written_out().items() if key not in NOT_COUNTED}
    specs: dict[str, Json] = dict(resolved.recipe.specs)
    written["models"] = specs  # where an endpoint is and how it is asked changes when an answer comes, not what it is
    if resolved.recipe.cycles > 1:
        written["count"] = resolved.recipe.count  # where one cycle ends and the next begins
    written["seeds"] = digest(*sorted(map(without_id, seeds)))
    written["contents"] = dict(contents)
    if others := {f"{plugin.kind}/{plugin.name}": _mark(plugin) for plugin in plugins_of(resolved)}:
        written["plugins"] = dict(others)
    versions: list[Json] = [f"{stage.name}/{stage.version}" for stage in (*resolved.rounds, *resolved.once)]
    return {"scheme": SCHEME, "versions": versions, **dict(_flat(written, ""))}


def plugins_of(resolved: Resolved) -> Iterator[plugins.Plugin]:
    """Everything in a recipe that others wrote and that counts: how the result is published does not."""
    for stage in (*resolved.rounds, *resolved.stages):
        plugged = [plugin_of(stage), *(plugins.find("rules", name) for name in stage.needs.rules)]
        yield from (plugin for plugin in plugged if plugin is not None)
    for spec in resolved.recipe.specs.values():
        model = None if built_name(spec) else plugin_model(spec)
        if model is not None:
            yield model[0]
    for given in resolved.recipe.inputs:
        others = bool(given.layout) and given.layout not in layout_names(ours=True)
        format_of = plugins.find("formats", given.layout) if others else None
        if format_of is not None:
            yield format_of


def _mark(plugin: plugins.Plugin) -> Json:
    return {**plugin.mark()}


def without_id(task: Task) -> str:
    """What a seed says, without the name of its file and what follows from it."""
    said = task.as_json()
    provenance = said.pop("provenance")
    assert isinstance(provenance, dict)
    return digest({**said, "id": "", "provenance": {**provenance, "source": ""}})


def fingerprint(same: Mapping[str, Json]) -> str:
    """SHA-256 of an identity."""
    return digest(dict(same))


def refuse_difference(old: Mapping[str, Json], new: Mapping[str, Json], folder: str) -> None:
    """BadInput naming the first key in which two identities differ."""
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            raise _another(key, old.get(key), new.get(key), folder)


def _another(key: str, old: Json, new: Json, folder: str) -> BadInput:
    """In words where a person would be shown hashes."""
    fix = "choose another folder with -o, or --fresh to make it again (the journal is kept)"
    source = _SOURCE.fullmatch(key)
    if source is not None and old is not None and new is not None:
        kind, name = source["kind"] or "rule or stage", source["name"] or source["path"]
        what = f"holds another run: the source of {kind} '{shown(name)}' was changed after it had begun"
        return BadInput(what, place=folder, fix=f"put the source back as it was, {fix}")
    if all(isinstance(value, str) and _HASH.fullmatch(value) for value in (old, new)):
        return BadInput(f"holds another run: '{shown(key)}' has another content now", place=folder, fix=fix)
    return BadInput(f"holds another run: '{key}' was {old!r} and is now {new!r}", place=folder, fix=fix)


def _flat(value: Json, path: str) -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, item in enumerate(value, 1):
            name = next(iter(item)) if isinstance(item, dict) and len(item) == 1 else ""
            inner = item[name] if isinstance(item, dict) and name else item
            yield f"{path}.{index}", name
            yield from _flat(inner, f"{path}.{index}.{name}")
    else:
        yield path, value
