"""YAML as people write it, read strictly: where each value stands, `--set` words, and files named beside the recipe."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from selfinstruct.bounded_read import regular
from selfinstruct.errors import BadInput
from selfinstruct.formats.input_files import there
from selfinstruct.store.run_folder import MARK
from selfinstruct.text import shown

_BYTES_AT_MOST = 1 << 20
_ALIASES_AT_MOST = 64
_DEPTH_AT_MOST = 32
_VALUES_AT_MOST = 100_000  # aliases of aliases grow exponentially
_DIGITS_AT_MOST = 40  # of a number
Path_ = tuple[str | int, ...]
COMMAND_LINE = "the command line"
"""Name of the recipe that a verb stands for: nobody wrote it, nobody can look up its lines."""
PYTHON = "the recipe"
"""Name of one that is made in Python: as above."""
GENERATE_SET = "generate_set"
"""Name of the one that this function stands for: as above."""
_KNOBS = frozenset(
    {
        "against",
        "held_out_seeds",
        "gold",
        "prompts",
        "questions",
        "labelled",
        "judge",
        "encoder",
        "ifeval",
        "superni",
        "user_oriented",
    }
)  # of stages
_OURS = frozenset(
    {
        "builtin",
        "embedded",
        "gemma",
        "judge",
        "ifs-v1",
        "ifs-v2",
        "ifs-v2-linear",
        "objecqa-v1",
        "tone-v1",
        "tone-v2",
        "ifeval-v1",
        "user-v1",
        "superni-v1",
    }
)
"""Names that stand for what is shipped or built, also where a file is called so."""
_KINDS = frozenset({"gguf", "hf", "replay", "scripted"})  # of models, with a path after the colon


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The values of a YAML file and the line each key stands on."""

    name: str
    value: Any
    lines: dict[Path_, int]

    def place(self, path: Path_ = ()) -> str:
        """`file:line` of the nearest key that exists; what was typed has no lines."""
        while path and path not in self.lines:
            path = path[:-1]
        typed = self.name in (COMMAND_LINE, PYTHON, GENERATE_SET)
        return self.name if typed else f"{self.name}:{self.lines.get(path, 1)}"


def read_yaml(path: Path) -> YamlFile:
    """Read a file; BadInput names the file and the line."""
    regular(path)
    try:
        with path.open("rb") as file:
            content = file.read(_BYTES_AT_MOST + 1)
    except OSError as fault:
        raise BadInput(fault.strerror or str(fault), place=str(path), fix="check the path") from fault
    return parse_yaml(content, str(path))


def parse_yaml(content: bytes, name: str) -> YamlFile:
    """Read bytes; `name` is what errors call them."""
    if len(content) > _BYTES_AT_MOST:
        raise BadInput(f"larger than {_BYTES_AT_MOST} bytes", place=name, fix="is this a recipe?")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content[: fault.start].count(b"\n") + 1
        raise BadInput("not UTF-8", place=f"{name}:{line}", fix="save the file as UTF-8") from fault
    try:
        _check_events(text, name)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = _lines(node, name)
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        raise BadInput(fault.problem or "not YAML", place=f"{name}:{line}", fix="correct the YAML there") from fault
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, AttributeError, KeyError) as fault:
        reason = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        raise BadInput(f"not YAML ({reason})", place=name, fix="correct it") from fault
    return YamlFile(name, value, lines)


def _check_events(text: str, name: str) -> None:
    depth = aliases = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        place = f"{name}:{event.start_mark.line + 1 if event.start_mark else 1}"
        if depth > _DEPTH_AT_MOST or aliases > _ALIASES_AT_MOST:
            raise BadInput("nested or aliased too deeply", place=place, fix="write it plainly")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise BadInput(f"tag '{shown(tag, 40)}'", place=place, fix="remove it: a recipe has no tags")


def _lines(root: yaml.Node | None, name: str) -> dict[Path_, int]:
    """The line of every key and item, aliases followed; BadInput where that grows beyond all use."""
    lines: dict[Path_, int] = {}
    for path, line in () if root is None else _walk(root, (), name):
        lines[path] = line
        if len(lines) > _VALUES_AT_MOST:
            raise BadInput(f"more than {_VALUES_AT_MOST} values", place=f"{name}:{line}", fix="write it plainly")
    return lines


