"""The probe: a line through what a small model makes of replies, learned from completions that were read."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from selfinstruct.errors import BadInput
from selfinstruct.judge.fit_judge import train
from selfinstruct.judge.judge_folder import load_judge
from selfinstruct.judge.probe_judge import columns, unscaled_columns
from selfinstruct.judge.validate_on_reads import Labelled
from tests.judge.examples import World, folder

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Depths:
    """Stands for a model: some of its numbers tell answers, the others are noise of the text alone."""

    name = "depths of two hundred"
    likelihoods = 0

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> "NDArray[np.float32]":
        made = []
        for prompt, text in pairs:
            random = Random(prompt + text)
            deep = [("deep" in text) + random.gauss(0, 0.3) for _ in range(100)]
            made.append([*deep, *(random.gauss(0, 1) for _ in range(100))])
        return np.array(made, np.float32)


class Others(Depths):
    name = "depths of another"


class Likely(Depths):
    """States that tell nothing, and how likely the text is as an answer."""

    name = "likelihoods"
    likelihoods = 2

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> "NDArray[np.float32]":
        noise = super().__call__(pairs)[:, 100:]
        nats = [[3.0 * ("deep" in text) - 1.5, -40.0] for _, text in pairs]
        return np.concatenate([noise, np.array(nats, np.float32)], axis=1)


def reads(*lineages: str) -> list[Labelled]:
    made = []
    for lineage in lineages:
        for number in range(60):
            label = number // 2 % 2
            made.append(
                Labelled(
                    prompt=f"Tell of {lineage} {number}." if number % 2 else f"Tell of {lineage} {number} and",
                    response=f"{'deep' if label else 'shallow'} water {number}",
                    label=label,
                    called=(label, label),
                    model=lineage,
                    wrapper="none",
                    whole=number % 2 == 1,
                    source=f"s-{number}",
                    lineage=lineage,
                    shape="short" if number % 3 else "letter",
                )
            )
    return made


def trained(tmp_path: Path, **more: Any) -> dict[str, Any]:
    fragments = folder(tmp_path / "fragments", World(60, "one"))
    knobs: dict[str, Any] = {"backend": "probe", "labelled": reads("a", "b", "c", "d"), "states": Depths(), **more}
    return dict(train(fragments, tmp_path / "judge", **knobs).facts)


def test_a_probe_holds_on_a_lineage_that_it_never_saw_and_comes_back_from_its_folder(tmp_path: Path) -> None:
    facts = trained(tmp_path, locked=["d"], name="mine")
    groups = facts["validation"]["groups"]
    assert facts["validation"]["left_out"] == ["a", "b", "c"]
    assert groups["lineage a"]["accuracy"]["value"] > 0.95
    assert groups["locked: d"]["accuracy"]["value"] > 0.95
    assert groups["prompts of shape letter"]["n"] == 60
    assert abs(groups["all"]["bias"]["value"]) < 0.05
    assert facts["reads"]["n"] == 180
    assert facts["reads"]["locked"] == ["d"]
    judge = load_judge(tmp_path / "judge", Depths())
    assert judge.version == "mine"
    first, other = judge.probabilities([("Tell of x.", "deep sea"), ("Tell of x.", "shallow sea")], [True, True])
    assert first > 0.9
    assert other < 0.1
    card = (tmp_path / "judge" / "README.md").read_text(encoding="utf-8")
    assert "their lineage left out" in card


def test_probabilities_do_not_depend_on_neighbours(tmp_path: Path) -> None:
    trained(tmp_path)
    judge = load_judge(tmp_path / "judge", Depths())
    pairs = [(read.prompt, read.response) for read in reads("x", "y")]
    together = judge.probabilities(pairs)
    assert together == [judge.probabilities([pair])[0] for pair in pairs]


def test_a_probe_without_its_model_or_with_another_is_refused_in_one_line(tmp_path: Path) -> None:
    trained(tmp_path)
    with pytest.raises(BadInput, match=r"looks into a model, and none is at hand; .*fetch embedded"):
        load_judge(tmp_path / "judge")
    with pytest.raises(BadInput, match="made with depths of two hundred; this release has depths of another"):
        load_judge(tmp_path / "judge", Others())
    with pytest.raises(BadInput, match="a probe needs a model to look into"):
        trained(tmp_path, states=None)
    with pytest.raises(BadInput, match="0 labelled completions to learn from"):
        trained(tmp_path, labelled=[])
    ones = [read for read in reads("a", "b", "c") if read.label]
    with pytest.raises(BadInput, match="90 labelled completions to learn from, and both labels are needed"):
        trained(tmp_path, labelled=ones)


def test_a_linear_judge_learns_from_reads_too_and_is_then_tried_with_lineages_left_out(tmp_path: Path) -> None:
    plain = trained(tmp_path, backend="linear")
    assert "unseen" not in plain["validation"]
    facts = trained(tmp_path, backend="linear", learn_labelled=True)
    assert facts["validation"]["unseen"] == "lineage"
    assert facts["calibration"]["whole"] != facts["calibration"]["cut"]
    accuracy = facts["validation"]["groups"]["all"]["accuracy"]["value"]
    assert accuracy > plain["validation"]["groups"]["all"]["accuracy"]["value"]
    judge = load_judge(tmp_path / "judge")
    first, other = judge.probabilities([("Tell of x.", "deep water 3"), ("Tell of x.", "shallow water 3")])
    assert first > other


def test_likelihoods_count_beside_states_alone_and_where_the_prompt_is_whole(tmp_path: Path) -> None:
    facts = trained(tmp_path, states=Likely())
    assert facts["validation"]["groups"]["all"]["accuracy"]["value"] > 0.95
    made = columns(Likely()([("a", "deep")]), np.array([1.5]), np.array([False]), 2)
    assert made[0, 100:].tolist() == [3.0, -12.0, 0.0, 0.0, 5.0, 0.0, 0.0], "nats by 1.5, at most 4 of them, times 3"
    made = columns(Likely()([("a", "deep")]), np.array([1.5]), np.array([True]), 2)
    assert made[0, 100:].tolist() == [3.0, -12.0, 3.0, -12.0, 5.0, 10.0, 5.0]
    assert made.shape[1] == 100 + unscaled_columns(2)
