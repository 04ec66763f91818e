"""Answers from a recording: Self-Instruct's own dump files, or the journal of one of our runs."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from selfinstruct.bounded_read import regular
from selfinstruct.errors import BadInput
from selfinstruct.models.backend import Answer, CallError
from selfinstruct.records import Choice, Completion, Request, Usage
from selfinstruct.stage import Traits
from selfinstruct.text import one_line, shown
from selfinstruct.text.checksums import seal

_DUMP_MARKS = ("metadata", "instruction_metadata", "instance_metadata", "raw_instances", "is_classification")


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """One recorded answer; no choice at all where the program noted a null."""

    texts: tuple[Choice, ...]
    usage: Usage | None = None


@dataclass(slots=True)
class Recording:
    """What a dump holds, by what it is asked for."""

    prompts: dict[str, RecordedAnswer] = field(default_factory=dict)
    labels: dict[str, RecordedAnswer] = field(default_factory=dict)
    instances: dict[str, RecordedAnswer] = field(default_factory=dict)
    keys: dict[str, RecordedAnswer] = field(default_factory=dict)
    """From our own journal: by the key of the request."""
    repeated: int = 0
    """Prompts recorded more than once with other answers: the first is used."""

    def put(self, table: dict[str, RecordedAnswer], key: str, answer: RecordedAnswer) -> None:
        """Note an answer; the first one stays."""
        if table.setdefault(key, answer) != answer:
            self.repeated += 1


class Replay:
    """The backend of `replay:FILE_OR_FOLDER`."""

    traits = Traits()
    in_flight = 8

    def __init__(self, name: str, recording: Recording) -> None:
        """`name` is the spec without folders."""
        self.name, self._recording = name, recording
        counts = (
            f"{len(recording.prompts)} prompts, {len(recording.labels)} labels, {len(recording.instances)} instances"
        )
        again = f"; {recording.repeated} were recorded more than once, the first is used" if recording.repeated else ""
        self.notice = f"{name}: {counts}, {len(recording.keys)} requests of our own{again}"

    @classmethod
    def load(cls, path: Path) -> "Replay":
        """Read a file or a folder; BadInput names file and line."""
        recording = Recording()
        if not path.is_dir():
            regular(path)
        if not path.exists():
            raise BadInput("no such file or folder", place=f"replay:{path}", fix="name a dump or a journal")
        for file in _files(path):
            if _is_journal(file):
                _read_journal(file, recording)
            else:
                _read_dump(file, recording, strict=path.is_file())
        if not (recording.prompts or recording.labels or recording.instances or recording.keys):
            raise BadInput("holds no recorded answer", place=f"replay:{path}", fix="name a dump or a journal")
        return cls(f"replay:{path.name}", recording)

    async def answer(self, request: Request) -> Answer:
        """What was recorded; CallError `not_recorded` shows the nearest entry, `null_response` a recorded null."""
        recorded, asked = self._find(request)
        if recorded is None:
            raise CallError("not_recorded", _nearest(asked, self._table(request)), retry="never")
        if not recorded.texts:
            raise CallError("null_response", f"the recording notes a null for: {shown(asked)}", retry="never")
        usage = recorded.usage or Usage(
            prompt_tokens=len(asked.split()),
            completion_tokens=sum(len(choice.text.split()) for choice in recorded.texts),
            estimated=True,
        )
        return Answer(choices=recorded.texts, usage=usage, raw=json.dumps([choice.text for choice in recorded.texts]))

    async def close(self) -> None:
        """Nothing is open."""

    def _find(self, request: Request) -> tuple[RecordedAnswer | None, str]:
        own = self._recording.keys.get(wire_key(request))
        if own is not None:
            return own, request.subject
        asked = _question(request)
        return self._table(request).get(asked), asked

    def _table(self, request: Request) -> Mapping[str, RecordedAnswer]:
        tables = {"classify": self._recording.labels, "instances": self._recording.instances}
        return tables.get(request.purpose, self._recording.prompts)


def wire_key(request: Request) -> str:
    """The request apart from the model: a recording answers for the model that was asked."""
    return json.dumps(request.wire(), sort_keys=True)


def _question(request: Request) -> str:
    """The exact prompt of a proposal; of everything else the task's instruction: our few-shot texts are our own."""
    if request.purpose in {"classify", "instances"}:
        return request.subject.strip()
    if isinstance(request.prompt, str):
        return request.prompt
    return "\n".join(turn.content for turn in request.prompt)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in {".jsonl", ".sqlite"} and file.is_file())