def _walk(node: yaml.Node, path: Path_, name: str) -> Iterator[tuple[Path_, int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: dict[Any, int] = {}
        for key_node, value_node in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise BadInput("a key must be a word", place=f"{name}:{line}", fix="name the key")
            _check_scalar(key_node, name)
            if key in seen:
                raise BadInput(f"key '{shown(key)}' stands twice", place=f"{name}:{line}", fix=f"see line {seen[key]}")
            seen[key] = line
            yield from _walk(value_node, (*path, key), name)
            yield (*path, key), line
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*path, index), name)
    elif isinstance(node, yaml.ScalarNode):
        _check_scalar(node, name)


def _check_scalar(node: yaml.ScalarNode, name: str) -> None:
    """BadInput for a value that nothing later could hold."""
    place = f"{name}:{node.start_mark.line + 1}"
    if node.tag == "tag:yaml.org,2002:int" and len(node.value) > _DIGITS_AT_MOST:
        raise BadInput(f"a number of {len(node.value)} digits", place=place, fix="write a smaller one")
    check_text(node.value, place)


def check_text(text: str, place: str) -> None:
    """BadInput for text that no file name and no UTF-8 file can hold."""
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text):
        raise BadInput("holds a null or half a character", place=place, fix="write it as plain text")


def with_changes(value: Mapping[str, Any], changes: Sequence[str], keys: Container[str]) -> dict[str, Any]:
    """A copy of the recipe with `--set` words such as `novelty.rouge_l_below=0.6` applied; `keys`: those at the top.

    Where a stage stands more than once, `dev.score.first=20` means the one with the label `dev`, and `score.first=20`
    the one that has none.
    """
    changed = dict(value)
    for word in changes:
        check_text(word, "--set")
        path, equals, text = word.partition("=")
        if not equals or not path:
            raise BadInput(f"'{shown(word)}'", place="--set", fix="write stage.knob=value or key=value")
        _change(changed, path, _given(text), keys)
    return changed


def _given(text: str) -> object:
    """The value of a `--set` word: YAML, or the words as they stand where they are no YAML."""
    try:
        return parse_yaml(text.encode(), "--set").value
    except BadInput:
        return text


def _change(recipe: dict[str, Any], path: str, given: object, keys: Container[str]) -> None:
    head, _, rest = path.partition(".")
    if not rest:
        recipe[head] = given
        return
    place = f"--set {shown(path)}"
    there: list[str] = []
    for part in ("rounds", "stages"):
        steps = recipe.get(part)
        if not isinstance(steps, list):
            continue
        names = [_named(step) for step in steps]
        meant = _meant(names, path, place)
        if meant is not None:
            recipe[part] = [*steps[: meant.at], _changed(steps[meant.at], meant, given, place), *steps[meant.at + 1 :]]
            return
        there += [name.words for name in names]
    if head in keys and head not in {"rounds", "stages"}:
        old = recipe.get(head)
        before = old if isinstance(old, Mapping) else {}
        name, _, key = rest.partition(".")
        inner = before.get(name) if key else None
        recipe[head] = {**before, **({name: {**inner, key: given}} if isinstance(inner, Mapping) else {rest: given})}
        return
    raise BadInput(
        f"no stage '{shown(head)}' in this recipe", place=place, fix="stages: " + shown(", ".join(there), 200)
    )


@dataclass(frozen=True, slots=True)
class _Named:
    """A stage as a word may name it: `score`, or `dev.score` where it has a label."""

    stage: str
    label: str

    @property
    def called(self) -> str:
        """In one word: of a dotted path what stands after its colon."""
        return self.stage.rpartition(":")[2]

    @property
    def words(self) -> str:
        return f"{self.label}.{self.called}" if self.label else self.called


@dataclass(frozen=True, slots=True)
class _Meant:
    """Where in the list, and which knob."""

    at: int
    stage: str
    knob: str


def _named(step: object) -> _Named:
    if not isinstance(step, Mapping):
        return _Named(str(step), "")
    stage = next(iter(step), None)
    knobs = step.get(stage)
    label = knobs.get("label") if isinstance(knobs, Mapping) else None
    return _Named(str(stage), label if isinstance(label, str) else "")


