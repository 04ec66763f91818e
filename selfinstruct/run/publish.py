"""Publishes a finished walk at the top of the run folder: records, data set and card, reference files, report."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from selfinstruct.atomic_files import temporary_name
from selfinstruct.formats import dataset_card as cards
from selfinstruct.formats.dataset import write_dataset
from selfinstruct.formats.dataset_card import SplitCheck, SplitLine
from selfinstruct.formats.rows import ABOUT, Row, columns_of, rows
from selfinstruct.generate.encode import encode_all, encoded
from selfinstruct.needs import OF_SPLIT
from selfinstruct.records import Json, Task, digest
from selfinstruct.report.page import page
from selfinstruct.report.summary import RunSummary
from selfinstruct.run.main_loop import Walked
from selfinstruct.run.recipe.keys import Publish
from selfinstruct.run.recipe.resolved import Resolved, knobs
from selfinstruct.run.run_summary import run_summary
from selfinstruct.run.stage_runner import Runner
from selfinstruct.stage import Stage
from selfinstruct.store.atomic_writes import disk, publish_folder, publish_lines, publish_link, publish_text
from selfinstruct.store.built_artifacts import copy_built
from selfinstruct.store.reading import read_lines
from selfinstruct.store.record_lines import each_with_more, holds_records_alone, record_line
from selfinstruct.store.run_folder import RunFolder, round_name

REPORT = "report.html"
# of models whose terms are known here
CALLED = {"embedded": "SmolLM2-135M-Instruct, in 4 bits", "gemma": "Gemma 3 270M, in 4 bits"}
TERMS = {"embedded": "Apache-2.0", "gemma": "Gemma Terms of Use (ai.google.dev/gemma/terms)"}
INSTRUCTIONS = "machine_generated_instructions.jsonl"
INSTANCES = "all_generated_instances.jsonl"
ENCODED = "gpt3_finetuning_data_{}.jsonl"
ENCODING_SEED = 123  # the program seeds its last step apart


def publish(
    resolved: Resolved,
    runner: Runner,
    walked: Walked,
    seeds: tuple[Task, ...],
    mark: str,
) -> Path:
    """Write everything a person looks for; returns the data set's folder, or kept.jsonl where there is none."""
    folder = runner.folder
    if resolved.rounds or resolved.recipe.inputs:  # else nothing came in: empty files would say that all was lost
        _publish_kept(resolved, folder, walked)
        publish_lines(folder.path / "rejected.jsonl", _rejected(resolved, folder, walked))
    publish_lines(folder.path / "failed.jsonl", _fates(resolved, folder, walked, "failed"))
    if resolved.recipe.profile == "reference":
        write_reference(resolved, folder, walked)
    for place, result in folder.finished_stages():
        for name in result.built:
            copy_built(place.built(name), folder.path / name)
    story = run_summary(resolved, folder, walked, seeds, mark)
    dataset = folder.path / "kept.jsonl"
    if resolved.recipe.publish is not None:
        dataset = _dataset(resolved, folder, walked, story)
    else:
        shutil.rmtree(folder.path / "dataset", ignore_errors=True)  # of a time when there was something to publish
    publish_text(folder.path / REPORT, page(story))
    if resolved.rounds or resolved.recipe.inputs:
        _publish_once(resolved, folder, walked)
    return dataset


def _publish_kept(resolved: Resolved, folder: RunFolder, walked: Walked) -> None:
    last, place = _last(resolved, folder, walked), folder.path / "kept.jsonl"
    if last is not None and holds_records_alone(last):
        publish_link(place, last)
    else:
        publish_lines(place, map(record_line, walked.kept), like=last)


def _publish_once(resolved: Resolved, folder: RunFolder, walked: Walked) -> None:
    """What stages that run once rejected stands at the top, and so in their folders no longer.

    Rounds keep theirs: a run goes on from there, and they are decided again (`reconsider`).
    """
    for position, stage in enumerate(resolved.once, 1):
        place = folder.stage(walked.stages_part, position, stage.name)
        if place.result() is not None:
            place.published_rejected()


