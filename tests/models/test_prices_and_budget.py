"""Prices, bounds and the budget: exact, upwards, never exceeded."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import Spent
from selfinstruct.models.prices_and_budget import FREE, Budget, Price, Prices, Tier, estimate, tokens_of
from selfinstruct.records import Message, Request, Usage

FATES = st.sampled_from(["settle", "lose", "release", "hold"])
ONE_TWO = Price(Decimal(1), Decimal(2))


def file(tmp_path: Path, text: str, name: str = "prices.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["embedded", "gguf:/a/b.gguf", "hf:org/model", "scripted:a.yaml", "replay:dump"])
def test_what_runs_here_is_free(name: str) -> None:
    assert Prices().of(name) == FREE


def test_a_hosted_model_has_its_published_price_and_an_unknown_one_none() -> None:
    known = Prices().of("openai:gpt-4o-mini", "https://api.openai.com/v1")
    assert known is not None
    assert known.output > known.input > 0
    assert Prices().of("openai:my-own", "http://127.0.0.1:8000/v1") is None
    assert Prices().of("openai:", "") is None


def test_the_users_file_comes_first_and_is_exact_in_yaml_and_json(tmp_path: Path) -> None:
    yaml = file(tmp_path, "gpt-4o-mini: {input: 0.1, output: 0.30}\nopenai:mine:\n  input: '7'\n  output: 1e-1\n")
    prices = Prices.load(yaml)
    assert prices.of("openai:gpt-4o-mini") == Price(Decimal("0.1"), Decimal("0.3"))
    assert prices.of("openai:mine") == Price(Decimal(7), Decimal("0.1"))
    text = json.dumps({"mine": {"input": 0.1, "output": 0}}, indent="\t")
    assert Prices.load(file(tmp_path, text, "p.json")).of("openai:mine") == Price(Decimal("0.1"), Decimal(0))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mine: {input: 1}", ":1: 'mine': 'output' is missing"),
        ("mine:\n  input: 1\n  outptu: 2\n", ":3: 'mine': unknown key 'outptu'"),
        ("mine:\n  input: cheap\n  output: 2\n", ":2: 'mine.input': expected US dollars"),
        ("mine:\n  input: -1\n  output: 2\n", ":2: 'mine.input'"),
        ("mine:\n  input: .nan\n  output: 2\n", ":2: 'mine.input'"),
        ("a: {input: 1, output: 1}\na: {input: 2, output: 2}\n", ":2: 'a' stands here twice"),
        ("- a\n- b\n", ":1: expected models and their prices"),
        ("mine: 3\n", ":1: 'mine': expected {input"),
        ("mine: {input: 1\nb", "not YAML or JSON"),
        ("? [a]\n: {input: 1, output: 1}\n", "a key that is no text"),
    ],
)
def test_a_wrong_price_file_is_refused_with_file_line_and_key(tmp_path: Path, text: str, says: str) -> None:
    path = file(tmp_path, text)
    with pytest.raises(BadInput) as refused:
        Prices.load(path)
    assert says in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_price_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        Prices.load(tmp_path / "none.yaml")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(BadInput, match="UTF-8"):
        Prices.load(tmp_path / "bytes")


def test_a_tier_is_a_cliff_for_every_token() -> None:
    price = Price(Decimal(1), Decimal(1), (Tier(100, Decimal(2), Decimal(3)),))
    assert price.of(99, 1) == Decimal("0.0001")
    assert price.of(100, 1) == Decimal("0.000203")


@given(st.text(max_size=200), st.integers(1, 4), st.integers(1, 100))
def test_a_prompt_has_at_most_a_token_a_byte_and_a_few_more(text: str, n: int, most: int) -> None:
    tokens = tokens_of(Request(prompt=text, max_tokens=most, n=n))
    assert tokens.prompt_likely <= tokens.prompt_most
    assert len(text.encode("utf-8", "surrogatepass")) <= tokens.prompt_most
    assert tokens.most == tokens.prompt_most + n * most
    chat = tokens_of(Request(prompt=(Message("user", text),), max_tokens=most, n=n))
    assert chat.prompt_most > tokens.prompt_most


def test_an_estimate_adds_up_and_an_unknown_price_stays_unknown() -> None:
    requests = [Request(prompt="a" * 35, max_tokens=10, n=3)] * 4
    known = estimate(requests, ONE_TWO)
    assert (known.requests, known.prompt_tokens_likely, known.completion_tokens_most) == (4, 40, 120)
    assert known.cost_least == Decimal("0.00004")
    assert known.cost_most == (Decimal(known.prompt_tokens_most) + 2 * 120) / 1_000_000
    unknown = estimate(requests, None)
    assert (unknown.cost, unknown.cost_least, unknown.cost_most) == ("unknown", None, None)
    assert estimate(requests, FREE).cost == "$0"


@settings(max_examples=200)
@given(
    st.integers(0, 2000),
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 200), FATES)),
)
def test_what_is_spent_lost_and_set_aside_never_passes_the_cap(cap: int, steps: list[tuple[int, int, str]]) -> None:
    cost_cap = Decimal(2 * cap) / 1_000_000
    budget = Budget(cost_cap, cap)
    for size, most, fate in steps:
        tokens = tokens_of(Request(prompt="a" * size, max_tokens=most))
        held = budget.reserve(tokens, ONE_TWO)
        if held is None:
            continue
        if fate == "settle":
            used = Usage(prompt_tokens=size, completion_tokens=most // 2)
            budget.settle(held, ONE_TWO.of(size, most // 2), used)
        elif fate == "lose":
            budget.lose(held)
        elif fate == "release":
            budget.release(held)
        assert budget.tokens + budget.unconfirmed_tokens + budget.reserved_tokens <= cap
        assert budget.cost + budget.unconfirmed_cost + budget.reserved_cost <= cost_cap


def test_a_budget_goes_on_from_what_was_spent_unconfirmed_included() -> None:
    tokens = tokens_of(Request(prompt="", max_tokens=92))
    assert tokens.most == 100
    assert Budget(None, 1000, Spent(tokens=900)).reserve(tokens, None) is not None
    assert Budget(None, 1000, Spent(tokens=850, unconfirmed_tokens=51)).reserve(tokens, None) is None
    cost = Spent(cost=Decimal("0.5"), unconfirmed_cost=Decimal("0.5"))
    assert Budget(Decimal(1), None, cost).reserve(tokens, ONE_TWO) is None


def test_a_refusal_says_what_is_spent_what_the_cap_is_and_how_to_raise_it() -> None:
    tokens = tokens_of(Request(prompt="", max_tokens=92))
    spent = Spent(cost=Decimal("0.9"), tokens=950, unconfirmed_cost=Decimal("0.05"))
    refusal = str(Budget(Decimal("0.95"), None, spent).refusal(tokens, ONE_TWO))
    for part in ("$0.9 are spent", "$0.05 may be", "$0.95", "raise max_cost", "run the same call again"):
        assert part in refusal
    refusal = str(Budget(None, 1000, spent).refusal(tokens, ONE_TWO))
    for part in ("950 tokens", "100", "1000", "raise max_total_tokens"):
        assert part in refusal
