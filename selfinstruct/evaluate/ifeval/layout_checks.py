"""Checkers of IFEval that look at the form of an answer: its parts, its marks, how it begins and ends."""

import json
import re

CONSTRAINED = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
"""What `constrained_response` chooses from: fixed in the public schema, which gives it no argument."""

_PLACEHOLDER = re.compile(r"\[.*?\]")
_STAR_BULLET = re.compile(r"^\s*\*[^\*].*$", re.MULTILINE)
_DASH_BULLET = re.compile(r"^\s*-.*$", re.MULTILINE)
_HIGHLIGHT = re.compile(r"\*[^\n\*]*\*")
_DOUBLE_HIGHLIGHT = re.compile(r"\*\*[^\n\*]*\*\*")
_DIVIDER = re.compile(r"\s?\*\*\*\s?")
_TITLE = re.compile(r"<<[^\n]+>>")
_POSTSCRIPTS = {"P.S.": r"p\.\s?s\.", "P.P.S": r"p\.\s?p\.\s?s"}
_FENCES = ("```json", "```Json", "```JSON", "```")


def placeholder_number(said: str, *, num_placeholders: int) -> bool:
    """At least so many things in square brackets.

    >>> placeholder_number("Dear [name], come to [place].", num_placeholders=2)
    True
    """
    return len(_PLACEHOLDER.findall(said)) >= num_placeholders


def bullet_number(said: str, *, num_bullets: int) -> bool:
    r"""Exactly so many lines that begin with a star or a dash; a line that begins in bold is none.

    >>> bullet_number("* one\n- two\n**bold**", num_bullets=2)
    True
    """
    return len(_STAR_BULLET.findall(said)) + len(_DASH_BULLET.findall(said)) == num_bullets


def constrained_response(said: str) -> bool:
    """One of the three answers stands in it, in just these letters.

    >>> constrained_response("Well: My answer is maybe."), constrained_response("Maybe.")
    (True, False)
    """
    return any(answer in said for answer in CONSTRAINED)


def highlight_number(said: str, *, num_highlights: int) -> bool:
    r"""At least so many `*highlighted*` or `**bold**` parts.

    >>> highlight_number("*one* and **two**", num_highlights=2), highlight_number("* one\n* two", num_highlights=1)
    (True, False)
    """
    single = sum(bool(part.strip("*").strip()) for part in _HIGHLIGHT.findall(said))
    double = sum(bool(part[2:-2].strip()) for part in _DOUBLE_HIGHLIGHT.findall(said))
    return single + double >= num_highlights


def section_number(said: str, *, section_spliter: str, num_sections: int) -> bool:
    """At least so many parts that begin with the word and a number, such as `SECTION 1`.

    >>> section_number("SECTION 1 It rains. SECTION 2 It stops.", section_spliter="SECTION", num_sections=2)
    True
    """
    word = section_spliter.strip()
    try:
        matches = re.findall(rf"\s?(?:{word})\s?\d+\s?", said)
    except re.error:
        matches = re.findall(rf"\s?{re.escape(word)}\s?\d+\s?", said)
    return len(matches) >= num_sections


def paragraph_number(said: str, *, num_paragraphs: int) -> bool:
    r"""Exactly so many parts between dividers (`***`); an empty one is allowed only at the ends.

    >>> paragraph_number("One.\n***\nTwo.", num_paragraphs=2), paragraph_number("One ****** Two", num_paragraphs=2)
    (True, False)
    """
    parts = [bool(part.strip()) for part in _DIVIDER.split(said)]
    return all(parts[1:-1]) and sum(parts) == num_paragraphs


def postscript(said: str, *, postscript_marker: str) -> bool:
    """The mark stands somewhere, in any case; `P.S.` and `P.P.S` may have spaces between their letters.

    >>> postscript("Bye. P. S. Write!", postscript_marker="P.S."), postscript("Bye.", postscript_marker="P.P.S")
    (True, False)
    """
    mark = postscript_marker.strip()
    return re.search(_POSTSCRIPTS.get(mark, re.escape(mark.lower())), said.lower()) is not None


def json_format(said: str) -> bool:
    r"""The whole is one JSON value, perhaps within a fence.

    >>> json_format('```json\n{"river": "Tay"}\n```'), json_format("river: Tay")
    (True, False)
    """
    text = said.strip()
    for fence in _FENCES:
        text = text.removeprefix(fence)
    try:
        json.loads(text.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def title(said: str) -> bool:
    """A title in double angular brackets, on one line, of more than white space.

    >>> title("<<The rain>> It falls."), title("<< >>")
    (True, False)
    """
    return any(heading.lstrip("<").rstrip(">").strip() for heading in _TITLE.findall(said))


def two_responses(said: str) -> bool:
    """Two answers that differ, parted by six stars.

    >>> two_responses("Tea. ****** Coffee."), two_responses("Tea. ****** Tea.")
    (True, False)
    """
    parts = [part.strip() for part in said.split("******")]
    given = [part for part in parts if part]
    return all(parts[1:-1]) and len(given) == 2 and given[0] != given[1]


def repeats_prompt(said: str, *, prompt_to_repeat: str) -> bool:
    """It begins with the request word for word, case and white space at the ends aside.

    >>> repeats_prompt("name a river. The Tay.", prompt_to_repeat="Name a river.")
    True
    """
    return said.strip().lower().startswith(prompt_to_repeat.strip().lower())


def ends_with(said: str, *, end_phrase: str) -> bool:
    """The phrase and nothing after it, case and closing quotation marks aside.

    >>> ends_with('"It rains. That is all."', end_phrase="that is all.")
    True
    """
    return said.strip().strip('"').lower().endswith(end_phrase.strip().lower())


def quotation(said: str) -> bool:
    """The whole stands in straight double quotation marks.

    >>> quotation('"It rains."'), quotation('"')
    (True, False)
    """
    text = said.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'
