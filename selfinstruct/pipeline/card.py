"""From the story of a run to the card and the rows of its published set."""

from collections.abc import Sequence
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

    train = list(rows(kept, publish.format, encode))
    card = _card(resolved, publish, story, len(train), train[0] if train else None)
    columns = (*COLUMNS[publish.format], *ABOUT)
    write_dataset(folder, {"train": train}, columns, cards.render(card), publish.files)


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
    )
