"""Ratings by a model."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.measures.rate import SCHEMA, AnswerRating, Rate, parse_verdict
from selfinstruct.records import Choice, Completion, Failure, Message, Request, Task, Usage
from selfinstruct.stage import Bench, Failed, Kept, Measured, Outcome, Traits
from tests.curate.records import task


@dataclass
class Rater:
    """Says the next of its answers; None is a failure."""

    answers: Sequence[str | None]
    traits: Traits = field(default_factory=Traits)
    name: str = "scripted:rater"
    asked: list[Request] = field(default_factory=list)

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        for at, request in enumerate(requests):
            said = self.answers[len(self.asked)]
            self.asked.append(request)
            if said is None:
                yield Failure(request=f"key.{at}", kind="timeout", message="no answer")
            else:
                usage = Usage(prompt_tokens=1, completion_tokens=1)
                yield Completion(request=f"key.{at}", choices=(Choice(said, "stop"),), usage=usage, model=self.name)


def outcomes(rater: Rater, *tasks: Task, stage: Rate | None = None) -> list[Outcome]:
    return list((stage or Rate())(tasks, Bench(models={"teacher": rater}, stage="rate")))


def asked_of(request: Request) -> str:
    if isinstance(request.prompt, str):
        return request.prompt
    [message] = request.prompt
    return message.content


@pytest.mark.parametrize(
    ("said", "rating"),
    [
        ('{"reason": "Right.", "rating": 4}', 4.0),
        ('```json\n{"reason": "Right.", "rating": 4.5}\n```', 4.5),
        ('{"reason": "cut \\"off", "rating": 3', 3.0),
        ("All of it is right.\nRating: 5", 5.0),
        ("All of it is right.\n**Rating:** 4.5/5", 4.5),
        ("Score = 2 out of 5. It is short.", 2.0),
        ("At first a rating of 5, but the sum is wrong.\nRating: 1", 1.0),
        ("I would rate this answer a 3.", 3.0),
        ("4", 4.0),
        ("4.5\nIt is good.", 4.5),
        ("It is good.\n(3/5)", 3.0),
        ("3,5 points", 3.5),
        ("Rating: 0", 0.0),
        ("Rating: 7", None),
        ("Rating: 4/10", None),
        ("Rating: 80%", None),
        ("Rating: 0-5", None),
        ("Rating: 0 to 5", None),
        ('{"reason": "x", "rating": 9}', None),
        ('{"reason": "x", "rating": true}', None),
        ("It has 3 rivers and 4 lakes.", None),
        ("I cannot rate it.", None),
        ("", None),
        ("[" * 5000, None),
    ],
)
def test_a_rating_is_read_however_it_is_said_or_not_at_all(said: str, rating: float | None) -> None:
    parsed = parse_verdict(said)
    assert (parsed.rating if parsed else None) == rating


@given(st.integers(0, 10).map(lambda half: half / 2), st.from_regex(r"[A-Z][a-z ]{0,40}\.", fullmatch=True))
def test_what_the_prompt_asks_for_is_read_back(rating: float, reason: str) -> None:
    expected = AnswerRating(rating, " ".join(reason.split(" ")).strip())
    assert parse_verdict(f"Reason: {reason}\nRating: {rating:g}") == expected
    assert parse_verdict(f"{reason}\nRating: {rating}") == expected


@given(st.text())
def test_any_answer_is_read_to_a_rating_in_range_or_to_none(text: str) -> None:
    parsed = parse_verdict(text)
    assert parsed is None or 0 <= parsed.rating <= 5


def test_the_rating_is_a_measure_and_its_reason_evidence() -> None:
    river = task("Name a river.", ("", "The Nile."), words=4)
    [kept, measured] = outcomes(Rater(["It is right.\nRating: 4.5"]), river)
    assert isinstance(kept, Kept)
    assert kept.record.id == river.id
    assert kept.record.measures == {"words": 4, "rating": 4.5}
    assert kept.evidence == {
        "model": "scripted:rater",
        "prompt": "rate.chat/1",
        "request": "key.0/0",
        "rating": 4.5,
        "reason": "It is right.",
    }
    assert isinstance(measured, Measured)
    counts = {f"{half / 2:g}": int(half == 9) for half in range(11)}
    assert (measured.name, measured.value) == (
        "rating",
        {"model": "scripted:rater", "small": False, "counts": counts, "unclear": 0},
    )


def test_an_unclear_answer_leaves_the_task_without_a_rating_even_an_old_one() -> None:
    [kept, _] = outcomes(Rater(["I like rivers."]), task("Name a river.", ("", "The Nile."), rating=5.0))
    assert isinstance(kept, Kept)
    assert kept.evidence["unclear"] == "I like rivers."
    assert kept.record.measures == {}


def test_several_instances_have_the_mean_and_none_if_one_is_unclear() -> None:
    pairs = (("1", "one"), ("2", "two"))
    first, second, _ = outcomes(
        Rater(["Rating: 5", "Rating: 2", "Rating: 5", "?"]), task("A", *pairs), task("B", *pairs)
    )
    assert isinstance(first, Kept)
    assert isinstance(second, Kept)
    assert (first.record.measures["rating"], first.evidence["ratings"]) == (3.5, [5.0, 2.0])
    assert second.evidence["unclear"] == "?"


def test_every_record_has_one_fate_in_its_place_whatever_the_model_does() -> None:
    tasks = [
        task("A", ("", "a")),
        task("B"),
        task("C", ("", "c"), ("1", "c")),
        task("D"),
        task("E", ("", "e")),
    ]
    rater = Rater(["Rating: 1", None, "Rating: 1", "Rating: 3"])
    fates = outcomes(rater, *tasks)
    decisions = [
        (type(fate), fate.record.instruction) for fate in fates if isinstance(fate, Kept | Failed) and fate.record
    ]
    assert decisions == [(Kept, "A"), (Kept, "B"), (Failed, "C"), (Kept, "D"), (Kept, "E")]
    assert len(rater.asked) == 4


def test_the_question_holds_the_parts_of_the_task_and_is_asked_coldly() -> None:
    rater = Rater(["Rating: 1"] * 2)
    talk = task("Name {input}.", ("of Spain", "Ebro"), later=(("Longer?", "Tagus"),))
    outcomes(rater, talk, task("B", ("", " ")))
    text = asked_of(rater.asked[0])
    assert "Name {input}." in text  # braces of a task stay what they are
    assert "of Spain" in text
    assert "Ebro\n\nUser: Longer?\n\nAssistant: Tagus" in text
    assert "(none)" in asked_of(rater.asked[1])
    assert "(empty)" in asked_of(rater.asked[1])
    assert (rater.asked[0].temperature, rater.asked[0].purpose) == (0.0, "rate")


@pytest.mark.parametrize(
    ("traits", "stage", "chat", "schema"),
    [
        (Traits(structured=True), Rate(), True, SCHEMA),
        (Traits(structured=True), Rate(structured=False), True, ""),
        (Traits(), Rate(), True, ""),
        (Traits(chat=False, structured=True), Rate(), False, ""),
        (Traits(), Rate(template="completion"), False, ""),
    ],
)
def test_the_question_has_the_form_that_the_model_takes(
    traits: Traits,
    stage: Rate,
    chat: bool,  # noqa: FBT001 - a row of the table
    schema: str,
) -> None:
    rater = Rater(["Rating: 1"], traits)
    outcomes(rater, task("A", ("", "a")), stage=stage)
    [request] = rater.asked
    assert isinstance(request.prompt, tuple) == chat
    assert request.json_schema == schema
    assert chat or (isinstance(request.prompt, str) and request.prompt.endswith("Reason:"))
    assert not chat or (isinstance(request.prompt, tuple) and isinstance(request.prompt[0], Message))
