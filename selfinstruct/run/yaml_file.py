"""YAML as people write it, read strictly: no duplicate keys, no tags, no bombs, and every value knows its line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from selfinstruct.bounded_read import regular
from selfinstruct.errors import BadInput
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
        return self.name if self.name in (COMMAND_LINE, PYTHON) else f"{self.name}:{self.lines.get(path, 1)}"


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
