import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput, NoRoom, Stopped
from selfinstruct.finetune.adapter import with_adapter
from selfinstruct.finetune.checkpoint import Progress, checkpoints
from selfinstruct.finetune.examples import prepare
from selfinstruct.finetune.machine_probe import precision
from selfinstruct.finetune.training import mean_loss, train
from selfinstruct.stage import OWN_DTYPE
from tests.finetune.builders import PACKED, PADDED, examples, model, recipe, task, tokenizer

torch = pytest.importorskip("torch")
resource = pytest.importorskip("resource")  # limits of a process, where there are any
transformers = pytest.importorskip("transformers")


class Killed(Exception):
    """Instead of a signal."""


class Seen(transformers.TrainerCallback):  # type: ignore[misc, name-defined] # imported late, untyped
    """Writes down what it is told; kills, stops or asks to save at a step."""

    def __init__(self, *, kill: int = -1, stop: int = -1, save: int = -1) -> None:
        self.kill, self.stop, self.save = kill, stop, save
        self.events: list[str] = []
        self.examples: list[int] = []
        self.losses: list[float] = []

    def on_train_begin(self, args: Any, _state: Any, _control: Any, **more: Any) -> None:
        self.events.append("begin")
        assert more["model"].training
        assert more["processing_class"] is not None
        assert args.gradient_accumulation_steps == 2

    def on_step_end(self, _args: Any, state: Any, control: Any, **_more: Any) -> Any:
        self.examples.append(state.examples_seen)
        if state.global_step == self.kill:
            raise Killed
        control.should_training_stop = state.global_step == self.stop
        control.should_save = state.global_step == self.save
        return control

    def on_log(self, _args: Any, state: Any, _control: Any, logs: Any = None, **_more: Any) -> None:
        self.losses.append(logs["loss"])
        assert logs["step"] == state.global_step

    def on_train_end(self, *_told: Any, **_more: Any) -> None:
        self.events.append("end")


def _lora(seed: int = 1) -> Any:
    return with_adapter(model(seed=seed), rank=4, alpha=8, targets=("all-linear",), seed=9, base="tiny")


def _weights(made: Any) -> dict[str, Any]:
    return {name: weight.detach().clone() for name, weight in made.named_parameters() if weight.requires_grad}


def _trained(folder: Path, *callbacks: Any, full: bool = False, **knobs: Any) -> tuple[Any, Progress]:
    made = model() if full else _lora()
    return made, train(made, tokenizer(), examples(10), recipe(**knobs), PACKED, folder, callbacks)


