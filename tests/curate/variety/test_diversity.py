"""How varied a set is."""

import importlib.util
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from selfinstruct.curate.variety.diversity import MODELS, Diversity, NearestSeed, reader
from selfinstruct.errors import BadInput
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Kept, Measured, Pool
from selfinstruct.text.verb_rule import Root
from tests.curate.records import task

SCORER = RougeScorer(["rougeL"], use_stemmer=False)
SENTENCES = st.lists(st.sampled_from(["name", "a", "long", "river", "of", "spain"]), max_size=9).map(" ".join)


def measured(stage: Diversity, tasks: Sequence[Task], seeds: Sequence[Task] = ()) -> dict[str, dict[str, Json]]:
    outcomes = list(stage(tasks, Bench(pool=Pool(seeds), stage="diversity")))
    assert [outcome.record for outcome in outcomes if isinstance(outcome, Kept)] == list(tasks)
    values = {outcome.name: outcome.value for outcome in outcomes if isinstance(outcome, Measured)}
    return {name: value for name, value in values.items() if isinstance(value, dict)}


def test_the_table_counts_verbs_and_their_objects_and_says_how_they_were_found() -> None:
    texts = ["Write a poem.", "Write a poem about rain.", "Write a song.", "Name a river.", "Who is it?", "The end."]
    table = measured(Diversity(parser="rule"), [task(text) for text in texts])["verbs"]
    assert table == {
        "by": "rule",
        "top": [
            {"verb": "write", "count": 3, "objects": [{"object": "poem", "count": 2}, {"object": "song", "count": 1}]},
            {"verb": "name", "count": 1, "objects": [{"object": "river", "count": 1}]},
            {"verb": "who", "count": 1, "objects": []},
        ],
        "covered": 4 / 6,
        "paired": 4 / 6,
        "distinct": 3,
        "read": 6,
        "of": 6,
    }


def test_the_table_is_as_large_as_asked_and_covers_only_what_it_shows() -> None:
    texts = ["Write a poem.", "Write a poem.", "Write a song.", "Name a river."]
    table = measured(Diversity(parser="rule", verbs=1, objects=1), [task(text) for text in texts])["verbs"]
    assert table["top"] == [{"verb": "write", "count": 3, "objects": [{"object": "poem", "count": 2}]}]
    assert table["covered"] == 2 / 4
    assert table["paired"] == 1.0


@given(st.lists(SENTENCES, max_size=12), st.lists(SENTENCES, min_size=1, max_size=5))
def test_the_histogram_is_that_of_the_library_for_every_pair(texts: list[str], seeds: list[str]) -> None:
    nearest = NearestSeed(seeds)
    for text in texts:
        nearest.add(text)
    best = [max(SCORER.score(seed, text)["rougeL"].fmeasure for seed in seeds) for text in texts]
    expected = [0] * 10
    for score in best:
        expected[min(int(round(score * 10, 9)), 9)] += 1
    page = nearest.as_json()
    assert page["bins"] == expected
    assert page["mean"] == pytest.approx(sum(best) / len(best) if best else 0.0)


def test_without_seeds_nothing_is_said_of_them() -> None:
    assert set(measured(Diversity(parser="rule"), [task()])) == {"verbs"}
    assert set(measured(Diversity(parser="rule"), [task()], [task("Name a lake.")])) == {"verbs", "nearest_seed"}


def test_a_sample_is_labelled_and_the_same_each_time() -> None:
    tasks = [task(f"Sort the words by rule {number}.") for number in range(50)] + [task("Name a river.")] * 50
    seeds = [task("Name a river.")]
    first = measured(Diversity(parser="rule", sample=20), tasks, seeds)
    assert (first["verbs"]["read"], first["verbs"]["of"]) == (20, 100)
    assert (first["nearest_seed"]["compared"], first["nearest_seed"]["of"]) == (20, 100)
    assert first == measured(Diversity(parser="rule", sample=20), tasks, seeds)


def test_an_empty_set_is_measured() -> None:
    assert measured(Diversity(parser="rule"), [], [task()])["verbs"]["covered"] == 0.0


def test_a_parser_that_is_not_there_is_refused_with_the_way_out() -> None:
    if importlib.util.find_spec("spacy") is not None and any(importlib.util.find_spec(name) for name in MODELS):
        pytest.skip("spaCy is installed")
    with pytest.raises(BadInput, match=r"pip install 'selfinstruct\[nlp\]'"):
        reader("spacy")
    assert reader("auto").by == "rule"


def test_a_parser_finds_the_verb_nearest_the_root_and_its_object() -> None:
    pytest.importorskip("spacy")
    if not any(importlib.util.find_spec(name) for name in MODELS):
        pytest.skip("no English model is installed")
    texts = ["Write a short story about two rivers.", "Translate the sentences into Welsh.", "A blue house.", ""]
    parser = reader("spacy")
    assert parser.by == "spacy"
    assert list(parser.roots(texts)) == [
        Root("write", "story"),
        Root("translate", "sentence"),
        Root("", ""),
        Root("", ""),
    ]


def test_a_table_of_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="verbs: 0"):
        Diversity(verbs=0)
