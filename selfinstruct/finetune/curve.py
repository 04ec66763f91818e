"""The curve of a training: one check a line in `curve.jsonl`, and beside it the verdicts that each is counted from.

`curve.jsonl` is for people and plots. `curve.verdicts.jsonl` has a head with the prompts' sources, then for each check
the judge's verdict on every prompt as a row of 0 and 1; from these a resumed training counts its checks again, by the
rule that it has now, and compares later ones with them, prompt by prompt. A check is written there first and to the
curve then, each line flushed to the disk: after a kill there may be a torn line, or verdicts without a line in the
curve. Both are dropped when the curve is read, and told of. Neither file knows the time, so that a resumed training
writes the bytes that an uninterrupted one would.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from selfinstruct.atomic_files import append_to, write_whole
from selfinstruct.errors import BadInput, NoRoom
from selfinstruct.finetune.divergence import Divergence
from selfinstruct.finetune.stopping import Check, Reason, StopRule
from selfinstruct.records import Json
from selfinstruct.stats import is_number
from selfinstruct.tone.ask_loaded_model import ToneReading
from selfinstruct.tone.response_verdicts import ToneVerdict
from selfinstruct.tone.tone_metrics import IFS, shown_in

_BESIDE = ("objecqa", "objecqa_answered", "kl_prose", "kl_reference")
_NEARLY = 1e-6  # of what is rounded to six digits


def verdicts_beside(curve: Path) -> Path:
    """Where the verdicts lie: `curve.verdicts.jsonl` for `curve.jsonl`."""
    return curve.with_name(f"{curve.stem}.verdicts.jsonl")


def read_curve(curve: Path, rule: StopRule) -> tuple[list[Check], list[str]]:
    """The checks of both files, strictly, and what was left out of them, a sentence each; no file is an empty curve.

    Raises:
        BadInput: a line that is whole and no check, a curve without its verdicts, or one that they do not give.
    """
    dropped: list[str] = []
    lines = [_line(text, f"{curve}:{number}") for number, text in enumerate(_whole_lines(curve, dropped), 1)]
    verdicts = verdicts_beside(curve)
    rows = _whole_lines(verdicts, dropped)
    if len(rows) - 1 < len(lines) and lines:
        what = f"{len(lines)} checks, and the verdicts of {max(len(rows) - 1, 0)}"
        raise BadInput(what, place=f"{curve} and {verdicts.name}", fix="bring the other file back, or remove both")
    if len(rows) - 1 > len(lines):
        dropped.append(f"{verdicts}: the verdicts of {len(rows) - 1 - len(lines)} checks that are not in {curve.name}")
    checks: list[Check] = []
    head = _head(rows[0], f"{verdicts}:1") if rows else {}
    for number, (line, row) in enumerate(zip(lines, rows[1:], strict=False), 1):
        check = _check(
            head, row, line["loss"], [earlier.reading for earlier in checks], rule, f"{verdicts}:{number + 1}"
        )
        place = f"{curve}:{number} and {verdicts.name}:{number + 1}"
        if check.examples != line["examples"]:
            what = f"a check after {line['examples']} examples, and verdicts after {check.examples}"
            raise BadInput(what, place=place, fix="remove both files")
        if abs(check.numbers[IFS.key].value - line[IFS.key]) > _NEARLY:
            what = f"an IFS of {line[IFS.key]}, and verdicts that give {check.numbers[IFS.key].value:.6f}"
            raise BadInput(what, place=place, fix="remove both files")
        checks.append(check)
    return checks, dropped


def write_curve(curve: Path, checks: Sequence[Check]) -> None:
    """Both files anew, each whole or not at all."""
    rows = [_as_head(checks[0].reading), *map(_as_row, checks)] if checks else []
    # The curve first where it gets shorter: verdicts that are too many do no harm.
    _replace(curve, [check.as_json() for check in checks])
    _replace(verdicts_beside(curve), rows)


def append_check(curve: Path, check: Check) -> None:
    """One check more, on the disk when this returns; the files end in a whole line, as `write_curve` leaves them."""
    verdicts = verdicts_beside(curve)
    head = [] if verdicts.exists() and verdicts.stat().st_size else [_as_head(check.reading)]
    _append(verdicts, [*head, _as_row(check)])
    _append(curve, [check.as_json()])


def _as_head(reading: ToneReading) -> dict[str, Json]:
    """What all checks of a curve share: judge, prompts, wrapper, sources."""
    return {
        "judge": reading.judge,
        "prompts": reading.prompts,
        "wrapper": reading.wrapper,
        "sources": [verdict.source for verdict in reading.verdicts],
        "whole": _row([verdict.whole for verdict in reading.verdicts]),
        **({"phrasings": reading.phrasings} if reading.phrasings > 1 else {}),
    }


def _as_row(check: Check) -> dict[str, Json]:
    verdicts = check.reading.verdicts
    return {
        "examples": check.examples,
        "step": check.step,
        "answers": _row([verdict.answers for verdict in verdicts]),
        "clean": _row([verdict.clean for verdict in verdicts]),
        "opinions": _row(check.reading.opinions),
        "reason": check.reason,
        "kl": {
            name: {"base_tuned": kl.base_tuned, "tuned_base": kl.tuned_base, "positions": kl.positions}
            for name, kl in check.divergences.items()
        },
    }


def _head(text: bytes, place: str) -> dict[str, Any]:
    with _understood(place):
        head: dict[str, Any] = json.loads(text)
        return {**head, "whole": _marks(head["whole"])}


def _check(
    head: Mapping[str, Any],
    text: bytes,
    loss: float | None,
    before: Sequence[ToneReading],
    rule: StopRule,
    place: str,
) -> Check:
    with _understood(place):
        row = json.loads(text)
        if row["reason"] not in get_args(Reason):
            raise ValueError(f"no reason '{row['reason']}'")
        if not _is_count(row["step"]) or not _is_count(row["examples"]):
            raise TypeError("steps and examples are whole numbers")
        columns = zip(head["sources"], head["whole"], _marks(row["answers"]), _marks(row["clean"]), strict=True)
        reading = ToneReading(
            judge=head["judge"],
            prompts=head["prompts"],
            wrapper=head["wrapper"],
            verdicts=tuple(
                ToneVerdict(source=source, whole=bool(whole), answers=bool(answers), clean=clean)
                for source, whole, answers, clean in columns
            ),
            opinions=tuple(_marks(row["opinions"])),
            phrasings=head.get("phrasings", 1),
        )
        divergences = {name: Divergence(**kl) for name, kl in row["kl"].items()}
    return rule.check(
        [*before, reading], examples=row["examples"], step=row["step"], loss=loss, divergences=divergences
    )


@contextlib.contextmanager
def _understood(place: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError) as fault:
        what = f"not the verdicts of a check ({type(fault).__name__}: {fault})"
        raise BadInput(what, place=place, fix="remove it and the curve beside it") from fault


_MARKS: Mapping[bool | None, str] = {True: "1", False: "0", None: "-"}
_MEANT: Mapping[str, bool | None] = {mark: value for value, mark in _MARKS.items()}


def _row(values: Sequence[bool | None]) -> str:
    return "".join(_MARKS[value] for value in values)


def _marks(row: str) -> list[bool | None]:
    return [_MEANT[mark] for mark in row]


def _line(text: bytes, place: str) -> dict[str, Any]:
    """A line of the curve; of its numbers only the loss is in no verdict."""
    line = _object(text, place)
    of_numbers = ("loss", *(metric.key for metric in shown_in("curve")), *_BESIDE)
    keys = {"examples", *of_numbers, "stop", "intervals"}
    if set(line) != keys:
        odd = ", ".join(sorted(set(line) ^ keys))
        raise BadInput(f"not the keys of a check ({odd} too many or missing)", place=place, fix="remove both files")
    numbers = [line[name] for name in of_numbers]
    intervals = line["intervals"]
    good = (
        _is_count(line["examples"])
        and isinstance(line["stop"], bool)
        and line[IFS.key] is not None
        and all(value is None or is_number(value) for value in numbers)
        and isinstance(intervals, dict)
        and all(isinstance(ends, list) and len(ends) == 2 and all(map(is_number, ends)) for ends in intervals.values())
    )
    if not good:
        raise BadInput("a value of a check is of the wrong kind", place=place, fix="remove both files")
    return line


def _object(text: bytes, place: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError as fault:
        raise BadInput(f"not JSON ({fault})", place=place, fix="remove both files") from fault
    if not isinstance(line, dict):
        raise BadInput("not an object", place=place, fix="remove both files")
    return line


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
