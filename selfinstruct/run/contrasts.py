"""Arms side by side in what audits found, and contrasts named beforehand: paired by seed, corrected for one another.

Arms that are called NAME-SEED are repetitions of NAME. Every number of the table is a mean over them; what is tested is
only what was named before the runs (Holm 1979), by Student's t over the differences between arms of the same seed.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.compare_folders import holm
from selfinstruct.records import Json
from selfinstruct.stats import beta_below, student_bound
from selfinstruct.store.files import publish_text
from selfinstruct.store.reading import read_object

SEEDS = 3
"""Pairs that a contrast needs, at least."""
_AGAIN = "run the recipe again"


@dataclass(frozen=True, slots=True)
class Column:
    """One number of an arm: in which file it stands, and the way to it."""

    title: str
    file: str
    way: tuple[str | int, ...]


COLUMNS = (
    Column("IFS", "score.json", ("ifs",)),
    Column("IFS clean", "score.json", ("ifs_clean",)),
    Column("facts kept", "knowledge.json", ("differences", 0, "known_facts", "value")),
    Column("prose loss", "knowledge.json", ("models", 1, "prose_loss", "value")),
    Column("held-out loss", "knowledge.json", ("models", 1, "held_out_loss", "value")),
    Column("borrowed spans", "trace.json", ("borrowed", "value")),
    Column("characters", "trace.json", ("copying", "characters", "said", "value")),
    Column("shifted", "shift.json", ("shift", "all", "shifted", "value")),
    Column("KL first 5 %", "shift.json", ("shift", "first_of_sentence", "kl_base_tuned", "value")),
    Column("KL rest", "shift.json", ("shift", "rest_of_sentence", "kl_base_tuned", "value")),
)


@dataclass(frozen=True, slots=True)
class Contrast:
    """One arm minus another in one number, over the seeds that both have."""

    of: str
    minus: str
    column: str
    value: float
    low: float
    high: float
    seeds: int
    p: float
    corrected: float
    """By Holm, over all contrasts in this number."""

    def as_json(self) -> dict[str, Json]:
        """To six digits."""
        return {
            "of": self.of,
            "minus": self.minus,
            "column": self.column,
            "seeds": self.seeds,
            "value": round(self.value, 6),
            "low": round(self.low, 6),
            "high": round(self.high, 6),
            "p": round(self.p, 6),
            "corrected": round(self.corrected, 6),
        }


def table(folder: Path, named: Sequence[str], seeds: int = SEEDS) -> str:
    """Write `audit.json` and `audit.md` from the finished arms of a folder; returns the latter.

    Args:
        folder: where the arms lie, each in a folder of its name.
        named: contrasts, `ONE:OTHER` for one minus the other.
        seeds: pairs that a contrast needs.

    Raises:
        BadInput: no arm with a file that an audit wrote, an arm that is not there, or too few pairs.
    """
    arms = _arms(folder)
    if not arms:
        what = "no arm with score.json, shift.json, knowledge.json or trace.json"
        raise BadInput(what, place=str(folder), fix="name the -o of a recipe with arms, such as pipelines/fixes.yaml")
    contrasts = [one for name in named for one in _contrast(name, arms, seeds, str(folder))]
    corrected = _corrected(contrasts)
    facts: dict[str, Json] = {
        "arms": {arm: {str(seed): dict(found) for seed, found in by.items()} for arm, by in arms.items()},
        "contrasts": [one.as_json() for one in corrected],
        "seeds_needed": seeds,
    }
    publish_text(folder / "audit.json", json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    page = _page(arms, corrected)
    publish_text(folder / "audit.md", page)
    return page


_Arms = Mapping[str, Mapping[int, Mapping[str, Json]]]
"""By name and seed the numbers, by column."""


def _arms(folder: Path) -> dict[str, dict[int, dict[str, Json]]]:
    arms: dict[str, dict[int, dict[str, Json]]] = {}
    for place in sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else ():
        found: dict[str, Json] = {}
        for column in COLUMNS:
            if (place / column.file).is_file():
                value: Any = read_object(place / column.file, _AGAIN)
                for step in column.way:
                    at_hand = isinstance(value, list) and isinstance(step, int) and step < len(value)
                    value = value[step] if at_hand else value.get(step) if isinstance(value, dict) else None
                found[column.title] = value if isinstance(value, int | float) else None
        if found:
            name, dash, seed = place.name.rpartition("-")
            repeated = bool(dash) and seed.isdigit()
            arms.setdefault(name if repeated else place.name, {})[int(seed) if repeated else 0] = found
    return arms


def _contrast(named: str, arms: _Arms, seeds: int, place: str) -> list[Contrast]:
    of, colon, minus = named.partition(":")
    for name in (of, minus):
        if not colon or name not in arms:
            known = ", ".join(arms)
            raise BadInput(f"no arm '{name}'" if colon else f"'{named}' names no two arms", place=place, fix=known)
    found = list[Contrast]()
    shared = sorted({*arms[of]} & {*arms[minus]})
    if len(shared) < seeds:
        what = f"{of} and {minus} share {len(shared)} seeds, and {seeds} are needed to tell them apart"
        raise BadInput(what, place=place, fix=f"run both with more seeds, as {of}-42, {of}-43 and so on")
    for column in COLUMNS:
        pairs = [(arms[of][seed].get(column.title), arms[minus][seed].get(column.title)) for seed in shared]
        changes = [one - other for one, other in pairs if _is_number(one) and _is_number(other)]  # type: ignore[operator]
        if len(changes) >= seeds:
            found.append(_tested(of, minus, column.title, changes))
    return found


def _tested(of: str, minus: str, column: str, changes: Sequence[float]) -> Contrast:
    n = len(changes)
    middle = sum(changes) / n
    error = math.sqrt(sum((one - middle) ** 2 for one in changes) / (n - 1) / n)
    reach = student_bound(0.025, n - 1) * error
    p = 1.0 if middle == 0 else 0.0 if error == 0 else beta_below(
        (n - 1) / (n - 1 + (middle / error) ** 2), (n - 1) / 2, 0.5
    )  # fmt: skip
    return Contrast(of, minus, column, middle, middle - reach, middle + reach, n, p, p)


def _corrected(contrasts: Sequence[Contrast]) -> list[Contrast]:
    done = list[Contrast]()
    for column in dict.fromkeys(one.column for one in contrasts):
        mine = [one for one in contrasts if one.column == column]
        for one, chance in zip(mine, holm([each.p for each in mine]), strict=True):
            done.append(replace(one, corrected=chance))
    return done


def _page(arms: _Arms, contrasts: Sequence[Contrast]) -> str:
    columns = [one.title for one in COLUMNS if any(one.title in found for by in arms.values() for found in by.values())]
    lines: list[Sequence[str]] = [("arm", "seeds", *columns)]
    for name, by in arms.items():
        means = (_mean([found.get(column) for found in by.values()]) for column in columns)
        lines.append((name, str(len(by)), *(("-" if one is None else f"{one:.3f}") for one in means)))
    page = _markdown(lines)
    if contrasts:
        head = ("of", "minus", "in", "difference", "95 %", "seeds", "p", "p, Holm")
        told = [
            (one.of, one.minus, one.column, f"{one.value:+.3f}", f"{one.low:+.3f} to {one.high:+.3f}", str(one.seeds),
             f"{one.p:.3f}", f"{one.corrected:.3f}")
            for one in contrasts
        ]  # fmt: skip
        page += "\nContrasts that were named; all other differences between rows are descriptions.\n\n"
        page += _markdown([head, *told])
    return page


def _mean(values: Sequence[Json]) -> float | None:
    known = [float(one) for one in values if _is_number(one)]  # type: ignore[arg-type]
    return sum(known) / len(known) if known else None


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    ruled = [lines[0], ("---",) * len(lines[0]), *lines[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in ruled) + "\n"
