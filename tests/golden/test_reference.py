"""A recording of our own making, in the layout of the released program, replays to the same bytes for ever."""

from pathlib import Path

import pytest

from tests.cli.typed import Ended, command

HERE = Path(__file__).parent / "reference"
EXPECTED = sorted(path.name for path in (HERE / "expected").iterdir())


def replayed(folder: Path, *more: object, seeds: Path = HERE / "seeds.jsonl") -> Ended:
    words = ("generate", "--profile", "reference", "--seeds", seeds, "--model", f"replay:{HERE / 'dump'}", *more)
    return command(*words, "-o", folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference") / "run"
    ended = replayed(folder, "--count", 24)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.mark.parametrize("name", EXPECTED)
def test_the_recording_replays_to_the_same_bytes(name: str, run: Path) -> None:
    assert (run / "reference" / name).read_bytes() == (HERE / "expected" / name).read_bytes()


def test_a_recording_that_ends_before_the_target_says_so(run: Path, tmp_path: Path) -> None:
    ended = replayed(tmp_path / "run", "--count", 500)
    assert ended.returncode == 1
    assert "the recording has no answer to the next prompts" in ended.stderr
    assert "nearest entry parts at character" in ended.stderr
    name = "machine_generated_instructions.jsonl"
    assert (tmp_path / "run" / "reference" / name).read_bytes() == (run / "reference" / name).read_bytes()


def test_other_seeds_make_other_prompts_and_the_nearest_entry_is_shown(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds.jsonl"
    lines = (HERE / "seeds.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    seeds.write_text("".join(reversed(lines)), encoding="utf-8")
    ended = replayed(tmp_path / "run", "--count", 24, seeds=seeds)
    assert ended.returncode == 2
    assert "nearest entry parts at character" in ended.stderr
    assert "Traceback" not in ended.stderr
