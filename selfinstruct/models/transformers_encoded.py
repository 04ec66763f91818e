"""Answers of a model with an encoder, such as T5: it reads the prompt, and the answer begins by itself."""

from collections.abc import Callable, Sequence
from typing import Any

from selfinstruct.models.sampling import Line, next_tokens
from selfinstruct.models.transformers_decode import Cut, Decoder
from selfinstruct.models.transformers_weights import libraries


class EncoderDecoder(Decoder):
    """The same questions and answers as of a `Decoder`; rows are padded on the right, for places may be absolute."""

    def _decode(self, cuts: Sequence[Cut], lines: Sequence[list[Line]], unwanted: Callable[[int], bool]) -> None:
        """Prompts once through the encoder, then a token a step; a row that ended costs no more."""
        torch, transformers = libraries()
        device = self._model.device
        longest = max(len(cut.tokens) for cut in cuts)
        filled = [list(cut.tokens) + [0] * (longest - len(cut.tokens)) for cut in cuts]
        marks = [[1] * len(cut.tokens) + [0] * (longest - len(cut.tokens)) for cut in cuts]
        mask = torch.tensor(marks, device=device)
        read = self._model.get_encoder()(input_ids=torch.tensor(filled, device=device), attention_mask=mask)[0]
        live = [(at, line) for at, texts in enumerate(lines) for line in texts]
        of = torch.tensor([at for at, _ in live], device=device)
        mask, read = mask[of], read[of]
        cache = transformers.EncoderDecoderCache(transformers.DynamicCache(), transformers.DynamicCache())
        last = torch.full((len(live), 1), self._begins(), device=device)
        while live:
            logits = self._next(last, read, mask, cache)
            for (_, line), token in zip(live, next_tokens(logits, [line for _, line in live]), strict=True):
                self._take(line, token)
            going = [row for row, (at, line) in enumerate(live) if not line.finish and not unwanted(at)]
            if going and len(going) < len(live):
                rows = torch.tensor(going, device=device)
                cache.reorder_cache(rows)
                mask, read = mask[rows], read[rows]
            live = [live[row] for row in going]
            if live:
                last = torch.tensor([[line.tokens[-1]] for _, line in live], device=device)

    def _next(self, last: Any, read: Any, mask: Any, cache: Any) -> Any:  # noqa: ANN401 - torch is imported late
        """Logits of the next token of each row."""
        told = self._model(
            encoder_outputs=(read,), attention_mask=mask, decoder_input_ids=last, past_key_values=cache, use_cache=True
        )
        return told.logits[:, -1].float()

    def _begins(self) -> int:
        """What stands before the first token of every answer."""
        names = ("decoder_start_token_id", "bos_token_id", "pad_token_id")
        named = (getattr(self._model.config, name, None) for name in names)
        return next((int(token) for token in named if token is not None), 0)

    def _continuation(self, cut: Cut, tokens: Sequence[int]) -> str:
        """The answer alone: it continues nothing."""
        del cut
        return self._plain(tokens)
