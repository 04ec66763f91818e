import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from selfinstruct import finetune as room
from selfinstruct.errors import BadInput, Stopped
from selfinstruct.finetune import StopOnIFS
from selfinstruct.finetune.adapter import with_adapter
from selfinstruct.finetune.checkpoint import checkpoints
from selfinstruct.finetune.finetune import Finetune
from selfinstruct.finetune.student import card, write_student
from selfinstruct.models.transformers_weights import load_weights
from selfinstruct.records import Json, Message, Request, Task
from selfinstruct.stage import (
    Bench,
    Kept,
    Loaded,
    Pool,
    Rejected,
)
from tests.finetune.builders import QUICK, Folder, bench_of, contents, model, talk, task, tasks, tokenizer, tuned
from tests.finetune.tone import by_weights, checked_by, rising

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")


def test_every_record_passes_and_a_student_stands_beside_them(tmp_path: Path) -> None:
    records = [*tasks(9), talk()]
    outcomes, built, measured = tuned(Finetune(**QUICK), records, bench_of(tmp_path))
    assert [outcome.record for outcome in outcomes if isinstance(outcome, Kept)] == records
    assert sorted(built) == ["student"]
    assert measured["data"]["examples"] == 10
    assert measured["training"]["examples_seen"] == 20
    assert measured["training"]["useful_share"] == 1.0
    assert measured["training"]["trained_parameters"] < measured["training"]["parameters"]
    assert measured["stop"] is None


