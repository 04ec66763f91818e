"""The next token of each row of a batch, by that row's own rules and its own dice."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from selfinstruct.records import Request


@dataclass(slots=True, eq=False)
class Line:
    """One text in the making."""

    request: Request
    most: int
    """Tokens it may grow to."""
    dice: Random
    tokens: list[int] = field(default_factory=list)
    finish: str = ""
    """Why it ended; empty while it grows."""


def lines_of(request: Request, most: int) -> list[Line]:
    """One for each choice; a single one where all choices would be the same.

    Each throws dice of its own, seeded by the request and the number of the choice, so that no neighbour in the batch
    changes what is thrown.

    >>> request = Request(prompt="a", max_tokens=9, n=2)
    >>> [line.dice.random() for line in lines_of(request, 9)] == [line.dice.random() for line in lines_of(request, 9)]
    True
    """
    seed = request.key("seed") if request.seed is None else str(request.seed)
    # Seeded with text, Random hashes it; nothing secret depends on it.
    return [Line(request, most, Random(f"{seed}/{number}")) for number in range(rows_of(request))]  # noqa: S311


def rows_of(request: Request) -> int:
    """How many rows of a batch it takes."""
    return request.n if request.temperature > 0 else 1


def next_tokens(logits: Any, lines: Sequence[Line]) -> list[int]:  # noqa: ANN401 - torch is imported late
    """One token for each line; `logits` has a row for each, in 4-byte floats, and is changed by penalties."""
    for at, line in enumerate(lines):
        _penalise(logits[at], line)
    chosen: list[int] = logits.argmax(-1).tolist()
    warm = [at for at, line in enumerate(lines) if line.request.temperature > 0]
    if warm:
        drawn = _draw(logits if len(warm) == len(lines) else logits[warm], [lines[at] for at in warm])
        for at, token in zip(warm, drawn, strict=True):
            chosen[at] = token
    return chosen


def _penalise(row: Any, line: Line) -> None:  # noqa: ANN401 - as above
    """As OpenAI defines them: once for being there, and once more for each time; the prompt does not count."""
    presence, frequency = line.request.presence_penalty, line.request.frequency_penalty
    if (presence or frequency) and line.tokens:
        tokens, counts = row.new_tensor(line.tokens).long().unique(return_counts=True)
        row[tokens] -= presence + frequency * counts


def _draw(logits: Any, lines: Sequence[Line]) -> list[int]:  # noqa: ANN401 - as above
    """One throw a line, read off the summed probabilities in the vocabulary's order.

    Rounding, which differs with the size of a batch, moves a border between two tokens by a millionth, so that it
    hardly ever changes which of them is drawn.
    """
    torch = importlib.import_module("torch")  # an extra, without types where it is not installed
    heat = logits.new_tensor([line.request.temperature for line in lines])
    chances = (logits / heat.unsqueeze(-1)).softmax(-1)
    if any(line.request.top_p < 1 for line in lines):
        chances = _nucleus(chances, chances.new_tensor([line.request.top_p for line in lines]))
    summed = chances.cumsum(-1, dtype=torch.float64)
    thrown = summed.new_tensor([line.dice.random() for line in lines]) * summed[:, -1]
    found = torch.searchsorted(summed, thrown.unsqueeze(-1), right=True).squeeze(-1)
    return [int(token) for token in found.clamp(max=summed.shape[-1] - 1).tolist()]


def _nucleus(chances: Any, most: Any) -> Any:  # noqa: ANN401 - as above
    """Only the likeliest tokens that together reach `most`, at least one; Holtzman et al. 2020."""
    ranked, order = chances.sort(dim=-1, descending=True, stable=True)
    ranked[(ranked.cumsum(-1) - ranked) >= most.clamp(min=1e-9).unsqueeze(-1)] = 0.0
    return chances.new_zeros(chances.shape).scatter(-1, order, ranked)
