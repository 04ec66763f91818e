"""Decodes batches with a loaded Transformers model: left padding, sampling per row, encoder-decoder models too."""

import importlib
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import Answer, CallError
from selfinstruct.models.transformers_weights import libraries
from selfinstruct.records import Choice, Message, Request, Usage
from selfinstruct.stage import Loaded
from selfinstruct.text.grammar import plural, with_article

_CONTEXT = 2048  # tokens; where the model does not say how many it takes
_CPU_ROWS, _GPU_ROWS = 32, 256  # past these a step takes as much longer as it does more
_CPU_CACHE = 2 * 2**30  # bytes for keys and values of one batch
_GPU_SHARE = 0.4  # of the memory that is free, for the same
_TAIL = 6  # tokens of the prompt that say whether a continuation begins with a space
_PROBE = "selfinstruct"  # an answer whose end of turn is looked at


@dataclass(frozen=True, slots=True)
class TokenizedRequest:
    """A request tokenized, with the longest answer that its context has room for."""

    request: Request
    tokens: tuple[int, ...]
    most: int
    """Tokens of an answer: what was asked for, or less where the model's context ends before."""

    @property
    def rows(self) -> int:
        """How many rows of a batch it takes."""
        return rows_of(self.request)

    @property
    def longest(self) -> int:
        """Tokens of prompt and longest answer."""
        return len(self.tokens) + self.most


@dataclass(slots=True, eq=False)
class DecodedText:
    """One text in the making."""

    request: Request
    most: int
    """Tokens it may grow to."""
    dice: Random
    tokens: list[int] = field(default_factory=list)
    finish: str = ""
    """Why it ended; empty while it grows."""


def rows_of(request: Request) -> int:
    """How many rows of a batch it takes."""
    return request.n if request.temperature > 0 else 1


