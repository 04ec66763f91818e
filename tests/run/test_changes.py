"""`--set`: which stage a word means."""

from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.run.recipe.yaml_file import with_changes

KEYS = {"name", "seed", "limits", "rounds", "stages"}
RECIPE: dict[str, Any] = {
    "name": "a",
    "rounds": ["propose", {"novelty": None}],
    "stages": [
        "near",
        "near",
        {"score": {"label": "dev", "first": 9}},
        {"score": {"first": 8}},
        {"score": {"label": "b"}},
    ],
}


def changed(word: str) -> dict[str, Any]:
    return with_changes(RECIPE, [word], KEYS)


def test_a_word_changes_one_value_and_leaves_the_recipe_as_it_was() -> None:
    changes = changed("novelty.rouge_l_below=0.6")
    assert changes["rounds"] == ["propose", {"novelty": {"rouge_l_below": 0.6}}]
    assert RECIPE["rounds"] == ["propose", {"novelty": None}]
    assert changed("propose.choices=2")["rounds"][0] == {"propose": {"choices": 2}}
    assert changed("seed=7")["seed"] == 7
    assert changed("limits.max_cost=1")["limits"] == {"max_cost": 1}


def test_of_stages_that_stand_twice_the_plain_name_means_the_one_without_a_label() -> None:
    first = [next(iter(step.values())).get("first") for step in changed("score.first=3")["stages"][2:]]
    assert first == [9, 3, None]


def test_a_label_before_the_name_means_the_stage_that_has_it() -> None:
    first = [next(iter(step.values())).get("first") for step in changed("dev.score.first=3")["stages"][2:]]
    assert first == [3, 8, None]
    assert changed("b.score.first=3")["stages"][4] == {"score": {"label": "b", "first": 3}}


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("near.jaccard=0.9", "several stages are called so: near"),
        ("c.score.first=3", "no stage 'c'"),
        (
            "nowhere.knob=1",
            r"no stage 'nowhere' in this recipe; stages: propose, novelty, near, near, dev.score, score",
        ),
        ("=1", "write stage.knob=value"),
        ("seed", "write stage.knob=value"),
    ],
)
def test_a_word_that_means_nothing_or_several_is_refused(word: str, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        changed(word)
