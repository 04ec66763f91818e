"""Which responses of a score a person reads: drawn at random, whole and cut prompts apart, spread over the sources."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.score_files import Row, responses_of
from selfinstruct.records import Json, digest
from selfinstruct.tone.first_tokens import TONE_TOKENS, first_tokens
from selfinstruct.tone.no_answer import is_empty
from selfinstruct.tone.response_verdicts import Response, spoken

LEAST = 10
"""Reads of a model, below which an interval would say nothing."""
_LEAST_OF_STRATUM = 2

Side: TypeAlias = tuple[str, str]
"""Model and wrapper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredResponse:
    """A response and its verdict, as a line of `responses.jsonl` has them."""

    response: Response
    answer_like: bool

    @property
    def side(self) -> Side:
        """Model and wrapper, whose responses are one sample."""
        return self.response.model, self.response.wrapper

    def shown(self, tone_tokens: int = TONE_TOKENS) -> str:
        """What the judge was shown of it, and a reader is; empty where it says nothing, which no judge is asked about.

        >>> said = Response(prompt="A river?", text="<think>Hm.</think>The Nile.")
        >>> ScoredResponse(response=said, answer_like=True).shown()
        'The Nile.'
        """
        said = spoken(self.response.text, self.response.prompt)
        return "" if is_empty(said) else first_tokens(said, tone_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One response that was drawn."""

    place: int
    """Among the responses of the file, from 0."""
    stratum: str
    chance: float
    """With which it was drawn: above 0, at most 1."""


def scored_of(rows: Iterable[Row]) -> Iterator[ScoredResponse]:
    """The lines of a `responses.jsonl`; BadInput with the place of one that holds no response or no verdict."""
    for row in rows:
        [response] = responses_of([row])
        verdict = row.fields.get("answer_like")
        if not isinstance(verdict, bool):
            fix = "name the folder of a score, in which each response has its verdict"
            raise BadInput("field 'answer_like' is neither true nor false", place=row.place, fix=fix)
        yield ScoredResponse(response=response, answer_like=verdict)


def hash_of(scored: Iterable[ScoredResponse]) -> str:
    """Of the responses alone: verdicts of another judge leave it, and what was read of them, as they are."""
    facts: list[Json] = []
    for scored_response in scored:
        response = scored_response.response
        facts.append(
            [*scored_response.side, response.prompt, response.text, response.whole, response.source, response.sample]
        )
    return digest("responses", facts)


def by_side(scored: Sequence[ScoredResponse], only: Sequence[str] = ()) -> dict[Side, list[int]]:
    """The places of each model under each wrapper, in order of appearance; `only` these wrappers, if any is named."""
    sides: dict[Side, list[int]] = {}
    for place, scored_response in enumerate(scored):
        if not only or scored_response.response.wrapper in only:
            sides.setdefault(scored_response.side, []).append(place)
    return sides


def strata(responses: Sequence[Response]) -> list[str]:
    """The stratum of each response of one side: `whole` or `cut`; `all` where one of these has fewer than two sources.

    >>> strata([Response(prompt="A river?", text=""), Response(prompt="A river in", text="", whole=False)])
    ['all', 'all']
    """
    kinds = ["whole" if response.whole else "cut" for response in responses]
    sources: dict[str, set[str]] = {}
    for kind, response in zip(kinds, responses, strict=True):
        sources.setdefault(kind, set()).add(response.origin)
    return kinds if all(len(of_kind) >= _LEAST_OF_STRATUM for of_kind in sources.values()) else ["all"] * len(kinds)


def draw(scored: Sequence[ScoredResponse], places: Sequence[int], wanted: int, seed: int) -> tuple[Drawn, ...]:
    """So many responses of one side, or all if there are fewer, each with its chance; never by verdict.

    Strata get reads by their size. Within one, every source is read once before any is read twice, in an order that
    rests on seed and prompt alone: of two models the same prompts are read, and a larger number only adds reads.

    Raises:
        BadInput: all responses are of one source, from which nothing can be said about others.
    """
    responses = [scored[place].response for place in places]
    if len({response.origin for response in responses}) < _LEAST_OF_STRATUM:
        model, wrapper = scored[places[0]].side
        what = f"{model or 'the responses'}{', ' if wrapper else ''}{wrapper}: all responses are of one source"
        raise BadInput(what, fix="score two prompts at least; leave out `source` where prompts are independent")
    members: dict[str, list[int]] = {}
    for place, stratum in zip(places, strata(responses), strict=True):
        members.setdefault(stratum, []).append(place)
    shares = _shares({stratum: len(inside) for stratum, inside in members.items()}, wanted)
    drawn = (
        row for stratum, inside in members.items() for row in _drawn(scored, inside, shares[stratum], stratum, seed)
    )
    return tuple(sorted(drawn, key=lambda row: row.place))


def _shares(sizes: Mapping[str, int], wanted: int) -> dict[str, int]:
    """As many of each as it has of all, two at least, and what is over to those that lost most by rounding down."""
    every = sum(sizes.values())
    if wanted >= every:
        return dict(sizes)
    exact = {name: wanted * size / every for name, size in sizes.items()}
    shares = {name: min(sizes[name], max(_LEAST_OF_STRATUM, int(part))) for name, part in exact.items()}
    for name in sorted(exact, key=lambda stratum: (shares[stratum] - exact[stratum], stratum)):
        shares[name] += min(sizes[name] - shares[name], max(0, wanted - sum(shares.values())))
    return shares


def _drawn(
    scored: Sequence[ScoredResponse], places: Sequence[int], wanted: int, stratum: str, seed: int
) -> Iterator[Drawn]:
    """Rounds of one response of each source that has one left; in the last, as many sources as are wanted."""
    sources: dict[str, list[tuple[str, int]]] = {}
    times: dict[str, int] = {}
    for place in places:
        response = scored[place].response
        asked = digest("read", seed, response.prompt, response.whole, response.sample)
        times[asked] = times.get(asked, -1) + 1  # the same may have been asked twice
        sources.setdefault(response.origin, []).append((digest(asked, times[asked]), place))
    order = sorted(sources, key=lambda source: digest("read", seed, stratum, source))
    for inside in sources.values():
        inside.sort()
    taken: list[tuple[str, int]] = []
    chance = dict.fromkeys(sources, 0.0)
    turn = 0
    while wanted > len(taken):
        having = [source for source in order if len(sources[source]) > turn]
        part = min(1.0, (wanted - len(taken)) / len(having))
        for source in having:
            chance[source] += part / len(sources[source])
        taken += [(source, sources[source][turn][1]) for source in having[: wanted - len(taken)]]
        turn += 1
    for source, place in taken:
        yield Drawn(place=place, stratum=stratum, chance=min(1.0, chance[source]))
