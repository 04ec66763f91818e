"""The stage: every removed record names a kept one that truly is so alike; the sums close; knobs are checked."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, overload

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.dedup import near
from selfinstruct.dedup.duplicate_records import Keep
from selfinstruct.dedup.minhash import jaccard, shingles
from selfinstruct.dedup.near import Near
from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Json, Provenance, Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Rejected

INPUT = Provenance(stage="input")
TALE = "It was a dark and stormy night and the rain fell in torrents on the roofs of the town by the sea"
SHORT = st.lists(st.sampled_from(["a", "b", "c", "写", "?"]), max_size=8).map(" ".join)


def tasks(*texts: str) -> list[Task]:
    return [Task(instruction=text, provenance=INPUT, ordinal=number) for number, text in enumerate(texts)]


def kept(outcomes: Sequence[Outcome]) -> list[int]:
    return [outcome.record.ordinal for outcome in outcomes if isinstance(outcome, Kept)]


def measured(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {outcome.name: outcome.value for outcome in outcomes if isinstance(outcome, Measured)}


@settings(deadline=None)
@given(
    st.lists(SHORT, max_size=25),
    st.sampled_from([0.3, 0.5, 0.8, 1.0]),
    st.integers(1, 3),
    st.sampled_from(["longest", "newest", "first"]),
)
def test_every_removed_record_names_a_kept_one_that_is_as_alike_as_it_says(
    texts: list[str], threshold: float, size: int, keep: Keep
) -> None:
    records = tasks(*texts)
    outcomes = list(Near(jaccard=threshold, shingle_words=size, keep=keep)(records, Bench()))
    decisions = [outcome for outcome in outcomes if isinstance(outcome, Kept | Rejected)]
    assert [decision.record for decision in decisions] == records
    stays = {records[place].id: records[place].instruction for place in kept(outcomes)}
    for decision in decisions:
        if isinstance(decision, Rejected):
            assert isinstance(decision.record, Task)
            own, other = decision.record.instruction, stays[str(decision.evidence["neighbour"])]
            assert decision.reason == "near_duplicate"
            assert decision.evidence["score"] == jaccard(own, other, size) >= threshold
            assert decision.evidence["shingles"] == [len(shingles(own, size)), len(shingles(other, size))]


@settings(deadline=None)
@given(st.lists(SHORT, max_size=25))
def test_no_two_kept_records_have_the_same_shingles(texts: list[str]) -> None:
    stays = kept(list(Near()(tasks(*texts), Bench())))
    sets = [frozenset(shingles(texts[place], 3)) for place in stays]
    spoken = [members for members in sets if members]
    assert len(set(spoken)) == len(spoken)


def test_evidence_shows_the_neighbour() -> None:
    records = tasks(TALE, TALE + " far away")
    outcomes = list(Near(keep="first")(records, Bench()))
    [rejected] = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
    size = len(shingles(TALE, 3))
    expected: dict[str, Json] = {
        "neighbour": records[0].id,
        "neighbour_text": TALE,
        "score": size / (size + 2),
        "common": size,
        "shingles": [size + 2, size],
        "answer": "same",
    }
    assert rejected.evidence == expected


@pytest.mark.parametrize(
    ("knobs", "stays"),
    [
        ({"keep": "longest"}, [1]),
        ({"keep": "newest"}, [2]),
        ({"keep": "first"}, [0]),
        ({"keep": "best", "measure": "judge"}, [2]),
        ({"keep": "best", "measure": "length"}, [0]),
    ],
)
def test_the_preferred_one_of_a_cluster_stays(knobs: dict[str, Any], stays: list[int]) -> None:
    plain, longer, last = tasks(TALE, TALE + " far away", TALE + " again")
    records = [
        replace(plain, measures={"judge": 1.0, "length": 5.0}),
        longer,
        replace(last, measures={"judge": 3.0, "length": 5.0}),
    ]
    assert kept(list(Near(**knobs)(records, Bench()))) == stays


def test_the_longest_is_that_of_the_whole_record() -> None:
    answers = [("Yes.", 0), ("Yes, it was, and I remember it well.", 1)]
    records = [
        Task(instruction=TALE, instances=(Instance("", answer),), provenance=INPUT, ordinal=ordinal)
        for answer, ordinal in answers
    ]
    assert kept(list(Near()(records, Bench()))) == [1]
    assert kept(list(Near(over="record")(records, Bench()))) == [0, 1]
    assert kept(list(Near(over="response")(records, Bench()))) == [0, 1]


def test_answers_in_conflict_are_counted_and_the_shortest_can_stay() -> None:
    said = ("The Ebro.", "Sure! What a question. It is the Po.", "the ebro.")
    records = [
        Task(instruction=TALE, instances=(Instance("", answer),), provenance=INPUT, ordinal=at)
        for at, answer in enumerate(said)
    ]
    outcomes = list(Near(keep="shortest")(records, Bench()))
    assert kept(outcomes) == [0]
    answers = [outcome.evidence["answer"] for outcome in outcomes if isinstance(outcome, Rejected)]
    assert answers == ["other", "same"]
    assert measured(outcomes)["near_duplicates"]["with_another_answer"] == 1


def test_provenance_names_who_made_the_signatures_and_no_library_that_did_not() -> None:
    sketch = measured(list(Near()([], Bench())))["sketch"]
    assert "library" not in sketch
    assert sketch["made_by"].startswith("selfinstruct")


def test_a_measure_that_no_record_has_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no record has a measure 'judge'"):
        list(Near(keep="best", measure="judge")(tasks(TALE, TALE), Bench()))


def test_what_the_sketch_is_can_be_read() -> None:
    sketch = measured(list(Near()([], Bench())))["sketch"]
    assert sketch["scheme"] == "affine32"
    assert (sketch["num_perm"], sketch["bands"], sketch["rows"], sketch["seed"]) == (128, 21, 6, 1)
    assert sketch["recall_at_jaccard"] >= 0.99
    assert eval(sketch["recall"].replace("^", "**"), {"J": 0.8}) == pytest.approx(sketch["recall_at_jaccard"], abs=1e-6)


def test_clusters_are_counted_by_size() -> None:
    records = tasks(TALE, TALE, TALE, "Name a river in Asia.", "name a river in asia", "Alone here")
    measures = measured(list(Near()(records, Bench())))
    summary = measures["near_duplicates"]
    assert (summary["removed"], summary["clusters"], summary["largest"]) == (3, 2, 3)
    assert (summary["with_another_answer"], summary["kept"]) == (0, "longest")
    assert summary["sizes"] == {"2": 1, "3-4": 1}
    assert measures["similarity_curve"]["0.8"] == pytest.approx(3 / 6)
    assert measures["similarity_curve_basis"]["sampled"] == 6


def test_records_without_text_are_kept_and_counted() -> None:
    outcomes = list(Near(over="response")(tasks(TALE, TALE), Bench()))
    assert kept(outcomes) == [0, 1]
    assert measured(outcomes)["never_compared_for_want_of_text"] == 2


class OnDisk(Sequence[Task]):
    """Makes each record anew, and counts how often one is asked for out of turn."""

    def __init__(self, texts: list[str]) -> None:
        self.texts, self.fetched, self.passes = texts, 0, 0

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[Task]:
        self.passes += 1
        return (self._made(place) for place in range(len(self.texts)))

    @overload
    def __getitem__(self, place: int) -> Task: ...
    @overload
    def __getitem__(self, place: slice) -> list[Task]: ...
    def __getitem__(self, place: int | slice) -> Task | list[Task]:
        assert isinstance(place, int)
        self.fetched += 1
        return self._made(place)

    def _made(self, place: int) -> Task:
        return Task(instruction=self.texts[place], provenance=INPUT, ordinal=place)


def test_a_set_on_disk_is_read_twice_and_otherwise_only_sampled_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "SAMPLE", 10)
    monkeypatch.setattr(near, "_BATCH", 64)
    texts = [f"{TALE} {number // 2} times and {number // 2} more" for number in range(1_000)]
    records = OnDisk(texts)
    outcomes = list(Near(jaccard=0.95, keep="first")(records, Bench()))
    in_memory = list(Near(jaccard=0.95, keep="first")(tasks(*texts), Bench()))
    assert outcomes == in_memory
    assert kept(outcomes) == list(range(0, 1_000, 2))
    assert records.passes == 2
    assert records.fetched <= 10 + 500


@pytest.mark.parametrize(
    ("knobs", "word"),
    [
        ({"jaccard": 0.0}, "jaccard"),
        ({"jaccard": 1.1}, "jaccard"),
        ({"jaccard": float("nan")}, "jaccard"),
        ({"shingle_words": 0}, "shingle_words"),
        ({"num_perm": 0}, "num_perm"),
        ({"num_perm": 1 << 20}, "num_perm"),
        ({"jaccard": 0.3, "num_perm": 4}, "permutations"),
        ({"seed": -1}, "seed"),
        ({"over": "prompt"}, "over"),
        ({"keep": "oldest"}, "keep"),
        ({"keep": "best"}, "measure"),
    ],
)
def test_a_knob_that_cannot_be_meant_is_refused_by_name(knobs: dict[str, Any], word: str) -> None:
    with pytest.raises(BadInput, match=word):
        Near(**knobs)


def test_nothing_heavy_is_loaded_before_the_stage_is_called() -> None:
    ask = (
        "import sys; from selfinstruct.dedup import exact, near, semantic; near.Near(); "
        "print([name for name in ('numpy', 'numba', 'model2vec', 'datasketch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