class Decoder:
    """A model with its tokenizer, ready to answer."""

    def __init__(self, loaded: Loaded, *, name: str = "", rows: int = 0) -> None:
        """`name`: for complaints; `rows`: most texts at a time, by default as many as pay off on this device."""
        self._model, self._tokenizer = _bare(loaded.model), loaded.tokenizer
        self._place = f"model 'hf:{name}'" if name else "the model"
        takes = inspect.signature(self._model.forward).parameters
        if "past_key_values" not in takes:
            what = f"{with_article(self._model.config.model_type)} keeps nothing that rows of a batch can share"
            raise BadInput(what, place=self._place, fix="serve it, and name it openai:NAME")
        self._takes_places, self._takes_last = "position_ids" in takes, "logits_to_keep" in takes
        self._ends = _ends(self._model, self._tokenizer)
        self._rows = rows or (_CPU_ROWS if self._model.device.type == "cpu" else _GPU_ROWS)
        self._room = _room(self._model)

    def cut(self, request: Request) -> TokenizedRequest:
        """The request as tokens; CallError where it does not fit, BadInput where the model cannot do it at all."""
        if request.json_schema or request.grammar:
            what = "a Transformers model cannot be held to a grammar or a schema"
            raise BadInput(what, place=self._place, fix="name a model gguf:PATH or openai:NAME")
        tokens = self._raw(request.prompt) if isinstance(request.prompt, str) else self._chat(request.prompt)
        settings = self._model.config.get_text_config()
        context = getattr(settings, "max_position_embeddings", None) or _CONTEXT
        if len(tokens) >= context:
            message = f"{plural(len(tokens), 'token')}, and the model takes {context} with the answer"
            raise CallError("too_long", message, retry="never")
        return TokenizedRequest(request, tuple(tokens), max(1, min(request.most_tokens, context - len(tokens))))

    def replies(self, requests: Sequence[Request]) -> list[Answer]:
        """An answer to each, in their order, asked in batches of like length; CallError for one that does not fit."""
        cuts = [self.cut(request) for request in requests]
        waiting = sorted(range(len(cuts)), key=lambda at: (len(cuts[at].tokens), at))
        answers: dict[int, Answer] = {}
        while waiting:
            chosen = [waiting[place] for place in self.fellows([cuts[at] for at in waiting])]
            answers.update(zip(chosen, self.answers([cuts[at] for at in chosen]), strict=True))
            waiting = [at for at in waiting if at not in answers]
        return [answers[at] for at in range(len(cuts))]

    def fellows(self, cuts: Sequence[TokenizedRequest]) -> list[int]:
        """Which to answer with the first: those nearest in length, as many as fit; shortest first."""
        near = sorted(range(len(cuts)), key=lambda at: (abs(len(cuts[at].tokens) - len(cuts[0].tokens)), at))
        chosen: list[int] = []
        rows = prompt = most = 0
        for at in near:
            rows += cuts[at].rows
            prompt, most = max(prompt, len(cuts[at].tokens)), max(most, cuts[at].most)
            if chosen and (rows > self._rows or rows * (prompt + most) > self._room):
                break
            chosen.append(at)
        return sorted(chosen, key=lambda at: (len(cuts[at].tokens), at))

    def answers(
        self, cuts: Sequence[TokenizedRequest], unwanted: Callable[[int], bool] = lambda _: False
    ) -> list[Answer]:
        """One for each; `unwanted(at)` is asked at every step, and what no caller waits for is given up."""
        torch, _ = libraries()
        lines = [lines_of(cut.request, cut.most) for cut in cuts]
        try:
            with torch.inference_mode():
                self._decode(cuts, lines, unwanted)
        except torch.OutOfMemoryError as fault:
            if len(cuts) == 1:
                raise CallError("engine", "not enough memory on the device", retry="never") from fault
        else:
            return [self._answer(cut, texts) for cut, texts in zip(cuts, lines, strict=True)]
        torch.cuda.empty_cache()
        half = len(cuts) // 2  # the dice are thrown anew from the start, so the texts stay the same
        return self.answers(cuts[:half], unwanted) + self.answers(cuts[half:], lambda at: unwanted(at + half))

    def _decode(
        self, cuts: Sequence[TokenizedRequest], lines: Sequence[list[DecodedText]], unwanted: Callable[[int], bool]
    ) -> None:
        """Prompts once, then a token a step; a prompt serves all its choices, and a row that ended costs no more."""
        torch, transformers = libraries()
        device = self._model.device
        longest = max(len(cut.tokens) for cut in cuts)
        filled = [[0] * (longest - len(cut.tokens)) + list(cut.tokens) for cut in cuts]
        marks = [[0] * (longest - len(cut.tokens)) + [1] * len(cut.tokens) for cut in cuts]
        mask = torch.tensor(marks, device=device)
        cache = transformers.DynamicCache(config=self._model.config)
        logits = self._forward(torch.tensor(filled, device=device), mask, cache)
        live = [(at, line) for at, texts in enumerate(lines) for line in texts]
        if len(live) > len(cuts):
            rows = torch.tensor([at for at, _ in live], device=device)
            cache.reorder_cache(rows)
            mask, logits = mask[rows], logits[rows]
        while live:
            for (_, line), token in zip(live, next_tokens(logits, [line for _, line in live]), strict=True):
                self._take(line, token)
            going = [row for row, (at, line) in enumerate(live) if not line.finish and not unwanted(at)]
            if going and len(going) < len(live):
                rows = torch.tensor(going, device=device)
                cache.reorder_cache(rows)
                mask = mask[rows]
            live = [live[row] for row in going]
            if live:
                mask = torch.cat([mask, mask.new_ones((len(live), 1))], dim=-1)
                last = torch.tensor([[line.tokens[-1]] for _, line in live], device=device)
                logits = self._forward(last, mask, cache)

    def _forward(self, tokens: Any, mask: Any, cache: Any) -> Any:  # noqa: ANN401 - torch is imported late
        """Logits of the next token of each row."""
        torch, _ = libraries()
        more: dict[str, Any] = {}
        if self._takes_last:
            # An index copies the last states together. A slice (`1`) leaves them apart, and over rows that lie apart a
            # processor multiplies bfloat16 hundreds of times as slowly: 48 s for 32 rows and 262,144 tokens, else 0.1.
            more["logits_to_keep"] = torch.tensor([tokens.shape[-1] - 1], device=tokens.device)
        if self._takes_places:
            more["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)[:, -tokens.shape[-1] :]
        output = self._model(input_ids=tokens, attention_mask=mask, past_key_values=cache, use_cache=True, **more)
        return output.logits[:, -1].float()

    def _take(self, line: DecodedText, token: int) -> None:
        line.tokens.append(token)
        stops = line.request.stop
        # A token holds a byte of text at least, so a stop lies within as many tokens; the mark of the end is no text.
        reach = max((len(stop.encode()) for stop in stops), default=0) + 4
        if token in self._ends or (stops and any(stop in self._plain(line.tokens[-reach:]) for stop in stops)):
            line.finish = "stop"
        elif len(line.tokens) >= line.most:
            line.finish = "length"

    def _answer(self, cut: TokenizedRequest, lines: Sequence[DecodedText]) -> Answer:
        copies = cut.request.n // len(lines)
        choices = tuple(self._choice(cut, line) for line in lines) * copies
        grown = sum(len(line.tokens) for line in lines) * copies
        raw = {"tokens": [line.tokens for line in lines], "finish": [line.finish for line in lines]}
        usage = Usage(prompt_tokens=len(cut.tokens), completion_tokens=grown)
        return Answer(choices=choices, usage=usage, raw=json.dumps(raw))

    def _choice(self, cut: TokenizedRequest, line: DecodedText) -> Choice:
        tokens = line.tokens[:-1] if line.tokens and line.tokens[-1] in self._ends else line.tokens
        text = self._continuation(cut, tokens)
        ends = [at for at in (text.find(stop) for stop in cut.request.stop) if at >= 0]
        if ends:
            text = text[: min(ends)]
        # A character of several tokens may have been cut off in the middle.
        return Choice(text.rstrip("\ufffd") if line.finish == "length" else text, line.finish)

    def _continuation(self, cut: TokenizedRequest, tokens: Sequence[int]) -> str:
        """The text that follows the prompt: some tokenizers tell its first space only beside what stands before."""
        if isinstance(cut.request.prompt, str):
            before = self._plain(cut.tokens[-_TAIL:])
            whole = self._plain([*cut.tokens[-_TAIL:], *tokens])
            if whole.startswith(before):
                return whole[len(before) :]
        return self._plain(tokens)

    def _plain(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _raw(self, prompt: str) -> list[int]:
        tokens: list[int] = self._tokenizer(prompt)["input_ids"]
        if tokens:
            return tokens
        mark = self._tokenizer.bos_token_id if self._tokenizer.eos_token_id is None else self._tokenizer.eos_token_id
        if mark is None:
            what = "an empty prompt, and its tokenizer has no mark for the beginning or the end of a text"
            raise CallError("bad_request", what, retry="never")
        return [int(mark)]

    def _chat(self, turns: Sequence[Message]) -> list[int]:
        if not self._tokenizer.chat_template:
            what = "the model has no chat template, so nobody knows how a conversation is written for it"
            raise BadInput(what, place=self._place, fix="ask it with raw prompts, or name a tuned model")
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        try:
            text = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        except Exception as fault:  # a template is a program of the model's makers, with errors of its own
            message = f"the model's chat template takes no such conversation: {fault}"
            raise CallError("bad_request", message, retry="never") from fault
        tokens: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens


def _bare(model: Any) -> Any:  # noqa: ANN401 - transformers is imported late
    """The model that an adapter has grown into: it runs with the adapter, and its own signature tells what it takes."""
    inner = getattr(model, "get_base_model", None)
    if inner is None:
        return model
    if getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False):
        raise BadInput("a learned prompt is not asked in batches here", place="the model", fix="tune it with LoRA")
    return inner()


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:  # noqa: ANN401 - transformers is imported late
    """Every token that ends a text: as the settings say, and what the template puts after an answer."""
    named = [model.generation_config.eos_token_id, model.config.get_text_config().eos_token_id, tokenizer.eos_token_id]
    ends = {token for eos in named for token in (eos if isinstance(eos, list | tuple) else [eos]) if token is not None}
    return frozenset(ends | _turn_end(tokenizer))


def _turn_end(tokenizer: Any) -> set[int]:  # noqa: ANN401 - as above
    if not tokenizer.chat_template:
        return set()
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _PROBE}]
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False)
    except Exception:  # noqa: BLE001 - a template with other ideas of a conversation; the settings are all there is
        return set()
    after = tokenizer(text.rpartition(_PROBE)[2].lstrip(), add_special_tokens=False)["input_ids"]
    marks = {token for token, form in tokenizer.added_tokens_decoder.items() if form.special}
    return {*after[:1]} & marks


