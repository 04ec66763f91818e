"""A recipe with arms: the same, changed a little each time, run one after another and compared on the same prompts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.compare_models import table
from selfinstruct.evaluate.publishing import as_page
from selfinstruct.evaluate.score import JUST_TRAINED, Score
from selfinstruct.evaluate.score_files import Row, Scores, responses_of, scores_of
from selfinstruct.formats.lines import read_values
from selfinstruct.records import Json
from selfinstruct.run.judges import judges_for
from selfinstruct.run.recipe import Resolved, resolve
from selfinstruct.run.yaml_file import YamlFile, word_beside
from selfinstruct.store.files import publish_text
from selfinstruct.store.reading import read_sealed
from selfinstruct.tone.verdicts import Response

BASE = "base"
_STUDENT = "hf:student@"


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to run the recipe."""

    name: str
    resolved: Resolved


def arms_of(file: YamlFile, changes: Sequence[str]) -> tuple[Arm, ...]:
    """The arms of a recipe, in their order, each with its own changes after those of the command line; or none."""
    whole = resolve(file, changes)
    if BASE in whole.recipe.arms:
        what = f"an arm called '{BASE}', as the model that all arms are compared with"
        raise BadInput(what, place=file.place(("arms", BASE)), fix="call it otherwise")
    return tuple(
        Arm(name, resolve(file, [*changes, *(word_beside(word, file.name) for word in words), "arms={}"]))
        for name, words in whole.recipe.arms.items()
    )


def compare(arms: Sequence[Arm], folder: Path) -> str:
    """Write `arms.json` and `arms.md` from the finished arms in the folder; returns the latter.

    Students are compared with their base and with each other, on the prompts that both answered, under one wrapper.
    """
    responses = list(_responses(arms, folder))
    told = {arm.name: _tuning(folder / arm.name) for arm in arms}
    page = _tuned(told)
    facts: dict[str, Json] = {"arms": dict(told)}
    if responses:
        stage = _reported(arms[0])
        built = folder / arms[0].name / JUST_TRAINED
        [tone] = judges_for(stage, {JUST_TRAINED: built} if built.is_dir() else {}).values()
        scores = scores_of(responses, tone, stage.terms, seed=arms[0].resolved.recipe.seed)
        facts |= {"scores": scores.as_json()}
        page = "\n".join(part for part in (table(scores.scored), _differences(scores), page) if part)
    publish_text(folder / "arms.json", as_page(facts))
    publish_text(folder / "arms.md", page)
    return page


def _reported(arm: Arm) -> Score:
    """The score whose responses are compared: the last one without a label."""
    found = [stage for stage in arm.resolved.stages if isinstance(stage, Score) and not stage.label]
    return found[-1]


def _responses(arms: Sequence[Arm], folder: Path) -> Iterator[Response]:
    """Every response, its model called by its arm; who else was asked in the first arm is asked for all.

    One other model is the base; of several, each keeps its name.
    """
    for number, arm in enumerate(arms):
        file = folder / arm.name / "responses.jsonl"
        if not file.is_file():
            continue
        asked = _reported(arm).asked_tokens  # else lengths would be estimated, and differently from `score.json`
        rows = _rows(file, arm.name, first=not number)
        yield from (replace(one, asked_tokens=asked) for one in responses_of(rows))


def _rows(file: Path, arm: str, *, first: bool) -> Iterator[Row]:
    lines: list[Any] = list(read_values(file))
    others = {str(line.value["model"]) for line in lines if not _is_student(line.value)}
    for line in lines:
        row = line.value
        name = arm if _is_student(row) else BASE if len(others) == 1 else str(row["model"])
        if _is_student(row) or first:
            kept = {key: row[key] for key in _KEPT if row.get(key) is not None}
            yield Row(line.place, {**kept, "model": name})


def _is_student(row: Mapping[str, Json]) -> bool:
    return str(row["model"]).startswith(_STUDENT)


_KEPT = ("prompt", "response", "finish_reason", "wrapper", "whole", "complete", "source", "sample")


def _tuning(folder: Path) -> dict[str, Json]:
    """What the arm's training came to, in a loop that of its last cycle; empty where it had none."""
    for done in sorted(folder.glob("stages*/*-finetune/DONE"), reverse=True):
        found: Any = read_sealed(done, "delete it and run again")["measured"]["finetune"]
        stop = found.get("stop") or {}
        return {
            "method": found["recipe"]["method"],
            "learning_rate": found["recipe"]["learning_rate"],
            "tried": {f"{one['learning_rate']:g}": one["held_out_loss"] for one in found.get("trials", ())},
            "examples_seen": found["training"]["examples_seen"],
            "held_out_loss": found["training"]["held_out_loss"],
            "would_stop_at": stop.get("stopped_at"),
            "headroom": stop.get("headroom"),
        }
    return {}


def _tuned(told: Mapping[str, Mapping[str, Json]]) -> str:
    names = ("method", "learning_rate", "tried", "examples_seen", "held_out_loss", "would_stop_at")
    lines: list[tuple[str, ...]] = [("arm", *names)]
    lines += [(arm, *(_cell(facts.get(name)) for name in names)) for arm, facts in told.items() if facts]
    return _markdown(lines) if len(lines) > 1 else ""


def _differences(scores: Scores) -> str:
    """First minus second, with intervals, where both were asked alike."""
    lines: list[tuple[str, ...]] = [("of", "above", "IFS", "partial", "full", "clean")]
    for one in scores.differences:
        if one.same_wrapper:
            numbers = (one.numbers.get(name) for name in ("ifs", "ifs_partial", "ifs_full", "ifs_clean"))
            cells = (
                "-" if found is None else f"{found.value:+.3f} [{found.low or 0:+.3f}, {found.high or 0:+.3f}]"
                for found in numbers
            )
            lines.append((one.of, one.above, *cells))
    return _markdown(lines) + "\n" + _ONE_TRAINING + "\n" if len(lines) > 1 else ""


_ONE_TRAINING = (
    "Each interval says what other prompts would have changed. What another training, or other data made alike, would "
    "have changed shows only between arms that differ in nothing but their seed."
)


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    ruled = [lines[0], ("---",) * len(lines[0]), *lines[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in ruled) + "\n"


def _cell(value: Json) -> str:
    """A value as a cell of a table.

    >>> _cell({"0.0002": 2.41234, "0.001": None}), _cell(0.00005), _cell(None)
    ('0.0002: 2.412, 0.001: -', '5e-05', '-')
    """
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_cell(one)}" for name, one in value.items()) or "-"
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
