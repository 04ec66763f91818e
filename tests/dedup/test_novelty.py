"""Novelty: the index, the stage and the block selection against brute force with `rouge_score`."""

from collections.abc import Sequence
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from selfinstruct.dedup import novelty
from selfinstruct.dedup.novelty import Novelty, select
from selfinstruct.dedup.rouge_index import CUTTERS, Border, Mode, RougeIndex, f_measure
from selfinstruct.errors import BadInput
from selfinstruct.records import Provenance, Task
from selfinstruct.stage import Bench, Kept, Measured, Pool, Rejected
from selfinstruct.text import program_words, words
from selfinstruct.text.rouge_l import rouge_l
from tests.dedup.subsequence import longest_common_subsequence

SCORER = RougeScorer(["rougeL"], use_stemmer=False)
VOCABULARY = [f"w{number}" for number in range(14)]
texts = st.lists(st.sampled_from(VOCABULARY), max_size=14).map(" ".join)
pools = st.lists(texts, max_size=25)
LONG, SHORT = 110, 10


def task(text: str, number: int = 0) -> Task:
    return Task(instruction=text, provenance=Provenance(stage="propose", request=f"{number}.0/0"))


def oracle(candidate: str, other: str) -> float:
    score: float = SCORER.score(candidate, other)["rougeL"].fmeasure
    return score


def brute_force(pool: Sequence[str], candidates: Sequence[str], mode: Mode) -> list[int]:
    """Greedy by the released program's loop, or by the paper's border in whole numbers."""
    known, kept = list(pool), []
    for number, candidate in enumerate(candidates):
        if mode == "strict":
            near = any(oracle(candidate, other) > 0.7 for other in known)
        else:
            near = any(exact(candidate, other) >= Fraction(7, 10) for other in known)
        if not near:
            known.append(candidate)
            kept.append(number)
    return kept


def exact(candidate: str, other: str) -> Fraction:
    first, second = program_words(candidate), program_words(other)
    total = len(first) + len(second)
    return Fraction(2 * longest_common_subsequence(first, second), total) if first and second else Fraction(0)


def stage_keeps(pool: Sequence[str], candidates: Sequence[str], mode: Mode) -> list[int]:
    bench = Bench(pool=Pool([task(text, -number) for number, text in enumerate(pool, 1)]))
    records = [task(text, number) for number, text in enumerate(candidates)]
    outcomes = list(Novelty(mode=mode, words="program")(records, bench))
    decisions = [outcome for outcome in outcomes if isinstance(outcome, Kept | Rejected)]
    assert [decision.record for decision in decisions] == records
    return [number for number, decision in enumerate(decisions) if isinstance(decision, Kept)]


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_rouge_l_equals_the_library_bit_for_bit_on_any_text(candidate: str, other: str) -> None:
    assert rouge_l(program_words(candidate), program_words(other)) == oracle(candidate, other)


@given(texts, texts)
def test_rouge_l_equals_the_library_bit_for_bit_on_close_texts(candidate: str, other: str) -> None:
    assert rouge_l(program_words(candidate), program_words(other)) == oracle(candidate, other)


def test_the_border_falls_as_the_programs_floats_do_for_all_lengths_to_two_hundred() -> None:
    border = Border(0.7, "strict")
    rejected = kept = 0
    for first in range(1, 201):
        for second in range(1, 201):
            common, left = divmod(7 * (first + second), 20)
            if left == 0 and common <= min(first, second):
                precision, recall = common / second, common / first
                score = 2 * precision * recall / (precision + recall)
                assert f_measure(common, first, second) == score
                assert border.is_crossed(common, first, second) == (score > 0.7)
                assert Border(0.7, "paper").is_crossed(common, first, second)
                rejected += score > 0.7
                kept += score <= 0.7
    assert rejected > 100
    assert kept > 100


def test_the_two_borderline_pairs_that_everybody_should_know() -> None:
    assert f_measure(7, 10, 10) == 0.7
    assert f_measure(7, 7, 13) == 0.7000000000000001
    strict = Border(0.7, "strict")
    assert (strict.is_crossed(7, 10, 10), strict.is_crossed(7, 7, 13)) == (False, True)


@pytest.mark.parametrize("mode", ["strict", "paper"])
@given(pool=pools, candidates=pools)
@settings(max_examples=60, deadline=None)
def test_the_stage_keeps_what_brute_force_keeps(mode: Mode, pool: list[str], candidates: list[str]) -> None:
    assert stage_keeps(pool, candidates, mode) == brute_force(pool, candidates, mode)


@pytest.mark.parametrize("mode", ["strict", "paper"])
def test_a_long_list_selected_at_once_is_what_brute_force_keeps(mode: Mode) -> None:
    draw = Random(3)
    candidates = [" ".join(draw.choices(VOCABULARY, k=draw.randint(0, 12))) for _ in range(300)]
    expected = brute_force([], candidates, mode)
    for workers in (1, 2):
        kept = select(candidates, mode=mode, words="program", workers=workers).kept.tolist()
        assert [number for number in kept if candidates[number]] == [n for n in expected if candidates[n]]


