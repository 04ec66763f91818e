"""Bases that are tuned and models that a run builds for itself: named, checked, asked, let go."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.models.transformers_model import TransformersModel
from selfinstruct.models.transformers_weights import TransformersWeights
from selfinstruct.needs import CheckNeed, Needs
from selfinstruct.records import Completion, Request, Task
from selfinstruct.run import stage_models
from selfinstruct.run.dry_run import estimate_run
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.stage_names import STAGES
from selfinstruct.run.recipe.yaml_file import parse_yaml
from selfinstruct.stage import Bench, Built, Kept, Measured, Outcome, Scope
from tests.faults.same import answers, files
from tests.models import tiny_models

pytest.importorskip("torch")


@dataclass(frozen=True, kw_only=True)
class Tune:
    """Changes one weight of its base, and saves it."""

    name: ClassVar[str] = "tune"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"

    base: str = "base"
    stop: str = "none"
    by: float = 0.5

    @property
    def needs(self) -> Needs:
        return Needs(
            base=self.base,
            builds=("student",),
            checks=CheckNeed(tone=self.stop == "ifs", taste=False) if self.stop else None,
        )

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        yield from map(Kept, records)
        weights = bench.weights[self.base]
        loaded = weights.load()
        loaded.model.get_input_embeddings().weight.data[5] += self.by
        loaded.model.save_pretrained(bench.scratch / "student")
        loaded.tokenizer.save_pretrained(bench.scratch / "student")
        yield Built("student", bench.scratch / "student")
        seen = [weights.name, weights.notice, bench.ask_loaded is not None, sorted(bench.models)]
        yield Measured("tuned", seen)  # type: ignore[arg-type]  # lists of text are JSON


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Asks its models each instruction."""

    name: ClassVar[str] = "ask"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"

    model: str = "student"
    beside: tuple[str, ...] = ()

    @property
    def needs(self) -> Needs:
        return Needs(models=(self.model, *self.beside))

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        for role in (self.model, *self.beside):
            model = bench.models[role]
            requests = [Request(prompt=task.instruction, max_tokens=9, temperature=0.0) for task in records]
            texts = [reply.choices[0].text for reply in model.complete(requests) if isinstance(reply, Completion)]
            yield Measured(role, {"name": model.name, "texts": [*texts], "chat": model.traits.chat})
        yield from map(Kept, records)


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    for stage in (Tune, Ask):
        monkeypatch.setitem(STAGES, stage.name, stage)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.saved(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.jsonl"
    lines = [{"instruction": text, "input": "", "output": "yes"} for text in ("name a river.", "add one", "say it")]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def recipe(tasks: Path, models: dict[str, str], *stages: Any, **more: Any) -> Resolved:
    written = {"name": "toy", "inputs": [str(tasks)], "models": models, "stages": list(stages), "publish": None, **more}
    return resolve(parse_yaml(json.dumps(written).encode(), "toy.yaml"))


def measured(folder: Path, stage: str) -> dict[str, Any]:
    [done] = folder.glob(f"stages/*-{stage}/DONE")
    page: dict[str, Any] = json.loads(done.read_text())["measured"]
    return page


def test_a_student_is_asked_by_the_stages_after_the_one_that_built_it(
    tasks: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[TransformersModel] = []

    def noted(spec: str) -> Any:
        made.append(TransformersModel(spec.removeprefix("hf:")))
        return made[-1]

    monkeypatch.setattr(stage_models, "make_backend", noted)
    models = {"base": f"hf:{base}", "student": "built:student", "again": "built:student"}
    what = recipe(tasks, models, "tune", {"ask": {"beside": ["again"]}}, {"ask": {"model": "student"}})
    folder = tmp_path / "run"
    execute(what, Options(folder=folder))
    page = json.loads((folder / "stages" / "03-ask" / "DONE").read_text())["measured"]
    student = TransformersModel(str(folder / "student"))
    assert page["student"] == {**page["again"], "name": student.name}
    assert student.name.startswith("hf:student@")
    assert len(page["student"]["texts"]) == 3
    assert page["student"]["chat"]
    assert {json.loads(str(row[4]))["model"] for row in answers(folder)} == {student.name}
    # The base was asked by nobody, a stage made one model for both roles, and none outlived its stage.
    assert [model.name for model in made] == [student.name] * 2
    assert [(model._decoder, model._gatherer) for model in made] == [(None, None)] * 2
    names = " ".join(path.read_text(errors="replace") for path in folder.rglob("*.jsonl"))
    assert str(tmp_path) not in names


def test_a_run_in_another_place_and_a_run_that_was_stopped_give_the_same_bytes(
    tasks: Path, base: Path, tmp_path: Path
) -> None:
    what = recipe(tasks, {"base": f"hf:{base}", "student": "built:student"}, "tune", "ask")
    for name in ("one", "two"):
        execute(what, Options(folder=tmp_path / name))
    asked = answers(tmp_path / "two")
    (tmp_path / "two" / "stages" / "03-ask" / "DONE").unlink()
    execute(what, Options(folder=tmp_path / "two"))
    assert answers(tmp_path / "two") == asked == answers(tmp_path / "one")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_stage_that_tunes_gets_its_base_and_what_it_may_stop_by(tasks: Path, base: Path, tmp_path: Path) -> None:
    execute(recipe(tasks, {"base": f"hf:{base}"}, "tune"), Options(folder=tmp_path / "run"))
    weights = TransformersWeights(f"hf:{base}")
    assert measured(tmp_path / "run", "tune")["tuned"] == [weights.name, "", True, []]


def test_another_base_is_another_run(tasks: Path, base: Path, tmp_path: Path) -> None:
    place = Path(shutil.copytree(base, tmp_path / "mine"))
    what = recipe(tasks, {"base": f"hf:{place}"}, "tune")
    execute(what, Options(folder=tmp_path / "run"))
    tiny_models.saved(place, seed=5)
    with pytest.raises(BadInput, match=r"holds another run: 'contents.weights of base' was"):
        execute(what, Options(folder=tmp_path / "run"))


def test_a_student_can_be_tuned_again(tasks: Path, base: Path, tmp_path: Path) -> None:
    models = {"base": f"hf:{base}", "first": "built:student"}
    execute(recipe(tasks, models, "tune", {"tune": {"base": "first", "by": 1}}), Options(folder=tmp_path / "run"))
    page = json.loads((tmp_path / "run" / "stages" / "03-tune" / "DONE").read_text())["measured"]["tuned"]
    assert page[0].startswith("hf:student@")


@pytest.mark.parametrize(
    ("models", "stages", "says"),
    [
        ({}, ["tune"], "stage 'tune' tunes 'base', which the recipe does not name; add `base: hf:FOLDER`"),
        ({"base": "openai:gpt-5"}, ["tune"], "'openai:gpt-5' can be asked and not trained"),
        ({"base": "scripted:smoke"}, ["tune"], "name hf:NAME_OR_FOLDER, gguf:PATH, embedded or gemma"),
        ({"base": "gguf:"}, ["tune"], "nothing after the colon"),
        ({"student": "built:student"}, ["ask"], "stage 'ask' needs built:student, which no stage before it builds"),
        ({"base": "hf:a/b", "student": "built:student"}, ["ask", "tune"], "put `finetune` before it"),
        ({"base": "hf:a/b", "student": "built:pupil"}, ["tune", "ask"], "students built before it: student"),
        ({"base": "built:student"}, ["tune"], "stage 'tune' needs built:student, which no stage before it builds"),
    ],
)
def test_a_recipe_is_checked_before_anything_is_looked_at(
    models: dict[str, str], stages: list[str], says: str, tasks: Path
) -> None:
    with pytest.raises(BadInput, match=says):
        recipe(tasks, models, *stages)


def test_a_base_that_is_not_there_ends_the_run_before_it_begins(tasks: Path, tmp_path: Path) -> None:
    what = recipe(tasks, {"base": f"hf:{tmp_path / 'none'}"}, "tune")
    with pytest.raises(BadInput, match="no such file or folder"):
        execute(what, Options(folder=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_dry_run_counts_what_a_student_would_be_asked(tasks: Path, base: Path) -> None:
    what = recipe(tasks, {"base": f"hf:{base}", "student": "built:student"}, "tune", "ask", limits={"max_cost": "0"})
    [line] = estimate_run(what)
    assert (line.model, line.most.requests) == ("built:student", 3)
    assert line.most.cost_most == Decimal(0)
    assert stage_models.backends_of(what) == {}


def test_a_dry_run_of_a_loop_counts_all_its_cycles() -> None:
    def requests(cycles: int) -> dict[str, int]:
        text = (
            f"{{name: a, count: 20, cycles: {cycles}, models: {{teacher: 'scripted:smoke'}}, "
            "rounds: [propose, classify], stages: [{score: {prompts: 'ifs-v1:dev', first: 5}}, feedback]}"
        )
        lines = estimate_run(resolve(parse_yaml(text.encode(), "loop")))
        return {line.stage: line.most.requests for line in lines}

    once, thrice = requests(1), requests(3)
    assert thrice["score"] == 3 * once["score"] == 30
    assert thrice["classify"] == 3 * once["classify"]
    assert thrice["propose, later rounds"] > 2 * once["propose, later rounds"]
