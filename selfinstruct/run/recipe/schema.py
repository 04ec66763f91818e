"""What a recipe may say: as JSON Schema for editors, knob by knob for people, and what installed packages add to it."""

import ast
import inspect
import json
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from itertools import pairwise
from typing import Any, TypeGuard

from pydantic import BaseModel, TypeAdapter

from selfinstruct import plugins
from selfinstruct.curate.rules.rule_tables import NAMES, RECORD_SETS
from selfinstruct.errors import BadInput
from selfinstruct.formats.plugin_formats import plugin_format
from selfinstruct.formats.read_sets import layout_names
from selfinstruct.formats.writing import WRITTEN_LAYOUTS
from selfinstruct.models.hosted import PROVIDERS
from selfinstruct.models.make_backend import KINDS
from selfinstruct.records import Json
from selfinstruct.run.recipe.keys import Input, Limits, Publish, RecipeKeys, Stop
from selfinstruct.run.recipe.resolved import Resolved, knobs
from selfinstruct.run.recipe.stage_names import STAGES, recipe_name, stage_class
from selfinstruct.stage import Stage

SCHEMA_FILE = "recipe.schema.json"
EDITOR_LINE = f"# yaml-language-server: $schema={SCHEMA_FILE}\n"
"""The first line of a recipe that lies beside its schema: editors then complete and explain what is typed."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{model}"


def recipe_schema() -> dict[str, Any]:
    """The JSON Schema of recipes: every key and every knob with its type, its default and its docstring.

    Stages of packages that are installed are in it, but for those that fail to load.
    """
    made: dict[str, Any] = RecipeKeys.model_json_schema(ref_template=_REF)
    defs: dict[str, Any] = made.setdefault("$defs", {})
    _describe(made, RecipeKeys)
    for model in (Input, Limits, Publish, Stop):
        _describe(defs[model.__name__], model)
    names = []
    for name, stage in _stages():
        schema = TypeAdapter(stage).json_schema(ref_template=_REF)
        defs |= schema.pop("$defs", {})
        _describe(schema, stage)
        defs[f"stage_{name}"] = schema | {
            "title": name,
            "description": _plain(stage.__doc__),
            "additionalProperties": False,
        }
        names.append(name)
    keys = made["properties"]
    for part in ("rounds", "stages"):
        keys[part] = {**keys[part], "type": "array", "items": _step(names)}
    keys["inputs"]["items"] = {"anyOf": [{"type": "string", "minLength": 1}, {"$ref": "#/$defs/Input"}]}
    hosted = {"type": "object", "anyOf": [{"required": [provider]} for provider in PROVIDERS]}
    [role] = keys["models"]["patternProperties"]
    models = {"patternProperties": {role: {"anyOf": [{"type": "string"}, hosted]}}, "additionalProperties": False}
    keys["models"] |= models
    defs.pop("HostedModel", None)
    return {"$schema": _DIALECT, **made, "title": "selfinstruct recipe"}


def schema_text() -> str:
    """The schema as a file."""
    return json.dumps(recipe_schema(), indent=1, ensure_ascii=False) + "\n"


def explained(resolved: Resolved) -> Iterator[str]:
    """Each knob of each stage of a recipe: its value, whether that is the default, and what it means."""
    for part, stages in (("rounds", resolved.rounds), ("stages", resolved.stages)):
        for number, stage in enumerate(stages, 1):
            about = _plain(type(stage).__doc__).partition("\n\n")[0]
            yield f"{part} {number}: {recipe_name(stage)}"
            yield textwrap.fill(about, 100, initial_indent="  ", subsequent_indent="  ")
            yield from _knobs(stage)
            yield ""


def _knobs(stage: Stage) -> Iterator[str]:
    about, values = docstrings(type(stage)), knobs(stage)
    for field in fields(stage):  # type: ignore[arg-type]  # stages are dataclasses
        value, default = values[field.name], _default(field)
        said = "default" if value == default else "no default" if default is MISSING else f"default: {_said(default)}"
        yield f"    {field.name} = {_said(value)}  ({said})"
        if field.name in about:
            yield textwrap.fill(about[field.name], 100, initial_indent=" " * 8, subsequent_indent=" " * 8)


def _said(value: object) -> str:
    """As a recipe would write it."""
    return json.dumps(value, ensure_ascii=False)


def _default(field: Field[Any]) -> Any:  # noqa: ANN401 - of whatever type the knob is
    made = field.default if field.default_factory is MISSING else field.default_factory()
    return list(made) if isinstance(made, tuple) else made


def docstrings(owner: type) -> dict[str, str]:
    """The text under each field of a class and of those it derives from; nothing where the source is not here."""
    types: dict[str, str] = {}
    for base in reversed(owner.__mro__):
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        except (OSError, TypeError, SyntaxError, IndexError):
            continue
        lines = body.body if isinstance(body, ast.ClassDef) else []
        for field, text in pairwise(lines):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_text(text):
                types[field.target.id] = _plain(ast.literal_eval(text.value))
    return types


def _is_text(line: ast.stmt) -> TypeGuard[ast.Expr]:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)


def _plain(text: str | None) -> str:
    """A docstring as running text, its paragraphs apart."""
    parts = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(" ".join(part.split()) for part in parts)


def _stages() -> Iterator[tuple[str, type[Stage]]]:
    yield from STAGES.items()
    for name in plugins.names("stages"):
        try:
            if name not in STAGES:
                yield name, stage_class(name, "")
        except BadInput:
            continue  # `selfinstruct plugins` says why


def _describe(schema: Mapping[str, Any], owner: type[BaseModel] | type[Stage]) -> None:
    """Put docstrings beside the types of a class's fields."""
    about = docstrings(owner)
    for name, described in schema["properties"].items():
        field = {"from": "layout"}.get(name, name)  # a word of Python's, so that the field is called otherwise
        if field in about:
            described["description"] = about[field]
        described.pop("title", None)


