"""`datasets.load_dataset` with its ordinary cache gives each run its own rows, and those of the last publishing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.builtin_recipes import find_recipe
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import read_yaml

MADE_AND_LOADED = """
import json, sys
from pathlib import Path
import datasets
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.builtin_recipes import find_recipe
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.yaml_file import read_yaml

home = Path(sys.argv[1])
datasets.disable_progress_bars()
recipe = read_yaml(find_recipe(Path("smoke")))
wrong = {}
for name, count in (("a", 2), ("b", 3), ("a", 4)):
    place = home / name / "dataset"
    execute(resolve(recipe, (f"count={count}",)), Options(folder=home / name))
    lines = (place / "jsonl" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    ids = [json.loads(line)["id"] for line in lines]
    ways = {
        "folder": datasets.load_dataset(str(place)),
        "config": datasets.load_dataset(str(place), "default"),
        "jsonl folder": datasets.load_dataset(str(place / "jsonl")),
        "jsonl files": datasets.load_dataset("json", data_files=str(place / "jsonl" / "*.jsonl")),
        "parquet files": datasets.load_dataset("parquet", data_files=str(place / "data" / "*.parquet")),
        "its data files": datasets.load_dataset(str(place), data_files="data/*.parquet"),
    }
    wrong.update({f"{name} {count} {way}": 1 for way, found in ways.items() if list(found["train"]["id"]) != ids})
print(json.dumps(wrong))
"""


def test_two_runs_and_a_remade_one_load_with_the_default_cache(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    cache = {"HOME": str(tmp_path / "home"), "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_"))} | cache
    words = [sys.executable, "-c", MADE_AND_LOADED, str(tmp_path)]
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) == {}


@pytest.mark.parametrize(("publish", "left"), [("files=[jsonl]", {"README.md", "jsonl"}), ("", set())])
def test_files_of_an_earlier_publishing_go_away(publish: str, left: set[str], tmp_path: Path) -> None:
    recipe = read_yaml(find_recipe(Path("smoke")))
    execute(resolve(recipe, ("count=2",)), Options(folder=tmp_path / "run"))
    assert {path.name for path in (tmp_path / "run" / "dataset").iterdir()} == {"README.md", "jsonl", "data"}
    change = f"publish.{publish}" if publish else "publish=null"
    execute(resolve(recipe, ("count=2", change)), Options(folder=tmp_path / "run"))
    dataset = tmp_path / "run" / "dataset"
    assert ({path.name for path in dataset.iterdir()} if dataset.exists() else set()) == left
    assert not [path for path in (tmp_path / "run").iterdir() if path.name.endswith((".tmp", ".old"))]