@given(pool=st.lists(texts, min_size=1, max_size=25), text=texts)
@settings(max_examples=80, deadline=None)
def test_the_nearest_neighbour_is_the_nearest_in_either_index(pool: list[str], text: str) -> None:
    tasks = [task(other, number) for number, other in enumerate(pool)]
    best = max(rouge_l(words(text), words(other)) for other in pool)
    for compiled_from in (1_000_000, 0):
        index = RougeIndex("unicode", compiled_from)
        for other in tasks:
            index.add(other.id, other.instruction)
        neighbour = index.nearest(text)
        if best > 0:
            assert neighbour is not None
            assert neighbour.rouge_l == best


@given(pool=pools, added=pools, text=texts)
@settings(max_examples=50, deadline=None)
def test_an_index_that_grew_equals_one_built_at_once(pool: list[str], added: list[str], text: str) -> None:
    tasks = [task(other, number) for number, other in enumerate([*pool, *added])]
    grown = RougeIndex.over(tasks[: len(pool)])
    for other in tasks[len(pool) :]:
        grown.add(other.id, other.instruction)
    whole = RougeIndex.over(tasks)
    assert grown.nearest(text) == whole.nearest(text)
    assert grown.compare(text) == whole.compare(text)


@pytest.mark.parametrize(
    "text", ["写一首关于猫的诗。", "اكتب قصيدة عن القطط", "Skriv et dansk digt om åen", "🎉🎂🎈🎁"]
)
def test_other_scripts_are_really_compared(text: str) -> None:
    bench = Bench(pool=Pool([task(text)]))
    [twin, other] = Novelty()([task(text, 1), task("Name a river in Peru.", 2)], bench)
    assert isinstance(twin, Rejected)
    assert isinstance(other, Kept)


def test_the_evidence_is_enough_to_decide_again() -> None:
    bench = Bench(pool=Pool([task("Name a long river in the north of Peru.")]))
    [outcome] = Novelty()([task("Name a long river in the south of Peru.", 1)], bench)
    assert isinstance(outcome, Rejected)
    assert outcome.evidence["text"] == "Name a long river in the north of Peru."
    assert Novelty(rouge_l_below=0.7).objects(outcome.evidence)
    assert not Novelty(rouge_l_below=0.95).objects(outcome.evidence)


def test_the_reference_evidence_is_what_the_program_stores() -> None:
    import numpy as np

    pool = ["Name a river.", "Name two rivers.", "Write a poem about a river."]
    bench = Bench(pool=Pool([task(text, number) for number, text in enumerate(pool)]))
    [outcome] = Novelty(words="program", reference=True)([task("Describe a river.", 9)], bench)
    assert isinstance(outcome, Kept)
    scores = [oracle("Describe a river.", other) for other in pool]
    assert outcome.evidence["avg_similarity_score"] == float(np.mean(scores))
    similar = outcome.evidence["most_similar"]
    assert isinstance(similar, dict)
    assert list(similar.values()) == sorted(scores, reverse=True)


def proposed_task(text: str, number: int = 0) -> Task:
    return Task(instruction=text, provenance=Provenance(stage="propose"), ordinal=number)


def test_copies_of_a_text_without_words_are_caught_by_default() -> None:
    outcomes = list(Novelty()([proposed_task("???"), proposed_task(" ??? ", 1), proposed_task("!!!", 2)], Bench()))
    assert [type(outcome) for outcome in outcomes] == [Kept, Rejected, Kept]


def test_with_the_programs_words_what_could_not_be_compared_is_counted() -> None:
    outcomes = list(Novelty(words="program")([proposed_task("写诗"), proposed_task("写诗", 1)], Bench()))
    assert [type(outcome) for outcome in outcomes] == [Kept, Kept, Measured]
    assert outcomes[-1] == Measured("never_compared_for_want_of_words", 2)


def test_the_index_outlives_the_round_and_knows_what_was_kept() -> None:
    pool = Pool([proposed_task("Name a river.")])
    novelty = Novelty()
    [kept] = novelty([proposed_task("Write a poem about rain.")], Bench(pool=pool, stage="novelty"))
    assert isinstance(kept, Kept)
    later = pool.after([kept.record], [kept.record])
    [twin] = novelty([proposed_task("Write a poem about rain!", 1)], Bench(pool=later, stage="novelty"))
    assert isinstance(twin, Rejected)
    assert twin.evidence["nearest"] == kept.record.id


