"""From the story of a run to the card and the rows of its published set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from selfinstruct.formats import card as cards
from selfinstruct.formats.dataset import write_dataset
from selfinstruct.formats.rows import ABOUT, COLUMNS, Row, rows
from selfinstruct.generate.encode import encoded
from selfinstruct.pipeline.recipe import Publish, Resolved, knobs
from selfinstruct.records import Task, digest
from selfinstruct.report.story import Story

TERMS = {"embedded": "Apache-2.0"}  # of models whose terms are known here


def write(folder: Path, resolved: Resolved, kept: Sequence[Task], story: Story) -> None:
    """Write the unpublished dataset folder."""
    publish = resolved.recipe.publish
    assert publish is not None
    seed = resolved.recipe.seed

    def encode(task: Task, index: int) -> tuple[str, str]:
        pair = task.instances[index]
        draw = Random(int(digest(seed, task.id, index)[:16], 16))  # noqa: S311 - not for secrets
        made = encoded(task.instruction, pair, draw, resolved.recipe.profile)
        return made.prompt, made.completion

    made = _Made(rows(kept, publish.format, encode, first_turn=publish.first_turn))
    columns = (*COLUMNS[publish.format], *ABOUT)

    def card() -> str:
        return cards.render(_card(resolved, publish, story, made.count, made.first))

    write_dataset(folder, {"train": made}, columns, card, publish.files)


@dataclass
class _Made:
    """Rows on their way to the files: how many there were, and the first."""

    rows: Iterator[Row]
    count: int = 0
    first: Row | None = None

    def __iter__(self) -> Iterator[Row]:
        for row in self.rows:
            self.first = self.first or row
            self.count += 1
            yield row


def _card(resolved: Resolved, publish: Publish, story: Story, count: int, example: Row | None) -> cards.Card:
    recipe = resolved.recipe
    cost = story.cost
    return cards.Card(
        title=publish.title or recipe.name,
        about=recipe.about,
        license=publish.license,
        language=publish.language,
        layout=publish.format,
        rows=count,
        tasks=story.published,
        seeds=story.seeds,
        seeds_source=Path(resolved.seeds).name,
        models=story.models,
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
        stages={stage.name: knobs(stage) for stage in (*resolved.rounds, *resolved.stages)},
        requests=story.requests,
        failed_requests=story.failed_requests,
        prompt_tokens=sum(line.prompt_tokens for line in story.spending),
        completion_tokens=sum(line.completion_tokens for line in story.spending),
        cost=None if cost is None else f"{cost.normalize():f}",
        estimated=any(line.estimated for line in story.spending),
        terms={model: TERMS[model] for model in story.models if model in TERMS},
        command=story.command,
        example=example,
        parquet="parquet" in publish.files,
        inputs=[Path(one.path).name for one in recipe.inputs],
        checked=_checked(story),
    )


def _checked(story: Story) -> dict[str, int]:
    """By benchmark, the records that held some of it."""
    checked: dict[str, int] = {}
    for measure in story.measured:
        if measure.name == "contamination" and isinstance(measure.value, dict):
            for name, told in measure.value.items():
                records = told.get("records") if isinstance(told, dict) else None
                checked[Path(name).name] = records if isinstance(records, int) else 0
    return checked
