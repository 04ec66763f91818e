"""Builds the fragments of one split: so many of each kind, levelled in length, sewn and shuffled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from selfinstruct.fragment.cuts import size
from selfinstruct.fragment.drafts import CutRule, Draft, Drafts
from selfinstruct.fragment.fragment import Fragment
from selfinstruct.fragment.kinds import KINDS, Kind
from selfinstruct.fragment.lengths import Length, levelled
from selfinstruct.fragment.plan import Labels, quotas
from selfinstruct.fragment.seams import sewn
from selfinstruct.fragment.sources import Source
from selfinstruct.records import digest

_OF_ONE = 3  # fragments of one kind that a record may give
_TRIES = 4  # to make a fragment unlike all before it


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
    texts: dict[int, Length] = {}
    for whole in (True, False):
        # Cut prompts and whole ones each for themselves: else length and prompt together would tell the label.
        places = [place for place, draft in enumerate(drafts) if draft.whole == whole]
        lengths = [
            Length(label=KINDS[drafts[at].kind].label, text=drafts[at].body.text, least=drafts[at].body.least)
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


def _of_kind(maker: Drafts, kind: Kind, able: Sequence[int], many: int, seed: str) -> list[Draft]:
    """So many fragments of a kind, from as many records as there are before one gives a second."""
    order = list(able)
    _random(seed, kind.name).shuffle(order)
    found: list[Draft] = []
    seen: dict[tuple[str, str], None] = {}
    for turn in range(many):
        place = order[turn % len(order)]
        for attempt in range(_TRIES):
            draft = maker.made(kind, place, turn, _random(seed, kind.name, turn, attempt))
            if (draft.prompt, draft.body.text) not in seen:
                break
        seen[draft.prompt, draft.body.text] = None
        found.append(draft)
    return found


def _fragment(draft: Draft, length: Length, varied: float, random: Random) -> Fragment:
    source = draft.source
    return Fragment(
        prompt=draft.prompt,
        continuation=sewn(length.text, random, varied=_varied(draft, varied), language=source.language),
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
