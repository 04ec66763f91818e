"""One idea, one word: a class is called as no other is."""

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "selfinstruct"


def classes_of(module: Path) -> Iterable[str]:
    """Public classes at the top of a module."""
    body = ast.parse(module.read_text(encoding="utf-8")).body
    return (node.name for node in body if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))


def several(places: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Of (class, module), the names that stand in more than one module."""
    named: dict[str, list[str]] = defaultdict(list)
    for name, module in places:
        named[name].append(module)
    return {name: modules for name, modules in named.items() if len(modules) > 1}


def test_no_two_modules_call_a_class_by_the_same_name() -> None:
    modules = sorted(PACKAGE.rglob("*.py"))
    assert len(modules) > 100
    assert several((name, str(path.relative_to(PACKAGE))) for path in modules for name in classes_of(path)) == {}


def test_a_name_that_stands_twice_is_seen(tmp_path: Path) -> None:
    for module, text in {"a": "class Line:\n    class Inner: ...", "b": "class Line: ...\nclass _Line: ..."}.items():
        (tmp_path / f"{module}.py").write_text(text, encoding="utf-8")
    places = ((name, path.stem) for path in sorted(tmp_path.glob("*.py")) for name in classes_of(path))
    assert several(places) == {"Line": ["a", "b"]}
