"""The similarity curve is what comparing the sample with everything gives."""

from random import Random

import numpy as np
import pytest

from selfinstruct.dedup.curve import THRESHOLDS, Curve, curve
from selfinstruct.dedup.minhash import Hashed, hashed
from selfinstruct.dedup.shingles import TextBatch, jaccard


def hashes_of(texts: list[str]) -> Hashed:
    batch = TextBatch()
    for text in texts:
        batch.add(text)
    return hashed(batch, 3)


def measured(texts: list[str], preferences: list[float], positions: list[int]) -> Curve:
    drawn = np.array([preferences[place] for place in positions])
    made = curve(hashes_of([texts[place] for place in positions]), np.array(positions, np.int64), drawn)
    for first in range(0, len(texts), 11):
        made.meet(first, hashes_of(texts[first : first + 11]), np.array(preferences[first : first + 11]))
    return made


def some_texts(draw: Random, count: int) -> list[str]:
    return [" ".join(draw.choices("abcd", k=draw.randint(0, 9))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(3))
def test_each_share_counts_those_with_a_preferred_record_so_alike(seed: int) -> None:
    draw = Random(seed)
    texts = some_texts(draw, 60)
    preferences = [float(draw.randrange(4)) for _ in texts]
    positions = draw.sample(range(60), 25)
    best = [
        max(
            (
                jaccard(texts[place], texts[other])
                for other in range(60)
                if (preferences[other], other) < (preferences[place], place)
            ),
            default=0.0,
        )
        for place in positions
    ]
    found = measured(texts, preferences, positions)
    assert found.size == 25
    expected = {f"{at:g}": round(sum(score >= at for score in best) / 25, 6) for at in THRESHOLDS}
    assert found.shares() == expected
    assert expected["0.3"] > expected["0.95"]


def test_it_goes_down_from_03_to_095() -> None:
    texts = some_texts(Random(9), 200)
    shares = [float(str(share)) for share in measured(texts, [0.0] * 200, list(range(200))).shares().values()]
    assert shares == sorted(shares, reverse=True)
    assert THRESHOLDS[0] == 0.3
    assert THRESHOLDS[-1] == 0.95


def test_where_all_share_the_same_words_the_sample_shrinks_instead_of_the_work_growing() -> None:
    boiler = " ".join(f"common{number}" for number in range(40))
    texts = [f"{boiler} own{number} words{number} here{number}" for number in range(2_000)]
    found = measured(texts, [0.0] * 2_000, list(range(2_000)))
    assert found.size == 100
    assert found.shares()["0.8"] == pytest.approx(1.0, abs=0.02)
    assert found.shares()["0.95"] == 0.0


def test_nothing_drawn_from_nothing_is_no_error() -> None:
    assert measured(["", ""], [0.0, 0.0], [0, 1]).shares()["0.3"] == 0.0
