from dataclasses import replace
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.finetune.examples import Prepared, TrainingExample, TrainingTokenizer, prepare, preview
from selfinstruct.finetune.training_text import Template, Unfit
from selfinstruct.records import Instance, Provenance, Task
from tests.finetune.builders import talk, task, tasks, tokenizer

transformers = pytest.importorskip("transformers")


def _prepared(*given: Task, template: Template = "chat", most: int = 512, begins: bool = False) -> Prepared:
    return prepare(given, tokenizer(begins=begins), template=template, max_tokens=most)


def _learned(example: TrainingExample) -> str:
    pairs = zip(example.tokens, example.supervised, strict=True)
    return str(tokenizer().decode([token for token, learned in pairs if learned]))


def test_exactly_the_tokens_of_answers_and_marks_are_learned() -> None:
    (example,) = _prepared(talk()).examples
    assert _learned(example) == "The Nile.<|im_end|>Lake Como.<|im_end|>"
    assert example.learned == len("The Nile.Lake Como.") + 2


@pytest.mark.parametrize("template", ["tags", "alpaca", "ifs", "self_instruct"])
def test_in_every_template_the_answer_and_the_mark_of_the_tokenizer_are_learned(template: Template) -> None:
    (example,) = _prepared(task("Name a river.", "The Nile."), template=template).examples
    assert _learned(example).strip() == "The Nile.<|im_end|>"
    assert example.tokens[-1] == tokenizer().eos_token_id


def test_a_prompt_has_the_tokens_that_a_student_is_asked_with() -> None:
    made = tokenizer(begins=True)
    (example,) = prepare([task("Name a river.", "The Nile.")], made, template="ifs", max_tokens=512).examples
    asked = made("Name a river.### Response:")["input_ids"]
    assert list(example.tokens[: len(asked)]) == asked
    assert not any(example.supervised[: len(asked)])


def test_a_chat_gets_no_second_mark_of_its_beginning() -> None:
    (example,) = _prepared(task("Name a river."), begins=True).examples
    assert tokenizer().bos_token_id not in example.tokens


def test_a_task_of_several_instances_is_as_many_examples() -> None:
    both = Task(
        instruction="Add.",
        instances=(Instance("1 + 1", "2"), Instance("1 + 2", "3")),
        provenance=Provenance(stage="seed"),
    )
    assert [example.record for example in _prepared(both).examples] == [f"{both.id}/0", f"{both.id}/1"]


def test_what_is_too_long_loses_its_end_and_is_counted() -> None:
    long, short = task("Count.", "one two three four five"), task("Add.", "3")
    made = _prepared(long, short, most=40)
    assert [example.cut for example in made.examples] == [True, False]
    assert len(made.examples[0]) == 40
    assert made.counts.truncated == 1
    assert not _learned(made.examples[0]).endswith("<|im_end|>")


def test_counts_are_those_of_the_examples() -> None:
    made = _prepared(*tasks(20))
    assert made.counts.examples == made.counts.records == 20
    assert made.counts.tokens == sum(map(len, made.examples))
    assert made.counts.supervised_tokens == sum(sum(example.supervised) for example in made.examples)
    assert made.counts.longest == max(map(len, made.examples))


def test_an_example_of_which_nothing_would_be_learned_is_refused_and_named() -> None:
    with pytest.raises(BadInput, match=r"record [0-9a-f]{16} \('Tell me.*'\): no token of it would be learned.*30"):
        _prepared(task("Tell me everything there is to be told about rivers."), most=30)


def test_a_record_without_an_answer_is_refused_and_named() -> None:
    bare = Task(instruction="Name a river.", provenance=Provenance(stage="seed"))
    with pytest.raises(BadInput, match=r"'Name a river\.'\): no answer to learn from"):
        _prepared(task("Add."), bare)


def test_a_token_that_the_model_does_not_know_is_refused_and_its_record_is_named() -> None:
    both, known = [task("Add.", "3"), task("Say \u00e9.", "\u00e9")], len(tokenizer())
    assert prepare(both, tokenizer(), template="ifs", max_tokens=99, words=known).counts.examples == 2
    said = rf"'Say .\.'\): its tokenizer writes token {known - 1}, and the model knows {known - 1}"
    with pytest.raises(BadInput, match=said):
        prepare(both, tokenizer(), template="ifs", max_tokens=99, words=known - 1)


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(BadInput, match="no task to learn from"):
        _prepared()


def test_a_tokenizer_without_a_mark_for_the_end_is_refused() -> None:
    with pytest.raises(BadInput, match="no mark for the end of a text"):
        prepare([task("Add.")], tokenizer(end=None), template="tags", max_tokens=99)


def test_the_fingerprint_tells_sets_forms_and_orders_apart() -> None:
    one, other = task("Add.", "3"), task("Name a river.", "The Nile.")
    prints = [
        _prepared(one, other).fingerprint,
        _prepared(other, one).fingerprint,
        _prepared(one, other, template="ifs").fingerprint,
        _prepared(one).fingerprint,
    ]
    assert len(set(prints)) == len(prints)
    assert prints[0] == _prepared(one, other).fingerprint


