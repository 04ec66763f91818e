"""What the name of an input stands for: a file, a folder, what `datasets` saved, a Hub set; its README's config."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfinstruct.bounded_read import is_there, read_whole
from selfinstruct.errors import BadInput
from selfinstruct.formats.csv_and_xlsx import delimited_rows, sheet_rows
from selfinstruct.formats.fields import BadRecord
from selfinstruct.formats.json_lines import read_each, read_each_text_line
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.parquet_and_hub_rows import arrow_rows, hub_rows, parquet_rows, saved_rows
from selfinstruct.formats.split_files import files_of_split, of_split, split_named, usual
from selfinstruct.formats.streams import PACKED, complaints, ending, name
from selfinstruct.text import shown
from selfinstruct.text.grammar import with_article

_SORTS = {
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "JSON"),
    **dict.fromkeys((".csv", ".tsv"), "CSV"),
    ".parquet": "Parquet",
    **dict.fromkeys((".arrow", ".feather"), "Arrow"),
    ".xlsx": "a spreadsheet",
}
_IN_FOLDERS = tuple(_SORTS)
ENDINGS = (*_IN_FOLDERS, ".txt")
_ELSE = (".xls", ".zip", ".tar", ".pkl", ".pickle", ".html", ".yaml", ".yml", ".md")
_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
KEPT = "kept.jsonl"
_OURS = {"train", "test"}  # splits of a set that this package published
_NOT_DATA = {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "manifest.json"}
_MOST_BYTES = 8 << 20  # cards of sets with thousands of configurations have megabytes
_MOST_STARS, _MOST_STARS_OF_A_PART = 2, 3


@dataclass(frozen=True, slots=True)
class InputTable:
    """Records that belong together: those of one file or table."""

    name: str
    """For provenance: the file's or folder's own name, or the Hub id."""
    place: str
    """File or table as messages name it."""
    records: Iterator[Line | BadRecord]


def sources(given: str, *, named: bool = True) -> Iterator[InputTable]:
    """Everything that a name stands for, in the order of the file names.

    `NAME#SPLIT` or `NAME#CONFIG/SPLIT` says which part of a folder or Hub set is meant, where there are several.
    Of a table whose columns are not `named` the first row is a record, and its columns are `#1`, `#2`...
    Raises BadInput for what is not there, and for a folder from which it does not follow which files are meant.
    """
    path, config, split = _parts(given)
    if _is_folder(path):
        path = _snapshot(path)
        yield from _folder(path, config, split)
    elif _is_hub_id(path):
        repository = path.as_posix()
        yield InputTable(
            f"{repository}#{split}" if split else repository, repository, hub_rows(repository, config, split)
        )
    else:
        _no_configurations(path, config)
        if ending(path) == ".xlsx":
            yield InputTable(path.name, name(path), sheet_rows(path, split, named=named))
            return
        whole = _file(path, path.name) if named or _SORTS.get(ending(path)) != "CSV" else _unnamed(path)
        yield _part(whole, split, split_named(Path(path.name)) if split else "")


def place_in(given: str) -> Path:
    """The file or folder that a name reads from, without the part it may name; of a run of our own the records alone.

    A Hub id is no place; it is given back as a path that is not there.
    """
    path, _, _ = _parts(given)
    return path / KEPT if _is_run(path) else path


def there(given: str) -> bool:
    """Whether a name, without the part it may name, is that of a file or folder."""
    return is_there(_parts(given)[0])


def _snapshot(path: Path) -> Path:
    """Of a set in the Hub's own cache the revision that `refs/main` names, or the only one: each lies there whole."""
    if not (path / "snapshots").is_dir() or not (path / "blobs").is_dir():
        return path
    there = sorted(folder for folder in (path / "snapshots").iterdir() if folder.is_dir())
    main = path / "refs" / "main"
    if main.is_file():
        with complaints(name(main)):
            wanted = main.read_text(encoding="utf-8", errors="replace").strip()
        there = [folder for folder in there if folder.name == wanted] or there
    if len(there) != 1:
        raise BadInput(f"holds {len(there)} revisions of a set", place=name(path), fix="name a folder in its snapshots")
    return there[0]


def _is_run(path: Path) -> bool:
    """A run folder of our own: what it reads and tells beside its records may change without them."""
    return _is_folder(path) and (path / KEPT).is_file() and (path / "recipe.yaml").is_file()


def _parts(given: str) -> tuple[Path, str, str]:
    path = Path(given)
    before, mark, part = given.rpartition("#")
    if not mark or is_there(path):
        return path, "", ""
    config, slash, split = part.rpartition("/")
    if not before or not split or (slash and not config):
        what = f"'{shown(given, 200)}' names no split behind the #"
        raise BadInput(what, place="the input", fix="write NAME#SPLIT or NAME#CONFIG/SPLIT")
    return Path(before), config, split


