"""A base and what was tuned from it, in memory together: checked to be of one kind, asked and looked into."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.prompt_templates import WRAPPERS, wrapped
from selfinstruct.records import Task
from selfinstruct.stage import Loaded, Weights

CHAT = "chat"
"""The tokenizer's own template; any other name is one of `WRAPPERS`."""
_FLOATS = 25_000_000  # of one batch's logits: 100 MB, and as many of the other model's
_CONTEXT = 2048  # tokens; where the model does not say how many it takes


@dataclass(frozen=True, slots=True)
class ModelSide:
    """A model as it is looked into; of an adapter on its base either is a side of the same weights."""

    name: str
    model: Any
    without_adapter: bool = False

    def _switched(self) -> AbstractContextManager[Any]:
        return self.model.disable_adapter() if self.without_adapter else nullcontext()

    def logits(self, rows: Sequence[Sequence[int]]) -> Any:  # noqa: ANN401 - torch is imported late
        """Of every position of every row, filled up on the right, where causal attention does not look."""
        import torch

        longest = max(map(len, rows))
        device = self.model.device
        filled = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], device=device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=device)
        with torch.inference_mode(), self._switched():
            return self.model(input_ids=filled, attention_mask=mask, use_cache=False).logits

    def answers(self, prompts: Sequence[Sequence[int]], tokens: int, ends: Sequence[int]) -> list[list[int]]:
        """What it says greedily, the mark of the end with it where it came to one."""
        import torch

        longest = max(map(len, prompts))
        device = self.model.device
        filled = torch.tensor([[*[0] * (longest - len(row)), *row] for row in prompts], device=device)
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in prompts], device=device)
        with torch.inference_mode(), self._switched():
            said = self.model.generate(
                input_ids=filled,
                attention_mask=mask,
                max_new_tokens=tokens,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                eos_token_id=[*ends] or None,
                pad_token_id=(ends or [0])[0],
            )
        return [_to_the_end(row[longest:].tolist(), ends) for row in said]


def side(weights: Weights, *, dtype: str = "auto") -> tuple[ModelSide, Loaded]:
    """Weights alone; an adapter stays beside its base, which spares merging it."""
    loaded = weights.load(dtype=dtype, merge=False)
    return ModelSide(weights.name, loaded.model), loaded


def two_sides(base: Weights, tuned: Weights) -> tuple[ModelSide, ModelSide, Any]:
    """Base, tuned and their one tokenizer; of an adapter on this base the weights are loaded once.

    Raises:
        BadInput: they have two tokenizers, or the one was not made of the other.
    """
    check_made_from(base, tuned)
    after, loaded = side(tuned)
    if hasattr(loaded.model, "disable_adapter") and tuned.tuned_from == base.name:
        return ModelSide(base.name, loaded.model, without_adapter=True), after, loaded.tokenizer
    before, known = side(base)
    check_one_kind(base, known, tuned, loaded)
    return before, after, loaded.tokenizer


def check_made_from(base: Weights, tuned: Weights) -> None:
    """BadInput for a student that says it was made of another base."""
    if tuned.tuned_from and tuned.tuned_from != base.name:
        what = f"{tuned.name} was tuned from {tuned.tuned_from}, and not from {base.name}"
        raise BadInput(what, place="--base and --tuned", fix="name its own base, or a student of this one")


def check_one_kind(base: Weights, before: Loaded, tuned: Weights, after: Loaded) -> None:
    """BadInput for two tokenizers, and for weights of two sizes: neither is the other, tuned."""
    words, others = before.tokenizer.get_vocab(), after.tokenizer.get_vocab()
    if words != others:
        odd = [word for word in sorted({*words, *others}) if words.get(word) != others.get(word)]
        what = f"{base.name} and {tuned.name} have two tokenizers: {len(odd)} entries differ, such as {odd[0]!r}"
        raise BadInput(what, place="--base and --tuned", fix="name two models with one vocabulary")
    sizes, other_sizes = _sizes(before.model), _sizes(after.model)
    if sizes != other_sizes:
        what = f"{tuned.name} is not {base.name}, tuned: {_sizes_text(other_sizes)} against {_sizes_text(sizes)}"
        raise BadInput(what, place="--base and --tuned", fix="name a student of this base")


def ends_of(tokenizer: Any, model: Any) -> tuple[int, ...]:  # noqa: ANN401 - imported late
    """Every token that ends an answer."""
    configured = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    named = [*(configured if isinstance(configured, list) else [configured]), tokenizer.eos_token_id]
    return tuple(dict.fromkeys(token for token in named if isinstance(token, int)))


def check_template(tokenizer: Any, template: str) -> None:  # noqa: ANN401 - imported late
    """BadInput where prompts cannot be dressed so."""
    if template not in (CHAT, *WRAPPERS):
        raise BadInput(f"no template '{template}'", place="template", fix=f"one of: {', '.join((CHAT, *WRAPPERS))}")
    if template == CHAT and not getattr(tokenizer, "chat_template", None):
        what = "the tokenizer has no chat template"
        raise BadInput(what, place="template", fix=f"choose one of: {', '.join(WRAPPERS)}")


def asked(tokenizer: Any, template: str, task: Task, given: str) -> list[int]:  # noqa: ANN401 - imported late
    """The tokens of a task as a prompt in that template: the same for both models."""
    return prompt_tokens(tokenizer, template, task.instruction, given, task.system)


def prompt_tokens(tokenizer: Any, template: str, instruction: str, given: str = "", system: str = "") -> list[int]:  # noqa: ANN401
    """The tokens of a prompt in that template.

    Raises:
        BadInput: the chat template refuses the conversation.
    """
    if template != CHAT:
        return list(tokenizer(wrapped(template, instruction, given, system))["input_ids"])
    turns = [{"role": "system", "content": system}] if system.strip() else []
    turns.append({"role": "user", "content": wrapped("none", instruction, given)})
    try:
        text = str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
    except Exception as refusal:  # templates are programs, and raise what they like
        reason = str(refusal).strip().partition("\n")[0]
        raise BadInput(f"the chat template refuses it ({reason})", place="template", fix="choose another") from refusal
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def context_of(model: Any) -> int:  # noqa: ANN401 - imported late
    """Tokens that the model reads."""
    most = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return most if isinstance(most, int) and most > 1 else _CONTEXT


def batches(lengths: Mapping[int, int], words: int) -> Iterator[list[int]]:
    """Keys whose texts go through the model together, short ones first; of so many words logits fill memory.

    >>> list(batches({0: 9, 1: 3, 2: 4}, words=2_500_000))
    [[1, 2], [0]]
    """
    most = max(1, _FLOATS // max(1, words))
    batch: list[int] = []
    for key in sorted(lengths, key=lambda at: (lengths[at], at)):
        if batch and (len(batch) + 1) * lengths[key] > most:
            yield batch
            batch = []
        batch.append(key)
    if batch:
        yield batch


def _to_the_end(said: list[int], ends: Sequence[int]) -> list[int]:
    at = next((place for place, token in enumerate(said) if token in ends), len(said) - 1)
    return said[: at + 1]


_KINDS = ("model_type", "hidden_size", "num_hidden_layers", "intermediate_size")


def _sizes(model: Any) -> tuple[Any, ...]:  # noqa: ANN401 - imported late
    settings = model.config.get_text_config()
    return tuple(getattr(settings, name, None) for name in _KINDS)


def _sizes_text(sizes: Sequence[Any]) -> str:
    return ", ".join(f"{name} {size}" for name, size in zip(_KINDS, sizes, strict=True) if size is not None)
