r"""Cuts what a model wrote around its reply and nobody meant to read: its thinking, and the marks that end a turn."""

import re

from selfinstruct.curate.simplification.plain_simplify import Cut, Plainer
from selfinstruct.text.thinking import parted

_END = re.compile(
    r"\s*(?:<\|(?:im_end|eot_id|end|endoftext|end_of_text|return|eom_id|end_of_turn|end_of_sentence)\|>|</s>|<eos>"
    r"|<end_of_turn>|<\uff5c[^\uff5c>\n]{2,30}\uff5c>)\s*\Z"
)
_ENDS_LOOKED_AT = 8


def without_marks_of_models(text: str) -> Plainer:
    """The text without them, and what was cut; as it is where it would be empty without them.

    >>> without_marks_of_models("<think>A metal?</think>Tin.<|im_end|>").text, without_marks_of_models("Tin.").cuts
    ('Tin.', ())
    """
    cuts: list[Cut] = []
    told = parted(text)
    plain = told.answer
    if told.found:
        cuts.append(Cut("thinking", told.thinking))
    for _ in range(_ENDS_LOOKED_AT):
        end = _END.search(plain, max(0, len(plain) - 80))
        if end is None:
            break
        cuts.append(Cut("end_mark", end[0].strip()))
        plain = plain[: end.start()]
    return Plainer(plain, tuple(cuts)) if plain.strip() else Plainer(text, ())
