"""Rules that object to an answer, seen together with what was asked."""

import re

from selfinstruct.curate.exchange import Exchange
from selfinstruct.text import one_line
from selfinstruct.text.thinking import Parted, parted, sounds_like_thinking

_NO_INPUT = frozenset(
    (
        *("noinput", "no input", "none", "n/a", "na", "null", "nil", "nan", "not applicable", "empty", "blank"),
        *(f"no input {word}" for word in ("required", "needed", "necessary", "provided", "given")),
        *("\u65e0", "\u65e0\u8f93\u5165"),
    )
)
_NO_OUTPUT = frozenset(
    (
        *("n/a", "null", "nil", "nan", "not applicable", "nooutput", "no output", "noinput", "output", "no response"),
        *("no output required", "no output needed", "undefined"),
        *("\u65e0", "\u65e0\u8f93\u51fa", "\u4e0d\u9002\u7528"),
    )
)
_WRAPPING = " \t\r\n<>[](){}\"'`*.。"
_MERGED = re.compile(
    r"^[#*\s]*\d{1,3}\s?[.)]\s?\**Instruction\**\s?:|^(?:#{2,}\s*|\*\*)?Instruction\s?\d{0,3}\**\s?:"
    r"|(?<=\n)#{2,}\s*(?:Input|Output|Response|Human|Assistant|User)\s?\d{0,3}\s?:",
    re.IGNORECASE | re.MULTILINE,
)
_LINK = re.compile(r"(?<![\w\"'`=(./])(?:https?://|www\.)[^\s<>\"'`|\\^{}]+|(?<=\]\()https?://[^\s<>\"'`|\\^{})]+")
_COMMAND = re.compile(r"\b(?:curl|wget|clone|install|ping|fetch)\b[^\n]*\Z")
# Hosts that stand for any host (RFC 2606 and habit), and the names of XML dialects, which are no places to visit.
_NO_PLACE = re.compile(
    r"(?:[\w-]+\.)*(?:example(?:\.\w+)?|test|invalid|localhost|w3\.org|xmlsoap\.org)(?![\w.-]*\w)"
    r"|(?:www\.)?(?:\w*your\w*|website|mywebsite|domain|mydomain|site|companyname|abc|xyz|xxx+)\.\w+"
    r"|\d{1,3}(?:\.\d{1,3}){3}",
    re.IGNORECASE,
)


def empty_output(exchange: Exchange) -> str:
    r"""The answer says nothing: white space, or a code block with nothing in it.

    >>> empty_output(Exchange("Sort.", "b a", " ")), empty_output(Exchange("Write code.", "", "```python\n```"))
    ('nothing', 'nothing but a code block')
    >>> empty_output(Exchange("Sort.", "b a", "a b")), empty_output(Exchange("Sort.", "", None))
    ('', '')
    """
    answer = "" if exchange.output is None else exchange.output
    if exchange.output is None or len(answer) > 40:
        return ""
    if not answer.strip():
        return "nothing"
    if answer.lstrip().startswith("```"):
        _, _, body = answer.strip().partition("\n")
        return "" if body.strip("` \n\r\t") else "nothing but a code block"
    return ""


def thinking_left_in(exchange: Exchange) -> str:
    r"""The answer holds what a model thought before it: between marks, before a lone one, unclosed, or bare.

    >>> thinking_left_in(Exchange("Name a spice.", "", "<think>\nSaffron is one.\n</think>\n\nSaffron."))
    'Saffron is one.'
    >>> thinking_left_in(Exchange("Name a metal.", "", "</think>\nTin.")), thinking_left_in(Exchange("Go.", "", "Tin."))
    ('</think>', '')
    >>> thinking_left_in(Exchange("Name a sea.", "", "Okay, so the user wants a sea, and"))
    'Okay, so the user wants a sea, and'
    >>> thinking_left_in(Exchange("What is <think> for?", "", "<think>a</think> holds thoughts."))
    ''
    """
    answer = exchange.output or ""
    told = parted(answer)
    if told.found:
        # Where the request shows such marks, answering in kind is what was asked.
        return "" if parted(exchange.request).found or "think>" in exchange.request else _thought(told, answer)
    return one_line(answer)[:80] if sounds_like_thinking(answer, exchange.request) else ""


