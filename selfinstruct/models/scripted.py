"""A model that says what it is told to: for tests, and for recipes without a network.

A script is YAML with two parts, both optional:

    answers:                      # tried in order; the first that fits answers
      - purpose: classify         # only this question: propose, classify, instances ...
        contains: river           # only when the prompt or the subject contains this
        texts: ["Yes", "No"]      # drawn by the request itself: the same request is always told the same
        finish_reason: stop
        delay: 0.5                # seconds before this answer or failure comes, at most 60; none if left out
      - contains: broken
        fail: server_error        # this call fails
        retry: never              # never, later, slower or stop
    bank:                         # tasks it knows by heart
      - {instruction: Name a river., is_classification: false, input: "", output: The Tay.}

From the bank it continues a numbered list of instructions, says whether an instruction is classification, and gives
the instance of an instruction it knows.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal, cast

from selfinstruct.bounded_read import read_whole
from selfinstruct.errors import BadInput
from selfinstruct.models.backend import Answer, CallError
from selfinstruct.records import Choice, Request, Usage
from selfinstruct.stage import Traits
from selfinstruct.text import one_line
from selfinstruct.text.grammar import with_article

_ITEMS = 7  # instructions in one proposal, as many as Self-Instruct's stop mark allows
_OPEN_NUMBER = re.compile(r"(\d+)\.\s*$")
_LONGEST_DELAY = 60.0  # seconds
_RETRIES = ("never", "later", "slower", "stop")


@dataclass(frozen=True, slots=True)
class ScriptRule:
    """One rule of a script: which requests it answers, and with what."""

    purpose: str
    contains: str
    texts: tuple[str, ...]
    finish_reason: str
    fail: str
    retry: Literal["never", "later", "slower", "stop"]
    delay: float
    """Seconds."""

    def fits(self, request: Request, prompt: str) -> bool:
        """Whether this entry is for that request."""
        if self.purpose and self.purpose != request.purpose:
            return False
        return self.contains in prompt or self.contains in request.subject


@dataclass(frozen=True, slots=True)
class BankTask:
    """One task of the bank."""

    instruction: str
    is_classification: bool
    input: str
    output: str


@dataclass(frozen=True, slots=True)
class Scripted:
    """The backend of `scripted:FILE`."""

    name: str
    answers: tuple[ScriptRule, ...]
    bank: tuple[BankTask, ...]
    traits: Traits = field(default_factory=lambda: Traits(multiple=False))
    in_flight: int = 8
    notice: str = ""

    @classmethod
    def load(cls, path: Path) -> "Scripted":
        """Read a script; BadInput names file and key."""
        script = _read(path)
        place = str(path)
        _only(script, {"answers", "bank"}, place, "")
        answers = tuple(_entry(item, place, number) for number, item in enumerate(_list(script, "answers", place), 1))
        bank = tuple(_known(item, place, number) for number, item in enumerate(_list(script, "bank", place), 1))
        if not answers and not bank:
            raise BadInput("has neither 'answers' nor 'bank'", place=place, fix="write one of them")
        return cls(f"scripted:{path.stem}", answers, bank)

    async def answer(self, request: Request) -> Answer:
        """The first entry that fits, or what the bank knows; CallError where the script has nothing to say."""
        prompt = request.prompt if isinstance(request.prompt, str) else request.prompt[-1].content
        draw = Random(request.key(self.name))  # noqa: S311 - not for secrets
        for entry in self.answers:
            if entry.fits(request, prompt):
                if entry.delay:
                    await asyncio.sleep(entry.delay)
                if entry.fail:
                    raise CallError(entry.fail, "the script says so", retry=entry.retry)
                return _answer(
                    request, prompt, [draw.choice(entry.texts) for _ in range(request.n)], entry.finish_reason
                )
        texts = [self._from_bank(request, prompt, draw) for _ in range(request.n)]
        return _answer(request, prompt, texts, "stop")

    async def close(self) -> None:
        """Nothing is open."""

    def _from_bank(self, request: Request, prompt: str, draw: Random) -> str:
        if request.purpose == "propose" and self.bank:
            return self._list(prompt, draw)
        banked = next((task for task in self.bank if task.instruction == one_line(request.subject)), None)
        if banked is None:
            raise CallError(
                "not_scripted", f"the script knows no answer to {with_article(request.purpose)} request", retry="never"
            )
        if request.purpose == "classify":
            return " Yes" if banked.is_classification else " No"
        if banked.is_classification:
            return f"Class label: {banked.output}\nInput: {banked.input}"
        return f"Input: {banked.input}\nOutput: {banked.output}" if banked.input else f"Output: {banked.output}"

    def _list(self, prompt: str, draw: Random) -> str:
        items = [task.instruction for task in draw.sample(self.bank, min(_ITEMS, len(self.bank)))]
        begun = _OPEN_NUMBER.search(prompt)
        first = int(begun[1]) if begun else 1
        lines = [f"{number}. {item}" for number, item in enumerate(items, first)]
        text = "\n".join(lines)
        return text.removeprefix(f"{first}.") if begun else text


def find_script(given: str) -> Path:
    """The file itself, or the script of that name that comes with the package."""
    path = Path(given)
    inside = Path(__file__).parent / "scripts" / f"{given}.yaml"
    return inside if not path.exists() and path.name == given and inside.exists() else path


def _answer(request: Request, prompt: str, texts: Sequence[str], finish_reason: str) -> Answer:
    del request
    usage = Usage(
        prompt_tokens=len(prompt.split()), completion_tokens=sum(len(text.split()) for text in texts), estimated=True
    )
    return Answer(choices=tuple(Choice(text, finish_reason) for text in texts), usage=usage, raw="\n".join(texts))


_MOST_BYTES = 64 << 20


def _read(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        content = read_whole(path, _MOST_BYTES, fix="name a YAML file, or scripted:smoke")
        script = yaml.safe_load(content.decode("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, AttributeError, KeyError) as fault:
        mark = getattr(fault, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise BadInput("not a YAML script", place=place, fix="correct it there") from fault
    if not isinstance(script, dict):
        raise BadInput("not a mapping", place=str(path), fix="write `answers:` or `bank:`")
    return script


def _list(script: Mapping[str, Any], key: str, place: str) -> list[Any]:
    answers = script.get(key, [])
    if not isinstance(answers, list):
        raise BadInput(f"key '{key}': not a list", place=place, fix="write one entry a line, after a dash")
    return answers


def _only(entry: object, known: set[str], place: str, where: str) -> None:
    if not isinstance(entry, dict):
        raise BadInput(f"{where}: not a mapping", place=place, fix="keys: " + ", ".join(sorted(known)))
    for key in entry:
        if key not in known:
            raise BadInput(f"{where}: no key '{key}'", place=place, fix="keys: " + ", ".join(sorted(known)))


def _entry(item: Any, place: str, number: int) -> ScriptRule:  # noqa: ANN401 - YAML is untyped until it is checked here
    where = f"answers, entry {number}"
    _only(item, {"purpose", "contains", "texts", "finish_reason", "fail", "retry", "delay"}, place, where)
    texts = item.get("texts", [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise BadInput(f"{where}: 'texts' is not a list of texts", place=place, fix="quote them")
    if bool(texts) == bool(item.get("fail")):
        raise BadInput(f"{where}: either 'texts' or 'fail'", place=place, fix="write one of them")
    retry = item.get("retry", "never")
    if retry not in _RETRIES:
        raise BadInput(f"{where}: retry '{retry}'", place=place, fix="one of: " + ", ".join(_RETRIES))
    delay = item.get("delay", 0)
    if isinstance(delay, bool) or not isinstance(delay, int | float) or not 0 <= delay <= _LONGEST_DELAY:
        fix = f"give seconds from 0 to {_LONGEST_DELAY:g}"
        raise BadInput(f"{where}: 'delay' is nothing to wait", place=place, fix=fix)
    return ScriptRule(
        purpose=str(item.get("purpose", "")),
        contains=str(item.get("contains", "")),
        texts=tuple(texts),
        finish_reason=str(item.get("finish_reason", "stop")),
        fail=str(item.get("fail", "")),
        retry=cast("Literal['never', 'later', 'slower', 'stop']", retry),
        delay=float(delay),
    )


def _known(item: Any, place: str, number: int) -> BankTask:  # noqa: ANN401 - as above
    where = f"bank, entry {number}"
    _only(item, {"instruction", "is_classification", "input", "output"}, place, where)
    for key in ("instruction", "output"):
        if not isinstance(item.get(key), str):
            raise BadInput(f"{where}: '{key}' is missing or no text", place=place, fix="quote it")
    if not isinstance(item.get("is_classification", False), bool):
        raise BadInput(f"{where}: 'is_classification' is neither true nor false", place=place, fix="write one of them")
    return BankTask(
        one_line(item["instruction"]),
        item.get("is_classification", False),
        str(item.get("input", "")),
        item["output"],
    )