def _room(model: Any) -> int:  # noqa: ANN401 - as above
    """Tokens of one batch, answers and padding included, for whose keys and values there is memory."""
    torch, _ = libraries()
    settings = model.config.get_text_config()
    heads = getattr(settings, "num_key_value_heads", None) or settings.num_attention_heads
    width = getattr(settings, "head_dim", None) or settings.hidden_size // settings.num_attention_heads
    each: int = 2 * settings.num_hidden_layers * heads * width * model.dtype.itemsize
    if model.device.type == "cuda":
        free: int = torch.cuda.mem_get_info(model.device)[0]
        return int(free * _GPU_SHARE) // each
    return _CPU_CACHE // each


def lines_of(request: Request, most: int) -> list[DecodedText]:
    """One for each choice; a single one where all choices would be the same.

    Each throws dice of its own, seeded by the request and the number of the choice, so that no neighbour in the batch
    changes what is thrown.

    >>> request = Request(prompt="a", max_tokens=9, n=2)
    >>> [line.dice.random() for line in lines_of(request, 9)] == [line.dice.random() for line in lines_of(request, 9)]
    True
    """
    seed = request.key("seed") if request.seed is None else str(request.seed)
    # Seeded with text, Random hashes it; nothing secret depends on it.
    return [DecodedText(request, most, Random(f"{seed}/{number}")) for number in range(rows_of(request))]  # noqa: S311


