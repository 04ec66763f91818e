"""What the engine knows of a stage is what the stage declares: no knob is probed by its spelling, no name compared."""

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from selfinstruct.needs import NOTHING, Needs
from selfinstruct.run.recipe.stage_names import STAGES
from selfinstruct.stage import Scope, Stage

PACKAGE = Path(__file__).parents[2] / "selfinstruct"
ENGINE = sorted(path for room in ("run", "cli", "report") for path in (PACKAGE / room).rglob("*.py"))
PROBES = {
    "getattr(module, cmd_name.replace('-', '_'))": "the command of a verb",
    "getattr(stage, field.name)": "every field of a dataclass, by the names that it tells itself",
    "getattr(import_module(f'selfinstruct.{module}'), written)": "the class that our own table names",
    "getattr(event, 'tag', None)": "an event of the YAML library",
    "getattr(stage, knob.name)": "as above, every field of a dataclass",
    "getattr(function, '__name__', '')": "a function, or an object that can be called",
    "getattr(loaded.tokenizer, 'chat_template', None)": "a tokenizer of transformers",
    "getattr(loaded, 'UNSAFE_CODE', False)": "a task of lm-evaluation-harness",
}
NAMES = {
    "self.name == READ": "the engine's own first step, by its folder in a finished run",
    "given['suite'] == 'harness'": "an option of a verb",
    "(text_in(check.get('judge')), text_in(check.get('measure'))) not in known": "a row of a file",
    "'classify' in later": "a verb writes a recipe",
    "line.get('suite') == 'user_oriented'": "a row of a file",
    "row.get('measure') == 'user_oriented'": "a row of a file",
}
FOLDER = re.compile(rf"(.*/)?([0-9]+|\*)-({'|'.join((*STAGES, 'read'))})(/.*)?")
"""A stage's folder, or a pattern of such, which is found by the name of the stage."""
OF_STAGE = re.compile(r"(.*\.)?stage\.name|(measure|station|line)\.stage")
"""Attributes that hold a stage's name."""
KNOBS: dict[str, dict[str, Any]] = {
    "semantic": {"embedder": "x"},
    "select": {"how": "top", "count": 1},
    "verify": {"model": "teacher"},
    "simplify": {"model": "teacher"},
    "train_judge": {"labelled": "tone-v2", "backend": "probe"},
    "decontaminate": {"against": ("ifs-v1",)},
    "answer_set": {"gold": "gold.jsonl"},
    "knowledge": {"facts": "facts-v2"},
    "trace": {"responses": "said.jsonl", "base": "base", "tuned": "tuned", "judge_model": "judge"},
    "forget": {"ids": ("3f9a2c81",)},
    "judge_answers": {"judge": "judge", "likelihood": "likely"},
}
"""Such as bring up everything that a stage may need; of the others the defaults do."""
GIVEN: dict[str, Callable[[Needs], bool]] = {
    "models": lambda needs: bool(needs.models),
    "scorers": lambda needs: bool(needs.scorer),
    "judges": lambda needs: needs.judge is not None,
    "weights": lambda needs: bool(needs.base),
    "ask_loaded": lambda needs: needs.checks is not None,
    "hidden_states": lambda needs: needs.hidden_states,
    "benchmarks": lambda needs: bool(needs.sets),
    "before": lambda needs: needs.reads_before,
    "ancestors": lambda needs: needs.lineage,
}
"""What the bench has for a stage that declared it."""


def compared(node: ast.Compare) -> bool:
    """Whether a stage's name is held against something, or something against the name of a stage."""
    sides = (node.left, *node.comparators)
    words = {node.value for side in sides for node in ast.walk(side) if isinstance(node, ast.Constant)}
    named = {node.id for side in sides for node in ast.walk(side) if isinstance(node, ast.Name)}
    of_stage = any(isinstance(side, ast.Attribute) and OF_STAGE.fullmatch(ast.unparse(side)) for side in sides)
    return of_stage or bool(words & {*STAGES, "read"}) or "READ" in named


