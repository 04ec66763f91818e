"""A randomised test of length: answers beside twins that say the same in more words, or the same begun and broken off.

A padded twin is the answer and sentences that add nothing, so that no judge should prefer it; a shortened one is the
first half of its sentences. What is drawn depends on the seed and on nothing else.
"""

import re
from collections.abc import Sequence
from random import Random

from selfinstruct.evaluate.judging.answer_judges import AnswerPair, PairJudge
from selfinstruct.evaluate.judging.win_rates import win_rate
from selfinstruct.records import Json, digest
from selfinstruct.stats import Estimate

PADDING = (
    "In short, what was said above is what there is to say about the request.",
    "It is always worth looking at a question like this one with some care.",
    "There are of course many ways to put it, and this is one of them.",
    "As so often, it helps to keep the whole in mind as well as its parts.",
    "This should give a good idea of the matter that was asked about.",
    "It goes without saying that every case has its own circumstances.",
    "With this in mind, the answer that was given can be read once more.",
    "All things considered, that is how the request can be answered.",
)
"""Sentences that say nothing, of our own."""
_SENTENCES = 4
_END = re.compile(r"(?<=[.!?])\s+|\n+")


def padded(answer: str, random: Random) -> str:
    """The answer, and some sentences that add nothing.

    >>> padded("The Tay.", Random(1)).startswith("The Tay. ")
    True
    """
    return " ".join([answer.rstrip(), *random.sample(PADDING, _SENTENCES)])


def shortened(answer: str) -> str:
    """The first half of its sentences, or of its words where there is one sentence; empty where that is nothing less.

    >>> shortened("It rains. It stops. Then it rains."), shortened("one two three four"), shortened("Tay")
    ('It rains.', 'one two', '')
    """
    sentences = [sentence for sentence in _END.split(answer.strip()) if sentence.strip()]
    if len(sentences) > 1:
        return " ".join(sentences[: len(sentences) // 2])
    parts = answer.split()
    return " ".join(parts[: len(parts) // 2])


def length_pairs(
    answers: Sequence[tuple[str, str, str]], most: int, seed: int
) -> dict[str, list[tuple[str, AnswerPair]]]:
    """Of (source, instruction, answer) as many as are wanted, drawn by a hash; each with its longer side as `one`."""
    drawn = sorted(answers, key=lambda row: digest("length", seed, *row))[:most]
    pairs: dict[str, list[tuple[str, AnswerPair]]] = {"padded": [], "shortened": []}
    for source, instruction, answer in drawn:
        random = Random(int(digest("padding", seed, instruction, answer)[:16], 16))  # noqa: S311 - not for secrets
        pairs["padded"].append((source, AnswerPair(instruction, padded(answer, random), answer)))
        if less := shortened(answer):
            pairs["shortened"].append((source, AnswerPair(instruction, answer, less)))
    return pairs


def length_test(judge: PairJudge, pairs: dict[str, list[tuple[str, AnswerPair]]], seed: int) -> dict[str, Json]:
    """How often the longer twin is preferred; `prefers_length` where padding alone wins more than it loses for sure."""
    numbers: dict[str, Json] = {}
    rates: dict[str, Estimate | None] = {}
    for kind, twins in pairs.items():
        preferences = list(judge(pair for _, pair in twins))
        valued = [
            (preference.value, source)
            for preference, (source, _) in zip(preferences, twins, strict=True)
            if preference.value is not None
        ]
        rate = rates[kind] = win_rate([value for value, _ in valued], [source for _, source in valued], seed)
        numbers[kind] = {
            "pairs": len(twins),
            "judged": len(valued),
            "longer_preferred": None if rate is None else rate.as_json(),
        }
    rate = rates.get("padded")
    numbers["prefers_length"] = bool(rate is not None and rate.low is not None and rate.low > 0.5)
    return numbers
