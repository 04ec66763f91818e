"""Reads given text with a Transformers model (extra `train`): log-probabilities of tokens, hidden states of a reply."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfinstruct.errors import BadInput
from selfinstruct.models.transformers_weights import libraries, load_weights
from selfinstruct.prompt_templates import CHATML

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_TOKENS_TOGETHER = 8192  # tokens of one batch, filling included: about 1 GiB of logits for 32,000 words in 4 bytes
_CONTEXT = 2048  # tokens; where the model does not say how many it takes
LAYERS = (14, 20)
"""Of 30: states of the middle tell tone best."""
EARLY = 8
"""Tokens of the reply that are also averaged apart: the tone shows in the first words."""
_SPANS = 3
"""Log-probabilities are averaged over the reply, over its first `EARLY` tokens, and taken of its first one."""
_ASKED, _SAID = 160, 64
"""Tokens read of the prompt, its beginning and its end alike, and of the reply."""
_TOGETHER = 4096
"""Tokens of one batch, filling included."""


class TransformersScorer:
    """The scorer of `hf:NAME_OR_FOLDER`; weights are loaded when the first text comes.

    Prompt and continuation are cut into tokens apart, so that a continuation has the same tokens after any prompt.
    Before an empty prompt stands the model's mark for the beginning of a text, or else for its end. Where both do not
    fit, the beginning of the prompt is left out; a continuation that alone does not fit keeps its beginning.
    """

    def __init__(self, name: str, *, device: str = "", tokens_together: int = _TOKENS_TOGETHER) -> None:
        """`name`: as after `hf:`; `device`: as torch calls it, by default a GPU where there is one."""
        self.name = f"hf:{Path(name).name}" if Path(name).is_dir() else f"hf:{name}"
        self._weights, self._device, self._together = name, device, tokens_together
        self._model: Any = None
        self._tokenizer: Any = None

    def token_log_probabilities(self, prompt: str, continuation: str) -> Sequence[float]:
        """Natural logarithms, one for each token of the continuation."""
        return self.many_log_probabilities([(prompt, continuation)])[0]

    def many_log_probabilities(self, texts: Sequence[tuple[str, str]]) -> list[list[float]]:
        """The same for each (prompt, continuation); texts of like length are scored together."""
        if self._model is None:
            self._load()
        cut = [self._cut(*text) for text in texts]
        order = sorted(range(len(cut)), key=lambda at: len(cut[at][0]) + len(cut[at][1]))
        losses: list[list[float]] = [[] for _ in cut]
        for batch in _by_length(order, [len(before) + len(after) for before, after in cut], self._together):
            for at, scores in zip(batch, self._score([cut[at] for at in batch]), strict=True):
                losses[at] = scores
        return losses

    def _load(self) -> None:
        loaded = load_weights(self._weights, device=self._device)
        self._model, self._tokenizer = loaded.model, loaded.tokenizer

    def _cut(self, prompt: str, continuation: str) -> tuple[list[int], list[int]]:
        """Tokens of both, fit for the model's context, with at least one before the continuation."""
        start = self._tokenizer.bos_token_id
        mark = self._tokenizer.eos_token_id if start is None else start
        before = self._tokenizer(prompt, add_special_tokens=False)["input_ids"] if prompt else []
        after = self._tokenizer(continuation, add_special_tokens=False)["input_ids"] if continuation else []
        opening = [mark] if mark is not None and (start is not None or not before) else []
        if not before and not opening:
            raise BadInput(
                "its tokenizer has no mark for the beginning or the end of a text",
                place=f"model '{self.name}'",
                fix="score with another model",
            )
        room = self._context() - len(opening)
        after = after[: max(1, room - (0 if opening else 1))]
        return [*opening, *before[max(0, len(before) - (room - len(after))) :]], after

    def _context(self) -> int:
        settings = self._model.config.get_text_config()
        most = getattr(settings, "max_position_embeddings", None)
        return most if isinstance(most, int) and most > 1 else _CONTEXT

    def _score(self, batch: Sequence[tuple[list[int], list[int]]]) -> list[list[float]]:
        """One pass over texts filled up on the right, where causal attention does not look."""
        torch, _ = libraries()
        longest = max(len(before) + len(after) for before, after in batch)
        rows = [before + after for before, after in batch]
        filled = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=self._model.device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=self._model.device)
        scores = []
        with torch.inference_mode():
            logits = self._model(input_ids=filled, attention_mask=mask, use_cache=False).logits
            for line, (before, after) in zip(logits, batch, strict=True):
                # The token at place p is foretold at p - 1.
                log_probabilities = line[len(before) - 1 : len(before) + len(after) - 1].float().log_softmax(-1)
                chosen = torch.tensor(after, dtype=torch.long, device=log_probabilities.device).unsqueeze(-1)
                scores.append([float(score) for score in log_probabilities.gather(-1, chosen).squeeze(-1).tolist()])
        return scores


def _by_length(order: Sequence[int], lengths: Sequence[int], together: int) -> Iterator[list[int]]:
    """Runs of texts, shortest first, that take at most so many tokens filled up; a longer text goes alone.

    >>> list(_by_length([0, 1, 2], [3, 4, 9], together=8))
    [[0, 1], [2]]
    """
    batch: list[int] = []
    for at in order:
        if batch and (len(batch) + 1) * lengths[at] > together:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


