"""Labels and people in a set."""

import math
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.variety.balance import (
    FEMALE,
    GROUP_OF,
    GROUPS,
    MALE,
    ROLE_OF,
    Balance,
    People,
    compared,
    entropy,
    label,
    leaning,
)
from selfinstruct.errors import BadInput
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Kept, Measured, Pool
from selfinstruct.text import words
from tests.curate.records import task

HER = GROUPS.index("female")
TEXTS = st.lists(st.lists(st.sampled_from(["she", "he", "river", "nurse", "nurses", "old."]), max_size=8), max_size=8)


def measured(tasks: Sequence[Task], seeds: Sequence[Task] = ()) -> Any:
    *kept, last = list(Balance()(tasks, Bench(pool=Pool(seeds))))
    assert [outcome.record for outcome in kept if isinstance(outcome, Kept)] == list(tasks)
    assert isinstance(last, Measured)
    assert last.name == "balance"
    return last.value


def people(*texts: str) -> People:
    counted = People()
    for text in texts:
        counted.add(task(text))
    return counted


def labelled(order: str, *outputs: str) -> Task:
    return task(
        "Good or bad?",
        *((str(at), output) for at, output in enumerate(outputs)),
        prompt=f"instances.{order}.chat/1" if order else "",
        is_classification=True,
    )


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_entropy_is_between_none_and_that_of_equal_shares(counts: list[int]) -> None:
    assert 0 <= entropy(counts) <= math.log2(len(counts)) + 1e-9
    assert entropy([counts[0]] * len(counts)) == pytest.approx(math.log2(len(counts)))
    assert entropy([*counts, 0]) == entropy(counts)


@given(st.text())
def test_a_label_stays_what_it_is(text: str) -> None:
    assert label(label(text)) == label(text)


def test_labels_are_told_apart_by_the_order_in_which_instances_were_made() -> None:
    tasks = [
        labelled("output_first", "Good", "bad.", "good", "Bad"),
        labelled("input_first", "good", "good"),
        labelled("input_first", "good", "good", "good", "bad"),
        labelled("", "good", "bad"),
        labelled("input_first", "good"),
        task("Write it.", ("1", "a"), ("2", "b")),
    ]
    measures = measured(tasks)["labels"]
    assert measures["classification"] == 5
    assert measures["tasks"]["output_first"] == {"tasks": 1, "entropy": 1.0, "one_label": 0.0, "evenness": 1.0}
    assert measures["tasks"]["input_first"]["tasks"] == 2
    assert measures["tasks"]["input_first"]["one_label"] == 0.5
    assert measures["tasks"]["input_first"]["entropy"] == pytest.approx((0 + 0.811278) / 2, abs=1e-6)
    assert measures["tasks"]["input_first"]["evenness"] == pytest.approx(0.811278, abs=1e-6)
    assert measures["tasks"]["unknown"]["tasks"] == 1
    assert (measures["set"]["instances"], measures["set"]["distinct"]) == (13, 2)
    assert measures["set"]["top"][0] == {"label": "good", "count": 9, "share": 9 / 13}
    assert measures["set"]["entropy"] == measures["set"]["evenness"] == pytest.approx(entropy([9, 4]))


def test_a_set_without_classification_or_without_anything_is_measured() -> None:
    for tasks in ([], [task("Write it.", ("", "x"))]):
        measures = measured(tasks)
        assert measures["labels"]["set"] == {"instances": 0, "distinct": 0, "entropy": 0.0, "evenness": None, "top": []}
        assert measures["labels"]["tasks"]["input_first"]["entropy"] is None
        assert measures["roles"] == []
        assert "log_odds" not in measures["terms"][0]


@given(TEXTS)
def test_groups_are_counted_as_by_hand(texts: list[list[str]]) -> None:
    counted = people(*map(" ".join, texts))
    cut = [word for text in texts for word in words(" ".join(text))]
    by_hand = Counter(GROUP_OF[word] for word in cut if word in GROUP_OF)
    assert [mentions.count for mentions in counted.groups] == [by_hand[group] for group in range(len(GROUPS))]
    assert counted.words == len(cut)
    share = counted.groups[HER].count / len(cut) if cut else 0.0
    if 0 < share < 1 and counted.records > 1:
        spread = sum((text.count("she") - share * len(text)) ** 2 for text in texts)
        by_record = counted.records / (counted.records - 1) * spread / (len(cut) * share * (1 - share)) ** 2
        assert counted.variance(HER) >= by_record * (1 - 1e-9)


