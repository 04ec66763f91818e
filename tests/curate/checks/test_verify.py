"""The stage `verify`."""

import pytest

from selfinstruct.curate.checks.verify import CHECKERS, Verify
from selfinstruct.errors import BadInput
from selfinstruct.records import Message, Request
from selfinstruct.stage import Failed, Kept, Rejected, Traits
from tests.curate.builders import Teller, measured, run, task, text_of

SUM = "Add the numbers."
GOOD, WRONG = "2 + 2 = 4", "2 + 2 = 5"
VERDICT = Verify(by=("verdict",), model="teacher")
AGREEMENT = Verify(by=("agreement",), model="teacher")


def decisions(*outcomes: object) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


def test_a_wrong_reply_is_rejected_with_what_was_expected_and_found() -> None:
    (outcome,) = run(Verify(), task(SUM, WRONG))
    assert isinstance(outcome, Rejected)
    assert outcome.reason == "arithmetic"
    assert outcome.evidence == {
        "check": "arithmetic",
        "place": "instance 0",
        "expected": "2 + 2 = 4",
        "found": "2 + 2 = 5",
        "output": WRONG,
    }


def test_a_right_reply_is_kept_and_says_which_checks_applied() -> None:
    old = task(SUM, GOOD)
    (outcome,) = run(Verify(), old)
    assert isinstance(outcome, Kept)
    assert outcome.record is old
    assert outcome.evidence == {"checked": ["arithmetic"]}


@pytest.mark.parametrize(
    ("check", "instruction", "output"),
    [
        ("arithmetic", "What is 3 * 4?", "13"),
        ("json", "Give it in JSON format.", "{a: 1}"),
        ("code", "Write some code.", "```python\ndef f(\n```"),
        ("labels", "Classify the tweet as good or bad.", "seven"),
        ("language", "Translate the sentence into Russian.", "Good day to you all"),
        ("constraints", "Describe a cat in one sentence.", "It purrs. It sleeps."),
    ],
)
def test_every_checker_rejects_by_its_name_and_can_be_left_out(check: str, instruction: str, output: str) -> None:
    (outcome,) = run(Verify(), task(instruction, output))
    assert isinstance(outcome, Rejected)
    assert outcome.reason == check
    rest = tuple(name for name in CHECKERS if name != check)
    assert decisions(*run(Verify(by=rest), task(instruction, output))) == ["Kept"]


def test_only_the_wrong_instances_of_a_task_go() -> None:
    old = task(SUM, GOOD, WRONG, "3 + 3 = 6")
    (outcome,) = run(Verify(), old)
    assert isinstance(outcome, Kept)
    assert [pair.output for pair in outcome.record.instances] == [GOOD, "3 + 3 = 6"]
    assert outcome.record.provenance.parents == (old.id,)
    dropped = outcome.evidence["dropped"]
    assert isinstance(dropped, list)
    assert len(dropped) == 1


def test_a_conversation_with_a_wrong_turn_is_rejected_whole() -> None:
    later = (Message("user", SUM), Message("assistant", WRONG))
    (outcome,) = run(Verify(), task("Say hello.", "Hello.", later=later))
    assert isinstance(outcome, Rejected)
    assert outcome.evidence["place"] == "turn 1"


def test_tasks_without_replies_are_kept() -> None:
    assert decisions(*run(Verify(), task(SUM), task(SUM, ""))) == ["Kept", "Kept"]


def test_what_each_checker_did_is_measured() -> None:
    measures = measured(Verify(), task(SUM, GOOD, WRONG), task("Write code.", "```rust\nfn f() {}\n```"))["verified"]
    assert measures == {
        "arithmetic": {"applied": 2, "passed": 1, "rejected": 1},
        "code": {"applied": 1, "passed": 0, "rejected": 0, "unchecked": 1},
    }


def test_without_a_model_only_what_can_be_computed_is_checked() -> None:
    measures = measured(Verify(by=("arithmetic", "verdict")), task(SUM, "4"))["verify_mode"]
    assert measures == {"asked": [], "why": "no model is named"}


