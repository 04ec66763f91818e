"""Making instances: one fate for each task."""

import pytest

from selfinstruct.generate.instances import MakeInstances
from selfinstruct.records import Choice, Task
from selfinstruct.stage import Failed, Kept, Outcome, Rejected, Traits
from tests.generate.builders import Teller, bench, raw, task


def made(answer: str | Choice | None, *tasks: Task, stage: MakeInstances | None = None) -> list[Outcome]:
    teller = Teller(lambda *_: answer)
    return list((stage or MakeInstances())(tasks or [task("Count.")], bench(teller)))


def pairs_of(outcome: Outcome) -> list[tuple[str, str]]:
    return [(pair.input, pair.output) for pair in outcome.record.instances] if isinstance(outcome, Kept) else []


def test_classification_is_asked_output_first_and_the_rest_input_first() -> None:
    teller = Teller(lambda *_: "Class label: up\nWord: rise\nOutput: x")
    tasks = [task("Up or down?", is_classification=True), task("Count.", is_classification=False)]
    first, second = MakeInstances()(tasks, bench(teller))
    assert pairs_of(first) == [("Word: rise\nOutput: x", "up")]
    assert isinstance(second, Kept)
    labelled, plain = teller.asked
    assert (labelled.max_tokens, plain.max_tokens) == (300, 350)
    assert (labelled.temperature, labelled.presence_penalty, labelled.subject) == (0.0, 1.5, "Up or down?")
    assert isinstance(labelled.prompt, str)
    assert labelled.prompt.endswith("\n\nTask: Up or down?\n")
    assert "Class label:" in labelled.prompt
    assert second.record.provenance.prompt == "instances.input_first.completion/1"
    assert second.record.provenance.parents == (tasks[1].id,)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [("", "no_instance"), (Choice("", "length"), "truncated"), ("Example 1\nWord: a", "no_instance")],
)
def test_a_task_without_instances_is_rejected_with_what_was_said(answer: str | Choice, reason: str) -> None:
    [outcome] = made(answer)
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, "text" in outcome.evidence) == (reason, True)


def test_an_unanswered_task_failed_and_is_not_lost() -> None:
    [outcome] = made(None)
    assert isinstance(outcome, Failed)
    assert outcome.record == task("Count.")


def test_a_task_that_has_instances_is_not_asked_about() -> None:
    ready = task("Add.", ("1", "1"))
    teller = Teller(lambda *_: "Output: x")
    outcomes = list(MakeInstances()([task("A"), ready, task("B")], bench(teller)))
    assert outcomes[1] == Kept(ready)
    assert [asked.subject for asked in teller.asked] == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "default", "reference"),
    [
        ("Output: a lone answer", [], []),
        ("Example 1/Input: a/Output: b/Example 2/Input: c/Output: d", [("a", "b")], [("a", "b")]),
        ("Example 1/Input: a/Output: b/Example 2/Input: c", [("a", "b")], [("a", "b")]),
        ("Input: a/Output: b/Input: c", [("a", "b")], []),
    ],
)
def test_a_cut_answer_loses_its_torn_instance(
    text: str, default: list[tuple[str, str]], reference: list[tuple[str, str]]
) -> None:
    cut = Choice(raw(text), "length")
    assert pairs_of(made(cut)[0]) == default
    assert pairs_of(made(cut, stage=MakeInstances(profile="reference"))[0]) == reference


SMALL = Traits(small=True)


def test_a_small_model_answers_the_instruction_and_its_answer_is_the_output() -> None:
    teller = Teller(lambda *_: " Paris.\nOutput: x ", SMALL)
    [outcome] = MakeInstances()([task("Name a {city}.", is_classification=True)], bench(teller))
    assert pairs_of(outcome) == [("", "Paris.\nOutput: x")]
    [asked] = teller.asked
    assert isinstance(asked.prompt, tuple)
    assert [(turn.role, turn.content) for turn in asked.prompt[1:]] == [("user", "Name a {city}.")]
    assert (asked.max_tokens, asked.temperature, asked.frequency_penalty) == (140, 0.3, 0.5)


