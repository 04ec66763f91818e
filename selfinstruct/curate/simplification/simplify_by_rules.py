r"""Simplification by rules, without a model: openers, closers, what is said twice, the question restated.

Only English prose is touched, never lists, code, tables, quotes, verse or talk, and no sentence goes that holds a
number or a name which stands nowhere else. To add a cut, write it below and put it into `CUTS`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from selfinstruct.curate.exchanges import Reply
from selfinstruct.curate.simplification.reply_blocks import Block, Span, blocks, looks_english, sentences
from selfinstruct.curate.simplification.simplify_by_model import facts_only_in
from selfinstruct.text import words

_AGREES = r"(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|no problem|gladly|great|alright)"
_OPENER = re.compile(
    rf"(?:{_AGREES}|(?:that's |what )?(?:an? )?(?:great|good|excellent|interesting|wonderful) question"
    r"|thank(?:s| you) for (?:asking|your question|the question|reaching out)"
    rf"|(?:{_AGREES}[,!.]? *)?(?:i(?:'d| would) be|i'm|i am) (?:happy|glad|delighted) to (?:help|assist)"
    r"[^.!?:]*)[.!]+\Z",
    re.IGNORECASE,
)
_AGREED = re.compile(rf"{_AGREES}[,!]\s+(?=\S)", re.IGNORECASE)
_PRESENTS = re.compile(
    rf"(?:{_AGREES}[,!.]?\s+)?(?:here(?:'s| is| are)|below (?:is|are)|the following (?:is|are)|i(?:'ve| have) \w+)\b"
    r"[^.!?]{0,160}:\Z",
    re.IGNORECASE,
)
_AGREES_AND_PRESENTS = re.compile(rf"{_AGREES}[,!.]?\s+here(?:'s| is| are)\b[^.!?]{{0,160}}[:.!]\Z", re.IGNORECASE)
_CLOSER = re.compile(
    r"(?:i )?(?:really )?hope (?:that |this |these |the |it |my )[^.!?]{0,60}?"
    r"(?:helps?|(?:is|are|was|were) (?:helpful|useful)|answers? your question)[^.!?]{0,60}[.!]*\Z"
    r"|(?:please )?(?:just )?let me know (?:if|how|whether|what)\b[^.!?]{0,160}"
    r"\b(?:you|i can|help|questions?)\b[^.!?]*[.!?]*\Z"
    r"|(?:please )?(?:feel free|do not hesitate|don't hesitate) to (?:ask|reach|contact|let me)\b[^.!?]*[.!]*\Z"
    r"|if (?:you (?:have|need|would like|want|'d like)|there(?:'s| is))\b[^.!?]{0,120}, (?:please )?(?:just )?"
    r"(?:feel free|let me know|do not hesitate|don't hesitate|ask away|i'm here|i am here)\b[^.!?]*[.!]*\Z"
    r"|is there anything else (?:i can|you(?:'d| would) like|you need)\b[^.!?]*\?\Z"
    r"|(?:i'm|i am) (?:always )?(?:here|happy) to (?:help|answer|assist)\b[^.!?]*[.!]*\Z",
    re.IGNORECASE,
)
_AGAIN = r"(?:(?:please )?(?:note|remember|keep in mind)(?: that)?,? |again,? |however,? )?"
_DISCLAIMERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "machine",
        re.compile(
            rf"{_AGAIN}(?:as|i'?m|i am) an? (?:ai|artificial intelligence|(?:large )?language model)\b", re.IGNORECASE
        ),
    ),
    (
        "layman",
        re.compile(
            rf"{_AGAIN}i(?:'m| am) not an? (?:\w+ )?(?:doctor|lawyer|expert|professional|advis[eo]r)", re.IGNORECASE
        ),
    ),
    (
        "consult",
        re.compile(
            rf"{_AGAIN}(?:(?:please|always|it is|it's|you should|you may want to|make sure|be sure)\b[^.!?]{{0,50}}?)?"
            r"\b(?:consult|speak (?:to|with)|talk to|see|seek (?:advice|guidance|help) from)\b[^.!?]{0,40}"
            r"\b(?:doctor|physician|professional|lawyer|attorney|advis[eo]r|provider|expert)s?\b[^.!?]{0,80}[.!]*\Z",
            re.IGNORECASE,
        ),
    ),
)
# Texts that are the work itself: `Sure, I will be there` may be what a letter says, and a refrain repeats itself.
_COMPOSES = (
    r"write|compose|draft|craft|reply|respond|dialog(?:ue)?|conversation|story|poem|song|lyrics|speech|tweet|essay"
    r"|advert\w*|slogan|role|pretend|imagine|act as|continue|complete|joke|persuade|invite|apologi[sz]e|announce\w*"
    r"|greeting|toast"
)
_REWORKS = (
    r"translate|rewrite|rephrase|paraphrase|reword|edit|correct|proofread|fix|convert|transform|repeat|quote|extract"
)
_WORKS = r"script|e-?mail|letter|message|post|review|article|sentences?|phrase|line|note|interview"
_COMPOSED = re.compile(rf"\b(?:{_COMPOSES}|{_REWORKS}|{_WORKS})\b", re.IGNORECASE)
_NEW = re.compile(
    rf"\b(?:{_COMPOSES})\b"
    r"|\b(?:create|make|generate|produce|prepare|give|suggest|think of|come up with|answer|send|say)\b"
    rf"[^.!?]{{0,60}}\b(?:{_WORKS})\b",
    re.IGNORECASE,
)
_OWN_SHARE = 0.5  # of the longer words of a sentence that stand in the request: it is part of what was to be reworked
_ASKS_WHETHER = re.compile(
    r"(?:^|[.!?:\n]\s*)(?:is|are|was|were|am|do|does|did|has|have|had|may|might|must|should|shall|will|would|can|could)"
    r"(?:n't)?\s+(?!you\b)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"\u201c\u201d]")
_FEWEST_WORDS = 4  # of a sentence that is cut for being said before


@dataclass(frozen=True, slots=True)
class RemovedText:
    """What a rule took out."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Plainer:
    """A reply after the rules, and what they cut; nothing cut, same text."""

    text: str
    cuts: tuple[RemovedText, ...]


