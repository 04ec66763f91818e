"""Prompts to score a model by."""

from selfinstruct.fragment.score_prompts import prompts_of
from selfinstruct.records import Provenance, Task
from tests.fragment.builders import many, task


def test_each_instruction_comes_whole_and_cut() -> None:
    tasks = many(30)
    found = prompts_of(tasks, 1)
    assert [prompt.whole for prompt in found] == [True, False] * 30
    assert [prompt.source for prompt in found[::2]] == [one.id for one in tasks]
    for whole, part in zip(found[::2], found[1::2], strict=True):
        assert whole.source == part.source
        assert whole.prompt.startswith(part.prompt)
        assert len(part.prompt) < len(whole.prompt)
        assert not whole.complete
    assert len({prompt.id for prompt in found}) == 60


def test_the_input_belongs_to_the_prompt() -> None:
    assert prompts_of([task("Correct it.", given="He go home.")], 1)[0].prompt == "Correct it.\n\nHe go home."


def test_what_is_too_short_is_not_cut_and_an_empty_one_gives_nothing() -> None:
    nothing = Task(instruction=" ", provenance=Provenance(stage="input"))
    found = prompts_of([task("Name a river."), nothing], 1)
    assert [(prompt.prompt, prompt.whole) for prompt in found] == [("Name a river.", True)]


def test_no_answer_is_needed() -> None:
    bare = Task(instruction="Name two of the long rivers of Spain.", provenance=Provenance(stage="input"))
    assert len(prompts_of([bare], 1)) == 2


def test_the_same_seed_cuts_a_task_the_same_wherever_it_stands() -> None:
    tasks = many(30)
    forward = {prompt.id for prompt in prompts_of(tasks, 1)}
    assert forward == {prompt.id for prompt in prompts_of(tasks[::-1], 1)}
    assert forward != {prompt.id for prompt in prompts_of(tasks, 2)}


def test_one_line_holds_what_a_scorer_needs() -> None:
    line = prompts_of([task("Name a river.")], 1)[0].as_json()
    assert set(line) == {"id", "prompt", "whole", "complete", "source"}
