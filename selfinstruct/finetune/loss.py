"""The loss of a pass: logits are made only where something is to be learned, and a few hundred at a time.

A vocabulary is wide: with SmolLM2 the logits of 2,048 tokens are 400 MB, and as much again for what is kept of them and
for their gradients. Here the gradient of the last hidden states is gathered chunk by chunk, and goes through the model
once. Loss and gradients equal the plain ones; a test proves it.

Over a plain head it is worked out in place: one buffer of logits becomes their gradient, and is used again. By the
library's own steps a wide vocabulary costs memory that is fresh each time: with 262,144 tokens the logits of 432
predictions are 450 MB, and so are their logarithms, and their gradients. But softmax, less one at the target, is the
gradient of the logits, so nothing else has to be kept (`benchmarks/NOTES.md`).
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from selfinstruct.finetune.packing import Pass, apart

AT_ONCE = 512
"""Predictions in a chunk."""


class PlainHead:
    """Logits are states times the weight, in four-byte floats, and nothing is done to them after."""

    def __init__(self, weight: Any) -> None:  # noqa: ANN401 - imported late
        """The head's own, width of the vocabulary first."""
        self._weight = weight
        self._logits: Any = None
        self._gradient: Any = None

    def backward(self, states: Any, targets: Any, share: float) -> tuple[float, Any]:  # noqa: ANN401 - imported late
        """The sum over the predictions, in nats, and the gradient of the states.

        All gradients are of `share` times the sum; the weight's, where it is trained, is added to what it has.
        """
        import torch

        total, changed = 0.0, torch.empty_like(states)
        with torch.no_grad():
            for chunk in chunks(len(states)):
                logits = self._of(states[chunk])
                nats, sums = _exponentials(logits, targets[chunk])
                total += nats
                _become_gradient(logits, sums, targets[chunk], share)
                torch.mm(logits, self._weight, out=changed[chunk])
                if self._weight.requires_grad:
                    self._its_gradient().addmm_(logits.T, states[chunk])
        return total, changed

    def value(self, states: Any, targets: Any) -> float:  # noqa: ANN401 - imported late
        """The sum over the predictions, in nats."""
        import torch

        with torch.no_grad():
            return sum(_exponentials(self._of(states[chunk]), targets[chunk])[0] for chunk in chunks(len(states)))

    def _of(self, states: Any) -> Any:  # noqa: ANN401 - imported late
        import torch

        if self._logits is None:
            self._logits = states.new_empty(AT_ONCE, len(self._weight))
        return torch.mm(states, self._weight.T, out=self._logits[: len(states)])

    def _its_gradient(self) -> Any:  # noqa: ANN401 - imported late
        """Where an optimiser took it away, the same memory again, empty."""
        import torch

        if self._weight.grad is None:
            self._gradient = torch.empty_like(self._weight) if self._gradient is None else self._gradient
            self._weight.grad = self._gradient.zero_()
        return self._weight.grad


def plain_head_of(model: Any, body: Any) -> PlainHead | None:  # noqa: ANN401 - imported late
    """That of a model whose logits are its head's and no more; None where autograd must find the way.

    An adapter on the head is such a case, as are a bias and two-byte numbers.
    """
    import torch

    head = model.get_output_embeddings()
    simple = body is not None and type(head) is torch.nn.Linear and head.bias is None
    return PlainHead(head.weight) if simple and head.weight.dtype == torch.float32 else None


@contextmanager
def rows_alone(model: Any) -> Iterator[None]:  # noqa: ANN401 - imported late
    """Within, where words share the head's weight, what is read gets gradients for the rows of its words alone.

    They are added to those of the head; else a few hundred words would need a matrix of the whole vocabulary.
    """
    words, head = model.get_input_embeddings(), model.get_output_embeddings()
    tied = words.weight is head.weight and words.weight.requires_grad and hasattr(words, "sparse")
    if not tied:
        yield
        return
    before, words.sparse = words.sparse, True
    try:
        yield
    finally:
        words.sparse = before


def chunks(count: int) -> Iterator[slice]:
    """Slices of so many predictions, so that logits of only `AT_ONCE` positions are in memory.

    >>> [one.start for one in chunks(513)]
    [0, 512]
    """
    return (slice(begin, begin + AT_ONCE) for begin in range(0, count, AT_ONCE))


