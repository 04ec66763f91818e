"""Reads a folder of fragments: labelled pairs of a prompt and what follows it."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput

SPLITS = ("train", "validation", "test")
_AGAIN = "make the folder again with `selfinstruct fragment`"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFragment:
    """What a judge learns from, or is tried on (arXiv 2307.03692, section 3)."""

    prompt: str
    continuation: str
    label: int
    """1 answer-like, 0 continuation-like."""
    kind: str
    source: str
    """Id of the record it was cut from: fragments of one source are not independent."""
    whole: bool
    """The prompt is a whole instruction."""
    set: str
    language: str
    """ISO 639-1; empty where it is unknown."""

    @property
    def pair(self) -> tuple[str, str]:
        """Prompt and continuation, as a judge reads them."""
        return self.prompt, self.continuation


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFragments:
    """The labelled fragments of a folder, by split."""

    train: Sequence[LabelledFragment]
    validation: Sequence[LabelledFragment]
    test: Sequence[LabelledFragment]
    """May be empty."""
    sha256: str
    """Of the three files, one after the other."""

    def sets(self) -> tuple[str, ...]:
        """Where the fragments to learn from come from, in order of first appearance."""
        return tuple(dict.fromkeys(fragment.set for fragment in self.train))

    def without(self, held_out: str) -> "LabelledFragments":
        """All fragments but those of one set."""

        def others(of: Sequence[LabelledFragment]) -> list[LabelledFragment]:
            return [fragment for fragment in of if fragment.set != held_out]

        return LabelledFragments(
            train=others(self.train), validation=others(self.validation), test=others(self.test), sha256=self.sha256
        )

    def of_set(self, name: str) -> list[LabelledFragment]:
        """All fragments of one set, of whatever split."""
        return [
            fragment for part in (self.train, self.validation, self.test) for fragment in part if fragment.set == name
        ]


def read_fragments(folder: Path) -> LabelledFragments:
    """`train.jsonl`, `validation.jsonl` and, where there is one, `test.jsonl`.

    Raises:
        BadInput: a file or a field is missing, or train or validation has one label only.
    """
    if not folder.is_dir():
        raise BadInput("no such folder", place=str(folder), fix=_AGAIN)
    hashed = hashlib.sha256()
    parts: dict[str, list[LabelledFragment]] = {}
    for split in SPLITS:
        path = folder / f"{split}.jsonl"
        if not path.is_file():
            if split != "test":
                raise BadInput("no such file", place=str(path), fix=_AGAIN)
            parts[split] = []
            continue
        raw = path.read_bytes()
        hashed.update(raw)
        parts[split] = list(_fragments(raw, path))
    for split in ("train", "validation"):
        missing = [label for label in (0, 1) if all(fragment.label != label for fragment in parts[split])]
        if missing:
            raise BadInput(
                f"no fragment with label {missing[0]}",
                place=str(folder / f"{split}.jsonl"),
                fix="a judge learns from both: give more records to `selfinstruct fragment`",
            )
    return LabelledFragments(**parts, sha256=hashed.hexdigest())


def _fragments(raw: bytes, path: Path) -> Iterator[LabelledFragment]:
    for number, line in enumerate(raw.split(b"\n"), 1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadInput("not a line of JSON", place=place, fix=_AGAIN) from error
        yield _fragment(row, place)


def _fragment(row: Any, place: str) -> LabelledFragment:  # noqa: ANN401 - whatever a line of JSON holds
    if not isinstance(row, dict):
        raise BadInput("not a JSON object", place=place, fix=_AGAIN)
    texts: dict[str, str] = {}
    for key in _TEXTS:
        value = row.get(key, "" if key in ("set", "language") else None)
        if not isinstance(value, str):
            raise BadInput(f"field '{key}' is not a text", place=place, fix=_AGAIN)
        texts[key] = value
    label, whole = row.get("label"), row.get("whole", True)
    if isinstance(label, bool) or label not in (0, 1):
        raise BadInput("field 'label' is not 0 or 1", place=place, fix=_AGAIN)
    if not isinstance(whole, bool):
        raise BadInput("field 'whole' is not true or false", place=place, fix=_AGAIN)
    return LabelledFragment(label=label, whole=whole, **texts)


_TEXTS = ("prompt", "continuation", "kind", "source", "set", "language")
