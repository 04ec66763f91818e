"""Which split a file or a record belongs to where no card says it: by the file's name, or by a mark in the record.

Names are read as `datasets.load_dataset` reads them: a folder or file called `train`, `test` or `validation` (or one of
their synonyms), alone or beside other words, and shards `data/SPLIT-00000-of-00002.parquet` of any split.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.fields import BadRecord
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.layouts import is_own
from selfinstruct.formats.rows import unpublished
from selfinstruct.formats.streams import name
from selfinstruct.text import shown

_WORDS: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SPLIT_OF = {word: split for split, words in _WORDS.items() for word in words}
_WORD = re.compile(rf"(?<![^\W_\d])({'|'.join(sorted(_SPLIT_OF, key=len, reverse=True))})(?![^\W_\d])", re.IGNORECASE)
_SHARD = re.compile(r"(\w+(?:[.-]\w+)*)-\d{5}-of-\d{5}\b.*")
_FEW = 8  # names that a message lists
TRAIN = "train"
"""What a set is that says nothing of splits."""


def split_named(path: Path) -> str:
    """The split that a path inside of a set names; empty for none. A folder's name outweighs the file's.

    >>> split_named(Path("data/train_sft-00000-of-00002.parquet")), split_named(Path("test/1.jsonl"))
    ('train_sft', 'test')
    >>> split_named(Path("qa.dev.jsonl.gz")), split_named(Path("contest.jsonl")), split_named(Path("training-2.json"))
    ('validation', '', 'train')

    Raises BadInput for a name with two of them.
    """
    shard = _SHARD.fullmatch(path.name)
    if shard and path.parent.name == "data":
        return shard[1]
    for part in (*reversed(path.parent.parts), path.name):
        splits = {_SPLIT_OF[word.lower()] for word in _WORD.findall(part)}
        if len(splits) > 1:
            what = f"its name says {' and '.join(sorted(splits))}"
            raise BadInput(
                what, place=name(path), fix="rename it, or name the file that is meant instead of its folder"
            )
        if splits:
            return splits.pop()
    return ""


def usual(split: str) -> str:
    """The usual name of a split.

    >>> usual("dev"), usual("train_sft")
    ('validation', 'train_sft')
    """
    return _SPLIT_OF.get(split.lower(), split)


def files_of_split(folder: Path, files: Sequence[Path], wanted: str) -> list[Path] | None:
    """Those of a folder's files that are meant; None where none of them names a split.

    A synonym of a split is that split. Raises BadInput where several splits, or one and files of none, lie in the
    folder and none is asked for, and for one that is not there.
    """
    by_split: dict[str, list[Path]] = {}
    for file in files:
        by_split.setdefault(split_named(file.relative_to(folder)), []).append(file)
    rest = by_split.pop("", [])
    if not by_split:
        return None
    there = f"it has {_listed(by_split)}"
    if rest:
        there += f", and of no split {_listed(file.name for file in rest)}"
    if wanted:
        meant = wanted if wanted in by_split else usual(wanted)
        if meant not in by_split:
            raise BadInput(f"no split '{shown(wanted)}'", place=name(folder), fix=there)
        return by_split[meant]
    if len(by_split) > 1:
        raise BadInput(f"holds several splits: {there}", place=name(folder), fix="write #SPLIT behind the name")
    if rest:
        fix = "write #SPLIT behind the name, or name each file that is meant"
        raise BadInput(f"holds a split and more: {there}", place=name(folder), fix=fix)
    return list(files)


def of_split(records: Iterable[Line | BadRecord], wanted: str, place: str) -> Iterator[Line | BadRecord]:
    """The records that are marked as of a split; one without a mark is for training.

    What cannot be read is handed on, since nobody knows of which split it is. Raises BadInput at the end, if no record
    was of it.
    """
    there: dict[str, None] = {}
    for record in records:
        mark = wanted if isinstance(record, BadRecord) else marked(record.value)
        if isinstance(record, Line) and len(there) <= _FEW:
            there[mark] = None
        if mark == wanted:
            yield record
    if wanted not in there:
        fix = f"its records are of {_listed(there)}" if there else "it has no record"
        raise BadInput(f"no split '{shown(wanted)}'", place=place, fix=fix)


def marked(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """The split that a record says it is of.

    >>> marked({"prompt": "Name a river.", "split": "test"}), marked({"prompt": "Name a river."})
    ('test', 'train')
    """
    if not isinstance(value, dict):
        return TRAIN
    fields = value["extra"] if is_own(value) and isinstance(value.get("extra"), dict) else value
    if "split" not in fields and (before := unpublished(value)):
        fields = before.value
    split = fields.get("split")
    return split if isinstance(split, str) and split else TRAIN


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _FEW} more" if len(every) > _FEW else ""
    return shown(", ".join(every[:_FEW]), 200) + more
