"""The stage `expand`: which replies grow, what they must keep, and what is told."""

import pytest

from selfinstruct.curate.expand import BY_MODEL, Expand
from selfinstruct.errors import BadInput
from selfinstruct.records import Choice, Message, Task
from selfinstruct.stage import Failed, Kept, Outcome
from tests.curate.builders import Teller, measured, run, task, text_of

ASKED = "How long should tea steep?"
SHORT = "It should steep for 4 minutes."
FULL = "It should steep for 4 minutes. In that time the water takes most of the taste out of the leaves."
STAGE = Expand()


def says(*texts: str | Choice) -> Teller:
    return Teller(lambda _request, index: texts[index])


def of(outcomes: list[Outcome]) -> tuple[Task, list[object]]:
    [outcome] = outcomes
    assert isinstance(outcome, Kept)
    replies = outcome.evidence["replies"]
    assert isinstance(replies, list)
    return outcome.record, [reply.get("reason", "changed") for reply in replies if isinstance(reply, dict)]


def test_a_fuller_text_takes_the_place_of_the_reply() -> None:
    model, old = says(FULL), task(ASKED, SHORT)
    new, reasons = of(run(STAGE, old, model=model))
    assert reasons == ["changed"]
    assert new.instances[0].output == FULL
    assert new.provenance.stage == "expand"
    assert new.provenance.parents == (old.id,)
    assert new.measures[BY_MODEL] == round(len(FULL) / len(SHORT), 4)
    assert ASKED in text_of(model.asked[0])
    assert SHORT in text_of(model.asked[0])
    sums = measured(STAGE, old, model=says(FULL))["expanded"]
    assert sums == {"changed": 1, "unchanged": {}, "characters": {"before": len(SHORT), "after": len(FULL)}}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (FULL.replace("4", "5"), "lost_fact"),
        ("About 4 minutes.", "ratio"),
        (Choice(FULL, "length"), "truncated"),
    ],
)
def test_a_text_that_loses_a_number_is_no_longer_or_was_cut_is_not_taken(said: str | Choice, reason: str) -> None:
    old = task(ASKED, SHORT)
    new, reasons = of(run(STAGE, old, model=says(said)))
    assert new is old
    assert reasons == [reason]


def test_labels_code_and_nothing_are_not_even_asked_about() -> None:
    label = Task(
        instruction="Even or odd?",
        instances=task("", "odd").instances,
        is_classification=True,
        provenance=old().provenance,
    )
    for record, reason in ((label, "label"), (task(ASKED, "`ls`"), "code"), (task(ASKED, " "), "empty_reply")):
        model = says()
        assert of(run(STAGE, record, model=model)) == (record, [reason])
        assert model.asked == []


def old() -> Task:
    return task(ASKED, SHORT)


def test_every_reply_of_a_conversation_is_asked_about_and_one_may_stay() -> None:
    talk = task(ASKED, SHORT, later=(Message("user", "And green tea?"), Message("assistant", "For 2 minutes.")))
    new, reasons = of(run(STAGE, talk, model=says(FULL, "Shorter.")))
    assert reasons == ["changed", "ratio"]
    assert [turn.content for turn in new.later] == ["And green tea?", "For 2 minutes."]


def test_a_model_that_does_not_answer_is_a_failure_and_no_empty_text() -> None:
    model = Teller(lambda _request, _index: None)
    [outcome] = run(STAGE, old(), model=model)
    assert isinstance(outcome, Failed)


def test_knobs_that_take_nothing_are_refused() -> None:
    with pytest.raises(BadInput, match="ratios"):
        Expand(ratio_at_least=0.9)
    with pytest.raises(BadInput, match="no model"):
        Expand(model="")
