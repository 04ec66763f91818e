"""Students of audits, each a run of its own: the arms of an ablation, the retunings of a counterfactual."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfinstruct.audit.ablate_markdown import curve, table
from selfinstruct.audit.ablate_tasks import TaskSet, tasks_of
from selfinstruct.audit.ablate_training import Training, kept_aside, lessons, together
from selfinstruct.audit.model_pair import CHAT
from selfinstruct.audit.trace_counterfactual import FALSE, agreement, effects, plan, without
from selfinstruct.audit.trace_index import group_of
from selfinstruct.audit.trace_spans import said_of
from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles
from selfinstruct.formats.json_lines import read_values
from selfinstruct.models.transformers_scoring import TransformersScorer
from selfinstruct.models.transformers_weights import libraries
from selfinstruct.prompt_templates import WRAPPERS, before_answer, wrapped
from selfinstruct.records import Json, Task, digest
from selfinstruct.run.inputs import Set, read_input
from selfinstruct.run.recipe import verb_recipes
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.store.atomic_writes import publish_text
from selfinstruct.store.reading import read_object

ABLATION = "ablation.json"
COUNTERFACTUAL, _LIKELIHOODS = "counterfactual.json", "likelihoods.json"
_SAME = ("method", "template", "rank", "alpha", "targets", "epochs", "batch", "accumulate", "max_tokens", "neftune")
"""Knobs of the student's training, as its card tells them, that its retunings share."""


def read_tasks_of(paths: Sequence[str], layout: str, columns: str) -> TaskSet:
    """The tasks of all the sets; BadInput for a record that cannot be read, as a task with gaps is another task."""
    records: list[Task] = []
    roles = Roles.parse(columns) if columns else None
    for path in paths:
        for item in read_input(Set(path, layout, "", roles) if roles else Set(path, layout)):
            if not isinstance(item, Task):
                raise BadInput(item.problem, place=item.place, fix="mend the file, or leave it out")
            records.append(item)
    return tasks_of(records, 0)


def arm_files(training: Training, tasks: TaskSet, folder: Path, folds: int, shots: int) -> list[str]:
    """Write what a student learns and what it is asked into its folder's neighbours; returns the two files."""
    made = {
        "lessons": lessons(training, tasks.tasks, folds, shots=shots),
        "asked": kept_aside(training, tasks.tasks, folds),
    }
    if not made["lessons"]:
        raise BadInput("no example to learn", place=f"arm {training.name}", fix="give more tasks, or fewer folds")
    files = []
    for name, rows in made.items():
        file = folder / "sets" / f"{training.name}.{name}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        publish_text(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        files.append(str(file))
    return files


def arm_recipe(
    training: Training,
    base: str,
    files: Sequence[str],
    *,
    asking: Mapping[str, Json],
    tuning: Mapping[str, Json],
    changes: Sequence[str] = (),
) -> Resolved:
    """The recipe of one student: it is tuned on the lessons, then asked about what was kept aside."""
    stages: list[Json] = [
        {"finetune": {"base": "base", "stop": "none", **tuning}},
        {"ablate": {**asking, "model": "student", "conditions": list(training.asked)}},
    ]
    models = {"base": base, "student": "built:student"}
    more: dict[str, Json] = {"publish": None, "seed": training.seed}
    return resolve(verb_recipes.recipe("ablate", list(files), stages, models, more), changes)


def ablation_published(students: Iterable[Training], folder: Path, *, margin: float, seed: int) -> str:
    """Put the finished students of a folder together: write `ablation.json` and `ablation.md`; returns the latter.

    One table for each number of examples, from the fewest on; of several, the scores by that number follow.
    """
    by_count: dict[int, list[Training]] = {}
    kept: dict[int, dict[str, Json]] = {}
    for student in students:
        by_count.setdefault(student.examples, []).append(student)
    by_examples: dict[str, Json] = {}
    pages = []
    for count, group in sorted(by_count.items()):
        finished = (
            (student, read_object(folder / student.name / ABLATION, "run the same command again")) for student in group
        )
        put = together(finished, margin=margin, seed=seed)
        by_examples[str(count)] = kept[count] = put
        pages.append(f"Trained on at most {count} examples of each task, {len(group)} students\n\n{table(put)}")
    if len(kept) > 1:
        pages.append(curve(kept))
    publish_text(folder / ABLATION, json.dumps({"examples": by_examples}, indent=1, ensure_ascii=False) + "\n")
    page = "\n".join(pages)
    publish_text(folder / "ablation.md", page)
    return page