def test_a_tuned_adapter_is_scored_as_it_lies_there_and_loads_with_peft(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    _, built, _ = tuned(Finetune(**QUICK), tasks(8), bench)
    base = bench.weights["base"].load()
    adapted = peft.PeftModel.from_pretrained(base.model, built["student"])
    ours = load_weights(str(built["student"]), device="cpu")
    given = torch.tensor([tokenizer()("Name a river.")["input_ids"]])
    with torch.no_grad():
        scored, expected, before = ours.model(given).logits, adapted(given).logits, None
        with adapted.disable_adapter():
            before = adapted(given).logits
    assert torch.allclose(scored, expected, atol=1e-4)
    assert not torch.allclose(before, expected, atol=1e-3)
    assert ours.tokenizer.chat_template == tokenizer().chat_template


def test_a_student_of_full_tuning_loads_by_itself(tmp_path: Path) -> None:
    _, built, measured = tuned(Finetune(**QUICK | {"method": "full"}), tasks(8), bench_of(tmp_path))
    loaded = transformers.AutoModelForCausalLM.from_pretrained(built["student"])
    assert measured["training"]["trained_parameters"] == measured["training"]["parameters"] == loaded.num_parameters()
    assert (built["student"] / "model.safetensors").is_file()
    assert not torch.equal(loaded.lm_head.weight, model().lm_head.weight)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_same_set_base_and_seed_make_the_same_bytes(tmp_path: Path, method: str) -> None:
    folders = []
    for name in ("a", "b"):
        bench = Bench(weights=bench_of(tmp_path).weights, scratch=tmp_path / name)
        folders.append(tuned(Finetune(**QUICK | {"method": method}), tasks(6), bench)[1]["student"])
    assert contents(folders[0]) == contents(folders[1])


def test_layers_of_an_adapter_are_named_in_the_same_order_whatever_the_hash_seed(tmp_path: Path) -> None:
    _, built, _ = tuned(Finetune(**QUICK), tasks(4), bench_of(tmp_path))
    names = json.loads((built["student"] / "adapter_config.json").read_text())["target_modules"]
    assert names == sorted(names)


def test_a_student_says_what_it_was_made_of_and_names_no_place_of_this_machine(tmp_path: Path) -> None:
    full = tuned(Finetune(**QUICK | {"method": "full"}), tasks(4), bench_of(tmp_path))[1]["student"]
    assert not [path for path in full.iterdir() if path.suffix != ".safetensors" and str(tmp_path) in path.read_text()]
    _, built, measured = tuned(Finetune(**QUICK), tasks(6), bench_of(tmp_path))
    page = (built["student"] / "README.md").read_text()
    assert str(tmp_path) not in page
    assert "`hf:tiny`" in page
    assert "weights made by chance" in page
    assert measured["data"]["sha256"] in page
    assert json.loads((built["student"] / "training.json").read_text()) == measured


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_code_on_a_student_s_card_loads_it(tmp_path: Path, method: str) -> None:
    _, built, measured = tuned(Finetune(**QUICK | {"method": method}), tasks(4), bench_of(tmp_path))
    student = built["student"]
    adapted = [card(measured, [], adapter_base=base) for base in ("gguf:/a.gguf", "tiny")] if method == "lora" else []
    for page in [(student / "README.md").read_text(), *adapted]:
        code = page.partition("```python\n")[2].partition("```")[0]
        code = code.replace("THIS_FOLDER", str(student)).replace("BASE", str(tmp_path / "base"))
        made: dict[str, Any] = {}
        exec(code, made)
        asked = made["tokenizer"]("A river.", return_tensors="pt", return_token_type_ids=False)
        assert made["model"](**asked).logits.shape[-1] == made["model"].get_input_embeddings().num_embeddings
        assert isinstance(made["model"], peft.PeftModel) == (method == "lora")


@pytest.mark.parametrize(("source", "own"), [("gguf:/models/a.gguf", True), ("some/model", False)])
def test_a_base_that_only_we_can_load_is_loaded_by_us_on_the_card(tmp_path: Path, source: str, own: bool) -> None:  # noqa: FBT001 - a table
    base = Folder.made(tmp_path / "base")
    adapted = with_adapter(base.load().model, rank=2, alpha=4, targets=("all-linear",), seed=1, base=source)
    facts: dict[str, Json] = {"base": "hf:x", "notice": "", "recipe": {"method": "lora"}, "training": {}}
    folder = write_student(tmp_path / "student", adapted, tokenizer(), facts | {"data": {"examples": 1}})
    assert ("load_weights(" in (folder / "README.md").read_text()) == own


def test_a_record_that_does_not_fit_is_rejected_by_name_and_said_before_the_training(tmp_path: Path) -> None:
    said: list[str] = []
    tests = task("Name a lake.", "Lake Como.", extra={"split": "test"})
    long, empty = task("Tell me " + "everything " * 30), task("Add.", "")
    records = [tests, *tasks(3), long, tests, empty, *tasks(3, seed=1)]
    outcomes, _, measured = tuned(Finetune(**QUICK), records, bench_of(tmp_path / "all", notice=said.append))
    fates = [outcome for outcome in outcomes if isinstance(outcome, Kept | Rejected)]
    assert [outcome.record for outcome in fates] == records
    assert [(outcome.record, outcome.reason) for outcome in fates if isinstance(outcome, Rejected)] == [
        (long, "too_long"),
        (empty, "no_answer"),
    ]
    assert said[0] == "not learned: 2 of 8 records (1 too_long, 1 no_answer; see rejected.jsonl)"
    assert long.id[:16] in said[1]
    _, _, alone = tuned(Finetune(**QUICK), [*tasks(3), *tasks(3, seed=1)], bench_of(tmp_path / "alone"))
    assert measured["data"]["sha256"] == alone["data"]["sha256"]
    assert measured["data"]["records"] == 6
    with pytest.raises(BadInput, match="too_long: truncate"):
        tuned(Finetune(**QUICK, too_long="stop"), records, bench_of(tmp_path / "stop"))


def test_the_test_split_is_not_trained_on_and_its_loss_is_told(tmp_path: Path) -> None:
    records, tests = tasks(6), [task("Name a lake.", "Lake Como.", extra={"split": "test"}) for _ in range(3)]
    _, _, measured = tuned(Finetune(**QUICK), [*records, *tests], bench_of(tmp_path / "both"))
    _, _, alone = tuned(Finetune(**QUICK), records, bench_of(tmp_path / "alone"))
    assert measured["data"]["sha256"] == alone["data"]["sha256"]
    assert measured["data"]["test_left_out"] == 3
    assert measured["training"]["held_out_examples"] == 3
    assert measured["training"]["held_out_loss"] > 0
    assert alone["training"]["held_out_loss"] is None


@pytest.mark.parametrize(
    ("records", "said"),
    [([], "no record came this far"), ([task("Add.", "3", extra={"split": "test"})], "all 1 records are for testing")],
)
def test_with_nothing_to_learn_from_no_weights_are_loaded(records: list[Task], said: str) -> None:
    with pytest.raises(BadInput, match=f"stage finetune: {said}: none is left.*rejected.jsonl"):
        tuned(Finetune(**QUICK), records, Bench())


def test_checks_stop_the_training_and_their_curve_is_built(tmp_path: Path) -> None:
    asked: list[Request] = []
    stage = Finetune(**QUICK | {"stop": "ifs", "grid": (0, 4, 8, 12), "template": "tags", "patience": 1})
    bench = bench_of(tmp_path, **rising(asked), pool=Pool(seeds=tasks(3)))
    _, built, measured = tuned(stage, tasks(12), bench)
    assert measured["stop"]["wrapper"] == "tags"
    assert str(asked[0].prompt) == "<|user|>\nName river number 0 of the land.\n<|assistant|>\n"
    assert len(asked) == 3 * 400
    assert measured["stop"]["stopped_at"] == measured["training"]["examples_seen"] == 8
    assert measured["stop"]["gap"] in ("narrow", "undecided")
    assert measured["training"]["planned_steps"] > measured["training"]["steps"] == 2
    lines = [json.loads(line) for line in built["curve.jsonl"].read_text().splitlines()]
    assert [line["examples"] for line in lines] == [0, 4, 8]
    assert [line["stop"] for line in lines] == [False, False, True]
    assert lines[0]["loss"] is None
    assert lines[1]["loss"] > 0
    assert lines[1]["kl_prose"] > lines[0]["kl_prose"] == 0.0
    assert lines[1]["kl_reference"] is not None
    assert (built["student"] / "curve.jsonl").read_bytes() == built["curve.jsonl"].read_bytes()
    assert "| 8 |" in (built["student"] / "README.md").read_text()


def test_training_on_tells_where_it_would_have_stopped(tmp_path: Path) -> None:
    stage = Finetune(**QUICK | {"stop": "ifs", "grid": (0, 4, 8), "patience": 1, "train_on": True, "epochs": 1.0})
    _, _, measured = tuned(stage, tasks(12), bench_of(tmp_path, **rising()))
    assert measured["stop"]["stopped_at"] == 8
    assert measured["training"]["examples_seen"] == 12


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_stage_killed_at_a_check_goes_on_to_the_same_bytes(tmp_path: Path, method: str) -> None:
    knobs = QUICK | {"stop": "ifs", "grid": (0, 8), "tau": 1.0, "method": method, "epochs": 1.0}
    stage, bench = Finetune(**knobs), bench_of(tmp_path)

    def bench_named(name: str, kill_at: int = -1) -> Bench:
        return Bench(weights=bench.weights, scratch=tmp_path / name, **by_weights(kill_at))

    _, whole, expected = tuned(stage, tasks(12), bench_named("whole"))
    with pytest.raises(KeyboardInterrupt):
        tuned(stage, tasks(12), bench_named("killed", kill_at=2))
    assert checkpoints(next((tmp_path / "killed").glob("training-*")))
    _, again, measured = tuned(stage, tasks(12), bench_named("killed"))
    assert measured == expected
    assert contents(again["student"]) == contents(whole["student"])
    assert again["curve.jsonl"].read_bytes() == whole["curve.jsonl"].read_bytes()


def test_other_knobs_are_another_training_and_take_nothing_up(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    _, _, first = tuned(Finetune(**QUICK), tasks(6), bench)
    _, _, second = tuned(Finetune(**QUICK | {"learning_rate": 0.02}), tasks(6), bench)
    assert first["training"]["loss_last"] != second["training"]["loss_last"]


def test_a_preview_trains_nothing(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    shown = Finetune(**QUICK).preview(tasks(9), bench)
    assert len(re.findall(r"^record", shown, re.MULTILINE)) == 3
    assert not bench.scratch.exists()


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"method": "half"}, "method: half; write one of: lora, full"),
        ({"template": "xml"}, "template: xml; write one of: chat, tags, alpaca, ifs, self_instruct"),
        ({"learning_rate": -1.0}, "learning_rate: -1.0"),
        ({"learning_rate": float("nan")}, "learning_rate: nan"),
        ({"epochs": 0.0}, "epochs: 0.0"),
        ({"grid": (64, 0)}, "grid: (64, 0)"),
        ({"targets": ()}, "targets: ()"),
        ({"warm_up": 1.5}, "warm_up: 1.5"),
        ({"max_tokens": 1}, "max_tokens: 1"),
        ({"tau": 2.0}, "tau"),
    ],
)
def test_knobs_that_train_nothing_are_refused(knobs: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)):
        Finetune(**knobs)