class EmbeddedStates:
    """What the weights of `embedded` make of a reply: its states as an answer, and how likely it is as one.

    A row for each pair. First states, with the prompt as a user's turn and the reply as the assistant's: for each of
    `LAYERS` the mean over the reply's tokens, the mean over its first `EARLY`, and the last state before the reply,
    which holds what the model expects. Then log-probabilities, for each of three spans: those of the reply as the
    assistant's turn less those of the same text as what follows the bare prompt on a page, and the former alone.
    Pairs go through the model in batches of like length, in numbers of four bytes, so that verdicts do not depend on
    the processor; the weights are loaded when the first pair comes.
    """

    name = "SmolLM2-135M-Instruct, layers 14 and 20, 3 places; likelihoods as an answer and as more of the page"
    likelihoods = 2 * _SPANS
    """So many numbers at the end of a row."""

    def __init__(self) -> None:
        """Nothing is loaded yet."""
        self._model: Any = None
        self._tokenizer: Any = None

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> "NDArray[np.float32]":
        """Shape (pairs, 3 * layers * hidden size + `likelihoods`)."""
        import numpy as np

        torch, _ = libraries()
        if self._model is None:
            self._load()
        turns = [self._turns(prompt, reply) for prompt, reply in pairs]
        pages = [self._page(prompt, reply) for prompt, reply in pairs]
        width = 3 * len(LAYERS) * self._model.config.hidden_size
        rows = np.zeros((len(pairs), width + self.likelihoods), np.float32)
        with torch.inference_mode():
            for places in _batches(turns):
                states, likely = self._read([turns[at] for at in places], with_states=True)
                rows[places, :width], rows[places, width:] = states, np.concatenate([likely, likely], axis=1)
            for places in _batches(pages):
                _, likely = self._read([pages[at] for at in places], with_states=False)
                rows[places, width : width + _SPANS] -= likely
        return rows

    def _load(self) -> None:
        loaded = load_weights("embedded", dtype="float32")
        self._tokenizer, self._model = loaded.tokenizer, loaded.model

    def _turns(self, prompt: str, reply: str) -> tuple[list[int], int]:
        """Tokens of both in the model's own template, and where the reply begins."""
        asked = self._cut(prompt)
        if len(asked) > _ASKED:
            asked = [*asked[: _ASKED // 2], *asked[-_ASKED // 2 :]]
        opening, closing = CHATML.split("{instruction}")
        before = [*self._cut(opening), *asked, *self._cut(closing)]
        said = self._cut(reply.strip())[:_SAID] or self._cut("\n")
        return [*before, *said], len(before)

    def _page(self, prompt: str, reply: str) -> tuple[list[int], int]:
        """The same as one text, from the mark between texts on."""
        before = [*self._cut("<|endoftext|>"), *self._cut(prompt)[-_ASKED:]]
        said = self._cut(reply.rstrip())[:_SAID] or self._cut("\n")
        return [*before, *said], len(before)

    def _cut(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens

    def _read(
        self, rows: Sequence[tuple[list[int], int]], *, with_states: bool
    ) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
        """States, where they are wanted, and mean log-probabilities of the three spans."""
        import numpy as np

        torch, _ = libraries()
        longest = max(len(tokens) for tokens, _ in rows)
        filled = torch.tensor([tokens + [0] * (longest - len(tokens)) for tokens, _ in rows])
        mask = torch.tensor([[1] * len(tokens) + [0] * (longest - len(tokens)) for tokens, _ in rows])
        decoder = self._model.get_decoder()
        made = decoder(input_ids=filled, attention_mask=mask, output_hidden_states=with_states, use_cache=False)
        states, likely = [], []
        for place, (tokens, start) in enumerate(rows):
            if with_states:
                parts = []
                for layer in LAYERS:
                    line = made.hidden_states[layer][place]
                    said = line[start : len(tokens)].float()
                    parts += [said.mean(0), said[:EARLY].mean(0), line[start - 1].float()]
                states.append(torch.cat(parts).numpy())
            # the token at place p is foretold at p - 1
            logits = self._model.lm_head(made.last_hidden_state[place, start - 1 : len(tokens) - 1]).float()
            chosen = torch.tensor(tokens[start:]).unsqueeze(-1)
            scores = (logits.gather(-1, chosen).squeeze(-1) - logits.logsumexp(-1)).numpy()
            likely.append([scores.mean(), scores[:EARLY].mean(), scores[0]])
        return np.array(states, np.float32), np.array(likely, np.float32)


def _batches(rows: Sequence[tuple[list[int], int]]) -> Iterator[list[int]]:
    """Places of rows of like length that are read together."""
    order = sorted(range(len(rows)), key=lambda at: len(rows[at][0]))
    for batch in _in_order([len(rows[at][0]) for at in order]):
        yield order[batch.start : batch.stop]


def _in_order(lengths: Sequence[int]) -> list[range]:
    """Runs of places, shortest texts first, that take at most `_TOGETHER` tokens filled up.

    >>> _in_order([2000, 2000, 4000])
    [range(0, 2), range(2, 3)]
    """
    made, start = [], 0
    for place, length in enumerate(lengths):
        if place > start and (place - start + 1) * length > _TOGETHER:
            made.append(range(start, place))
            start = place
    return [*made, range(start, len(lengths))] if lengths else []