def _meant(names: Sequence[_Named], path: str, place: str) -> _Meant | None:
    """The stage that a path begins with; of several that are called so, the one without a label."""
    first, _, rest = path.partition(".")
    second, _, knob = rest.partition(".")
    labelled = [at for at, name in enumerate(names) if knob and (name.label, name.called) == (first, second)]
    if len(labelled) == 1:
        return _Meant(labelled[0], names[labelled[0]].stage, knob)
    called = [at for at, name in enumerate(names) if name.called == first]
    plain = [at for at in called if not names[at].label]
    matching = called if len(called) == 1 else plain
    if len(matching) == 1:
        return _Meant(matching[0], names[matching[0]].stage, rest)
    if not called and not labelled:
        return None
    known = ", ".join(dict.fromkeys(names[at].words for at in called or labelled))
    what, fix = f"several stages are called so: {shown(known)}", "write LABEL.STAGE.KNOB=VALUE, or change the recipe"
    raise BadInput(what, place=place, fix=fix)


def _changed(step: object, meant: _Meant, given: object, place: str) -> dict[str, Any]:
    whole = step if isinstance(step, Mapping) else {meant.stage: None}
    old = whole.get(meant.stage)
    if old is not None and not isinstance(old, Mapping):
        raise BadInput(f"stage '{shown(meant.stage)}' has no knobs to change", place=place, fix="correct the recipe")
    return {**whole, meant.stage: {**(old or {}), meant.knob: given}}


def found_beside(recipe: Mapping[str, Any], file: str) -> dict[str, Any]:
    """The recipe, with the paths of what lies beside its file; `file` is its name."""
    folder = _folder(file)
    if folder is None:
        return dict(recipe)
    return {key: _value(key, value, folder) for key, value in recipe.items()}


def word_beside(word: str, file: str) -> str:
    """The same for a change that a recipe holds itself, as one of its `arms`: `seeds=mine.jsonl`."""
    folder, (path, equals, text) = _folder(file), word.partition("=")
    knob = path.rpartition(".")[2]
    if folder is None or not equals or not (knob in _KNOBS or path in {"seeds", "inputs", "limits.prices"}):
        return word
    try:
        given = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):  # `resolve` says what is wrong with it
        return word
    placed = _place(given, folder)
    return word if placed == given else f"{path}={yaml.safe_dump(placed, default_flow_style=True, width=10**9).strip()}"


def _folder(file: str) -> Path | None:
    """Where the recipe lies; None where its names are of the working directory: it is here, or is that of a run."""
    folder = Path(file).parent
    return None if folder == Path() or (folder / MARK).exists() else folder


def _value(key: str, value: object, folder: Path) -> object:
    if key in {"seeds", "inputs"}:
        return _place(value, folder)
    if key == "models" and isinstance(value, dict):
        return {role: _model(spec, folder) for role, spec in value.items()}
    if key == "limits" and isinstance(value, dict):
        return {name: _place(item, folder) if name == "prices" else item for name, item in value.items()}
    if key in {"rounds", "stages"} and isinstance(value, list | tuple):
        return [_step(step, folder) for step in value]
    return value


def _step(step: object, folder: Path) -> object:
    if not isinstance(step, dict):
        return step
    return {
        name: {knob: _place(value, folder) if knob in _KNOBS else value for knob, value in knobs.items()}
        if isinstance(knobs, dict)
        else knobs
        for name, knobs in step.items()
    }


def _place(given: object, folder: Path) -> object:
    if isinstance(given, list | tuple):
        return [_place(item, folder) for item in given]
    if isinstance(given, dict):
        return {key: _place(item, folder) if key == "path" else item for key, item in given.items()}
    return str(folder / given) if isinstance(given, str) and _lies(folder, given) else given


def _model(spec: object, folder: Path) -> object:
    """A model's spec, or the mapping that one may be."""
    if isinstance(spec, dict):
        return {key: _place(value, folder) if key in _KINDS else value for key, value in spec.items()}
    if not isinstance(spec, str):
        return spec
    kind, colon, name = spec.partition(":")
    if not colon:
        return _place(spec, folder)
    return f"{kind}:{folder / name}" if kind in _KINDS and _lies(folder, name) else spec


def _lies(folder: Path, given: str) -> bool:
    """Whether a file or folder of that name lies beside the recipe; `NAME#SPLIT` is a part of NAME."""
    if given in _OURS or not given or Path(given).is_absolute():
        return False
    return there(str(folder / given))
