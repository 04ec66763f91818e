"""Readings of tone with a known truth behind them."""

from collections.abc import Sequence
from random import Random

from selfinstruct.stage import ToneReading, ToneVerdict


def reading(
    answers: Sequence[bool], *, per_source: int = 2, objecqa: float | None = None, **setting: str
) -> ToneReading:
    """`per_source` prompts of each source, the first of them whole."""
    said = tuple(
        ToneVerdict(
            source=f"s{place // per_source}",
            whole=place % per_source == 0,
            answers=answer,
            clean=answer and place % 3 > 0,
        )
        for place, answer in enumerate(answers)
    )
    setting = {"judge": "ifs-v1", "prompts": "ifs-v1:dev", "wrapper": "none", **setting}
    return ToneReading(
        judge=setting["judge"],
        prompts=setting["prompts"],
        wrapper=setting["wrapper"],
        verdicts=said,
        opinions=() if objecqa is None else opinions(objecqa),
    )


def opinions(share: float, questions: int = 100) -> tuple[bool | None, ...]:
    """So many objective answers; the easiest questions are always the same."""
    return tuple(number < round(share * questions) for number in range(questions))


def curve(
    shares: Sequence[float], *, sources: int, seed: int, stickiness: float = 0.8, objecqa: Sequence[float] = ()
) -> list[ToneReading]:
    """One reading for each true share of answers.

    A prompt answers where its own difficulty is below the share; with chance 1 - `stickiness` its difficulty is drawn
    anew at a check. The two prompts of a source resemble each other.
    """
    random = Random(seed)
    places = range(2 * sources)
    hardness = [random.random() for _ in places]
    for place in places[1::2]:
        if random.random() < 0.5:
            hardness[place] = hardness[place - 1]
    found = []
    for number, share in enumerate(shares):
        answers = []
        for place in places:
            hard = hardness[place] if random.random() < stickiness else random.random()
            answers.append(hard < share)
        found.append(reading(answers, objecqa=objecqa[number] if objecqa else None))
    return found
