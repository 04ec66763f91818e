"""A recipe with arms: the same recipe with a few knobs changed, run one after another, and compared.

Compared on the same prompts, and in what audits found. Arms that are called NAME-SEED are repetitions of NAME: every
number of the table of contrasts is a mean over them; what is tested is only what was named before the runs (Holm
1979), by Student's t over the differences between arms of the same seed.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.compare_models import table as score_table
from selfinstruct.evaluate.compare_table import holm
from selfinstruct.evaluate.result_json import as_page
from selfinstruct.evaluate.score import JUST_TRAINED
from selfinstruct.evaluate.score_files import Row, Scores, responses_of, scores_of
from selfinstruct.formats.json_lines import read_values
from selfinstruct.needs import OF_TRAINING, ScoreTerms
from selfinstruct.records import Json
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.yaml_file import YamlFile, word_beside
from selfinstruct.run.tone_judges import judges_for
from selfinstruct.stage import Stage
from selfinstruct.stats import is_number, student_bound
from selfinstruct.store.atomic_writes import publish_text
from selfinstruct.store.reading import read_object, read_sealed
from selfinstruct.text.tables import markdown_table
from selfinstruct.tone.response_verdicts import Response, Terms
from selfinstruct.tone.tone_metrics import columns_of

BASE = "base"
_STUDENT = "hf:student@"
LEAST_SEEDS = 3
"""Pairs that a contrast needs, at least."""
_AGAIN = "run the recipe again"


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

    Students are compared with their base and with each other, on the prompts that both answered, under one wrapper;
    where arms have suites or audits, their numbers stand below, as means over seeds.
    """
    responses = list(_responses(arms, folder))
    tunings = {arm.name: _tuning(folder / arm.name) for arm in arms}
    page = _tuned(tunings)
    facts: dict[str, Json] = {"arms": dict(tunings)}
    measures = _arms(folder)
    if responses:
        stage, terms = next(scored for arm in arms if (scored := _reported(arm)) is not None)
        built = folder / arms[0].name / JUST_TRAINED
        tones = judges_for(stage, {JUST_TRAINED: built} if built.is_dir() else {})
        if not tones:
            what = f"stage {stage.name} publishes a score, and its needs declare no judge"
            raise BadInput(what, place=str(folder), fix="declare `judge` beside `scores`")
        [tone] = tones.values()
        read = Terms(tone_tokens=terms.tone_tokens, budget=terms.budget)
        scores = scores_of(responses, tone, read, seed=arms[0].resolved.recipe.seed)
        facts |= {"scores": scores.as_json()}
        page = "\n".join(part for part in (score_table(scores.scored), _differences(scores), page) if part)
    if any(
        column.file != _SCORE and numbers.get(column.title) is not None
        for column in _columns()
        for numbers in _each(measures)
    ):
        page = f"{page}\n{_contrast_page(measures, [])}\n{_MEANS}\n" if page else _contrast_page(measures, [])
    publish_text(folder / "arms.json", as_page(facts))
    publish_text(folder / "arms.md", page)
    return page


def _reported(arm: Arm) -> tuple[Stage, ScoreTerms] | None:
    """The score whose responses are compared: the last one without a label; None where no stage publishes one."""
    scoring = [
        (stage, terms)
        for stage in arm.resolved.stages
        if (terms := stage.needs.scores) is not None and not stage.needs.label
    ]
    return scoring[-1] if scoring else None


def _responses(arms: Sequence[Arm], folder: Path) -> Iterator[Response]:
    """Every response, its model called by its arm; who else was asked in the first arm is asked for all.

    One other model is the base; of several, each keeps its name.
    """
    for number, arm in enumerate(arms):
        file = folder / arm.name / "responses.jsonl"
        scored = _reported(arm)
        if scored is None or not file.is_file():
            continue
        asked = scored[1].asked_tokens  # else lengths would be estimated, and differently from `score.json`
        rows = _rows(file, arm.name, first=not number)
        yield from (replace(response, asked_tokens=asked) for response in responses_of(rows))


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
    for done in sorted(folder.glob("stages*/*/DONE"), reverse=True):
        measures: Any = read_sealed(done, "delete it and run again")["measured"]
        measured = measures.get(OF_TRAINING)
        if measured is None:
            continue
        stop = measured.get("stop") or {}
        return {
            "method": measured["recipe"]["method"],
            "learning_rate": measured["recipe"]["learning_rate"],
            "tried": {f"{trial['learning_rate']:g}": trial["held_out_loss"] for trial in measured.get("trials", ())},
            "examples_seen": measured["training"]["examples_seen"],
            "held_out_loss": measured["training"]["held_out_loss"],
            "would_stop_at": stop.get("stopped_at"),
            "headroom": stop.get("headroom"),
        }
    return {}