@dataclass(frozen=True, slots=True)
class Suspected:
    """Spans, and of each the groups of records that may have taught it."""

    spans: tuple[tuple[str, str, str], ...]
    """Prompt, response before the span, span."""
    suspects: Mapping[int, tuple[str, ...]]
    """By the span's number; those without a suspect are not there."""

    @property
    def groups(self) -> tuple[str, ...]:
        """All that are suspected, each once."""
        return tuple(dict.fromkeys(group for of in self.suspects.values() for group in of))


def suspected(looked_up: Path, responses: str) -> Suspected:
    """From the look-up's `trace.jsonl`; BadInput where no span has a suspect."""
    said = said_of((line.value for line in read_values(Path(responses))), responses)
    rows: list[Any] = [line.value for line in read_values(looked_up / "trace.jsonl")]
    spans = tuple((row["prompt"], said[row["response"]].response[: row["at"][0]], row["span"]) for row in rows)
    suspects = {
        at: tuple(dict.fromkeys(origin["group"] for origin in row["origins"]))
        for at, row in enumerate(rows)
        if row["origins"]
    }
    if not suspects:
        what = "no span has a suspect: nothing like any of them stands in the training set"
        raise BadInput(what, place=str(looked_up), fix="mark other spans")
    return Suspected(spans, suspects)


def training_from_card(student: str) -> dict[str, Json]:
    """Knobs of the student's training from its card; BadInput for a model that has none."""
    place = Path(student.removeprefix("hf:"))
    for file in (place / "training.json", place / "student" / "training.json"):
        if file.is_file():
            training = read_object(file, "name a student that `selfinstruct finetune` made")
            recipe = training.get("recipe")
            if isinstance(recipe, dict):
                recipe = {"template": recipe.get("format"), **recipe}  # as older cards call it
                kept = {name: recipe[name] for name in _SAME if recipe.get(name) not in (None, "")}
                rate = recipe.get("learning_rate")
                return {**kept, "stop": "none", **({"learning_rate": rate} if rate else {})}
    what = "does not say how it was tuned (no training.json)"
    raise BadInput(what, place=f"--student {student}", fix="name the folder of a run of finetune")


def lora_in_place_of(training: Mapping[str, Json], student: str) -> dict[str, Json]:
    """The training by an adapter; BadInput for a student that was tuned so itself, for which nothing stands in."""
    if training.get("method") != "full":
        fix = "leave --lora-proxy out: its retunings are of its own kind"
        raise BadInput("was tuned by LoRA itself", place=f"--student {student}", fix=fix)
    of_all_weights = ("learning_rate", "rank", "alpha", "targets")  # what suits all weights does not suit an adapter
    return {**{name: value for name, value in training.items() if name not in of_all_weights}, "method": "lora"}


def proxy_facts(rows: Sequence[Sequence[float]], whole: Sequence[Sequence[float]]) -> dict[str, Json]:
    """What is said of retunings by LoRA that stand in for such of all weights, of which there are a few."""
    import numpy as np

    estimate = agreement(np.array(rows[: len(whole)]), np.array(whole))
    agrees: Json = None if estimate is None else estimate.as_json()
    return {"by": "lora", "for": "full", "retuned_both_ways": len(whole), "agreement": agrees}


