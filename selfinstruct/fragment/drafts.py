"""Makes fragments of each kind from the sources of one split: also echoes, empty lists, loops and repetitions."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from selfinstruct.fragment.cuts import ENDS, By, Cut, cut, edges, first_words, size, stands_alone
from selfinstruct.fragment.fragment import FragmentKind
from selfinstruct.fragment.pair_sources import NeighbourIndex, Source
from selfinstruct.fragment.stock_phrases import Phrases, phrases
from selfinstruct.text import one_line

_TRIES = 12  # draws of another record before one is taken as it comes
_ANSWER_WORDS = 4  # kept free behind an I_c for the answer that follows it
_BEFORE_ANSWER, _BEFORE_NEXT, _BETWEEN = 0.06, 0.25, 0.25  # how often a phrase stands there
_LOOPED = 3  # words of an answer that go round
_NEW_TASK = (
    "\n\n",
    "\n\n",
    "\n\n### Instruction:\n",
    "\n\n### Response:\n",
    "\n\nQ: ",
    "\n\n2. ",
    "\n\n---\n\n",
    "\n\n## ",
)
_JOINTS = ("\n", "\n\n", "\n\n", " ")
_FILLERS = ("", "", "", "...", "___", "_____", "[ ]", "…", ".")
_BULLETS = ("-", "*", "•", "+", "\u2013", "☐", "#")
_LOOP_WORDS = (1, 8)
_SENTENCE = 4  # words from which a line says something


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRule:
    """Where instructions are cut, and how much of a continuation is kept."""

    by: By = "uniform"
    words_at_least: int = 3
    words_at_most: int = 40


@dataclass(frozen=True, slots=True)
class Body:
    """What follows a prompt, before it is shortened."""

    text: str
    least: int
    """Words that must stay for it to be what it is."""
    ic_words: int = 0
    open: bool = False
    """It is shortened already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A fragment whose continuation is not shortened yet."""

    kind: str
    source: Source
    prompt: str
    whole: bool
    complete: bool
    body: Body


@dataclass(frozen=True, slots=True)
class _DraftPrompt:
    """A prompt: whole, or the head of a cut."""

    text: str
    cut: Cut | None = None


class Drafts:
    """The sources of one split, and who can stand for whom among them: nothing of another split is seen."""

    def __init__(self, sources: Sequence[Source], rule: CutRule) -> None:
        """`sources`: of one split; `rule`: where their texts may be cut."""
        self._sources, self._rule = sources, rule
        self._neighbours = NeighbourIndex(sources)
        of_language: dict[str, list[int]] = {}
        for place, source in enumerate(sources):
            of_language.setdefault(source.language, []).append(place)
        # A language with one instruction has no other of its own: any record may stand in.
        everyone = list(range(len(sources)))
        self._fellows = {
            language: members if len({sources[place].key for place in members}) > 1 else everyone
            for language, members in of_language.items()
        }
        self._alone = len({source.key for source in sources}) <= 1

    def able(self, kind: FragmentKind) -> list[int]:
        """Places of the sources of which such a fragment can be made."""
        if self._alone and kind.name in ("another", "another_and_answers", "other_answer"):
            return []
        return [
            place
            for place, source in enumerate(self._sources)
            if (kind.prompt != "part" or source.can_be_cut)
            and (kind.name != "clarifies" or phrases(source.language) is not None)
            and (kind.name != "carries_on" or bool(source.carries_on))
        ]

    def made(self, kind: FragmentKind, place: int, turn: int, random: Random) -> Draft:
        """One fragment of that kind; `turn` alternates between whole and cut prompts where both are right."""
        source = self._sources[place]
        part = source.can_be_cut and (kind.prompt == "part" or (kind.prompt == "either" and turn % 2 == 1))
        room = self._rule.words_at_most - _ANSWER_WORDS if kind.name == "finishes_and_answers" else None
        asked = self._cut(source, random, room) if part else _DraftPrompt(source.text)
        if kind.prompt == "said" and source.cut:
            asked = _said(source)
        return Draft(
            kind=kind.name,
            source=source,
            prompt=asked.text,
            whole=asked.cut is None,
            complete=asked.cut is not None and asked.cut.complete,
            body=self._body(kind.name, place, asked, random),
        )

    def _cut(self, source: Source, random: Random, room: int | None) -> _DraftPrompt:
        rule = self._rule
        most = room or (rule.words_at_most if rule.by == "length" else None)
        prompt_cut = cut(
            source.text, random, by=rule.by, least=rule.words_at_least, most=most, language=source.language
        )
        assert prompt_cut is not None  # the source can be cut, and a rest of the least words always fits
        return _DraftPrompt(prompt_cut.head, prompt_cut)

    def _body(self, kind: str, place: int, asked: _DraftPrompt, random: Random) -> Body:  # noqa: C901, PLR0911, PLR0912 - one for each kind
        source = self._sources[place]
        match kind:
            case "answer" | "answer_to_part":
                return self._answer(source, random)
            case "other_answer":
                return self._answer(self._other(place, random), random)
            case "clarifies":
                return _clarifies(source, asked, random)
            case "finishes":
                return self._rest(asked)
            case "finishes_and_answers":
                return self._answered(self._rest(asked), source, random)
            case "another":
                other = self._near(place, random)
                return self._next(other, self._rule.words_at_most, random)
            case "another_and_answers":
                other = self._near(place, random)
                return self._answered(
                    self._next(other, self._rule.words_at_most - _ANSWER_WORDS, random), other, random
                )
            case "carries_on":
                many = size(source.carries_on)
                return Body(source.carries_on, min(many, self._rule.words_at_least), many)
            case "repeats":
                degenerate = repeated(source.answer, random, self._rule.words_at_most)
            case "runs_on":
                return self._runs_on(source, self._near(place, random), random)
            case "echo":
                degenerate = echo(asked.text, random, self._rule.words_at_most)
            case "empty_list":
                degenerate = empty_list(random)
            case _:
                words = first_words(source.answer, _LOOPED)  # more would be an answer that is repeated
                unit = random.choice((words, asked.cut.tail if asked.cut else source.text))
                degenerate = loop(unit, random, self._rule.words_at_most)
        return Body(degenerate.text, degenerate.least)

    def _answer(self, source: Source, random: Random) -> Body:
        lead = _lead(source, "answer", _BEFORE_ANSWER, random)
        text = self._begun(source.answer)
        return Body(lead + text, size(lead) + 1)

    def _runs_on(self, source: Source, other: Source, random: Random) -> Body:
        """R, or its beginning, and then a new task or a heading for one."""
        answer = first_words(source.answer, random.randint(_ANSWER_WORDS, self._rule.words_at_most // 2)).strip()
        room = max(1, self._rule.words_at_most - size(answer) - 2)
        text = answer + random.choice(_NEW_TASK) + first_words(other.text, random.randint(1, room))
        return Body(text, size(answer))

    def _rest(self, asked: _DraftPrompt) -> Body:
        assert asked.cut is not None
        rest = asked.cut.tail.strip()
        return Body(rest, self._rule.words_at_least, size(rest))

    def _next(self, other: Source, most: int, random: Random) -> Body:
        """Another instruction, perhaps numbered or announced as models do it."""
        lead = _lead(other, "next", _BEFORE_NEXT, random)
        room = most - size(lead)
        # Without its input where that would not fit: a model that writes a new task begins with what is asked.
        text = next((text for text in (other.text, other.instruction) if size(text) <= room), "")
        cut_short = not text
        text = text or first_words(other.instruction, room)
        many = size(text)
        return Body(lead + text, min(many, self._rule.words_at_least) + size(lead), many, cut_short)

    def _answered(self, body: Body, source: Source, random: Random) -> Body:
        """The continuation I_c, followed by the answer R."""
        joint = random.choice(_JOINTS) + _lead(source, "answer", _BETWEEN, random)
        text = body.text + joint + self._begun(source.answer)
        return Body(text, size(body.text + joint) + 1, body.ic_words)

    def _begun(self, answer: str) -> str:
        return first_words(answer[: self._rule.words_at_most * 40], self._rule.words_at_most + 1)

    def _near(self, place: int, random: Random) -> Source:
        near = self._neighbours.nearest(place)
        return self._sources[random.choice(near)] if near else self._other(place, random)

    def _other(self, place: int, random: Random) -> Source:
        """Any other record of the language, with another instruction and another answer where one is found soon."""
        own, fellows = self._sources[place], self._fellows[self._sources[place].language]
        drawn = [self._sources[random.choice(fellows)] for _ in range(_TRIES)]
        able = [source for source in drawn if source.key != own.key]
        if not able:
            able = [source for source in (self._sources[fellow] for fellow in fellows) if source.key != own.key][:1]
        return next((source for source in able if source.answer != own.answer), able[0])


def _said(source: Source) -> _DraftPrompt:
    tail = source.text[len(source.cut) :]
    return _DraftPrompt(source.cut, Cut(source.cut, tail, stands_alone(source.cut, tail, source.language)))


def _clarifies(source: Source, asked: _DraftPrompt, random: Random) -> Body:
    own = phrases(source.language)
    assert own is not None
    text = own.question(asked.text, random, whole=asked.cut is None)
    return Body(text, size(text))


def _lead(source: Source, which: str, share: float, random: Random) -> str:
    """A phrase before an answer or another instruction, in that share of the cases; else nothing."""
    own: Phrases | None = phrases(source.language)
    if random.random() >= share or own is None:
        return ""
    return random.choice(own.answer if which == "answer" else own.next) + random.choice((" ", " ", "\n"))


@dataclass(frozen=True, slots=True)
class DegenerateContinuation:
    """A text, and how many of its words must stay for it to be what it is."""

    text: str
    least: int


def echo(prompt: str, random: Random, words_at_most: int) -> DegenerateContinuation:
    """The prompt, or a good part of it, said again: as it is, quoted, on one line, or in capitals."""
    said = prompt
    places = edges(prompt)
    if len(places) > 4 and random.random() < 1 / 3:
        half = len(places) // 2
        said = (
            prompt[places[random.randrange(half)] :]
            if random.random() < 1 / 2
            else prompt[: places[-random.randint(1, half)]]
        )
    said = first_words(said.strip(), words_at_most)
    style = random.randrange(8)
    if style == 0:
        said = f'"{one_line(said)}"'
    elif style == 1:
        said = one_line(said)
    elif style == 2:
        said = said.upper()
    elif style == 3:
        said = said.rstrip(ENDS)
    elif style == 4 and size(said) * 2 <= words_at_most:
        said = f"{said}\n{said}"
    return DegenerateContinuation(said, size(said))


def empty_list(random: Random) -> DegenerateContinuation:
    """Two to eight marks, numbers or letters with nothing behind them."""
    many, filler = random.randint(2, 8), random.choice(_FILLERS)
    between = random.choice(("\n", "\n", "\n", "\n\n", " "))
    style = random.choice(("1.", "1.", "1)", "(1)", "a)", "A.", "1:", "mark", "mark", "line"))
    if style == "line":
        items = [random.choice(("___", "....", "-----", "…")) * random.randint(1, 4)] * many
    elif style == "mark":
        items = [random.choice(_BULLETS)] * many
    else:
        names = "12345678" if "1" in style else "abcdefgh" if "a" in style else "ABCDEFGH"
        items = [style.replace("1", name).replace("a", name).replace("A", name) for name in names[:many]]
    text = between.join(f"{item} {filler}".rstrip() for item in items)
    return DegenerateContinuation(text, size(text))


def repeated(answer: str, random: Random, words_at_most: int) -> DegenerateContinuation:
    """The beginning of an answer, a sentence or what there is of one, and again; twice or more, once stays."""
    line = next((line for line in answer.splitlines() if size(line) >= _SENTENCE), one_line(answer))
    end = next(
        (at + 1 for at, mark in enumerate(line) if mark in ENDS and size(line[: at + 1]) >= _SENTENCE), len(line)
    )
    said = first_words(line[:end].strip(), max(1, words_at_most // 2)).strip()
    joint = random.choice(("\n\n", "\n\n", "\n", " ", "\n- "))
    many = max(2, min(random.randint(2, 8), words_at_most // max(size(said), 1)))
    return DegenerateContinuation(joint.join([said] * many), size(said))


def loop(unit: str, random: Random, words_at_most: int) -> DegenerateContinuation:
    """A few words of a text, again and again; at least four times, and three of them stay."""
    short = first_words(one_line(unit), random.randint(*_LOOP_WORDS)).strip(ENDS + " ,;:")
    joint = random.choice((" ", " ", ". ", ", ", "\n", "\n", " and "))
    long = max(size(short), 1)
    times = max(4, min(random.randint(4, 12), words_at_most // (long + (joint == " and "))))
    return DegenerateContinuation(joint.join([short] * times), 3 * long + 2 * (joint == " and "))
