"""The curve of a training: one check a line in `curve.jsonl`, and beside it what each check is made of.

`curve.jsonl` is for people and plots. `curve.verdicts.jsonl` has the judge's verdict on every prompt, as rows of 0 and
1, so that a resumed training compares its checks with those before the kill, prompt by prompt. A check is written there
first and to the curve then, each line flushed to the disk: after a kill there may be a torn line, or verdicts without a
line in the curve. Both are dropped when the curve is read, and told of. Neither file knows the time, so that a resumed
training writes the bytes that an uninterrupted one would.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput, NoRoom
from selfinstruct.finetune.verdict_rows import Behind, as_head, as_row, behind_of
from selfinstruct.records import Json
from selfinstruct.stage import ToneReading
from selfinstruct.whole_files import append_to, write_whole

_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was measured after so many examples: one line of `curve.jsonl`."""

    examples: int
    """Seen so far; 0 before training."""
    loss: float | None
    """Mean over the steps since the last check; None where none was told."""
    ifs: float
    ifs_clean: float | None
    ifs_partial: float | None
    ifs_full: float | None
    objecqa: float | None
    kl_prose: float | None
    """KL(base || tuned) in nats for each position (divergence.py)."""
    kl_reference: float | None
    stop: bool
    """The rule says that this is enough."""
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """95 %, by name: `ifs`, `ifs_clean`, `ifs_partial`, `ifs_full`, `gap`, and `gain` where there is one."""

    @property
    def gap(self) -> float | None:
        """`ifs_full` - `ifs_partial`."""
        return None if self.ifs_full is None or self.ifs_partial is None else self.ifs_full - self.ifs_partial

    def as_json(self) -> dict[str, Json]:
        """The line: each number to six digits."""
        numbers: dict[str, Json] = {
            one.name: _rounded(getattr(self, one.name)) for one in fields(self) if one.name != "intervals"
        }
        return numbers | {
            "intervals": {name: [_rounded(low), _rounded(high)] for name, (low, high) in self.intervals.items()}
        }


@dataclass(frozen=True, slots=True)
class Point:
    """A check, and what it is made of."""

    check: Check
    behind: Behind


@dataclass(frozen=True, slots=True)
class Curve:
    """What was found in a curve's two files."""

    points: tuple[Point, ...]
    dropped: tuple[str, ...] = ()
    """What was left out, a sentence each."""

    @property
    def checks(self) -> tuple[Check, ...]:
        """The lines of `curve.jsonl`."""
        return tuple(point.check for point in self.points)

    @property
    def readings(self) -> tuple[ToneReading, ...]:
        """Prompt by prompt."""
        return tuple(point.behind.reading for point in self.points)

    @property
    def stopped(self) -> Point | None:
        """The first check at which the rule said stop."""
        return next((point for point in self.points if point.check.stop), None)


def verdicts_beside(curve: Path) -> Path:
    """Where the verdicts lie: `curve.verdicts.jsonl` for `curve.jsonl`."""
    return curve.with_name(f"{curve.stem}.verdicts.jsonl")


def read_curve(curve: Path) -> Curve:
    """Both files, strictly; an absent one is an empty curve.

    Raises:
        BadInput: a line that is whole and no check, or a curve without its verdicts.
    """
    dropped: list[str] = []
    lines = _whole_lines(curve, dropped)
    checks = [_check_of(text, f"{curve}:{number}") for number, text in enumerate(lines, 1)]
    beside = verdicts_beside(curve)
    rows = _whole_lines(beside, dropped)
    if len(rows) - 1 < len(checks) and checks:
        what = f"{len(checks)} checks, and the verdicts of {max(len(rows) - 1, 0)}"
        raise BadInput(what, place=f"{curve} and {beside.name}", fix="bring the other file back, or remove both")
    behind = behind_of(rows, str(beside))
    if len(behind) > len(checks):
        dropped.append(f"{beside}: the verdicts of {len(behind) - len(checks)} checks that are not in {curve.name}")
    points = []
    for number, (check, one) in enumerate(zip(checks, behind, strict=False), 1):
        if check.examples != one.examples:
            what = f"a check after {check.examples} examples, and verdicts after {one.examples}"
            raise BadInput(what, place=f"{curve}:{number} and {beside.name}:{number + 1}", fix="remove both files")
        points.append(Point(check, one))
    return Curve(tuple(points), tuple(dropped))


def write_curve(curve: Path, points: Sequence[Point]) -> None:
    """Both files anew, each whole or not at all."""
    rows = [as_head(points[0].behind), *(as_row(point.behind) for point in points)] if points else []
    # The curve first where it gets shorter: verdicts that are too many do no harm.
    _replace(curve, [point.check.as_json() for point in points])
    _replace(verdicts_beside(curve), rows)


def append_point(curve: Path, point: Point) -> None:
    """One check more, on the disk when this returns; the files end in a whole line, as `write_curve` leaves them."""
    beside = verdicts_beside(curve)
    head = [] if beside.exists() and beside.stat().st_size else [as_head(point.behind)]
    _append(beside, [*head, as_row(point.behind)])
    _append(curve, [point.check.as_json()])


def _check_of(text: bytes, place: str) -> Check:
    line = _object(text, place)
    names = {one.name for one in fields(Check)}
    if set(line) != names:
        odd = ", ".join(sorted(set(line) ^ names))
        raise BadInput(f"not the keys of a check ({odd} too many or missing)", place=place, fix="remove both files")
    numbers = {name: value for name, value in line.items() if name not in {"examples", "stop", "intervals"}}
    intervals = line["intervals"]
    good = (
        _is_count(line["examples"])
        and isinstance(line["stop"], bool)
        and line["ifs"] is not None
        and all(value is None or _is_number(value) for value in numbers.values())
        and isinstance(intervals, dict)
        and all(isinstance(ends, list) and len(ends) == 2 and all(map(_is_number, ends)) for ends in intervals.values())
    )
    if not good:
        raise BadInput("a value of a check is of the wrong kind", place=place, fix="remove both files")
    return Check(**{**line, "intervals": {name: (low, high) for name, (low, high) in intervals.items()}})


def _object(text: bytes, place: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError as fault:
        raise BadInput(f"not JSON ({fault})", place=place, fix="remove both files") from fault
    if not isinstance(line, dict):
        raise BadInput("not an object", place=place, fix="remove both files")
    return line


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _whole_lines(path: Path, dropped: list[str]) -> list[bytes]:
    try:
        *lines, torn = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as refusal:
        raise BadInput(refusal.strerror or str(refusal), place=str(path), fix="check the path") from refusal
    if torn:
        dropped.append(f"{path}:{len(lines) + 1}: torn by a kill, and left out")
    return lines


def _append(path: Path, lines: Sequence[Mapping[str, Json]]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with append_to(path) as file:
            file.write(_bytes(lines))
            file.flush()
            os.fsync(file.fileno())
    except OSError as refusal:
        raise _refused(path, refusal) from refusal


def _replace(path: Path, lines: Sequence[Mapping[str, Json]]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, [_bytes(lines)])
    except OSError as refusal:
        raise _refused(path, refusal) from refusal


def _refused(path: Path, refusal: OSError) -> NoRoom:
    return NoRoom(
        f"{path}: {refusal.strerror or refusal}; the checks before are safe: "
        "make room or permit writing there, then run the same command again"
    )


def _bytes(lines: Sequence[Mapping[str, Json]]) -> bytes:
    return "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines).encode()


def _rounded(value: Json) -> Json:
    return round(value, _DIGITS) if isinstance(value, float) else value
