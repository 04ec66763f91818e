"""What others add: by the example package's entry points, by dotted paths, and with everything that can be wrong."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from selfinstruct.cli.main import desk
from selfinstruct.errors import BadInput
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.fingerprint import identity
from selfinstruct.run.inputs import read_tasks_of
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.yaml_file import parse_yaml, read_yaml
from selfinstruct.run.run_reader import load_run

EXAMPLE = Path(__file__).parents[1] / "plugin"
Give = Callable[..., Path]


def dist_info(site: Path, name: str, version: str, points: str) -> None:
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (folder / "entry_points.txt").write_text(points)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example package, whether or not it is installed: its folder, and what an installation writes beside it."""
    import tomllib

    page = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {where}\n" for name, where in named.items())
        for group, named in page["entry-points"].items()
    )
    dist_info(tmp_path / "site", page["name"], page["version"], points)
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))


@pytest.fixture
def give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Give:
    """A package of one module, installed: its name, its code, its entry points."""

    def made(name: str, code: str, points: str, version: str = "1.0") -> Path:
        site = tmp_path / f"site-{name}"
        dist_info(site, name, version, points)
        (site / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(str(site))
        return site

    return made


def set_of(tmp_path: Path, *instructions: str) -> Path:
    path = tmp_path / "set.jsonl"
    lines = [{"instruction": text, "input": "", "output": "It is so."} for text in instructions]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def recipe(inputs: object, *stages: object, **more: object) -> Resolved:
    written = {"name": "a", "inputs": [inputs], "stages": stages, "publish": None, **more}
    return resolve(parse_yaml(json.dumps(written).encode(), "a.yaml"))


def run(resolved: Resolved, folder: Path) -> Path:
    execute(resolved, Options(folder=folder))
    return folder


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def invoke(*words: str) -> Result:
    return CliRunner().invoke(desk, list(words))


@pytest.mark.usefixtures("example")
def test_a_package_adds_a_stage_a_rule_a_format_and_a_model(tmp_path: Path) -> None:
    given = tmp_path / "asks.jsonl"
    asks = ["NAME A RIVER", "Name a river in Spain.", "Say in many words what a river is and why."]
    given.write_text("".join(json.dumps({"ask": ask, "reply": "The Tagus."}) + "\n" for ask in asks))
    resolved = recipe(
        {"path": str(given), "from": "ask_reply"},
        {"rules": {"rules": ["shouting"]}},
        {"count_words": {"at_most": 7}},
        {"rate": {"model": "bird"}},
        models={"bird": "parrot:Rating: 4"},
        publish={"format": "ask_reply", "files": ["jsonl"]},
    )
    folder = run(resolved, tmp_path / "run")
    assert [line["instruction"] for line in lines(folder / "kept.jsonl")] == ["Name a river in Spain."]
    reasons = {line["instruction"]: line["reason"] for line in lines(folder / "rejected.jsonl")}
    assert reasons == {asks[0]: "shouting", asks[2]: "wordy"}
    [row] = lines(folder / "dataset" / "jsonl" / "train.jsonl")
    assert (row["ask"], row["reply"]) == ("Name a river in Spain.", "The Tagus.")
    done = json.loads(next(folder.glob("stages/*-rate/DONE")).read_text())
    assert done["bill"]["model"] == "parrot:Rating: 4"
    assert resolve(read_yaml(folder / "recipe.yaml")).as_yaml() == resolved.as_yaml()


@pytest.mark.usefixtures("example")
def test_the_fingerprint_holds_the_version_of_a_plug_in_and_the_source_of_a_function(tmp_path: Path) -> None:
    path = str(set_of(tmp_path, "Name a river."))
    stages = ({"rules": {"rules": ["shouting"]}}, "count_words")
    same = identity(recipe(path, *stages, models={"m": "parrot:x"}), ())
    plugged = {key: value for key, value in same.items() if key.startswith("plugins.")}
    assert plugged["plugins.rules/shouting.where"] == "selfinstruct_example:shouting"
    assert len(str(plugged["plugins.rules/shouting.source"])) == 64
    for name in ("rules/shouting", "stages/count_words", "models/parrot"):
        assert plugged[f"plugins.{name}.version"] == "1.2.0"
    assert not [key for key in identity(recipe(path, "exact"), ()) if key.startswith("plugins")]


@pytest.mark.usefixtures("example")
def test_a_set_is_converted_into_a_format_of_ones_own_and_back(tmp_path: Path) -> None:
    source, there, back = set_of(tmp_path, "Name a river."), tmp_path / "there.jsonl", tmp_path / "back.jsonl"
    assert invoke("convert", str(source), "--to", "ask_reply", "-o", str(there)).exit_code == 0
    assert lines(there)[0]["ask"] == "Name a river."
    ended = invoke("convert", str(there), "--from", "ask_reply", "--to", "alpaca", "-o", str(back))
    assert ended.exit_code == 0
    assert lines(back)[0]["output"] == "It is so."
    assert "read as ask_reply" in invoke("convert", str(there), "--from", "ask_reply", "--explain").output


OWN = """
from dataclasses import dataclass
from selfinstruct.stage import Kept, Rejected, Stage

@dataclass(frozen=True, kw_only=True)
class Brief(Stage):
    name, version, scope = "brief", 1, "record"
    at_most: int = 20

    def __call__(self, records, bench):
        for task in records:
            yield Kept(task) if len(task.instruction) <= self.at_most else Rejected(task, "long")

def no_rivers(task):
    return "river" if "river" in task.instruction else ""

def silent(task):
    return None

def counts(task):
    return 3

def raises(task):
    raise ValueError("nobody knows")

@dataclass(frozen=True)
class Shapeless:
    pass

@dataclass(frozen=True)
class Taken(Brief):
    name = "score"

number = 7
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of one's own in the folder where one works; its name is like no other."""
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


def test_a_dotted_path_names_a_stage_and_a_rule_and_a_knob_is_set_by_the_last_word(tmp_path: Path, own: str) -> None:
    path = set_of(tmp_path, "Name a river.", "Name a hill.", "Name a hill that is very high.")
    text = (
        f"{{name: a, inputs: ['{path}'], publish: null, stages: [{own}:Brief, rules: {{rules: ['{own}:no_rivers']}}]}}"
    )
    resolved = resolve(parse_yaml(text.encode(), "a.yaml"), ["Brief.at_most=15"])
    folder = run(resolved, tmp_path / "run")
    assert [line["instruction"] for line in lines(folder / "kept.jsonl")] == ["Name a hill."]
    assert {line["reason"] for line in lines(folder / "rejected.jsonl")} == {"long", f"{own}:no_rivers"}
    assert f"- {own}:Brief:" in (folder / "recipe.yaml").read_text()
    before = identity(resolved, ())
    assert before[f"plugins.rules/{own}:no_rivers.where"] == f"{own}:no_rivers"


@pytest.mark.parametrize(
    ("stage", "line", "says"),
    [
        ("{module}:Breif", 4, r"'own_\w+' has no 'Breif' \(did you mean 'Brief'\?\)"),
        ("nowhere.at_all:Brief", 4, "no module 'nowhere'"),
        ("{module}:number", 4, "is no dataclass"),
        ("{module}:Shapeless", 4, "has no name, version, scope, needs, __call__"),
        ("{module}:Taken", 4, "its name 'score' is that of a stage of ours"),
        ("rules: {{rules: [refusal, '{module}:no_river']}}", 4, r"has no 'no_river' \(did you mean 'no_rivers'\?\)"),
        ("rules: {{rules: ['{module}:number']}}", 4, "is no function"),
        ("filter: {{rules: ['nowhere:x']}}", 4, "no module 'nowhere'"),
        ("briefe", 4, "no stage 'briefe'"),
    ],
)
def test_a_path_that_leads_nowhere_is_told_with_its_line(
    tmp_path: Path, own: str, stage: str, line: int, says: str
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"name: a\ninputs: ['x.jsonl']\nstages:\n  - {stage.format(module=own)}\n")
    with pytest.raises(BadInput, match=rf"a\.yaml:{line}: .*{says}") as fault:
        resolve(read_yaml(file))
    assert fault.value.exit_code == 2
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("models: {m: ", "'nowhere.at_all:Bird'}", r"a\.yaml:2: model 'm': .*no module 'nowhere'"),
        ("publish: {format: ", "'nowhere.at_all:Rows'}", r"a\.yaml:2: .*no module 'nowhere'"),
        ("inputs: [{path: x, from: ", "'nowhere.at_all:Rows'}]", r"a\.yaml:2: .*no module 'nowhere'"),
        ("publish: {format: ", "mesages}", r"a\.yaml:2: .*no layout 'mesages' \(did you mean 'messages'\?\)"),
    ],
)
def test_a_model_or_a_format_that_leads_nowhere_is_told_with_its_line(key: str, value: str, says: str) -> None:
    inputs = "" if key.startswith("inputs") else "inputs: [x.jsonl]\n"
    text = f"name: a\n{key}{value}\n{inputs}stages: [exact]\n"
    with pytest.raises(BadInput, match=says):
        resolve(parse_yaml(text.encode(), "a.yaml"))


