"""The card: front matter any YAML reader takes, a body no record can break out of, and no number made up."""

import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.formats.dataset_card import (
    FunnelLine,
    SplitCheck,
    SplitLine,
    cell,
    code,
    fenced,
    plain,
    quoted,
    render,
    size_category,
)
from tests.formats.cards import card


def front(text: str) -> dict[str, object]:
    return dict(yaml.safe_load(text.split("\n---\n", maxsplit=1)[0].removeprefix("---\n")))


def test_the_front_matter_names_only_the_parquet_and_what_was_handed_in() -> None:
    facts = front(render(card(title='tricky: "quotes" # and\nlines', license="cc-by-4.0", language=["da", "no"])))
    assert facts["pretty_name"] == 'tricky: "quotes" # and\nlines'
    assert (facts["license"], facts["language"]) == ("cc-by-4.0", ["da", "no"])
    assert facts["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "data/train.parquet"}]}
    ]
    assert "configs" not in front(render(card(parquet=False)))
    assert "language" not in front(render(card(language=[])))


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_text_is_the_same_text_to_a_yaml_reader(text: str) -> None:
    assert yaml.safe_load(quoted(text)) == text


def test_every_character_is_the_same_to_a_yaml_reader() -> None:
    for start in (0, 0x800, 0x2000, 0xE000, 0xFE00, 0x1F000, 0x10FF00):
        text = "".join(map(chr, range(start, min(start + 0x800, 0x110000))))
        assert yaml.safe_load(quoted(text)) == text
    assert yaml.safe_load(quoted("a \ud83d b")) == "a \ufffd b"


@given(st.text(alphabet="`ab\n|\\"), st.sampled_from([code, cell, plain]))
def test_a_span_is_one_line_and_its_fences_hold(text: str, mark: object) -> None:
    assert callable(mark)
    made = mark(text)
    assert "\n" not in made
    if mark is code and made:
        opening = re.match("`+", made)
        assert opening is not None
        fence = opening.group()
        assert made.endswith(fence)
        assert fence not in re.findall("`+", made[len(fence) : -len(fence)])


@given(st.text())
def test_text_cannot_end_its_block(text: str) -> None:
    opening, *inside, closing = "\n".join(fenced(text, "json")).split("\n")
    assert opening == closing + "json"
    assert not any(line.strip().startswith(closing) for line in inside)


def test_a_record_cannot_break_out_of_its_example_or_steer_a_terminal() -> None:
    text = render(card(example={"output": "``` ````\n# headline\n---\n\x1b[31m \x9b31m \u202e \ud800"}))
    assert "`````json" in text
    assert "\n# headline" not in text
    assert all(char.isprintable() or char == "\n" for char in text)


def test_a_hostile_title_stays_a_title() -> None:
    text = render(card(title="x\n---\n# y | <script>", about="[a](http://b)", models=["openai:some_model"]))
    assert front(text)["pretty_name"] == "x\n---\n# y | <script>"
    assert "<script>" not in text.split("\n---\n", 1)[1]
    assert "`openai:some_model`" in text


def test_what_is_unknown_is_called_unknown() -> None:
    text = render(card(cost=None, estimated=True))
    assert "price is unknown" in text
    assert "$" not in text
    assert "in part counted here" in text
    assert "`openai:some|model`: not known" in text
    assert "They cost $0.25." in render(card(cost="0.25"))
    assert "`a`: Apache-2.0" in render(card(models=["a"], terms={"a": "Apache-2.0"}))


def test_the_funnel_has_every_stage_and_every_reason() -> None:
    text = render(card(funnel=[FunnelLine("novelty", 1010, 1000, {"too_similar": 7, "a|b": 2}, 1)]))
    assert "| novelty | 1,010 | 1,000 | 9 | 1 |" in text
    assert "| novelty | too_similar | 7 |" in text
    assert "| novelty | a\\|b | 2 |" in text


def test_a_long_example_is_cut_in_the_card() -> None:
    assert len(render(card(example={"messages": [{"role": "user", "content": "x" * 10**6}]}))) < 10_000


def test_the_same_card_gives_the_same_text() -> None:
    assert render(card()) == render(card())


@pytest.mark.parametrize(("rows", "says"), [(0, "n<1K"), (9_999_999, "1M<n<10M"), (10**7, "n>10M")])
def test_sizes_have_the_words_of_the_hub(rows: int, says: str) -> None:
    assert size_category(rows) == says


def test_splits_are_named_for_machines_and_people_and_nothing_is_claimed_that_was_not_checked() -> None:
    lines = [SplitLine("train", 9, 12), SplitLine("test", 1, 2)]
    rendered = render(card(splits=lines))
    assert "      - split: test\n        path: data/test.parquet" in rendered
    assert "| test | 1 | 2 |" in rendered
    assert "was not checked here" in rendered
    check = SplitCheck(
        jaccard=0.8, shingle_words=3, rouge_l_below=0, checked=1, highest_jaccard=0.5, highest_rouge_l=0.75
    )
    checked = render(card(splits=lines, split_check=check))
    assert "no near-duplicate crosses" in checked
    assert "no two instructions" not in checked
    assert "## Splits" not in render(card())


def test_seeds_held_out_are_named() -> None:
    assert "; 20 more were held out" in render(card(held_out_seeds=20))


def test_a_stage_that_stands_there_three_times_is_told_three_times() -> None:
    stages = [("score", {"label": name}) for name in ("before", "between", "after")]
    page = render(card(stages=stages))
    assert page.count("| score | ") == 3
    assert all(name in page for name in ("before", "between", "after"))


def test_a_model_that_we_bring_is_called_by_the_name_that_the_world_knows() -> None:
    page = render(card(models=["embedded", "openai:m"], called={"embedded": "SmolLM2-135M-Instruct"}))
    assert "by `embedded` (SmolLM2-135M-Instruct) and `openai:m`" in page


def test_the_hub_reads_the_front_matter_as_it_reads_its_own() -> None:
    from huggingface_hub import DatasetCard, DatasetCardData

    made = DatasetCardData(
        license="cc-by-4.0",
        language=["da", "no"],
        pretty_name="A: set # of - things",
        size_categories=["n<1K"],
        task_categories=["text-generation"],
        annotations_creators=["machine-generated"],
        source_datasets=["original"],
        tags=["synthetic", "selfinstruct"],
        configs=[{"config_name": "default", "data_files": [{"split": "train", "path": "data/train.parquet"}]}],
    )
    ours = DatasetCard(render(card(license="cc-by-4.0", language=["da", "no"]))).data
    assert yaml.safe_load(ours.to_yaml()) == yaml.safe_load(made.to_yaml())
