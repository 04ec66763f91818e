"""Four recipes with scripted models, every file of theirs as lines, and the table of what these lines were.

To make the table again, after a decided change:  python -m tests.golden.scripted_runs
"""

import contextlib
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from selfinstruct import __version__
from tests.cli.typed import command
from tests.faults.same import answers, events, files
from tests.report.contents import contents

HOME = Path(__file__).parents[2]
HERE = Path(__file__).parent / "scripted"
TABLE = Path(__file__).parent / "scripted_runs.tsv"
COMMAND = "python -m tests.golden.scripted_runs"
RECIPES = {"make": 1, "clean": 0, "entries": 0, "ablate": 0}
"""With how each ends; of `make` the stages behind the rounds keep fewer than were asked for."""
LAYOUTS = ("messages", "alpaca", "sharegpt", "prompt_completion", "self_instruct", "seeds", "natinst")
_SHOWN = 300  # characters of a line


@dataclass(frozen=True, slots=True)
class Held:
    """What is kept of a file."""

    sha256: str
    """The first 16 digits."""
    lines: str
    """Two digits of the hash of each line: enough to find the first that differs."""

    @classmethod
    def of(cls, lines: list[str]) -> "Held":
        """Of what a file says."""
        every = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return cls(every[:16], "".join(hashlib.sha256(line.encode()).hexdigest()[:2] for line in lines))


def run_all(folder: Path, *, workers: int) -> dict[str, list[str]]:
    """The lines of every file that the recipes make there, by path; nothing in them tells of time, place or release."""
    for given in HERE.iterdir():
        shutil.copy(given, folder)
    shutil.copytree(HOME / "pipelines" / "samples", folder / "samples")
    with contextlib.chdir(folder):  # names of inputs are part of a run
        for name, code in RECIPES.items():
            typed = ("run", f"{name}.yaml", "-o", name, "--workers", workers if name == "clean" else 1)
            _typed(*typed, code=code)
        for layout in LAYOUTS:
            _typed("convert", "clean/dataset", "--to", layout, "-o", f"converted/{layout}.jsonl")
        _typed("score", "--responses", "responses.jsonl", "--judge", "ifs-v2-linear", "-o", "given")
        _typed("compare", "make", "given", "-o", "compared")
    lines: dict[str, list[str]] = {}
    for name in (*RECIPES, "converted", "given", "compared"):
        for path in files(folder / name):
            lines[f"{name}/{path}"] = list(_lines(folder / name / path))
    for name in RECIPES:
        lines[f"{name}/ledger.jsonl"] = [json.dumps(event) for event in events(folder / name)]
        lines[f"{name}/journal.sqlite"] = [json.dumps(row, default=bytes.hex) for row in answers(folder / name)]
    release = f"selfinstruct {__version__}", f'"version": "{__version__}"'
    return {
        path: [line.replace(release[0], "selfinstruct").replace(release[1], '"version": ""') for line in lines[path]]
        for path in sorted(lines)
        if lines[path]
    }


def _typed(*words: object, code: int = 0) -> None:
    ended = command(*words)
    assert ended.returncode == code, ended.stderr


def _lines(path: Path) -> Iterator[str]:
    """As it is written; a page, a table and weights by what they hold, for their bytes follow the library's version."""
    if path.suffix == ".html":
        said = contents(path.read_text(encoding="utf-8"))
        yield from (f"{element}: {text}" for element, text in said.texts)
        yield from (f"drawing: {label} {sorted(words)}" for label, words in said.drawings)
    elif path.suffix == ".parquet":
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
        yield from (str(field) for field in table.schema)
        yield from (json.dumps(row) for row in table.to_pylist())
    elif path.suffix == ".safetensors":
        yield path.read_bytes().hex()
    else:
        yield from path.read_text(encoding="utf-8").split("\n")


def read_table() -> dict[str, Held]:
    """What was, by path; the lines of one that is as another above it are written there alone."""
    table: dict[str, Held] = {}
    known: dict[str, str] = {}
    for row in TABLE.read_text(encoding="utf-8").splitlines():
        path, sha256, lines = row.split("\t")
        table[path] = Held(sha256, known.setdefault(sha256, lines))
    return table


def write_table(held: Mapping[str, Held]) -> None:
    """In the order of paths."""
    first = {row.sha256: path for path, row in reversed(list(held.items()))}
    rows = (f"{path}\t{row.sha256}\t{row.lines * (first[row.sha256] == path)}\n" for path, row in held.items())
    TABLE.write_text("".join(rows), encoding="utf-8")


def differences(was: Mapping[str, Held], lines: Mapping[str, list[str]]) -> list[str]:
    """A line for each file that is gone, new or another, with its first other line as it is now."""
    told = [f"{path}: is not made any more" for path in was if path not in lines]
    for path, said in lines.items():
        if path not in was:
            told.append(f"{path}: is new")
        elif (held := Held.of(said)) != was[path]:
            before, now = (_pairs(each.lines) for each in (was[path], held))
            number = next((at for at, pair in enumerate(now) if before[at : at + 1] != [pair]), len(now))
            shown = said[number][:_SHOWN] if number < len(said) else "(the file ends here)"
            told.append(f"{path}:{number + 1} of {len(now)} (before: {len(before)} lines): {shown}")
    return told


def _pairs(digits: str) -> list[str]:
    return [digits[at : at + 2] for at in range(0, len(digits), 2)]


def main() -> None:
    """Write the table, or with `--check` do not, and say what changed."""
    with tempfile.TemporaryDirectory() as folder:
        lines = run_all(Path(folder), workers=1)
    changed = differences(read_table() if TABLE.exists() else {}, lines)
    sys.stderr.write("".join(f"{line}\n" for line in changed) or "nothing changed\n")
    if "--check" in sys.argv:
        sys.exit(bool(changed))
    write_table({path: Held.of(said) for path, said in lines.items()})


if __name__ == "__main__":
    main()
