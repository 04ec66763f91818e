"""A published set is what other trainers take: it trains, as it lies there, in TRL."""

from pathlib import Path

import pytest

from selfinstruct.formats.dataset import write_dataset
from selfinstruct.formats.rows import ABOUT, COLUMNS, rows
from tests.finetune.builders import model, task, tasks, tokenizer

trl = pytest.importorskip("trl")


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["messages", "prompt_completion"])
def test_a_published_set_trains_unchanged_in_trl(layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    records = [*tasks(7), task("Add.", "3", "1 + 2", extra={"id": "mine", "note": [1, 2]})]
    folder = tmp_path / "dataset"
    folder.mkdir()
    card = "---\nconfigs:\n- config_name: default\n  data_files: data/*.parquet\n---\n"
    write_dataset(folder, {"train": rows(records, layout)}, (*COLUMNS[layout], *ABOUT), card, ("jsonl", "parquet"))
    loaded = load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
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
    trainer = trl.SFTTrainer(made, args=arguments, train_dataset=loaded, processing_class=tokenizer())
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 2
    assert all(0 < loss < 20 for loss in losses)
    assert any((weight != before[name]).any() for name, weight in made.named_parameters())