def _dataset(resolved: Resolved, folder: RunFolder, walked: Walked, story: RunSummary) -> Path:
    built = temporary_name(folder.path / "dataset")
    with disk(folder.path / "dataset"):
        built.mkdir()
        write_published_set(built, resolved, walked.kept, story)
    publish_folder(built, folder.path / "dataset")
    return folder.path / "dataset"


def _last(resolved: Resolved, folder: RunFolder, walked: Walked) -> Path | None:
    """Where the last of the stages that run once wrote what is published, if there are such stages."""
    if not resolved.once:
        return None
    return folder.stage(walked.stages_part, len(resolved.once), resolved.once[-1].name).path / "kept.jsonl"


def _rejected(resolved: Resolved, folder: RunFolder, walked: Walked) -> Iterator[bytes]:
    yield from _fates(resolved, folder, walked, "rejected")
    for task in walked.surplus:
        yield record_line(task, {"reason": "beyond_target", "stage": "target"})


def _fates(resolved: Resolved, folder: RunFolder, walked: Walked, fate: str) -> Iterator[bytes]:
    """The lines of every stage that counts, each with the stage it is from; as they are, for a checksum vouches."""
    parts: list[tuple[str, Iterable[Stage]]] = [
        (round_name(number), resolved.rounds) for number in range(1, len(walked.rounds) + 1)
    ]
    for part, stages in [*parts, (walked.stages_part, resolved.once)]:
        for position, stage in enumerate(stages, 1):
            place = folder.stage(part, position, stage.name)
            if place.result() is None:
                continue
            yield from each_with_more(place.raw(fate), {"stage": f"{part}/{place.path.name}"})


def write_published_set(folder: Path, resolved: Resolved, kept: Sequence[Task], story: RunSummary) -> None:
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
        name: _CountedRows(rows(tasks, publish.format, encode, first_turn=publish.first_turn), tasks)
        for name, tasks in splits_of(kept, story.machine.held_out).items()
    }
    columns = (*columns_of(publish.format), *ABOUT)

    def card(content: str) -> str:
        return cards.render(_card(resolved, publish, story, made, content))

    write_dataset(folder, made, columns, card, publish.files, marked=story.machine.unlearned > 0)


def splits_of(kept: Sequence[Task], tested: int) -> dict[str, "PublishedSplit"]:
    """The records for training, and the `tested` that are held out where there are any of both; else all as `train`."""
    if not 0 < tested < len(kept):
        return {"train": PublishedSplit(kept, None, len(kept))}
    return {"train": PublishedSplit(kept, False, len(kept) - tested), "test": PublishedSplit(kept, True, tested)}


@dataclass(frozen=True, slots=True)
class PublishedSplit:
    """The records of one split, wherever all of them lie."""

    kept: Sequence[Task]
    held_out: bool | None
    """None: all of them."""
    count: int

    def __iter__(self) -> Iterator[Task]:
        """In their order, as often as is asked for."""
        return (task for task in self.kept if self.held_out is None or task.held_out == self.held_out)


@dataclass
class _CountedRows:
    """Rows on their way to the files: of how many tasks, how many there were, and the first."""

    rows: Iterator[Row]
    tasks: PublishedSplit
    count: int = 0
    first: Row | None = None

    def __iter__(self) -> Iterator[Row]:
        for row in self.rows:
            self.first = self.first or row
            self.count += 1
            yield row