@pytest.mark.parametrize(("rule", "says"), [("raises", "raised ValueError: nobody knows"), ("counts", "returned 3")])
def test_a_rule_that_fails_is_told_with_the_record_and_is_no_objection(
    tmp_path: Path, own: str, rule: str, says: str
) -> None:
    resolved = recipe(str(set_of(tmp_path, "Name a river.")), {"rules": {"rules": [f"{own}:{rule}"]}})
    with pytest.raises(BadInput, match=rf"record [0-9a-f]{{16}}: rule '{own}:{rule}' {says}"):
        run(resolved, tmp_path / "run")


def test_a_rule_that_returns_nothing_has_no_objection(tmp_path: Path, own: str) -> None:
    resolved = recipe(str(set_of(tmp_path, "Name a river.")), {"rules": {"rules": [f"{own}:silent"]}})
    run(resolved, tmp_path / "run")
    assert len(load_run(tmp_path / "run").kept) == 1


def test_a_module_that_wants_to_end_the_program_fails_to_load(give: Give) -> None:
    give("quits", "import sys\nsys.exit('bye')\n", "[selfinstruct.rules]\nquits = quits:rule\n")
    listed = [line for line in json.loads(invoke("plugins", "--json").stdout) if line["name"] == "quits"]
    assert "fails to load (SystemExit: bye)" in listed[0]["fault"]