def measure_looked_up(node: ast.AST) -> bool:
    """Whether a measure is asked for by the name of a stage, written out: its name is one of those in `needs`."""
    if isinstance(node, ast.Subscript):
        place, keys = node.value, [node.slice]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        place, keys = node.func.value, node.args
    else:
        return False
    return "measure" in ast.unparse(place) and any(
        isinstance(key, ast.Constant) and key.value in STAGES for key in keys
    )


def suspects(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Every probe, comparison of a name and folder of a stage, as it is written, and whether it may be."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"getattr", "hasattr"}:
            yield ast.unparse(node), ast.unparse(node) in PROBES
        if isinstance(node, ast.Compare) and compared(node):
            yield ast.unparse(node), ast.unparse(node) in NAMES
        if measure_looked_up(node):
            yield ast.unparse(node), False
        if isinstance(node, ast.Constant) and FOLDER.fullmatch(str(node.value)):
            yield ast.unparse(node), ast.unparse(node) in NAMES


@pytest.mark.parametrize("module", ENGINE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_engine_probes_no_stage_and_compares_no_name_of_one(module: Path) -> None:
    assert [what for what, allowed in suspects(ast.parse(module.read_text(encoding="utf-8"))) if not allowed] == []


@pytest.mark.parametrize(
    "line",
    [
        "getattr(stage, 'model', '')",
        "hasattr(stage, 'stop')",
        "stage.name == FEEDBACK",
        "one.name in ('score', 'suite')",
        "part.glob('*-novelty')",
        "part.glob('stages*/*-novelty/DONE')",
        "measure.stage == tuned",
        "measure.stage != 'feedback'",
        "'topic' in measured['x']",
        "{measure.name: measure.value for measure in story.measured}.get('split')",
        "result.measured['split']",
    ],
)
def test_a_probe_or_a_comparison_is_seen(line: str) -> None:
    assert [allowed for _, allowed in suspects(ast.parse(line))] == [False]


def test_what_is_allowed_is_still_there() -> None:
    there = {what for module in ENGINE for what, _ in suspects(ast.parse(module.read_text(encoding="utf-8")))}
    assert {*PROBES, *NAMES} - there == set()


def used(stage: type[Stage]) -> set[str]:
    """What a stage's module, and those of its room that it imports, take from a bench."""
    own = ast.parse(inspect.getsource(sys.modules[stage.__module__]))
    room = ".".join(stage.__module__.split(".")[:2])
    others = [node.module for node in own.body if isinstance(node, ast.ImportFrom) and node.module]
    trees = [
        own,
        *(ast.parse(inspect.getsource(sys.modules[other])) for other in others if other.startswith(f"{room}.")),
    ]
    return {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "bench"
    } & set(GIVEN)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_declares_what_it_takes_from_its_bench_and_takes_what_it_declares(name: str) -> None:
    stage: Any = STAGES[name]
    needs: Needs = stage(**KNOBS.get(name, {})).needs
    declared = {ability for ability, wanted in GIVEN.items() if wanted(needs)}
    assert used(stage) == declared


@pytest.mark.parametrize("name", STAGES)
def test_the_knob_into_which_a_judge_is_written_is_one_of_the_stage(name: str) -> None:
    made: Any = STAGES[name](**KNOBS.get(name, {}))
    judge = made.needs.judge
    if judge is not None:
        assert replace(made, **{judge.knob: "mine"}).needs.judge.named == "mine"


def test_a_stage_of_ones_own_needs_nothing_unless_it_says_so() -> None:
    class Mine(Stage):
        name: ClassVar[str] = "mine"
        version: ClassVar[int] = 1
        scope: ClassVar[Scope] = "record"

        def __call__(self, records: Any, bench: Any) -> Any:
            raise NotImplementedError

    assert Mine().needs == NOTHING


def test_a_role_is_named_once() -> None:
    assert Needs(models=("a", "b", "a")).models == ("a", "b")
