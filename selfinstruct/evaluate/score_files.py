"""Scores responses that exist already: rows of the files of `--responses`, of one model or several."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.compare_models import ComparedScore, ScoreDifference, differences
from selfinstruct.prompt_templates import joined
from selfinstruct.records import Json
from selfinstruct.stage import Tone
from selfinstruct.tone.judge_error import biases_of, errors_of
from selfinstruct.tone.response_verdicts import JudgedResponse, Response, Terms, judged
from selfinstruct.tone.tone_score import Setting, ToneScore, score_of
from selfinstruct.tone.whole_or_cut_prompt import seems_whole

_Group: TypeAlias = tuple[str, str]

_OWN = ("model", "wrapper", "prompt", "instruction", "input", "response", "finish_reason", "whole", "complete")


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

    >>> [response] = responses_of([Row("a.jsonl:1", {"instruction": "Name a river.", "response": "Nile", "mine": 7})])
    >>> response.prompt, response.text, response.extra
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


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of all models and wrappers by one judge on the same prompts, with their paired differences."""

    sides: tuple[ComparedScore, ...]
    differences: tuple[ScoreDifference, ...]

    @property
    def verdicts(self) -> Iterable[JudgedResponse]:
        """Every response with its verdict, side by side."""
        return (verdict for side in self.sides for verdict in side.verdicts)

    @property
    def scored(self) -> tuple[ToneScore, ...]:
        """The scores alone."""
        return tuple(side.scored for side in self.sides)

    def as_json(self) -> dict[str, Json]:
        """As `score.json`: the first score's numbers at the top, all of them under `scores`."""
        scores: list[Json] = [scored.as_json() for scored in self.scored]
        beside: list[Json] = [difference.as_json() for difference in self.differences]
        return {**self.scored[0].as_json(), "scores": scores, "differences": beside}


def score_responses(
    rows: Iterable[Row], tone: Tone, terms: Terms | None = None, *, model: str = "", seed: int = 0
) -> Scores:
    """Scores of rows that hold responses, one for each model and wrapper they name, in order of appearance.

    `model` names those that name none. BadInput for a row without a response, and for no rows at all.

    >>> from selfinstruct.stage import UntriedJudge
    >>> class Short(UntriedJudge):
    ...     version, threshold = "short/1", 0.5
    ...     def probabilities(self, pairs, whole=None):
    ...         return [float(len(text) < 9) for _, text in pairs]
    >>> rows = [Row("a:1", {"prompt": "A river?", "response": "Nile"}), Row("a:2", {"prompt": "A", "response": " "})]
    >>> score_responses(rows, Short()).scored[0].ifs.value
    0.5
    """
    return scores_of(responses_of(rows, model=model), tone, terms, seed=seed)


def scores_of(
    responses: Iterable[Response],
    tone: Tone,
    terms: Terms | None = None,
    *,
    prompts: str = "",
    failed: Sequence[tuple[str, str]] = (),
    seed: int = 0,
) -> Scores:
    """The same of responses; `failed` names (model, wrapper) once for each call that got no answer."""
    terms = terms or Terms()
    groups: dict[_Group, list[JudgedResponse]] = {}
    for verdict in judged(responses, tone, terms):
        groups.setdefault((verdict.response.model, verdict.response.wrapper), []).append(verdict)
    if not groups:
        raise BadInput("no responses to score", fix="give a set with at least one")
    known, biases = errors_of(tone), biases_of(tone)
    sides = tuple(
        ComparedScore(
            score_of(
                verdicts,
                Setting(
                    model=model,
                    wrapper=wrapper,
                    prompts=prompts,
                    judge=tone.version,
                    threshold=tone.threshold,
                    terms=terms,
                ),
                known=known,
                biases=biases,
                failed=failed.count((model, wrapper)),
                seed=seed,
            ),
            verdicts,
        )
        for (model, wrapper), verdicts in groups.items()
    )
    return Scores(sides, differences(sides, seed))