def test_a_plug_in_that_fails_to_load_ends_no_run_that_does_not_name_it(tmp_path: Path, give: Give) -> None:
    give("torn", "raise RuntimeError('not\\nready')\n", "[selfinstruct.rules]\ngentle = torn:gentle\n")
    path = str(set_of(tmp_path, "Name a river."))
    run(recipe(path, "rules", "exact"), tmp_path / "run")
    with pytest.raises(BadInput, match=r"rule 'gentle' of torn: 'torn' fails to load \(RuntimeError: not ready\)"):
        recipe(path, {"rules": {"rules": ["gentle"]}})


def test_of_two_of_one_name_neither_is_taken(tmp_path: Path, give: Give) -> None:
    for name in ("left", "right"):
        give(name, "def kind(task):\n    return ''\n", f"[selfinstruct.rules]\nkind = {name}:kind\n")
    path = str(set_of(tmp_path, "Name a river."))
    with pytest.raises(BadInput, match="left and right both give a rule 'kind'; write left:kind or right:kind"):
        recipe(path, {"rules": {"rules": ["kind"]}})
    recipe(path, {"rules": {"rules": ["right:kind"]}})
    faulty = [plugin for plugin in json.loads(invoke("plugins", "--json").stdout) if plugin["name"] == "kind"]
    assert [plugin["fault"] for plugin in faulty] == [
        f"another package gives the name 'kind', too: write {name}:kind" for name in ("left", "right")
    ]


@pytest.mark.usefixtures("example")
def test_plug_ins_are_listed_with_where_they_are_from_and_why_they_cannot_be_used(give: Give) -> None:
    give(
        "odd",
        "refusal = number = 7\n",
        "[selfinstruct.rules]\nrefusal = odd:refusal\nnumber = odd:number\n[selfinstruct.models]\ngone = odd:gone\n",
    )
    ended = invoke("plugins")
    assert ended.exit_code == 0
    line_of = {tuple(line.split()[:2]): line for line in ended.stdout.splitlines()}
    for kind, name in (
        ("stages", "count_words"),
        ("rules", "shouting"),
        ("formats", "ask_reply"),
        ("models", "parrot"),
    ):
        assert "selfinstruct-example 1.2.0" in line_of[kind, name]
        assert "cannot be used" not in line_of[kind, name]
    assert "cannot be used: the name 'refusal' is taken by selfinstruct itself" in line_of["rules", "refusal"]
    assert "cannot be used: odd:number cannot be called" in line_of["rules", "number"]
    assert "cannot be used: model 'gone' of odd: 'odd' has no 'gone'" in line_of["models", "gone"]