def _exponentials(logits: Any, targets: Any) -> tuple[float, Any]:  # noqa: ANN401 - imported late
    """Their loss in nats, and the sum of each row of what they become: exponentials, the highest 1."""
    right, highest = logits.gather(1, targets[:, None]), logits.amax(1, keepdim=True)
    sums = logits.sub_(highest).exp_().sum(1, keepdim=True)
    return float((sums.log() + highest - right).sum()), sums


def _become_gradient(exponentials: Any, sums: Any, targets: Any, share: float) -> None:  # noqa: ANN401 - imported late
    """Of the loss times `share`, by the logits: softmax, less one at the target."""
    places = targets[:, None]
    exponentials.mul_(share / sums).scatter_add_(1, places, sums.new_full(places.shape, -share))


@contextmanager
def noisy(model: Any, batch: Pass, alpha: float) -> Iterator[None]:  # noqa: ANN401 - imported late
    """Within, each embedding gets uniform noise of at most alpha / sqrt(tokens of its example x width).

    Drawn from torch's own generator; without alpha nothing is drawn.
    """
    if not alpha:
        yield
        return
    import torch

    sizes = torch.tensor(batch.lengths, dtype=torch.float32, device=batch.tokens.device)
    packed = batch.attended is None
    lengths = torch.repeat_interleave(sizes, sizes.long())[None, :, None] if packed else sizes[:, None, None]

    def add(_module: Any, _given: Any, embedded: Any) -> Any:  # noqa: ANN401 - as torch calls it
        most = alpha / (lengths * embedded.shape[-1]).sqrt()
        return embedded + ((torch.rand_like(embedded, dtype=torch.float32) * 2 - 1) * most).to(embedded.dtype)

    hook = model.get_input_embeddings().register_forward_hook(add)
    try:
        yield
    finally:
        hook.remove()


class Loss:
    """Cross-entropy of a model on what is to be learned."""

    def __init__(self, model: Any, *, plain_head: bool) -> None:  # noqa: ANN401 - imported late
        """The model as it is trained, adapter and all; `plain_head` as `examine` found it without."""
        self._whole = model
        self._model = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._body = getattr(self._model, self._model.base_model_prefix) if plain_head else None
        self._head = plain_head_of(self._model, self._body)

    def backward(self, batch: Pass, share: float) -> float:
        """The sum over the pass, in nats; gradients of `share` times it are added to the weights'."""
        import torch

        head = self._in_place()
        with rows_alone(self._model) if head else nullcontext():
            states = self._states(batch)
        if self._body is None:
            total = _nats(states, batch.targets)
            (total * share).backward()
            return float(total.detach())
        if head:
            nats, gradient = head.backward(states.detach(), batch.targets, share)
        else:
            nats, gradient = self._by_autograd(states.detach().requires_grad_(), batch.targets, share)
        if states.requires_grad:  # else the head alone is trained
            torch.autograd.backward(states, gradient)
        return nats

    def value(self, batch: Pass) -> float:
        """The sum over the pass, in nats."""
        import torch

        with torch.no_grad():
            states = self._states(batch)
            if self._body is None:
                return float(_nats(states, batch.targets))
            if head := self._in_place():
                return head.value(states, batch.targets)
            own = self._model.get_output_embeddings()
            places = chunks(len(batch.targets))
            return sum(float(_nats(own(states[chunk]), batch.targets[chunk])) for chunk in places)

    def _in_place(self) -> PlainHead | None:
        """The head that works in place, where numbers have four bytes all the way."""
        import torch

        return None if torch.is_autocast_enabled(self._model.device.type) else self._head

    def _by_autograd(self, states: Any, targets: Any, share: float) -> tuple[float, Any]:  # noqa: ANN401
        nats, head = 0.0, self._model.get_output_embeddings()
        for chunk in chunks(len(targets)):
            total = _nats(head(states[chunk]), targets[chunk])
            (total * share).backward()
            nats += float(total.detach())
        return nats, states.grad

    def _states(self, batch: Pass) -> Any:  # noqa: ANN401 - imported late
        """Last hidden states (or logits, where the head is not plain) of what is to be learned, a row each."""
        given = {"input_ids": batch.tokens, "use_cache": False}
        if batch.attended is None:
            with apart(self._model, batch.lengths):
                return self._read({**given, "position_ids": batch.positions})[batch.keep]
        return self._read({**given, "attention_mask": batch.attended})[batch.keep]

    def _read(self, given: dict[str, Any]) -> Any:  # noqa: ANN401 - imported late
        return self._whole(**given).logits if self._body is None else self._body(**given)[0]


def _nats(logits: Any, targets: Any) -> Any:  # noqa: ANN401 - imported late
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits.float(), targets, reduction="sum")
