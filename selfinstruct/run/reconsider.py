"""Decides a finished run again with other thresholds: from stored candidates and answers, asking nobody."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from selfinstruct.errors import BadInput
from selfinstruct.records import Completion, Failure, Request, Task, digest
from selfinstruct.run.endpoints import recorded
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved, knobs
from selfinstruct.run.recipe.yaml_file import read_yaml
from selfinstruct.run.run_reader import run_folder
from selfinstruct.run.stage_runner import Runner
from selfinstruct.stage import Pool, RoundStart, Traits
from selfinstruct.store.atomic_writes import publish_bytes, publish_text
from selfinstruct.store.journal import Journal
from selfinstruct.store.kept_file import Inflow
from selfinstruct.store.ledger import Ledger, last_totals
from selfinstruct.store.lock import held, owning
from selfinstruct.store.reading import read_lines, read_tasks
from selfinstruct.store.record_lines import json_line
from selfinstruct.store.run_folder import RunFolder, StageFolder, round_name


@dataclass(frozen=True, slots=True)
class Change:
    """One candidate whose fate is another now."""

    instruction: str
    before: str
    """`kept`, or the reason it was rejected or failed."""
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconsidered:
    """What other thresholds would have done."""

    folder: Path
    kept_before: int
    kept_after: int
    unasked: int
    """Records that now go on to a question nobody asked; a real run would have to pay for it."""
    changes: tuple[Change, ...]


class JournalModel:
    """A model that knows only what the journal holds."""

    def __init__(self, name: str, traits: Traits, journal: Journal, scope: str) -> None:
        """`scope` is the round and stage whose answers may be used."""
        self.name, self.traits = name, traits
        self.requests = self.answered = 0
        self._journal, self._scope, self._times_asked = journal, scope, dict[str, int]()

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        """The recorded answer, or a failure `not_recorded`."""
        for request in requests:
            key = request.key(self.name)
            ordinal = self._times_asked.get(key, 0)
            self._times_asked[key] = ordinal + 1
            self.requests += 1
            answer = self._journal.find(key, self._scope, ordinal)
            self.answered += answer is not None
            yield answer or Failure(request=f"{key}.{ordinal}", kind="not_recorded", message="never asked in this run")


def reconsider(path: Path, changes: Sequence[str]) -> Reconsidered:
    """Walk the stored candidates through the recipe as changed by `--set` words; writes `reconsidered-*` in the run."""
    old = run_folder(path)
    if held(path):
        raise BadInput("is being worked on", place=str(path), fix="wait until the run is at rest")
    before, after = resolve(read_yaml(old.recipe)), resolve(read_yaml(old.recipe), changes)
    if not before.rounds:
        raise BadInput("has no rounds, so nothing was generated", place=str(path), fix="run the recipe again instead")
    _refuse_source_change(before, after)
    place = path / f"reconsidered-{digest(list(changes))[:8]}"
    with owning(path), Journal(old.journal, known=last_totals(old.ledger)) as journal:
        new = RunFolder(place)
        kept, fates = _walk(after, old, new, journal)
    first = _fates(old)
    changed = {
        name: Change(text, fate, fates[name][1]) for name, (text, fate) in first.items() if fates[name][1] != fate
    }
    result = Reconsidered(
        folder=place,
        kept_before=_published(old, first),
        kept_after=len(kept),
        unasked=sum(fate == "not_recorded" for _, fate in fates.values()),
        changes=tuple(changed.values()),
    )
    publish_bytes(place / "kept.jsonl", b"".join(json_line(task.as_json()) for task in kept))
    publish_text(place / "recipe.yaml", after.as_yaml())
    lines = [{"instruction": c.instruction, "before": c.before, "after": c.after} for c in result.changes]
    publish_text(place / "changes.json", json.dumps(lines, indent=1, ensure_ascii=False) + "\n")
    return result


def _published(old: RunFolder, fates: dict[str, tuple[str, str]]) -> int:
    """What the run published, or would have if it had come to its end."""
    top = old.path / "kept.jsonl"
    return sum(1 for _ in read_lines(top)) if top.exists() else sum(fate == "kept" for _, fate in fates.values())


def _refuse_source_change(before: Resolved, after: Resolved) -> None:
    if knobs(before.rounds[0]) != knobs(after.rounds[0]) or before.recipe.seed != after.recipe.seed:
        name = before.rounds[0].name
        raise BadInput(f"another '{name}' asks other questions", place="--set", fix="start a new run for that")


def _walk(
    after: Resolved, old: RunFolder, new: RunFolder, journal: Journal
) -> tuple[list[Task], dict[str, tuple[str, str]]]:
    seeds = list(read_tasks(old.path / "seeds.jsonl"))
    aside = old.path / "holdout_seeds.jsonl"
    held_out = list(read_tasks(aside)) if aside.exists() else []
    asked = {role for stage in after.rounds for role in stage.needs.models}
    known = recorded({role: model for role, model in after.recipe.models.items() if role in asked}, old)

    def model_for(role: str, scope: str, built: Mapping[str, Path]) -> JournalModel:
        del built  # rounds ask no model that a stage builds
        return JournalModel(*known[role], journal, scope)

    new.path.mkdir(exist_ok=True)
    for place in new.stage_folders():
        place.forget()
    new.ledger.unlink(missing_ok=True)
    runner = Runner(folder=new, ledger=Ledger(new.ledger), seed=after.recipe.seed, model_for=model_for)
    pool, kept, starts = Pool(seeds, seen=held_out), list[Task](), list[RoundStart]()
    for number in old.round_numbers():
        source = old.stage(round_name(number), 1, after.rounds[0].name)
        if source.whole() is None:
            break
        starts.append(RoundStart(0, len(pool.tasks)))
        records, seen = list(read_tasks(source.path / "kept.jsonl")), list[Task]()
        for position, stage in enumerate(after.rounds[1:], 2):
            place, _ = runner.run(
                stage, Inflow(records), part=round_name(number), position=position, pool=pool, rounds=tuple(starts)
            )
            records = list(read_tasks(place.path / "kept.jsonl"))
            seen.extend(records if stage.scope == "ordered" else ())
        pool = pool.after(records, seen)
        kept.extend(records)
    fates = _fates(old, new)
    if after.recipe.profile != "reference":
        kept = kept[: after.recipe.count]
    return kept, fates


def _fates(source: RunFolder, decided: RunFolder | None = None) -> dict[str, tuple[str, str]]:
    """For each candidate of the source stages: its instruction and how it ended."""
    decided = decided or source
    fates: dict[str, tuple[str, str]] = {}
    for number in source.round_numbers():
        part = source.path / round_name(number)
        first = next((folder for folder in sorted(part.iterdir()) if folder.name.startswith("01-")), None)
        if first is None or StageFolder(first).whole() is None:
            break
        origin: dict[str, str] = {}
        for line in read_lines(first / "kept.jsonl"):
            origin[line["id"]] = line["id"]
            fates[line["id"]] = (line["instruction"], "kept")
        for folder in _later_stages(decided.path / round_name(number)):
            for line in read_lines(folder / "kept.jsonl"):
                parents = line["provenance"].get("parents", [])
                if line["id"] not in origin and parents:
                    origin[line["id"]] = origin[parents[0]]
            for line in read_lines(folder / "rejected.jsonl"):
                name = origin[line["id"]]
                fates[name] = (fates[name][0], line["reason"])
            for line in read_lines(folder / "failed.jsonl"):
                name = origin[line["record"]["id"]]
                fates[name] = (fates[name][0], line["error"])
    return fates


def _later_stages(part: Path) -> Iterator[Path]:
    """The stages of a round after its first, as far as they are finished."""
    for folder in sorted(part.glob("[0-9][0-9]-*")):
        if folder.name.startswith("01-"):
            continue
        if StageFolder(folder).whole() is None:
            return
        yield folder
