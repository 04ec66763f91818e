"""Asks a model for a plainer reply, and checks it: nothing new, all said, the right length, the layout kept."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from selfinstruct.curate.exchanges import Reply
from selfinstruct.curate.simplification.reply_blocks import sentences, skeleton, without_marks
from selfinstruct.prompts import Prompt, prompt
from selfinstruct.records import Completion, Failure, Message, Request
from selfinstruct.stage import Model, ask
from selfinstruct.text import shown, words

END = "<<<END>>>"
"""What closes a reply in the prompts for raw completion, where a blank line may be part of it."""
_CUT = ("length", "content_filter")
_ANSWER = re.compile(r"[\s*_\"'`]*(yes|no)\b", re.IGNORECASE)
_LABEL = re.compile(
    r"\A(?:\*\*)?(?:simplified|shorter|plainer|rewritten|fuller|full) (?:reply|response|answer):?(?:\*\*)?:?\s*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_SPELLED = {
    word: str(value)
    for value, word in enumerate(
        words(
            "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
            " eighteen nineteen twenty"
        ),
        2,
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90"}
_TOKEN = re.compile(r"[^\W\d_][\w\u2019'-]*")
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_URL = re.compile(r"\bhttps?://\S+|\bwww\.\S+")
_POSSESSIVE = re.compile(r"['\u2019]s?\Z")
# Words that open an English sentence, with a capital and without being a name.
_OPENERS = frozenset(
    words(
        "a an the this that these those it its he she they their we our you your i my there here in on at by for"
        " from with without to of as and but or so if when while where why how what which who whose then thus hence"
        " also however therefore instead because although since after before during both each every all any some many"
        " most few more less no not only overall finally first second third next last can could may might must should"
        " will would do does did is are was were be have has had use make take keep try add eat get give go let put"
        " set see avoid choose consider create ensure find follow help include increase improve learn limit reduce"
        " remove start stop write yes sure certainly absolutely great over under between through"
        " until unless once such other others another one people"
    )
)
# Endings that names do not have, more or less: a word that opens a sentence and ends so is no name.
_COMMON_ENDING = re.compile(
    r"(?:ing|ly|ed|ize|ise|ize|tion|sion|ment|ness|ful|able|ible|ity|ance|ence|ous|ive|less)s?\Z"
)
_STEM = 4


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """What the editing model answered, parsed into its parts."""

    text: str
    request: str
    """Id of the completion."""
    cut: bool = False
    """True when it ran into the limit of tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTemplate:
    """Whether a model is asked by messages or by a raw text, and how prompts become requests."""

    chat: bool

    def prompt(self, name: str) -> Prompt:
        """The prompt of that name, in this template."""
        return prompt("curate", f"{name}.{'chat' if self.chat else 'completion'}")

    def request(
        self,
        text: str,
        *,
        max_tokens: int,
        purpose: str,
        subject: str,
        stop: tuple[str, ...] = (),
        temperature: float = 0.0,
        n: int = 1,
        seed: int | None = None,
    ) -> Request:
        """A request; `stop` is for raw texts, which would go on to the next example."""
        return Request(
            prompt=(Message("user", text),) if self.chat else text,
            max_tokens=max_tokens,
            temperature=temperature,
            stop=() if self.chat else stop,
            n=n,
            seed=seed,
            purpose=purpose,
            subject=subject,
        )


def template_of(model: Model) -> RequestTemplate:
    """Messages where the model takes them: rewriting and judging are what chat models are tuned for."""
    return RequestTemplate(chat=model.traits.chat)


class RewriteModel:
    """The question of a rewriting stage and that of entailment, put to one model."""

    def __init__(self, model: Model, *, max_tokens: int, prompt: str = "simplify") -> None:
        """`max_tokens` is for a rewrite; `prompt` asks for it."""
        self._model, self._max_tokens, self._template, self._prompt_name = model, max_tokens, template_of(model), prompt

    @property
    def label(self) -> str:
        """Name and version of the prompt for rewriting."""
        return self._template.prompt(self._prompt_name).label

    def rewrites(self, asked: Sequence[Reply]) -> Iterator[ParsedAnswer | Failure]:
        """A text for each reply, in order."""
        text = self._template.prompt(self._prompt_name)

        def request(reply: Reply) -> Request:
            filled = text.filled(asked=reply.request.strip(), reply=reply.output.strip())
            return self._template.request(
                filled, max_tokens=self._max_tokens, purpose=self._prompt_name, subject=reply.instruction, stop=(END,)
            )

        for answer in ask(self._model, asked, request):
            yield _said(answer.reply)

    def entailments(self, changes: Sequence[tuple[Reply, str]]) -> Iterator[ParsedAnswer | Failure]:
        """For each reply and its rewrite: `yes`, `no`, or nothing where the judge said neither."""
        text = self._template.prompt("entails")

        def request(change: tuple[Reply, str]) -> Request:
            reply, rewrite = change
            filled = text.filled(asked=reply.request.strip(), reply=reply.output.strip(), rewrite=rewrite)
            return self._template.request(
                filled, max_tokens=16, purpose="entails", subject=reply.instruction, stop=("\n",)
            )

        for judged in ask(self._model, changes, request):
            said = _said(judged.reply)
            if isinstance(said, Failure):
                yield said
                continue
            answer = _ANSWER.match(said.text)
            yield ParsedAnswer(answer[1].lower() if answer else "", said.request)