def test_a_missing_base_and_a_missing_judge_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no weights called 'other'.*one of: base"):
        list(Finetune(**QUICK | {"base": "other"})(tasks(2), bench_of(tmp_path)))
    with pytest.raises(BadInput, match=r"no judge of tone to stop by.*stop: none"):
        list(Finetune(**QUICK | {"stop": "ifs"})(tasks(2), bench_of(tmp_path)))


def test_an_adapter_is_not_put_upon_an_adapter(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    _, built, _ = tuned(Finetune(**QUICK), tasks(4), bench)
    second = Bench(weights={"base": _Student(built["student"])}, scratch=tmp_path / "second")
    with pytest.raises(BadInput, match=r"an adapter on an adapter.*method: full"):
        list(Finetune(**QUICK)(tasks(4), second))
    _, _, measured = tuned(Finetune(**QUICK | {"method": "full"}), tasks(4), second)
    assert measured["training"]["steps"] == 2


def test_a_conversation_ends_where_its_last_answer_ends(tmp_path: Path) -> None:
    open_end = task("Name a river.", "The Nile.", later=(Message("user", "Thanks!"),))
    _, _, measured = tuned(Finetune(**QUICK), [open_end], bench_of(tmp_path))
    assert measured["data"]["supervised_tokens"] == len("The Nile.") + 1


def test_the_callback_is_at_the_door() -> None:
    assert StopOnIFS.__module__ == "selfinstruct.finetune.stop_on_ifs"
    with pytest.raises(AttributeError, match="no attribute 'Stop'"):
        getattr(room, "Stop")  # noqa: B009 - a name that a type checker refuses


def test_nothing_heavy_is_loaded_to_look_at_the_stage() -> None:
    code = (
        "import sys, selfinstruct.finetune, selfinstruct.finetune.finetune\n"
        "print(sorted({'torch', 'transformers', 'numpy', 'peft'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert ended.stdout.strip() == "[]"


class _Student(Folder):
    """A folder with an adapter, as the models' room loads it."""

    def load(self, *, dtype: Any = "auto", merge: bool = True) -> Loaded:
        loaded = load_weights(str(self.place), device="cpu", dtype=dtype, merge=merge)
        return Loaded(loaded.model, loaded.tokenizer, source=str(self.place))


def _with_tests() -> list[Task]:
    return [*tasks(8), *(task("Name a lake.", "Lake Como.", extra={"split": "test"}) for _ in range(3))]


def test_of_several_learning_rates_the_one_with_the_lowest_held_out_loss_tunes_the_student(tmp_path: Path) -> None:
    knobs = QUICK | {"learning_rate": 0.0, "learning_rates": (1e-7, 0.02), "trial": 8}
    _, built, measured = tuned(Finetune(**knobs), _with_tests(), bench_of(tmp_path / "chosen"))
    losses = {trial["learning_rate"]: trial["held_out_loss"] for trial in measured["trials"]}
    assert [trial["examples"] for trial in measured["trials"]] == [8, 8]
    assert losses[0.02] < losses[1e-7]
    assert measured["recipe"]["learning_rate"] == 0.02
    named = QUICK | {"learning_rate": 0.02}
    _, alone, _ = tuned(Finetune(**named), _with_tests(), bench_of(tmp_path / "named"))
    weights = "adapter_model.safetensors"
    assert (built["student"] / weights).read_bytes() == (alone["student"] / weights).read_bytes()


def test_a_trial_tells_its_loss_on_as_many_records_as_it_is_tried_on(tmp_path: Path) -> None:
    knobs = QUICK | {"learning_rates": (1e-7, 0.02), "trial": 2}
    shown = []
    for name, answer in [("all", "Lake Como."), ("two", "Lake Garda, of all of them.")]:
        given = [*tasks(8), *_with_tests()[-3:-1], task("Name a lake.", answer, extra={"split": "test"})]
        _, _, measured = tuned(Finetune(**knobs), given, bench_of(tmp_path / name))
        shown.append(([trial["held_out_loss"] for trial in measured["trials"]], measured["training"]["held_out_loss"]))
    assert shown[0][0] == shown[1][0]  # a third record that none of them read
    assert shown[0][1] != shown[1][1]


def test_a_trial_that_was_made_before_a_kill_is_not_made_again(tmp_path: Path) -> None:
    knobs = QUICK | {"learning_rates": (1e-7, 0.02), "trial": 4}
    said: list[str] = []
    tuned(Finetune(**knobs), _with_tests(), bench_of(tmp_path, doing=lambda what, _done, _of: said.append(what)))
    assert {line for line in said if "trying" in line} == {"trying learning rate 1e-07", "trying learning rate 0.02"}
    said.clear()
    tuned(Finetune(**knobs), _with_tests(), bench_of(tmp_path, doing=lambda what, _done, _of: said.append(what)))
    assert not [line for line in said if "trying" in line]


def test_a_rate_that_breaks_the_loss_is_not_chosen_and_all_of_them_are_an_error(tmp_path: Path) -> None:
    knobs = QUICK | {"method": "full", "learning_rates": (1e-3, 1e30), "trial": 8}
    _, _, measured = tuned(Finetune(**knobs), _with_tests(), bench_of(tmp_path / "one"))
    assert measured["recipe"]["learning_rate"] == 1e-3
    assert [trial["held_out_loss"] is None for trial in measured["trials"]] == [False, True]
    knobs["learning_rates"] = (1e30, 2e30)
    with pytest.raises(Stopped, match="no number with every learning rate"):
        tuned(Finetune(**knobs), _with_tests(), bench_of(tmp_path / "none"))


def test_learning_rates_cannot_be_compared_where_nothing_is_held_out(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no record of the split `test`"):
        tuned(Finetune(**QUICK | {"learning_rates": (1e-3, 1e-2)}), tasks(8), bench_of(tmp_path))


def test_whoever_waits_is_told_how_far_the_training_is_and_what_its_checks_took(tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    lines: list[str] = []
    bench = bench_of(
        tmp_path,
        **rising(),
        doing=lambda what, done, of: said.append((what, done, of)),
        notice=lines.append,
    )
    tuned(Finetune(**QUICK | {"stop": "ifs", "grid": (0, 8)}), tasks(8), bench)
    assert ("check 1 of 3", 0, 0) in said
    assert any(line.startswith("check 1 of 3: 300 prompts, ") for line in lines)
    assert "check 3 of 3: 300 prompts, a few seconds" in lines
    assert lines[0].startswith("3 checks of 300 prompts, ")
    assert "beside training of a few seconds" in lines[0]
    assert ("examples seen:", 4, 16) in said
    assert any(line.startswith("checks took ") and "% of the training" in line for line in lines)


def test_too_few_prompts_to_ever_stop_and_no_headroom_are_said_before_the_training(tmp_path: Path) -> None:
    said: list[str] = []
    bench = bench_of(
        tmp_path,
        **checked_by(lambda _loaded, requests: [True] * len(requests), sources=30),
        notice=said.append,
        doing=lambda what, _done, _of: said.append(what),
    )
    _, _, measured = tuned(Finetune(**QUICK | {"stop": "ifs", "grid": (0, 8)}), tasks(8), bench)
    before = said[: said.index("examples seen:")]
    assert any("no headroom" in line for line in before)
    assert any("checks of 30 instructions show the tone" in line and "finetune.first=100" in line for line in before)
    assert measured["stop"]["can_stop"] is False


def test_less_than_one_example_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"0.01 epochs of 8 examples are not one example"):
        tuned(Finetune(**QUICK | {"epochs": 0.01}), tasks(8), bench_of(tmp_path))


def test_the_head_alone_can_be_adapted(tmp_path: Path) -> None:
    _, _, measured = tuned(Finetune(**QUICK | {"targets": ("lm_head",)}), tasks(8), bench_of(tmp_path))
    assert measured["training"]["loss_last"] < measured["training"]["loss_first"]


def test_answers_kept_aside_are_the_second_probe_where_there_are_no_seeds(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, **rising())
    _, built, _ = tuned(Finetune(**QUICK | {"stop": "ifs", "grid": (0, 8)}), _with_tests(), bench)
    last = json.loads(built["curve.jsonl"].read_text().splitlines()[-1])
    assert last["kl_reference"] > 0
