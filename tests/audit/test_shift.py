"""The stage `shift`: what it counts, beside which floor, and whom it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.audit.model_pair import ModelSide, asked, two_sides
from selfinstruct.audit.shift import Shift
from selfinstruct.audit.shift_statistics import figures
from selfinstruct.audit.shift_tokens import Moved, compared, first_parts, looping_from, moved, pieces_of, response
from selfinstruct.errors import BadInput
from selfinstruct.stage import Bench, Built, Kept, Measured
from tests.audit.two_models import adapter, tasks, weights
from tests.models import tiny_models

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
PROMPTS = tasks("Name a river.", "Say no!", "Why?")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models")
    base = tiny_models.saved(place / "base")
    tiny_models.saved(place / "sibling", seed=2)
    adapter(place / "lora", base)
    adapter(place / "silent", base, strength=0.0)
    return place


def run(home: Path, scratch: Path, tuned: str, **knobs: Any) -> dict[str, Any]:
    made = {"base": weights(home / "base"), "tuned": weights(home / tuned)}
    if knobs.get("twin"):
        made["twin"] = weights(home / str(knobs["twin"]))
        knobs["twin"] = "twin"
    outcomes = list(Shift(tokens=12, **knobs)(PROMPTS, Bench(weights=made, scratch=scratch, stage="shift")))
    assert [outcome.record for outcome in outcomes if isinstance(outcome, Kept)] == PROMPTS
    assert [outcome.name for outcome in outcomes if isinstance(outcome, Built)] == ["shift.json", "shift.jsonl"]
    page: dict[str, Any] = json.loads((scratch / "shift.json").read_text(encoding="utf-8"))
    [measured] = [outcome.value for outcome in outcomes if isinstance(outcome, Measured)]
    assert isinstance(measured, dict)
    assert {key: measured[key] for key in page} == page
    return page


def by_hand(known: Any, said: Any) -> dict[str, float]:
    """The numbers of one position, word for word as they are defined."""
    p, q = known.double().softmax(-1), said.double().softmax(-1)
    top = int(q.argmax())
    best, most = [int(index) for index in p.topk(30).indices], [int(index) for index in q.topk(30).indices]
    p_in, q_in = (
        {word: float(shares[word] / shares[names].sum()) for word in names} for shares, names in ((p, best), (q, most))
    )
    both = set(best[:10]) & set(most[:10])
    return {
        "rank": 1 + int((p > p[top]).sum()),
        "argmax": top,
        "kl_base_tuned": float((p * (p / q).log()).sum()),
        "kl_tuned_base": float((q * (q / p).log()).sum()),
        "kl_topk_compat": sum(p_in[word] * float(torch.tensor(p_in[word] / q_in[word]).log()) for word in both),
        "base_probability": float(p[top]),
        "jaccard": len(both) / len(set(best[:10]) | set(most[:10])),
    }


def test_numbers_of_a_position_are_those_of_their_definitions() -> None:
    made = torch.Generator().manual_seed(1)
    known, said = (3 * torch.randn(5, 60, generator=made) for _ in range(2))
    position = compared(known, said)
    for at in range(5):
        for name, value in by_hand(known[at], said[at]).items():
            assert float(position[name][at]) == pytest.approx(value, abs=1e-5), name
    same = compared(known, known.clone())
    assert same["rank"].tolist() == [1] * 5
    assert same["kl_base_tuned"].tolist() == [0] * 5
    assert same["jaccard"].tolist() == [1] * 5


def test_batches_change_nothing_and_each_token_is_foretold_by_what_stands_before_it(home: Path) -> None:
    base, tuned, tokenizer = two_sides(weights(home / "base"), weights(home / "sibling"))
    responses = [
        response(task.id, asked(tokenizer, "chat", task, ""), tokenizer("no" * n)["input_ids"], tokenizer)
        for n, task in enumerate(PROMPTS, 1)
    ]
    together = moved(base, tuned, responses)
    for given_response, positions in zip(responses, together, strict=True):
        row = torch.tensor([[*given_response.prompt, *given_response.tokens]])
        with torch.no_grad():
            logits = tuned.model(row).logits[0]
        assert list(positions.argmax) == logits[len(given_response.prompt) - 1 : -1].argmax(-1).tolist()
        [alone] = moved(base, tuned, [given_response])
        assert alone.rank == positions.rank
        assert alone.kl_base_tuned == pytest.approx(positions.kl_base_tuned, abs=1e-5)


def test_an_adapter_needs_its_base_once_and_says_the_same_as_two_models(home: Path, tmp_path: Path) -> None:
    base, tuned, _ = two_sides(weights(home / "base"), weights(home / "lora"))
    assert base.model is tuned.model
    page = run(home, tmp_path / "a", "lora")
    assert page["weights_loaded_once"] is True
    plain = weights(home / "base").load()
    merged = weights(home / "lora").load()
    lines = [json.loads(text) for text in (tmp_path / "a" / "shift.jsonl").read_text(encoding="utf-8").splitlines()]
    tokenizer = plain.tokenizer
    again = [
        response(task.id, asked(tokenizer, "chat", task, ""), tokenizer(line["response"])["input_ids"], tokenizer)
        for task, line in zip(PROMPTS, lines, strict=True)
    ]
    two = moved(ModelSide("base", plain.model), ModelSide("tuned", merged.model), again)
    for line, positions in zip(lines, two, strict=True):
        assert positions.kl_base_tuned[:3] == pytest.approx(line["kl_base_tuned"][:3], abs=1e-4)
        assert list(positions.kinds[:3]) == line["kinds"][:3]


def test_an_adapter_that_says_nothing_moves_nothing_and_two_models_do(home: Path, tmp_path: Path) -> None:
    silent = run(home, tmp_path / "a", "silent")
    assert silent["shift"]["all"]["unshifted"]["value"] == 1
    assert silent["shift"]["all"]["kl_base_tuned"]["value"] == pytest.approx(0, abs=1e-6)
    assert silent["most_shifted"] == []
    other = run(home, tmp_path / "b", "sibling")
    assert other["shift"]["all"]["unshifted"]["value"] < 0.5
    assert other["most_shifted"][0]["shifted"] >= 1
    assert other["shift"]["all"]["kl_base_tuned"]["value"] > 1
    assert other["above_floor"][0]["value"] > 1  # of 2-byte numbers


def test_floors_stand_at_the_same_positions(home: Path, tmp_path: Path) -> None:
    page = run(home, tmp_path, "lora", twin="silent")
    assert [floor["about"].partition(":")[0] for floor in page["floors"]] == ["floor", "floor"]
    assert "bfloat16" in page["floors"][0]["against"]
    counts = [part["all"]["positions"] for part in (page["shift"], *page["floors"])]
    assert len(set(counts)) == 1
    steps = [[step["name"] for step in part["by_position"]] for part in (page["shift"], *page["floors"])]
    assert steps[0] == steps[1] == steps[2]
    assert page["floors"][0]["all"]["kl_base_tuned"]["value"] < page["shift"]["all"]["kl_base_tuned"]["value"]


def test_given_answers_are_looked_at_instead(home: Path, tmp_path: Path) -> None:
    made = {"base": weights(home / "base"), "tuned": weights(home / "lora")}
    records = [*tasks("Name a river.", output="The Ebro."), *tasks("Nothing said.")]
    stage = Shift(responses="given", floor=False)
    list(stage(records, Bench(weights=made, scratch=tmp_path, stage="shift")))
    [line] = [json.loads(text) for text in (tmp_path / "shift.jsonl").read_text(encoding="utf-8").splitlines()]
    assert line["response"].startswith("The Ebro.")
    with pytest.raises(BadInput, match="no record has an answer"):
        list(stage(tasks("Nothing said."), Bench(weights=made, scratch=tmp_path, stage="shift")))


def test_a_looping_tail_counts_nowhere() -> None:
    turn = [1, 2, 3, 4, 5, 6]
    assert looping_from([9, *turn * 4]) == 7
    assert looping_from([*range(30)]) == 30
    tokenizer = tiny_models.tokenizer()
    response_ = response("a", [1], tokenizer("ok. " + "no no " * 9)["input_ids"], tokenizer)
    assert response_.counted < len(response_.tokens)
    n = len(response_.tokens)
    far = Moved(
        rank=tuple(1 if at < response_.counted else 9 for at in range(n)),
        argmax=(5,) * n,
        kl_base_tuned=(1.0,) * n,
        kl_tuned_base=(1.0,) * n,
        kl_topk_compat=(1.0,) * n,
        base_probability=(0.5,) * n,
        jaccard=(1.0,) * n,
    )
    measured = figures("x", "y", [response_], [far], seed=1)
    assert measured.whole.positions == response_.counted
    assert measured.whole.shares["shifted"] is not None
    assert measured.whole.shares["shifted"].value == 0


def test_the_first_part_of_a_sentence_is_a_twentieth_rounded_up() -> None:
    assert sum(first_parts([0] * 40)) == 2
    assert sum(first_parts([0] * 41)) == 3
    assert first_parts([0, 0, 1, 1]) == [True, False, True, False]


def test_pieces_are_the_response_also_where_a_letter_is_two_tokens() -> None:
    tokenizer = tiny_models.tokenizer()
    tokens = tokenizer("é no")["input_ids"]
    pieces = pieces_of(tokenizer, tokens)
    assert "".join(pieces) == "é no"
    assert pieces[0] == ""


def other_words(place: Path) -> Path:
    """The same sizes, and a tokenizer that calls one thing otherwise."""
    tiny_models.saved(place)
    page = json.loads((place / "tokenizer.json").read_text(encoding="utf-8"))
    words = page["model"]["vocab"]
    words["Z"], words["Y"] = words["Y"], words["Z"]
    (place / "tokenizer.json").write_text(json.dumps(page), encoding="utf-8")
    return place


def test_two_tokenizers_and_students_of_another_base_are_one_line(home: Path, tmp_path: Path) -> None:
    base = weights(home / "base")
    with pytest.raises(BadInput, match="two tokenizers: 2 entries differ, such as 'Y'"):
        two_sides(base, weights(other_words(tmp_path / "words")))
    with pytest.raises(BadInput, match="model_type gpt2"):
        two_sides(base, weights(tiny_models.saved(tmp_path / "gpt2", kind="gpt2")))
    with pytest.raises(BadInput, match=r"lora@\w+ was tuned from hf:base@\w+, and not from hf:sibling@"):
        two_sides(weights(home / "sibling"), weights(home / "lora"))
    student = tiny_models.saved(tmp_path / "student", seed=4)
    (student / "training.json").write_text(json.dumps({"base": "hf:elsewhere"}), encoding="utf-8")
    with pytest.raises(BadInput, match="was tuned from hf:elsewhere"):
        two_sides(base, weights(student))


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"template": "klingon"}, "no template 'klingon'; one of: chat, none"),
        ({"base": "nobody"}, "no weights called 'nobody'"),
    ],
)
def test_what_cannot_be_looked_at_is_one_line(home: Path, tmp_path: Path, knobs: dict[str, str], said: str) -> None:
    made = {"base": weights(home / "base"), "tuned": weights(home / "lora")}
    with pytest.raises(BadInput, match=said):
        list(Shift(floor=False, **knobs)(PROMPTS, Bench(weights=made, scratch=tmp_path, stage="shift")))  # type: ignore[arg-type]


def test_without_a_chat_template_another_is_asked_for(tmp_path: Path) -> None:
    plain = tiny_models.saved(tmp_path / "plain", chat=False)
    made = {"base": weights(plain), "tuned": weights(tiny_models.saved(tmp_path / "other", chat=False, seed=2))}
    bench = Bench(weights=made, scratch=tmp_path, stage="shift")
    with pytest.raises(BadInput, match="no chat template; choose one of: none"):
        list(Shift()(PROMPTS, bench))
    assert list(Shift(template="ifs", tokens=4)(PROMPTS, bench))
