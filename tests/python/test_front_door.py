"""The Python front door: the same engine, the same bytes, and what only Python can hand over."""

import ast
import filecmp
import inspect
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import selfinstruct as si
from selfinstruct import plugins
from selfinstruct.errors import BadInput
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.keys import RecipeKeys as Keys
from selfinstruct.run.recipe.python_recipe import Step
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.stage_names import STAGES
from selfinstruct.run.recipe.yaml_file import read_yaml
from selfinstruct.run.run_reader import RunScore
from tests.cli.typed import command, lines
from tests.python.rules_of_mine import Shorter, even, no_poems, raises

HOME = Path(__file__).parents[2]
MINE = "tests.python.rules_of_mine"
ROWS = (
    {"instruction": "Name a river in Spain.", "input": "", "output": "The Ebro."},
    {"instruction": "Name a river in spain.", "input": "", "output": "The Tagus."},
    {"instruction": "Write a poem on rain.", "input": "", "output": "Rain falls, and falls."},
    {"instruction": "Name the three <b>cheeses</b> that the north is known for.", "input": "", "output": "Brie & co."},
    {"instruction": "", "input": "", "output": "Nothing was asked."},
)
PUBLISHED = ("kept.jsonl", "rejected.jsonl", "failed.jsonl", "recipe.yaml", "report.html", "dataset/README.md")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


def same(one: Path, other: Path) -> None:
    _, different, missing = filecmp.cmpfiles(one, other, PUBLISHED, shallow=False)
    assert (different, missing) == ([], [])


def test_python_and_yaml_make_the_same_bytes(rows: Path, tmp_path: Path) -> None:
    stages: list[Step] = [si.Rules(["curate"]), si.Exact(over="record"), si.NearDuplicates(jaccard=0.7), "diversity"]
    run = si.Recipe(name="mine", inputs=[rows], stages=stages).run(tmp_path / "python")
    recipe = tmp_path / "recipe.yaml"
    steps = ["rules", {"exact": {"over": "record"}}, {"near": {"jaccard": 0.7}}, "diversity"]
    recipe.write_text(yaml.safe_dump({"name": "mine", "inputs": [str(rows)], "stages": steps}), encoding="utf-8")
    assert command("run", recipe, "-o", tmp_path / "yaml").returncode == 0
    same(run.folder, tmp_path / "yaml")
    assert si.Recipe.read(recipe).as_yaml() == run.recipe == si.Recipe.read(run.folder / "recipe.yaml").as_yaml()


def test_generate_set_is_the_verb(tmp_path: Path) -> None:
    run = si.generate_set(model="scripted:smoke", count=3, folder=tmp_path / "python")
    assert command("generate", "--model", "scripted:smoke", "--count", 3, "-o", tmp_path / "verb").returncode == 0
    same(run.folder, tmp_path / "verb")
    assert (len(run.kept), run.reason, run.finished) == (3, "target", True)
    assert run.cost.requests > 0
    assert f"{run.cost.requests} requests = {run.cost.requests - run.cost.failed} answered" in run.report.read_text()
    assert run.cost.dollars == 0 or run.cost.dollars is None


def test_what_the_recipe_says_for_all_stages_holds_for_stage_objects_too() -> None:
    models = {"teacher": "scripted:smoke"}
    recipe = si.Recipe(topic="a boatyard", models=models, rounds=[si.Propose(), si.StayOnTopic(), si.Novelty()])
    written = yaml.safe_load(recipe.as_yaml())
    assert written["rounds"][0]["propose"]["topic"] == written["rounds"][1]["topic"]["topic"] == "a boatyard"


def test_every_key_has_the_default_that_yaml_gives_it() -> None:
    given = {name: parameter.default for name, parameter in inspect.signature(si.Recipe).parameters.items()}
    keys = {name: field.get_default(call_default_factory=True) for name, field in Keys.model_fields.items()}
    assert {*keys} - {*given} == {"arms", "code"}
    expected = {name: keys[name] for name in given} | {"name": "recipe", "models": None, "seeds_columns": None}
    assert given == expected