def test_every_text_of_a_record_counts() -> None:
    talk = task("She", ("her", "woman"), later=(("girl", "aunt"),))
    counted = People()
    counted.add(talk)
    assert (counted.groups[HER].count, counted.words) == (5, 5)


def test_the_ratio_is_that_of_the_odds_smoothed_by_half_a_word() -> None:
    ratio = compared(people("she ran home", "the river ran"), people("the river ran home", "he ran"), HER)
    assert ratio.at == pytest.approx(math.log((1.5 / 5.5) / (0.5 / 6.5)))
    assert ratio.low < ratio.at < ratio.high


@given(TEXTS.filter(any), TEXTS.filter(any))
def test_set_and_seeds_change_places_and_the_ratio_its_sign(one: list[list[str]], other: list[list[str]]) -> None:
    first, second = people(*map(" ".join, one)), people(*map(" ".join, other))
    there, back = compared(first, second, HER), compared(second, first, HER)
    assert there.at == pytest.approx(-back.at)
    assert there.low == pytest.approx(-back.high)


def test_words_that_come_in_clumps_make_the_interval_wider() -> None:
    plain = "the river ran down to the sea again " * 2
    seeds = people(*[plain] * 50)
    clumped = compared(people("she " * 16, *[plain] * 49), seeds, HER)
    strewn = compared(people(*[f"she {plain}"] * 16, *[plain] * 34), seeds, HER)
    assert clumped.high - clumped.low > 1.2 * (strewn.high - strewn.low)


def test_of_sets_drawn_alike_the_interval_holds_no_difference_about_nineteen_times_in_twenty() -> None:
    rng = Random(5)

    def drawn() -> People:
        texts = []
        for _ in range(120):
            about_her = rng.random() < 0.3
            texts.append(" ".join("she" if about_her and rng.random() < 0.3 else "river" for _ in range(20)))
        return people(*texts)

    held = 0
    for _ in range(100):
        ratio = compared(drawn(), drawn(), HER)
        held += ratio.low <= 0 <= ratio.high
    assert 88 <= held <= 100


def test_a_role_leans_to_the_sex_that_stands_in_its_sentences() -> None:
    texts = [
        "The nurse said she would come. The engineer lost his map.",
        "Two nurses met their mother!",
        "A nurse ran.",
    ]
    measures = measured([task(text) for text in texts], [task("The nurse told him and her.")])
    nurse, engineer = measures["roles"]
    assert (nurse["role"], nurse["female"], nurse["male"], nurse["seed_female"]) == ("nurse", 2, 0, 0)
    assert (engineer["role"], engineer["female"], engineer["male"]) == ("engineer", 0, 1)
    assert nurse["log_odds"] == pytest.approx(math.log(2.5 / 0.5))
    assert engineer["log_odds"] < 0


@given(st.integers(0, 99), st.integers(0, 99))
def test_leaning_has_no_favourite(female: int, male: int) -> None:
    assert leaning(female, male).at == pytest.approx(-leaning(male, female).at)


def test_the_terms_tell_rates_of_set_and_seeds() -> None:
    measures = measured([task("She ran home today")], [task("He ran home")])
    female = measures["terms"][HER]
    assert (female["group"], female["count"], female["per_10000"]) == ("female", 1, 2500.0)
    assert (female["seed_count"], female["seed_per_10000"]) == (0, 0.0)
    assert (measures["words"], measures["seed_words"]) == (4, 3)


def test_every_word_listed_is_one_word_of_one_group_and_no_role() -> None:
    for word in (*GROUP_OF, *ROLE_OF):
        assert words(word) == [word]
    assert not FEMALE & MALE
    assert not GROUP_OF.keys() & ROLE_OF.keys()


def test_of_a_large_set_a_sample_is_read_and_the_measure_says_so() -> None:
    tasks = [task("She names a river." if number % 2 else "Name a river.") for number in range(400)]
    bench = Bench(stage="balance")
    *kept, last = list(Balance(sample=100)(tasks, bench))
    assert len(kept) == 400
    assert isinstance(last, Measured)
    some: Any = last.value
    everything: Any = measured(tasks)
    assert (some["read"], some["of"]) == (100, 400)
    assert (everything["read"], everything["of"]) == (400, 400)
    assert some["words"] < everything["words"]
    assert list(Balance(sample=100)(tasks, bench))[-1] == last
    assert list(Balance(sample=400)(tasks, bench))[-1] == list(Balance()(tasks, bench))[-1]


def test_a_sample_of_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="sample: 0; give at least 1"):
        Balance(sample=0)
