"""The stage `knowledge`: what a model knows, by which phrasing it is chosen, and what a student lost."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.audit.knowledge import Knowledge, ModelKnowledge, _difference
from selfinstruct.audit.knowledge_facts import facts_of, log_probabilities, losses, right_of
from selfinstruct.audit.model_pair import ModelSide
from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.stage import Bench, Kept, Measured
from tests.audit.two_models import adapter, tasks, weights
from tests.models import tiny_models

torch = pytest.importorskip("torch")
pytest.importorskip("peft")


def fact(number: int, **fields: Any) -> Task:
    fact: dict[str, Any] = {"again": f"Of {number} it is said", "wrong": ["red", "ab", "nobody"], "relation": "made up"}
    kept = {key: value for key, value in {**fact, **fields}.items() if value is not None}
    output = kept.pop("output", "blue")
    return Task(
        instruction=f"The colour of number {number} is",
        instances=(Instance("", output),),
        provenance=Provenance(stage="input", source="facts.jsonl"),
        extra=kept,
    )


FACTS = [fact(number) for number in range(12)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models")
    base = tiny_models.saved(place / "base")
    tiny_models.saved(place / "sibling", seed=2)
    adapter(place / "lora", base)
    adapter(place / "silent", base, strength=0.0)
    return place


def run(home: Path, scratch: Path, *tuned: str, records: list[Task] = FACTS, **knobs: Any) -> dict[str, Any]:
    made = {"base": weights(home / "base"), **{name: weights(home / name) for name in tuned}}
    outcomes = list(Knowledge(tuned=tuned, **knobs)(records, Bench(weights=made, scratch=scratch, stage="knowledge")))
    assert [outcome.record for outcome in outcomes if isinstance(outcome, Kept)] == records
    page: dict[str, Any] = json.loads((scratch / "knowledge.json").read_text(encoding="utf-8"))
    [measured] = [outcome.value for outcome in outcomes if isinstance(outcome, Measured)]
    assert measured == {key: value for key, value in page.items() if key != "facts"}
    return page


def test_log_probabilities_are_the_models_own_whatever_stands_beside(home: Path) -> None:
    loaded = weights(home / "base").load()
    side = ModelSide("base", loaded.model)
    texts = [((5, 6, 7), (8, 9)), ((5, 6), (7,)), ((5, 6, 7), (9,)), ((4,), (5, 6, 7, 8)), ((5, 6, 7), (8, 10, 11))]
    measured = log_probabilities(side, texts)
    for (before, after), log_probability in zip(texts, measured, strict=True):
        with torch.no_grad():
            logits = loaded.model(torch.tensor([[*before, *after]])).logits[0].log_softmax(-1)
        expected = sum(float(logits[len(before) - 1 + at, token]) for at, token in enumerate(after))
        assert log_probability == pytest.approx(expected, abs=1e-4)
    [(loss, count)] = losses(side, texts[:1])
    assert loss == pytest.approx(-measured[0])
    assert count == 2


def test_what_a_model_prefers_is_what_it_finds_likeliest_for_each_byte(home: Path) -> None:
    loaded = weights(home / "base").load()
    side, tokenizer = ModelSide("base", loaded.model), loaded.tokenizer
    facts, rest = facts_of([*FACTS, *tasks("Name a river.", output="The Ebro.")])
    assert len(facts) == 12
    assert len(rest) == 1
    for fact, right in zip(facts, right_of(side, tokenizer, facts), strict=True):
        for phrasing, said in zip(fact.phrasings, right, strict=True):
            begun = tuple(tokenizer(phrasing)["input_ids"])
            scores = []
            for answer in fact.answers:
                after = tuple(tokenizer(f" {answer}", add_special_tokens=False)["input_ids"])
                scores.append(log_probabilities(side, [(begun, after)])[0] / len(f" {answer}".encode()))
            assert said == (scores[0] > max(scores[1:]))


def test_a_student_that_changed_nothing_lost_nothing(home: Path, tmp_path: Path) -> None:
    page = run(home, tmp_path, "silent", records=[*FACTS, *tasks("Why?", "Who?", output="So.")])
    assert [model["name"].partition("@")[0] for model in page["models"]] == ["hf:base", "hf:silent"]
    assert page["statements"] == 12
    assert page["guessing"] == 0.25
    [change] = page["differences"]
    assert change["prose_loss"]["value"] == pytest.approx(0, abs=1e-5)
    assert change["equal_loss"] == "equal"
    assert change["known_facts"] is None or change["known_facts"]["value"] == 0
    base = page["models"][0]
    assert base["prose_perplexity"] == pytest.approx(math.exp(base["prose_loss"]["value"]), rel=1e-5)


def test_every_two_models_are_compared_and_only_some_facts_may_be_asked(home: Path, tmp_path: Path) -> None:
    page = run(home, tmp_path, "lora", "sibling", first=5)
    assert page["statements"] == 5
    assert page["held_out"] == 0
    pairs = [tuple(row[side].partition("@")[0] for side in ("of", "above")) for row in page["differences"]]
    assert pairs == [("hf:lora", "hf:base"), ("hf:sibling", "hf:base"), ("hf:sibling", "hf:lora")]
    assert {difference["equal_loss"] for difference in page["differences"]} == {None}


def test_a_fact_is_chosen_by_one_phrasing_and_measured_by_the_other() -> None:
    known = ((True, False), (True, True), (False, False), (False, True))

    def shows(name: str, *right: tuple[bool, bool]) -> ModelKnowledge:
        return ModelKnowledge(name, right, ((2.0, 1),), ())

    base, all_right = shows("base", *known), shows("student", *[(True, True)] * 4)
    difference = _difference(all_right, base, known, seed=1)
    assert difference["known"] == 3  # the third the base does not know in either way
    change = difference["known_facts"]
    assert isinstance(change, dict)
    assert change["value"] == pytest.approx(2 / 4)  # in the first and last the base erred where it is measured
    forgot = _difference(shows("student", *[(False, False)] * 4), base, known, seed=1)["known_facts"]
    assert isinstance(forgot, dict)
    assert forgot["value"] == pytest.approx(-2 / 4)
    assert difference["equal_loss"] is None


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (fact(1, wrong=[]), "'wrong' is no list of texts"),
        (fact(1, again=None), "no second phrasing"),
        (fact(1, output="red"), "an answer stands there twice"),
        (fact(1, wrong=None), "no record is a fact"),
    ],
)
def test_what_is_no_fact_is_one_line(home: Path, tmp_path: Path, record: Task, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        run(home, tmp_path, "lora", records=[record])


def test_students_of_another_base_are_refused_before_anything_is_loaded(home: Path, tmp_path: Path) -> None:
    made = {"base": weights(home / "sibling"), "lora": weights(home / "lora")}
    with pytest.raises(BadInput, match="was tuned from"):
        list(Knowledge(tuned=("lora",))(FACTS, Bench(weights=made, scratch=tmp_path, stage="knowledge")))
    with pytest.raises(BadInput, match="name roles of students"):
        Knowledge(tuned=())


def test_our_facts_are_many_each_put_twice_and_answered_once() -> None:
    file = Path(__file__).parents[2] / "seeds" / "facts.jsonl"
    readme = (file.parent / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(file.read_bytes()).hexdigest() in readme  # another file is another version of the set
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 800
    assert [row["id"] for row in rows] == [f"fact-{number:04d}" for number in range(1, len(rows) + 1)]
    keys = ["id", "relation", "subject", "prompt", "completion", "again", "wrong"]
    assert all(list(row) == keys for row in rows)
    statements = [row[name] for row in rows for name in ("prompt", "again")]
    assert len(set(statements)) == len(statements)
    assert not [text for text in statements if text != text.strip() or text[0].islower()]
    for row in rows:
        answers = [row["completion"], *row["wrong"]]
        assert len(set(answers)) == 4
        assert all(answer == answer.strip() and answer for answer in answers)
    subjects = [(row["relation"], row["subject"]) for row in rows]
    assert len(set(subjects)) == len(subjects)
    relations = {row["relation"] for row in rows}
    assert len(relations) >= 30
    assert max(sum(row["relation"] == relation for row in rows) for relation in relations) < 0.1 * len(rows)
    for row in rows:  # what can be computed is right
        if row["relation"] in ("sum", "product"):
            first, sign, second = row["subject"].split(" ")
            made = int(first) + int(second) if sign == "plus" else int(first) * int(second)
            assert row["completion"] == str(made)
