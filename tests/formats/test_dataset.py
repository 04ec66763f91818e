"""The published folder: loads, says the same in both files, has the same bytes twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats.card import Card, FunnelLine, render
from selfinstruct.formats.dataset import push_to_hub, write_dataset
from selfinstruct.formats.rows import PLAIN, rows
from selfinstruct.pipeline.card import ABOUT, COLUMNS
from selfinstruct.records import Instance, Provenance, Task

TASKS = [
    Task(
        instruction="Translate `to` Danish ```now```.",
        instances=(Instance("Good day", "Goddag 🎉"), Instance("", "x: ---\n# no")),
        is_classification=False,
        provenance=Provenance(stage="instances", model="scripted"),
        extra={"id": "mine", "n": [1, 2]},
    )
]


def card(**changes: Any) -> Card:
    facts: dict[str, Any] = {
        "title": "A: set # of - things",
        "about": "",
        "license": "other",
        "language": ["en"],
        "layout": "messages",
        "rows": 2,
        "tasks": 1,
        "seeds": 180,
        "seeds_source": "seeds.jsonl",
        "models": ["openai:some|model"],
        "profile": "default",
        "run_seed": 42,
        "version": "0",
        "fingerprint": "f" * 64,
        "stopped_because": "the target is reached",
        "target": 1,
        "funnel": [FunnelLine("novelty", 3, 1, {"too_similar": 2}, 0)],
        "stages": {"novelty": {"rouge_l_below": 0.7}},
        "requests": 1,
        "failed_requests": 0,
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "cost": None,
        "command": "selfinstruct run x.yaml",
        "example": None,
        "parquet": True,
    }
    return Card(**{**facts, **changes})


def publish(folder: Path, layout: str) -> list[dict[str, Any]]:
    made = list(rows(TASKS, layout, lambda task, index: (task.instruction, task.instances[index].output)))
    folder.mkdir()
    text = render(card(layout=layout, example=made[0]))
    write_dataset(folder, {"train": made}, (*COLUMNS[layout], *ABOUT), text, ("jsonl", "parquet"))
    return made


@pytest.mark.parametrize("layout", [*PLAIN, "self_instruct"])
def test_every_layout_loads_with_datasets_and_equals_its_jsonl(
    layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    made = publish(tmp_path / "dataset", layout)
    loaded = load_dataset(str(tmp_path / "dataset"), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train"]
    assert [dict(row) for row in loaded["train"]] == made
    lines = (tmp_path / "dataset" / "jsonl" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == made


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    publish(tmp_path / "a", "messages")
    publish(tmp_path / "b", "messages")
    for name in ("data/train.parquet", "jsonl/train.jsonl", "README.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_empty_set_still_has_its_columns(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    write_dataset(tmp_path, {"train": []}, (*COLUMNS["messages"], *ABOUT), "x", ("parquet",))
    assert pq.read_schema(tmp_path / "data" / "train.parquet").names == [*COLUMNS["messages"], *ABOUT]


def test_extra_fields_survive(tmp_path: Path) -> None:
    [first, _] = publish(tmp_path / "dataset", "alpaca")
    assert json.loads(first["metadata"]) == {"id": "mine", "n": [1, 2]}


def test_the_card_tells_unknown_prices_as_unknown_and_its_front_matter_is_yaml() -> None:
    import yaml

    text = render(card(title='tricky: "quotes" # and\nlines'))
    front = yaml.safe_load(text.split("---")[1])
    assert front["pretty_name"] == 'tricky: "quotes" # and\nlines'
    assert front["configs"][0]["data_files"] == [{"split": "train", "path": "data/train.parquet"}]
    assert "price is unknown" in text
    assert "$" not in text


def test_record_text_cannot_break_out_of_its_fence() -> None:
    text = render(card(example={"output": "``` ````\n# headline"}))
    assert "`````json" in text


def test_a_push_needs_a_token_and_a_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_TOKEN", raising=False)
    with pytest.raises(BadInput, match="no published set"):
        push_to_hub(tmp_path, "me/set")
    (tmp_path / "README.md").write_text("x")
    with pytest.raises(BadInput, match="MY_TOKEN is not set"):
        push_to_hub(tmp_path, "me/set", token_env="MY_TOKEN")
    monkeypatch.setenv("MY_TOKEN", "secret")
    sent: list[tuple[str, str, str]] = []

    def upload(folder: str, repository: str, token: str) -> str:
        sent.append((folder, repository, token))
        return "there"

    assert push_to_hub(tmp_path, "me/set", token_env="MY_TOKEN", upload=upload) == "there"
    assert sent == [(str(tmp_path), "me/set", "secret")]
