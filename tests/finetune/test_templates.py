from random import Random

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.answer_set_marking import set_questions
from selfinstruct.finetune.training_text import Segment, Template, conversation, one_turn, tagged
from selfinstruct.formats.conversations import tagged as published_tags
from selfinstruct.formats.conversations import tagged_prompt
from selfinstruct.generate.encode import in_template
from selfinstruct.prompt_templates import CAMELS_WITH_INPUT, ENCODINGS_WITH_INPUT, ENCODINGS_WITHOUT_INPUT, WRAPPERS
from selfinstruct.records import Instance, Message
from selfinstruct.tone.prompt_wrappers import Wrapper
from tests.finetune.builders import talk, task


def _text(pieces: list[Segment]) -> str:
    return "".join(piece.text for piece in pieces)


def _one(template: Template, given: str = "", seed: int = 0) -> list[Segment]:
    sums = task("Add.", "3", given)
    return one_turn(sums, sums.instances[0], template, "</s>", Random(seed))


def test_tags_are_written_as_a_published_set_writes_them() -> None:
    turns = conversation(talk(), talk().instances[0])
    assert _text(tagged(turns, "</s>")) == published_tags(turns[:-1])


def test_with_tags_every_answer_and_its_mark_are_learned_but_not_the_line_break_after_it() -> None:
    pieces = tagged(conversation(talk(), talk().instances[0]), "</s>")
    assert [piece.text for piece in pieces if piece.supervised] == ["The Nile.</s>", "Lake Como.</s>"]


@pytest.mark.parametrize("system", ["", "Be brief.\n"])
@pytest.mark.parametrize("given", ["", " \n", "b a\n", "\n  b:\n    {a}"])
@pytest.mark.parametrize("template", ["tags", "alpaca", "ifs", "self_instruct"])
def test_a_student_is_scored_with_the_text_it_was_tuned_with(template: Template, given: str, system: str) -> None:
    sums = task("Sort {input}. ", "a b", given, system=system)
    [question] = set_questions([sums], "quality_on_gold").questions
    asked = Wrapper(template).wrap(question.instruction, question.input, question.system).prompt
    if template == "tags":
        trained = {tagged(conversation(sums, sums.instances[0]), "</s>")[0].text}
    else:
        trained = {one_turn(sums, sums.instances[0], template, "</s>", Random(seed))[0].text for seed in range(60)}
    assert asked in trained
    assert len(trained) == 1 or template == "self_instruct"


def test_a_prompt_alone_is_put_as_the_record_that_asks_it() -> None:
    for template in WRAPPERS:
        assert Wrapper(template).wrap("Sort.").prompt == Wrapper(template).wrap("Sort.", " \n", "").prompt


def test_tags_before_an_answer_are_those_of_a_published_prompt() -> None:
    turns = [Message("user", "Name a river."), Message("assistant", "The Nile.")]
    before = _text([piece for piece in tagged(turns, "</s>") if not piece.supervised])
    assert before == tagged_prompt(turns[:1]) == Wrapper("tags").wrap("Name a river.").prompt


def test_the_alpaca_template_with_an_input_is_the_public_one() -> None:
    public = next(template for template in CAMELS_WITH_INPUT if "### Input:" in template)
    assert _one("alpaca", "1 + 2")[0].text == public.format(instruction="Add.", input="1 + 2")


def test_the_ifs_template_is_the_papers_cut_down_one() -> None:
    assert _one("ifs")[0].text == "Add.### Response:"
    assert _one("ifs", "1 + 2")[0].text == "Add.\n\n1 + 2### Response:"
    assert _one("ifs")[0].text == Wrapper("ifs").wrap("Add.").prompt


@pytest.mark.parametrize(("given", "templates"), [("", ENCODINGS_WITHOUT_INPUT), ("1 + 2", ENCODINGS_WITH_INPUT)])
def test_self_instructs_templates_are_those_in_which_the_set_is_encoded(given: str, templates: tuple[str, ...]) -> None:
    known = {in_template(template, "Add.", given, "3") for template in templates}
    drawn = [_one("self_instruct", given, seed) for seed in range(200)]
    ours = {(pair[0].text, pair[1].text.removesuffix("</s>")) for pair in drawn}
    assert ours == {(encoded.prompt, encoded.completion.removesuffix("<|endoftext|>")) for encoded in known}


@pytest.mark.parametrize("template", ["alpaca", "ifs", "self_instruct"])
def test_braces_and_slots_in_a_record_stay_what_they_are(template: Template) -> None:
    sums = task("Say {x} and {i}.", "{i}", "{0} {x}")
    prompt, answer = one_turn(sums, sums.instances[0], template, "</s>", Random(1))
    assert "Say {x} and {i}." in prompt.text
    assert "{0} {x}" in prompt.text
    assert answer.text.strip() == "{i}</s>"


@pytest.mark.parametrize("template", ["alpaca", "ifs", "self_instruct"])
def test_a_template_with_room_for_one_answer_refuses_a_conversation_and_names_it(template: Template) -> None:
    with pytest.raises(BadInput, match=r"record [0-9a-f]{16} \('Name a river\.'\): a conversation"):
        one_turn(talk(), talk().instances[0], template, "</s>", Random(0))


def test_a_system_turn_stands_before_a_one_turn_form() -> None:
    sums = task("Add.", "3", system="Be brief.")
    assert one_turn(sums, sums.instances[0], "ifs", "</s>", Random(0))[0].text == "Be brief.\n\nAdd.### Response:"


@pytest.mark.parametrize("answer", ["", " \n"])
def test_an_empty_answer_is_refused_and_named(answer: str) -> None:
    with pytest.raises(BadInput, match=r"'Add\.'\): an empty answer"):
        conversation(task("Add.", answer), Instance("", answer))
