"""A pause in a training that leaves no trace: modes, switches and random states are put back."""

import contextlib
import random
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def undisturbed(model: Any) -> Iterator[None]:  # noqa: ANN401 - imported late
    """The model in evaluation mode; afterwards each of its parts trains, or does not, as before.

    Switching an adapter off and on makes it trainable as a whole, so what is trained is put back, too. Random states
    are those of Python, NumPy and torch on all devices.
    """
    import numpy as np
    import torch

    modes = [(part, part.training) for part in model.modules()]
    switches = [(weights, weights.requires_grad) for weights in model.parameters()]
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is the global one that trainers use
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        model.eval()
        try:
            yield
        finally:
            for part, training in modes:
                part.training = training
            for weights, trained in switches:
                if weights.requires_grad != trained:
                    weights.requires_grad_(trained)
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002 - as above
