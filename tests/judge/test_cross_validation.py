"""A judge tried on lineages it did not see."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from selfinstruct.judge.cross_validation import cross_validated
from selfinstruct.judge.validate_on_reads import Labelled

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rows(*lineages: str, each: int = 40) -> list[Labelled]:
    made = []
    for lineage in lineages:
        for number in range(each):
            label = number % 2
            made.append(
                Labelled(
                    prompt=f"Name {number}",
                    response=str(label),
                    label=label,
                    called=(label,),
                    model=f"{lineage}-1",
                    wrapper="none",
                    whole=number % 4 < 2,
                    source=f"s-{number}",
                    lineage=lineage,
                )
            )
    return made


def test_a_fold_is_scored_by_judges_that_saw_none_of_it_and_locked_lineages_teach_nothing() -> None:
    some = rows("one", "two", "three", "four")
    asked: list[tuple[frozenset[str], int]] = []

    def scores(of: "NDArray[np.bool_]") -> "NDArray[np.float64]":
        asked.append((frozenset(read.lineage for read, marked in zip(some, of, strict=True) if marked), int(of.sum())))
        return np.array([2.0 * (read.label or 0) - 1 for read in some])

    folds = cross_validated(some, ["four"], scores)
    assert folds.folds == ("one", "two", "three")
    assert folds.unseen == "lineage"
    assert all("four" not in names for names, _ in asked)
    assert {names for names, many in asked if many == 80} == {  # the judge of each fold, of all rows of the others
        frozenset(set(folds.folds) - {name}) for name in folds.folds
    }
    assert ((folds.probabilities > 0.5) == np.array([read.label == 1 for read in some])).all()


def test_a_fold_is_judged_as_what_is_learned_without_it_says() -> None:
    """Each lineage turns the sign: a judge that saw the fold would be right, and one that did not is wrong."""
    some = rows("one", "two", "three")
    labels = np.array([read.label for read in some])
    own = np.array([read.lineage for read in some])

    def scores(of: "NDArray[np.bool_]") -> "NDArray[np.float64]":
        known = np.isin(own, np.unique(own[of]))
        return np.where(known, 1.0, -1.0) * (2.0 * labels - 1)

    folds = cross_validated(some, [], scores)
    assert ((folds.probabilities > 0.5) != (labels == 1)).all()


def test_with_few_lineages_prompts_are_left_out_and_that_is_told() -> None:
    some = rows("one", "two")
    folds = cross_validated(some, [], lambda _: np.array([2.0 * (read.label or 0) - 1 for read in some]))
    assert folds.unseen == "prompt"
    assert len(folds.folds) == 5


def test_where_all_have_one_label_scores_stay_as_they_are() -> None:
    some = [row for row in rows("one", "two", "three") if row.whole or row.label]
    folds = cross_validated(some, [], lambda _: np.zeros(len(some)))
    assert folds.calibration.cut.slope == pytest.approx(1.0)
