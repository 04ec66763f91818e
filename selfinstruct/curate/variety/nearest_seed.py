"""How near each instruction stands to its nearest seed, by ROUGE-L (Wang et al. 2023, figure 4)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from selfinstruct.records import Json
from selfinstruct.text import words

_SURROGATES = range(0xD800, 0xE000)
_BINS = 10
_BATCH = 512


@dataclass(slots=True)
class NearestSeed:
    """Takes instructions in batches and keeps ten counts.

    Only words of seeds can be in common, so each of those travels as one character and all others as one more: that
    puts RapidFuzz on its fast string path.
    """

    seeds: Sequence[str]
    counts: list[int] = field(default_factory=lambda: [0] * _BINS)
    total: float = 0.0
    compared: int = 0
    _letters: dict[str, str] = field(default_factory=dict)
    _lines: list[str] = field(default_factory=list)
    _waiting: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Give each word of the seeds its character."""
        for seed in self.seeds:
            for word in words(seed):
                number = len(self._letters) + 1  # 0 is every other word, and no seed has one
                place = number if number < _SURROGATES.start else number + len(_SURROGATES)
                self._letters.setdefault(word, chr(place))
        self._lines = [self._line(seed) for seed in self.seeds]

    def add(self, instruction: str) -> None:
        """One more instruction."""
        self._waiting.append(self._line(instruction))
        if len(self._waiting) >= _BATCH:
            self._compare()

    def as_json(self) -> dict[str, Json]:
        """Counts of the bins 0-0.1, 0.1-0.2 ... 0.9-1 (1 is in the last), and the mean."""
        self._compare()
        return {
            "bins": list(self.counts),
            "mean": self.total / self.compared if self.compared else 0.0,
            "compared": self.compared,
            "seeds": len(self.seeds),
        }

    def _line(self, text: str) -> str:
        return "".join(self._letters.get(word, "\0") for word in words(text))

    def _compare(self) -> None:
        import numpy as np  # loaded late: most verbs never compare
        from rapidfuzz import process
        from rapidfuzz.distance import LCSseq

        if not self._waiting:
            return
        common = process.cdist(self._waiting, self._lines, scorer=LCSseq.similarity, dtype=np.int32)
        lengths = np.array([len(line) for line in self._waiting])[:, None] + np.array(
            [len(line) for line in self._lines]
        )
        score = (2 * common / np.maximum(lengths, 1)).max(axis=1)
        # In whole numbers: 2L/(m+n) = 3/10 belongs to the bin that begins at 0.3.
        bins = (2 * _BINS * common // np.maximum(lengths, 1)).max(axis=1)
        for place in bins:
            self.counts[min(int(place), _BINS - 1)] += 1
        self.total += float(score.sum())
        self.compared += len(self._waiting)
        self._waiting.clear()