def test_a_function_of_a_module_is_written_down_with_the_hash_of_its_source(rows: Path, tmp_path: Path) -> None:
    recipe = si.Recipe(inputs=[rows], stages=[si.Rules(["curate", no_poems]), Shorter(than=50), even])
    run = recipe.run(tmp_path / "run")
    assert run.rejected.by_reason == {"long": 1, "no_instruction": 1, f"{MINE}:no_poems": 1, "odd": 1}
    written = yaml.safe_load(run.recipe)
    assert written["stages"][0]["rules"]["rules"] == ["curate", f"{MINE}:no_poems"]
    assert written["stages"][1:] == [{f"{MINE}:Shorter": {"than": 50}}, {f"{MINE}:even": {}}]
    assert [*written["code"]] == [f"{MINE}:{name}" for name in ("no_poems", "Shorter", "even")]
    assert {len(mark) for mark in written["code"].values()} == {64}
    again = execute(resolve(read_yaml(run.folder / "recipe.yaml")), Options(folder=tmp_path / "again"))
    same(run.folder, again.folder)


def test_another_source_is_another_run(rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def recipe() -> si.Recipe:
        return si.Recipe(inputs=[rows], stages=[si.Rules([no_poems])])

    first = recipe().run(tmp_path / "run")
    kept = (first.folder / "kept.jsonl").read_bytes()
    assert recipe().run(tmp_path / "run").kept[0] == first.kept[0]
    monkeypatch.setattr(inspect, "getsource", lambda _thing: "def no_poems(task): ...")
    says = "the source of rule or stage 'tests.python.rules_of_mine:no_poems' was changed after it had begun; "
    says += "put the source back as it was, choose another folder, or fresh=True to make it again"
    with pytest.raises(si.BadInput, match=re.escape(says)) as error:
        recipe().run(tmp_path / "run")
    assert not re.search("[0-9a-f]{16}", str(error.value).replace(str(tmp_path), ""))
    with pytest.raises(si.BadInput, match=r"the source of 'tests\.python\.rules_of_mine:no_poems' is another"):
        si.Recipe.read(first.folder / "recipe.yaml")
    assert (first.folder / "kept.jsonl").read_bytes() == kept


def test_a_lambda_works_and_cannot_be_resumed(
    rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "_handed", {})
    no_rain: Any = lambda task: "rain" in task.instruction  # noqa: E731 - it is what is tested

    def recipe() -> si.Recipe:
        return si.Recipe(inputs=[rows], stages=[si.Rules([no_rain]), si.Exact()])

    run = recipe().run(tmp_path / "run", workers=4)
    assert run.rejected.because(f"{__name__}:{_LAMBDA}")[0].record.as_json()["instruction"] == "Write a poem on rain."
    [line] = [line for line in capsys.readouterr().err.splitlines() if "resumed" in line]
    assert line == f"this run cannot be resumed: nothing can find {__name__}:{_LAMBDA} again"
    with pytest.raises(si.BadInput, match="cannot be resumed"):
        recipe().run(tmp_path / "run")
    assert len(recipe().run(tmp_path / "run", fresh=True).kept) == len(run.kept)
    assert len(si.load_run(tmp_path / "run").kept) == len(si.Run(str(tmp_path / "run")).kept) == 2
    with pytest.raises(si.BadInput, match="nowhere"):
        si.Run(tmp_path / "nowhere")
    monkeypatch.setattr(plugins, "_handed", {})  # as in another process
    with pytest.raises(si.BadInput, match="is a lambda or inside a function, and nothing can find it again"):
        si.Recipe.read(tmp_path / "run" / "recipe.yaml")


_LAMBDA = "test_a_lambda_works_and_cannot_be_resumed.<locals>.<lambda>"

KILLED = """
import os, signal, sys
import selfinstruct as si
from selfinstruct.store import failpoints
from tests.python.rules_of_mine import no_poems

left = int(sys.argv[3])

def reached(name):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

failpoints.reached = reached
si.Recipe(inputs=[sys.argv[1]], stages=[si.Rules([no_poems]), si.Exact()]).run(sys.argv[2])
"""


def test_killed_and_run_again_from_python_it_has_the_same_bytes(rows: Path, tmp_path: Path) -> None:
    def run(folder: Path, kill_at: int) -> int:
        words = [sys.executable, "-c", KILLED, str(rows), str(folder), str(kill_at)]
        return subprocess.run(words, cwd=HOME, capture_output=True, timeout=120, check=False).returncode

    assert run(tmp_path / "killed", 9) == -signal.SIGKILL
    stopped = si.load_run(tmp_path / "killed")
    assert (stopped.published, stopped.finished, stopped.reason) == (None, False, "")
    with pytest.raises(si.BadInput, match="nothing is published yet"):
        len(stopped.kept)
    assert isinstance(stopped._repr_html_(), str)
    assert run(tmp_path / "killed", 0) == 0
    si.Recipe(inputs=[rows], stages=[si.Rules([no_poems]), si.Exact()]).run(tmp_path / "whole")
    same(tmp_path / "whole", tmp_path / "killed")


def test_what_a_run_tells_is_what_its_files_say(rows: Path, tmp_path: Path) -> None:
    run = si.Recipe(inputs=[rows], stages=[si.Rules([no_poems]), si.Exact(), si.Diversity()]).run(tmp_path / "run")
    assert [task.as_json() for task in run.kept] == lines(run.folder / "kept.jsonl")
    assert [run.kept[at] for at in range(-2, 2)] == [*run.kept[-2:], *run.kept[:2]]
    rejections = [(rejection.record.id, rejection.reason, rejection.stage) for rejection in run.rejected]
    assert rejections == [(line["id"], line["reason"], line["stage"]) for line in lines(run.folder / "rejected.jsonl")]
    assert run.rejected.by_reason == {"exact_duplicate": 1, "no_instruction": 1, f"{MINE}:no_poems": 1}
    assert [stage.path for stage in run.stages][1:] == ["stages/02-rules", "stages/03-exact", "stages/04-diversity"]
    assert run.measures["exact"] == {**run.stages[2].result.measured}
    assert len(run.failed) == 0
    life = run.why(run.rejected.because(f"{MINE}:no_poems")[0].record.id[:8])
    assert [station.fate for station in life.stations] == ["kept", "rejected"]
    shown = command("why", life.stations[0].id, run.folder).stdout
    assert shown == f"{life}\n"
    dataset = run.dataset()
    assert dataset["id"][:] == [f"{task.id}/0" for task in run.kept]
    with pytest.raises(si.BadInput, match="no split 'test'"):
        run.dataset("test")
    with pytest.raises(si.BadInput, match="holds no score"):
        run.score  # noqa: B018 - reading it is what is tested
    with pytest.raises(si.BadInput, match="no record 'ffffffff"):
        run.why("ffffffffffff")


def test_a_notebook_is_shown_what_is_there_and_obeys_none_of_it(rows: Path, tmp_path: Path) -> None:
    run = si.Recipe(inputs=[rows], stages=[si.Rules([no_poems]), si.Exact()]).run(tmp_path / "run")
    pages: list[Any] = [
        run,
        run.kept,
        run.rejected,
        run.failed,
        run.stages,
        run.why(run.kept[1].id),
        si.read_set(rows, strict=False),
    ]
    pages += [si.apply(si.Exact(), list(run.kept))]
    html = "".join(page._repr_html_() for page in pages)
    assert "<b>" not in html
    assert "&lt;b&gt;cheeses&lt;/b&gt;" in html
    assert max(len(page._repr_html_()) for page in pages) < 4_000


def test_a_score_read_back_is_the_score_that_was_made() -> None:
    said = [("Name a river in Spain.", "The Ebro is a river in Spain."), ("Name a river in", " Spain or Portugal.")]
    said += [("Name a lake in Peru.", "Titicaca lies between Peru and Bolivia."), ("Name a lake in", " Peru, please.")]
    scored = si.ifs(said, judge="ifs-v2-linear")
    read = RunScore(json.loads(json.dumps(scored.as_json())))
    for name in ("ifs", "ifs_partial", "ifs_full", "ifs_clean", "gap"):
        made, number = getattr(scored, name), getattr(read, name)
        assert (number.value, number.low, number.high) == (made.value, made.low, made.high)
    assert read.judge == scored.setting.judge
    assert "ifs-v2-linear" in read._repr_html_()


def test_a_stage_is_called_alone(rows: Path) -> None:
    tasks = si.read_set(rows, strict=False)
    assert [row.reason for row in tasks.unusable] == ["no_instruction"]
    assert si.apply(si.Exact(), tasks).by_reason == {"exact_duplicate": 1}
    done = si.apply(si.Rules([no_poems]), tasks)
    assert (len(done.kept), done.by_reason) == (3, {f"{MINE}:no_poems": 1})
    assert done.measured["caught"] == {f"{MINE}:no_poems": {"alone": 1, "only": 1, "in_order": 1, "mode": "reject"}}
    asked = si.apply(si.Classify(), tasks, models={"teacher": "scripted:smoke"})
    assert len(asked.kept) + len(asked.rejected) + len(asked.failed) == len(tasks)
    for stage, why in (
        (si.Propose(), "makes records"),
        (si.Classify(), "asks a model 'teacher' that was not given"),
        (si.Difficulty(), "measures or trains weights"),
        (si.Decontaminate(against=("ifs-v1",)), "reads more than its records"),
    ):
        with pytest.raises(si.BadInput, match=why):
            si.apply(stage, tasks)
    with pytest.raises(si.BadInput, match=r"set\.jsonl:5"):
        si.read_set(rows)


def test_a_rule_that_fails_says_on_which_record(rows: Path, tmp_path: Path) -> None:
    with pytest.raises(si.BadInput, match=r"record \w{16}: rule .*rules_of_mine:raises' raised ZeroDivisionError"):
        si.Recipe(inputs=[rows], stages=[si.Rules([raises])]).run(tmp_path / "run")


def test_a_model_is_asked_and_what_it_does_not_answer_is_a_failure(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    answers = [{"contains": "broken", "fail": "server_error"}, {"contains": "silent", "texts": ["  "]}]
    script.write_text(yaml.safe_dump({"answers": [*answers, {"texts": ["The Ebro."]}]}), encoding="utf-8")
    with si.load_model(f"scripted:{script}") as model:
        replies = model.ask(["A river?", "broken", "silent", [si.Message("user", "Another river?")]], temperature=1.0)
        assert [reply if isinstance(reply, str) else reply.kind for reply in replies][::3] == ["The Ebro.", "The Ebro."]
        assert [isinstance(reply, si.Failure) for reply in replies] == [False, True, True, False]
        with pytest.raises(
            si.BadInput,
            match=r"prompts='A river\?', where a list is expected; give a list, such as prompts=\['A river\?'\]",
        ):
            model.ask("A river?")
    with pytest.raises(si.BadInput, match="no model kind 'opnai'"):
        si.load_model("opnai:m")


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"inputs": ["nowhere.jsonl"], "stages": [si.Exact]}, "nowhere.jsonl"),
        ({"inputs": ["a"], "stages": []}, "the recipe: no stages"),
        ({"inputs": ["a"], "stages": [{"exakt": {}}]}, r"the recipe: no stage 'exakt' \(did you mean 'exact'"),
        ({"inputs": ["a"], "stages": [42]}, "stages: 42 is no stage"),
        ({"inputs": ["a"], "stages": ["__main__:mine"]}, "has no 'mine'.*it stood in a script or a notebook"),
        ({"inputs": ["a"], "stages": ["json:nothing"]}, "'json' has no 'nothing'"),
        ({"inputs": ["a"], "stages": ["no.such.module:Stage"]}, "no module 'no'"),
        ({"inputs": ["a"], "stages": ["json:JSONDecoder"]}, "json:JSONDecoder is no dataclass"),
        ({"inputs": ["a"], "stages": [si.Exact], "count": 0}, "the recipe: key 'count'"),
    ],
)
def test_bad_input_is_raised_in_the_words_of_the_command_line(
    keys: dict[str, object], why: str, tmp_path: Path
) -> None:
    with pytest.raises(si.BadInput, match=why):
        si.Recipe(**keys).run(tmp_path / "run")  # type: ignore[arg-type]  # on purpose
    assert not (tmp_path / "run").exists()


