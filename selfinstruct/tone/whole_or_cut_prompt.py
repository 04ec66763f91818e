"""Is a prompt a whole instruction, or the beginning of one? Inferred from its end, where it is not stated."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


# The last are full-width marks and those of Devanagari and Arabic; closing quotation marks and brackets may follow.
_ENDS = re.compile('[.!?…;:\u3002\uff01\uff1f\u0964\u061f]["\'\u201d\u2019»)\\]]*\\Z|["\u201d»)\\]}`>]\\Z')
_WORD = re.compile(r"\w+")
_SHORT = 3
"""Words: `funniest cat puns` is a request that needs no mark."""
_OPEN = frozenset(
    (  # noqa: SIM905 - words read better as words
        "a an the of to in on at by for from with without into onto about as and or but nor if than that "
        "which who whose whom when while because although though is are was were be been being am do does did "
        "has have had having can could will would shall should may might must not no very so too this these "
        "those my your his her its our their some any each every between among under over after before during "
        "through against toward towards what how why where le la les un une de des du et ou à pour avec der "
        "die das ein eine einen und oder für mit von zu im den dem el los las una y o para con por"
    ).split()
)
"""Words after which a request goes on."""


def seems_whole(prompt: str) -> bool:
    r"""Whether a prompt reads as a whole instruction: by its last mark, else by its length and its last word.

    Right for 98 of 100 plain instructions (`seeds/ifs_instructions.jsonl`, 500 whole and 500 cut), and for 90 of 100 in
    sixteen shapes of prompt, from code to chat without marks (`seeds/read_prompts.jsonl`).

    >>> [seems_whole(text) for text in ("Name a river.", "Name a river in", "Text: I is\nFixed:", "Funny cat puns")]
    [True, False, True, True]
    """
    end = prompt.rstrip()
    if _ENDS.search(end):
        return True
    words = _WORD.findall(end[-200:])
    return len(words) <= _SHORT and bool(words) and words[-1].lower() not in _OPEN and len(end) <= 200


def whole_flags(pairs: Sequence[tuple[str, str]], whole: Sequence[bool | None] | None) -> "NDArray[np.bool_]":
    """Of each (prompt, text), whether its prompt is whole: as was said, or as it seems where nothing was.

    >>> whole_flags([("Name a river.", ""), ("Name a river in", ""), ("Name a", "")], [None, None, True]).tolist()
    [True, False, True]
    """
    import numpy as np

    said = whole or [None] * len(pairs)
    whole_or_not = [
        seems_whole(prompt) if flag is None else flag for (prompt, _), flag in zip(pairs, said, strict=True)
    ]
    return np.array(whole_or_not, dtype=np.bool_)
