r"""Thinking that a model writes out before its answer, told apart from the answer by the marks of many model families.

To add a family, write its two marks into `_FAMILIES`. What only speaks of a mark (`<think>` in code, in quotes, in the
middle of a sentence) is no mark.
"""

import re
from dataclasses import dataclass
from itertools import islice

# Opening and closing mark; DeepSeek, Qwen and most others write the first, each name perhaps with a maker before it.
_NAMES = r"(?:[a-z]{2,12}[:_])?think(?:ing)?|thoughts?|reasoning|scratchpad|inner_monologue"
_FAMILIES: tuple[tuple[str, str], ...] = (
    (rf"<(?:{_NAMES})>", rf"</(?:{_NAMES})>"),
    (r"<\|(?:begin_of_thought|start_thinking|thinking|think|inner_prefix)\|>",
     r"<\|(?:end_of_thought|end_thinking|/thinking|/think|inner_suffix)\|>"),
    (r"\[think(?:ing)?\]", r"\[/think(?:ing)?\]"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    (r"<\|channel>thought\b", r"<channel\|>"),
    (r"<unused94>(?:thought\b)?", r"<unused95>"),
    (r"(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)\b[^<\n]{0,80}<\|message\|>",
     r"<\|end\|>|(?=<\|start\|>assistant|<\|channel\|>final)"),
    (r"\A\s*analysis(?=[A-Z])", r"assistant(?:final|(?=commentary[A-Z]))"),  # the same where its marks were dropped
    (r"\A\s*Here (?:is|'s) my thought process:", r"\n\s{0,8}Here (?:is|'s) my response:"),
)  # fmt: skip
_OPENS = re.compile("|".join(f"(?P<o{at}>{mark})" for at, (mark, _) in enumerate(_FAMILIES)), re.IGNORECASE)
_CLOSES = tuple(re.compile(mark, re.IGNORECASE) for _, mark in _FAMILIES)
_LONE = re.compile("|".join(mark for _, mark in _FAMILIES[:6]), re.IGNORECASE)
_HEADER = re.compile(r"\s*(?:<\|start\|>assistant)?<\|channel\|>final\b[^<\n]{0,80}<\|message\|>", re.IGNORECASE)
_HINT = re.compile(r"[<\[\u25c1][|/a-z]", re.IGNORECASE)
# In lower case, one of these stands in every mark but those of signs that ASCII does not have.
_STEMS = (
    *("<|", "think>", "thinking>", "thought>", "thoughts>", "reasoning>", "scratchpad>", "inner_monologue>"),
    *("think]", "thinking]", "<channel|>", "<unused9"),
)
_HINT_BEFORE_ALL = re.compile(r"\s*(?:analysis[A-Z]|Here (?:is|'s) my thought)", re.IGNORECASE)
# Marks around the answer itself, which some families write once they have thought.
_AROUND_OPENS = re.compile(
    r"\s*(?:<(?:answer|response|output|final|final_answer)>|<\|(?:begin_of_solution|start_response)\|>)", re.IGNORECASE
)
_AROUND_ENDS = re.compile(
    r"(?:</(?:answer|response|output|final|final_answer)>|<\|(?:end_of_solution|end_response)\|>)\Z", re.IGNORECASE
)
_TURN_ENDS = re.compile(r"<\|(?:return|end)\|>\Z")
_LOOKED_AT = 64  # marks of one text: more is no thinking, and a text made of marks alone must come to an end
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_QUOTES = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb\\"
_ENDS = ".!?:;)]}>*\u2026\u3002\uff01\uff1f\uff1a"

_MUSES = r"(?:okay|ok|alright|all right|hmm+|hm|let me see|let's see|wait|now|first)"
_ASKS = (
    r"(?:wants?|wanted|ask(?:s|ed|ing)?|request(?:s|ed|ing)?|would like|says|said|seems|gives|gave|provides|provided)"
)
_BARE = re.compile(
    rf"\s*(?:(?:{_MUSES}[,.! \u2026]+)+(?:so[, ]+)?(?:(?:here|in this case|it seems|it looks like)[, ]+)?"
    r"(?:(?:the|this) (?:user|person|human|questioner)\b"
    rf"|(?:the|this) (?:prompt|question|request|task|query) (?:is )?{_ASKS}\b"
    r"|(?:i|we)(?:'m| am| are|'re)? (?:need|have|should|must|want|asked|being asked|supposed|going)\b"
    r"[^.\n]{0,12}\b(?:to|that)\b"
    r"|let me (?:think|try|figure|break|work|start by|consider|recall|see|process))"
    r"|(?:so[, ]+)?(?:the|this) user(?:'s (?:question|request|query|message|prompt|instruction)\b"
    rf"| (?:(?:is|was|has|just|simply|probably|likely|now|only|also)(?: been)? )*{_ASKS}\b)"
    r"|(?:we|i) need to (?:respond|answer|produce|figure out|work out"
    r"|come up with|give an answer|write a response|output|parse|interpret)\b"
    r"|let me think (?:about|through|step)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Parted:
    """A text in its two parts."""

    answer: str
    """The text as it was where no thinking was found."""
    thinking: str = ""
    marked: bool = False
    """There were marks, even if nothing stood between them."""
    unclosed: bool = False
    """The thinking did not come to its end: it was cut off."""


def parted(text: str) -> Parted:
    r"""The answer of a text and the thinking in it; a text without marks comes back as it is.

    >>> parted("<think>\nA spice? Saffron.\n</think>\n\nSaffron.")
    Parted(answer='Saffron.', thinking='A spice? Saffron.', marked=True, unclosed=False)
    >>> parted("So it is tin.\n</think>\nTin.").answer, parted("[THINK]Hm[/THINK]Tin.").answer
    ('Tin.', 'Tin.')
    >>> parted("<seed:think>Which sea do they").answer, parted("\u25c1think\u25b7x\u25c1/think\u25b7 Po").answer
    ('', 'Po')
    >>> parted("Say what the <think> and </think> tags are for.").marked, parted(" The Po ").answer
    (False, ' The Po ')
    """
    if not may_hold_marks(text):
        return Parted(text)
    rest, thoughts, has_marks, unclosed = text, list[str](), False, False
    for _ in range(_LOOKED_AT):
        lone = _first(_LONE, rest, len(rest), lone=True)
        opening = _first(_OPENS, rest, len(rest) if lone is None else lone.start())
        if lone is not None and opening is None:
            thoughts.append(rest[: lone.start()])
            rest = rest[lone.end() :].lstrip()
        elif opening is not None:
            family = int((opening.lastgroup or "o0")[1:])
            closing = _CLOSES[family].search(rest, opening.end())
            before, unclosed = rest[: opening.start()].rstrip(), closing is None
            thoughts.append(rest[opening.end() : len(rest) if closing is None else closing.start()])
            after = "" if closing is None else rest[closing.end() :].lstrip()
            rest = f"{before}\n\n{after}" if before and after else before or after
        else:
            break
        has_marks = True
        if unclosed:
            break
    header = _HEADER.match(rest)
    if header:
        rest, has_marks = rest[header.end() :], True
    if not has_marks:
        return Parted(text)
    rest = _TURN_ENDS.sub("", rest.strip())
    around = _AROUND_OPENS.match(rest)
    if around:
        rest = _AROUND_ENDS.sub("", rest[around.end() :])
    return Parted(rest.strip(), "\n\n".join(filter(None, (thought.strip() for thought in thoughts))), True, unclosed)


def may_hold_marks(text: str) -> bool:
    """Cheaply, for nearly every text: one sign is looked for faster than one of several.

    Code and lists are full of brackets; a mark has a word in it, too.
    """
    if "<" in text or "[" in text or "\u25c1" in text:
        if not text.isascii():
            return _HINT.search(text) is not None or _HINT_BEFORE_ALL.match(text) is not None
        lower = text.lower()
        for stem in _STEMS:
            if stem in lower:
                return True
    return _HINT_BEFORE_ALL.match(text) is not None


def sounds_like_thinking(text: str, asked: str = "") -> bool:
    """Begins like a model that thinks about what it was asked, with no mark: its prompt had opened the thinking.

    `asked` is what it replies to: where that speaks of users itself, so may the answer.

    >>> sounds_like_thinking("Okay, so the user is asking this and I have to work out what they")
    True
    >>> sounds_like_thinking("Okay, here are three rivers."), sounds_like_thinking("The user is an account.")
    (False, False)
    """
    match = _BARE.match(text)
    if match is None:
        return False
    return "user" not in match[0].lower() or not re.search(r"\busers?\b", asked, re.IGNORECASE)


def only_thinking(text: str, asked: str = "") -> bool:
    r"""Holds thinking and no answer: between marks, unclosed, or bare.

    >>> only_thinking("<think>\nOkay, so"), only_thinking("<think>Tin?</think>\n"), only_thinking("Tin.")
    (True, True, False)
    """
    parts = parted(text)
    if parts.marked and not parts.answer.strip():
        return True
    return not parts.marked and sounds_like_thinking(text, asked)


def _first(marks: re.Pattern[str], text: str, end: int, *, lone: bool = False) -> re.Match[str] | None:
    """The first mark before `end` that is meant."""
    looked_at = islice(marks.finditer(text, 0, end), _LOOKED_AT)
    return next((mark for mark in looked_at if not _is_mention(mark, text, lone=lone)), None)


def _is_mention(mark: re.Match[str], text: str, *, lone: bool) -> bool:
    """The text speaks of the mark: in quotes, in code, or in the middle of a sentence."""
    before, after = text[: mark.start()], text[mark.end() :]
    if before and before[-1] in _QUOTES:
        return True
    if len(_FENCE.findall(before)) % 2:
        return True
    line = before[before.rfind("\n") + 1 :]
    inside = line.strip() != "" and line[-1:].isspace() and line.rstrip()[-1] not in _ENDS
    return inside and (not lone or bool(re.match(r"[ \t]+[^\WA-Z]", after)))
