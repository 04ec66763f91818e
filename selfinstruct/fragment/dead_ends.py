"""Continuations that lead nowhere: echoes of the prompt, lists without content, loops, an answer said over again."""

from dataclasses import dataclass
from random import Random

from selfinstruct.fragment.cuts import edges, first_words, size
from selfinstruct.fragment.sentences import ENDS
from selfinstruct.text import one_line

_FILLERS = ("", "", "", "...", "___", "_____", "[ ]", "…", ".")
_BULLETS = ("-", "*", "•", "+", "\u2013", "☐", "#")
_LOOP_WORDS = (1, 8)
_SENTENCE = 4  # words from which a line says something


@dataclass(frozen=True, slots=True)
class DeadEnd:
    """A text, and how many of its words must stay for it to be what it is."""

    text: str
    least: int


def echo(prompt: str, random: Random, words_at_most: int) -> DeadEnd:
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
    return DeadEnd(said, size(said))


def empty_list(random: Random) -> DeadEnd:
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
    return DeadEnd(text, size(text))


def repeated(answer: str, random: Random, words_at_most: int) -> DeadEnd:
    """The beginning of an answer, a sentence or what there is of one, and again; twice or more, once stays."""
    line = next((line for line in answer.splitlines() if size(line) >= _SENTENCE), one_line(answer))
    end = next(
        (at + 1 for at, mark in enumerate(line) if mark in ENDS and size(line[: at + 1]) >= _SENTENCE), len(line)
    )
    said = first_words(line[:end].strip(), max(1, words_at_most // 2)).strip()
    joint = random.choice(("\n\n", "\n\n", "\n", " ", "\n- "))
    many = max(2, min(random.randint(2, 8), words_at_most // max(size(said), 1)))
    return DeadEnd(joint.join([said] * many), size(said))


def loop(unit: str, random: Random, words_at_most: int) -> DeadEnd:
    """A few words of a text, again and again; at least four times, and three of them stay."""
    short = first_words(one_line(unit), random.randint(*_LOOP_WORDS)).strip(ENDS + " ,;:")
    joint = random.choice((" ", " ", ". ", ", ", "\n", "\n", " and "))
    long = max(size(short), 1)
    times = max(4, min(random.randint(4, 12), words_at_most // (long + (joint == " and "))))
    return DeadEnd(joint.join([short] * times), 3 * long + 2 * (joint == " and "))