def retunings(
    tasks: Sequence[Task],
    suspected: Suspected,
    folder: Path,
    *,
    base: str,
    training: Mapping[str, Json],
    count: int,
    seed: int,
    called: str = "retuned",
) -> list[tuple[Path, Resolved]]:
    """Folder and recipe of each retuning, its set written beside it; the first of any number have the same sets."""
    inside = plan(suspected.groups, count, seed)
    made = list[tuple[Path, Resolved]]()
    known = {group_of(task) for task in tasks}
    if not set(suspected.groups) <= known:
        raise BadInput("another set than the one looked up", place=str(folder), fix="choose another folder with -o")
    for number, row in enumerate(inside.tolist(), 1):
        dropped = {group for group, is_in in zip(suspected.groups, row, strict=True) if not is_in}
        kept = without(tasks, dropped, set(suspected.groups), seed + number)
        name = f"{called}-{number:02d}"
        file = folder / "sets" / f"{name}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        publish_text(file, "".join(json.dumps(task.as_json(), ensure_ascii=False) + "\n" for task in kept))
        stages: list[Json] = [{"finetune": {"base": "base", **training}}]
        recipe = verb_recipes.recipe(name, [str(file)], stages, {"base": base}, {"publish": None, "seed": seed})
        made.append((folder / name, resolve(recipe)))
    return made


def likelihoods(place: Path, suspected: Suspected, template: str) -> list[float]:
    """How likely each span is to a finished retuning, in nats: kept beside it, so that it is asked once."""
    file, key = place / _LIKELIHOODS, digest("likelihoods", template, *("\n".join(span) for span in suspected.spans))
    if file.is_file():
        result = read_object(file, "delete it, and run again")
        kept = result.get("nats")
        if result.get("of") == key and isinstance(kept, list):
            return [float(str(value)) for value in kept]
    student = place / "student"
    scorer = TransformersScorer(str(student))
    put = _dressed(student, template)
    texts = [(put(prompt) + before, span) for prompt, before, span in suspected.spans]
    nats = [sum(of_tokens) for of_tokens in scorer.many_log_probabilities(texts)]
    publish_text(file, json.dumps({"of": key, "nats": nats}) + "\n")
    return nats


def counterfactual_published(
    tasks: Sequence[Task],
    suspected: Suspected,
    folder: Path,
    rows: Sequence[Sequence[float]],
    facts: Mapping[str, Json],
    seed: int,
) -> dict[str, Json]:
    """Write `counterfactual.json`: every effect, and what it was told from."""
    import numpy as np

    inside = plan(suspected.groups, len(rows), seed)
    every = effects(inside, suspected.groups, np.array(rows), suspected.suspects, seed=seed)
    records: dict[str, list[str]] = {}
    for task in tasks:
        if (mark := group_of(task)) in set(suspected.groups):
            records.setdefault(mark, []).append(task.id)
    called = [effect for effect in every if effect.taught]
    numbers: dict[str, Json] = {
        "retunings": len(rows),
        "spans": len(suspected.suspects),
        "groups": len(suspected.groups),
        "tests": len(every),
        "false_discovery_rate": FALSE,
        "seed": seed,
        "taught": len(called),
        "spans_taught": len({effect.span for effect in called}),
        **facts,
        "effects": [
            {
                **effect.as_json(),
                "text": suspected.spans[effect.span][2],
                "records": list(records.get(effect.group, ())),
            }
            for effect in sorted(every, key=lambda effect: (effect.p, -effect.nats, effect.span))
        ],
    }
    publish_text(folder / COUNTERFACTUAL, json.dumps(numbers, indent=1, ensure_ascii=False) + "\n")
    return numbers


def _dressed(student: Path, template: str) -> Callable[[str], str]:
    """How a prompt is put, so that the response follows at once."""
    if template != CHAT:
        return lambda prompt: wrapped(template, prompt) + before_answer(WRAPPERS[template])
    _, transformers = libraries()
    tokenizer = transformers.AutoTokenizer.from_pretrained(student, trust_remote_code=False, local_files_only=True)

    def chat(prompt: str) -> str:
        turns = [{"role": "user", "content": prompt}]
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

    return chat