def test_a_pool_rebuilt_from_what_was_seen_gives_the_same_evidence() -> None:
    kept = [proposed_task("Write a poem about rain."), proposed_task("Name a river.", 1)]
    grown, rebuilt = Pool(), Pool(seen=kept)
    list(Novelty()(kept, Bench(pool=grown)))
    asked = [proposed_task("Write a poem about snow.", 2)]
    assert list(Novelty()(asked, Bench(pool=grown))) == list(Novelty()(asked, Bench(pool=rebuilt)))


def test_nothing_alike_is_recorded_as_nothing() -> None:
    [outcome] = Novelty()([proposed_task("Name a river.")], Bench())
    assert isinstance(outcome, Kept)
    assert outcome.evidence == {"nearest": None, "text": None, "rouge_l": 0.0, "common": 0, "words": [0, 0]}


@pytest.mark.parametrize(
    ("knobs", "word"),
    [
        ({"rouge_l_below": 0.0}, "rouge_l_below"),
        ({"rouge_l_below": 1.0}, "rouge_l_below"),
        ({"rouge_l_below": float("nan")}, "rouge_l_below"),
        ({"mode": "loose"}, "loose"),
        ({"words": "latin"}, "latin"),
    ],
)
def test_a_knob_that_cannot_be_meant_is_refused_by_name(knobs: dict[str, object], word: str) -> None:
    with pytest.raises(BadInput, match=word):
        Novelty(**knobs)  # type: ignore[arg-type] # wrong on purpose


def test_at_one_the_papers_mode_drops_only_the_same_words() -> None:
    tasks = [proposed_task("Name a river."), proposed_task("name a RIVER", 1), proposed_task("Name one river.", 2)]
    kinds = [type(outcome) for outcome in Novelty(rouge_l_below=1.0, mode="paper")(tasks, Bench())]
    assert kinds == [Kept, Rejected, Kept]


def related_texts(draw: Random, count: int) -> list[str]:
    """Short and long ones, about a third of them a changed copy of an earlier one."""
    vocabulary = [f"w{number}" for number in range(200)]
    texts: list[str] = []
    for _ in range(count):
        words = draw.choices(vocabulary[: draw.choice((12, 200))], k=draw.choice((3, SHORT, 40, LONG)))
        if texts and draw.random() < 0.4:
            words = draw.choice(texts).split()
            for _ in range(len(words) // draw.choice((2, 4, 16))):
                words[draw.randrange(len(words))] = draw.choice(vocabulary)
        texts.append(" ".join(words))
    return texts


def stage_keeps_of_list(texts: list[str], **knobs: float | str) -> list[int]:
    tasks = [Task(instruction=text, provenance=Provenance(stage="input"), ordinal=n) for n, text in enumerate(texts)]
    outcomes = Novelty(**knobs)(tasks, Bench())  # type: ignore[arg-type] # knobs of several types, by name
    return [outcome.record.ordinal for outcome in outcomes if isinstance(outcome, Kept)]


@pytest.mark.parametrize("mode", ["strict", "paper"])
@pytest.mark.parametrize("rouge_l_below", [0.35, 0.5, 0.7, 0.85])
def test_it_keeps_what_the_stage_keeps(monkeypatch: pytest.MonkeyPatch, mode: Mode, rouge_l_below: float) -> None:
    monkeypatch.setattr(novelty, "_BLOCK", 64)  # several blocks, without thousands of texts
    texts = related_texts(Random(11), 500)
    expected = stage_keeps_of_list(texts, mode=mode, rouge_l_below=rouge_l_below)
    assert 20 < len(expected) < 480
    one, three = (select(texts, mode=mode, rouge_l_below=rouge_l_below, workers=workers) for workers in (1, 3))
    assert one.kept.tolist() == expected
    assert one.neighbour.tolist() == three.neighbour.tolist()


def test_what_is_dropped_names_a_kept_text_that_comes_before_and_is_too_similar() -> None:
    texts = related_texts(Random(2), 300)
    chosen = select(texts)
    kept = set(chosen.kept.tolist())
    cut = CUTTERS["unicode"]
    for place, other in enumerate(chosen.neighbour.tolist()):
        if place not in kept:
            assert other in kept
            assert other < place
            first, second = cut(texts[place]), cut(texts[other])
            assert Border().is_crossed(longest_common_subsequence(first, second), len(first), len(second))


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=9).map(" ".join), max_size=40), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_on_any_small_list_too(texts: list[str], workers: int) -> None:
    assert select(texts, mode="paper", rouge_l_below=0.6, workers=workers).kept.tolist() == stage_keeps_of_list(
        texts, mode="paper", rouge_l_below=0.6
    )


@pytest.mark.parametrize("texts", [[], ["", ""], ["?!", "?!", "..."], ["one"]])
def test_nothing_and_wordless_texts_are_no_special_case(texts: list[str]) -> None:
    assert select(texts).kept.tolist() == stage_keeps_of_list(texts)
    assert len(select(texts, words="program").kept) == len(texts)
