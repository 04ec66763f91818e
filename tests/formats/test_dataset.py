"""The published folder: loads, says the same in both files, has the same bytes twice."""

import json
import tracemalloc
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput, ProviderDown
from selfinstruct.formats import parquet_writing
from selfinstruct.formats.dataset import Hub, check_push, push_to_hub, write_dataset
from selfinstruct.formats.dataset_card import render
from selfinstruct.formats.rows import ABOUT, COLUMNS, PLAIN, rows
from selfinstruct.records import Instance, Message, Provenance, Task
from tests.formats.cards import card

TASKS = [
    Task(
        instruction="Translate `to` Danish ```now```.",
        instances=(Instance("Good day", "Goddag 🎉"), Instance("", "x: ---\n# no")),
        is_classification=False,
        provenance=Provenance(stage="instances", model="scripted"),
        extra={"id": "mine", "n": [1, 2]},
    )
]
TOKEN = "hf_secret"


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


def test_an_empty_set_still_has_its_columns_and_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` loads no split without rows, whoever wrote it; as a stream it does."""
    import pyarrow.parquet as pq

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    columns = [*COLUMNS["messages"], *ABOUT]
    write_dataset(tmp_path, {"train": []}, columns, render(card(rows=0)), ("jsonl", "parquet"))
    assert pq.read_schema(tmp_path / "data" / "train.parquet").names == columns
    assert (tmp_path / "jsonl" / "train.jsonl").read_bytes() == b""
    assert list(load_dataset(str(tmp_path), streaming=True)["train"]) == []


@pytest.mark.parametrize("files", [("parquet",), ("jsonl",)])
def test_whatever_files_are_asked_for_the_folder_loads(
    files: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    folder = tmp_path / "dataset"
    folder.mkdir()
    made = list(rows(TASKS, "messages"))
    text = render(card(rows=len(made), parquet="parquet" in files))
    write_dataset(folder, {"train": made}, (*COLUMNS["messages"], *ABOUT), text, files)
    train = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))["train"]
    assert train.num_rows == len(made)
    assert train.column_names == [*COLUMNS["messages"], *ABOUT]


LINE_SAFE = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))


def everything(task_text: str) -> list[Task]:
    return [
        Task(
            instruction=task_text or "x",
            instances=(Instance(task_text, task_text),),
            provenance=Provenance(stage="instances", source=task_text),
            extra={"note": task_text, task_text: 1},
        )
    ]


@pytest.mark.parametrize("layout", list(PLAIN))
def test_every_character_there_is_survives_in_both_files(layout: str, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    for start in range(0, len(LINE_SAFE), 1 << 18):
        made = list(rows(everything(LINE_SAFE[start : start + (1 << 18)]), layout))
        write_dataset(tmp_path, {"train": made}, (*COLUMNS[layout], *ABOUT), "", ("jsonl", "parquet"))
        assert pq.read_table(tmp_path / "data" / "train.parquet").to_pylist() == made
        [line] = (tmp_path / "jsonl" / "train.jsonl").read_bytes().decode("utf-8").splitlines()
        assert json.loads(line) == made[0]


def test_half_characters_become_the_replacement_character_alike_in_both_files(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    made = list(rows(everything("a \ud83d b"), "alpaca"))
    write_dataset(tmp_path, {"train": made}, (*COLUMNS["alpaca"], *ABOUT), "c \udc00", ("jsonl", "parquet"))
    [line] = (tmp_path / "jsonl" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    [row] = pq.read_table(tmp_path / "data" / "train.parquet").to_pylist()
    assert json.loads(line) == row
    assert row["output"] == "a \ufffd b"
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "c \ufffd"


@given(
    st.lists(
        st.builds(
            lambda instruction, pairs, extra: Task(
                instruction=instruction,
                instances=tuple(Instance(*pair) for pair in pairs),
                provenance=Provenance(stage="instances"),
                extra=extra,
            ),
            st.text(min_size=1),
            st.lists(st.tuples(st.text(), st.text()), max_size=3),
            st.dictionaries(st.text(), st.integers() | st.text() | st.none()),
        ),
        max_size=3,
    ),
    st.sampled_from(list(PLAIN)),
)
@settings(max_examples=60, deadline=None)
def test_rows_say_what_the_tasks_said(tasks: list[Task], layout: str) -> None:
    made = list(rows(tasks, layout))
    assert len(made) == sum(len(task.instances) for task in tasks)
    expected = [(task, pair) for task in tasks for pair in task.instances]
    for row, (task, pair) in zip(made, expected, strict=True):
        texts = json.dumps({key: row[key] for key in COLUMNS[layout]})
        loses_space = layout == "tags" or (layout != "alpaca" and pair.input.strip() != "")
        asked = task.instruction.strip() if loses_space else task.instruction
        said = [asked, pair.output.strip() if layout == "tags" else pair.output]
        assert all(json.dumps(text)[1:-1] in texts for text in said)
        assert json.loads(str(row["metadata"]) or "{}") == task.extra


def test_extra_fields_survive(tmp_path: Path) -> None:
    [first, _] = publish(tmp_path / "dataset", "alpaca")
    assert json.loads(first["metadata"]) == {"id": "mine", "n": [1, 2]}


def test_rows_may_come_one_by_one_and_are_walked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small groups, so that the file has several; the same rows at once give the same bytes."""
    import pyarrow.parquet as pq

    monkeypatch.setattr(parquet_writing, "GROUP_ROWS", 100)
    made = list(rows([replace(TASKS[0], ordinal=number) for number in range(175)], "messages"))
    columns = (*COLUMNS["messages"], *ABOUT)
    for name, split in (("list", made), ("once", iter(made))):
        (tmp_path / name).mkdir()
        write_dataset(tmp_path / name, {"train": split}, columns, lambda _: "made at the end", ("jsonl", "parquet"))
    for name in ("data/train.parquet", "jsonl/train.jsonl", "README.md"):
        assert (tmp_path / "list" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()
    file = pq.ParquetFile(tmp_path / "once" / "data" / "train.parquet")
    assert [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)] == [100, 100, 100, 50]
    assert file.read().to_pylist() == made


def test_memory_does_not_grow_with_the_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa

    monkeypatch.setattr(parquet_writing, "GROUP_CHARS", 1 << 20)
    long = replace(TASKS[0], instances=(Instance("", "x" * 20_000),))
    columns = (*COLUMNS["alpaca"], *ABOUT)

    def peak(count: int) -> int:
        tracemalloc.start()
        before = pa.total_allocated_bytes()
        split = rows((replace(long, ordinal=number) for number in range(count)), "alpaca")
        write_dataset(tmp_path, {"train": split}, columns, "", ("jsonl", "parquet"))
        python = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return python + int(pa.total_allocated_bytes() - before)

    peak(1)
    assert peak(1500) < 8 << 20, "the set itself has 30 MB"


def test_a_conversation_is_cut_only_when_told() -> None:
    chat = replace(
        TASKS[0],
        instances=(Instance("", "Tay"),),
        system="Be short.",
        later=(Message("user", "Another?"), Message("assistant", "Dee")),
        measures={"words": 2.0},
    )
    with pytest.raises(BadInput, match=f"record {chat.id[:16]} .* a conversation of 2 answers.*first_turn=True"):
        list(rows([chat], "alpaca"))
    [row] = rows([chat], "alpaca", first_turn=True)
    assert row["output"] == "Tay"
    page = json.loads(str(row["metadata"]))
    assert (page["system"], page["measures"], page["id"]) == ("Be short.", {"words": 2.0}, "mine")
    [row] = rows([chat], "tags")
    assert str(row["text"]).startswith("<|system|>\nBe short.\n<|user|>\n")
    assert str(row["text"]).endswith("<|assistant|>\nDee</s>")


@dataclass
class LocalHub:
    """Takes what the real one takes."""

    token: str = ""
    fault: Exception | None = None
    done: list[tuple[str, str, str]] = field(default_factory=list)

    def connect(self, token: str) -> Hub:
        self.token = token
        return self

    def create_repo(self, repo_id: str, *, repo_type: str, private: bool, exist_ok: bool) -> object:
        assert exist_ok
        self.done.append(("create", repo_id, f"{repo_type} {'private' if private else 'public'}"))
        return repo_id

    def upload_folder(self, *, repo_id: str, repo_type: str, folder_path: str, allow_patterns: list[str]) -> object:
        if self.fault:
            raise self.fault
        names = sorted(
            str(path.relative_to(folder_path)) for glob in allow_patterns for path in Path(folder_path).glob(glob)
        )
        self.done.append(("upload", repo_id, f"{repo_type} {' '.join(names)}"))
        return f"https://there/{repo_id}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MY_TOKEN", TOKEN)
    for name in ("README.md", "data/train.parquet", "jsonl/train.jsonl", ".env", "data/.train.parquet.tmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


def test_the_set_goes_up_and_nothing_else_in_the_folder(folder: Path) -> None:
    hub = LocalHub()
    assert push_to_hub(folder, "me/set", token_env="MY_TOKEN", connect=hub.connect) == "https://there/me/set"
    assert hub.done == [
        ("create", "me/set", "dataset private"),
        ("upload", "me/set", "dataset README.md data/train.parquet jsonl/train.jsonl"),
    ]
    assert hub.token == TOKEN


def test_a_token_and_a_set_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_TOKEN", raising=False)
    with pytest.raises(BadInput, match="no published set"):
        push_to_hub(tmp_path, "me/set")
    (tmp_path / "README.md").write_text("x")
    import huggingface_hub as hub

    monkeypatch.setattr(hub, "get_token", lambda: None)
    for ask in (partial(push_to_hub, tmp_path), check_push):
        with pytest.raises(BadInput, match=r"MY_TOKEN is not set, and nobody has logged in; export MY_TOKEN=.*hf auth"):
            ask("me/set", token_env="MY_TOKEN")
    monkeypatch.setattr(hub, "get_token", lambda: TOKEN)
    check_push("me/set", token_env="MY_TOKEN")
    made = LocalHub()
    push_to_hub(tmp_path, "me/set", token_env="MY_TOKEN", connect=made.connect)
    assert made.token == TOKEN


def test_what_an_upload_would_fail_with_is_said_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(BadInput, match="nothing would be uploaded"):
        check_push("me/set", published=False)
    for name in ("not a name//", "", "a/b/c"):
        with pytest.raises(BadInput, match="write it as OWNER/NAME"):
            check_push(name)


def test_a_hub_that_refuses_leaves_one_line_without_the_token(folder: Path) -> None:
    hub = LocalHub(fault=ConnectionError(f"403 for Bearer {TOKEN}\nrequest 17"))
    with pytest.raises(ProviderDown, match="the set is safe in") as raised:
        push_to_hub(folder, "me/set", token_env="MY_TOKEN", connect=hub.connect)
    assert TOKEN not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_real_client_takes_our_calls_and_refuses_a_bad_name(folder: Path) -> None:
    import inspect

    from huggingface_hub import HfApi

    for mine, theirs in ((Hub.create_repo, HfApi.create_repo), (Hub.upload_folder, HfApi.upload_folder)):
        assert set(inspect.signature(mine).parameters) <= set(inspect.signature(theirs).parameters)
    with pytest.raises(BadInput, match="OWNER/NAME"):
        push_to_hub(folder, "not a name//", token_env="MY_TOKEN")