def test_a_small_model_is_not_asked_to_make_inputs_up() -> None:
    teller = Teller(lambda request, _: request.subject.upper(), SMALL)
    tasks = [task("Count to ten."), task("Correct the sentence."), task("Name a fish.")]
    first, second, third = MakeInstances()(tasks, bench(teller))
    assert (pairs_of(first), pairs_of(third)) == ([("", "COUNT TO TEN.")], [("", "NAME A FISH.")])
    assert isinstance(second, Rejected)
    assert (second.record, second.reason, second.evidence["found"]) == (tasks[1], "needs_input", "the sentence")


@pytest.mark.parametrize(("answer", "reason"), [("", "no_instance"), (Choice("One, two,", "length"), "truncated")])
def test_a_small_model_that_does_not_come_to_an_end_gives_nothing(answer: str | Choice, reason: str) -> None:
    [outcome] = MakeInstances()([task("Count to ten.")], bench(Teller(lambda *_: answer, SMALL)))
    assert isinstance(outcome, Rejected)
    assert outcome.reason == reason


LONG = "The Ebro rises in the north of Spain and flows east. It is 930 kilometres long and feeds many fields."
SMALL_OR_NOT = [SMALL, Traits(), Traits(completion=False)]


@pytest.mark.parametrize("traits", SMALL_OR_NOT)
def test_of_an_answer_that_was_cut_off_the_whole_part_stays_and_is_marked(traits: Traits) -> None:
    teller = Teller(lambda *_: Choice(f"{LONG} Its mouth is a del", "length"), traits)
    [outcome] = MakeInstances()([task("Tell of a river.")], bench(teller))
    assert pairs_of(outcome) == [("", LONG)]
    assert isinstance(outcome, Kept)
    assert outcome.evidence["cut"] == "Its mouth is a del"
    assert outcome.record.measures == {"answer_kept": round(len(LONG) / len(f"{LONG} Its mouth is a del"), 4)}
    assert len(teller.asked) == 1


@pytest.mark.parametrize("traits", SMALL_OR_NOT)
def test_an_answer_that_was_cut_off_can_have_more_room(traits: Traits) -> None:
    teller = Teller(lambda *_: Choice("One and", "length") if len(teller.asked) == 1 else LONG, traits)
    [outcome] = MakeInstances(when_cut="longer")([task("Tell of a river.")], bench(teller))
    assert pairs_of(outcome) == [("", LONG)]
    first, second = teller.asked
    assert (second.max_tokens, second.prompt) == (3 * first.max_tokens, first.prompt)


@pytest.mark.parametrize("traits", SMALL_OR_NOT)
@pytest.mark.parametrize(
    ("stage", "answer"),
    [
        (MakeInstances(when_cut="reject"), Choice(f"{LONG} Its mouth", "length")),
        (MakeInstances(), Choice(f"{LONG} Its mouth", "content_filter")),
        (MakeInstances(), Choice("The Ebro rises in the north of Spain, and flows to the sea past Zaragoza", "length")),
        (MakeInstances(), Choice(f"{LONG} {LONG} {LONG[:30]}", "length")),
    ],
    ids=["wanted so", "a filter", "no whole part", "in circles"],
)
def test_what_has_no_whole_part_is_thrown_away(traits: Traits, stage: MakeInstances, answer: Choice) -> None:
    [outcome] = stage([task("Tell of a river.")], bench(Teller(lambda *_: answer, traits)))
    assert isinstance(outcome, Rejected)
    assert outcome.reason == "truncated"


def test_a_small_model_without_messages_gets_the_short_prompt_for_every_task() -> None:
    teller = Teller(lambda *_: "Input: rise\nOutput: up\n\nTask: next", Traits(small=True, chat=False))
    [outcome] = MakeInstances()([task("Up or\ndown?", is_classification=True)], bench(teller))
    assert pairs_of(outcome) == [("rise", "up")]
    prompt = teller.asked[0].prompt
    assert isinstance(prompt, str)
    assert "Up or down?" in prompt
    assert len(prompt.split()) < 230


def test_a_chat_model_gets_a_message() -> None:
    teller = Teller(lambda *_: "It is {braced}.", Traits(completion=False))
    [outcome] = MakeInstances()([task("Fill {items} in.")], bench(teller))
    assert pairs_of(outcome) == [("", "It is {braced}.")]
    prompt = teller.asked[0].prompt
    assert isinstance(prompt, tuple)
    assert prompt[0].content.endswith("Task: Fill {items} in.")
