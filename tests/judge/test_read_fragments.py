import json
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.judge.read_fragments import read_fragments
from tests.judge.examples import World, folder


def test_a_folder_is_read_by_split_and_set(tmp_path: Path) -> None:
    fragments = read_fragments(folder(tmp_path / "f", World(20, "one"), World(10, "two")))
    assert (len(fragments.train), len(fragments.validation), len(fragments.test)) == (84, 24, 12)
    assert fragments.sets() == ("one", "two")
    assert len(fragments.of_set("two")) == 40
    assert fragments.without("two").sets() == ("one",)


def test_the_hash_is_that_of_the_three_files(tmp_path: Path) -> None:
    first, two = folder(tmp_path / "1", World(20, "one")), folder(tmp_path / "2", World(20, "one"))
    assert read_fragments(first).sha256 == read_fragments(two).sha256
    (two / "test.jsonl").write_text("", encoding="utf-8")
    assert read_fragments(first).sha256 != read_fragments(two).sha256


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"{", "not a line of JSON"),
        (b"[" * 100_000, "not a line of JSON"),
        (b"\xff", "not a line of JSON"),
        (b"[]", "not a JSON object"),
        (b'{"prompt": "a"}', "'continuation' is not a text"),
        (b'{"prompt": 3, "continuation": "b", "kind": "k", "source": "s", "label": 1}', "'prompt' is not a text"),
        (b'{"prompt": "a", "continuation": "b", "kind": "k", "source": "s"}', "'label' is not 0 or 1"),
        (b'{"prompt": "a", "continuation": "b", "kind": "k", "source": "s", "label": true}', "'label' is not 0 or 1"),
        (b'{"prompt": "a", "continuation": "b", "kind": "k", "source": "s", "label": 1, "whole": 1}', "'whole'"),
    ],
)
def test_a_line_that_is_no_fragment_is_named_with_its_place(tmp_path: Path, line: bytes, complaint: str) -> None:
    path = folder(tmp_path, World(10, "one")) / "train.jsonl"
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(BadInput, match=complaint) as error:
        read_fragments(tmp_path)
    assert f"{path}:29: " in str(error.value)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_split_without_one_of_the_labels_is_refused(tmp_path: Path, split: str) -> None:
    path = folder(tmp_path, World(10, "one")) / f"{split}.jsonl"
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if json.loads(line)["label"] == 1]
    path.write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(BadInput, match="no fragment with label 0"):
        read_fragments(tmp_path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        read_fragments(tmp_path / "nowhere")
    folder(tmp_path, World(10, "one"))
    (tmp_path / "test.jsonl").unlink()
    assert read_fragments(tmp_path).test == []
    (tmp_path / "validation.jsonl").unlink()
    with pytest.raises(BadInput, match="no such file"):
        read_fragments(tmp_path)