def _step(names: list[str]) -> Json:
    """A stage by its name alone, or with its knobs."""
    whole: dict[str, Json] = {name: {"anyOf": [{"$ref": f"#/$defs/stage_{name}"}, {"type": "null"}]} for name in names}
    own: Json = {"type": ["object", "null"]}
    step: dict[str, Json] = {"minProperties": 1, "maxProperties": 1, "additionalProperties": False}
    return {
        "anyOf": [
            {"enum": [*names]},
            {"type": "string", "pattern": plugins.DOTTED},
            {"type": "object", "properties": whole, "patternProperties": {plugins.DOTTED: own}, **step},
        ]
    }


@dataclass(frozen=True, slots=True)
class Listed:
    """Something that a package adds."""

    plugin: plugins.Plugin
    fault: str
    """Why it cannot be used, in one line; empty: it can."""

    def as_json(self) -> dict[str, Json]:
        """As `plugins --json` prints it."""
        plugin = self.plugin
        named: dict[str, Json] = {"kind": plugin.kind, "name": plugin.name, "where": plugin.where}
        return {**named, "package": plugin.package, "version": plugin.version, "fault": self.fault}


def plugin_list() -> tuple[Listed, ...]:
    """Everything, by kind and name; what fails to load is told and ends nothing."""
    return tuple(Listed(plugin, _fault(plugin, often)) for kind in plugins.KINDS for plugin, often in _counted(kind))


def _counted(kind: plugins.Kind) -> Iterator[tuple[plugins.Plugin, int]]:
    plugins_of_kind = plugins.installed(kind)
    often = Counter(plugin.name for plugin in plugins_of_kind)
    yield from ((plugin, often[plugin.name]) for plugin in plugins_of_kind)


def _fault(plugin: plugins.Plugin, often: int) -> str:
    ours: dict[plugins.Kind, tuple[str, ...]] = {
        "stages": tuple(STAGES),
        "rules": (*NAMES, *RECORD_SETS),
        "formats": (*layout_names(ours=True), *WRITTEN_LAYOUTS),
        "models": tuple(KINDS),
    }
    if plugin.name in ours[plugin.kind]:
        return f"the name '{plugin.name}' is taken by selfinstruct itself: write {plugin.where}"
    if often > 1:
        return f"another package gives the name '{plugin.name}', too: write {plugin.where}"
    try:
        if plugin.kind == "stages":
            stage_class(plugin.name, "")
        elif plugin.kind == "formats":
            plugin_format(plugin.name, "")
        elif not callable(plugin.load()):
            return f"{plugin.where} cannot be called"
    except BadInput as fault:
        return fault.what
    return ""
