"""TRL's engine beside our own: the same steps on the same examples, the same student, stopped by the same checks."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput, NoRoom
from selfinstruct.finetune import training
from selfinstruct.finetune.adapter import with_adapter
from selfinstruct.finetune.checkpoint import Progress, checkpoints
from selfinstruct.finetune.examples import TrainingExample, prepare
from selfinstruct.finetune.finetune import Finetune
from selfinstruct.finetune.launch import Process, engine_name, process
from selfinstruct.finetune.machine_probe import MachineCapabilities
from selfinstruct.finetune.packing import steps
from selfinstruct.finetune.training import Diverged, planned
from selfinstruct.records import Message
from selfinstruct.stage import Bench
from tests.finetune.builders import (
    PACKED,
    PADDED,
    QUICK,
    Folder,
    bench_of,
    contents,
    examples,
    model,
    recipe,
    task,
    tasks,
    tokenizer,
    tuned,
)
from tests.finetune.tone import by_weights, rising

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
pytest.importorskip("trl")

trl_training = importlib.import_module("selfinstruct.finetune.trl_training")
TRL: dict[str, Any] = QUICK | {"engine": "trl", "dtype": "float32"}
OURS: dict[str, Any] = QUICK | {"dtype": "float32"}


def lora() -> Any:
    return with_adapter(model(), rank=4, alpha=8, targets=("all-linear",), seed=9, base="tiny")


def trained(
    engine: Any,
    folder: Path,
    made: Any,
    *callbacks: Any,
    rows: Sequence[TrainingExample] = (),
    examined: MachineCapabilities = PACKED,
    **knobs: Any,
) -> Progress:
    done = engine.train(made, tokenizer(), rows or examples(10), recipe(**knobs), examined, folder, callbacks)
    assert isinstance(done, Progress)
    return done


def learned(made: Any) -> dict[str, Any]:
    return {name: weight.detach().clone() for name, weight in made.named_parameters() if weight.requires_grad}


@pytest.mark.parametrize("full", [False, True])
def test_both_engines_have_the_same_losses_at_every_step_and_end_with_the_same_weights(
    tmp_path: Path, *, full: bool
) -> None:
    models = [model().requires_grad_(requires_grad=True) if full else lora() for _ in range(2)]
    names = [set(learned(model)) for model in models]
    ours = trained(training, tmp_path / "ours", models[0], epochs=1.5)
    theirs = trained(trl_training, tmp_path / "trl", models[1], epochs=1.5)
    assert theirs.losses == pytest.approx(ours.losses, abs=1e-5)
    assert (theirs.step, theirs.examples, theirs.tokens) == (ours.step, ours.examples, ours.tokens)
    assert names[0] == names[1] == set(learned(models[1]))
    for name, weight in learned(models[0]).items():
        assert torch.allclose(learned(models[1])[name], weight, atol=1e-4), name
    assert not models[1].training


def test_a_model_computes_after_it_as_it_did_before(tmp_path: Path) -> None:
    made = model().requires_grad_(requires_grad=True)
    trained(trl_training, tmp_path, made, epochs=0.4)
    assert not {"forward", "_original_forward"} & set(vars(made))


def test_a_turn_that_is_marked_as_not_to_be_learned_has_no_loss(tmp_path: Path) -> None:
    later = (Message("user", "And a lake?"), Message("assistant", "Lake Como."))
    marked = task("Name a river.", "The Nile.", later=later, unlearned=(0,))
    whole = task("Name a river.", "The Nile.", later=later)
    rows = [prepare([task], tokenizer(), template="chat", max_tokens=256).examples for task in (marked, whole)]
    [row] = trl_training._rows(rows[0], steps(1, 1, 1.0, seed=1), 1, 0)
    tokens = [token for token in row["labels"] if token != trl_training.UNLEARNED]
    assert tokenizer().decode(tokens) == "Lake Como.<|im_end|>"
    losses = [trained(trl_training, tmp_path / str(at), lora(), rows=row, epochs=1.0) for at, row in enumerate(rows)]
    ours = trained(training, tmp_path / "ours", lora(), rows=rows[0], epochs=1.0)
    assert losses[0].losses == pytest.approx(ours.losses, abs=1e-5)
    assert losses[0].losses != pytest.approx(losses[1].losses, abs=1e-3)


def test_the_rows_of_a_step_are_its_examples_and_a_short_one_is_filled_up_with_what_teaches_nothing() -> None:
    rows, plan = examples(10), planned(10, recipe(epochs=1.0))
    made = trl_training._rows(rows, plan, 4, 0)
    assert len(made) == 4 * len(plan)
    for at, step in enumerate(plan):
        here = [made[4 * at + place] for place in range(4)]
        read = sorted(tuple(row["input_ids"]) for row in here if set(row["labels"]) != {trl_training.UNLEARNED})
        assert read == sorted(tuple(rows[example].tokens) for example in step.examples)
    assert sum(set(row["labels"]) == {trl_training.UNLEARNED} for row in made) == 2


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_student_has_the_same_files_and_card_and_loads_with_the_library_alone(tmp_path: Path, method: str) -> None:
    bench = bench_of(tmp_path)
    measures, places = [], []
    for name, knobs in (("ours", OURS), ("trl", TRL)):
        here = Bench(weights=bench.weights, scratch=tmp_path / name)
        _, built, measured = tuned(Finetune(**knobs | {"method": method}), tasks(7), here)
        measures.append(measured)
        places.append(built["student"])
    files = [contents(place) for place in places]
    assert files[0].keys() == files[1].keys()
    changed = {name for name in files[0] if files[0][name] != files[1][name]}
    assert changed <= {"README.md", "training.json", "model.safetensors", "adapter_model.safetensors"}
    assert measures[1]["recipe"].pop("engine") == engine_name("trl")
    assert measures[0]["recipe"].pop("engine") == engine_name("selfinstruct")
    assert measures[1]["recipe"].pop("layout") == "padded"
    del measures[0]["recipe"]["layout"]
    assert measures[1]["recipe"] == measures[0]["recipe"]
    assert measures[1]["data"] == measures[0]["data"]
    assert measures[1]["training"]["loss_last"] == pytest.approx(measures[0]["training"]["loss_last"], abs=1e-4)
    assert f"| engine | {engine_name('trl')} |" in (places[1] / "README.md").read_text()
    given, said = torch.tensor([tokenizer()("Name a river.")["input_ids"]]), []
    for place in places:
        if method == "lora":
            loaded = peft.PeftModel.from_pretrained(bench.weights["base"].load().model, place)
        else:
            loaded = transformers.AutoModelForCausalLM.from_pretrained(place)
        with torch.no_grad():
            said.append(loaded(given).logits)
    assert torch.allclose(said[0], said[1], atol=1e-3)


def test_checks_stop_it_where_they_stop_ours_and_write_the_same_curve(tmp_path: Path) -> None:
    bench, curves = bench_of(tmp_path), []
    for name, knobs in (("ours", OURS), ("trl", TRL)):
        stage = Finetune(**knobs | {"stop": "ifs", "grid": (0, 4, 8, 12), "patience": 1})
        here = Bench(weights=bench.weights, scratch=tmp_path / name, **rising())
        _, built, measured = tuned(stage, tasks(12), here)
        assert measured["stop"]["stopped_at"] == measured["training"]["examples_seen"] == 8
        assert measured["training"]["planned_steps"] > measured["training"]["steps"] == 2
        curves.append([json.loads(line) for line in built["curve.jsonl"].read_text().splitlines()])
    assert [line["examples"] for line in curves[1]] == [0, 4, 8]
    for ours, theirs in zip(*curves, strict=True):
        assert theirs.pop("intervals") == ours.pop("intervals")
        assert theirs == pytest.approx(ours, abs=1e-4)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_training_killed_at_a_check_goes_on_to_the_same_bytes(tmp_path: Path, method: str) -> None:
    knobs = TRL | {"stop": "ifs", "grid": (0, 8), "tau": 1.0, "method": method, "epochs": 1.0, "neftune": 5.0}
    stage, weights = Finetune(**knobs), bench_of(tmp_path).weights

    def bench_named(name: str, kill_at: int = -1) -> Bench:
        return Bench(weights=weights, scratch=tmp_path / name, **by_weights(kill_at))

    _, whole, expected = tuned(stage, tasks(12), bench_named("whole"))
    with pytest.raises(KeyboardInterrupt):
        tuned(stage, tasks(12), bench_named("killed", kill_at=2))
    (folder,) = (tmp_path / "killed").glob("training-*")
    assert [path.name for path in folder.glob("checkpoint-*")] == ["checkpoint-2"]
    (folder / "checkpoint-3").mkdir()  # torn by a kill: its state is not there
    _, again, measured = tuned(stage, tasks(12), bench_named("killed"))
    assert measured == expected
    assert contents(again["student"]) == contents(whole["student"])
    assert again["curve.jsonl"].read_bytes() == whole["curve.jsonl"].read_bytes()


class Ends(transformers.TrainerCallback):  # type: ignore[misc, name-defined] # imported late, untyped
    """Stops at a step, or dies at the end."""

    def __init__(self, *, stop: int = -1, dies: bool = False) -> None:
        self.stop, self.dies, self.steps = stop, dies, 0

    def on_step_end(self, _args: Any, state: Any, control: Any, **_more: Any) -> Any:
        self.steps += 1
        control.should_training_stop |= state.global_step == self.stop
        control.should_save |= state.global_step == self.stop
        return control

    def on_train_end(self, *_told: Any, **_more: Any) -> None:
        if self.dies:
            raise KeyboardInterrupt


@pytest.mark.parametrize("stop", [2, -1])
def test_what_had_ended_when_it_was_killed_is_not_trained_further(tmp_path: Path, stop: int) -> None:
    whole = lora()
    expected = trained(trl_training, tmp_path / "whole", whole, Ends(stop=stop))
    with pytest.raises(KeyboardInterrupt):
        trained(trl_training, tmp_path / "killed", lora(), Ends(stop=stop, dies=True))
    for _ in ("loaded and kept", "kept"):
        seen, made = Ends(), lora()
        assert trained(trl_training, tmp_path / "killed", made, seen) == expected
        assert seen.steps == 0
        assert all(torch.equal(weight, learned(whole)[name]) for name, weight in learned(made).items())
        assert len(checkpoints(tmp_path / "killed")) == 1


def test_a_loss_that_is_no_number_ends_it_and_no_checkpoint_is_made_of_it(tmp_path: Path) -> None:
    made = model().requires_grad_(requires_grad=True)
    with pytest.raises(Diverged, match=r"the loss is no number after 0 examples \(0 steps\); there was no check"):
        trained(trl_training, tmp_path, made, learning_rate=1e30, save_every=1)
    assert not list(tmp_path.glob("checkpoint-*"))


def test_a_checkpoint_that_cannot_be_written_ends_in_one_line_and_the_one_before_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, save = [0], trl_training._Trainer._save

    def full_at_the_second(trainer: Any, *given: Any, **named: Any) -> None:
        written[0] += 1
        if written[0] == 2:
            raise OSError(28, "No space left on device")
        save(trainer, *given, **named)

    expected = trained(trl_training, tmp_path / "whole", lora())
    monkeypatch.setattr(trl_training._Trainer, "_save", full_at_the_second)
    with pytest.raises(NoRoom, match=r"No space left on device .*what was written before is safe"):
        trained(trl_training, tmp_path / "full", lora())
    assert trl_training._last(tmp_path / "full").name == "checkpoint-2"
    assert trained(trl_training, tmp_path / "full", lora()) == expected


def test_nothing_is_told_to_anybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "CI"):
        monkeypatch.delenv(name, raising=False)
    hub = importlib.import_module("huggingface_hub.constants")
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "HF_HUB_DISABLE_TELEMETRY", False)
    reached: list[object] = []
    telemetry = importlib.import_module("huggingface_hub.utils._telemetry")
    monkeypatch.setattr(telemetry, "_start_telemetry_thread", lambda: reached.append("a thread"))
    asked = importlib.import_module("peft.utils.save_and_load")
    monkeypatch.setattr(asked, "check_file_exists_on_hf_hub", lambda *names: reached.append(names))
    integrations = importlib.import_module("transformers.integrations")
    monkeypatch.setattr(integrations, "is_kubeflow_available", lambda: True)
    trained(trl_training, tmp_path, lora(), epochs=0.4, save_every=1)
    assert reached == []
    assert hub.HF_HUB_DISABLE_TELEMETRY is False
    made = trl_training._arguments(model(), recipe(trackers=("wandb",)), 3, tmp_path)
    assert made.report_to == ["wandb"]
    assert trl_training._arguments(model(), recipe(), 3, tmp_path).report_to == []


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"engine": "axolotl"}, "engine: axolotl; write one of: selfinstruct, trl"),
        ({"engine": "trl", "report_to": ("comet",)}, "write some of: tensorboard, trackio, wandb"),
        ({"report_to": ("wandb",)}, "report_to.*write engine: trl"),
        ({"quantize": "4bit"}, "quantize: 4bit; write engine: trl"),
        ({"engine": "trl", "quantize": "8bit"}, "quantize: 8bit; write one of: none, 4bit"),
        ({"engine": "trl", "quantize": "4bit", "method": "full"}, "quantize: 4bit; write method: lora"),
        ({"engine": "trl", "quantize": "4bit", "merge": True}, "merge: True; leave it out"),
        ({"engine": "trl", "quantize": "4bit", "dtype": "float32"}, "dtype: float32; leave it out"),
        ({"engine": "trl", "learning_rates": (1e-4, 1e-3)}, "learning_rates: .*write one learning_rate"),
        ({"engine": "trl", "targets": ("q_proj", "lm_head")}, "targets: .*leave lm_head out"),
    ],
)
def test_knobs_that_an_engine_cannot_honour_are_refused(knobs: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Finetune(**knobs)


def test_what_it_needs_is_declared() -> None:
    assert Finetune().needs.extras == ("train",)
    asked = Finetune(engine="trl", quantize="4bit", report_to=("trackio",)).needs
    assert asked.extras == ("train", "trl", "qlora", "trackio")
    assert asked.gpu
    assert not Finetune(engine="trl").needs.gpu


def test_a_process_knows_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert process() == Process(0, 1)
    assert not process().helps
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert process() == Process(1, 2)
    assert process().helps
    with pytest.raises(BadInput, match="2 processes were started, and engine: selfinstruct trains in one"):
        tuned(Finetune(**OURS), tasks(4), bench_of(tmp_path))
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(BadInput, match=r"a step of 4 examples .* cannot be shared by 3 processes"):
        trl_training._arguments(model(), recipe(), 3, tmp_path)
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(BadInput, match="RANK and WORLD_SIZE"):
        process()


def test_the_first_of_several_processes_decides_for_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def first_says(flags: Any, source: int) -> None:
        assert source == 0
        flags.copy_(torch.tensor([1, 0]))

    monkeypatch.setattr(torch.distributed, "broadcast", first_says)
    plan = planned(10, recipe())
    watch = trl_training._Watch(plan, recipe(), tmp_path, training.no_progress)
    guard = trl_training._Guard(watch, lambda _step: True)
    control = transformers.TrainerControl(should_training_stop=False, should_save=True)
    state = transformers.TrainerState(global_step=1)

    class Two:
        world_size, device = 2, "cpu"

    guard.on_log(Two(), state, control)
    assert control.should_training_stop is True
    assert control.should_save is False


def test_processes_that_read_other_sets_do_not_train_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Second:
        world_size, process_index = 2, 1

    sent = importlib.import_module("accelerate.utils")
    monkeypatch.setattr(sent, "broadcast_object_list", lambda _own: ["/there", "another"])
    with pytest.raises(BadInput, match="process 1 of 2 read another set than the first one"):
        trl_training._agreed(Second(), tmp_path, examples(4))
    monkeypatch.setattr(sent, "broadcast_object_list", lambda own: ["/there", own[1]])
    assert trl_training._agreed(Second(), tmp_path, examples(4)) == Path("/there")


def test_padded_bases_train_as_packed_ones(tmp_path: Path) -> None:
    losses = [
        trained(trl_training, tmp_path / str(at), lora(), examined=examined).losses
        for at, examined in enumerate((PACKED, PADDED))
    ]
    assert losses[0] == losses[1]


@pytest.mark.slow
def test_two_processes_of_a_launcher_make_the_student_of_one_and_the_second_keeps_nothing(tmp_path: Path) -> None:
    Folder.made(tmp_path / "base")
    rows = [{"instruction": task.instruction, "output": task.instances[0].output} for task in tasks(11)]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "temporary").mkdir()
    knobs = ("batch=2", "first=1", "grid=[0,8]", "train_on=true", "dtype=float32", "engine=trl")
    words = ["-m", "selfinstruct", "finetune", str(tmp_path / "set.jsonl"), "--base", f"hf:{tmp_path / 'base'}"]
    words += [
        "--template",
        "tags",
        "--epochs",
        "1.5",
        *(word for knob in knobs for word in ("--set", f"finetune.{knob}")),
    ]
    students, launcher = [], ["-m", "torch.distributed.run", "--nproc_per_node", "2"]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path / "temporary")}
    for name, before in (("one", []), ("two", launcher), ("two", launcher)):  # the last one finds it finished
        command = [sys.executable, *before, *words, "-o", str(tmp_path / name)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=quiet)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.strip() == str(tmp_path / name / "student")
        students.append(contents(tmp_path / name / "student"))
    assert json.loads(students[1].pop("training.json"))["recipe"]["processes"] == 2
    assert students[1]["curve.jsonl"] == students[0]["curve.jsonl"]
    weights = [peft.utils.load_peft_weights(str(tmp_path / name / "student")) for name in ("one", "two")]
    assert all(torch.allclose(weight, weights[1][name], atol=1e-6) for name, weight in weights[0].items())
    assert not list((tmp_path / "temporary").glob("selfinstruct-*"))
    command = [sys.executable, *launcher, *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=quiet)
    assert "2 processes cannot agree on what is to be trained; name a new folder with -o" in ended.stderr
