"""The callback in a real Trainer on a tiny model: what it measures, when it stops, and how it is resumed."""

import importlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selfinstruct.errors import BadInput
from selfinstruct.finetune.divergence import ProbeText, ProbeTexts
from selfinstruct.finetune.stopping import StopRule
from selfinstruct.run.tone_judges import open_judge
from selfinstruct.tone.ask_loaded_model import ToneProbe, ToneReading
from selfinstruct.tone.judge_error import errors_of
from selfinstruct.tone.prompt_wrappers import Wrapper
from tests.finetune import tiny
from tests.finetune.tone import reading

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

ROWS = 44
BATCH = 4
PROBE = ProbeTexts("prose", (ProbeText("it is a river"), ProbeText("name the end of a text")))
GRID = (0, 8, 16, 32, 64)
LENIENT = StopRule(epsilon=0.5, tau=0.2, patience=1)


def callback(measure: Any, **knobs: Any) -> Any:
    return importlib.import_module("selfinstruct.finetune.stop_on_ifs").StopOnIFS(measure, grid=GRID, **knobs)


def rows() -> list[dict[str, Any]]:
    """Sentences that come to an end."""
    random_ = random.Random(1)
    examples = []
    for _ in range(ROWS):
        tokens = [random_.randrange(2, len(tiny.WORDS)) for _ in range(3)] + [0, 0]
        examples.append({"input_ids": tokens, "labels": tokens, "attention_mask": [1] * 5})
    return examples


def ends(model: Any, tokenizer: Any) -> ToneReading:
    """An answer is one that the model would end; it leaves modes and random states as badly as it can."""
    model.eval()
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the global one, on purpose
    prompts = torch.randint(2, len(tokenizer), (60, 3))
    with torch.no_grad():
        said = model(input_ids=prompts).logits[:, -1].softmax(-1)[:, 0]
    return reading([bool(share > 0.3) for share in said], objecqa=float(said.mean()))


def always(answers: bool) -> Callable[[Any, Any], ToneReading]:  # noqa: FBT001 - what they all say
    return lambda model, tokenizer: reading([answers] * 600)  # noqa: ARG005 - asks nobody


def test_the_rule_knows_the_errors_of_the_judge_that_is_asked() -> None:
    judge = open_judge("ifs-v2-linear")
    probe = ToneProbe(
        judge=judge,
        ask=lambda *_: [],
        prompts=(),
        name="p",
        wrapper=Wrapper("none"),
    )
    assert callback(probe).rule == StopRule(errors=errors_of(judge))
    assert callback(probe, rule=LENIENT).rule == LENIENT  # as it is written
    assert callback(ends).rule == StopRule()


def train(
    folder: Path, *callbacks: Any, model: Any = None, resume: bool = False, epochs: int = 2, **settings: Any
) -> Any:
    arguments = transformers.TrainingArguments(
        output_dir=str(folder),
        **{
            "num_train_epochs": epochs,
            "per_device_train_batch_size": BATCH,
            "learning_rate": 3e-3,
            "logging_steps": 1,
            "save_strategy": "no",
            "report_to": "none",
            "use_cpu": True,
            "disable_tqdm": True,
            "seed": 7,
            **settings,
        },
    )
    trainer = transformers.Trainer(
        tiny.model(attention_dropout=0.3) if model is None else model,
        arguments,
        train_dataset=rows(),
        processing_class=tiny.tokenizer(),
        callbacks=list(callbacks),
    )
    trainer.train(resume_from_checkpoint=resume or None)
    return trainer


