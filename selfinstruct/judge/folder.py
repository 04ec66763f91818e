"""A judge's folder: `judge.json`, its weights, a card; read back only if every byte is as it was written."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.records import Json, digest

FORMAT = "selfinstruct-judge"
VERSION = 1
"""Of the folder's layout; what the features mean has a version of its own."""
FACTS, CARD, WEIGHTS, LINE, ENCODER = "judge.json", "README.md", "weights.safetensors", "line.safetensors", "encoder"
_AGAIN = "train it again with `selfinstruct train-judge`"


def emptied(folder: Path) -> None:
    """Make the folder, without a judge that may be in it.

    Raises:
        BadInput: something else is in it.
    """
    if folder.exists() and (not folder.is_dir() or strangers(folder)):
        raise BadInput("there is something else here", place=str(folder), fix="name a new folder for the judge")
    folder.mkdir(parents=True, exist_ok=True)
    for name in (FACTS, CARD, WEIGHTS, LINE):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / ENCODER, ignore_errors=True)


def strangers(folder: Path) -> list[str]:
    """Names in a folder that are no part of a judge."""
    return sorted({path.name for path in folder.iterdir()} - {FACTS, CARD, WEIGHTS, LINE, ENCODER})


def sealed(folder: Path, facts: Mapping[str, Json]) -> None:
    """Write `judge.json`, last, with the hash of each file of weights and of itself."""
    files: dict[str, Json] = {name: _hash(folder / name) for name in _weight_files(folder)}
    whole: dict[str, Json] = {"format": FORMAT, "version": VERSION, **facts, "files": files}
    whole["sha256"] = digest("judge", whole)
    text = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / FACTS).write_text(text + "\n", encoding="utf-8")


def opened(folder: Path) -> dict[str, Any]:
    """What `judge.json` says, after its own and all other hashes were found right.

    Raises:
        BadInput: no judge, one of another version, or one that is damaged.
    """
    place = folder / FACTS
    if not place.is_file():
        raise BadInput("no judge here: judge.json is missing", place=str(folder), fix=_AGAIN)
    try:
        facts = json.loads(place.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadInput("damaged: not JSON", place=str(place), fix=_AGAIN) from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise BadInput("not a judge's file", place=str(place), fix=_AGAIN)
    if facts.get("version") != VERSION:
        raise other_version(folder, facts.get("version"), VERSION)
    stated = facts.pop("sha256", None)
    if digest("judge", facts) != stated:
        raise BadInput("damaged or changed by hand: its hash is another", place=str(place), fix=_AGAIN)
    for name, expected in facts["files"].items():
        if not (folder / name).is_file() or _hash(folder / name) != expected:
            raise BadInput("missing or damaged: its hash is another", place=str(folder / name), fix=_AGAIN)
    return facts


def other_version(folder: Path, found: Json, known: int) -> BadInput:
    """The complaint about a judge that another release made."""
    return BadInput(f"a judge of version {found}; this release reads {known}", place=str(folder / FACTS), fix=_AGAIN)


def _weight_files(folder: Path) -> list[str]:
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in found if name not in (FACTS, CARD))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
