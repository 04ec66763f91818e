"""The compiled clusters are those of brute force, whether shingles are in memory or read again."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest

from selfinstruct.dedup import minhash
from selfinstruct.dedup.clusters import THRESHOLDS, Clusters, Curve, Shelves, clustered, curve
from selfinstruct.dedup.minhash import HashedShingles, TextBatch, chosen, hashed, jaccard, shingles


def batch_of(texts: Sequence[str]) -> TextBatch:
    batch = TextBatch()
    for text in texts:
        batch.add(text)
    return batch


def compiled(
    texts: Sequence[str], preferences: Sequence[float], threshold: float, room: int = 1 << 20, workers: int = 2
) -> Clusters:
    """In batches of seven, so that batches matter."""
    bands = chosen(threshold, 128)
    shelves = Shelves(len(texts), bands.bands, room)
    for first in range(0, len(texts), 7):
        hashes = minhash.hashed(batch_of(texts[first : first + 7]), 3)
        shelves.add(first, hashes, minhash.signed(hashes, minhash.permutations(128, 1)), bands.rows)
    return clustered(
        shelves,
        np.array(preferences, np.float64),
        threshold,
        lambda position: minhash.hashed(batch_of([texts[position]]), 3).hashes,
        workers,
    )


def brute_force(texts: Sequence[str], preferences: Sequence[float], threshold: float) -> dict[int, tuple[int, float]]:
    """Removed text -> the most alike kept one and how alike; all pairs, on strings."""
    removed: dict[int, tuple[int, float]] = {}
    kept: list[int] = []
    for text in sorted(range(len(texts)), key=lambda place: (preferences[place], place)):
        scores = [(jaccard(texts[text], texts[other]), -rank, other) for rank, other in enumerate(kept)]
        best = max(scores, default=(0.0, 0, -1))
        if best[0] >= threshold:
            removed[text] = best[2], best[0]
        else:
            kept.append(text)
    return removed


def variants(draw: Random, count: int) -> list[str]:
    """Texts of 20 to 60 words, and texts made from earlier ones by a few changes."""
    texts: list[str] = []
    for _ in range(count):
        if texts and draw.random() < 0.7:
            words = draw.choice(texts).split()
            for _ in range(draw.randint(0, 3)):
                words[draw.randrange(len(words))] = f"w{draw.randrange(300)}"
            words += [f"w{draw.randrange(300)}"] * draw.randint(0, 2)
        else:
            words = [f"w{draw.randrange(300)}" for _ in range(draw.randint(20, 60))]
        texts.append(" ".join(words))
    return texts


def neighbours_of(clusters: Clusters) -> dict[int, tuple[int, float]]:
    places = np.flatnonzero(clusters.neighbour >= 0).tolist()
    return {place: (int(clusters.neighbour[place]), float(clusters.score[place])) for place in places}


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("seed", range(3))
def test_they_equal_brute_force_on_all_pairs(seed: int, threshold: float) -> None:
    draw = Random(seed)
    texts = variants(draw, 120)
    preferences = [float(draw.randrange(10)) for _ in texts]
    expected = brute_force(texts, preferences, threshold)
    assert len(expected) > 10
    nearest = compiled(texts, preferences, threshold)
    assert neighbours_of(nearest) == expected  # of some 400 pairs, bands of 0.99 and more miss none at these seeds
    for place, (other, _) in expected.items():
        assert int(nearest.common[place]) == len({*shingles(texts[place], 3)} & {*shingles(texts[other], 3)})


@pytest.mark.parametrize("room", [0, 40, 700])
def test_texts_that_had_no_room_are_read_again_to_the_same_end(room: int) -> None:
    texts = variants(Random(4), 100)
    preferences = [0.0] * len(texts)
    assert neighbours_of(compiled(texts, preferences, 0.8, room)) == neighbours_of(compiled(texts, preferences, 0.8))


def test_the_number_of_threads_changes_nothing() -> None:
    texts = variants(Random(5), 100)
    assert neighbours_of(compiled(texts, [0.0] * 100, 0.8, workers=1)) == neighbours_of(
        compiled(texts, [0.0] * 100, 0.8, workers=3)
    )


def test_in_a_chain_what_is_unlike_all_that_stays_is_kept() -> None:
    words = [f"w{number}" for number in range(60)]
    first, middle, last = (" ".join(words[start : start + 50]) for start in (0, 4, 8))
    assert jaccard(first, middle) == jaccard(middle, last) > 0.8 > jaccard(first, last)
    assert neighbours_of(compiled([first, middle, last], [0.0, 1.0, 2.0], 0.8)).keys() == {1}
    assert neighbours_of(compiled([first, middle, last], [1.0, 0.0, 2.0], 0.8)).keys() == {0, 2}


def test_texts_without_shingles_duplicate_nothing() -> None:
    assert neighbours_of(compiled(["", " ", "a b c", "", "a b c"], [0.0] * 5, 0.8)) == {4: (2, 1.0)}


def hashes_of(texts: list[str]) -> HashedShingles:
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
    measures = measured(texts, preferences, positions)
    assert measures.size == 25
    expected = {f"{at:g}": round(sum(score >= at for score in best) / 25, 6) for at in THRESHOLDS}
    assert measures.shares() == expected
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
    measures = measured(texts, [0.0] * 2_000, list(range(2_000)))
    assert measures.size == 100
    assert measures.shares()["0.8"] == pytest.approx(1.0, abs=0.02)
    assert measures.shares()["0.95"] == 0.0


def test_nothing_drawn_from_nothing_is_no_error() -> None:
    assert measured(["", ""], [0.0, 0.0], [0, 1]).shares()["0.3"] == 0.0
