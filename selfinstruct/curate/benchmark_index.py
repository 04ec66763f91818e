"""Which passage of a benchmark stands in a text? Hashed shingles propose, runs of shared words decide.

A *shingle* is a few words in a row. What recurs in many items of a benchmark (a choice template, a shared definition)
is boilerplate: its shingles propose nothing, and a run of words must have most of its words outside it; so are rows of
figures. Memory grows with the benchmarks: 12 bytes a shingle, 4 a word.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Literal, TypeAlias

from selfinstruct.curate.exchanges import Exchange, exchanges
from selfinstruct.records import Task
from selfinstruct.text import words_and_signs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Part: TypeAlias = Literal["question", "input", "answer"]
Kind: TypeAlias = Literal["ngram", "fuzzy", "whole"]
SHORTEST = 8
"""Words: what is shorter says too little to be looked for inside other texts (as in Brown et al. 2020, appendix C)."""
_BOILERPLATE_ITEMS = 10  # recurring in fewer items may be chance, or copies
_ROUNDING = 1e-9  # 0.55 of 20 is 11
_NEVER = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class SameTextRule:
    """When two texts count as the same."""

    words_in_a_row: int
    share_at_least: float
    shingle_words: int
    boilerplate_share: float

    def run(self, length: int) -> int:
        """Words in a row that are enough in a passage of this length: a short one must be there as a whole."""
        return min(self.words_in_a_row, length)

    def own(self, length: int) -> int:
        """Of these, how many must lie outside boilerplate: more than half."""
        return self.run(length) // 2 + 1


@dataclass(frozen=True, slots=True)
class BenchmarkItem:
    """One question of a benchmark, with its answer."""

    benchmark: str
    task: int
    """Position in the benchmark."""


@dataclass(frozen=True, slots=True)
class Match:
    """A passage of a benchmark found in a text."""

    item: int
    part: Part
    kind: Kind
    score: float
    """Share of the passage's shingles, boilerplate aside, that stand in the text."""
    run: int
    """Words in a row that are the same."""
    words: str
    """Them, as normalised; for `fuzzy` from the first shingle found to the last."""

    @property
    def rank(self) -> tuple[bool, float, int, int]:
        """The surest first when sorted descending."""
        return (self.kind != "fuzzy", self.score, self.run, -self.item)


@dataclass(frozen=True, slots=True)
class SharedWords:
    """Words in a row that two texts share: where it begins in each, and its length."""

    mine: int
    theirs: int
    length: int