def _said(reply: Completion | Failure) -> ParsedAnswer | Failure:
    if isinstance(reply, Failure):
        return reply
    choice = reply.choices[0]
    text = _LABEL.sub("", choice.text.split(END)[0].strip())
    return ParsedAnswer(text, reply.choice_id(0), cut=choice.finish_reason in _CUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much shorter a rewrite may be, in characters of the original."""

    at_least: float = 0.05
    at_most: float = 1.0


@dataclass(frozen=True, slots=True)
class RewriteObjection:
    """Why a rewrite is not taken."""

    reason: str
    detail: str


def objection(original: str, rewrite: str, context: str, bounds: Bounds) -> RewriteObjection | None:
    """The first reason not to take the rewrite; `context` is the instruction with its input.

    >>> objection("It has 9 parks.", "It has 8 parks.", "How many parks?", Bounds())
    RewriteObjection(reason='new_number', detail='8')
    >>> objection("Rome, as is well known, is old.", "Rome is old.", "Is Rome old?", Bounds()) is None
    True
    """
    if not rewrite.strip():
        return RewriteObjection("empty", "")
    ratio = len(rewrite) / max(1, len(original))
    if not bounds.at_least <= ratio <= bounds.at_most:
        return RewriteObjection("ratio", f"{ratio:.2f} of the length")
    source = f"{context}\n{original}"
    for reason, new in (
        ("new_code", [piece for piece in code(rewrite) if piece not in source]),
        ("new_number", _beyond(numbers(rewrite), numbers(source))),
        ("new_name", _new_names(rewrite, source)),
    ):
        if new:
            return RewriteObjection(reason, shown(", ".join(new), 200))
    before, after = skeleton(original), skeleton(rewrite)
    return None if before == after else RewriteObjection("skeleton", f"{before} became {after}")


def numbers(text: str) -> tuple[str, ...]:
    """The numbers of a text, in figures or spelled from two on, each once; marks of lists are none.

    >>> numbers("1. In 1,200 days, seven of 12.50")
    ('1200', '12.5', '7')
    """
    plain = without_marks(text)
    figures = [figure.replace(",", "") for figure in _NUMBER.findall(plain)]
    figures = [figure.rstrip("0").rstrip(".") if "." in figure else figure for figure in figures]
    spelled = [_SPELLED[word] for word in re.findall(r"[a-z]+", plain.lower()) if word in _SPELLED]
    return tuple(dict.fromkeys([*figures, *spelled]))


def names(text: str) -> tuple[str, ...]:
    """Capitalised words inside sentences, and those that open one and are hardly anything else; each once.

    >>> names("Yesterday Marie met Bohr's brother. Then it rained. Copenhagen is wet.")
    ('Yesterday', 'Marie', 'Bohr', 'Copenhagen')
    """
    return tuple(dict.fromkeys(word for word, _ in _capitalised(text)))


def code(text: str) -> tuple[str, ...]:
    """Fenced and inline code, and addresses.

    >>> code("Run `ls -l` from https://example.org/x now")
    ('`ls -l`', 'https://example.org/x')
    """
    return (*_CODE.findall(text), *_URL.findall(text))


def kept_facts(original: str, rewrite: str) -> tuple[int, int]:
    """How many numbers and names of the original the rewrite still has, and how many there were.

    >>> kept_facts("Ada wrote it in 1843 for Babbage.", "Ada wrote it in 1843.")
    (2, 3)
    """
    there = set(numbers(rewrite))
    said = {word.casefold() for word in _bare(rewrite)}
    figures, called = numbers(original), names(original)
    kept = sum(figure in there for figure in figures) + sum(name.casefold() in said for name in called)
    return kept, len(figures) + len(called)


def facts_only_in(piece: str, rest: str) -> tuple[str, ...]:
    """Numbers, names inside sentences, and code that a piece of text has and the rest has not.

    >>> facts_only_in("Great question about Rome in 80 days!", "rome wasn't built in a day")
    ('80',)
    """
    known = {word.casefold() for word in _bare(rest)}
    called = [word for word, opens in _capitalised(piece) if not opens and word.casefold() not in known]
    return (
        *_beyond(numbers(piece), numbers(rest)),
        *called,
        *(snippet for snippet in code(piece) if snippet not in rest),
    )


def _beyond(new: tuple[str, ...], known: tuple[str, ...]) -> list[str]:
    known_set = set(known)
    return [item for item in new if item not in known_set]


def _bare(text: str) -> list[str]:
    return [_POSSESSIVE.sub("", word) for word in _TOKEN.findall(text)]


def _capitalised(text: str) -> Iterator[tuple[str, bool]]:
    """Names, and whether each opens a sentence."""
    for span in sentences(without_marks(text)):
        for place, token in enumerate(_TOKEN.findall(span.text)):
            word = _POSSESSIVE.sub("", token)
            if not word[:1].isupper() or word == "I" or word.startswith(("I'", "I\u2019")):
                continue
            opens = place == 0
            if opens and (word.lower() in _OPENERS or _COMMON_ENDING.search(word)):
                continue
            yield word, opens


def _new_names(rewrite: str, source: str) -> list[str]:
    known = {word.casefold() for word in _bare(source)}
    stems = {word[:_STEM] for word in known}
    new: dict[str, None] = {}
    for word, opens in _capitalised(rewrite):
        folded = word.casefold()
        # A word that opens a sentence may be another form of one that stood inside: `Eaten` for `eating`.
        if folded not in known and not (opens and folded[:_STEM] in stems):
            new[word] = None
    return list(new)
