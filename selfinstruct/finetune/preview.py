"""A look at examples with their masks, before anything is trained."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby, islice
from typing import Any

from selfinstruct.finetune.examples import Example, Prepared
from selfinstruct.text import shown

COUNT = 3
_NAMED = 3  # unfit records
_WIDTH = 600  # characters of a piece
_MARKS = {True: "+", False: " "}


def preview(prepared: Prepared, tokenizer: Any, count: int = COUNT) -> str:  # noqa: ANN401 - imported late
    """The first examples as text, a line for each piece, with a plus in front of what is learned; then what is not."""
    parts = [_one(example, tokenizer) for example in prepared.examples[:count]]
    lines = list(unfit_lines(prepared))
    unfit = ["\n".join(lines)] if lines else []
    head = "Lines with a + are learned, the others only read; \u23ce is a line break."
    return "\n\n".join([head, *parts, *unfit])


def unfit_lines(prepared: Prepared) -> Iterator[str]:
    """How many answers and records are not learned and why, then the first of these by name; nothing where all are."""
    if marked := prepared.counts.unlearned:
        yield f"not learned, as the set marks them: {marked:,} answer{'s' * (marked > 1)}"
    if not prepared.unfit:
        return
    reasons = Counter(one.reason for one in prepared.unfit.values())
    told = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    count = len(prepared.unfit)
    yield f"not learned: {count:,} of {count + prepared.counts.records:,} records ({told}; see rejected.jsonl)"
    for one in islice(prepared.unfit.values(), _NAMED):
        yield f"  {one}"
    if count > _NAMED:
        yield f"  and {count - _NAMED:,} more"


def _one(example: Example, tokenizer: Any) -> str:  # noqa: ANN401 - imported late
    end = ", cut off at its end" if example.cut else ""
    lines = [f"record {example.record[:16]}: {len(example)} tokens, {example.learned} of them learned{end}"]
    pairs = zip(example.tokens, example.supervised, strict=True)
    for learned, run in groupby(pairs, key=lambda pair: bool(pair[1])):
        text = tokenizer.decode([token for token, _ in run], skip_special_tokens=False)
        lines.append(f"  {_MARKS[learned]} {shown(text.replace(chr(10), chr(0x23CE)), _WIDTH)}")
    return "\n".join(lines)
