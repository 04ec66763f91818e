"""Which responses are read: with the chance that is recorded, spread over sources, and never by model or verdict."""

from collections import Counter

import numpy as np
import pytest

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.human_read_ifs import read_shares
from selfinstruct.evaluate.human_read_sample import ScoredResponse, by_side, draw, hash_of, scored_of, strata
from selfinstruct.evaluate.human_read_sheet import drawn_to_read
from selfinstruct.evaluate.score_files import Row
from selfinstruct.tone.response_verdicts import Response


def scored(
    sources: int, *, model: str = "m", each: int = 1, answer_like: bool = True, cut: bool = True
) -> list[ScoredResponse]:
    return [
        ScoredResponse(
            response=Response(
                prompt=f"Prompt {number}{'' if whole else ' of'}",
                text=f"Said by {model}, {sample}.",
                model=model,
                whole=whole,
                source=f"s{number}",
                sample=sample,
            ),
            answer_like=answer_like,
        )
        for number in range(sources)
        for whole in ((True, False) if cut else (True,))
        for sample in range(each)
    ]


def test_whole_and_cut_are_drawn_apart_and_a_larger_number_only_adds() -> None:
    made = scored(100)
    drawn = draw(made, range(200), 60, 1)
    assert Counter(row.stratum for row in drawn) == {"whole": 30, "cut": 30}
    assert {row.chance for row in drawn} == {0.3}
    assert {row.place for row in drawn} < {row.place for row in draw(made, range(200), 80, 1)}
    assert drawn != draw(made, range(200), 60, 2)
    everything = draw(made, range(200), 500, 1)
    assert [row.place for row in everything] == list(range(200))
    assert {row.chance for row in everything} == {1.0}


def test_as_often_as_recorded_though_sources_have_one_response_or_five() -> None:
    made = scored(6, cut=False) + scored(10, cut=False, each=5)[30:]
    assert Counter(Counter(answer.response.origin for answer in made).values()) == {1: 6, 5: 4}
    seen: Counter[int] = Counter()
    chance: dict[int, float] = {}
    for seed in range(1500):
        for row in draw(made, range(26), 13, seed):
            seen[row.place] += 1
            chance[row.place] = row.chance
    assert sum(chance.values()) == pytest.approx(13)
    assert {round(share, 6) for share in chance.values()} == {1.0, 0.35}
    for place, often in seen.items():
        assert often / 1500 == pytest.approx(chance[place], abs=0.05)


def test_every_source_is_read_once_before_one_is_read_twice() -> None:
    drawn = draw(scored(20, cut=False, each=5), range(100), 20, 1)
    assert len({row.place // 5 for row in drawn}) == 20


def test_of_two_models_the_same_prompts_are_read() -> None:
    both = scored(80) + scored(80, model="other", answer_like=False)
    prompts = [
        {both[row.place].response.prompt for row in draw(both, places, 60, 1)} for places in by_side(both).values()
    ]
    assert prompts[0] == prompts[1]


def test_a_stratum_of_one_source_is_none_and_one_source_alone_is_refused() -> None:
    few = scored(30, cut=False) + scored(1)[1:]
    assert {row.stratum for row in draw(few, range(31), 20, 1)} == {"all"}
    assert set(strata([answer.response for answer in scored(2)])) == {"whole", "cut"}
    with pytest.raises(BadInput, match="m: all responses are of one source"):
        draw(scored(1, each=20), range(40), 20, 1)


def test_what_was_read_rests_on_responses_and_on_no_verdict() -> None:
    assert hash_of(scored(3)) == hash_of(scored(3, answer_like=False)) != hash_of(scored(3, model="n"))


def test_a_line_without_a_verdict_is_named() -> None:
    with pytest.raises(BadInput, match=r"r\.jsonl:7: field 'answer_like'"):
        list(scored_of([Row("r.jsonl:7", {"prompt": "A", "response": "B"})]))


def simulated(
    random: np.random.Generator, *, sources: int, whole: float, cut: float, model: str
) -> tuple[list[ScoredResponse], list[float]]:
    """A model, and whether each response is in truth an answer; two in ten sources behave as one."""
    made, truth = [], []
    for answer in scored(sources, model=model):
        likes = whole if answer.response.whole else cut
        common = np.random.Generator(np.random.PCG64(hash((answer.response.source, "luck")) % 2**32)).random()
        luck = common if random.random() < 0.4 else random.random()
        truth.append(float(luck < likes))
        right = random.random() < 0.85
        made.append(ScoredResponse(response=answer.response, answer_like=bool(truth[-1]) == right))
    return made, truth


@pytest.mark.slow
@pytest.mark.parametrize(("whole", "cut"), [(0.97, 0.9), (0.6, 0.3)])
def test_what_is_told_of_sixty_reads_covers_the_share_and_the_difference(whole: float, cut: float) -> None:
    random = np.random.Generator(np.random.PCG64(7))
    covered, differ = [], []
    for trial in range(200):
        first, true = simulated(random, sources=200, whole=whole, cut=cut, model="one")
        other, too = simulated(random, sources=200, whole=whole - 0.1, cut=cut - 0.1, model="other")
        made, truth = first + other, true + too
        sides = by_side(made)
        drawn = [row for places in sides.values() for row in draw(made, places, 60, trial)]
        sheet = drawn_to_read(made, drawn, responses="", wanted=60, seed=trial, tone=48, guide="")
        shares, [difference] = read_shares(made, sides, sheet, {row.place: truth[row.place] for row in drawn})
        for share, of in zip(shares, (true, too), strict=True):
            assert share.both.low is not None
            assert share.both.high is not None
            assert share.both.half_width <= (share.by_reads.half_width or 0)  # type: ignore[operator] # it has one
            covered.append(share.both.low <= np.mean(of) <= share.both.high)
        assert difference.estimate.low is not None
        assert difference.estimate.high is not None
        differ.append(difference.estimate.low <= np.mean(too) - np.mean(true) <= difference.estimate.high)
    assert np.mean(covered) >= 0.93
    assert np.mean(differ) >= 0.93
