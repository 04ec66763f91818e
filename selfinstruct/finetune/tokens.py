"""Pieces of text as tokens: each piece by itself, so that a prompt has the tokens that a student is asked with."""

from collections.abc import Sequence
from typing import Any

_ANCHOR = "\n"
_SPACE = "\u2581"  # how SentencePiece writes a space


class Tokens:
    """A tokenizer, as a training needs it."""

    def __init__(self, tokenizer: Any) -> None:  # noqa: ANN401 - imported late
        self._tokenizer = tokenizer
        self._anchor: list[int] = self._plain([_ANCHOR])[0] if self._puts_a_space_in_front() else []
        self.opening: list[int] = self._opening()
        """Tokens that it puts before every text it is given."""

    def of(self, texts: Sequence[str], continues: Sequence[bool]) -> list[list[int]]:
        """Tokens of each text; one that continues another gets no space in front that is not there."""
        if not self._anchor:
            return self._plain(texts)
        anchored = [_ANCHOR + text if more else text for text, more in zip(texts, continues, strict=True)]
        found = self._plain(anchored)
        size = len(self._anchor)
        return [
            one[size:] if more and one[:size] == self._anchor else self._plain([text])[0] if more else one
            for one, text, more in zip(found, texts, continues, strict=True)
        ]

    def _plain(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        made = self._tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)
        return [list(ids) for ids in made["input_ids"]]

    def _puts_a_space_in_front(self) -> bool:
        first = self._tokenizer.convert_ids_to_tokens(self._plain(["x"])[0][:1])
        return bool(first) and str(first[0]).startswith(_SPACE)

    def _opening(self) -> list[int]:
        bare = self._plain(["x"])[0]
        whole = [int(token) for token in self._tokenizer("x")["input_ids"]]
        for at in range(len(whole) - len(bare) + 1):
            if whole[at : at + len(bare)] == bare:
                return whole[:at]
        return []