def _is_folder(path: Path) -> bool:
    return is_there(path) and path.is_dir()


def _is_hub_id(path: Path) -> bool:
    """OWNER/NAME that is no path: neither there, nor in a folder that is there, nor with a data file's ending."""
    return (
        _HUB.fullmatch(path.as_posix()) is not None
        and not is_there(path)
        and not is_there(path.parent)
        and ending(path) not in (*ENDINGS, *_ELSE)
        and path.suffix.lower() not in PACKED
    )


def _file(path: Path, called: str) -> InputTable:
    kind = ending(path)
    if kind in _ELSE and is_there(path):
        raise BadInput(f"{with_article(kind)} file", place=name(path), fix="write its records as JSONL, CSV or Parquet")
    packed = path.suffix.lower() in PACKED
    if packed and _SORTS.get(kind) in ("Parquet", "Arrow", "a spreadsheet"):
        raise BadInput(f"a packed {kind} file", place=name(path), fix="unpack it first")
    return InputTable(called, name(path), _READERS.get(kind, read_each)(path))


def _unnamed(path: Path) -> InputTable:
    return InputTable(path.name, name(path), delimited_rows(path, named=False))


_READERS: Mapping[str, Callable[[Path], Iterator[Line | BadRecord]]] = {
    ".txt": read_each_text_line,
    ".csv": delimited_rows,
    ".tsv": delimited_rows,
    ".parquet": parquet_rows,
    ".arrow": arrow_rows,
    ".feather": arrow_rows,
    ".xlsx": sheet_rows,
}
"""By ending; all else is JSON."""


def _part(whole: InputTable, split: str, named: str = "") -> InputTable:
    """Of a file the records of a split: all, where its own name says it, else those that are marked so."""
    if not split or named in (split, usual(split)):
        return whole
    if named:
        raise BadInput(f"no split '{shown(split)}'", place=whole.place, fix=f"by its name it is {named}")
    return InputTable(whole.name, whole.place, of_split(whole.records, split, whole.place))


def _no_configurations(path: Path, config: str) -> None:
    if config:
        what = f"no configuration '{shown(config)}'"
        raise BadInput(what, place=name(path), fix="only the card of a set names some: write #SPLIT alone")


def _folder(path: Path, config: str, split: str) -> Iterator[InputTable]:
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        _no_configurations(path, config)
        yield InputTable(path.name, name(path), saved_rows(path, split))
    elif _is_run(path):
        _no_configurations(path, config)
        yield _part(_file(path / KEPT, KEPT), split)
    elif (path / "recipe.yaml").is_file() and (path / "ledger.jsonl").is_file():
        what = f"a run that has not ended: no {KEPT}"
        raise BadInput(what, place=name(path), fix="run its command again to finish it, or name one of its files")
    elif named := _named_files(path, config, split):
        for file in named:
            yield _file(file, path.name)
    else:
        _no_configurations(path, config)
        files = _plain_files(path)
        meant = files_of_split(path, files, split)
        if meant is None and split and len(files) > 1:
            yield InputTable(path.name, name(path), of_split(_records(files), split, name(path)))
        else:
            for file in files if meant is None else meant:
                yield _part(_file(file, file.name), split if meant is None else "")


def _records(files: list[Path]) -> Iterator[Line | BadRecord]:
    for file in files:
        yield from _file(file, file.name).records


