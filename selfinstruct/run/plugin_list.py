"""What installed packages add, loaded one by one, and why any of it cannot be used."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from selfinstruct import plugins
from selfinstruct.curate.record_rules import NAMES, RECORD_SETS
from selfinstruct.errors import BadInput
from selfinstruct.formats.plugin_formats import plugin_format
from selfinstruct.formats.sets import shape_names
from selfinstruct.formats.writing import LAYOUTS
from selfinstruct.models.make import KINDS
from selfinstruct.records import Json
from selfinstruct.run.stages import STAGES, stage_class


@dataclass(frozen=True, slots=True)
class Listed:
    """Something that a package adds."""

    plugin: plugins.Plugin
    fault: str
    """Why it cannot be used, in one line; empty: it can."""

    def as_json(self) -> dict[str, Json]:
        """For programs."""
        one = self.plugin
        named: dict[str, Json] = {"kind": one.kind, "name": one.name, "where": one.where}
        return {**named, "package": one.package, "version": one.version, "fault": self.fault}


def plugin_list() -> tuple[Listed, ...]:
    """Everything, by kind and name; what fails to load is told and ends nothing."""
    return tuple(Listed(one, _fault(one, often)) for kind in plugins.KINDS for one, often in _counted(kind))


def _counted(kind: plugins.Kind) -> Iterator[tuple[plugins.Plugin, int]]:
    found = plugins.installed(kind)
    often = Counter(one.name for one in found)
    yield from ((one, often[one.name]) for one in found)


def _fault(one: plugins.Plugin, often: int) -> str:
    ours: dict[plugins.Kind, tuple[str, ...]] = {
        "stages": tuple(STAGES),
        "rules": (*NAMES, *RECORD_SETS),
        "formats": (*shape_names(ours=True), *LAYOUTS),
        "models": tuple(KINDS),
    }
    if one.name in ours[one.kind]:
        return f"the name '{one.name}' is taken by selfinstruct itself: write {one.where}"
    if often > 1:
        return f"another package gives the name '{one.name}', too: write {one.where}"
    try:
        if one.kind == "stages":
            stage_class(one.name, "")
        elif one.kind == "formats":
            plugin_format(one.name, "")
        elif not callable(one.load()):
            return f"{one.where} cannot be called"
    except BadInput as fault:
        return fault.what
    return ""
