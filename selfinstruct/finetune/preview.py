"""A look at examples with their masks, before anything is trained."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from selfinstruct.finetune.examples import Example
from selfinstruct.text import shown

COUNT = 3
_WIDTH = 600  # characters of a piece
_MARKS = {True: "+", False: " "}


def preview(examples: Sequence[Example], tokenizer: Any, count: int = COUNT) -> str:  # noqa: ANN401 - imported late
    """The first examples as text, a line for each piece; a plus in front of what is learned."""
    parts = [_one(example, tokenizer) for example in examples[:count]]
    return "\n\n".join(["Lines with a + are learned, the others only read; \u23ce is a line break.", *parts])


def _one(example: Example, tokenizer: Any) -> str:  # noqa: ANN401 - imported late
    end = ", cut off at its end" if example.cut else ""
    lines = [f"record {example.record[:16]}: {len(example)} tokens, {example.learned} of them learned{end}"]
    pairs = zip(example.tokens, example.supervised, strict=True)
    for learned, run in groupby(pairs, key=lambda pair: bool(pair[1])):
        text = tokenizer.decode([token for token, _ in run], skip_special_tokens=False)
        lines.append(f"  {_MARKS[learned]} {shown(text.replace(chr(10), chr(0x23CE)), _WIDTH)}")
    return "\n".join(lines)
