"""The random templates: their number, their weights, and that they change no text."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.formats.camels.published import Origin
from selfinstruct.formats.camels.templates import WITH_INPUT, WITHOUT_INPUT, few_shot, zero_shot

DRAWS = 20_000


@pytest.mark.parametrize("forms", [WITH_INPUT, WITHOUT_INPUT], ids=["with input", "without"])
def test_there_are_fourteen_forms_with_the_papers_weights(forms: dict[str, int]) -> None:
    assert len(forms) == 14
    assert sorted(forms.values(), reverse=True) == [4, 2, 2, 2, *[1] * 10]
    assert [weight for form, weight in forms.items() if "### Instruction:" in form] == [2]
    for form in forms:
        assert form.count("{instruction}") == 1
        assert form.count("{input}") == (forms is WITH_INPUT)


@pytest.mark.parametrize("forms", [WITH_INPUT, WITHOUT_INPUT], ids=["with input", "without"])
def test_forms_are_drawn_by_weight(forms: dict[str, int]) -> None:
    origin = Origin(dataset="alpaca", source="alpaca_data.json", seed=42)
    entered = "IN" if forms is WITH_INPUT else ""
    seen = Counter(zero_shot("ASK", entered, origin.draw("template", number)) for number in range(DRAWS))
    expected = {form.format(instruction="ASK", input="IN"): DRAWS * weight / 20 for form, weight in forms.items()}
    assert seen.keys() == expected.keys()
    chi_square = sum((seen[prompt] - count) ** 2 / count for prompt, count in expected.items())
    assert chi_square < 34.5, "13 degrees of freedom: one fair draw in a thousand is further off"


def test_a_draw_depends_on_the_seed_the_file_and_the_number_alone() -> None:
    def draws(seed: int, source: str) -> list[int]:
        origin = Origin(dataset="dolly", source=source, seed=seed)
        return [origin.draw("template", number) for number in range(50)]

    assert draws(42, "a.jsonl") == draws(42, "a.jsonl")
    assert not set(draws(42, "a.jsonl")) & set(draws(43, "a.jsonl"))
    assert not set(draws(42, "a.jsonl")) & set(draws(42, "b.jsonl"))


text = st.text(st.characters(exclude_categories=["Cs"]))


@given(text, text, st.integers(0, 2**64 - 1))
def test_whatever_the_texts_hold_they_stand_in_the_prompt_unchanged(asked: str, entered: str, draw: int) -> None:
    prompt = zero_shot(asked, entered, draw)
    assert asked.strip() in prompt
    assert entered.strip() in prompt


def test_braces_of_a_text_are_no_blanks_to_fill() -> None:
    assert "{input} and {0}" in zero_shot("Explain {input} and {0}", "x", 0)
    assert "{instruction}" in zero_shot("Copy it.", "{instruction}", 3)


def test_few_shot_prompts_are_blocks_of_input_and_output() -> None:
    prompt = few_shot("Name the opposite. ", [("hot ", "cold"), ("up", " down\n")], "early")
    assert prompt == (
        "Name the opposite.\n\nInput:\nhot\nOutput:\ncold\n\nInput:\nup\nOutput:\ndown\n\nInput:\nearly\nOutput:\n"
    )
