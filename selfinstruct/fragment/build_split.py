"""Builds the fragments of one split: how many of each kind, levelled in length, joined and shuffled."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal, TypeAlias

from selfinstruct.fragment.cuts import size
from selfinstruct.fragment.drafts import CutRule, Draft, Drafts
from selfinstruct.fragment.fragment import ANSWER_LIKE, CONTINUATION_LIKE, KINDS, Fragment, FragmentKind
from selfinstruct.fragment.levelling import LevelledText, levelled, with_varied_seam
from selfinstruct.fragment.pair_sources import Source
from selfinstruct.records import digest

_OF_ONE = 3  # fragments of one kind that a record may give
_TRIES = 4  # to make a fragment unlike all before it
Labels: TypeAlias = Literal["paper", "balanced"]
"""`paper`: one answer-like fragment to two continuation-like ones, the prevalence that its figures imply; `balanced`:
as many of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRule:
    """What the knobs say of a split's fragments."""

    cut: CutRule = field(default_factory=CutRule)
    labels: Labels = "paper"
    per_record: int = 6
    shares: Mapping[str, float] = field(default_factory=lambda: {name: kind.share for name, kind in KINDS.items()})
    seam_varied: float = 0.8


def built(sources: Sequence[Source], rule: BuildRule, seed: str) -> list[Fragment]:
    """The split's fragments in an order that tells nothing; the same for the same sources, rule and seed."""
    drafts = _drafts(sources, rule, seed)
    texts: dict[int, LevelledText] = {}
    for whole in (True, False):
        # Cut prompts and whole ones each for themselves: else length and prompt together would tell the label.
        places = [place for place, draft in enumerate(drafts) if draft.whole == whole]
        lengths = [
            LevelledText(label=KINDS[drafts[at].kind].label, text=drafts[at].body.text, least=drafts[at].body.least)
            for at in places
        ]
        random = _random(seed, "lengths", whole)
        texts.update(zip(places, levelled(lengths, random, rule.cut.words_at_most), strict=True))
    made: dict[str, Fragment] = {}
    for place, draft in enumerate(drafts):
        fragment = _fragment(draft, texts[place], rule.seam_varied, _random(seed, "seam", place))
        while fragment.id in made:
            fragment = replace(fragment, ordinal=fragment.ordinal + 1)
        made[fragment.id] = fragment
    return [made[id_] for id_ in sorted(made)]


def _drafts(sources: Sequence[Source], rule: BuildRule, seed: str) -> list[Draft]:
    maker = Drafts(sources, rule.cut)
    able = {name: maker.able(kind) for name, kind in KINDS.items()}
    most = {name: _OF_ONE * len(places) for name, places in able.items()}
    wanted = quotas(rule.per_record * len(sources), rule.labels, rule.shares, most)
    return [draft for name, many in wanted.items() for draft in _of_kind(maker, KINDS[name], able[name], many, seed)]


def _of_kind(maker: Drafts, kind: FragmentKind, able: Sequence[int], many: int, seed: str) -> list[Draft]:
    """So many fragments of a kind, from as many records as there are before one gives a second."""
    order = list(able)
    _random(seed, kind.name).shuffle(order)
    drafts: list[Draft] = []
    seen: dict[tuple[str, str], None] = {}
    for turn in range(many):
        place = order[turn % len(order)]
        for attempt in range(_TRIES):
            draft = maker.made(kind, place, turn, _random(seed, kind.name, turn, attempt))
            if (draft.prompt, draft.body.text) not in seen:
                break
        seen[draft.prompt, draft.body.text] = None
        drafts.append(draft)
    return drafts


def _fragment(draft: Draft, length: LevelledText, varied: float, random: Random) -> Fragment:
    source = draft.source
    return Fragment(
        prompt=draft.prompt,
        continuation=with_varied_seam(length.text, random, varied=_varied(draft, varied), language=source.language),
        kind=draft.kind,
        whole=draft.whole,
        complete=draft.complete,
        with_input=source.with_input,
        open=length.open or draft.body.open,
        ic_words=min(draft.body.ic_words, size(length.text)),
        source=source.id,
        set=source.set,
        language=source.language,
    )


def _varied(draft: Draft, varied: float) -> float:
    """The letters that number a list stay as they are."""
    return 0.0 if draft.kind == "empty_list" else varied


def _random(*parts: str | int | bool) -> Random:
    """Randomness for one decision, whatever was decided before it."""
    return Random(digest("fragment", *parts))  # noqa: S311 - not for secrets


def quotas(total: int, labels: Labels, shares: Mapping[str, float], most: Mapping[str, int]) -> dict[str, int]:
    """Fragments by kind, at most `most[kind]` each; a kind that cannot have its part leaves it to its label's others.

    >>> few = quotas(60, "paper", {"answer": 0.5, "clarifies": 0.5, "finishes": 1}, dict.fromkeys(KINDS, 50))
    >>> few["answer"], few["clarifies"], few["finishes"], sum(few.values())
    (10, 10, 40, 60)
    """
    ratio = 2 if labels == "paper" else 1
    able = _passed_on(shares, most)
    of_label = {label: {k: able.get(k, 0.0) for k in KINDS if KINDS[k].label == label} for label in (1, 0)}
    room = {label: sum(most.get(kind, 0) for kind, share in of.items() if share) for label, of in of_label.items()}
    answers = min(round(total / (1 + ratio)), room[ANSWER_LIKE], room[CONTINUATION_LIKE] // ratio)
    return {
        **_portions(answers, of_label[ANSWER_LIKE], most),
        **_portions(answers * ratio, of_label[CONTINUATION_LIKE], most),
    }


def _passed_on(shares: Mapping[str, float], most: Mapping[str, int]) -> dict[str, float]:
    """The share of a kind of which none can be made goes to its label's others with the same prompts, if there are."""
    given = dict(shares)
    for name, share in shares.items():
        fellows = [
            other
            for other, kind in KINDS.items()
            if kind.label == KINDS[name].label
            and (kind.prompt == KINDS[name].prompt or (KINDS[name].prompt == "said" and kind.prompt == "whole"))
            and shares.get(other, 0.0) > 0
            and most.get(other, 0) > 0
        ]
        if share > 0 and not most.get(name, 0) and fellows:
            together = math.fsum(shares[other] for other in fellows)
            for other in fellows:
                given[other] += share * shares[other] / together
            given[name] = 0.0
    return given


def _portions(total: int, shares: Mapping[str, float], most: Mapping[str, int]) -> dict[str, int]:
    given = dict.fromkeys(shares, 0)
    able = [kind for kind, share in shares.items() if share > 0 and most.get(kind, 0) > 0]
    while able and (left := total - sum(given.values())) > 0:
        for kind, part in _largest_remainders(left, {kind: shares[kind] for kind in able}).items():
            given[kind] = min(given[kind] + part, most[kind])
        able = [kind for kind in able if given[kind] < most[kind]]
    return given


def _largest_remainders(total: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers in these proportions, with exactly this sum; ties go to the first."""
    exact = {kind: total * share / math.fsum(shares.values()) for kind, share in shares.items()}
    parts = {kind: math.floor(part) for kind, part in exact.items()}
    order = sorted(exact, key=lambda kind: parts[kind] - exact[kind])
    for kind in order[: total - sum(parts.values())]:
        parts[kind] += 1
    return parts