def kill(step: int) -> Any:
    """The process ends after so many steps."""

    def on_step_begin(args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        del args, control, kwargs
        if state.global_step == step:
            raise KeyboardInterrupt

    made = transformers.TrainerCallback()
    made.on_step_begin = on_step_begin
    return made


def weights(trainer: Any) -> dict[str, Any]:
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def same(first: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.equal(first[name], other[name]) for name in first)


def test_checks_lie_on_the_grid_and_at_the_end_and_tell_the_mean_loss(tmp_path: Path) -> None:
    watch = callback(ends, train_on=True, probes=(PROBE,))
    trainer = train(tmp_path, watch, gradient_accumulation_steps=2)
    assert [check.examples for check in watch.checks] == [0, 8, 16, 32, 68, 88]  # 44 rows: 5 steps of 8, one of 4
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 12
    edges = [0, 1, 2, 4, 9, 12]
    assert watch.checks[0].loss is None
    for check, first, last in zip(watch.checks[1:], edges[:-1], edges[1:], strict=True):
        assert check.loss == pytest.approx(np.mean(losses[first:last]))
    assert watch.checks[0].kl("prose") < 1e-6
    assert watch.checks[-1].kl("prose") > watch.checks[1].kl("prose")
    assert watch.checks[-1].kl("reference") is None
    assert watch.checks[0].value("ifs") < watch.checks[-1].value("ifs")  # it learns to come to an end
    assert watch.headroom is not None
    assert watch.headroom.left
    assert watch.seconds > 0


def test_a_rare_log_still_gives_every_check_its_loss(tmp_path: Path) -> None:
    every, rare = callback(ends, train_on=True), callback(ends, train_on=True)
    train(tmp_path, every)
    train(tmp_path, rare, logging_strategy="no")
    assert [check.loss for check in rare.checks] == pytest.approx([check.loss for check in every.checks])
    assert [check.loss is None for check in rare.checks] == [True] + [False] * (len(rare.checks) - 1)


def test_measuring_leaves_the_training_as_it_was(tmp_path: Path) -> None:
    untouched = weights(train(tmp_path))
    assert same(untouched, weights(train(tmp_path, callback(ends, train_on=True, probes=(PROBE,)))))
    other = weights(train(tmp_path, seed=8))
    assert not same(untouched, other)  # else randomness would play no part


def test_training_stops_where_the_rule_says_and_with_train_on_it_is_told(tmp_path: Path) -> None:
    stops, goes_on = callback(always(answers=True)), callback(always(answers=True), train_on=True)
    trainer = train(tmp_path, stops)
    assert trainer.state.global_step == 4
    assert [check.examples for check in stops.checks] == [0, 8, 16]
    assert stops.stopped_at.examples == 16
    assert not stops.headroom.left
    assert train(tmp_path, goes_on).state.global_step == 22
    assert goes_on.stopped_at.as_json() == stops.stopped_at.as_json()
    assert goes_on.checks[-1].examples == 88
    never = callback(always(answers=False))
    assert train(tmp_path, never).state.global_step == 22
    assert never.stopped_at is None


@pytest.mark.parametrize(("kind", "killed"), [("full", 3), ("full", 13), ("lora", 9)])
def test_a_killed_training_goes_on_to_the_same_curve(kind: str, killed: int, tmp_path: Path) -> None:
    def student() -> Any:
        base = tiny.model(attention_dropout=0.3)
        if kind == "full":
            return base
        pytest.importorskip("peft")
        return tiny.lora(base)

    knobs: dict[str, Any] = {"save_strategy": "steps", "save_steps": 5, "logging_steps": 3}
    through, cut = tmp_path / "through", tmp_path / "cut"
    whole = train(
        through, callback(ends, curve=through / "c.jsonl", probes=(PROBE,), train_on=True), model=student(), **knobs
    )
    with pytest.raises(KeyboardInterrupt):
        train(
            cut,
            callback(ends, curve=cut / "c.jsonl", probes=(PROBE,), train_on=True),
            kill(killed),
            model=student(),
            **knobs,
        )
    assert (cut / "c.base").exists() == (kind == "full")
    with (cut / "c.jsonl").open("ab") as file:  # and the kill came in the middle of a line
        file.write(b'{"examples": 99')
    again = callback(ends, curve=cut / "c.jsonl", probes=(PROBE,), train_on=True)
    resumed = train(cut, again, model=student(), resume=killed > 5, **knobs)
    for name in ("c.jsonl", "c.verdicts.jsonl"):
        assert (cut / name).read_bytes() == (through / name).read_bytes()
    assert same(weights(whole), weights(resumed))
    assert len(again.checks) == 6
    assert any("torn" in note for note in again.notes) == (killed > 5)
    assert not (cut / "c.base").exists()


def test_a_training_that_had_stopped_is_not_trained_any_further(tmp_path: Path) -> None:
    knobs: dict[str, Any] = {"save_strategy": "steps", "save_steps": 50, "weight_decay": 0.1}
    curve = tmp_path / "c.jsonl"
    first = train(tmp_path, callback(always(answers=True), curve=curve), **knobs)
    assert (tmp_path / "checkpoint-4").exists()
    written = curve.read_bytes()
    again = callback(always(answers=True), curve=curve)
    second = train(tmp_path, again, resume=True, **knobs)
    assert same(weights(first), weights(second))
    assert curve.read_bytes() == written
    assert again.stopped_at.examples == 16


def test_what_the_base_predicted_is_not_made_up_when_it_is_lost(tmp_path: Path) -> None:
    knobs: dict[str, Any] = {"save_strategy": "steps", "save_steps": 5}
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callback(ends, probes=(PROBE,), train_on=True), kill(6), **knobs)
    again = callback(ends, probes=(PROBE,), train_on=True)
    train(tmp_path, again, resume=True, **knobs)
    assert [check.kl("prose") for check in again.checks] == [None] * len(again.checks)
    assert again.headroom is None
    assert any("not kept" in note for note in again.notes)


def test_a_trainer_without_tokenizer_and_a_loss_that_is_no_number_are_refused(tmp_path: Path) -> None:
    bare = callback(ends)
    bare_trainer = transformers.Trainer(
        tiny.model(), transformers.TrainingArguments(str(tmp_path), use_cpu=True, report_to="none"), callbacks=[bare]
    )
    bare_trainer.train_dataset = rows()
    with pytest.raises(BadInput, match="no tokenizer"):
        bare_trainer.train()
    broken = tiny.model()
    watch = callback(always(answers=False))
    with torch.no_grad():
        broken.lm_head.weight[3] = float("nan")
    with pytest.raises(BadInput, match="lower the learning rate"):
        train(tmp_path, watch, model=broken, logging_nan_inf_filter=False)
    with pytest.raises(BadInput, match="not rising"):
        type(watch)(ends, grid=(0, 64, 32))


def test_it_works_in_trl(tmp_path: Path) -> None:
    trl, datasets = pytest.importorskip("trl"), pytest.importorskip("datasets")
    watch = callback(ends, rule=LENIENT, train_on=True)
    arguments = trl.SFTConfig(
        output_dir=str(tmp_path),
        num_train_epochs=1,
        per_device_train_batch_size=BATCH,
        report_to="none",
        save_strategy="no",
        use_cpu=True,
        bf16=False,
        disable_tqdm=True,
    )
    texts = [{"prompt": "name the river", "completion": " it is a river <end>"} for _ in range(20)]
    trainer = trl.SFTTrainer(
        tiny.model(),
        arguments,
        train_dataset=datasets.Dataset.from_list(texts),
        processing_class=tiny.tokenizer(),
        callbacks=[watch],
    )
    trainer.train()
    assert [check.examples for check in watch.checks] == [0, 8, 16, 20]
    assert all(check.loss is not None for check in watch.checks[1:])
