"""From what a model brought to what a stage may read, for every backend: thinking taken off, size bounded."""

from dataclasses import dataclass, replace

from selfinstruct.models.backend import Answer, CallError
from selfinstruct.records import Choice, Request
from selfinstruct.text.thinking import parted, sounds_like_thinking

ROOM_TO_THINK = 4096
"""Tokens of each choice, where a model is found to think and nobody said how much it may."""
BYTES_PER_TOKEN = 64
"""More than any tokenizer's tokens hold on average: a longer text was not made of the tokens that were asked for."""
_SMALL = 4096  # bytes of a text that nobody minds
_RAW = 2**18  # bytes of an answer's body that are kept beside its texts


@dataclass(slots=True)
class ThinkingRoom:
    """How many tokens one model may think with: said, or none until it is seen to think."""

    said: int | None = None
    tokens: int = 0

    def __post_init__(self) -> None:
        """Begin with what was said."""
        self.tokens = self.said or 0

    def seen(self) -> None:
        """The model thinks."""
        if self.said is None:
            self.tokens = ROOM_TO_THINK


def usable(answer: Answer, request: Request) -> Answer:
    """The answer as stages read it; CallError where none of its choices is one.

    >>> from selfinstruct.records import Usage
    >>> usage, told = Usage(prompt_tokens=1, completion_tokens=9), Choice("<think>Hm</think>Tin.", "stop")
    >>> usable(Answer(choices=(told,), usage=usage, raw=""), Request(prompt="Name a metal.", max_tokens=9)).choices
    (Choice(text='Tin.', finish_reason='stop', thinking='Hm'),)
    """
    choices = tuple(_without_thinking(choice, request) for choice in answer.choices)
    _check_sizes(choices, answer, request)
    bare = [choice for choice in choices if choice.finish_reason == "only_thinking"]
    if choices and len(bare) == len(choices):
        cut = any(choice.finish_reason == "length" for choice in answer.choices)
        tokens = sum(len(choice.thinking) for choice in bare) // 4
        why = f"cut off after some {tokens} tokens; give it more (limits.thinking_tokens)" if cut else "then it stopped"
        what = f"the model wrote its thinking and no answer: {why}"
        raise CallError("only_thinking", what, retry="later", usage=answer.usage, tries=3, out_of_tokens=cut)
    most = _RAW + BYTES_PER_TOKEN * request.n * request.most_tokens
    raw = answer.raw if len(answer.raw) <= most else f"{answer.raw[:most]}\u2026 [{len(answer.raw)} characters]"
    thought = answer.thought or any(choice.thinking for choice in choices)
    return replace(answer, choices=choices, raw=raw, thought=thought)


def _without_thinking(choice: Choice, request: Request) -> Choice:
    told = parted(choice.text)
    if told.found:
        thinking = "\n\n".join(filter(None, (choice.thinking, told.thinking)))
        return Choice(told.answer, choice.finish_reason if told.answer else "only_thinking", thinking)
    if not choice.text.strip():
        return replace(choice, finish_reason="only_thinking") if choice.thinking else choice
    if isinstance(request.prompt, str) or choice.finish_reason != "length" or choice.thinking:
        return choice
    # A template may have opened the thinking in the prompt: then nothing but its words tells it from an answer.
    bare = sounds_like_thinking(choice.text, request.subject or request.prompt[-1].content)
    return Choice("", "only_thinking", choice.text) if bare else choice


def _check_sizes(choices: tuple[Choice, ...], answer: Answer, request: Request) -> None:
    most = _SMALL + BYTES_PER_TOKEN * request.most_tokens
    for choice in choices:
        if 4 * len(choice.text) > most and (size := len(choice.text.encode(errors="replace"))) > most:
            what = (
                f"a text of {size} bytes, where at most {request.max_tokens} tokens were asked for: no stage can use it"
            )
            raise CallError("too_large", what, retry="never", usage=answer.usage)
