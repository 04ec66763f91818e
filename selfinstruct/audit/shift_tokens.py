"""How far a tuned model has moved from another at each token of a response, and which tokens are worth counting.

Papers: URIAL (arXiv 2312.01552), whose three classes of tokens these are, and its use in arXiv 2402.05119. At each
position both models read the same text; the token that is judged is the one that the tuned model finds likeliest there.
Divergences are over the whole vocabulary, in both directions; `kl_topk_compat` is what the released program computes,
for comparison with published numbers: it is cut off at the ten likeliest tokens of both, and can be negative.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from selfinstruct.audit.model_pair import ModelSide, batches

Kind: TypeAlias = Literal["unshifted", "marginal", "shifted"]
KINDS: tuple[Kind, ...] = ("unshifted", "marginal", "shifted")
MARGINAL = 3
"""The worst rank that is not yet shifted; rank 1 is unshifted."""
TOP, STORED = 10, 30
"""Tokens that Jaccard and `kl_topk_compat` look at; tokens among which the released program renormalises."""
FIRST_PART = 0.05
"""Of a sentence, rounded up to whole tokens: the papers do not say how they round."""
_AT_ONCE = 128  # positions of which both predictions are in memory, copied
_LOOP_TURNS, _LOOP_TOKENS = 3, 16
_ENDS = ".!?\u2026\u3002\uff01\uff1f\u0964\u061f"


@dataclass(frozen=True, slots=True)
class ResponseTokens:
    """What the tuned model said to a prompt, as tokens."""

    record: str
    """Id of the task."""
    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    pieces: tuple[str, ...]
    """The text of each token, so that together they are the response."""
    counted: int
    """Tokens before a tail that says the same again and again; the others count nowhere."""
    sentences: tuple[int, ...]
    """Of each token the number of its sentence."""
    first: tuple[bool, ...]
    """Whether it is among the first 5 % of its sentence."""

    ends: bool = False
    """The last token is the mark of the end, and no part of what is said."""

    @property
    def text(self) -> str:
        """The response, and the mark of its end where there is one."""
        return "".join(self.pieces)

    @property
    def said(self) -> str:
        """The response without the mark of its end."""
        return "".join(self.pieces[:-1] if self.ends else self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One response, position by position: where one model stands beside another. Divergences are in nats."""

    rank: tuple[int, ...]
    """Of the token that the tuned model finds likeliest, in the order of the other."""
    argmax: tuple[int, ...]
    """The token that the tuned model finds likeliest."""
    kl_base_tuned: tuple[float, ...]
    kl_tuned_base: tuple[float, ...]
    kl_topk_compat: tuple[float, ...]
    base_probability: tuple[float, ...]
    """Probability that the other model gives that token."""
    jaccard: tuple[float, ...]
    """Of the ten likeliest tokens of both."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The class of each position."""
        return tuple(kind(rank) for rank in self.rank)


def kind(rank: int) -> Kind:
    """The class of a token by its rank, from 1, in the other model.

    >>> kind(1), kind(3), kind(4)
    ('unshifted', 'marginal', 'shifted')
    """
    return "unshifted" if rank == 1 else "marginal" if rank <= MARGINAL else "shifted"


def response(
    record: str,
    prompt: Sequence[int],
    tokens: Sequence[int],
    tokenizer: Any,  # noqa: ANN401 - imported late
    ends: Sequence[int] = (),
) -> ResponseTokens:
    """A response cut into pieces, sentences and their first parts; `ends`: tokens that are marks of an end."""
    pieces = pieces_of(tokenizer, tokens)
    sentences = sentences_of(pieces)
    return ResponseTokens(
        record,
        tuple(prompt),
        tuple(tokens),
        tuple(pieces),
        counted=looping_from(tokens),
        sentences=tuple(sentences),
        first=tuple(first_parts(sentences)),
        ends=tokens[-1] in ends if tokens else False,
    )


def moved(base: ModelSide, tuned: ModelSide, responses: Sequence[ResponseTokens]) -> list[Moved]:
    """Where the tuned model stands beside the base at each position of each response, in batches."""
    rows = [[*answer.prompt, *answer.tokens] for answer in responses]
    words = int(tuned.model.config.get_text_config().vocab_size)
    by_response: dict[int, Moved] = {}
    for batch in batches({at: len(row) for at, row in enumerate(rows)}, words):
        together = [rows[at] for at in batch]
        known, said = base.logits(together), tuned.logits(together)
        for place, at in enumerate(batch):
            begin, count = len(responses[at].prompt) - 1, len(responses[at].tokens)
            # the token at place p is foretold at p - 1
            by_response[at] = _of_row(known[place, begin : begin + count], said[place, begin : begin + count])
    return [by_response[at] for at in range(len(responses))]