def _tuned(tunings: Mapping[str, Mapping[str, Json]]) -> str:
    names = ("method", "learning_rate", "tried", "examples_seen", "held_out_loss", "would_stop_at")
    lines: list[tuple[str, ...]] = [("arm", *names)]
    lines += [(arm, *(_cell(facts.get(name)) for name in names)) for arm, facts in tunings.items() if facts]
    return _markdown(lines) if len(lines) > 1 else ""


def _differences(scores: Scores) -> str:
    """First minus second, with intervals, where both were asked alike."""
    metrics = columns_of("arm_differences")
    lines: list[tuple[str, ...]] = [("of", "above", *(metric.short for metric in metrics))]
    for difference in scores.differences:
        if difference.same_wrapper:
            numbers = (difference.numbers.get(metric.key) for metric in metrics)
            cells = (
                "-" if number is None else f"{number.value:+.3f} [{number.low or 0:+.3f}, {number.high or 0:+.3f}]"
                for number in numbers
            )
            lines.append((difference.of, difference.above, *cells))
    return _markdown(lines) + "\n" + _ONE_TRAINING + "\n" if len(lines) > 1 else ""


_ONE_TRAINING = (
    "Each interval says what other prompts would have changed. What another training, or other data made alike, would "
    "have changed shows only between arms that differ in nothing but their seed."
)

_MEANS = "Means over the seeds of an arm; with intervals, and in pairs: `selfinstruct compare FOLDER`."


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(markdown_table(lines)) + "\n"


def _cell(value: Json) -> str:
    """A value as a cell of a table.

    >>> _cell({"0.0002": 2.41234, "0.001": None}), _cell(0.00005), _cell(None)
    ('0.0002: 2.412, 0.001: -', '5e-05', '-')
    """
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_cell(item)}" for name, item in value.items()) or "-"
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class ArmColumn:
    """One number of an arm: in which file it stands, and the way to it.

    Of a list of models the step `student` is the student, or the first where none is.
    """

    title: str
    file: str
    way: tuple[str | int, ...]


_SCORE = "score.json"
_SUITE = "suite.json"
_ASKED = ("models", "student")
_OTHERS = (
    ArmColumn("SuperNI ROUGE-L", _SUITE, (*_ASKED, "superni", "measures", "rouge_l", "value")),
    ArmColumn("SuperNI EM", _SUITE, (*_ASKED, "superni", "measures", "exact_match", "value")),
    ArmColumn("IFEval prompt strict", _SUITE, (*_ASKED, "ifeval", "measures", "prompt_strict", "value")),
    ArmColumn("IFEval instr. strict", _SUITE, (*_ASKED, "ifeval", "measures", "instruction_strict", "value")),
    ArmColumn("facts kept", "knowledge.json", ("differences", 0, "known_facts", "value")),
    ArmColumn("prose loss", "knowledge.json", ("models", 1, "prose_loss", "value")),
    ArmColumn("held-out loss", "knowledge.json", ("models", 1, "held_out_loss", "value")),
    ArmColumn("borrowed spans", "trace.json", ("borrowed", "value")),
    ArmColumn("characters", "trace.json", ("copying", "characters", "said", "value")),
    ArmColumn("shifted", "shift.json", ("shift", "all", "shifted", "value")),
    ArmColumn("KL first 5 %", "shift.json", ("shift", "first_of_sentence", "kl_base_tuned", "value")),
    ArmColumn("KL rest", "shift.json", ("shift", "rest_of_sentence", "kl_base_tuned", "value")),
)


def _columns() -> tuple[ArmColumn, ...]:
    """All that arms are contrasted in: metrics of tone, then what suites and audits found."""
    of_tone = (ArmColumn(metric.label, _SCORE, (metric.key,)) for metric in columns_of("arms"))
    return (*of_tone, *_OTHERS)


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
        """As `contrasts` has it, numbers to six digits."""
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