def _thought(told: Parted, answer: str) -> str:
    return one_line(told.thinking)[:80] or one_line(answer).split(" ")[0][:80]


def says_none(exchange: Exchange) -> str:
    """In place of an answer stands a mark for none, which was not among the things to choose from.

    >>> says_none(Exchange("Name a river.", "", "N/A")), says_none(Exchange("Write N/A or yes.", "", "N/A"))
    ('N/A', '')
    """
    answer = exchange.output or ""
    if len(answer) > 40:
        return ""
    mark = answer.strip(_WRAPPING).casefold()
    return answer.strip() if mark in _NO_OUTPUT and mark not in exchange.request.casefold() else ""


def no_input_mark(exchange: Exchange) -> str:
    """The input says in words that there is none; it should be empty.

    >>> no_input_mark(Exchange("Name a river.", "<noinput>", "Po")), no_input_mark(Exchange("Name a river.", "", "Po"))
    ('<noinput>', '')
    """
    given = exchange.input
    return given if given and len(given) <= 40 and given.strip(_WRAPPING).casefold() in _NO_INPUT else ""


def same_as_instruction(exchange: Exchange) -> str:
    """The answer repeats the instruction and adds nothing.

    >>> same_as_instruction(Exchange("Name a river.", "", "name a  river."))
    'name a river.'
    >>> same_as_instruction(Exchange("Name a river.", "", "Name a river. The Po."))
    ''
    """
    answer = exchange.output or ""
    if answer.lstrip()[:2].casefold() != exchange.instruction.lstrip()[:2].casefold():
        return ""
    said = one_line(answer)
    return said if said and said.casefold() == one_line(exchange.instruction).casefold() else ""


def same_as_input(exchange: Exchange) -> str:
    """The answer repeats the input; sometimes that is right, as where there was no mistake to correct.

    >>> same_as_input(Exchange("Correct it.", "He go.", "He go."))
    'He go.'
    """
    return exchange.input if exchange.input and exchange.input == exchange.output else ""


def merged_items(exchange: Exchange) -> str:
    r"""The next item of a list leaked into the answer: a numbered mark, or the header of another request.

    >>> merged_items(Exchange("Name a river.", "", "Po\n\n5. Instruction: Name a lake."))
    '5. Instruction:'
    >>> merged_items(Exchange("How does a computer work?", "", "1. Input: it reads.\n2. Output: it writes."))
    ''
    """
    answer = exchange.output
    if not answer or ("nstruction" not in answer and "\n##" not in answer):
        return ""
    found = _MERGED.search(answer)
    mark = found[0].strip() if found else ""
    # Where the request shows such marks, answering in kind is what was asked.
    return "" if mark and (mark in exchange.request or "Instruction:" in exchange.request) else mark


def unfounded_link(exchange: Exchange) -> str:
    """The answer links to a host that the request does not name, outside code: models make such links up.

    >>> unfounded_link(Exchange("Who sells tea?", "", "See https://tea.shop/42."))
    'https://tea.shop/42'
    >>> unfounded_link(Exchange("Summarise https://tea.shop/42", "", "https://tea.shop/42 sells tea."))
    ''
    >>> unfounded_link(Exchange("Write HTML.", "", '<a href="https://tea.shop">www.example.com</a>'))
    ''
    """
    answer = exchange.output
    if not answer or ("://" not in answer and "www." not in answer):
        return ""
    request = exchange.request.casefold()
    for found in _LINK.finditer(answer):
        link = found[0].rstrip(".,;:!?)]*_~\u3002\uff0c\uff09\u3001")
        place = link.partition("://")[2] or link
        host = place.partition("/")[0].casefold().removeprefix("www.")
        named = "." not in host or _NO_PLACE.match(place) or host in request
        if not named and not _COMMAND.search(answer[max(0, found.start() - 40) : found.start()]):
            return link
    return ""