@dataclass(frozen=True, slots=True)
class ReplyDraft:
    """A reply on its way: its blocks, and one list of sentences for each block of prose."""

    blocks: tuple[Block, ...]
    reply: Reply

    def text(self) -> str:
        """The reply as the rules have left it so far."""
        return "".join(block.text + block.gap for block in self.blocks)


Rule = Callable[[ReplyDraft], tuple[ReplyDraft, str] | None]


def simplified(reply: Reply) -> Plainer:
    """The reply with every cut made that can be made; simplifying the result changes nothing.

    >>> asked = "How long do eggs keep in the refrigerator?"
    >>> told = "Great question! They keep for a month if they stay in the box. I hope this helps!"
    >>> simplified(Reply("instance 0", asked, "", told)).text
    'They keep for a month if they stay in the box.'
    """
    text, cuts = reply.output, list[RemovedText]()
    if not looks_english(text):
        return Plainer(text, ())
    # Every cut shortens the text, so there is an end, and the end is a fixed point.
    while step := _first_cut(replace(reply, output=text)):
        text, cut = step
        cuts.append(cut)
    return Plainer(text, tuple(cuts))


def _first_cut(reply: Reply) -> tuple[str, RemovedText] | None:
    draft = ReplyDraft(blocks(reply.output), reply)
    for name, rule in CUTS:
        proposal = rule(draft)
        if proposal is None:
            continue
        text, cut = proposal[0].text().strip(), proposal[1]
        if (
            words(text)
            and len(text) < len(reply.output)
            and looks_english(text)
            and not facts_only_in(cut, f"{reply.request}\n{text}")
        ):
            return text, RemovedText(name, cut)
    return None


def opener(draft: ReplyDraft) -> tuple[ReplyDraft, str] | None:
    """A first sentence that only agrees, thanks, praises the question, or presents what follows."""
    first = _prose(draft, 0)
    if not first or (len(first) == 1 and len(draft.blocks) == 1):
        return None
    head = _plain(first[0].text)
    if len(first) > 1 and _AGREES_AND_PRESENTS.match(f"{head} {_plain(first[1].text)}"):
        if len(first) == 2 and len(draft.blocks) == 1:
            return None
        rest = _without(draft, 0, first, 0)
        return _without(rest, 0, _prose(rest, 0), 0), f"{first[0].text} {first[1].text}"
    patterns = [_AGREES_AND_PRESENTS]
    if not _may_be_the_work(draft, head):
        patterns += [_PRESENTS] if _ASKS_WHETHER.search(draft.reply.instruction) else [_PRESENTS, _OPENER]
    if not any(pattern.match(head) for pattern in patterns):
        return None
    return _without(draft, 0, first, 0), first[0].text


