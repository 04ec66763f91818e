"""What documents show in Python runs as it stands: the ten lines of the README, and the notebooks."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.models.weights import OWN_FILE
from tests.finetune.builders import Folder

HOME = Path(__file__).parents[2]
NOTEBOOKS = HOME / "docs" / "notebooks"


def python(folder: Path, *words: str, **variables: str) -> str:
    ended = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HOME), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def ten_lines() -> str:
    text = (HOME / "README.md").read_text(encoding="utf-8").partition("## The same in Python")[2]
    match = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert match is not None
    return match[1]


def test_the_ten_lines_of_the_readme_run(tmp_path: Path) -> None:
    lines = ten_lines()
    assert len([line for line in lines.splitlines() if line.strip()]) <= 10
    (tmp_path / "lines.py").write_text(lines + "print(repr(train), [type(one).__name__ for one in answers])\n", "utf-8")
    printed = python(tmp_path, "lines.py")
    assert "features: ['messages'" in printed
    assert "stages/01-read: kept" in printed
    assert (tmp_path / "runs" / "clean" / "report.html").is_file()


def run(name: str, folder: Path, **variables: str) -> list[dict[str, Any]]:
    text = python(folder, str(HOME / "tests" / "python" / "notebook.py"), str(NOTEBOOKS / name), **variables)
    return [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]


def said(cells: list[dict[str, Any]]) -> str:
    return json.dumps([cell["outputs"] for cell in cells])


def test_the_notebook_that_makes_a_set_runs(tmp_path: Path) -> None:
    cells = run("make_a_set.ipynb", tmp_path, **{OWN_FILE: "no weights.gguf"})  # a script of answers is quicker
    assert "no weights.gguf" in said(cells[:1])
    assert "5 kept" in said(cells)
    assert "runs/first/report.html" in said(cells)


@pytest.mark.slow
def test_the_notebook_that_cleans_tunes_and_scores_runs(tmp_path: Path) -> None:
    Folder.made(tmp_path / "base")
    cells = run("clean_tune_score.ipynb", tmp_path, BASE=f"hf:{tmp_path / 'base'}")
    assert "__main__:no_haiku" in said(cells)
    assert "ifs-v2-linear" in said(cells)
    assert (tmp_path / "runs" / "tuned" / "student").is_dir()


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_ships_with_outputs_and_without_paths_of_a_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/home/|/tmp/|/root/|/Users/|[A-Z]:\\\\|\.venv|site-packages", text)
    notebook = json.loads(text)
    assert (notebook["nbformat"], len({cell["id"] for cell in notebook["cells"]})) == (4, len(notebook["cells"]))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        last = ast.parse("".join(cell["source"])).body[-1]
        assert cell["outputs"] or not isinstance(last, ast.Expr)
