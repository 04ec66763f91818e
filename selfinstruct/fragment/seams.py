"""The seam between a prompt and what follows: its white space and its first letter tell nothing of the label."""

import re
from random import Random

_FIRST_LETTER = re.compile(r"\W*?([^\W\d_])(?=([^\W\d_]?))")
# Drawn alike for both labels: what a model or its template puts there says nothing of the tone.
_SPACES = ("", " ", " ", " ", "\n", "\n", "\n\n", "\n\n")
_UNSPACED_SPACES = ("", "", "\n", "\n\n")


def sewn(text: str, random: Random, *, varied: float, language: str) -> str:
    r"""The continuation with white space drawn anew, and in a share `varied` its first letter large or small by lot.

    >>> sorted({sewn("of Spain.", Random(seed), varied=1, language="en") for seed in range(40)})[:4]
    ['\n\nOf Spain.', '\n\nof Spain.', '\nOf Spain.', '\nof Spain.']
    """
    space = random.choice(_UNSPACED_SPACES if language in ("zh", "ja", "th") else _SPACES)
    text = text.strip()
    if random.random() < varied:
        text = _cased(text, large=random.random() < 1 / 2)
    return space + text


def _cased(text: str, *, large: bool) -> str:
    """Its first letter large or small; `NASA` and its like stay."""
    found = _FIRST_LETTER.match(text)
    if not found or (found[1].isupper() and found[2].isupper()):
        return text
    letter = found[1].upper() if large else found[1].lower()
    # Some letters have no single partner: the German sharp s would become two.
    return text if len(letter) != 1 else text[: found.start(1)] + letter + text[found.end(1) :]
