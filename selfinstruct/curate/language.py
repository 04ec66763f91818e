"""Whether a task is in one of the languages that a set is to be in."""

from collections.abc import Sequence

from selfinstruct.curate.exchange import Exchange
from selfinstruct.errors import BadInput
from selfinstruct.text import shown
from selfinstruct.text.language import Identifier, identifier

_ENOUGH = 12  # letters; below that nothing can be told
_READ = 1000  # characters; more of them change nothing
_LIKELY = 0.5
_UNLIKELY = 0.05
# Languages that the identifier tells apart and a person who names the first would not.
_KIN = {
    "zh": ("zh", "wuu", "yue", "gan", "hak", "nan"),
    "no": ("no", "nb", "nn"),
    "sr": ("sr", "sh", "hr", "bs"),
    "hr": ("hr", "sh", "sr", "bs"),
    "ms": ("ms", "id"),
    "id": ("id", "ms"),
}


def other_language(exchange: Exchange, languages: tuple[str, ...]) -> str:
    """The instruction is surely in none of these languages (ISO 639-1).

    Where it is too short to tell, the whole is read. An answer in another language is fine: that may be what was asked.

    >>> other_language(Exchange("Skriv et kort digt om regnen i april.", "", "Regn"), ("en", "de"))
    'da'
    >>> other_language(Exchange("Translate this sentence into Danish.", "It rains.", "Det regner."), ("en",))
    ''
    """
    found = _elsewhere(exchange.instruction, languages)
    if found == "?":
        found = _elsewhere(f"{exchange.request}\n{exchange.output or ''}", languages)
    return "" if found == "?" else found


def require_languages(languages: Sequence[str]) -> None:
    """BadInput for a code that the identifier does not know."""
    known = sorted({*_identifier().nb_classes})
    for code in languages:
        if code not in known:
            raise BadInput(
                f"no language '{shown(code)}'", place="stage rules, knob 'languages'", fix="codes: " + ", ".join(known)
            )


def _elsewhere(text: str, languages: tuple[str, ...]) -> str:
    """The language it is in, where that is surely none of the given; `?` where nothing can be told."""
    head = text[:_READ]
    if sum(map(str.isalpha, head)) < _ENOUGH and head.isascii():
        return "?"
    ranked = _identifier().rank(head)
    likeliest, probability = ranked[0]
    wanted = {kin for code in languages for kin in _KIN.get(code, (code,))}
    if likeliest in wanted:
        return ""
    if probability < _LIKELY:
        return "?"
    return likeliest if sum(share for code, share in ranked if code in wanted) < _UNLIKELY else "?"


def _identifier() -> Identifier:
    """BadInput where it is not installed."""
    found = identifier()
    if found is None:
        fix = "pip install 'selfinstruct[language]'"
        raise BadInput("the rule 'other_language' needs py3langid", place="stage rules", fix=fix)
    return found