def test_several_answers_are_asked_for_at_once_and_the_majority_decides() -> None:
    teller = Teller(lambda _request, _index: ("7", "Answer: 7", "8"))
    wrong, right = run(AGREEMENT, task("How many days has a week?", "8"), task("How many?", "7"), model=teller)
    assert isinstance(wrong, Rejected)
    assert (wrong.reason, wrong.evidence["expected"], wrong.evidence["found"]) == ("agreement", "7 (2 of 3)", "8")
    assert wrong.evidence["request"] == "key.0/0"
    assert isinstance(right, Kept)
    assert [request.n for request in teller.asked] == [3, 3]
    assert "How many days has a week?" in text_of(teller.asked[0])
    assert "8" not in text_of(teller.asked[0])


def test_a_model_that_gives_one_choice_is_asked_as_often_as_needed() -> None:
    teller = Teller(lambda _request, index: str(index % 3), traits=Traits(completion=False, multiple=False))
    outcomes = run(AGREEMENT, task("How many?", "8"), task("How many more?", "2"), model=teller)
    assert decisions(*outcomes) == ["Kept", "Kept"]  # three different answers are no majority
    assert [request.n for request in teller.asked] == [1] * 6
    assert len({request.seed for request in teller.asked[:3]}) == 3


def test_long_outputs_are_not_put_to_the_vote() -> None:
    teller = Teller(lambda _request, _index: ("no", "no", "no"))
    assert decisions(*run(AGREEMENT, task("Tell a story.", "Once upon a time " * 9), model=teller)) == ["Kept"]
    assert not teller.asked


@pytest.mark.parametrize(
    ("said", "decision"),
    [("Correct", "Kept"), ("Incorrect: it has seven.", "Rejected"), ("Hm.", "Kept"), (None, "Failed")],
)
def test_a_verdict_decides_when_it_is_one(said: str | None, decision: str) -> None:
    (outcome,) = run(VERDICT, task("How many days has a week?", "Eight."), model=Teller(lambda _request, _index: said))
    assert decisions(outcome) == [decision]
    if isinstance(outcome, Rejected):
        assert outcome.evidence["found"] == "Incorrect: it has seven."


def test_a_model_is_not_asked_about_what_is_known_to_be_wrong() -> None:
    teller = Teller(lambda _request, _index: "Correct")
    outcomes = run(
        Verify(model="teacher", by=("arithmetic", "verdict")), task(SUM, WRONG), task(SUM, GOOD), model=teller
    )
    assert decisions(*outcomes) == ["Rejected", "Kept"]
    assert len(teller.asked) == 1


def test_answers_stay_in_step_with_the_records_they_are_about() -> None:
    tasks = [task(f"Task {n}", *([] if n % 4 == 0 else [f"reply {n}"] * (n % 3))) for n in range(24)]

    def answers(request: Request, _index: int) -> str | None:
        number = int(request.subject.removeprefix("Task "))
        return None if number == 5 else "Incorrect" if number % 2 else "Correct"

    outcomes = run(VERDICT, *tasks, model=Teller(answers))
    for number, (old, outcome) in enumerate(zip(tasks, outcomes, strict=True)):
        expected: type = Kept
        if old.instances:
            expected = Failed if number == 5 else Rejected if number % 2 else Kept
        assert type(outcome) is expected


def test_a_small_model_is_only_asked_when_it_is_to_be_trusted() -> None:
    small = Teller(lambda _request, _index: "Incorrect", traits=Traits(small=True))
    assert decisions(*run(VERDICT, task("How many?", "Seven."), model=small)) == ["Kept"]
    assert not small.asked
    trusting = Verify(by=("verdict",), model="teacher", trust_small=True)
    assert decisions(*run(trusting, task("How many?", "Seven."), model=small)) == ["Rejected"]


def test_a_model_that_only_completes_gets_texts_with_stops() -> None:
    teller = Teller(lambda _request, _index: " Correct", traits=Traits(chat=False))
    assert decisions(*run(VERDICT, task("How many?", "Seven."), model=teller)) == ["Kept"]
    assert isinstance(teller.asked[0].prompt, str)
    assert teller.asked[0].stop


def test_unknown_checks_and_single_votes_are_refused() -> None:
    with pytest.raises(BadInput, match="did you mean 'arithmetic'"):
        run(Verify(by=("arithmetics",)))
    with pytest.raises(BadInput, match="majority"):
        run(Verify(answers=1))