def _card(
    resolved: Resolved, publish: Publish, story: RunSummary, made: Mapping[str, _CountedRows], content: str
) -> cards.Card:
    recipe = resolved.recipe
    cost = story.cost
    return cards.Card(
        title=publish.title or recipe.name,
        about=recipe.about,
        license=publish.license,
        language=publish.language,
        layout=publish.format,
        rows=sum(split.count for split in made.values()),
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
        requests=cost.requests,
        failed_requests=cost.failed,
        prompt_tokens=cost.prompt_tokens,
        completion_tokens=cost.completion_tokens,
        cost=None if cost.dollars is None else f"{cost.dollars.normalize():f}",
        estimated=cost.estimated,
        called={model: CALLED[model] for model in story.models if model in CALLED},
        terms={model: TERMS[model] for model in story.models if model in TERMS},
        command=story.command,
        example=made["train"].first,
        parquet="parquet" in publish.files,
        content=content,
        inputs=[Path(given.path).name for given in recipe.inputs],
        checked=_checked(story),
        splits=[SplitLine(name, split.tasks.count, split.count) for name, split in made.items() if len(made) > 1],
        split_check=_split_check(story),
        held_out_seeds=recipe.holdout_seeds,
    )


def _split_check(story: RunSummary) -> SplitCheck | None:
    """What the last stage that split the set measured."""
    measured = {measure.name: measure.value for measure in story.measured}.get(OF_SPLIT)
    if not isinstance(measured, dict) or "limits" not in measured:
        return None
    return SplitCheck(
        jaccard=_number(measured, "limits", "jaccard"),
        shingle_words=int(_number(measured, "limits", "shingle_words")),
        rouge_l_below=_number(measured, "limits", "rouge_l_below"),
        checked=int(_number(measured, "checked")),
        highest_jaccard=_number(measured, "highest_across", "jaccard", "score"),
        highest_rouge_l=_number(measured, "highest_across", "rouge_l", "score"),
    )


def _number(measured: Json, *path: str) -> float:
    """What stands there; 0 where nothing does: of records that share nothing no pair is named."""
    for key in path:
        measured = measured.get(key) if isinstance(measured, dict) else None
    return float(measured) if isinstance(measured, int | float) else 0.0


def _checked(story: RunSummary) -> dict[str, int]:
    """By benchmark, the records that held some of it."""
    checked: dict[str, int] = {}
    for measure in story.measured:
        if measure.name == "contamination" and isinstance(measure.value, dict):
            for name, checked_set in measure.value.items():
                records = checked_set.get("records") if isinstance(checked_set, dict) else None
                checked[Path(name).name] = records if isinstance(records, int) else 0
    return checked


def write_reference(resolved: Resolved, folder: RunFolder, walked: Walked) -> None:
    """`reference/`: accepted instructions with their neighbours, the instances, and the encoded training lines."""
    place = folder.path / "reference"
    publish_text(place / INSTRUCTIONS, "".join(_line(entry) for entry in _instructions(resolved, folder)))
    rows = [
        {"instruction": task.instruction, "input": pair.input, "output": pair.output}
        for task in walked.kept
        for pair in task.instances
    ]
    publish_text(place / INSTANCES, "".join(_line(row) for row in rows))
    lines = encode_all(walked.kept, Random(ENCODING_SEED), "reference")  # noqa: S311 - not for secrets
    publish_text(place / ENCODED.format(len(lines)), "".join(_line(line.as_json()) for line in lines))


def _instructions(resolved: Resolved, folder: RunFolder) -> Iterator[Mapping[str, object]]:
    """In accepted order, with the program's keys; `request_idx` counts batches from 0 as the program does."""
    novelty = next((at for at, stage in enumerate(resolved.rounds, 1) if stage.needs.novelty_below is not None), None)
    if novelty is None:
        return
    for number in folder.round_numbers():
        place = folder.stage(round_name(number), novelty, resolved.rounds[novelty - 1].name)
        if place.result() is None:
            continue
        for line in read_lines(place.path / "kept.jsonl"):
            evidence = line.get("evidence", {})
            yield {
                "instruction": line["instruction"],
                "most_similar": evidence.get("most_similar", {}),
                "avg_similarity_score": evidence.get("avg_similarity_score", 0.0),
                "request_idx": number - 1,
            }


def _line(row: Mapping[str, object]) -> str:
    """ASCII-escaped, as the program writes it."""
    return json.dumps(row) + "\n"