def _is_journal(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _read_journal(path: Path, recording: Recording) -> None:
    if not os.access(path, os.R_OK):
        raise BadInput("cannot be read", place=str(path), fix="check its permissions")
    # Where nothing waits beside it to be written into it, it is read as it is: also from a disk that only can be read.
    as_it_is = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{as_it_is}", uri=True)
    db.row_factory = sqlite3.Row
    try:
        for row in _answers(db):
            wire, stored = row["request"], row["completion"]
            if "checksum" in row.keys() and seal(tuple(row)[:-1]) != row["checksum"]:  # noqa: SIM118 - a row is no dict
                raise BadInput(
                    f"an answer to {row['scope']} is not as it was written",
                    place=str(path),
                    fix="take a whole copy of it",
                )
            completion = Completion.from_json(json.loads(stored))
            key = json.dumps(json.loads(wire), sort_keys=True)
            recording.put(recording.keys, key, RecordedAnswer(completion.choices, completion.usage))
    except sqlite3.OperationalError as fault:
        fix = "name journal.sqlite of a run; if it is one, check the disk and the permissions"
        raise BadInput(f"cannot be read as a journal ({fault})", place=str(path), fix=fix) from fault
    except (sqlite3.DatabaseError, KeyError, ValueError, TypeError) as fault:
        raise BadInput(
            f"not one of our journals ({fault})", place=str(path), fix="name journal.sqlite of a run"
        ) from fault
    finally:
        db.close()


def _answers(db: sqlite3.Connection) -> Iterator[sqlite3.Row]:
    """In the order of scope, key and ordinal: sorted here, as SQLite would do it in a folder for temporary files."""
    db.execute("BEGIN")  # one state of it, though a run may go on writing
    places = sorted(tuple(place) for place in db.execute("SELECT scope, key, ordinal FROM answers"))
    for place in places:
        yield from db.execute("SELECT * FROM answers WHERE scope = ? AND key = ? AND ordinal = ?", place)


def _read_dump(path: Path, recording: Recording, *, strict: bool) -> None:
    for number, line in _lines(path):
        place = f"{path}:{number}"
        if not isinstance(line, dict):
            raise BadInput("not an object", place=place, fix="name a file of the Self-Instruct program")
        if not any(mark in line for mark in _DUMP_MARKS):
            if strict:
                raise BadInput("no recorded answer", place=place, fix="keys that hold one: " + ", ".join(_DUMP_MARKS))
            return  # another file of the folder, such as the seeds
        _note(line, place, recording)


def _note(line: Mapping[str, Any], place: str, recording: Recording) -> None:
    proposal = line.get("instruction_metadata", line.get("metadata"))
    if isinstance(proposal, dict) and "prompt" in proposal:
        recording.put(recording.prompts, _prompt(proposal, place), _response(proposal.get("response"), place))
    instruction = line.get("instruction")
    if not isinstance(instruction, str):
        return
    asked = instruction.strip()
    if isinstance(line.get("instance_metadata"), dict):
        answer = _response(line["instance_metadata"].get("response"), place)
        raw = line.get("raw_instances")
        if answer.texts and isinstance(raw, str):  # what the program went on with
            answer = RecordedAnswer((Choice(raw, answer.texts[0].finish_reason),))
        recording.put(recording.instances, asked, answer)
    elif isinstance(line.get("raw_instances"), str):
        raw = line["raw_instances"]
        recording.put(recording.instances, asked, RecordedAnswer((Choice(raw, ""),) if raw else ()))
    label = line.get("is_classification")
    if isinstance(label, bool):
        label = "Yes" if label else "No"
    if isinstance(label, str) and "instances" not in line:
        recording.put(recording.labels, asked, RecordedAnswer((Choice(label, "stop"),) if label else ()))


def _prompt(metadata: Mapping[str, Any], place: str) -> str:
    prompt = metadata["prompt"]
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise BadInput("'prompt' is neither text nor a list of one text", place=place, fix="correct the recording")
    return prompt


def _response(response: object, place: str) -> RecordedAnswer:
    """Choices as the API gave them, a bare string as some forks note it, or nothing for a null."""
    if response is None:
        return RecordedAnswer(())
    if isinstance(response, str):
        return RecordedAnswer((Choice(response, ""),))
    if isinstance(response, dict) and isinstance(response.get("choices"), list):
        texts = tuple(_choices(response["choices"], place))
        return RecordedAnswer(texts)
    raise BadInput("'response' is neither choices, text nor null", place=place, fix="correct the recording")


def _choices(choices: Iterable[object], place: str) -> Iterator[Choice]:
    for choice in choices:
        text = choice.get("text") if isinstance(choice, dict) else None
        if isinstance(choice, dict) and text is None and isinstance(choice.get("message"), dict):
            text = choice["message"].get("content")
        if not isinstance(choice, dict) or not isinstance(text, str):
            raise BadInput("a choice without text", place=place, fix="correct the recording")
        yield Choice(text, choice.get("finish_reason") or "")


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    regular(path)
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if not raw.strip():
                continue
            try:
                yield number, json.loads(raw)
            except (ValueError, RecursionError) as fault:
                place = f"{path}:{number}"
                raise BadInput(f"not JSON ({type(fault).__name__})", place=place, fix="remove the line") from fault


def _nearest(asked: str, table: Mapping[str, RecordedAnswer]) -> str:
    """The recorded entry that shares most lines with what was asked, and the first place where they part."""
    if not table:
        return f"nothing of this kind is recorded; asked: {shown(asked)}"
    lines = set(asked.splitlines())
    best = max(table, key=lambda entry: (len(lines & set(entry.splitlines())), _parting(entry, asked)))
    part = _parting(best, asked)
    start = max(0, part - 20)
    return (
        f"not in the recording; the nearest entry parts at character {part + 1}: asked "
        f"'{shown(one_line(asked[start:]), 60)}', recorded '{shown(one_line(best[start:]), 60)}'"
    )


def _parting(first: str, second: str) -> int:
    """How many characters two texts have in common at their start."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(first), len(second)))
