"""A published set is what other trainers take: it trains, as it lies there, in TRL."""

from pathlib import Path

import pytest

from tests.cli.typed import command
from tests.finetune.builders import model, tokenizer

trl = pytest.importorskip("trl")


@pytest.mark.parametrize("layout", ["messages", "prompt_completion"])
def test_a_published_set_trains_unchanged_in_trl(layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    run = tmp_path / "run"
    ended = command(
        "run", "smoke", "--set", "stages=[{split: {test: 0.3}}]", "--set", f"publish.format={layout}", "-o", run
    )
    assert ended.returncode == 0, ended.stderr
    loaded = load_dataset(str(run / "dataset"), cache_dir=str(tmp_path / "cache"))
    assert sorted(loaded) == ["test", "train"]
    made = model()
    before = {name: weight.detach().clone() for name, weight in made.named_parameters()}
    arguments = trl.SFTConfig(
        output_dir=str(tmp_path / "out"),
        max_steps=2,
        per_device_train_batch_size=4,
        learning_rate=0.01,
        max_length=200,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        bf16=False,
        dataset_num_proc=None,
    )
    trainer = trl.SFTTrainer(made, args=arguments, train_dataset=loaded["train"], processing_class=tokenizer())
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 2
    assert all(0 < loss < 20 for loss in losses)
    assert any((weight != before[name]).any() for name, weight in made.named_parameters())
