"""What a check is made of, as compact lines: a head with the prompts' sources, then a row of 0 and 1 for each check."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from selfinstruct.errors import BadInput
from selfinstruct.finetune.divergence import Divergence, ProbeName
from selfinstruct.finetune.stopping import Reason
from selfinstruct.records import Json
from selfinstruct.stage import ToneReading, ToneVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What a check is made of."""

    examples: int
    step: int
    """Of the optimiser."""
    reading: ToneReading
    reason: Reason
    """Of the stop rule."""
    divergences: Mapping[ProbeName, Divergence] = field(default_factory=dict)
    """In both directions, by probe."""


def as_head(behind: Behind) -> dict[str, Json]:
    """The first line: what all checks share."""
    reading = behind.reading
    return {
        "judge": reading.judge,
        "prompts": reading.prompts,
        "wrapper": reading.wrapper,
        "sources": [said.source for said in reading.verdicts],
        "whole": _row([said.whole for said in reading.verdicts]),
    }


def as_row(behind: Behind) -> dict[str, Json]:
    """The line of one check."""
    said = behind.reading.verdicts
    return {
        "examples": behind.examples,
        "step": behind.step,
        "answers": _row([one.answers for one in said]),
        "clean": _row([one.clean for one in said]),
        "opinions": _row(behind.reading.opinions),
        "reason": behind.reason,
        "kl": {
            name: {"base_tuned": kl.base_tuned, "tuned_base": kl.tuned_base, "positions": kl.positions}
            for name, kl in behind.divergences.items()
        },
    }


def behind_of(lines: Sequence[bytes], place: str) -> list[Behind]:
    """The inverse of a head and its rows; BadInput, with the line's number, for others."""
    if not lines:
        return []
    with _understood(f"{place}:1"):
        head = json.loads(lines[0])
        head["whole"] = _marks(head["whole"])
    found = []
    for number, line in enumerate(lines[1:], 2):
        with _understood(f"{place}:{number}"):
            found.append(_behind(head, json.loads(line)))
    return found


@contextlib.contextmanager
def _understood(place: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError) as fault:
        what = f"not the verdicts of a check ({type(fault).__name__}: {fault})"
        raise BadInput(what, place=place, fix="remove it and the curve beside it") from fault


def _behind(head: Mapping[str, Any], row: Mapping[str, Any]) -> Behind:
    if row["reason"] not in get_args(Reason):
        raise ValueError(f"no reason '{row['reason']}'")
    if not isinstance(row["step"], int) or not isinstance(row["examples"], int):
        raise TypeError("steps and examples are whole numbers")
    columns = zip(head["sources"], head["whole"], _marks(row["answers"]), _marks(row["clean"]), strict=True)
    said = tuple(
        ToneVerdict(source=source, whole=bool(full), answers=bool(answers), clean=clean)
        for source, full, answers, clean in columns
    )
    return Behind(
        examples=row["examples"],
        step=row["step"],
        reading=ToneReading(
            judge=head["judge"],
            prompts=head["prompts"],
            wrapper=head["wrapper"],
            verdicts=said,
            opinions=tuple(_marks(row["opinions"])),
        ),
        reason=row["reason"],
        divergences={name: Divergence(**kl) for name, kl in row["kl"].items()},
    )


_MARKS: Mapping[bool | None, str] = {True: "1", False: "0", None: "-"}
_MEANT: Mapping[str, bool | None] = {mark: value for value, mark in _MARKS.items()}


def _row(values: Sequence[bool | None]) -> str:
    return "".join(_MARKS[value] for value in values)


def _marks(row: str) -> list[bool | None]:
    return [_MEANT[mark] for mark in row]
