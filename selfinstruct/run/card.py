"""From the story of a run to the card and the rows of its published set."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from selfinstruct.formats import card as cards
from selfinstruct.formats.card import SplitCheck, SplitLine
from selfinstruct.formats.dataset import write_dataset
from selfinstruct.formats.rows import ABOUT, Row, columns_of, rows
from selfinstruct.generate.encode import encoded
from selfinstruct.records import Json, Task, digest
from selfinstruct.report.summary import RunSummary
from selfinstruct.run.recipe import Publish, Resolved, knobs

# of models whose terms are known here
CALLED = {"embedded": "SmolLM2-135M-Instruct, in 4 bits", "gemma": "Gemma 3 270M, in 4 bits"}
TERMS = {"embedded": "Apache-2.0", "gemma": "Gemma Terms of Use (ai.google.dev/gemma/terms)"}


def write(folder: Path, resolved: Resolved, kept: Sequence[Task], story: RunSummary) -> None:
    """Write the unpublished dataset folder."""
    publish = resolved.recipe.publish
    assert publish is not None
    seed = resolved.recipe.seed

    def encode(task: Task, index: int) -> tuple[str, str]:
        pair = task.instances[index]
        draw = Random(int(digest(seed, task.id, index)[:16], 16))  # noqa: S311 - not for secrets
        made = encoded(task.instruction, pair, draw, resolved.recipe.profile)
        return made.prompt, made.completion

    made = {
        name: _Made(rows(tasks, publish.format, encode, first_turn=publish.first_turn), tasks)
        for name, tasks in splits_of(kept).items()
    }
    columns = (*columns_of(publish.format), *ABOUT)

    def card(content: str) -> str:
        return cards.render(_card(resolved, publish, story, made, content))

    write_dataset(folder, made, columns, card, publish.files, marked=any(task.unlearned for task in kept))


def splits_of(kept: Sequence[Task]) -> dict[str, "Part"]:
    """The records for training, and those marked as held out where there are any of both; else all as `train`."""
    tested = sum(task.held_out for task in kept)
    if not 0 < tested < len(kept):
        return {"train": Part(kept, None, len(kept))}
    return {"train": Part(kept, False, len(kept) - tested), "test": Part(kept, True, tested)}


@dataclass(frozen=True, slots=True)
class Part:
    """The records of one split, wherever all of them lie."""

    kept: Sequence[Task]
    held_out: bool | None
    """None: all of them."""
    count: int

    def __iter__(self) -> Iterator[Task]:
        """In their order, as often as is asked for."""
        return (task for task in self.kept if self.held_out is None or task.held_out == self.held_out)


@dataclass
class _Made:
    """Rows on their way to the files: of how many tasks, how many there were, and the first."""

    rows: Iterator[Row]
    tasks: Part
    count: int = 0
    first: Row | None = None

    def __iter__(self) -> Iterator[Row]:
        for row in self.rows:
            self.first = self.first or row
            self.count += 1
            yield row


def _card(
    resolved: Resolved, publish: Publish, story: RunSummary, made: Mapping[str, _Made], content: str
) -> cards.Card:
    recipe = resolved.recipe
    cost = story.cost
    return cards.Card(
        title=publish.title or recipe.name,
        about=recipe.about,
        license=publish.license,
        language=publish.language,
        layout=publish.format,
        rows=sum(one.count for one in made.values()),
        tasks=story.published,
        seeds=story.seeds,
        seeds_source=Path(resolved.seeds).name,
        models=story.models,
        addresses=story.addresses,
        profile=recipe.profile,
        run_seed=recipe.seed,
        version=story.version,
        fingerprint=story.fingerprint,
        stopped_because=story.stopped_because,
        target=story.target,
        funnel=[
            cards.FunnelLine(line.name, line.received, line.kept, {c.name: c.count for c in line.rejected}, line.failed)
            for line in story.stages
        ],
        stages=[(stage.name, knobs(stage)) for stage in (*resolved.rounds, *resolved.stages)],
        requests=story.requests,
        failed_requests=story.failed_requests,
        prompt_tokens=sum(line.prompt_tokens for line in story.spending),
        completion_tokens=sum(line.completion_tokens for line in story.spending),
        cost=None if cost is None else f"{cost.normalize():f}",
        estimated=any(line.estimated for line in story.spending),
        called={model: CALLED[model] for model in story.models if model in CALLED},
        terms={model: TERMS[model] for model in story.models if model in TERMS},
        command=story.command,
        example=made["train"].first,
        parquet="parquet" in publish.files,
        content=content,
        inputs=[Path(one.path).name for one in recipe.inputs],
        checked=_checked(story),
        splits=[SplitLine(name, one.tasks.count, one.count) for name, one in made.items() if len(made) > 1],
        split_check=_split_check(story),
        held_out_seeds=recipe.holdout_seeds,
    )


def _split_check(story: RunSummary) -> SplitCheck | None:
    """What the last stage that split the set measured."""
    told = next((one.value for one in reversed(story.measured) if (one.stage, one.name) == ("split", "split")), None)
    if not isinstance(told, dict):
        return None
    return SplitCheck(
        jaccard=_number(told, "limits", "jaccard"),
        shingle_words=int(_number(told, "limits", "shingle_words")),
        rouge_l_below=_number(told, "limits", "rouge_l_below"),
        checked=int(_number(told, "checked")),
        highest_jaccard=_number(told, "highest_across", "jaccard", "score"),
        highest_rouge_l=_number(told, "highest_across", "rouge_l", "score"),
    )


def _number(told: Json, *path: str) -> float:
    """What stands there; 0 where nothing does: of records that share nothing no pair is named."""
    for key in path:
        told = told.get(key) if isinstance(told, dict) else None
    return float(told) if isinstance(told, int | float) else 0.0


def _checked(story: RunSummary) -> dict[str, int]:
    """By benchmark, the records that held some of it."""
    checked: dict[str, int] = {}
    for measure in story.measured:
        if measure.name == "contamination" and isinstance(measure.value, dict):
            for name, told in measure.value.items():
                records = told.get("records") if isinstance(told, dict) else None
                checked[Path(name).name] = records if isinstance(records, int) else 0
    return checked