def test_a_piece_that_goes_on_gets_no_space_that_is_not_there() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    space = "\u2581"
    pieces = {piece: at for at, piece in enumerate(["<unk>", space, "\n", *"abc"])}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(pieces, merges=[], unk_token="<unk>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(prepend_scheme="first")
    cutter = TrainingTokenizer(transformers.PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>"))
    first, second = cutter.of(["a b", "c"], [False, True])
    assert first == [1, 3, 1, 4]
    assert second == [5]


def test_a_preview_shows_what_is_learned_with_a_plus_and_nothing_else() -> None:
    (whole,), (cut,) = _prepared(talk()).examples, _prepared(task("Count.", "one two three four"), most=40).examples
    both = _prepared(talk(), task("Count.", "one two three four"))
    shown = preview(replace(both, examples=(whole, cut)), tokenizer())
    plus = [line for line in shown.splitlines() if line.startswith("  + ")]
    assert plus == ["  + The Nile.<|im_end|>", "  + Lake Como.<|im_end|>", "  + one two three f"]
    assert "assistant\u23ce" in shown
    assert shown.count("cut off at its end") == 1


LONG = "Tell me everything there is to be told about rivers."
NO_SYSTEM = "{% for turn in messages %}{% if turn.role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
ALTERNATING = NO_SYSTEM.replace("turn.role == 'system'", "loop.index > 2")


@pytest.mark.parametrize(
    ("records", "how", "reasons"),
    [
        ([task("Add."), task(LONG), task("Name.")], {}, {1: "too_long"}),
        ([task("Name a river, please."), task("Add.", LONG)], {"max_tokens": 60}, {1: "too_long"}),
        ([task("Add."), task("Add.", LONG)], {"too_long": "truncate"}, {}),
        ([task("Add."), task(LONG)], {"too_long": "truncate"}, {1: "too_long"}),
        ([task("Add.", ""), task("Add.")], {}, {0: "no_answer"}),
        ([talk(), task("Add.")], {"template": "ifs"}, {0: "several_answers"}),
        ([task("Add."), task("Add.", system="Be brief.")], {"chat_template": NO_SYSTEM}, {1: "template_refuses"}),
        ([replace(talk(), system=""), task("Add.")], {"chat_template": ALTERNATING}, {0: "template_refuses"}),
    ],
)
def test_a_record_that_does_not_fit_is_left_out_by_name_and_the_rest_is_learned(
    records: list[Task], how: dict[str, Any], reasons: dict[int, str]
) -> None:
    chat_template = how.pop("chat_template", "")
    made = tokenizer(chat_template + tokenizer().chat_template.partition("%}")[2]) if chat_template else tokenizer()
    usual: dict[str, Any] = {"template": "chat", "max_tokens": 40, "too_long": "reject", "refused": "reject"}
    prepared = prepare(records, made, **usual | how)
    assert {at: unfit.reason for at, unfit in prepared.unfit.items()} == reasons
    learned = [record for at, record in enumerate(records) if at not in reasons]
    assert [example.record for example in prepared.examples] == [f"{record.id}/0" for record in learned]
    assert prepared.counts.records == len(learned)
    for at, unfit in prepared.unfit.items():
        assert records[at].id[:16] in str(unfit)
    shown = preview(prepared, made)
    assert all(records[at].id[:16] in shown for at in reasons)
    assert ("not learned: 1 of" in shown) == bool(reasons)


def test_a_record_that_does_not_fit_ends_all_where_that_is_asked_for() -> None:
    both = [task("Add."), task(LONG)]
    with pytest.raises(Unfit, match=r"76 tokens, and 40 are read; raise max_tokens, write too_long: truncate"):
        prepare(both, tokenizer(), template="chat", max_tokens=40, too_long="stop", refused="reject")
    with pytest.raises(Unfit, match="an empty answer"):
        prepare([task("Add."), task("Add.", "")], tokenizer(), template="chat", max_tokens=40, refused="stop")
    with pytest.raises(Unfit, match="so it is with all 2 records"):
        prepare([task(LONG)] * 2, tokenizer(), template="chat", max_tokens=40, too_long="reject", refused="reject")


@pytest.mark.parametrize("template", ["chat", "tags"])
def test_an_answer_that_is_marked_is_read_and_not_learned(template: Template) -> None:
    marked = replace(talk(), unlearned=(0,))
    made = _prepared(marked, template=template)
    assert made.counts.unlearned == 1
    assert made.counts.as_json()["unlearned_answers"] == 1
    (example,) = made.examples
    assert _learned(example) == "Lake Como.<|im_end|>"
    assert example.tokens == _prepared(talk(), template=template).examples[0].tokens
    assert "  + Lake Como." in preview(made, tokenizer())
    assert "  + The Nile." not in preview(made, tokenizer())
    assert "not learned, as the set marks them: " in preview(made, tokenizer())


@pytest.mark.parametrize("template", ["chat", "tags", "alpaca", "ifs", "self_instruct"])
def test_a_record_that_is_marked_whole_is_left_out_and_counted(template: Template) -> None:
    made = _prepared(replace(task("Add.", "4"), unlearned=(0,)), task("Name a river.", "The Nile."), template=template)
    assert [_learned(example).strip() for example in made.examples] == ["The Nile.<|im_end|>"]
    assert (made.counts.records, made.counts.examples, made.counts.unlearned) == (2, 1, 1)


def test_of_several_instances_one_may_be_marked() -> None:
    pairs = (Instance("1 + 1", "3"), Instance("1 + 2", "3"))
    both = Task(instruction="Add.", instances=pairs, unlearned=(0,), provenance=Provenance(stage="seed"))
    assert [example.record for example in _prepared(both).examples] == [f"{both.id}/1"]
