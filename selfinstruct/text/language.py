"""Which language a text is in, told without a network by py3langid, whose model lies in its wheel."""

from collections.abc import Sequence
from functools import cache
from typing import Protocol

_READ = 1000  # characters; more of them change nothing


class Identifier(Protocol):
    """A language identifier, as `py3langid` has it."""

    nb_classes: Sequence[str]

    def rank(self, text: str) -> list[tuple[str, float]]:
        """All languages with their probabilities, likeliest first."""


@cache
def identifier() -> Identifier:
    """The model, read once (a second)."""
    # It publishes no types.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    made: Identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return made


def likeliest(text: str) -> str:
    """Its likeliest language (ISO 639-1); empty for a text without letters.

    Capitals are read as small letters: the model knows texts that are mostly small.

    >>> likeliest("LA LUNE EST PLUS PETITE QUE LA TERRE ET TOURNE AUTOUR D'ELLE."), likeliest("12 + 3")
    ('fr', '')
    """
    head = text[:_READ].lower()
    return identifier().rank(head)[0][0] if any(map(str.isalpha, head)) else ""
