"""A disk too small for what a run will write is told before it starts."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from selfinstruct.errors import NoRoom
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import parse_yaml


class Listening:
    """A watch that remembers what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def notice(self, line: str) -> None:
        self.lines.append(line)

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def rows(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(f'{{"instruction": "Name river {n}.", "output": "Tay"}}\n' for n in range(50)))
    return path


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**9, used=0, free=size))


def test_a_disk_smaller_than_the_inputs_is_one_line_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = resolve(parse_yaml(f"{{name: a, inputs: ['{rows(tmp_path)}'], stages: [exact]}}".encode(), "a"))
    free(monkeypatch, 1000)
    with pytest.raises(NoRoom, match=r"run: the inputs are 0\.0 MB, .* make room or choose another disk") as error:
        execute(what, Options(folder=tmp_path / "run"))
    assert len(str(error.value).splitlines()) == 1
    assert not (tmp_path / "run").exists()
    monkeypatch.undo()
    assert execute(what, Options(folder=tmp_path / "run")).kept == 50
    free(monkeypatch, 1000)
    assert execute(what, Options(folder=tmp_path / "run")).kept == 50, "what is read already is not read again"


def test_a_disk_that_may_be_too_small_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = rows(tmp_path)
    what = resolve(parse_yaml(f"{{name: a, inputs: ['{path}'], stages: [exact]}}".encode(), "a"))
    free(monkeypatch, 3 * path.stat().st_size)
    watch = Listening()
    assert execute(what, Options(folder=tmp_path / "run", watch=watch)).kept == 50  # type: ignore[arg-type]  # ears only
    assert [line for line in watch.lines if "make room and run the same command again" in line]


def test_a_small_budget_of_memory_gives_the_same_bytes(tmp_path: Path) -> None:
    from selfinstruct.store.task_file import LEAST_MEMORY
    from tests.faults.same import differences

    path = tmp_path / "many.jsonl"
    lines = (f'{{"instruction": "Name river {n % 900} {"long " * 60}", "output": "Tay"}}\n' for n in range(2000))
    path.write_text("".join(lines))
    what = resolve(parse_yaml(f"{{name: a, inputs: ['{path}'], stages: [rules, exact, near]}}".encode(), "a"))
    for name, memory in (("large", 1 << 30), ("small", LEAST_MEMORY)):
        execute(what, Options(folder=tmp_path / name, memory=memory))
    assert differences(tmp_path / "large", tmp_path / "small") == []
