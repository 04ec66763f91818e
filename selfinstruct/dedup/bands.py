"""How a signature is cut into bands, so that alike texts meet in one of them.

Two texts whose shingles have Jaccard similarity J agree in one place of their signatures with probability J, in all
`rows` places of a band with J^rows, in at least one of `bands` bands with 1 - (1 - J^rows)^bands (Broder 1997;
Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, 3.4).
"""

from dataclasses import dataclass

from selfinstruct.errors import BadInput

LEAST_RECALL = 0.99
"""Of pairs that are just alike enough, at least this share must meet; of pairs more alike, more do."""


@dataclass(frozen=True, slots=True)
class Bands:
    """`bands` times `rows` places of a signature."""

    bands: int
    rows: int

    def recall(self, jaccard: float) -> float:
        """The probability that two texts so alike are proposed.

        >>> round(Bands(21, 6).recall(0.8), 4), round(Bands(9, 13).recall(0.8), 4)
        (0.9983, 0.3988)
        """
        return 1.0 - (1.0 - jaccard**self.rows) ** self.bands

    @property
    def formula(self) -> str:
        """Recall as a person may check it."""
        return f"1 - (1 - J^{self.rows})^{self.bands}"


def chosen(jaccard: float, num_perm: int) -> Bands:
    """The longest bands (the fewest strangers meet) that keep `LEAST_RECALL` at the threshold itself.

    >>> chosen(0.8, 128)
    Bands(bands=21, rows=6)
    """
    for rows in range(num_perm, 0, -1):
        bands = Bands(num_perm // rows, rows)
        if bands.recall(jaccard) >= LEAST_RECALL:
            return bands
    raise BadInput(
        f"{num_perm} permutations cannot find {LEAST_RECALL:.0%} of the pairs at Jaccard {jaccard}",
        place="stage near, knob 'num_perm'",
        fix="use more permutations (128) or a higher jaccard",
    )
