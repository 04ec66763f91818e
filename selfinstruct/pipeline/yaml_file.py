"""YAML as people write it, read strictly: no duplicate keys, no tags, no bombs, and every value knows its line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from selfinstruct.errors import BadInput

_BYTES_AT_MOST = 1 << 20
_ALIASES_AT_MOST = 64  # aliases of aliases grow exponentially
_DEPTH_AT_MOST = 32

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The values of a YAML file and the line each key stands on."""

    name: str
    value: Any
    lines: dict[Path_, int]

    def place(self, path: Path_ = ()) -> str:
        """`file:line` of the nearest key that exists."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"


def read_yaml(path: Path) -> YamlFile:
    """Read a file; BadInput names the file and the line."""
    try:
        content = path.read_bytes()
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
        lines = dict(_lines(node, (), name)) if node is not None else {}
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
        if depth > _DEPTH_AT_MOST or aliases > _ALIASES_AT_MOST:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise BadInput("nested or aliased too deeply", place=f"{name}:{line}", fix="write it plainly")


def _lines(node: yaml.Node, path: Path_, name: str) -> Iterator[tuple[Path_, int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: dict[Any, int] = {}
        for key_node, value_node in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise BadInput("a key must be a word", place=f"{name}:{line}", fix="name the key")
            if key in seen:
                raise BadInput(f"key '{key}' stands twice", place=f"{name}:{line}", fix=f"see line {seen[key]}")
            seen[key] = line
            yield from _lines(value_node, (*path, key), name)
            yield (*path, key), line
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*path, index), name)
