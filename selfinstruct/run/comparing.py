"""Reads folders of `score` and puts what they hold into one table."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from selfinstruct.bounded_read import read_whole
from selfinstruct.errors import BadInput
from selfinstruct.evaluate.compare_folders import Comparison, FolderMeasured, comparison
from selfinstruct.evaluate.compare_text import as_latex, as_markdown, as_text, heads, legend
from selfinstruct.evaluate.folder_marks import FILES, Measured, measured
from selfinstruct.formats.lines import read_values
from selfinstruct.report.comparison import comparison_page
from selfinstruct.store.files import publish_text

_MOST_BYTES = 1 << 30
_FIX = "make it again: `selfinstruct score` with the words it was made by"


def compare(folders: Sequence[str | Path], against: str = "") -> Comparison:
    """What folders of `score` hold, as one table; each may be `NAME=FOLDER`, which names its rows.

    Raises:
        BadInput: a folder without numbers, a file that is damaged, a row to compare with that is not there.
    """
    return comparison([_folder(str(one)) for one in folders], against)


def write_comparison(told: Comparison, folder: Path) -> None:
    """`compare.json`, `.txt`, `.md`, `.tex` and `.html`, each whole."""
    page = comparison_page(told.as_json(), heads(told.columns), legend(told))
    texts = {
        "json": json.dumps(told.as_json(), ensure_ascii=False, indent=2) + "\n",
        "txt": as_text(told),
        "md": as_markdown(told),
        "tex": as_latex(told),
        "html": page,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for ending, text in texts.items():
        publish_text(folder / f"compare.{ending}", text)


def _folder(named: str) -> FolderMeasured:
    label, equals, path = named.partition("=")
    if not equals or Path(named).is_dir():
        label, path = "", named
    folder = Path(path)
    if not folder.is_dir():
        raise BadInput("no such folder", place=path, fix="name folders that `selfinstruct score` made")
    found = [one for page, lines in FILES.items() for one in _measured(folder, page, lines)]
    if not found:
        fix = "run `selfinstruct score MODEL -o FOLDER` first, with --suite or without"
        raise BadInput(f"holds no answers with verdicts or marks ({', '.join(FILES.values())})", place=path, fix=fix)
    return FolderMeasured(folder.name, label, found)


def _measured(folder: Path, page: str, lines: str) -> Iterator[Measured]:
    """Of one page and its lines, and of those that a label begins the names of (`LABEL.score.json`)."""
    for file in sorted((*folder.glob(page), *folder.glob(f"*.{page}"))):
        beside = file.with_name(file.name.removesuffix(page) + lines)
        if beside.is_file():
            yield from measured(page, _object(file), _lines(beside))


def _object(file: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(read_whole(file, _MOST_BYTES, fix=_FIX))
    except (ValueError, RecursionError) as fault:
        raise BadInput(f"not JSON: {fault}", place=str(file), fix=_FIX) from None
    if not isinstance(value, dict):
        raise BadInput("no object", place=str(file), fix=_FIX)
    return value


def _lines(file: Path) -> Iterator[Mapping[str, Any]]:
    for line in read_values(file):
        if not isinstance(line.value, dict):
            raise BadInput("no object", place=line.place, fix=_FIX)
        yield line.value
