"""Checksums that stand beside what they are of, so that one changed figure is noticed before it is used."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.records import Json, seal
from selfinstruct.store.files import publish_text
from selfinstruct.store.reading import read_object

_SEAL = "checksum"


def publish_sealed(path: Path, told: Mapping[str, Json]) -> None:
    """Write an object with its checksum as the last key."""
    whole = {**told, _SEAL: _of(told)}
    publish_text(path, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")


def read_sealed(path: Path, fix: str) -> dict[str, Any]:
    """What `publish_sealed` wrote; BadInput with `fix` for anything else."""
    found = read_object(path, fix)
    mark = found.pop(_SEAL, None)
    if mark is None:
        raise BadInput("has no checksum: damaged, or of an earlier version", place=str(path), fix=fix)
    if mark != _of(found):
        raise BadInput("changed or damaged since it was written", place=str(path), fix=fix)
    return found


def _of(told: Mapping[str, Json]) -> str:
    # As it is read back: half a character becomes U+FFFD in the file.
    text = (
        json.dumps(told, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    )
    return seal([text])
