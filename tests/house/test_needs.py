"""What the engine knows of a stage is what the stage declares: no knob is probed by its spelling, no name compared."""

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from selfinstruct.needs import NOTHING, Needs
from selfinstruct.run.recipe.stage_names import STAGES
from selfinstruct.stage import Bench, Scope, Stage

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
ELSEWHERE = sorted({*PACKAGE.rglob("*.py")} - {*ENGINE})
FOREIGN: dict[str, tuple[str, ...]] = {
    "a call of the system, which not every system has": ("getattr(os, 'pread', sought)",),
    "a model of transformers, which has what its kind has": (
        "getattr(model, 'generation_config', None)",
        "getattr(getattr(model, 'generation_config', None), 'eos_token_id', None)",
        "getattr(loaded.model, 'name_or_path', '')",
        "getattr(model, model.base_model_prefix, None)",
        "getattr(model, 'is_loaded_in_4bit', False)",
        "getattr(module, 'is_causal', True)",
        "getattr(output, 'past_key_values', None)",
    ),
    "its settings, which each architecture names otherwise": (
        "getattr(settings, name, None)",
        "getattr(self._model.config, name, None)",
        "getattr(model.config.get_text_config(), 'max_position_embeddings', None)",
        "getattr(model.config, 'max_position_embeddings', None)",
        "getattr(model.config, 'n_positions', None)",
        "getattr(settings, 'max_position_embeddings', None)",
        "getattr(settings, 'num_key_value_heads', None)",
        "getattr(settings, 'head_dim', None)",
        "getattr(model.config, 'tie_word_embeddings', False)",
        "getattr(loaded.model.config, 'is_encoder_decoder', False)",
        "getattr(config, 'is_encoder_decoder', False)",
        "getattr(config, 'architectures', None)",
    ),
    "a tokenizer or a processor of transformers": (
        "getattr(tokenizer, 'chat_template', None)",
        "getattr(loaded.tokenizer, 'chat_template', None)",
        "getattr(processor, 'tokenizer', processor)",
    ),
    "a model that peft has wrapped, or has not": (
        "hasattr(model, 'disable_adapter')",
        "hasattr(loaded.model, 'disable_adapter')",
        "hasattr(model, 'peft_config')",
        "getattr(model, 'peft_config', {})",
        "hasattr(model, 'get_base_model')",
        "getattr(model, 'get_base_model', None)",
        "getattr(model, 'active_peft_config', None)",
        "getattr(getattr(model, 'active_peft_config', None), 'is_prompt_learning', False)",
        "hasattr(head, 'lora_A')",
        "hasattr(words, 'lora_A')",
        "getattr(head, 'base_layer', head)",
        "getattr(words, 'base_layer', words)",
    ),
    "a layer, a weight or an optimiser of torch": (
        "hasattr(part, 'weight')",
        "hasattr(words, 'sparse')",
        "hasattr(weight, 'quant_state')",
        "getattr(kwargs.get('optimizer'), 'param_groups', ())",
    ),
    "a library whose versions differ": (
        "getattr(torch.cpu, 'get_capabilities', None)",
        "hasattr(transformers, 'GgufConfig')",
        "getattr(reader, 'tqdm', None)",
        "getattr(json.encoder, 'c_make_encoder', None)",
    ),
    "an operating system that has it, or has not": (
        "getattr(os, 'O_NOFOLLOW', 0)",
        "getattr(os, 'O_CLOEXEC', 0)",
        "getattr(os, 'O_BINARY', 0)",
        "hasattr(os, 'getloadavg')",
        "hasattr(os, 'sched_getaffinity')",
    ),
    "an error of Python or a library, one class of which has it": (
        "getattr(fault, 'strerror', None)",
        "getattr(fault, 'problem_mark', None)",
        "getattr(fault, 'sqlite_errorcode', 0)",
    ),
    "prices of genai-prices, a kind for each way to count": (
        "getattr(rates, 'input_mtok', None)",
        "getattr(rates, 'output_mtok', None)",
        "getattr(rate, 'tiers', ())",
    ),
    "a function, a class or a type hint of whoever calls": (
        "hasattr(plain, '__wrapped__')",
        "getattr(option, '__name__', str(option))",
        "getattr(option, '_is_protocol', False)",
        "hasattr(thing, '__qualname__')",
        "getattr(named, '__qualname__', '')",
        "getattr(thing, '__module__', '')",
        "getattr(reached, name, None)",
    ),
}
"""Probes outside of the engine, by the object that is probed: none of these is ours."""
OPTIONAL = {
    "Splitting": "a backend, which may be of another package: one that never splits a request need not say so",
    "Hosted": "the same: one that runs in this process has no address",
}
"""Protocols that are looked for at run time."""
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


def probes(tree: ast.AST) -> Iterator[str]:
    """What is asked whether it has something; `getattr` without a default fails where it has not, and is none."""
    for node in ast.walk(tree):
        asked = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if isinstance(node, ast.Call) and (asked == "hasattr" or (asked == "getattr" and len(node.args) == 3)):
            yield ast.unparse(node)


def looked_for(tree: ast.AST) -> Iterator[str]:
    """Protocols that `isinstance` may be asked about."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any("runtime_checkable" in ast.unparse(by) for by in node.decorator_list):
            yield node.name


def test_nobody_else_probes_an_object_of_ours_and_what_is_probed_is_still_there() -> None:
    trees = {path.relative_to(PACKAGE): ast.parse(path.read_text(encoding="utf-8")) for path in ELSEWHERE}
    allowed = {what for each in FOREIGN.values() for what in each}
    assert len(allowed) == sum(map(len, FOREIGN.values()))
    strange = [(path, what) for path, tree in trees.items() for what in probes(tree) if what not in allowed]
    assert strange == []
    assert allowed - {what for tree in trees.values() for what in probes(tree)} == set()
    every = [*trees.values(), *(ast.parse(path.read_text(encoding="utf-8")) for path in ENGINE)]
    assert {name for tree in every for name in looked_for(tree)} == {*OPTIONAL}


@pytest.mark.parametrize(
    "text",
    [
        "getattr(measure, 'judge', None)",
        "hasattr(judge, 'confusion')",
        "@runtime_checkable\nclass Knows(Protocol): ...",
    ],
)
def test_a_probe_anywhere_is_seen(text: str) -> None:
    assert [*probes(ast.parse(text)), *looked_for(ast.parse(text))] != []
    assert list(probes(ast.parse("getattr(self, knob)"))) == []


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


def read_of(holder: str, modules: Iterable[Path]) -> set[str]:
    """What modules read of something by that name, or of an attribute of that name."""
    nodes = (node for path in modules for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    read = (node for node in nodes if isinstance(node, ast.Attribute))
    return {node.attr for node in read if re.fullmatch(rf"(.*\.)?{holder}", ast.unparse(node.value))}


def test_nothing_is_on_the_bench_that_no_stage_takes_and_nothing_is_declared_that_nobody_reads() -> None:
    ours = {Path(inspect.getfile(stage)).parents[0] for stage in STAGES.values()}
    rooms = {room for room in ours for path in [room.relative_to(PACKAGE)] if path.parts[0] not in {"run", "cli"}}
    taken = read_of("bench", (path for room in rooms for path in room.rglob("*.py")))
    through = {"rounds"}  # as `requests` and `first_request` of the bench
    assert {field.name for field in fields(Bench)} - taken - through == set()
    read = read_of("needs?", sorted(PACKAGE.rglob("*.py"))) | read_of("self", [PACKAGE / "needs.py"])
    assert {field.name for field in fields(Needs)} - read == set()


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
