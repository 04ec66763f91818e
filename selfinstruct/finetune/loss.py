"""The loss of a pass: logits are made only where something is to be learned, and a few hundred at a time.

A vocabulary is wide: with SmolLM2 the logits of 2,048 tokens are 400 MB, and as much again for what is kept of them and
for their gradients. Here the gradient of the last hidden states is gathered chunk by chunk, and goes through the model
once. Loss and gradients equal the plain ones; a test proves it.
"""

from typing import Any

from selfinstruct.finetune.attention import apart
from selfinstruct.finetune.packing import Pass

AT_ONCE = 512
"""Predictions in a chunk."""


class Loss:
    """Cross-entropy of a model on what is to be learned."""

    def __init__(self, model: Any, *, plain_head: bool) -> None:  # noqa: ANN401 - imported late
        """The model as it is trained, adapter and all; `plain_head` as `examine` found it without."""
        self._whole = model
        self._model = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._body = getattr(self._model, self._model.base_model_prefix) if plain_head else None

    def backward(self, one: Pass, share: float) -> float:
        """The sum over the pass, in nats; gradients of `share` times it are added to the weights'."""
        import torch

        states = self._states(one)
        if self._body is None:
            total = _nats(states, one.targets)
            (total * share).backward()
            return float(total.detach())
        found, head = 0.0, self._model.get_output_embeddings()
        apart_from_it = states.detach().requires_grad_()
        for begin in range(0, len(one.targets), AT_ONCE):
            chunk = slice(begin, begin + AT_ONCE)
            total = _nats(head(apart_from_it[chunk]), one.targets[chunk])
            (total * share).backward()
            found += float(total.detach())
        if states.requires_grad:  # else the head alone is trained
            torch.autograd.backward(states, apart_from_it.grad)
        return found

    def value(self, one: Pass) -> float:
        """The sum over the pass, in nats."""
        import torch

        with torch.no_grad():
            states = self._states(one)
            if self._body is None:
                return float(_nats(states, one.targets))
            head = self._model.get_output_embeddings()
            chunks = range(0, len(one.targets), AT_ONCE)
            return sum(float(_nats(head(states[at : at + AT_ONCE]), one.targets[at : at + AT_ONCE])) for at in chunks)

    def _states(self, one: Pass) -> Any:  # noqa: ANN401 - imported late
        """Last hidden states (or logits, where the head is not plain) of what is to be learned, a row each."""
        given = {"input_ids": one.tokens, "use_cache": False}
        if one.attended is None:
            with apart(self._model, one.lengths):
                return self._read({**given, "position_ids": one.positions})[one.keep]
        return self._read({**given, "attention_mask": one.attended})[one.keep]

    def _read(self, given: dict[str, Any]) -> Any:  # noqa: ANN401 - imported late
        return self._whole(**given).logits if self._body is None else self._body(**given)[0]


def _nats(logits: Any, targets: Any) -> Any:  # noqa: ANN401 - imported late
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits.float(), targets, reduction="sum")
