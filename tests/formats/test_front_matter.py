"""The front matter of a stranger's card: no tag, anchor or pattern in it does harm."""

import os
import time
from itertools import pairwise
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats.front_matter import checked_pattern, front_matter
from selfinstruct.formats.sets import read_set
from selfinstruct.records import Task

ROW = '{"instruction": "Name a river.", "output": "Tay"}\n'


def card(folder: Path, front: str) -> Path:
    (folder / "README.md").write_text(f"---\n{front}\n---\n# A set\n")
    (folder / "rivers.jsonl").write_text(ROW)
    return folder


def outputs(given: object) -> list[str]:
    return [one.instances[0].output for one in read_set(str(given)) if isinstance(one, Task)]


@pytest.mark.parametrize(
    "front",
    [
        'configs: !!int ""',
        'configs: !!timestamp "x"',
        'configs: !!bool "x"',
        'configs: !!float "x"',
        'configs: !!python/object/apply:os.system ["true"]',
        "configs: [{config_name: default, data_files: rivers.jsonl, size: !!int ''}]",
        "configs: [{config_name: !!int '', data_files: rivers.jsonl}]",
        "configs: [{data_files: [{split: !!bool '', path: rivers.jsonl}]}]",
        "configs: {a: 1}",
        "configs: &a [*a]",
        "? [a, b]\n: 1",
        "[" * 5000,
        "a: " * 5000,
    ],
)
def test_no_tag_and_no_shape_makes_more_of_it_than_it_says(front: str, tmp_path: Path) -> None:
    assert outputs(card(tmp_path, front)) == ["Tay"]


def test_anchors_in_anchors_cost_nothing(tmp_path: Path) -> None:
    names = [f"a{number}" for number in range(40)]
    lines = [f"{names[0]}: &{names[0]} [rivers.jsonl]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in pairwise(names)]
    lines += [f"configs: [{{config_name: *{names[-1]}, data_files: [{{split: *{names[-1]}, path: *{names[-1]}}}]}}]"]
    began = time.monotonic()
    assert outputs(card(tmp_path, "\n".join(lines))) == ["Tay"]
    merged = ["m0: &m0 {a: 1}"]
    merged += [f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    assert outputs(card(tmp_path, "\n".join(merged))) == ["Tay"]
    assert time.monotonic() - began < 5


def test_many_stars_are_refused_or_are_one(tmp_path: Path) -> None:
    deep = tmp_path
    for number in range(12):
        deep = deep / f"d{number}"
        (tmp_path / f"e{number}").mkdir()
    deep.mkdir(parents=True)
    (deep / "x.jsonl").write_text(ROW)
    began = time.monotonic()
    assert outputs(card(tmp_path, f"configs: [{{data_files: '{'**/' * 60}x.jsonl'}}]")) == ["Tay"]
    for pattern in ("**/a/" * 20 + "x.jsonl", "*a" * 30 + ".jsonl"):
        with pytest.raises(BadInput, match="a pattern with too many stars"):
            outputs(card(tmp_path, f"configs: [{{data_files: '{pattern}'}}]"))
    assert time.monotonic() - began < 5
    assert checked_pattern("data/train-*.parquet", "") == "data/train-*.parquet"


def test_a_card_without_an_end_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "README.md")
    assert front_matter(tmp_path / "README.md") == {}
    (tmp_path / "zero").symlink_to("/dev/zero")
    assert front_matter(tmp_path / "zero") == {}


def test_the_usual_configuration_is_still_found(tmp_path: Path) -> None:
    front = "configs:\n- {config_name: a, data_files: other.jsonl}\n"
    front += "- {config_name: b, default: true, data_files: rivers.jsonl}"
    assert outputs(card(tmp_path, front)) == ["Tay"]