def test_a_dry_run_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = si.Recipe.read("smoke").dry_run()
    assert plan[0].stage == "propose"
    assert "nothing was sent" in str(plan)
    assert list(tmp_path.iterdir()) == []


def test_the_names_that_types_know_are_the_names_that_are_there() -> None:
    tree = ast.parse(Path(si.__file__).read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    typed = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for name in node.names:
            typed[name.asname or name.name] = f"{node.module}:{name.name}"
    here = {name: f"selfinstruct.{STAGES.place(stage)}" for name, stage in si._STAGES.items()}
    here |= {name: f"selfinstruct.{place}" for name, place in si._PLACES.items()}
    assert typed == here
    assert sorted(typed) == sorted(si.__all__) == [name for name in dir(si) if name != "__version__"]
    assert sorted(si._STAGES.values()) == sorted(STAGES)
    assert si.Rules is STAGES["rules"]
    with pytest.raises(AttributeError, match="no attribute 'Exakt'"):
        si.Exakt  # type: ignore[attr-defined]  # noqa: B018 - reading it is what is tested


@pytest.mark.parametrize("name", sorted({*si.__all__, *si._PLACES, *si._STAGES}))
def test_every_public_name_leads_to_what_it_names(name: str) -> None:
    thing = getattr(si, name)
    assert getattr(si, name) is thing
    if isinstance(thing, type) or inspect.isfunction(thing):
        place = si._PLACES[name] if name in si._PLACES else STAGES.place(si._STAGES[name])
        assert thing.__module__.startswith(f"selfinstruct.{place.partition(':')[0]}")
        assert thing.__qualname__ == place.partition(":")[2]


def test_importing_the_package_loads_nothing_but_its_version() -> None:
    code = (
        "import sys, selfinstruct as si\nmade = dir(si)\n"
        "print([name for name in sys.modules if name.startswith('selfinstruct.')], 'numpy' in sys.modules)\n"
        "si.Recipe, si.Exact, si.load_run, si.load_model, si.BadInput, si.Score, si.Finetune, si.read_set\n"
        "print([name for name in ('numpy', 'torch', 'datasets', 'openai', 'numba') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert ended.stdout.splitlines() == ["['selfinstruct.version'] False", "[]"]  # one line, its number


def test_the_package_is_a_command() -> None:
    words = [sys.executable, "-m", "selfinstruct", "--version"]
    ended = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    assert ended.stdout.startswith("selfinstruct, version")


TYPED = """
from collections.abc import Sequence
from typing import assert_type

import selfinstruct as si
from selfinstruct.run.run_reader import Number


def no_poems(task: si.Task) -> str:
    return "a poem" if "poem" in task.instruction else ""


def long(task: si.Task) -> bool:
    return len(task.instruction) > 100


recipe = si.Recipe(
    inputs=["a.json"],
    stages=[si.Rules([no_poems, "curate", (long, 0.5)]), si.Exact(), si.NearDuplicates(jaccard=0.8), "diversity"],
    models={"teacher": "embedded"},
)
run = recipe.run("runs/x")
assert_type(run, si.Run)
assert_type(run.kept[0], si.Task)
assert_type(run.rejected.by_reason, dict[str, int])
assert_type(run.score.ifs, Number | None)
run.why("abcdef")
run.dataset()
assert_type(si.load_run("runs/x"), si.Run)
assert_type(si.generate_set(seeds="a.jsonl", model="openai:NAME", count=50), si.Run)
answers = si.load_model("hf:folder").ask(["A river?"], temperature=0.7, max_tokens=32)
assert_type(answers, list[str | si.Failure])
assert_type(si.apply(si.Exact(), si.read_set("a.json")).kept, list[si.Task])
assert_type(si.ifs([("a", "b")]).n, int)
si.StopOnIFS
try:
    recipe.dry_run()
except si.BadInput as fault:
    print(fault.place)
si.Exakt
si.Exact(jaccard=0.8)
"""


def test_a_type_checker_sees_everything(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(TYPED, encoding="utf-8")
    cache = os.environ.get("MYPY_CACHE_DIR", str(HOME / ".mypy_cache"))
    words = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(HOME / "pyproject.toml"), str(script)]
    ended = subprocess.run(
        [*words, "--cache-dir", cache], cwd=HOME, capture_output=True, text=True, check=False, timeout=280
    )
    faults = [line for line in ended.stdout.splitlines() if ": error:" in line]
    assert [line.partition("error: ")[2] for line in faults] == [
        'Module has no attribute "Exakt"; maybe "Exact"?  [attr-defined]',
        'Unexpected keyword argument "jaccard" for "Exact"  [call-arg]',
    ], ended.stdout


def test_inputs_and_tasks_of_the_wrong_kind_are_told_in_a_line() -> None:
    wrong: list[Any] = ["a.json", Path("a.json"), {"path": "a.json"}, [["a.json"]], [object()]]
    for inputs in wrong:
        with pytest.raises(BadInput, match=r"inputs\S*=.*, where a (list|text, a path or a mapping) is expected"):
            si.Recipe(inputs=inputs, stages=[si.Exact()])
    with pytest.raises(BadInput, match=r"tasks\[0\]=\{.*, where a Task is expected"):
        si.apply(si.Exact(), [{"instruction": "Name a river."}])  # type: ignore[list-item]


def test_a_rejected_record_has_its_id(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"instruction": "Name a river.", "output": "The Ebro."}\n' * 2, encoding="utf-8")
    run = si.Recipe(inputs=[file], stages=[si.Exact()]).run(tmp_path / "run")
    assert run.why(run.rejected[0].id)


ANY: Any = si  # for words that a type checker would refuse


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ANY.generate_set(model="scripted:smoke", cuont=1), "generate_set: no argument 'cuont' .*mean 'count'"),
        (lambda: ANY.Recipe(inputs=["a"], stages=[si.Exact()]).run(fersh=True), "run: no argument .*mean 'fresh'"),
        (
            lambda: ANY.Recipe(inputs=["a.json"], stages=[si.Exact()]).run(fersh=True),
            "Recipe.run: no argument 'fersh' .*mean 'fresh'",
        ),
        (lambda: ANY.Novelty(rouge_l_bellow=0.5), "Novelty: no argument 'rouge_l_bellow' .*mean 'rouge_l_below'"),
        (
            lambda: ANY.NearDuplicates(jacard=0.8),
            "NearDuplicates: no argument 'jacard' .*mean 'jaccard'.*; arguments: .*jaccard",
        ),
        (lambda: ANY.load_model("scripted:smoke", tiemout=1), "load_model: no argument 'tiemout' .*mean 'timeout'"),
        (lambda: ANY.load_model("scripted:smoke").ask(["a"], tempratur=1), "ask: no argument .*mean 'temperature'"),
        (lambda: ANY.apply(si.Exact(), [], sead=1), "apply: no argument 'sead' .*mean 'seed'"),
        (lambda: ANY.read_set("a.json", layot="alpaca"), "read_set: no argument 'layot' .*mean 'layout'"),
        (lambda: ANY.ifs([], juge="ifs-v1"), "ifs: no argument 'juge' .*mean 'judge'"),
        (lambda: ANY.compare([], agianst="a"), "compare: no argument 'agianst' .*mean 'against'"),
        (lambda: ANY.load_run("a", zzz=1), r"load_run: no argument 'zzz'; arguments: folder"),
    ],
)
def test_a_misspelt_argument_is_told_with_the_nearest_name(call: Callable[[], object], says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        call()
    assert isinstance(error.value, TypeError)


def test_every_stage_by_name_says_which_knob_it_does_not_have() -> None:
    for name in si._STAGES:
        with pytest.raises(BadInput, match="no argument 'no_such_knob'"):
            getattr(si, name)(no_such_knob=1)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ANY.apply("exact", []), "apply: stage='exact', where a Stage is expected"),
        (lambda: ANY.apply(si.Exact, []), "stage=<class .*, where a Stage is expected"),
        (lambda: ANY.apply(si.Exact(), None), "tasks=None, where a list of Task is expected"),
        (lambda: ANY.apply(si.Exact(), [1]), r"tasks\[0\]=1, where a Task is expected"),
        (lambda: ANY.load_model("scripted:smoke").ask([1]), "no prompt: 1"),
    ],
)
def test_what_is_no_stage_no_task_or_no_prompt_is_one_line(call: Callable[[], object], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        call()


def recipe(**keys: object) -> si.Recipe:
    return ANY.Recipe(**{"inputs": ["a.jsonl"], "stages": [si.Exact()], **keys})  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ANY.load_run(3), "load_run: folder=3, where a text or a path is expected"),
        (ANY.load_run, "load_run: missing a required argument: 'folder'; arguments: folder"),
        (lambda: ANY.load_run(""), "load_run: folder='', where a path is expected; the folder you work in is '.'"),
        (lambda: recipe().run(3), "Recipe.run: folder=3, where a text, a path or None is expected"),  # type: ignore[arg-type]
        (lambda: recipe().run("r", workers="a"), "Recipe.run: workers='a', where a whole number is expected"),  # type: ignore[arg-type]
        (lambda: recipe().run("r", workers=0), "Recipe.run: workers=0, where at least 1 is expected"),
        (lambda: recipe(stages="exact"), "Recipe: stages='exact', where a list .* such as stages=\\['exact'\\]"),
        (lambda: recipe(inputs=None), "Recipe: inputs=None, where a list is expected"),
        (lambda: recipe(models={"teacher": 3}), "Recipe: models\\['teacher'\\]=3, where a text or a mapping is"),
        (lambda: recipe(count=True), "Recipe: count=True, where a whole number is expected"),
        (lambda: ANY.Recipe.read(""), "Recipe.read: path='', where a path is expected"),
        (lambda: ANY.NearDuplicates(jaccard="x"), "NearDuplicates: jaccard='x', where a number is expected"),
        (lambda: ANY.Rules(None), "Rules: rules=None, where a list is expected"),
        (lambda: ANY.Exact("record"), "Exact: too many positional arguments; arguments: over"),
        (lambda: ANY.Mix(caps={"a": "b"}), "Mix: caps\\['a'\\]='b', where a whole number is expected"),
        (lambda: ANY.Decontaminate(against="ifs-v1"), "Decontaminate: against='ifs-v1', .*against=\\['ifs-v1'\\]"),
        (lambda: ANY.ifs(None), "ifs: responses=None, where a list is expected$"),
        (lambda: ANY.ifs("abc"), "ifs: responses='abc', where a list is expected$"),
        (lambda: ANY.read_set(""), "read_set: source='', where a path is expected"),
        (lambda: ANY.read_set("a", strict="no"), "read_set: strict='no', where True or False is expected"),
        (lambda: ANY.read_set("a", compat="x"), "read_set: compat='x', where one of '', 'camels' is expected"),
        (lambda: ANY.compare([]), "compare: no folders"),
        (lambda: ANY.compare([""]), "compare: an empty path"),
        (lambda: ANY.compare("a"), "compare: folders='a', where a list .* such as folders=\\['a'\\]"),
        (lambda: ANY.generate_set(model="scripted:smoke", count=0), "^generate_set: key 'count'"),
        (lambda: ANY.generate_set(model="scripted:smoke", test_share=3), "^generate_set: stage 'split': test 3"),
        (lambda: ANY.load_model(3), "load_model: spec=3, where a text, a path or a mapping is expected"),
        (lambda: ANY.load_model(""), "no model kind ''"),
        (lambda: ANY.load_model({"openai": 3}), "openai"),
        (lambda: ANY.load_model("scripted:smoke", attempts=0), "load_model: attempts=0: .*greater than or equal to 1"),
        (
            lambda: ANY.apply(si.Classify(), [], models={"teacher": 3}),
            "models\\['teacher'\\]=3, where a text or a Model",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_one_line_with_argument_value_and_what_is_expected(
    call: Callable[[], object], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=says):
        call()
    assert not [*tmp_path.iterdir()]


def test_what_numpy_counts_with_is_a_number(rows: Path) -> None:
    numpy_seed: Any = np.int64(7)
    stages: list[Step] = [si.NearDuplicates(jaccard=np.float64(0.5)), si.Exact()]
    made = si.Recipe(inputs=[rows], stages=stages, seed=numpy_seed)
    assert (made.resolved.recipe.seed, made.resolved.stages[0]) == (7, si.NearDuplicates(jaccard=0.5))


def test_a_file_in_place_of_a_folder_is_told_as_such(rows: Path) -> None:
    with pytest.raises(BadInput, match=f"{rows}: is a file, and no folder; name the folder of a run"):
        si.load_run(rows)
    for place in (rows, rows / "below"):
        with pytest.raises(BadInput, match=f"{rows}: is a file, where a folder is wanted; choose another folder$"):
            si.Recipe(inputs=[rows], stages=[si.Exact()]).run(place)
        done = command("curate", rows, "-o", place)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "is a file, where a folder is wanted; choose another folder with -o" in done.stderr


ROOMS = ("generate", "dedup", "curate", "fragment", "judge", "finetune", "evaluate", "audit", "run")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_gives_what_it_has_under_the_names_of_the_front_door(room: str) -> None:
    door = import_module(f"selfinstruct.{room}")
    assert dir(door) == sorted(door.__all__)
    for name in door.__all__:
        assert getattr(door, name) is getattr(si, name)
    with pytest.raises(AttributeError, match=f"module 'selfinstruct.{room}' has no attribute 'Nothing'"):
        door.Nothing  # noqa: B018 - reading it is what is tested


def test_every_public_name_is_given_by_a_room_or_lies_on_a_floor() -> None:
    given = [name for room in ROOMS for name in import_module(f"selfinstruct.{room}").__all__]
    floors = [name for name, place in si._PLACES.items() if place.partition(":")[0] in {"errors", "records", "stage"}]
    assert sorted([*given, *floors]) == sorted(si.__all__)


def test_a_door_plate_loads_no_stage_and_a_stage_from_there_is_checked() -> None:
    code = "import sys\n" + "".join(f"import selfinstruct.{room}\n" for room in ROOMS)
    code += "before = [name for name in sys.modules if name.startswith('selfinstruct.') and name.count('.') > 1]\n"
    code += "from selfinstruct.dedup import NearDuplicates\ntry: NearDuplicates(jacard=1)\n"
    code += "except TypeError as wrong: print(before, 'numpy' in sys.modules, wrong)"
    words = [sys.executable, "-c", code]
    shown = subprocess.run(words, cwd=HOME, capture_output=True, text=True, check=True, timeout=120).stdout
    assert shown.startswith("[] False NearDuplicates: no argument 'jacard' (did you mean 'jaccard'?)")


FROM_HERE = si.Provenance(stage="mine")
RIVER = si.Task(instruction="Name a river.", provenance=FROM_HERE)


@pytest.mark.parametrize(
    ("record", "given", "said"),
    [
        ("Task", {"instruction": 3}, "Task: instruction=3, where a text is expected"),
        (
            "Task",
            {"instruction": "x", "instances": [("", "y")]},
            "instances[0]=('', 'y'), where an Instance is expected",
        ),
        ("Task", {"instruction": "x", "human": "yes"}, "Task: human='yes', where True or False is expected"),
        ("Task", {"instruction": "x", "measures": {"words": "9"}}, "measures['words']='9', where a number is expected"),
        ("Task", {"instruction": "x", "provenance": "mine"}, "provenance='mine', where a Provenance is expected"),
        ("Task", {"instructions": "x"}, "Task: no argument 'instructions' (did you mean 'instruction'?)"),
        ("Task", {}, "Task: missing a required argument: 'instruction'"),
        ("Instance", {"input": "", "output": None}, "Instance: output=None, where a text is expected"),
        (
            "Message",
            {"role": "bot", "content": ""},
            "role='bot', where one of 'system', 'user', 'assistant' is expected",
        ),
        ("Provenance", {"stage": "mine", "parents": "abc"}, "give a list, such as parents=['abc']"),
        ("Failure", {"request": "key.0", "kind": "timeout"}, "Failure: missing a required argument: 'message'"),
        ("Bench", {"seed": "x"}, "Bench: seed='x', where a whole number is expected"),
    ],
)
def test_a_record_of_wrong_kinds_is_one_clear_line(record: str, given: dict[str, Any], said: str) -> None:
    first = {"provenance": FROM_HERE} if record == "Task" else {}
    with pytest.raises(TypeError) as wrong:
        getattr(si, record)(**{**first, **given})
    assert said in str(wrong.value)
    assert "\n" not in str(wrong.value)
    assert isinstance(wrong.value, BadInput)


def test_every_record_of_the_front_door_is_checked() -> None:
    records = [name for name, place in si._PLACES.items() if place.startswith(("records:", "stage:"))]
    frozen = [name for name in records if hasattr(getattr(si, name), "__dataclass_fields__")]
    assert [name for name in frozen if not hasattr(getattr(si, name).__init__, "__wrapped__")] == []
    outcomes = {
        "Kept",
        "Rejected",
        "Failed",
        "Measured",
        "Built",
    }  # tuples, made for every record: what takes them looks
    assert set(records) - set(frozen) == {"Outcome", "Stage"} | outcomes


def test_a_task_takes_a_list_for_a_tuple_and_is_the_same_task() -> None:
    pairs = (si.Instance("", "The Ebro."), si.Instance("", "The Tay."))
    listed = si.Task(instruction="Name a river.", instances=[*pairs], provenance=FROM_HERE)  # type: ignore[arg-type]
    assert listed == si.Task(instruction="Name a river.", instances=pairs, provenance=FROM_HERE)
    assert listed.instances == pairs