def test_a_function_that_takes_no_records_is_no_stage_and_is_told_so(give: Give, tmp_path: Path) -> None:
    code = "def of_a_task(task):\n    return ''\n\ndef nothing():\n    return 1\n\n"
    code += "def all_of_them(records, bench):\n    yield from ()\n"
    named = ("of_a_task", "nothing", "all_of_them")
    give("plain", code, "[selfinstruct.stages]\n" + "".join(f"{name} = plain:{name}\n" for name in named))
    listed = {line.split()[1]: line for line in invoke("plugins").stdout.splitlines() if "plain:" in line}
    for name in named[:2]:
        assert f"plain:{name} takes no records and bench" in listed[name]
        file = tmp_path / f"{name}.yaml"
        file.write_text(f"{{name: a, inputs: [x.jsonl], stages: [{name}]}}")
        with pytest.raises(BadInput, match=f"stage '{name}': plain:{name} takes no records and bench, as a stage does"):
            resolve(read_yaml(file))
    assert "cannot be used" not in listed["all_of_them"]


@pytest.mark.usefixtures("example")
def test_nothing_of_a_plug_in_is_imported_until_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("{name: a, inputs: [x.jsonl], stages: [rules, exact]}")
    code = (
        f"import sys; sys.path[:0] = {[str(tmp_path / 'site'), str(EXAMPLE)]!r}\n"
        "from pathlib import Path\nfrom selfinstruct.run.recipe.resolve import resolve\n"
        "from selfinstruct.run.recipe.yaml_file import read_yaml\n"
        f"resolve(read_yaml(Path({str(file)!r})))\n"
        "print([name in sys.modules for name in ('selfinstruct_example', 'importlib.metadata')])\n"
        "from selfinstruct import plugins\nprint(plugins.names('rules'), 'selfinstruct_example' in sys.modules)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    first, second = ended.stdout.splitlines()
    assert first.startswith("[False")
    assert second == "('shouting',) False"


FAILING = """
import json
from dataclasses import dataclass
from selfinstruct.stage import Kept, Stage

@dataclass(frozen=True, kw_only=True)
class Divides(Stage):
    name, version, scope = "divides", 1, "record"

    def __call__(self, records, bench):
        for task in records:
            yield Kept(task, {"share": 1 / (len(task.instruction) - 13)})

@dataclass(frozen=True, kw_only=True)
class Reads(Stage):
    name, version, scope = "reads", 1, "set"

    def __call__(self, records, bench):
        for task in list(records):
            json.loads(task.instruction)
            yield Kept(task)

@dataclass(frozen=True, kw_only=True)
class Loses(Stage):
    name, version, scope = "loses", 1, "record"

    def __call__(self, records, bench):
        yield from map(Kept, records[1:])

@dataclass(frozen=True, kw_only=True)
class Strays(Stage):
    name, version, scope = "strays", 1, "record"

    def __call__(self, records, bench):
        yield from records

@dataclass(frozen=True, kw_only=True)
class Unmade(Stage):
    name, version, scope = "unmade", 1, "record"

    def __post_init__(self):
        raise KeyError("home")

    def __call__(self, records, bench):
        yield from map(Kept, records)

def divides(task):
    return "long" if 1 / (len(task.instruction) - 13) > 1 else ""

def by_function(records, bench):
    for record in records:
        yield Kept(record, {"share": 1 / (len(record.instruction) - 13)})

class Mute:
    in_flight, notice, name = 1, "", "mute"
    from selfinstruct.stage import Traits
    traits = Traits()

    def __init__(self, rest):
        if rest == "unmade":
            raise OSError("no such bird")

    async def answer(self, request):
        raise LookupError("no words")

    async def close(self):
        pass
"""


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"failing_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(FAILING)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


def line_of(text: str, after: str) -> int:
    rows = FAILING.splitlines()
    return next(at for at, row in enumerate(rows, 1) if text in row and at > rows.index(after))


@pytest.mark.parametrize(
    ("stage", "text", "after", "says"),
    [
        ("{0}:Divides", "share", "class Divides(Stage):", "stage 'divides' raised ZeroDivisionError: division by zero"),
        ("{0}:Reads", "json.loads", "class Reads(Stage):", "stage 'reads' raised JSONDecodeError: Expecting value"),
        (
            "{0}:by_function",
            "share",
            "def by_function(records, bench):",
            "stage 'by_function' raised ZeroDivisionError",
        ),
        ("rules: {{rules: ['{0}:divides']}}", "1 /", "def divides(task):", "rule '{0}:divides' raised ZeroDivisionE"),
    ],
)
def test_an_exception_in_code_of_others_is_one_line_with_the_record_the_file_and_the_line(
    tmp_path: Path, failing: str, stage: str, text: str, after: str, says: str
) -> None:
    first = "7" if "Reads" in stage else "Name a hill that is high."
    path = set_of(tmp_path, first, "Name a river.")
    (tmp_path / "a.yaml").write_text(f"{{name: a, inputs: ['{path}'], publish: null}}"[1:-1].replace(", ", "\n"))
    recipe_text = f"name: a\ninputs: ['{path}']\npublish: null\nstages:\n  - {stage.format(failing)}\n"
    (tmp_path / "a.yaml").write_text(recipe_text)
    command = [sys.executable, "-m", "selfinstruct", "run", "a.yaml", "-o", "out"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    last = ended.stderr.strip().splitlines()[-1]
    read = read_tasks_of(path)
    assert f"record {read[1].id[:16]}: {says.format(failing)}" in last
    assert f"{failing}.py:{line_of(text, after)})" in last
    assert "; mend " in last
    assert "the same command" in last


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ("Loses", "stage 'loses': took 2 records and accounted for 1; yield Kept, Rejected or Failed once for each"),
        ("Strays", r"stage 'strays': yielded Task\(.*, which is no outcome; yield Kept, Rejected or Failed"),
        ("Unmade", r"a\.yaml:1: stage 'failing_\w+:Unmade' raised KeyError: 'home' \(\S+failing_\w+\.py:\d+\)"),
    ],
)
def test_a_stage_of_others_that_breaks_the_contract_is_told_by_its_name(
    tmp_path: Path, failing: str, stage: str, says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        run(recipe(str(set_of(tmp_path, "Name a hill.", "Name a river.")), f"{failing}:{stage}"), tmp_path / "run")


@pytest.mark.parametrize(("rest", "says"), [("unmade", "OSError: no such bird"), ("x", "LookupError: no words")])
def test_a_model_of_others_that_raises_is_told_with_the_line(tmp_path: Path, give: Give, rest: str, says: str) -> None:
    give("muted", FAILING, "[selfinstruct.models]\nmute = muted:Mute\n")
    asks = {"rate": {"model": "m"}}
    path = str(set_of(tmp_path, "Name a river."))
    with pytest.raises(BadInput, match=rf"raised {says} \(\S+muted\.py:\d+\); mend it"):
        run(recipe(path, asks, models={"m": f"mute:{rest}"}), tmp_path / "run")


def test_an_exception_in_a_stage_applied_from_python_names_the_record(failing: str) -> None:
    import selfinstruct as si
    from selfinstruct.plugins import Plugin, reachable
    from selfinstruct.records import Provenance, Task

    reachable(Path.cwd())
    stage: Any = Plugin(kind="stages", name="d", where=f"{failing}:Divides").load()
    task = Task(instruction="Name a river.", provenance=Provenance(stage="input"))
    with pytest.raises(BadInput, match=rf"record {task.id[:16]}: stage 'divides' raised ZeroDivisionError"):
        si.apply(stage(), [task])


def test_a_format_of_others_that_raises_is_told_with_its_line_and_fails_no_record(tmp_path: Path, give: Give) -> None:
    code = (
        "from selfinstruct.formats.plugin_formats import Format\n"
        "def read(value, origin):\n    return value['nowhere']\n"
        "torn = Format(about='x', fits=lambda value: True, read=read)\n"
    )
    give("tornformat", code, "[selfinstruct.formats]\ntorn = tornformat:torn\n")
    source, target = str(set_of(tmp_path, "Name a river.")), str(tmp_path / "x.jsonl")
    ended = invoke("convert", source, "--from", "torn", "--to", "alpaca", "-o", target)
    assert isinstance(ended.exception, BadInput)
    assert "`read` of format 'torn' raised KeyError: 'nowhere'" in str(ended.exception)
    assert "tornformat.py:3)" in str(ended.exception)
    assert str(ended.exception).startswith(str(tmp_path / "set.jsonl"))
