"""Proposing tasks: what is shown, what is asked, and what becomes of each answer."""

from dataclasses import replace
from random import Random

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.generate.propose import Propose, draw
from selfinstruct.generate.propose_prompts import ordinals
from selfinstruct.records import Choice, Completion, Message, Provenance, Task
from selfinstruct.stage import Failed, Kept, Measured, Outcome, Rejected, RoundStart, Traits
from tests.generate.builders import Teller, bench, seed, task

SEEDS = [seed(f"Seed task number {number}.") for number in range(12)]
SMALL = Traits(small=True)
CHAT = Traits(completion=False)


def proposed(stage: Propose, teller: Teller, seeds: list[Task] = SEEDS, rounds: int = 1) -> list[Outcome]:
    return list(stage([], bench(teller, seeds, rounds=(RoundStart(rounds, 0),))))


def kept(outcomes: list[Outcome]) -> list[Task]:
    return [outcome.record for outcome in outcomes if isinstance(outcome, Kept)]


def test_eight_demonstrations_are_shown_and_named_as_parents() -> None:
    teller = Teller(lambda *_: " Ask NASA.\n10. Sort them.")
    tasks = kept(proposed(Propose(), teller))
    assert [task.instruction for task in tasks] == ["Ask NASA.", "Sort them."]
    by_id = {seed_task.id: seed_task for seed_task in SEEDS}
    shown = [by_id[parent].instruction for parent in tasks[0].provenance.parents]
    prompt = teller.asked[0].prompt
    assert isinstance(prompt, str)
    assert prompt.endswith("".join(f"{at}. {text}\n" for at, text in enumerate(shown, 1)) + "9.")
    assert len(shown) == 8
    assert tasks[0].provenance.request == "key.0/0"
    assert tasks[0].provenance.prompt == "propose.completion/1"


def test_stops_follow_the_number_of_demonstrations_and_stand_at_line_starts() -> None:
    teller = Teller(lambda *_: " In 2016. a")
    proposed(Propose(demonstrations=4, items=5), teller)
    assert teller.asked[0].stop == ("\n\n", "\n10.")


@pytest.mark.parametrize("count", range(1, 8))
def test_one_to_seven_seeds_show_fewer_and_say_so(count: int) -> None:
    teller = Teller(lambda *_: " A new task.")
    outcomes = proposed(Propose(), teller, SEEDS[:count])
    assert outcomes[0] == Measured("fewer_demonstrations", {"asked": 8, "seeds": count})
    assert len(kept(outcomes)[0].provenance.parents) == count


def test_machine_tasks_take_at_most_their_share() -> None:
    teller = Teller(lambda *_: " A new task.")
    machine = [task(f"Machine task {number}") for number in range(9)]
    given = bench(teller, SEEDS, machine, rounds=(RoundStart(3, 0), RoundStart(3, 9)))
    for proposal in kept(list(Propose()([], given))):
        assert sum(parent in {known.id for known in machine} for parent in proposal.provenance.parents) == 2


def test_each_request_draws_by_its_own_number_whatever_the_rest_of_the_round() -> None:
    few, many = Teller(lambda *_: " A."), Teller(lambda *_: " A.")
    proposed(Propose(), few, rounds=2)
    proposed(Propose(), many, rounds=5)
    assert [request.prompt for request in few.asked] == [request.prompt for request in many.asked[:2]]
    assert len({request.prompt for request in many.asked}) == 5


def test_a_cut_choice_loses_its_last_item_only() -> None:
    outcomes = proposed(Propose(), Teller(lambda *_: Choice(" One.\n10. Two.\n11. Thr", "length")))
    assert [task.instruction for task in kept(outcomes)] == ["One.", "Two."]
    torn = outcomes[-1]
    assert isinstance(torn, Rejected)
    assert (torn.reason, isinstance(torn.record, Task) and torn.record.instruction) == ("truncated", "Thr")


def test_a_choice_without_an_item_and_a_failure_are_told_apart() -> None:
    outcomes = proposed(Propose(), Teller(lambda _, at: " \n" if at else None), rounds=2)
    failed, empty = outcomes
    assert isinstance(failed, Failed)
    assert isinstance(empty, Rejected)
    assert isinstance(empty.record, Completion)
    assert (empty.reason, empty.evidence["choice"]) == ("no_item", 0)


