"""Puts the results of a finished walk at the top of the run folder: records, data set, report."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from selfinstruct.records import Task
from selfinstruct.report.page import page
from selfinstruct.report.summary import RunSummary
from selfinstruct.run import card as cards
from selfinstruct.run.loop import Walked, results
from selfinstruct.run.recipe import Resolved
from selfinstruct.run.reference import write_reference
from selfinstruct.run.run_summary import run_summary
from selfinstruct.run.runner import Runner
from selfinstruct.stage import Stage
from selfinstruct.store.built import copy_built
from selfinstruct.store.files import disk, publish_folder, publish_lines, publish_text
from selfinstruct.store.lines import each_with_more, record_line
from selfinstruct.store.run_folder import RunFolder, round_name
from selfinstruct.whole_files import beside

REPORT = "report.html"


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
        publish_lines(folder.path / "kept.jsonl", map(record_line, walked.kept), like=_last(resolved, folder, walked))
        publish_lines(folder.path / "rejected.jsonl", _rejected(resolved, folder, walked))
    publish_lines(folder.path / "failed.jsonl", _fates(resolved, folder, walked, "failed"))
    if resolved.recipe.profile == "reference":
        write_reference(folder, walked.kept)
    for place, result in results(runner):
        for name in result.built:
            copy_built(place.built(name), folder.path / name)
    story = run_summary(resolved, folder, walked, seeds, mark)
    dataset = folder.path / "kept.jsonl"
    if resolved.recipe.publish is not None:
        dataset = _dataset(resolved, folder, walked, story)
    else:
        shutil.rmtree(folder.path / "dataset", ignore_errors=True)  # of a time when there was something to publish
    publish_text(folder.path / REPORT, page(story))
    return dataset


def _dataset(resolved: Resolved, folder: RunFolder, walked: Walked, story: RunSummary) -> Path:
    built = beside(folder.path / "dataset")
    with disk(folder.path / "dataset"):
        built.mkdir()
        cards.write(built, resolved, walked.kept, story)
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
            with (place.path / f"{fate}.jsonl").open("rb") as file:
                yield from each_with_more(file, {"stage": f"{part}/{place.path.name}"})
