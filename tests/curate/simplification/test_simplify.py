"""The stage `simplify`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.simplification.simplify import BY_MODEL, BY_RULES, Simplify
from selfinstruct.errors import BadInput
from selfinstruct.records import Choice, Message, Request, Task
from selfinstruct.stage import Failed, Kept, Outcome, Traits
from tests.curate.builders import Teller, measured, run, task, text_of

LONG = (
    "The heart is a muscle which pumps blood through the body, and it beats about 100000 times a day, which many people"
    " find an astonishing thing, as William Harvey may have done when he described it."
)
SHORT = "The heart is a muscle that pumps blood; it beats about 100000 times a day."
ASKED = "What does the heart do?"
MODEL = Simplify(model="teacher")


def only(outcomes: list[Outcome]) -> Task:
    assert len(outcomes) == 1
    assert isinstance(outcomes[0], Kept)
    return outcomes[0].record


def why(outcomes: list[Outcome]) -> list[object]:
    assert len(outcomes) == 1
    assert isinstance(outcomes[0], Kept)
    replies = outcomes[0].evidence["replies"]
    assert isinstance(replies, list)
    return [reply.get("reason", "changed") for reply in replies if isinstance(reply, dict)]


def says(*texts: str) -> Teller:
    return Teller(lambda _request, index: texts[index])


def test_without_a_model_the_rules_simplify_and_the_record_grows() -> None:
    old = task(ASKED, f"Great question! {LONG} I hope this helps!")
    new = only(run(Simplify(), old))
    assert new.instances[0].output == LONG
    assert new.provenance.stage == "simplify"
    assert new.provenance.parents == (old.id,)
    assert 0 < new.measures[BY_RULES] < 1


def test_a_record_that_does_not_change_is_the_same_record_with_the_reason() -> None:
    for output, instruction, reason in [
        ("Yes.", ASKED, "short"),
        ("", ASKED, "empty_reply"),
        (LONG, "Write a Python function that counts beats.", "code"),
        (f"{LONG}\n```\nx\n```", ASKED, "code"),
        (LONG, "Summarize the text.", "summary"),
        (LONG, ASKED, "nothing_to_cut"),
    ]:
        old = task(instruction, output)
        outcomes = run(Simplify(), old)
        assert only(outcomes) is old
        assert why(outcomes) == [reason]


def test_every_reply_of_a_conversation_is_simplified() -> None:
    later = (Message("user", "And the lungs?"), Message("assistant", f"Sure! {LONG}"))
    new = only(run(Simplify(), task(ASKED, f"Sure! {LONG}", later=later)))
    assert new.instances[0].output == LONG
    assert [turn.content for turn in new.later] == ["And the lungs?", LONG]


def test_a_model_is_asked_and_its_rewrite_taken() -> None:
    teller = says(SHORT)
    new = only(run(MODEL, task(ASKED, LONG), model=teller))
    assert new.instances[0].output == SHORT
    assert (new.provenance.model, new.provenance.prompt) == ("scripted:test", "simplify.chat/1")
    assert new.provenance.request == "key.0/0"
    assert ASKED in text_of(teller.asked[0])
    assert LONG in text_of(teller.asked[0])


def test_a_model_that_only_completes_gets_a_text_with_an_end_mark() -> None:
    teller = Teller(lambda _request, _index: f" {SHORT}\n<<<END>>>\nAsked:", traits=Traits(chat=False))
    new = only(run(MODEL, task(ASKED, LONG), model=teller))
    assert new.instances[0].output == SHORT
    assert isinstance(teller.asked[0].prompt, str)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("The heart beats 90000 times a day.", "new_number"),
        ("The heart, said Galen, pumps blood through the body.", "new_name"),
        ("- The heart\n- pumps blood through the body", "skeleton"),
        ("", "empty"),
        (LONG, "nothing_to_cut"),
        (Choice("The heart pumps", "length"), "truncated"),
    ],
)
def test_a_rewrite_that_fails_a_check_leaves_the_original(answer: str | Choice, reason: str) -> None:
    old = task(ASKED, LONG)
    outcomes = run(MODEL, old, model=Teller(lambda _request, _index: answer))
    assert only(outcomes) is old
    assert why(outcomes) == [reason]


@pytest.mark.parametrize(
    ("verdict", "reason"), [("Yes", "changed"), ("No.", "not_entailed"), ("Hm", "unclear_entailment")]
)
def test_a_judge_may_be_asked_whether_the_rewrite_says_anything_new(verdict: str, reason: str) -> None:
    teller = says(SHORT, verdict)
    assert why(run(Simplify(model="teacher", entailment=True), task(ASKED, LONG), model=Shared(teller))) == [reason]
    assert [request.purpose for request in teller.asked] == ["simplify", "entails"]


class Shared(Teller):
    """A teller whose list goes on from one call to the next."""

    def __init__(self, teller: Teller) -> None:
        super().__init__(lambda request, _index: teller.answers(request, len(teller.asked) - 1), asked=teller.asked)


def test_short_replies_cost_no_request_and_answers_stay_in_step() -> None:
    tasks = [task(f"{ASKED} {n}", *(["Yes."] if n % 3 else [LONG, "No.", LONG + f" {n}"])) for n in range(20)]

    def answers(request: Request, _index: int) -> str:
        number = request.subject.rpartition(" ")[2]
        return f"The heart is a muscle that pumps blood ({number})."

    teller = Teller(answers)
    outcomes = run(MODEL, *tasks, model=teller)
    assert len(teller.asked) == 14
    for outcome, old in zip(outcomes, tasks, strict=True):
        assert isinstance(outcome, Kept)
        number = old.instruction.rpartition(" ")[2]
        new = f"The heart is a muscle that pumps blood ({number})."
        outputs = [pair.output for pair in outcome.record.instances]
        assert outputs == (["Yes."] if len(outputs) == 1 else [new, "No.", new])


def test_a_call_that_fails_fails_its_record_and_no_other() -> None:
    teller = Teller(lambda _request, index: None if index == 0 else SHORT)
    outcomes = run(MODEL, task(ASKED, LONG), task("And what is it?" + ASKED, LONG), model=teller)
    assert [type(outcome) for outcome in outcomes] == [Failed, Kept]


def test_a_record_that_a_model_has_simplified_is_not_asked_about_again() -> None:
    new = only(run(MODEL, task(ASKED, LONG), model=says(SHORT)))
    assert BY_MODEL in new.measures
    silent = Teller(lambda _request, _index: None)
    assert only(run(Simplify(model="teacher", words_at_least=0), new, model=silent)) is new
    assert not silent.asked


def test_a_small_model_is_not_asked_and_the_reason_is_told() -> None:
    small = Teller(lambda _request, _index: None, traits=Traits(small=True))
    measures = measured(MODEL, task(ASKED, LONG), model=small)["simplify_mode"]
    assert isinstance(measures, dict)
    assert measures["by"] == "rules"
    assert "small" in str(measures["why"])
    assert not small.asked
    assert measured(Simplify(model="teacher", by="model"), model=small)["simplify_mode"] == {
        "by": "model",
        "why": "asked for",
    }


def test_a_model_must_be_named_to_be_asked() -> None:
    with pytest.raises(BadInput, match="no model is named"):
        run(Simplify(by="model"), task(ASKED, LONG))


def test_the_table_tells_before_and_after() -> None:
    measures = measured(Simplify(), task(ASKED, f"{LONG} I hope this helps!"), task(ASKED, "Yes."))["before_after"]
    assert isinstance(measures, dict)
    assert measures["replies"] == 2
    assert measures["changed"] == 1
    assert measures["unchanged"] == {"short": 1}
    assert measures["characters"] == {"before": len(LONG) + 19, "after": len(LONG)}
    assert measures["facts"] == {"kept": 3, "there": 3}
    assert measures["cuts"] == {"closer": 1}


def test_an_empty_set_has_a_table_too() -> None:
    measures = measured(Simplify())["before_after"]
    assert isinstance(measures, dict)
    assert measures["characters"] == {"before": 0, "after": 0}


@given(
    st.lists(st.sampled_from(["Sure!", "Great question!", LONG, "I hope this helps!", "- one", "Done."]), max_size=7)
)
def test_the_stage_is_idempotent_by_rules(pieces: list[str]) -> None:
    once = only(run(Simplify(words_at_least=0), task(ASKED, " ".join(pieces))))
    assert only(run(Simplify(words_at_least=0), once)) is once


@pytest.mark.parametrize(
    ("output", "plain"),
    [
        ("<think>\nA metal. Tin is one.\n</think>\n\nTin.", "Tin."),
        ("</think>\nTin.", "Tin."),
        ("[THINK]Which?[/THINK]Tin.", "Tin."),
        ("Tin.<\uff5cend\u2581of\u2581sentence\uff5c>", "Tin."),
        ("<think>x</think>Tin.<|im_end|>", "Tin."),
        (f"<think>How long?</think>Great question! {LONG} I hope this helps!", LONG),
    ],
)
def test_thinking_and_marks_that_end_a_turn_are_cut_however_short_the_reply(output: str, plain: str) -> None:
    new = only(run(Simplify(), task("Name a metal.", output)))
    assert new.instances[0].output == plain
    assert only(run(Simplify(), new)) is new


def test_a_reply_that_is_only_thinking_stays_and_says_so() -> None:
    for output in ("<think>\nWhich metal do they", "<think>Tin?</think>", "Okay, so the user wants a metal. I"):
        old = task("Name a metal.", output)
        outcomes = run(Simplify(), old)
        assert only(outcomes) is old
        assert why(outcomes) == ["only_thinking"]


def test_a_model_is_not_shown_thinking_and_what_it_does_not_rewrite_loses_it_too() -> None:
    teller = says(SHORT)
    long, short = task(ASKED, f"<think>Which organ?</think>{LONG}"), task(ASKED, "</think>\nIt pumps.")
    outcomes = run(MODEL, long, short, model=teller)
    outputs = [outcome.record.instances[0].output for outcome in outcomes if isinstance(outcome, Kept)]
    assert outputs == [SHORT, "It pumps."]
    assert all("Which organ" not in text_of(request) for request in teller.asked)
