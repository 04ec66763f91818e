"""The loss of a pass: logits are made only where something is to be learned, and a few hundred at a time.

A vocabulary is wide: with SmolLM2 the logits of 2,048 tokens are 400 MB, and as much again for what is kept of them and
for their gradients. Here the gradient of the last hidden states is gathered chunk by chunk, and goes through the model
once. Loss and gradients equal the plain ones; a test proves it.
"""

from contextlib import nullcontext
from typing import Any

from selfinstruct.finetune.attention import apart
from selfinstruct.finetune.head import PlainHead, chunks, plain_head_of, rows_alone
from selfinstruct.finetune.packing import Pass


class Loss:
    """Cross-entropy of a model on what is to be learned."""

    def __init__(self, model: Any, *, plain_head: bool) -> None:  # noqa: ANN401 - imported late
        """The model as it is trained, adapter and all; `plain_head` as `examine` found it without."""
        self._whole = model
        self._model = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._body = getattr(self._model, self._model.base_model_prefix) if plain_head else None
        self._head = plain_head_of(self._model, self._body)

    def backward(self, one: Pass, share: float) -> float:
        """The sum over the pass, in nats; gradients of `share` times it are added to the weights'."""
        import torch

        head = self._in_place()
        with rows_alone(self._model) if head else nullcontext():
            states = self._states(one)
        if self._body is None:
            total = _nats(states, one.targets)
            (total * share).backward()
            return float(total.detach())
        if head:
            found, gradient = head.backward(states.detach(), one.targets, share)
        else:
            found, gradient = self._by_autograd(states.detach().requires_grad_(), one.targets, share)
        if states.requires_grad:  # else the head alone is trained
            torch.autograd.backward(states, gradient)
        return found

    def value(self, one: Pass) -> float:
        """The sum over the pass, in nats."""
        import torch

        with torch.no_grad():
            states = self._states(one)
            if self._body is None:
                return float(_nats(states, one.targets))
            if head := self._in_place():
                return head.value(states, one.targets)
            own = self._model.get_output_embeddings()
            places = chunks(len(one.targets))
            return sum(float(_nats(own(states[chunk]), one.targets[chunk])) for chunk in places)

    def _in_place(self) -> PlainHead | None:
        """The head that works in place, where numbers have four bytes all the way."""
        import torch

        return None if torch.is_autocast_enabled(self._model.device.type) else self._head

    def _by_autograd(self, states: Any, targets: Any, share: float) -> tuple[float, Any]:  # noqa: ANN401
        found, head = 0.0, self._model.get_output_embeddings()
        for chunk in chunks(len(targets)):
            total = _nats(head(states[chunk]), targets[chunk])
            (total * share).backward()
            found += float(total.detach())
        return found, states.grad

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