def test_every_choice_is_read_in_its_order_and_twins_have_identities_of_their_own() -> None:
    teller = Teller(lambda *_: (Choice(" Same.\nTask 10: Same.", "stop"), Choice(" Same.", "stop")), SMALL)
    tasks = kept(proposed(Propose(), teller))
    assert [(task.provenance.request, task.ordinal) for task in tasks] == [
        ("key.0/0", 0),
        ("key.0/0", 1),
        ("key.0/1", 0),
    ]
    assert len({task.id for task in tasks}) == 3


def test_a_small_model_gets_one_raw_list_and_gives_eight_choices() -> None:
    teller = Teller(lambda *_: " A new one.", SMALL)
    assert kept(proposed(Propose(), teller))[0].provenance.prompt == "propose.small/1"
    asked = teller.asked[0]
    assert isinstance(asked.prompt, str)
    assert asked.prompt.endswith("\nTask 9:")
    assert (asked.n, asked.temperature, asked.stop) == (8, 0.8, ("\n\n", "\nTask 10:"))


def test_a_small_model_is_shown_tasks_that_need_no_input_where_there_are_enough() -> None:
    alone = [seed(f"Alone {number}") for number in range(8)]
    others = [seed("With input", "x"), seed("Labels", is_classification=True)]
    for stage, seeds, named in (
        (Propose(), [*others, *alone], False),
        (Propose(demonstrations=9), [*others, *alone[:7]], True),
        (Propose(demonstrate="any", demonstrations=10), [*others, *alone], True),
    ):
        teller = Teller(lambda *_: " A new one.", SMALL)
        list(stage([], bench(teller, seeds)))
        assert ("With input" in str(teller.asked[0].prompt)) is named


def test_a_chat_model_gets_messages_and_a_structured_one_a_schema() -> None:
    plain = Teller(lambda *_: "Sure!\n\n9. **Name a river.**\n10. Sort them.", CHAT)
    assert [task.instruction for task in kept(proposed(Propose(), plain))] == ["Name a river.", "Sort them."]
    assert isinstance(plain.asked[0].prompt, tuple)
    assert isinstance(plain.asked[0].prompt[0], Message)
    held = Teller(lambda *_: '{"tasks": ["Name a river.", "Sort them."]}', replace(CHAT, structured=True))
    assert [task.instruction for task in kept(proposed(Propose(), held))] == ["Name a river.", "Sort them."]
    assert '"tasks"' in held.asked[0].json_schema
    loose = Teller(lambda *_: "9. Name a river.\n10. Sort them.", replace(CHAT, structured=True))
    assert [task.instruction for task in kept(proposed(Propose(), loose))] == ["Name a river.", "Sort them."]


def test_the_alpaca_style_brings_instances_along() -> None:
    teller = Teller(lambda *_: " Add.\n4. Input:\n1 2\n4. Output:\n3\n###\n5. Instruction: Greet.\n5. Input:\nAda")
    outcomes = proposed(Propose(style="alpaca"), teller)
    [added] = kept(outcomes)
    assert [(pair.input, pair.output) for pair in added.instances] == [("1 2", "3")]
    assert (teller.asked[0].temperature, teller.asked[0].max_tokens) == (1.0, 3072)
    unfinished = outcomes[-1]
    assert isinstance(unfinished, Rejected)
    assert unfinished.reason == "no_output"


def test_alpaca_needs_seeds_with_outputs() -> None:
    with pytest.raises(BadInput, match="no seed task has an instance"):
        proposed(Propose(style="alpaca"), Teller(lambda *_: ""), [seed("Bare.", output="")])


def test_only_classification_seeds_are_shown_when_only_those_are_wanted() -> None:
    labelled = [seed(f"Label {number}", is_classification=True) for number in range(3)]
    teller = Teller(lambda *_: " A new one.")
    tasks = kept(proposed(Propose(classification_only=True), teller, [*SEEDS, *labelled]))
    assert set(tasks[0].provenance.parents) == {task.id for task in labelled}


