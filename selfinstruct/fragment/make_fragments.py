"""Stage: cuts instructions and pairs them with what may follow, labelled: what a judge learns from."""

import difflib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from selfinstruct.errors import BadInput
from selfinstruct.fragment.build_split import BuildRule, Labels, built
from selfinstruct.fragment.cuts import By
from selfinstruct.fragment.drafts import CutRule
from selfinstruct.fragment.fragment import ANSWER_LIKE, CONTINUATION_LIKE, KINDS, Fragment
from selfinstruct.fragment.pair_sources import (
    SPLITS,
    Split,
    SplitAssignment,
    assigned_splits,
    in_known_languages,
    source_of,
)
from selfinstruct.fragment.shortcuts import fragment_counts
from selfinstruct.needs import OF_FRAGMENTS, Needs
from selfinstruct.records import Json, Task, digest
from selfinstruct.stage import Bench, Built, Evidence, Kept, Measured, Outcome, Scope
from selfinstruct.text import shown
from selfinstruct.text.grammar import plural

FORMAT = 1
"""Version of the folder's layout, in `about.json`."""


@dataclass(frozen=True, kw_only=True)
class MakeFragments:
    """Make labelled fragments of every task that has an answer (arXiv 2307.03692, section 3); every task passes.

    Built: a folder `fragments` with `train.jsonl`, `validation.jsonl`, `test.jsonl` and `about.json`. No record, and no
    instruction, is in two splits, nor is a text of one split used in another.
    """

    name: ClassVar[str] = "fragment"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"
    needs: ClassVar[Needs] = Needs(learns_answers=True)

    labels: Labels = "paper"
    """`paper`: one answer-like fragment to two continuation-like ones; `balanced`: one to one."""
    per_record: int = 6
    """Fragments for each record, on average."""
    shares: dict[str, float] = field(default_factory=dict)
    """By kind, its share among the fragments of its label; 0 leaves a kind out. Kinds not named keep their own."""
    cut: By = "uniform"
    """Where instructions are cut. `uniform`: between any two words alike; `length`: the words of the rest are drawn
    first, few or many alike up to `words_at_most`."""
    words_at_least: int = 3
    """On each side of a cut; characters in scripts without spaces."""
    words_at_most: int = 40
    """Of a continuation: more than the 48 tokens a judge reads are of no use."""
    seam_varied: float = 0.8
    """Share of the continuations whose first letter is made large or small by lot; their white space always is."""
    validation: float = 0.1
    """Share of the records."""
    test: float = 0.1
    """Share of the records."""
    records_at_most: int = 20_000
    """Above as many usable records, a random sample of them is cut."""
    instruction_words_at_most: int = 1000
    """A record with a longer instruction and input is not used."""
    seed: int | None = None
    """Of cuts, kinds and splits; None: that of the run."""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        for knob in ("per_record", "words_at_least", "records_at_most", "instruction_words_at_most"):
            if getattr(self, knob) < 1:
                raise _bad(knob, f"{getattr(self, knob)} is too few", "write 1 or more")
        if self.words_at_most < self.words_at_least + 8:
            raise _bad(
                "words_at_most", f"{self.words_at_most} leaves no room", f"write {self.words_at_least + 8} or more"
            )
        for knob in ("seam_varied", "validation", "test"):
            if not 0 <= getattr(self, knob) <= 1:
                raise _bad(knob, f"{getattr(self, knob)} is no share", "write a number from 0 to 1")
        if self.validation + self.test >= 1:
            raise _bad("validation", "with 'test' it leaves nothing to train on", "write smaller shares")
        self._check_shares()

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept, each with its split or why none; then Measured `fragments` and Built `fragments`."""
        seed = bench.seed if self.seed is None else self.seed
        draw = assigned_splits(
            records,
            seed=seed,
            at_most=self.records_at_most,
            words_at_most=self.instruction_words_at_most,
            validation=self.validation,
            test=self.test,
        )
        if not any(placement in SPLITS for placement in draw.placements):
            what = f"none of {plural(len(draw.placements), 'record')} has an instruction and an answer to it"
            raise BadInput(what, place="stage fragment", fix="give a set of instructions with their responses")
        made = {split: self._built(records, draw, split, seed) for split in SPLITS}
        counts = fragment_counts(draw, made)
        folder = bench.scratch / "fragments"
        _write(
            folder, made, {"format": FORMAT, "version": self.version, "seed": seed, "knobs": self._knobs(), **counts}
        )
        of_source = _fragments_of(made)
        for task, placement in zip(records, draw.placements, strict=True):
            yield Kept(task, _evidence(placement, of_source.get(task.id, 0)))
        yield Measured(OF_FRAGMENTS, counts)
        yield Built("fragments", folder)

    def _built(self, records: Sequence[Task], draw: SplitAssignment, split: Split, seed: int) -> list[Fragment]:
        sources = [
            source_of(task, self.words_at_least)
            for task, placement in zip(records, draw.placements, strict=True)
            if placement == split
        ]
        rule = BuildRule(
            cut=CutRule(by=self.cut, words_at_least=self.words_at_least, words_at_most=self.words_at_most),
            labels=self.labels,
            per_record=self.per_record,
            shares=self._shares(),
            seam_varied=self.seam_varied,
        )
        return built(in_known_languages(sources), rule, digest("fragment", seed, split))

    def _shares(self) -> dict[str, float]:
        return {name: self.shares.get(name, kind.share) for name, kind in KINDS.items()}

    def _knobs(self) -> dict[str, Json]:
        return {
            "labels": self.labels,
            "per_record": self.per_record,
            "shares": dict(self._shares()),
            "cut": self.cut,
            "words_at_least": self.words_at_least,
            "words_at_most": self.words_at_most,
            "seam_varied": self.seam_varied,
            "validation": self.validation,
            "test": self.test,
            "records_at_most": self.records_at_most,
            "instruction_words_at_most": self.instruction_words_at_most,
        }

    def _check_shares(self) -> None:
        for kind, share in self.shares.items():
            if kind not in KINDS:
                near = difflib.get_close_matches(kind, KINDS, 1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                raise _bad("shares", f"no kind '{shown(kind)}'{hint}", "kinds: " + ", ".join(KINDS))
            if not (math.isfinite(share) and share >= 0):
                raise _bad("shares", f"'{kind}': {share} is no share", "write 0 or more")
        for label, called in ((ANSWER_LIKE, "answer-like"), (CONTINUATION_LIKE, "continuation-like")):
            if not any(share for name, share in self._shares().items() if KINDS[name].label == label):
                raise _bad("shares", f"no {called} kind is left", "a judge needs both labels")


def _fragments_of(made: Mapping[Split, Iterable[Fragment]]) -> dict[str, int]:
    """How many each record gave."""
    counts: dict[str, int] = {}
    for fragments in made.values():
        for fragment in fragments:
            counts[fragment.source] = counts.get(fragment.source, 0) + 1
    return counts


def _evidence(placement: str, fragments: int) -> Evidence:
    return {"split": placement, "fragments": fragments} if placement in SPLITS else {"unused": placement}


def _write(folder: Path, made: Mapping[Split, Sequence[Fragment]], about: Mapping[str, Json]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for split, fragments in made.items():
        with (folder / f"{split}.jsonl").open("wb") as file:
            file.writelines(_bytes(fragment.as_json()) for fragment in fragments)
    (folder / "about.json").write_bytes(_bytes(about, indent=2))


def _bytes(value: Mapping[str, Json], indent: int | None = None) -> bytes:
    """UTF-8; a lone surrogate, which UTF-8 cannot hold, stays escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent) + "\n"
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return (json.dumps(value, indent=indent) + "\n").encode("ascii")


def _bad(knob: str, what: str, fix: str) -> BadInput:
    return BadInput(what, place=f"stage fragment, knob '{knob}'", fix=fix)