def next_tokens(logits: Any, lines: Sequence[DecodedText]) -> list[int]:  # noqa: ANN401 - torch is imported late
    """One token for each line; `logits` has a row for each, in 4-byte floats, and is changed by penalties."""
    for at, line in enumerate(lines):
        _penalise(logits[at], line)
    chosen: list[int] = logits.argmax(-1).tolist()
    warm = [at for at, line in enumerate(lines) if line.request.temperature > 0]
    if warm:
        drawn = _draw(logits if len(warm) == len(lines) else logits[warm], [lines[at] for at in warm])
        for at, token in zip(warm, drawn, strict=True):
            chosen[at] = token
    return chosen


def _penalise(row: Any, line: DecodedText) -> None:  # noqa: ANN401 - as above
    """As OpenAI defines them: once for being there, and once more for each time; the prompt does not count."""
    presence, frequency = line.request.presence_penalty, line.request.frequency_penalty
    if (presence or frequency) and line.tokens:
        tokens, counts = row.new_tensor(line.tokens).long().unique(return_counts=True)
        row[tokens] -= presence + frequency * counts


def _draw(logits: Any, lines: Sequence[DecodedText]) -> list[int]:  # noqa: ANN401 - as above
    """One throw a line, read off the summed probabilities in the vocabulary's order.

    Rounding, which differs with the size of a batch, moves a border between two tokens by a millionth, so that it
    hardly ever changes which of them is drawn.
    """
    torch = importlib.import_module("torch")  # an extra, without types where it is not installed
    heat = logits.new_tensor([line.request.temperature for line in lines])
    chances = (logits / heat.unsqueeze(-1)).softmax(-1)
    if any(line.request.top_p < 1 for line in lines):
        chances = _nucleus(chances, chances.new_tensor([line.request.top_p for line in lines]))
    summed = chances.cumsum(-1, dtype=torch.float64)
    thrown = summed.new_tensor([line.dice.random() for line in lines]) * summed[:, -1]
    drawn = torch.searchsorted(summed, thrown.unsqueeze(-1), right=True).squeeze(-1)
    return [int(token) for token in drawn.clamp(max=summed.shape[-1] - 1).tolist()]


def _nucleus(chances: Any, most: Any) -> Any:  # noqa: ANN401 - as above
    """Only the likeliest tokens that together reach `most`, at least one; Holtzman et al. 2020."""
    ranked, order = chances.sort(dim=-1, descending=True, stable=True)
    ranked[(ranked.cumsum(-1) - ranked) >= most.clamp(min=1e-9).unsqueeze(-1)] = 0.0
    return chances.new_zeros(chances.shape).scatter(-1, order, ranked)


class EncoderDecoder(Decoder):
    """The same questions and answers as of a `Decoder`; rows are padded on the right, for places may be absolute."""

    def _decode(
        self, cuts: Sequence[TokenizedRequest], lines: Sequence[list[DecodedText]], unwanted: Callable[[int], bool]
    ) -> None:
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
        output = self._model(
            encoder_outputs=(read,), attention_mask=mask, decoder_input_ids=last, past_key_values=cache, use_cache=True
        )
        return output.logits[:, -1].float()

    def _begins(self) -> int:
        """What stands before the first token of every answer."""
        names = ("decoder_start_token_id", "bos_token_id", "pad_token_id")
        named = (getattr(self._model.config, name, None) for name in names)
        return next((int(token) for token in named if token is not None), 0)

    def _continuation(self, cut: TokenizedRequest, tokens: Sequence[int]) -> str:
        """The answer alone: it continues nothing."""
        del cut
        return self._plain(tokens)
