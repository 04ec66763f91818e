"""What makes no other run: the name of a seed file, how many requests are in flight."""

import json
import shutil
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats.seeds import builtin_seeds
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.builtin_recipes import find_recipe
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import read_yaml
from tests.faults.same import answers, differences, files


def run(folder: Path, *changes: str) -> None:
    execute(resolve(read_yaml(find_recipe(Path("smoke"))), changes), Options(folder=folder))


def ids(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("more", [(), ("holdout_seeds=20",)])
def test_a_renamed_seed_file_goes_on_with_the_run(more: tuple[str, ...], tmp_path: Path) -> None:
    first, second, folder = tmp_path / "first.jsonl", tmp_path / "second.jsonl", tmp_path / "run"
    shutil.copyfile(builtin_seeds(), first)
    run(folder, "count=3", f"seeds={first}", *more)
    seeds, kept, asked = ids(folder / "seeds.jsonl"), ids(folder / "kept.jsonl"), answers(folder)
    first.rename(second)
    run(folder, "count=3", f"seeds={second}", *more)
    assert (ids(folder / "seeds.jsonl"), ids(folder / "kept.jsonl"), answers(folder)) == (seeds, kept, asked)
    run(folder, "count=5", f"seeds={second}", *more)
    assert ids(folder / "seeds.jsonl") == seeds
    assert len(set(ids(folder / "kept.jsonl"))) == 5


def test_a_seed_that_says_something_else_makes_another_run(tmp_path: Path) -> None:
    first, second, folder = tmp_path / "first.jsonl", tmp_path / "second.jsonl", tmp_path / "run"
    shutil.copyfile(builtin_seeds(), first)
    second.write_bytes(first.read_bytes().replace(b"the", b"teh", 1))
    run(folder, "count=2", f"seeds={first}")
    with pytest.raises(BadInput, match="'seeds' has another content"):
        run(folder, "count=2", f"seeds={second}")


def test_requests_in_flight_change_no_file(tmp_path: Path) -> None:
    for number in (1, 7):
        run(tmp_path / str(number), "count=4", f"limits.in_flight={number}")
    assert "report.html" in files(tmp_path / "1")
    assert differences(tmp_path / "1", tmp_path / "7") == []