class BenchmarkIndex:
    """All benchmarks, to be asked about one text after the other."""

    def __init__(self, benchmarks: Mapping[str, Sequence[Task]], measure: SameTextRule) -> None:
        """Read each benchmark once."""
        import numpy as np

        self.measure = measure
        self._few = max(1, SHORTEST - measure.shingle_words + 1)
        self.items: list[BenchmarkItem] = []
        self._numbers: dict[str, int] = {}
        self._words, self._starts = array("i"), array("q", [0])
        self._passages: list[tuple[int, Part]] = []
        self._whole: dict[str, int] = {}
        grams, owners = array("q"), array("i")
        for name, tasks in benchmarks.items():
            for number, task in enumerate(tasks):
                for exchange in exchanges(task):
                    self._add(name, number, exchange, grams, owners)
        owner = np.frombuffer(owners, np.int32) if owners else np.zeros(0, np.int32)
        gram = np.frombuffer(grams, np.int64) if grams else np.zeros(0, np.int64)
        self._post(gram, owner)

    def _add(self, name: str, number: int, exchange: Exchange, grams: "array[int]", owners: "array[int]") -> None:
        item = len(self.items)
        self.items.append(BenchmarkItem(name, number))
        for part, text in _parts(exchange):
            cut = words_and_signs(text)
            if len(cut) < SHORTEST:
                if part == "question" and cut:
                    self._whole.setdefault(" ".join(cut), item)
                continue
            if part == "answer" and len(cut) < self.measure.words_in_a_row:
                continue
            numbers = [self._numbers.setdefault(word, len(self._numbers)) for word in cut]
            size, figures = self.measure.shingle_words, list(map(str.isdigit, cut))
            # A row of figures, such as 1 2 3, is nobody's text: it proposes as little as boilerplate.
            telling = [gram for at, gram in enumerate(hashed(numbers, size)) if not all(figures[at : at + size])]
            grams.extend(telling)
            owners.extend(repeat(len(self._passages), len(telling)))
            self._words.extend(numbers)
            self._starts.append(len(self._words))
            self._passages.append((item, part))

    def _post(self, gram: "NDArray[np.int64]", owner: "NDArray[np.int32]") -> None:
        """Sort the shingles, take out boilerplate, and note how many each passage needs to be worth a closer look."""
        import numpy as np

        order = np.lexsort((owner, gram))
        gram, owner = gram[order], owner[order]
        once = _changes(gram, owner)
        gram, owner = gram[once], owner[once]
        gram, owner = self._without_boilerplate(gram, owner)
        first = _changes(gram)
        self._grams, self._offsets = gram[first], np.append(np.flatnonzero(first), len(gram))
        self._owners = owner
        self._own = np.bincount(owner, minlength=len(self._passages))
        lengths = np.diff(np.frombuffer(self._starts, np.int64)).tolist()
        self._near = np.array([self._near_needed(length) for length in lengths], np.int64)
        self._span = np.array([self.measure.run(length) for length in lengths], np.int64) - self.measure.shingle_words
        share = np.ceil(self._own * self.measure.share_at_least - _ROUNDING).astype(np.int64)
        self._many = np.where(self._own >= self._few, np.maximum(share, 1), _NEVER)
        self._fewest = int(np.minimum(self._near, self._many).min()) if lengths else 1

    def _without_boilerplate(
        self, gram: "NDArray[np.int64]", owner: "NDArray[np.int32]"
    ) -> "tuple[NDArray[np.int64], NDArray[np.int32]]":
        import numpy as np

        names = {name: code for code, name in enumerate(dict.fromkeys(item.benchmark for item in self.items))}
        codes = np.array([names[item.benchmark] for item in self.items], np.int32)
        sizes = np.bincount(codes, minlength=len(names))
        many = np.maximum(_BOILERPLATE_ITEMS, np.ceil(sizes * self.measure.boilerplate_share)).astype(np.int64)
        item = np.array([number for number, _ in self._passages], np.int64)[owner]
        # Passages are numbered in the order of items, and these in the order of benchmarks.
        group = np.cumsum(_changes(gram, codes[item])) - 1
        items = np.bincount(group[_changes(gram, item)])
        stays = items[group] < many[codes[item]] if len(gram) else np.zeros(0, bool)
        return gram[stays], owner[stays]

    def _near_needed(self, length: int) -> int:
        """The shingles, close together, that a run cannot do without: each word outside boilerplate asks for one."""
        return max(1, min(self.measure.own(length), self.measure.run(length) - self.measure.shingle_words + 1))

    def never_compared(self) -> dict[str, int]:
        """By benchmark, items of which nothing is looked for: little but boilerplate, or nothing long enough."""
        compared = {*self._whole.values()}
        enough = ((self._own >= self._near) | (self._own >= self._few)).tolist()
        compared.update(item for (item, _), can in zip(self._passages, enough, strict=True) if can)
        left = dict.fromkeys((item.benchmark for item in self.items), 0)
        for number, item in enumerate(self.items):
            left[item.benchmark] += number not in compared
        return left

    def same(self, text: str) -> Match | None:
        """The short question that is this text, but for case, punctuation and white space."""
        said = words_and_signs(text)
        item = self._whole.get(" ".join(said)) if len(said) < SHORTEST else None
        if item is None:
            return None
        return Match(item, "question", "whole", 1.0, len(said), " ".join(said))

    def matches(self, text: str) -> Iterator[Match]:
        """Every passage that stands in the text, as a run of words or by its share of shingles."""
        import numpy as np

        if not len(self._grams):
            return
        said = words_and_signs(text)
        numbers = list(map(self._numbers.get, said, repeat(-1)))
        grams = np.array(hashed(numbers, self.measure.shingle_words), np.int64)
        places = np.searchsorted(self._grams, grams)
        places[places == len(self._grams)] = 0
        at = np.flatnonzero(self._grams[places] == grams)
        if len(at) < self._fewest:
            return
        for owner in self._proposed(at, places[at]).tolist():
            if match := self._compared(owner, said, numbers):
                yield match

    def _proposed(self, at: "NDArray[np.int64]", places: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """Passages with enough shingles in the text: close together for a run, or altogether for a share."""
        import numpy as np

        lists = [self._owners[self._offsets[place] : self._offsets[place + 1]] for place in places.tolist()]
        owner = np.concatenate(lists)
        order = np.argsort(owner, kind="stable")
        owner, at = owner[order], np.repeat(at, [len(listed) for listed in lists])[order]
        last = np.arange(len(owner)) + self._near[owner] - 1
        within = last < len(owner)
        last[~within] = 0
        near = within & (owner[last] == owner) & (at[last] - at <= self._span[owner])
        owners, counts = np.unique(owner, return_counts=True)
        return np.union1d(owner[near], owners[counts >= self._many[owners]])

    def _compared(self, owner: int, said: list[str], numbers: list[int]) -> Match | None:
        """Decide by the words themselves."""
        size = self.measure.shingle_words
        passage = self._words[self._starts[owner] : self._starts[owner + 1]].tolist()
        own = [self._is_own(gram, owner) for gram in hashed(passage, size)]
        mine = shingles(passage, size)
        theirs = shingles(numbers, size)
        counted = {gram for gram, is_own in zip(mine, own, strict=True) if is_own}
        present = {*theirs}
        score = sum(1 for gram in counted if gram in present) / max(1, len(counted))
        item, part = self._passages[owner]
        best = SharedWords(0, 0, 0)
        for run in runs(mine, theirs, size):
            if run.length > best.length and self._is_enough(run, own, len(passage)):
                best = run
        if best.length:
            text = said[best.theirs : best.theirs + best.length]
            return Match(item, part, "ngram", score, best.length, " ".join(text))
        if len(counted) < self._few or score < self.measure.share_at_least - _ROUNDING:
            return None
        places = [place for place, gram in enumerate(theirs) if gram in counted]
        longest = max((run.length for run in runs(mine, theirs, size)), default=0)
        return Match(item, part, "fuzzy", score, longest, " ".join(said[places[0] : places[-1] + size]))

    def _is_enough(self, run: SharedWords, own: list[bool], length: int) -> bool:
        """Somewhere in the run, enough words in a row have more than half outside boilerplate."""
        size, words_in_a_row = self.measure.shingle_words, self.measure.run(length)
        outside = [not covered(word, own, size) for word in range(run.mine, run.mine + run.length)]
        windows = range(run.length - words_in_a_row + 1)
        return any(sum(outside[at : at + words_in_a_row]) >= self.measure.own(length) for at in windows)

    def _is_own(self, gram: int, owner: int) -> bool:
        """The shingle is no boilerplate: it is listed for this passage."""
        import numpy as np

        place = int(np.searchsorted(self._grams, gram))
        if place == len(self._grams) or self._grams[place] != gram:
            return False
        listed = self._owners[self._offsets[place] : self._offsets[place + 1]]
        at = int(np.searchsorted(listed, owner))
        return at < len(listed) and int(listed[at]) == owner


def _parts(exchange: Exchange) -> Iterable[tuple[Part, str]]:
    yield "question", exchange.request
    if exchange.input:
        yield "input", exchange.input
    if exchange.output:
        yield "answer", exchange.output


def _changes(*columns: "NDArray[np.int64] | NDArray[np.int32]") -> "NDArray[np.bool_]":
    """True where any of the sorted columns differs from the row before."""
    import numpy as np

    changed = np.zeros(len(columns[0]), bool)
    changed[:1] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return changed


def shingles(numbers: Sequence[int], size: int) -> list[tuple[int, ...]]:
    """Every `size` words in a row.

    >>> shingles([1, 2, 3], 2)
    [(1, 2), (2, 3)]
    """
    return list(zip(*(numbers[start:] for start in range(size)), strict=False))


def hashed(numbers: Sequence[int], size: int) -> list[int]:
    """The shingles as 64-bit numbers; Python hashes tuples of whole numbers alike in every process.

    >>> hashed([1, 2, 3], 2) == hashed([1, 2, 3], 2), len(hashed([1], 2))
    (True, 0)
    """
    return list(map(hash, shingles(numbers, size)))


def runs(mine: list[tuple[int, ...]], theirs: list[tuple[int, ...]], size: int) -> Iterator[SharedWords]:
    """All longest runs of two lists of shingles, in the order they end in `theirs`.

    >>> list(runs(shingles([1, 2, 3, 4], 2), shingles([9, 2, 3, 4, 9, 1, 2], 2), 2))
    [SharedWords(mine=1, theirs=1, length=3), SharedWords(mine=0, theirs=5, length=2)]
    """
    where: dict[tuple[int, ...], list[int]] = {}
    for place, gram in enumerate(mine):
        where.setdefault(gram, []).append(place)
    before: dict[int, int] = {}
    for end, gram in enumerate([*theirs, ()]):
        now = {place: before.get(place - 1, 0) + 1 for place in where.get(gram, ())}
        for place, length in before.items():
            if place + 1 not in now:
                yield SharedWords(place - length + 1, end - length, length + size - 1)
        before = now


def covered(word: int, own: Sequence[bool], size: int) -> bool:
    """A shingle that is not the text's own lies over this word.

    >>> [covered(word, [False, True, True], 2) for word in range(4)]
    [True, True, False, False]
    """
    return not all(own[max(0, word - size + 1) : word + 1])