def _equal(one: Any, other: Any) -> bool:
    first, second = _weights(one), _weights(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("full", [False, True])
def test_the_loss_falls(tmp_path: Path, *, full: bool) -> None:
    _, progress = _trained(tmp_path, full=full, epochs=8.0)
    assert sum(progress.losses[-3:]) < 0.8 * sum(progress.losses[:3])
    assert progress.finished
    assert progress.examples == 80
    assert progress.step == len(progress.losses) == 24


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("neftune", [0.0, 5.0])
def test_a_killed_training_goes_on_to_the_same_weights_bit_for_bit(
    tmp_path: Path, *, full: bool, neftune: float
) -> None:
    whole, expected = _trained(tmp_path / "whole", full=full, neftune=neftune)
    with pytest.raises(Killed):
        _trained(tmp_path / "killed", Seen(kill=5), full=full, neftune=neftune)
    assert checkpoints(tmp_path / "killed")
    resumed, progress = _trained(tmp_path / "killed", full=full, neftune=neftune)
    assert progress == expected
    assert _equal(resumed, whole)


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    whole, expected = _trained(tmp_path)
    seen = Seen()
    again, progress = _trained(tmp_path, seen)
    assert progress == expected
    assert _equal(again, whole)
    assert seen.events == ["begin", "end"]
    assert not seen.examples


def test_what_nobody_goes_on_from_leaves_no_last_checkpoint(tmp_path: Path) -> None:
    made, last = _trained(tmp_path / "not", save_every=99, keep_end=False)
    kept, expected = _trained(tmp_path / "kept", save_every=99)
    assert last == expected
    assert _equal(made, kept)
    assert not checkpoints(tmp_path / "not")
    assert checkpoints(tmp_path / "kept")


def test_same_seed_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    first, _ = _trained(tmp_path / "a", neftune=5.0)
    same, _ = _trained(tmp_path / "b", neftune=5.0)
    other, _ = _trained(tmp_path / "c", neftune=5.0, seed=6)
    assert _equal(first, same)
    assert not _equal(first, other)


def test_how_a_step_is_cut_into_passes_and_laid_out_changes_nothing_that_is_learned(tmp_path: Path) -> None:
    losses = []
    for number, (examined, knobs) in enumerate(
        [(PACKED, {}), (PADDED, {}), (PACKED, {"batch": 4, "accumulate": 1}), (PADDED, {"batch": 1, "accumulate": 4})]
    ):
        made = _lora()
        done = train(made, tokenizer(), examples(10), recipe(**knobs), examined, tmp_path / str(number), ())
        losses.append(done.losses)
    for other in losses[1:]:
        assert other == pytest.approx(losses[0], rel=1e-4)


def test_callbacks_of_transformers_are_told_and_may_stop(tmp_path: Path) -> None:
    seen = Seen(stop=4)
    _, progress = _trained(tmp_path, seen)
    assert seen.events == ["begin", "end"]
    assert seen.examples == [4, 8, 10, 14]
    assert seen.losses == list(progress.losses)
    assert progress.step == 4
    assert progress.finished


def test_a_callback_that_is_told_a_second_time_finds_the_whole_history(tmp_path: Path) -> None:
    class History(transformers.TrainerCallback):  # type: ignore[misc, name-defined] # as above
        steps: Sequence[int] = ()

        def on_train_begin(self, _args: Any, state: Any, _control: Any, **_more: Any) -> None:
            self.steps = [entry["step"] for entry in state.log_history]
            assert state.global_step == len(self.steps)
            assert state.examples_seen == 8

    with pytest.raises(Killed):
        _trained(tmp_path, Seen(kill=3))
    history = History()
    _trained(tmp_path, history)
    assert history.steps == [1, 2]


def test_a_callback_may_ask_for_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        _trained(tmp_path, Seen(save=2, kill=3), save_every=10_000)
    (place,) = checkpoints(tmp_path)
    assert json.loads((place / "progress.json").read_text())["examples"] == 8


def test_of_all_checkpoints_the_last_is_kept_and_no_half_of_one(tmp_path: Path) -> None:
    _trained(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-000000006-end"]


def test_the_end_is_never_written_over_the_checkpoint_of_the_same_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, expected = _trained(tmp_path / "whole", save_every=2)
    renamed = Path.rename

    def killed_at_the_end(path: Path, target: Path) -> Path:
        if target.name.endswith("-end"):
            raise Killed
        return renamed(path, target)

    monkeypatch.setattr(Path, "rename", killed_at_the_end)
    with pytest.raises(Killed):
        _trained(tmp_path / "killed", save_every=2)
    monkeypatch.undo()
    (left,) = checkpoints(tmp_path / "killed")
    assert left.name == "checkpoint-000000006"
    resumed, progress = _trained(tmp_path / "killed", Seen(kill=1), save_every=2)
    assert progress == expected
    assert _equal(resumed, whole)


def test_half_a_checkpoint_is_none(tmp_path: Path) -> None:
    _, expected = _trained(tmp_path)
    (place,) = checkpoints(tmp_path)
    (place / "numbers.safetensors").unlink()
    assert checkpoints(tmp_path) == []
    assert _trained(tmp_path)[1] == expected


@pytest.mark.filterwarnings("ignore:.*overflow")
def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    class Breaks(transformers.TrainerCallback):  # type: ignore[misc, name-defined] # as above
        def on_step_begin(self, _args: Any, state: Any, _control: Any, **more: Any) -> None:
            if state.global_step == 3:
                next(weight for weight in more["model"].parameters() if weight.requires_grad).data.fill_(float("nan"))

    with pytest.raises(Stopped) as stopped:
        _trained(tmp_path, Breaks(), learning_rate=0.25)
    (place,) = checkpoints(tmp_path)
    assert str(stopped.value).startswith("the loss is no number after 10 examples (3 steps)")
    assert str(place) in str(stopped.value)
    assert "with a learning_rate below 0.25, into another folder" in str(stopped.value)
    assert stopped.value.exit_code == 3


def test_a_learning_rate_that_is_far_too_high_ends_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="the loss is no number after"):
        _trained(tmp_path, full=True, learning_rate=1e30, warm_up=0.0)


@pytest.mark.parametrize(("save_every", "epochs"), [(4, 1.0), (1000, 0.4)], ids=["at a checkpoint", "at the last step"])
def test_weights_that_give_no_number_are_never_kept(tmp_path: Path, save_every: int, epochs: float) -> None:
    with pytest.raises(Stopped, match=r"after 4 examples \(1 steps\); there was no checkpoint before it"):
        _trained(tmp_path, full=True, learning_rate=1e30, warm_up=0.0, save_every=save_every, epochs=epochs)
    assert not checkpoints(tmp_path)


def test_no_space_for_a_checkpoint_is_one_line_and_the_one_before_is_kept(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        _trained(tmp_path, Seen(kill=3))
    (before,) = checkpoints(tmp_path)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(NoRoom, match=r"checkpoint-.* MB are free, at least .* MB are needed\).*make room"):
            _trained(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert list(tmp_path.iterdir()) == [before]


def test_a_read_only_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NoRoom, match="make room or permit writing"):
        _trained(tmp_path / "file")


def test_the_loss_on_what_is_held_out_is_a_mean_of_nats_a_token_and_leaves_the_model_as_it_was() -> None:
    made = model().train()
    held = prepare([task("Add.", "3"), task("Name.", "It is.")], tokenizer(), template="ifs", max_tokens=99).examples
    whole = mean_loss(made, tokenizer(), held, recipe(), PACKED)
    parts = [mean_loss(made, tokenizer(), [example], recipe(), PADDED) * example.learned for example in held]
    assert whole == pytest.approx(sum(parts) / sum(example.learned for example in held), rel=1e-5)
    assert made.training


def test_a_layer_that_is_not_there_is_refused_and_those_that_are_there_are_named() -> None:
    with pytest.raises(BadInput, match=r"no layer to adapt among attention; layers: .*q_proj"):
        with_adapter(model(), rank=2, alpha=2, targets=("attention",), seed=0, base="tiny")


def test_an_adapter_learns_in_four_bytes_on_a_base_of_two(tmp_path: Path) -> None:
    made = with_adapter(model().to(torch.bfloat16), rank=2, alpha=4, targets=("q_proj",), seed=0, base="tiny")
    assert {weight.dtype for weight in made.parameters() if weight.requires_grad} == {torch.float32}
    done = train(made, tokenizer(), examples(4), recipe(epochs=3.0), PACKED, tmp_path)
    assert done.losses[-1] < done.losses[0]


def test_full_tuning_in_two_bytes_keeps_four_for_the_weights(tmp_path: Path) -> None:
    how = precision("bfloat16", "full")
    assert (how.weights, how.autocast) == ("float32", True)
    made, done = _trained(tmp_path, full=True, autocast=True, epochs=4.0)
    assert {weight.dtype for weight in made.parameters()} == {torch.float32}
    assert done.losses[-1] < done.losses[0]


def test_a_number_format_that_is_asked_for_is_taken() -> None:
    assert precision("float32", "lora").name == "float32"
    assert precision("bfloat16", "lora").name == "bfloat16"


@pytest.mark.parametrize(
    ("processor", "used", "weights"),
    [
        ({"avx512_f": True}, "AVX512", "float32"),
        ({"avx512_bf16": False}, "AVX512", "float32"),
        ({"avx512_f": True, "amx_bf16": True}, "AVX512", "bfloat16"),
        ({"avx512_f": True, "amx_bf16": True}, "AVX2", "float32"),  # ATEN_CPU_CAPABILITY says so
        ({"bf16": True}, "DEFAULT", "bfloat16"),  # of another make
    ],
)
def test_two_bytes_are_for_processors_that_gain_from_them(
    processor: dict[str, bool], used: str, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(OWN_DTYPE)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: used)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor, raising=False)
    assert precision("auto", "lora").weights == weights
    assert precision("auto", "full").autocast == (weights == "bfloat16")


def test_the_environment_outweighs_the_processor_and_a_knob_outweighs_both(monkeypatch: pytest.MonkeyPatch) -> None:
    for fast in (True, False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda fast=fast: {"amx_bf16": fast}, raising=False)
        for said, weights in (("float32", "float32"), ("bfloat16", "bfloat16")):
            monkeypatch.setenv(OWN_DTYPE, said)
            assert precision("auto", "lora").weights == weights
            assert precision("float32", "lora").weights == "float32"
            assert precision("bfloat16", "lora").weights == "bfloat16"
        for silent in ("", "auto", "float16"):  # the last is for asking
            monkeypatch.setenv(OWN_DTYPE, silent)
            assert precision("auto", "lora").weights == ("bfloat16" if fast else "float32")
    monkeypatch.setenv(OWN_DTYPE, "int3")
    with pytest.raises(BadInput, match=r"SELFINSTRUCT_DTYPE: no number format 'int3'; one of: auto, float32"):
        precision("auto", "lora")
