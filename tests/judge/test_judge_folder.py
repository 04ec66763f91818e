""""""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.judge.fit_judge import train
from selfinstruct.judge.judge_folder import load_judge
from selfinstruct.records import digest
from tests.judge.examples import World, folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("judge")
    train(folder(home / "f", World(60, "one")), home / "j")
    return home / "j"


@pytest.fixture
def judge(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "j"))


def _rewritten(judge: Path, **changes: Any) -> None:
    facts = json.loads((judge / "judge.json").read_bytes()) | changes
    del facts["sha256"]
    (judge / "judge.json").write_text(json.dumps(facts | {"sha256": digest("judge", facts)}), encoding="utf-8")


@pytest.mark.parametrize("name", ["judge.json", "weights.safetensors"])
@pytest.mark.parametrize("where", [0.0, 0.3, 0.6, 0.999])
def test_a_single_changed_byte_is_noticed(judge: Path, name: str, where: float) -> None:
    raw = bytearray((judge / name).read_bytes())
    raw[int(where * len(raw))] ^= 1
    (judge / name).write_bytes(bytes(raw))
    with pytest.raises(BadInput) as error:
        load_judge(judge)
    assert "\n" not in str(error.value)
    assert "train it again" in str(error.value)


@pytest.mark.parametrize("name", ["judge.json", "weights.safetensors"])
def test_a_cut_or_missing_file_is_noticed(judge: Path, name: str) -> None:
    (judge / name).write_bytes((judge / name).read_bytes()[:200])
    with pytest.raises(BadInput, match="damaged"):
        load_judge(judge)
    (judge / name).unlink()
    with pytest.raises(BadInput, match="missing"):
        load_judge(judge)


def test_another_version_is_refused_and_named(judge: Path) -> None:
    _rewritten(judge, features={"version": 99, "bits": 18, "scale": 1024})
    with pytest.raises(BadInput, match="version 99; this release reads 1"):
        load_judge(judge)
    _rewritten(judge, version=7)
    with pytest.raises(BadInput, match="version 7; this release reads 1"):
        load_judge(judge)
    _rewritten(judge, version=1, backend="forest")
    with pytest.raises(BadInput, match="backend 'forest' is unknown"):
        load_judge(judge)


def test_other_folders_and_files_are_no_judges(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no judge here"):
        load_judge(tmp_path)
    for text in ('{"format": "something"}', "[]", '{"format": ["selfinstruct-judge"]}'):
        (tmp_path / "judge.json").write_text(text, encoding="utf-8")
        with pytest.raises(BadInput, match="not a judge's file"):
            load_judge(tmp_path)


def test_the_card_may_be_edited(judge: Path) -> None:
    (judge / "README.md").write_text("my notes", encoding="utf-8")
    assert load_judge(judge).probabilities([("Name a river.", "The answer is the Rhine.")])[0] > 0
