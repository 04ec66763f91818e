"""What a small model makes of a reply: hidden states of the embedded weights, averaged over the reply's tokens."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from selfinstruct.models.transformers_weights import libraries, load_weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LAYERS = (14, 20)
"""Of 30: states of the middle tell tone best; no later layer is computed."""
EARLY = 8
"""Tokens of the reply that are also averaged apart: the tone shows in the first words."""
_ASKED, _SAID = 160, 64
"""Tokens read of the prompt, its beginning and its end alike, and of the reply."""
_TOGETHER = 4096
"""Tokens of one batch, filling included."""


class EmbeddedStates:
    """States of the prompt as a user's turn and the reply as the assistant's, by the weights of `embedded`.

    A row for each pair: for each of `LAYERS` the mean over the reply's tokens, the mean over its first `EARLY`, and the
    last state before the reply, which holds what the model expects. Pairs go through the model in batches of like
    length, in numbers of four bytes, so that verdicts do not depend on the processor; the weights are loaded when the
    first pair comes.
    """

    name = "SmolLM2-135M-Instruct, layers 14 and 20, 3 places"

    def __init__(self) -> None:
        """Nothing is loaded yet."""
        self._model: Any = None
        self._tokenizer: Any = None

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> "NDArray[np.float32]":
        """Shape (pairs, 3 * layers * hidden size)."""
        import numpy as np

        torch, _ = libraries()
        if self._model is None:
            self._load()
        rows = [self._tokens(prompt, reply) for prompt, reply in pairs]
        order = sorted(range(len(rows)), key=lambda at: len(rows[at][0]))
        width = 3 * len(LAYERS) * self._model.config.hidden_size
        found = np.zeros((len(rows), width), np.float32)
        with torch.inference_mode():
            for batch in _batches([len(rows[at][0]) for at in order]):
                places = order[batch.start : batch.stop]
                found[places] = self._states([rows[at] for at in places])
        return found

    def _load(self) -> None:
        loaded = load_weights("embedded", dtype="float32")
        self._tokenizer, self._model = loaded.tokenizer, loaded.model.get_decoder()
        self._model.layers = self._model.layers[: LAYERS[-1]]

    def _tokens(self, prompt: str, reply: str) -> tuple[list[int], int]:
        """Tokens of both in the model's own template, and where the reply begins."""
        asked = self._cut(prompt)
        if len(asked) > _ASKED:
            asked = [*asked[: _ASKED // 2], *asked[-_ASKED // 2 :]]
        before = [*self._cut("<|im_start|>user\n"), *asked, *self._cut("<|im_end|>\n<|im_start|>assistant\n")]
        said = self._cut(reply.strip())[:_SAID] or self._cut("\n")
        return [*before, *said], len(before)

    def _cut(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    def _states(self, rows: Sequence[tuple[list[int], int]]) -> "NDArray[np.float32]":
        import numpy as np

        torch, _ = libraries()
        longest = max(len(tokens) for tokens, _ in rows)
        filled = torch.tensor([tokens + [0] * (longest - len(tokens)) for tokens, _ in rows])
        mask = torch.tensor([[1] * len(tokens) + [0] * (longest - len(tokens)) for tokens, _ in rows])
        states = self._model(
            input_ids=filled, attention_mask=mask, output_hidden_states=True, use_cache=False
        ).hidden_states
        made = []
        for place, (tokens, start) in enumerate(rows):
            parts = []
            for layer in LAYERS:
                said = states[layer][place, start : len(tokens)].float()
                parts += [said.mean(0), said[:EARLY].mean(0), states[layer][place, start - 1].float()]
            made.append(torch.cat(parts).numpy())
        return np.stack(made)


def _batches(lengths: Sequence[int]) -> list[range]:
    """Runs of places, shortest texts first, that take at most `_TOGETHER` tokens filled up.

    >>> _batches([2000, 2000, 4000])
    [range(0, 2), range(2, 3)]
    """
    made, start = [], 0
    for place, length in enumerate(lengths):
        if place > start and (place - start + 1) * length > _TOGETHER:
            made.append(range(start, place))
            start = place
    return [*made, range(start, len(lengths))] if lengths else []
