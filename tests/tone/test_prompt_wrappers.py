"""How prompts are put."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.prompt_templates import WRAPPERS
from selfinstruct.records import Message
from selfinstruct.stage import Traits
from selfinstruct.tone.no_answer import run_on
from selfinstruct.tone.prompt_wrappers import TEMPLATED, Wrapper, check_wrappers, demonstrations, wrapper_of


@given(st.sampled_from([*WRAPPERS, "chat", "few-shot:1", "few-shot:6"]), st.text().map(str.strip))
def test_the_prompt_stands_in_every_wrapper_once_and_unread(name: str, said: str) -> None:
    made = Wrapper(name).wrap(said).prompt
    if name == "chat":
        assert made == (Message("user", said),)
    else:
        bare = Wrapper(name).wrap("").prompt
        assert isinstance(made, str)
        assert isinstance(bare, str)
        assert len(made) == len(bare) + len(said)
        assert said in made


def test_the_wrappers_of_the_paper_are_the_public_texts() -> None:
    assert Wrapper("none").wrap("Go on").prompt == "Go on"
    assert Wrapper("suffix").wrap("Go on").prompt == "Go on\n\n### Response:"
    alpaca = Wrapper("alpaca").wrap("Go on").prompt
    assert isinstance(alpaca, str)
    assert alpaca.endswith("\n\n### Instruction:\nGo on\n\n### Response:")


def test_few_shot_shows_as_many_demonstrations_and_stops_where_a_next_would_begin() -> None:
    wrapped = Wrapper("few-shot:3").wrap("Go on")
    assert isinstance(wrapped.prompt, str)
    assert wrapped.prompt.count("Instruction:") == wrapped.prompt.count("Response:") == 4
    assert wrapped.prompt.endswith("Instruction: Go on\nResponse:")
    assert wrapped.stop == ("\nInstruction:",)


def test_the_demonstrations_answer_and_stop() -> None:
    assert len(demonstrations()) == 6
    for shown in demonstrations():
        asked, _, said = shown.removeprefix("Instruction: ").partition("\nResponse: ")
        assert asked
        assert said
        assert run_on(asked, said) is None


@pytest.mark.parametrize("name", ["", "Alpaca", "few-shot", "few-shot:0", "few-shot:7", "few-shot:x", "vicuna"])
def test_an_unknown_wrapper_is_refused_with_those_that_exist(name: str) -> None:
    with pytest.raises(BadInput):
        Wrapper(name)


def test_a_model_is_asked_only_in_ways_it_can_take() -> None:
    for name in TEMPLATED:
        with pytest.raises(BadInput, match="no chat template"):
            Wrapper(name).check("gguf:base", Traits(chat=False))
    with pytest.raises(BadInput, match="messages only"):
        Wrapper("none").check("openai:chat", Traits(completion=False))
    Wrapper("chat").check("openai:chat", Traits(completion=False))


def test_wrappers_are_one_for_all_models_or_one_for_each() -> None:
    check_wrappers(("auto",), models=3)
    check_wrappers(("none", "auto"), models=2)
    with pytest.raises(BadInput, match="wrappers: 2 for 3 models"):
        check_wrappers(("none", "chat"), models=3)
    with pytest.raises(BadInput, match="no wrapper 'chatty'"):
        check_wrappers(("chatty",), models=1)


def test_auto_is_the_template_of_a_model_that_has_one() -> None:
    with_template, without = Traits(chat=True, completion=True), Traits(chat=False, completion=True)
    names = ("auto", "suffix")
    assert [wrapper_of(names, place, with_template).name for place in (0, 1)] == ["chat", "suffix"]
    assert wrapper_of(names[:1], 1, without).name == "none"