def _plain_files(path: Path) -> list[Path]:
    """All files with records in them; a text file in a folder is rather a note or a licence."""
    files = [
        file
        for file in sorted(path.rglob("*"))
        if ending(file) in _IN_FOLDERS
        and file.is_file()
        and file.name not in _NOT_DATA
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not files:
        what = f"expected files that end in {', '.join(_IN_FOLDERS)}"
        raise BadInput("a folder without records", place=name(path), fix=what)
    sorts = sorted({_SORTS[ending(file)] for file in files}, key=lambda sort: (sort != "Parquet", sort))
    if len(sorts) > 1:
        what = f"holds {' and '.join(sorts)}, perhaps the same records twice"
        raise BadInput(what, place=name(path), fix="name the file or folder that is meant")
    return files


def _named_files(path: Path, config: str, split: str) -> list[Path]:
    """The files that the card names for a configuration; none when there is no such card."""
    configs = _configs(path / "README.md")
    if not configs:
        return []
    place = name(path / "README.md")
    chosen = _chosen(configs, config, place)
    splits = _splits(chosen.get("data_files"))
    if split:
        splits = {key: patterns for key, patterns in splits.items() if key == split}
        if not splits:
            raise BadInput(f"names no split '{shown(split)}'", place=place, fix="take one of those it names")
    if len(splits) > 1 and not (splits.keys() == _OURS and _tagged(path / "README.md")):
        raise BadInput(
            f"names the splits {shown(', '.join(splits))}", place=place, fix="say which: write #SPLIT behind the name"
        )
    return [file for patterns in splits.values() for pattern in patterns for file in _matching(path, pattern, place)]


def _configs(card: Path) -> list[dict[str, Any]]:
    """`configs` of a card's front matter."""
    configs = front_matter(card).get("configs")
    return [config for config in configs if isinstance(config, dict)] if isinstance(configs, list) else []


def _tagged(card: Path) -> bool:
    """Whether this package published it: then each row says which split it is of, and both may be read as one."""
    tags = front_matter(card).get("tags")
    return isinstance(tags, list) and "selfinstruct" in tags


def _chosen(configs: list[dict[str, Any]], wanted: str, place: str) -> dict[str, Any]:
    by_name = {_text(config.get("config_name"), "default"): config for config in configs}
    if wanted:
        if wanted not in by_name:
            raise BadInput(
                f"no configuration '{shown(wanted)}'", place=place, fix=f"it has {shown(', '.join(by_name))}"
            )
        return by_name[wanted]
    usual = [
        config
        for key, config in by_name.items()
        if key == "default" or _text(config.get("default"), "").lower() == "true"
    ]
    if len(by_name) > 1 and len(usual) != 1:
        what = f"names the configurations {shown(', '.join(by_name))}"
        raise BadInput(what, place=place, fix="say which: write #CONFIG/SPLIT behind the name")
    return usual[0] if usual else next(iter(by_name.values()))


def _splits(data_files: object) -> dict[str, list[str]]:
    """Patterns by split, in the three ways a card may write them."""
    if isinstance(data_files, str):
        return {"train": [data_files]}
    if not isinstance(data_files, list):
        return {}
    if all(isinstance(item, str) for item in data_files):
        return {"train": data_files}
    splits: dict[str, list[str]] = {}
    for item in data_files:
        if isinstance(item, dict):
            patterns = item.get("path")
            listed = patterns if isinstance(patterns, list) else [patterns]
            named = splits.setdefault(_text(item.get("split"), "train"), [])
            named += [pattern for pattern in listed if isinstance(pattern, str)]
    return splits


def _text(value: object, otherwise: str) -> str:
    return value if isinstance(value, str) and value else otherwise


def _matching(path: Path, pattern: str, place: str) -> list[Path]:
    bounded = checked_pattern(pattern, place)
    try:
        files = sorted(file for file in path.glob(bounded) if file.is_file())
    except (ValueError, NotImplementedError, OSError):
        files = []
    if not files:
        raise BadInput(f"names '{shown(pattern)}', which is not there", place=place, fix="fetch the set again")
    return files


def front_matter(card: Path) -> dict[str, Any]:
    """The mapping between the first two lines of dashes; empty where there is none that can be read.

    Not by `huggingface_hub` (`metadata_load`): it reads a configuration called `no` as False and `2024-01-01` as a
    date, so that neither is found by its name, has no bound, and costs a third of a second to import.
    """
    import yaml

    if not card.is_file():
        return {}
    try:
        text = read_whole(card, _MOST_BYTES, fix="is this the card of a set?").decode("utf-8")
    except UnicodeDecodeError:
        return {}
    front = re.match(r"---\r?\n(.*?)\r?\n---", text, re.DOTALL)
    if front is None:
        return {}
    try:
        mapping = yaml.BaseLoader(front[1]).get_single_data()  # it makes texts, lists and mappings alone
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return {}
    return mapping if isinstance(mapping, dict) else {}


def checked_pattern(pattern: str, place: str) -> str:
    """A pattern of files that stays in its folder and can be matched in bounded time, `**` after `**` as one.

    >>> checked_pattern("data/**/**/train-*.parquet", "README.md")
    'data/**/train-*.parquet'
    """
    if pattern.startswith("/") or ".." in Path(pattern).parts:
        raise BadInput(f"names '{shown(pattern)}', outside of the folder", place=place, fix="correct the card")
    parts: list[str] = []
    for part in pattern.split("/"):
        if part != "**" or parts[-1:] != ["**"]:
            parts.append(part)
    if parts.count("**") > _MOST_STARS or any(part.count("*") > _MOST_STARS_OF_A_PART for part in parts):
        what = f"names '{shown(pattern)}', a pattern with too many stars"
        raise BadInput(what, place=place, fix="name the files that are meant")
    return "/".join(parts)
