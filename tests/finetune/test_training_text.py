import pytest

from selfinstruct.errors import BadInput
from selfinstruct.finetune.training_text import check_template, conversation, templated
from selfinstruct.records import Message
from tests.finetune.builders import CHATML, talk, tokenizer

pytest.importorskip("transformers")

_TURNS = conversation(talk(), talk().instances[0])
_THINKS_LAST = (
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n"
    "{% if turn.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ turn.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_NO_MARK = (
    "{% for turn in messages %}{{ turn.role }}: {{ turn.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def _learned(template: str, turns: list[Message]) -> list[str]:
    return [piece.text for piece in templated(tokenizer(template), turns, "record x") if piece.supervised]


def test_every_answer_and_its_mark_are_learned_and_nothing_else() -> None:
    assert _learned(CHATML, _TURNS) == ["The Nile.<|im_end|>", "Lake Como.<|im_end|>"]


def test_all_pieces_together_are_what_the_template_writes_up_to_the_last_mark() -> None:
    made = tokenizer()
    whole = made.apply_chat_template([{"role": t.role, "content": t.content} for t in _TURNS[:-1]], tokenize=False)
    assert "".join(piece.text for piece in templated(made, _TURNS, "record x")) == whole.rstrip()


def test_what_stands_before_an_answer_is_how_the_template_asks_for_one() -> None:
    pieces = templated(tokenizer(), _TURNS, "record x")
    asked = tokenizer().apply_chat_template(
        [{"role": t.role, "content": t.content} for t in _TURNS[:2]], tokenize=False, add_generation_prompt=True
    )
    assert pieces[0].text == asked


def test_a_template_that_writes_a_last_answer_otherwise_is_understood() -> None:
    assert _learned(_THINKS_LAST, _TURNS) == ["The Nile.<|im_end|>", "<think>\n\n</think>\n\nLake Como.<|im_end|>"]


def test_after_a_template_that_ends_no_answer_the_end_of_the_text_is_learned() -> None:
    assert _learned(_NO_MARK, _TURNS[1:3]) == [" The Nile.<|im_end|>"]


def test_an_answer_that_stands_in_its_question_is_found_behind_it() -> None:
    assert _learned(CHATML, [Message("user", "Say yes"), Message("assistant", "yes")]) == ["yes<|im_end|>"]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ raise_exception('roles must alternate') }}", "refuses it (roles must alternate)"),
        (CHATML.replace("trim", "upper"), "rewrites an answer"),
        (CHATML.replace("<|im_start|>assistant", "<|other|>"), "asks for an answer otherwise than it writes one"),
    ],
)
def test_a_template_that_does_not_fit_is_refused_and_the_record_is_named(template: str, said: str) -> None:
    with pytest.raises(BadInput) as refusal:
        templated(tokenizer(template), _TURNS, "record x")
    assert str(refusal.value).startswith("record x: the chat template")
    assert said in str(refusal.value)


def test_a_tokenizer_without_a_template_is_refused_with_what_to_do() -> None:
    with pytest.raises(BadInput, match=r"no chat template.*template: tags"):
        check_template(tokenizer(None))


def test_white_space_at_the_ends_of_answers_is_no_part_of_them_whatever_the_template_keeps() -> None:
    keeps = tokenizer(CHATML.replace("{{ turn.content | trim }}", "{{ turn.content }}"))
    said = [
        Message("user", "Hi"),
        Message("assistant", " Hello.\n"),
        Message("user", "And?"),
        Message("assistant", "Bye.\n\n"),
    ]
    made = templated(keeps, said, "a:1")
    assert [part.text for part in made if part.supervised] == ["Hello.<|im_end|>", "Bye.<|im_end|>"]