def contrast_table(folder: Path, named: Sequence[str], seeds: int = LEAST_SEEDS) -> str:
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
        what = "no arm with score.json, suite.json, shift.json, knowledge.json or trace.json"
        raise BadInput(what, place=str(folder), fix="name the -o of a recipe with arms, such as pipelines/fixes.yaml")
    contrasts = [contrast for name in named for contrast in _contrast(name, arms, seeds, str(folder))]
    corrected = _corrected(contrasts)
    facts: dict[str, Json] = {
        "arms": {arm: {str(seed): dict(numbers) for seed, numbers in by.items()} for arm, by in arms.items()},
        "contrasts": [contrast.as_json() for contrast in corrected],
        "seeds_needed": seeds,
    }
    publish_text(folder / "audit.json", json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    page = _contrast_page(arms, corrected)
    publish_text(folder / "audit.md", page)
    return page


_Arms = Mapping[str, Mapping[int, Mapping[str, Json]]]
"""By name and seed the numbers, by column."""


def _arms(folder: Path) -> dict[str, dict[int, dict[str, Json]]]:
    arms: dict[str, dict[int, dict[str, Json]]] = {}
    for place in sorted(entry for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else ():
        values: dict[str, Json] = {}
        for column in _columns():
            if (place / column.file).is_file():
                value: Any = read_object(place / column.file, _AGAIN)
                for step in column.way:
                    value = _step(value, step)
                values[column.title] = value if isinstance(value, int | float) else None
        if values:
            name, dash, seed = place.name.rpartition("-")
            repeated = bool(dash) and seed.isdigit()
            arms.setdefault(name if repeated else place.name, {})[int(seed) if repeated else 0] = values
    return arms


def _step(value: Any, step: str | int) -> Any:  # noqa: ANN401 - what a page holds
    if isinstance(value, list) and step == "student":
        students = [
            student for student in value if isinstance(student, dict) and "model" in student and _is_student(student)
        ]
        return next(iter(students or value), None)
    if isinstance(value, list):
        return value[step] if isinstance(step, int) and step < len(value) else None
    return value.get(step) if isinstance(value, dict) else None


def _each(arms: _Arms) -> Iterator[Mapping[str, Json]]:
    return (numbers for by_seed in arms.values() for numbers in by_seed.values())


def _contrast(named: str, arms: _Arms, seeds: int, place: str) -> list[Contrast]:
    of, colon, minus = named.partition(":")
    for name in (of, minus):
        if not colon or name not in arms:
            known = ", ".join(arms)
            raise BadInput(f"no arm '{name}'" if colon else f"'{named}' names no two arms", place=place, fix=known)
    contrasts = list[Contrast]()
    shared = sorted({*arms[of]} & {*arms[minus]})
    if len(shared) < seeds:
        what = f"{of} and {minus} share {len(shared)} seeds, and {seeds} are needed to tell them apart"
        raise BadInput(what, place=place, fix=f"run both with more seeds, as {of}-42, {of}-43 and so on")
    for column in _columns():
        pairs = [(arms[of][seed].get(column.title), arms[minus][seed].get(column.title)) for seed in shared]
        changes = [before - other for before, other in pairs if is_number(before) and is_number(other)]  # type: ignore[operator]
        if len(changes) >= seeds:
            contrasts.append(_tested(of, minus, column.title, changes))
    return contrasts


def _tested(of: str, minus: str, column: str, changes: Sequence[float]) -> Contrast:
    from scipy.special import stdtr

    n = len(changes)
    middle = sum(changes) / n
    error = math.sqrt(sum((change - middle) ** 2 for change in changes) / (n - 1) / n)
    reach = student_bound(0.025, n - 1) * error
    p = 1.0 if middle == 0 else 0.0 if error == 0 else 2 * float(stdtr(n - 1, -abs(middle / error)))
    return Contrast(of, minus, column, middle, middle - reach, middle + reach, n, p, p)


def _corrected(contrasts: Sequence[Contrast]) -> list[Contrast]:
    done = list[Contrast]()
    for column in dict.fromkeys(contrast.column for contrast in contrasts):
        mine = [contrast for contrast in contrasts if contrast.column == column]
        for contrast, p in zip(mine, holm([each.p for each in mine]), strict=True):
            done.append(replace(contrast, corrected=p))
    return done


def _contrast_page(arms: _Arms, contrasts: Sequence[Contrast]) -> str:
    columns = [
        column.title for column in _columns() if any(numbers.get(column.title) is not None for numbers in _each(arms))
    ]
    lines: list[Sequence[str]] = [("arm", "seeds", *columns)]
    for name, by in arms.items():
        means = (_mean([numbers.get(column) for numbers in by.values()]) for column in columns)
        lines.append((name, str(len(by)), *(("-" if mean is None else f"{mean:.3f}") for mean in means)))
    page = _markdown(lines)
    if contrasts:
        head = ("of", "minus", "in", "difference", "95 %", "seeds", "p", "p, Holm")
        rows = [
            (
                *(contrast.of, contrast.minus, contrast.column),
                *(f"{contrast.value:+.3f}", f"{contrast.low:+.3f} to {contrast.high:+.3f}"),
                *(str(contrast.seeds), f"{contrast.p:.3f}", f"{contrast.corrected:.3f}"),
            )
            for contrast in contrasts
        ]
        page += "\nContrasts that were named; all other differences between rows are descriptions.\n\n"
        page += _markdown([head, *rows])
    return page


def _mean(values: Sequence[Json]) -> float | None:
    known = [float(value) for value in values if is_number(value)]  # type: ignore[arg-type]
    return sum(known) / len(known) if known else None