def compared(known: Any, said: Any) -> dict[str, Any]:  # noqa: ANN401 - torch is imported late
    """Columns of `Moved` as tensors, from logits [positions, words] of both models; words beyond the fewer are cut."""
    import torch

    words = min(known.shape[-1], said.shape[-1])
    known, said = known[..., :words].float(), said[..., :words].float()
    before, after = known.log_softmax(-1), said.log_softmax(-1)
    top = after.argmax(-1, keepdim=True)
    there = before.gather(-1, top)
    stored, most = min(STORED, words), min(TOP, words)
    known_top, said_top = before.topk(stored, dim=-1), after.topk(stored, dim=-1)
    known_share, said_share = known_top.values.log_softmax(-1)[:, :most], said_top.values.log_softmax(-1)[:, :most]
    same = known_top.indices[:, :most, None] == said_top.indices[:, None, :most]
    terms = known_share.exp()[:, :, None] * (known_share[:, :, None] - said_share[:, None, :])
    shared = same.sum((1, 2)).double()
    # in place, and counted in 4 bytes: what is made anew for each of 49,000 words costs more than the arithmetic
    apart = before - after
    forth = (weights := before.exp()).mul_(apart).sum(-1)
    back = -torch.exp(after, out=weights).mul_(apart).sum(-1)
    return {
        "rank": (before > there).sum(-1, dtype=torch.int32).long() + 1,
        "argmax": top.squeeze(-1),
        "kl_base_tuned": forth.clamp(min=0),
        "kl_tuned_base": back.clamp(min=0),
        "kl_topk_compat": torch.where(same, terms, 0.0).sum((1, 2)),
        "base_probability": there.exp().squeeze(-1),
        "jaccard": shared / (2 * most - shared),
    }


def pieces_of(tokenizer: Any, tokens: Sequence[int]) -> list[str]:  # noqa: ANN401 - imported late
    """The text that each token adds; of a letter cut in several the last has it."""
    pieces, decoded = list[str](), ""
    for at in range(1, len(tokens) + 1):
        text = str(tokenizer.decode(list(tokens[:at]), skip_special_tokens=False, clean_up_tokenization_spaces=False))
        whole = not text.endswith("\ufffd") or at == len(tokens)
        pieces.append(text[len(decoded) :] if whole else "")
        decoded = text if whole else decoded
    return pieces


def sentences_of(pieces: Sequence[str]) -> list[int]:
    """The number of the sentence of each piece: one ends at a line's end, or at a mark with white space behind it.

    >>> sentences_of(["Pi", " is", " 3", ".", "14", ".", " Yes", "!", " No"])
    [0, 0, 0, 0, 0, 0, 1, 1, 2]
    """
    numbers, number = list[int](), 0
    for at, piece in enumerate(pieces):
        numbers.append(number)
        following = pieces[at + 1] if at + 1 < len(pieces) else ""
        closed = piece.rstrip().endswith(tuple(_ENDS)) and (piece[-1:].isspace() or following[:1].isspace())
        if following and ("\n" in piece or closed):
            number += 1
    return numbers


def first_parts(sentences: Sequence[int]) -> list[bool]:
    """Whether each token is among the first 5 % of its sentence, at least one.

    >>> first_parts([0] * 21 + [1]) == [True, True, *[False] * 19, True]
    True
    """
    marks = list[bool]()
    for number in dict.fromkeys(sentences):
        count = sentences.count(number)
        first = math.ceil(FIRST_PART * count)
        marks += [True] * first + [False] * (count - first)
    return marks


def looping_from(tokens: Sequence[int]) -> int:
    """How many tokens stand before a tail that says the same three times or more; all, where there is no such tail.

    The first turn of the loop is kept: it was said once before it was said again.

    >>> looping_from([9, 8, *[1, 2, 3, 4, 5, 6] * 3]), looping_from([1, 2, 3])
    (8, 3)
    """
    count = len(tokens)
    for period in range(1, count // _LOOP_TURNS + 1):
        same = 0
        while same + period < count and tokens[-1 - same] == tokens[-1 - same - period]:
            same += 1
        if same + period >= max(_LOOP_TURNS * period, _LOOP_TOKENS):
            return count - same
    return count


def _of_row(known: Any, said: Any) -> Moved:  # noqa: ANN401 - torch is imported late
    columns: dict[str, list[Any]] = {}
    for at in range(0, len(known), _AT_ONCE):
        for name, values in compared(known[at : at + _AT_ONCE], said[at : at + _AT_ONCE]).items():
            columns.setdefault(name, []).extend(values.tolist())
    return Moved(**{name: tuple(values) for name, values in columns.items()})
