"""What a card says of the splits of a set: how much is in each, and how far apart they are."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SplitLine:
    """How much one split holds."""

    name: str
    tasks: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCheck:
    """Up to where records of two splits may be alike, and how alike the most alike are."""

    jaccard: float
    shingle_words: int
    rouge_l_below: float
    """0: instructions were not compared by ROUGE-L."""
    checked: int
    """Records of the test split that were compared with all others."""
    highest_jaccard: float
    """0 where they share nothing."""
    highest_rouge_l: float


def splits_section(splits: Sequence[SplitLine], check: SplitCheck | None) -> list[str]:
    """Lines of Markdown; none for a set that is all for training."""
    if not splits:
        return []
    rows = [f"| {line.name} | {line.tasks:,} | {line.rows:,} |" for line in splits]
    return ["## Splits", "", "| split | tasks | rows |", "|---|---|---|", *rows, "", _said(check), ""]


def _said(check: SplitCheck | None) -> str:
    if check is None:
        return "The records came with their marks; whether any of one is nearly one of the other was not checked here."
    by_rouge = f", no two instructions a ROUGE-L above {check.rouge_l_below:g}" if check.rouge_l_below else ""
    return (
        "Split by task: no near-duplicate crosses. No two records on different sides have a Jaccard similarity of "
        f"{check.jaccard:g} or more (shingles of {check.shingle_words} words){by_rouge}. Of {check.checked:,} test "
        f"records compared with all others, the most alike have a Jaccard similarity of {check.highest_jaccard:.3f} "
        f"and a ROUGE-L of {check.highest_rouge_l:.3f}."
    )
