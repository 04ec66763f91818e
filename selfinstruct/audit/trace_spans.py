"""Which words are looked for: spans that are marked, spans called false by a model, tokens that moved, sentences."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from selfinstruct.audit.shift_tokens import Kind
from selfinstruct.errors import BadInput
from selfinstruct.prompts import prompt
from selfinstruct.records import Failure, Json, Message, Request
from selfinstruct.stage import Model, ask
from selfinstruct.text import words
from selfinstruct.text.english import AUXILIARIES, BOUNDARIES, DETERMINERS, PERSONS

How: TypeAlias = Literal["marked", "false", "shifted", "sentence"]

_SENTENCE = re.compile(r"[^.!?\u2026\n]+[.!?\u2026]*")
_ANSWER = re.compile(r"[\s*_\"'`]*(yes|no)\b", re.IGNORECASE)
_LEAST, _MOST = 3, 12  # words of a span that is proposed
_PLAIN = DETERMINERS | BOUNDARIES | PERSONS | AUXILIARIES


@dataclass(frozen=True, slots=True)
class Said:
    """A prompt and what was answered, with the spans that are marked in it."""

    prompt: str
    response: str
    spans: tuple[tuple[int, int], ...] | None
    """Beginning and end, in characters; None where nobody marked any."""
    model: str = ""
    """Who answered, where the file says it."""


@dataclass(frozen=True, slots=True)
class QuestionedSpan:
    """Words whose origin is asked for."""

    response: int
    """Number of the response."""
    begin: int
    end: int
    text: str
    how: How


def said_of(rows: Iterable[Mapping[str, Json]], file: str) -> list[Said]:
    """Responses as rows have them: `prompt`, `response` and perhaps `model` and `spans`, texts or [begin, end].

    Raises:
        BadInput: a row lacks what it needs, or a span is not in its response.
    """
    replies = list[Said]()
    for number, row in enumerate(rows, 1):
        place = f"{file}:{number}"
        prompt, response = row.get("prompt", ""), row.get("response")
        if not isinstance(response, str) or not isinstance(prompt, str):
            raise BadInput("no 'response'", place=place, fix='each line is {"prompt": ..., "response": ...}')
        marked = row.get("spans")
        if marked is not None and not isinstance(marked, list):
            raise BadInput("'spans' is no list", place=place, fix="list texts of the response, or [begin, end]")
        spans = None if marked is None else tuple(_marked(mark, response, place) for mark in marked)
        model = row.get("model")
        replies.append(Said(prompt, response, spans, model if isinstance(model, str) else ""))
    if not replies:
        raise BadInput("no response", place=file, fix='each line is {"prompt": ..., "response": ...}')
    return replies


def said_by(said: Sequence[Said], model: str, file: str) -> dict[int, Said]:
    """The responses of one model, by their numbers; `model` is a part of its name, empty where there is but one.

    Raises:
        BadInput: the file has responses of several models and none is named, or none of that name.
    """
    names = dict.fromkeys(reply.model for reply in said)
    mine = {number: reply for number, reply in enumerate(said) if model in reply.model}
    if (len(names) > 1 and not model) or (model and not mine):
        what = f"responses of {len(names)} models" if not model else f"no response of a model called '{model}'"
        raise BadInput(what, place=file, fix=f"name one with --of: {', '.join(filter(None, names)) or 'none is named'}")
    return mine


def marked_spans(number: int, said: Said) -> list[QuestionedSpan]:
    """The spans that the file marks in a response."""
    return [QuestionedSpan(number, begin, end, said.response[begin:end], "marked") for begin, end in said.spans or ()]


def sentences(number: int, said: Said) -> list[QuestionedSpan]:
    """Each sentence of three words or more; what a response says again counts once.

    >>> [span.text for span in sentences(0, Said("", "It is so. Why not? It is so. It is so.", None))]
    ['It is so.']
    """
    matches = (match for match in _SENTENCE.finditer(said.response) if len(words(match[0])) >= _LEAST)
    return _once(QuestionedSpan(number, *_trimmed(said.response, *match.span()), "sentence") for match in matches)


def shifted_runs(number: int, said: Said, pieces: Sequence[str], kinds: Sequence[Kind]) -> list[QuestionedSpan]:
    """Runs of whole words in which a content word was moved by the tuning, with what stands beside it.

    A run of fewer than three words takes in its neighbours; one of more than twelve is cut there. What a response says
    again counts once.
    """
    moved = [False] * len(said.response)
    at = 0
    for piece, kind in zip(pieces, kinds, strict=True):
        for place in range(at, min(at + len(piece), len(moved))):
            moved[place] = kind != "unshifted"
        at += len(piece)
    listed = [match.span() for match in re.finditer(r"\S+", said.response)]
    marks = [any(moved[begin:end]) and _is_content(said.response[begin:end]) for begin, end in listed]
    runs = list[tuple[int, int]]()
    for place, mark in enumerate(marks):
        if not mark:
            continue
        first, last = place, place
        while last - first + 1 < _LEAST and (first > 0 or last + 1 < len(listed)):
            first, last = max(0, first - 1), min(len(listed) - 1, last + 1)
        if runs and first <= runs[-1][1] + 1 and last - runs[-1][0] < _MOST:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        elif not runs or place > runs[-1][1]:
            runs.append((first, last))
    return _once(
        QuestionedSpan(number, *_trimmed(said.response, listed[first][0], listed[last][1]), "shifted")
        for first, last in runs
    )


def _once(spans: Iterable[QuestionedSpan]) -> list[QuestionedSpan]:
    """Those of one response that it has not said before: a loop is one span."""
    first = dict[tuple[str, ...], QuestionedSpan]()
    for span in spans:
        first.setdefault(tuple(words(span.text)), span)
    return list(first.values())


def _is_content(word: str) -> bool:
    return any(len(part) > 2 and part not in _PLAIN for part in words(word))


def _trimmed(text: str, begin: int, end: int) -> tuple[int, int, str]:
    while begin < end and text[begin].isspace():
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    return begin, end, text[begin:end]


def _marked(mark: Any, response: str, place: str) -> tuple[int, int]:  # noqa: ANN401 - any JSON value
    if isinstance(mark, str) and mark.strip():
        at = response.find(mark)
        if at >= 0:
            return at, at + len(mark)
        raise BadInput(f"the span '{mark[:60]}' is not in its response", place=place, fix="copy it as it stands there")
    whole = isinstance(mark, list) and len(mark) == 2 and all(isinstance(end, int) for end in mark)
    if whole and 0 <= mark[0] < mark[1] <= len(response):
        return mark[0], mark[1]
    raise BadInput("a span is no text and no [begin, end] of its response", place=place, fix="count in characters")


@dataclass(frozen=True, slots=True)
class JudgedSentences:
    """What a model said of all sentences."""

    spans: tuple[QuestionedSpan, ...]
    """Those that it calls false."""
    model: str
    sentences: int
    unclear: int
    """Answers that were neither yes nor no."""
    failed: int
    """Sentences about which no answer came."""

    def as_json(self) -> dict[str, Json]:
        """The counts, which add up: false, true, unclear and failed are all sentences."""
        false = len(self.spans)
        true = self.sentences - false - self.unclear - self.failed
        counts: dict[str, Json] = {"false": false, "true": true, "unclear": self.unclear, "failed": self.failed}
        return {"model": self.model, "sentences": self.sentences, **counts}


def called_false(model: Model, said: Sequence[tuple[int, Said]]) -> JudgedSentences:
    """Ask about each sentence of the responses, each with its number: an unclear answer makes no span."""
    every = [span for number, reply in said for span in sentences(number, reply)]
    prompts = {number: reply.prompt for number, reply in said}
    chat = model.traits.chat
    text = prompt("audit", f"false.{'chat' if chat else 'completion'}")

    def request(span: QuestionedSpan) -> Request:
        filled = text.filled(asked=prompts[span.response].strip(), sentence=span.text)
        return Request(
            prompt=(Message("user", filled),) if chat else filled,
            stop=() if chat else ("\n",),
            max_tokens=16,
            temperature=0.0,
            purpose="false",
            subject=prompts[span.response],
        )

    spans, unclear, failed = list[QuestionedSpan](), 0, 0
    for asked in ask(model, every, request):
        if isinstance(asked.reply, Failure):
            failed += 1
            continue
        answer = _ANSWER.match(asked.reply.choices[0].text)
        if answer is None:
            unclear += 1
        elif answer[1].lower() == "no":
            spans.append(replace(asked.about, how="false"))
    return JudgedSentences(tuple(spans), model.name, len(every), unclear, failed)
