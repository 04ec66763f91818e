"""Scores of responses that exist already: the files of `--responses`, one model or several."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.compare import Difference, Side, differences
from selfinstruct.evaluate.ifs import Scored, Setting, score_of
from selfinstruct.evaluate.judge_error import biases_of, errors_of
from selfinstruct.evaluate.judged import Judged, Terms, judged
from selfinstruct.evaluate.responses import Response, Row, responses_of
from selfinstruct.records import Json
from selfinstruct.stage import Tone

_Group: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Scores:
    """What was scored together."""

    sides: tuple[Side, ...]
    differences: tuple[Difference, ...]

    @property
    def verdicts(self) -> Iterable[Judged]:
        """Every response with its verdict, side by side."""
        return (one for side in self.sides for one in side.verdicts)

    @property
    def scored(self) -> tuple[Scored, ...]:
        """The scores alone."""
        return tuple(side.scored for side in self.sides)

    def as_json(self) -> dict[str, Json]:
        """As `score.json`: the first score's numbers at the top, all of them under `scores`."""
        told: list[Json] = [one.as_json() for one in self.scored]
        beside: list[Json] = [one.as_json() for one in self.differences]
        return {**self.scored[0].as_json(), "scores": told, "differences": beside}


def score_responses(
    rows: Iterable[Row], tone: Tone, terms: Terms | None = None, *, model: str = "", seed: int = 0
) -> Scores:
    """Scores of rows that hold responses, one for each model and wrapper they name, in order of appearance.

    `model` names those that name none. BadInput for a row without a response, and for no rows at all.

    >>> class Short:
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
    groups: dict[_Group, list[Judged]] = {}
    for one in judged(responses, tone, terms):
        groups.setdefault((one.response.model, one.response.wrapper), []).append(one)
    if not groups:
        raise BadInput("no responses to score", fix="give a set with at least one")
    known, biases = errors_of(tone), biases_of(tone)
    sides = tuple(
        Side(
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
