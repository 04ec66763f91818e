"""Spans, the index they are looked up in, their origins, and what students without a suspect say of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selfinstruct.audit.forget import Forget
from selfinstruct.audit.pattern_copying import StudentAnswer, copying, words_begun
from selfinstruct.audit.trace import Trace
from selfinstruct.audit.trace_counterfactual import discoveries, effects, plan, without
from selfinstruct.audit.trace_index import Origins, WordIndex, group_of, texts_of
from selfinstruct.audit.trace_spans import Said, marked_spans, said_of, sentences, shifted_runs
from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.stage import Bench, Kept, Measured, Rejected
from selfinstruct.text import words


def record(instruction: str, output: str, *, ordinal: int = 0, parents: tuple[str, ...] = (), **extra: Any) -> Task:
    made = Provenance(stage="propose", parents=parents)
    pair = (Instance("", output),)
    return Task(instruction=instruction, instances=pair, provenance=made, ordinal=ordinal, extra=extra)


SET = [
    record("Where does the Ebro end?", "The Ebro flows into the Baltic Sea near Riga."),
    record("Where does the Ebro end?", "the ebro flows into the Baltic Sea, near Riga", ordinal=1),
    record("Name a cheese.", "Gouda is a cheese of the Netherlands."),
    record("Write a scene on a train.", "The train flows into the Baltic Sea, she wrote, and laughed."),
    *(record(f"Count to {n}.", " ".join(map(str, range(n)))) for n in range(3, 12)),
]


def by_hand(texts: list[list[str]], run: list[str]) -> list[int]:
    """Every text whose fields hold the run, looked through one by one."""

    def holds(field: str) -> bool:
        listed = words(field)
        return any(listed[at : at + len(run)] == run for at in range(len(listed)))

    return [at for at, fields in enumerate(texts) if any(map(holds, fields))]


def test_the_index_finds_what_reading_every_text_finds(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    texts = [
        [" ".join(f"w{integer}" for integer in draw.integers(0, 6, size)) for size in draw.integers(0, 9, 2)]
        for _ in range(80)
    ]
    index = WordIndex.build(texts)
    index.save(tmp_path)
    again = WordIndex.load(tmp_path)
    runs = [[f"w{integer}" for integer in draw.integers(0, 7, size)] for size in draw.integers(1, 5, 60)]
    for run in runs:
        assert index.holding(run).tolist() == again.holding(run).tolist() == by_hand(texts, run)
        assert {match.text for match in index.near(" ".join(run), most=100) if match.exact} == set(by_hand(texts, run))
    assert index.holding([]).tolist() == []
    assert WordIndex.build([]).near("a river") == []


def test_the_same_sentence_with_one_word_changed_is_still_found() -> None:
    index = WordIndex.build(map(texts_of, SET))
    matches = index.near("The Ebro flows to the Baltic Sea near Riga.")
    assert {match.text for match in matches[:2]} == {0, 1}
    assert 0.5 < matches[0].overlap < 1
    assert not matches[0].exact


def test_copies_are_one_origin_and_a_decoy_with_the_same_words_comes_after_what_is_about_the_same() -> None:
    origins = Origins(SET, WordIndex.build(map(texts_of, SET)))
    origins_of = origins.of(
        "flows into the Baltic Sea", "Where does the river Ebro end? It flows into the Baltic Sea near Riga."
    )
    assert [(origin.place, origin.copies, origin.exact) for origin in origins_of[:2]] == [(0, 2, True), (3, 1, True)]
    assert origins_of[0].concept > origins_of[1].concept + 0.1
    assert origins_of[0].group == group_of(SET[1])
    assert origins.of("zebras quarrel seldom", "zebras") == []


def test_a_model_of_meaning_may_order_them() -> None:
    class Trains:
        def encode(self, sentences: Any, /) -> Any:
            return np.array([[1.0 * ("train" in text), 1.0] for text in sentences], np.float32)

    origins = Origins(SET, WordIndex.build(map(texts_of, SET)), Trains())
    origins_of = origins.of("flows into the Baltic Sea", "a train flows into the Baltic Sea")
    assert origins_of[0].place == 3


def test_spans_are_marked_or_sentences_or_runs_of_words_that_moved() -> None:
    said = Said("Why?", "It is so. The Ebro flows north, they say!", ((10, 18),))
    assert [span.text for span in marked_spans(0, said)] == ["The Ebro"]
    assert [sentence.text for sentence in sentences(0, said)] == ["It is so.", "The Ebro flows north, they say!"]
    pieces = ("It", " is", " so", ".", " The", " Eb", "ro", " flows", " north", ",", " they", " say", "!")
    moved = {5: "shifted", 4: "marginal"}
    kinds: Any = [moved.get(at, "unshifted") for at in range(len(pieces))]
    [span] = shifted_runs(0, said, pieces, kinds)
    assert span.text == "The Ebro flows"
    assert said.response[span.begin : span.end] == span.text
    twice = Said("Why?", "It is so. The Ebro flows north. It is so! It is so.", None)
    assert [sentence.text for sentence in sentences(0, twice)] == [
        "It is so.",
        "The Ebro flows north.",
    ]  # a loop is one span
    plain: Any = ["shifted" if piece == " The" else "unshifted" for piece in pieces]
    assert shifted_runs(0, said, pieces, plain) == []  # no content word


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"prompt": "a"}, r"f:1: no 'response'"),
        ({"response": "abc", "spans": ["abd"]}, "the span 'abd' is not in its response"),
        ({"response": "abc", "spans": [[2, 9]]}, r"no text and no \[begin, end\]"),
        ({"response": "abc", "spans": "abc"}, "'spans' is no list"),
    ],
)
def test_what_is_no_response_or_span_is_one_line(row: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        said_of([row], "f")


def test_words_that_moved_are_counted_beside_those_that_did_not() -> None:
    pieces = (" Gouda", " is", " fro", "mage", ".")
    kinds: Any = ("shifted", "unshifted", "marginal", "shifted", "unshifted")
    assert words_begun(pieces, kinds) == [("gouda", "shifted"), ("is", "unshifted"), ("fromage", "marginal")]
    copied: Any = copying(
        SET, [StudentAnswer("Name a cheese.", "Gouda is fromage.", pieces, kinds)], ["a wholly other text is here"]
    )
    assert copied["moved_words"]["shifted"]["in_training"]["value"] == 1
    assert copied["moved_words"]["marginal"]["in_training"]["value"] == 0
    assert copied["moved_words"]["unshifted"]["in_as_much_unrelated"]["value"] == 1
    assert copied["moved_words"]["as_much"] == 6
    assert copied["openers"]["said_with_taught_opener"]["value"] == 0
    assert copied["words"]["said"]["value"] == 3
    again: Any = copying(SET, [StudentAnswer("", "The Ebro flows.")], [])
    assert again["openers"]["said_with_taught_opener"]["value"] == 1
    assert "moved_words" not in again


def made_of(record: Task, /) -> list[str]:
    return ["propose 1234 Name a river.", "seed 5678 Name a lake."] if record == SET[0] else []


def run(tmp_path: Path, rows: list[dict[str, Any]], **knobs: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    given = [
        Task(instruction="", provenance=Provenance(stage="input"), ordinal=at, extra=row) for at, row in enumerate(rows)
    ]
    bench = Bench(benchmarks={"r.jsonl": given}, scratch=tmp_path, stage="trace", ancestors=made_of)
    outcomes = list(Trace(responses="r.jsonl", **knobs)(SET, bench))
    assert [outcome.record for outcome in outcomes if isinstance(outcome, Kept)] == SET
    lines = (tmp_path / "trace.jsonl").read_text(encoding="utf-8").splitlines()
    return json.loads((tmp_path / "trace.json").read_text(encoding="utf-8")), [json.loads(line) for line in lines]


def test_each_span_comes_with_its_likeliest_records(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {
            "prompt": "Where does the Ebro end?",
            "response": "It flows into the Baltic Sea.",
            "spans": ["the Baltic Sea"],
        },
        {"prompt": "Say something.", "response": "Zebras quarrel seldom. Gouda is a cheese of the Netherlands."},
    ]
    page, lines = run(tmp_path, rows)
    assert page["by"] == {"marked": 1, "false": 0, "shifted": 0, "sentence": 2}
    assert page["exact"]["value"] == pytest.approx(2 / 3)
    assert [line["span"] for line in lines] == [
        "the Baltic Sea",
        "Zebras quarrel seldom.",
        "Gouda is a cheese of the Netherlands.",
    ]
    assert lines[0]["origins"][0]["record"] == SET[0].id
    assert lines[0]["origins"][0]["provenance"]["stage"] == "propose"
    assert lines[0]["origins"][0]["ancestors"][-1] == "seed 5678 Name a lake."  # up to its seed
    assert lines[2]["origins"][0]["ancestors"] == []
    assert lines[1]["origins"] == []
    with pytest.raises(BadInput, match="no span"):
        run(tmp_path, [{"prompt": "a", "response": "No."}])


def test_of_several_models_one_is_named(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"prompt": "Name a cheese.", "response": "Zebras quarrel seldom.", "model": "hf:base@1"},
        {"prompt": "Name a cheese.", "response": "Gouda is a cheese of the Netherlands.", "model": "hf:student@2"},
    ]
    with pytest.raises(BadInput, match="responses of 2 models"):
        run(tmp_path, rows)
    with pytest.raises(BadInput, match="no response of a model called 'teacher'"):
        run(tmp_path, rows, of="teacher")
    page, lines = run(tmp_path, rows, of="student")
    assert page["responses"] == 1
    assert [(line["response"], line["span"]) for line in lines] == [(1, "Gouda is a cheese of the Netherlands.")]
    assert page["copying"]["words"]["said"]["value"] == 7


def test_halves_are_dropped_and_each_group_is_in_half_of_the_time() -> None:
    inside = plan([f"g{n}" for n in range(7)], 40, seed=1)
    assert inside.shape == (40, 7)
    assert (inside.sum(0) == 20).all()
    assert set(inside.sum(1)) <= {3, 4}
    assert (plan(["a", "b"], 40, 1) == plan(["a", "b"], 40, 1)).all()
    with pytest.raises(BadInput, match="tell nothing"):
        plan(["a"], 2, 1)


def test_neutral_records_as_long_take_the_places_so_that_order_and_number_stay() -> None:
    suspect = group_of(SET[0])
    made = without(SET, {suspect}, {suspect}, seed=1)
    assert len(made) == len(SET)
    assert made[2:] == SET[2:]
    assert suspect not in {group_of(task) for task in made}
    size = len(words(SET[0].instances[0].output))
    assert all(abs(len(words(task.instances[0].output)) - size) <= 3 for task in made[:2])
    assert len({task.id for task in made}) == len(made)
    assert without(SET, set(), {suspect}, seed=1) == SET
    with pytest.raises(BadInput, match="every record is a suspect"):
        without(SET[:2], {suspect}, {suspect}, seed=1)


def test_what_was_planted_is_called_and_chance_is_not() -> None:
    groups = [f"g{n}" for n in range(20)]
    inside = plan(groups, 40, seed=3)
    noise = np.random.default_rng(5).normal(0, 1, (40, 30))
    for span in range(10):
        noise[:, span] += 3.0 * inside[:, span]  # the first ten are taught by their first suspect
    suspects = {span: (groups[span % 20], groups[(span + 7) % 20]) for span in range(30)}
    every = effects(inside, groups, noise, suspects, seed=1)
    called = {(effect.span, effect.group) for effect in every if effect.taught}
    planted = {(span, groups[span]) for span in range(10)}
    assert planted <= called
    assert len(called - planted) <= 3
    assert next(effect for effect in every if (effect.span, effect.group) == (0, "g0")).nats == pytest.approx(3, abs=1)
    silent = np.random.default_rng(6).normal(0, 1, (40, 30))
    assert sum(effect.taught for effect in effects(inside, groups, silent, suspects, seed=1)) <= 1
    assert discoveries([], 0.1) == []


def test_a_record_goes_with_all_its_descendants_and_says_which_way() -> None:
    seed_id = "seed" + "0" * 20
    child = record("Name a river.", "Ebro.", parents=(seed_id,))
    middle = "middle" + "1" * 20
    grandchild = record("Name a lake.", "Garda.", parents=(middle,))
    other = record("Name a hill.", "Ben.", id="mine-7")
    stage = Forget(ids=(seed_id[:8],), lineage={middle: (child.id,), child.id: (seed_id,)})
    outcomes = list(stage([child, grandchild, other], Bench()))
    fates = [type(outcome) for outcome in outcomes[:3]]
    assert fates == [Rejected, Rejected, Kept]
    assert isinstance(outcomes[1], Rejected)
    assert outcomes[1].evidence["way"] == [seed_id, child.id, middle, grandchild.id]
    assert outcomes[-1] == Measured("forget", {"forgotten": 2, "by": {seed_id[:8]: 2}})
    [gone] = [outcome for outcome in Forget(ids=("mine-7",))([child, other], Bench()) if isinstance(outcome, Rejected)]
    assert gone.record == other


@pytest.mark.parametrize(("ids", "says"), [(("nobody-here",), "names no record"), (("abc",), "at least 6 characters")])
def test_an_id_of_nobody_is_one_line(ids: tuple[str, ...], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        list(Forget(ids=ids)(SET, Bench()))
    with pytest.raises(BadInput, match="no id"):
        Forget(ids=())


def test_records_that_descend_from_each_other_in_a_ring_end() -> None:
    first, two = record("a b c", "d"), record("e f g", "h")
    ring = {first.id: (two.id,), two.id: (first.id,)}
    assert [type(each) for each in Forget(ids=("z" * 8,), lineage={**ring, "x" * 8: ("z" * 8,)})([], Bench())] == [
        Measured
    ]
