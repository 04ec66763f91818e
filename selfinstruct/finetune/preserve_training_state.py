"""Evaluation in the middle of a training: the model is put back as it was, and so are random states."""

import contextlib
import random
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def evaluating(model: Any) -> Iterator[None]:  # noqa: ANN401 - imported late
    """The model without what training adds, dropout for instance; afterwards each of its parts is in its own mode."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextlib.contextmanager
def preserve_training_state(model: Any) -> Iterator[None]:  # noqa: ANN401 - imported late
    """`evaluating`, after which a training goes on, bit for bit, as without it.

    Switching an adapter off and on makes it trainable as a whole, so what is trained is put back, too. Random states
    are those of Python, NumPy and torch on all devices.
    """
    import numpy as np
    import torch

    switches = [(weights, weights.requires_grad) for weights in model.parameters()]
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is the global one that trainers use
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())), evaluating(model):
            yield
    finally:
        for weights, trained in switches:
            if weights.requires_grad != trained:
                weights.requires_grad_(trained)
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002 - as above