def agreement(draft: ReplyDraft) -> tuple[ReplyDraft, str] | None:
    """`Sure,` before a first sentence that goes on; where it was asked whether, that word is the answer."""
    first = _prose(draft, 0)
    agreed = _AGREED.match(first[0].text) if first else None
    if not agreed or _may_be_the_work(draft, first[0].text) or _ASKS_WHETHER.search(draft.reply.instruction):
        return None
    rest = first[0].text[agreed.end() :]
    if not rest or rest.casefold().startswith(("but ", "and ", "if ", "that ")):
        return None
    started = (Span(rest[0].upper() + rest[1:], first[0].gap), *first[1:])
    return _with(draft, 0, started), agreed[0].strip()


def closer(draft: ReplyDraft) -> tuple[ReplyDraft, str] | None:
    """A last sentence that wishes, offers or asks for more questions."""
    index = len(draft.blocks) - 1
    last = _prose(draft, index)
    if not last or (len(last) == 1 and index == 0):
        return None
    tail = last[-1].text
    if _may_be_the_work(draft, tail):
        return None
    return (_without(draft, index, last, len(last) - 1), tail) if _CLOSER.match(_plain(tail)) else None


def restated(draft: ReplyDraft) -> tuple[ReplyDraft, str] | None:
    """A first sentence that is a sentence of the instruction, word for word."""
    first = _prose(draft, 0)
    if not first or _is_composed(draft) or (len(first) == 1 and len(draft.blocks) == 1):
        return None
    head = words(first[0].text)
    asked = [words(span.text) for span in sentences(draft.reply.instruction)]
    if len(head) < _FEWEST_WORDS or head not in asked:
        return None
    return _without(draft, 0, first, 0), first[0].text


def repeated_disclaimer(draft: ReplyDraft) -> tuple[ReplyDraft, str] | None:
    """A disclaimer of a kind that came before, when the sentence says no more than that."""
    if _is_composed(draft):
        return None
    seen: set[str] = set()
    for index in range(len(draft.blocks)):
        spans = _prose(draft, index)
        for place, span in enumerate(spans):
            kind = next((name for name, pattern in _DISCLAIMERS if pattern.match(_plain(span.text))), "")
            if kind in seen and not re.search(r"\b(?:but|however|if)\b|;", span.text, re.IGNORECASE):
                return _without(draft, index, spans, place), span.text
            if kind:
                seen.add(kind)
    return None


def said_before(draft: ReplyDraft) -> tuple[ReplyDraft, str] | None:
    """A sentence with the same words, in the same order, as an earlier one."""
    if _is_composed(draft):
        return None
    seen: set[tuple[str, ...]] = set()
    for index in range(len(draft.blocks)):
        spans = _prose(draft, index)
        for place, span in enumerate(spans):
            key = tuple(words(span.text))
            if len(key) < _FEWEST_WORDS or _QUOTED.search(span.text) or span.text.endswith(":"):
                continue
            if key in seen:
                return _without(draft, index, spans, place), span.text
            seen.add(key)
    return None


CUTS: tuple[tuple[str, Rule], ...] = (
    ("opener", opener),
    ("agreement", agreement),
    ("restated", restated),
    ("closer", closer),
    ("repeated_disclaimer", repeated_disclaimer),
    ("said_before", said_before),
)


def _is_composed(draft: ReplyDraft) -> bool:
    return bool(_COMPOSED.search(draft.reply.instruction))


def _may_be_the_work(draft: ReplyDraft, sentence: str) -> bool:
    """Whether a sentence that only talks may be said by the text that was asked for: a new one, or one reworked."""
    if _NEW.search(draft.reply.instruction):
        return True
    said = {word for word in words(sentence) if len(word) > 3}
    return _is_composed(draft) and len(said & {*words(draft.reply.request)}) >= max(1, _OWN_SHARE * len(said))


def _plain(text: str) -> str:
    return text.replace("\u2019", "'").strip("*_ ")


def _prose(draft: ReplyDraft, index: int) -> tuple[Span, ...]:
    """The sentences of a block of English prose; none for any other block."""
    block = draft.blocks[index]
    return sentences(block.text) if block.kind == "prose" else ()


def _with(draft: ReplyDraft, index: int, spans: Sequence[Span]) -> ReplyDraft:
    """The draft with other sentences in one block; a block that lost its last one goes with its gap."""
    old = draft.blocks[index]
    body = "".join(span.text + span.gap for span in spans).rstrip()
    now = (Block(old.kind, body, old.gap),) if body else ()
    return replace(draft, blocks=(*draft.blocks[:index], *now, *draft.blocks[index + 1 :]))


def _without(draft: ReplyDraft, index: int, spans: Sequence[Span], place: int) -> ReplyDraft:
    return _with(draft, index, (*spans[:place], *spans[place + 1 :]))
