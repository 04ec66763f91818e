"""No module reaches itself by its imports: neither when it is loaded, nor inside functions, nor for types alone."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "selfinstruct"


def name_of(module: Path, home: Path) -> str:
    """As it is imported."""
    parts = module.relative_to(home).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(text: str) -> Iterator[str]:
    """Every module that a source names in an import, and every name that it takes out of one."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def imports(home: Path, package: str = "room") -> dict[str, set[str]]:
    """Of each module of a package, which others it imports, wherever the line stands."""
    texts = {name_of(path, home): path.read_text(encoding="utf-8") for path in (home / package).rglob("*.py")}
    graph: dict[str, set[str]] = {}
    for name, text in texts.items():
        wanted = (module if module in texts else module.rpartition(".")[0] for module in imported(text))
        graph[name] = {module for module in wanted if module in texts and module != name}
    return graph


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The modules of one circle, in order; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_there_is_no_import_circle() -> None:
    graph = imports(PACKAGE.parent, PACKAGE.name)
    assert len(graph) > 100
    assert circle(graph) == []


@pytest.mark.parametrize(
    "back",
    [
        "from room.a import A\n",
        "import room.a\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from room.a import A\n",
        "def late():\n    from room import a\n",
    ],
)
def test_a_circle_is_seen_wherever_its_import_stands(tmp_path: Path, back: str) -> None:
    (tmp_path / "room").mkdir()
    for name, text in {"__init__": "", "a": "from room.b import B\n", "b": back}.items():
        (tmp_path / "room" / f"{name}.py").write_text(text, encoding="utf-8")
    assert set(circle(imports(tmp_path))) == {"room.a", "room.b"}


def test_a_front_door_that_names_its_rooms_is_none_as_long_as_no_room_goes_through_it(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    for name, text in {"__init__": "from room.a import A\n", "a": "from room.b import B\n", "b": ""}.items():
        (tmp_path / "room" / f"{name}.py").write_text(text, encoding="utf-8")
    assert circle(imports(tmp_path)) == []
