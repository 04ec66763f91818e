"""What is scored: a response to a prompt, and what is known of both."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.prompt_form import seems_whole
from selfinstruct.records import Json, digest
from selfinstruct.templates import joined

_OWN = ("model", "wrapper", "prompt", "instruction", "input", "response", "finish_reason", "whole", "complete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a model replied to a prompt."""

    prompt: str
    """What the user said: no wrapper, no template."""
    text: str
    model: str = ""
    wrapper: str = ""
    finish_reason: str = ""
    """`stop`, `length` or what the endpoint said; empty where nobody knows."""
    whole: bool = True
    """False for the beginning of an instruction."""
    inferred: bool = False
    """Nobody said whether the prompt is whole: it is told from how it ends."""
    complete: bool = False
    """A beginning that happens to be a whole sentence."""
    source: str = ""
    """What the prompt was made from: responses of one source are not independent."""
    sample: int = 0
    asked_tokens: int | None = None
    """At most as many tokens were asked for; None where nobody knows."""
    extra: Mapping[str, Json] = field(default_factory=dict)
    """Fields of the user's own; they come back in `responses.jsonl`."""

    @property
    def known_whole(self) -> bool | None:
        """What a judge is told of the prompt's form: nothing that was only inferred."""
        return None if self.inferred else self.whole

    @property
    def origin(self) -> str:
        """The source, or the prompt where none is named."""
        return self.source or digest("prompt", self.prompt)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file of responses, read but not looked at."""

    place: str
    """`file:line`, for complaints."""
    fields: Mapping[str, Any]


def responses_of(rows: Iterable[Row], *, model: str = "") -> Iterator[Response]:
    """The responses that rows hold; `model` names those that do not name one themselves.

    A row has `response`, and `prompt` or `instruction` (then an `input` follows after a blank line). BadInput names the
    place of a row without them, or with a field of another type.

    >>> [found] = responses_of([Row("a.jsonl:1", {"instruction": "Name a river.", "response": "Nile", "mine": 7})])
    >>> found.prompt, found.text, found.extra
    ('Name a river.', 'Nile', {'mine': 7})
    """
    for row in rows:
        yield _response(row, model)


def _response(row: Row, model: str) -> Response:
    fields = row.fields
    if "response" not in fields:
        raise BadInput("no field 'response'", place=row.place, fix="each line needs 'response', and 'instruction'")
    if "prompt" not in fields and "instruction" not in fields:
        raise BadInput("neither 'prompt' nor 'instruction'", place=row.place, fix="each line needs one of them")
    source, sample = fields.get("source"), fields.get("sample")
    prompt = _prompt(row)
    inferred = fields.get("whole") is None
    extra = {key: value for key, value in fields.items() if key not in _OWN}
    return Response(
        prompt=prompt,
        text=_text(row, "response"),
        model=_text(row, "model") or model,
        wrapper=_text(row, "wrapper"),
        finish_reason=_text(row, "finish_reason"),
        whole=seems_whole(prompt) if inferred else _truth(row, "whole", absent=True),
        inferred=inferred,
        complete=_truth(row, "complete", absent=False),
        source=source if isinstance(source, str) else "",
        sample=sample if isinstance(sample, int) and not isinstance(sample, bool) else 0,
        extra=extra,
    )


def _prompt(row: Row) -> str:
    if "prompt" in row.fields:
        return _text(row, "prompt")
    return joined(_text(row, "instruction"), _text(row, "input"))


def _text(row: Row, name: str) -> str:
    value = row.fields.get(name)
    if value is None and name != "response":
        return ""
    if not isinstance(value, str):
        fix = "write a text; leave out lines of calls that failed" if name == "response" else "write a text"
        raise BadInput(f"field '{name}' is no text", place=row.place, fix=fix)
    return value


def _truth(row: Row, name: str, *, absent: bool) -> bool:
    value = row.fields.get(name)
    if value is None:
        return absent
    if not isinstance(value, bool):
        raise BadInput(f"field '{name}' is neither true nor false", place=row.place, fix="write one of them")
    return value