def test_the_reference_profile_throws_a_cut_completion_away_and_loses_case() -> None:
    def answers(_: object, at: int) -> Choice:
        return Choice(" Ask NASA.\n10. Sort them.", "length" if at else "stop")

    teller = Teller(answers)
    outcomes = proposed(Propose(profile="reference"), teller, rounds=2)
    assert [task.instruction for task in kept(outcomes)] == ["Ask nasa.", "Sort them."]
    cut = outcomes[-1]
    assert isinstance(cut, Rejected)
    assert (cut.reason, isinstance(cut.record, Completion)) == ("truncated", True)
    asked = teller.asked[0]
    assert (asked.temperature, asked.top_p, asked.presence_penalty, asked.max_tokens) == (0.7, 0.5, 2.0, 1024)
    assert asked.stop == ("\n\n", "\n16", "16.", "16 .")


def test_a_recording_may_lack_some_prompts_but_not_all_of_a_round() -> None:
    some = Teller(lambda _, at: " A new one." if at else None, kind="not_recorded")
    assert len(kept(proposed(Propose(profile="reference"), some, rounds=2))) == 1
    none = Teller(lambda *_: None, kind="not_recorded")
    with pytest.raises(BadInput, match=r"none of this round's 3 prompts: the nearest entry is"):
        proposed(Propose(profile="reference"), none, rounds=3)


def test_ordinals_count_identical_siblings() -> None:
    assert ordinals([]) == []


@pytest.mark.parametrize("traits", [Traits(), SMALL, CHAT])
def test_about_half_of_the_requests_name_a_kind_that_feedback_wants_and_the_others_none(traits: Traits) -> None:
    teller = Teller(lambda *_: " A new task.", traits)
    wanted = {"tasks about rivers": 3.0, "tasks about lakes": 1.0}
    given = replace(bench(teller, SEEDS, rounds=(RoundStart(200, 0),)), wanted=wanted)
    list(Propose()([], given))
    prompts = [str(request.prompt) for request in teller.asked]
    named = {what: sum(what in prompt for prompt in prompts) for what in wanted}
    assert 80 <= sum(named.values()) <= 120
    assert named["tasks about rivers"] > 2 * named["tasks about lakes"] > 0


def test_a_run_of_classification_tasks_alone_names_no_other_kind() -> None:
    seeds = [replace(seed_task, is_classification=True) for seed_task in SEEDS]
    teller = Teller(lambda *_: " A new task.")
    given = replace(bench(teller, seeds, rounds=(RoundStart(20, 0),)), wanted={"tasks about rivers": 3.0})
    list(Propose(classification_only=True)([], given))
    assert not any("about rivers" in str(request.prompt) for request in teller.asked)


def test_whether_a_request_names_a_kind_has_nothing_to_do_with_what_it_shows() -> None:
    """Drawn from one stream, the first task would stand in no request that names a kind, and in many others."""
    teller = Teller(lambda *_: " A new task.")
    weights = {seed_task.id: 1.5 for seed_task in SEEDS}
    given = replace(
        bench(teller, SEEDS, rounds=(RoundStart(1000, 0),)), wanted={"tasks about rivers": 3.0}, guidance=weights
    )
    list(Propose(demonstrations=2, machine_demonstrations=0)([], given))
    shown: dict[bool, list[bool]] = {True: [], False: []}
    for request in teller.asked:
        shown["about rivers" in str(request.prompt)].append(SEEDS[0].instruction in str(request.prompt))
    with_kind, without = (sum(shares) / len(shares) for shares in (shown[True], shown[False]))
    assert abs(with_kind - without) < 0.5 * max(with_kind, without)


def tasks(count: int, stage: str) -> list[Task]:
    return [Task(instruction=f"{stage} {number}", provenance=Provenance(stage=stage)) for number in range(count)]


@pytest.mark.parametrize(("seeds", "shown"), [(20, (4, 4)), (4, (4, 4)), (3, (3, 3)), (1, (1, 1))])
def test_however_few_seeds_there_are_machine_tasks_are_no_more_than_they(seeds: int, shown: tuple[int, int]) -> None:
    drawn = draw(Random(1), tasks(30, "propose"), tasks(seeds, "seed"), 8, 4, {})
    assert (
        sum(task.provenance.stage == "propose" for task in drawn),
        sum(task.provenance.stage == "seed" for task in drawn),
    ) == shown


def test_what_weighs_more_is_shown_more() -> None:
    seeds = tasks(10, "seed")
    heavy = seeds[0].id
    drawn = [draw(Random(number), (), seeds, 2, 0, {heavy: 3.0}) for number in range(1000)]
    times = sum(task.id == heavy for shown in drawn for task in shown)
    assert 350 < times < 550  # 3 of 12, then 3 of 11, against 2 of 10 without
