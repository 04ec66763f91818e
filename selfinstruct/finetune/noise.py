"""NEFTune: noise on the embeddings of what is read, while training (as arXiv 2402.05119 tries it)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selfinstruct.finetune.packing import Pass


@contextmanager
def noisy(model: Any, one: Pass, alpha: float) -> Iterator[None]:  # noqa: ANN401 - imported late
    """Within, each embedding gets uniform noise of at most alpha / sqrt(tokens of its example x width).

    Drawn from torch's own generator; without alpha nothing is drawn.
    """
    if not alpha:
        yield
        return
    import torch

    sizes = torch.tensor(one.lengths, dtype=torch.float32, device=one.tokens.device)
    packed = one.attended is None
    lengths = torch.repeat_interleave(sizes, sizes.long())[None, :, None] if packed else sizes[:, None, None]

    def add(_module: Any, _given: Any, embedded: Any) -> Any:  # noqa: ANN401 - as torch calls it
        most = alpha / (lengths * embedded.shape[-1]).sqrt()
        return embedded + ((torch.rand_like(embedded, dtype=torch.float32) * 2 - 1) * most).to(embedded.dtype)

    hook = model.get_input_embeddings().register_forward_hook(add)
    try:
        yield
    finally:
        hook.remove()
