"""Rules that object to an answer beside what was asked: refusals in ten languages, cut-off endings, echoes ..."""

import re

from selfinstruct.curate.exchanges import Exchange
from selfinstruct.text import one_line
from selfinstruct.text.thinking import Parted, may_hold_marks, parted, sounds_like_thinking

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
_OPENERS = ",:([{\u3001\uff0c\uff1a\uff08\u300c\u300e\u300a\u060c"
_FACE = re.compile(r"[:;=8][-'o]?[(\[{]\Z")
_CODE = (
    *("```", "def ", "import ", "#include", "function ", "class ", "public ", "console.", "print(", "SELECT ", "#!/"),
    *("</", "/>", "();", ");", "{\n", "};", "=>", " = ", "==", "&&", "$(", "\\begin", "--["),
)
_LISTED = re.compile(
    r"\s*(?:[-*+\u2022\u25cf\u00b7\u2013\u2014\u2015>|#]|\(?\w{1,3}[.):\uff1a\u3001]|\"|\u201c|https?:)"
)
# A full stop after four letters: `Mr.`, `e.g.` and `U.S.` end no sentence.
_SENTENCE_END = re.compile(
    r"[^\W\d_]{4}[.!?]['\"\u2019\u201d)\]]*\s+(?=[^\W\d_])|[\u3002\uff01\uff1f\u0964\u061f]['\"\u2019\u201d)\]]*\s*"
)
_ENDED = re.compile(r"[.!?:\u3002\uff01\uff1f\u0964\u061f\uff1a\u2026]['\"\u2019\u201d\u300d)\]*_]*\Z")
_SIGN_OFF = re.compile(r"\n\s*\n[^\W\d_]+(?: [^\W\d_]+){0,5},\Z")  # a letter that nobody signed
_TAG = re.compile(r"(?:[#@]\w+|https?:\S+|Q\.?E\.?D)\Z")
_DANGLING = re.compile(r"\s(?:the|an|and|or|but|than|because|my|your|our|their|its|whose|into|such as)\Z")
_WORDS_BEFORE = 5  # `and` may be a label
_WORDS_IN_A_LINE = 8  # a shorter last line may be a name, a title or a label
_LETTERS_IN_A_LINE = 15  # the same for scripts without spaces
_SERVE = (
    r"(?:assist|help(?! but)|fulfill?|provide|complete|comply|answer|generate|create|access|do (?:that|this|so)|perform"
    r"|process|browse|engage|respond|produce|display|predict|offer|translate|summari[sz]e|execute|interpret|physically)\b"
)
_CANNOT = (
    r"(?:can ?not|can['\u2019]?t|could(?: not|n['\u2019]t)|will not|won['\u2019]t|am (?:not able|unable) to)"
    r"(?: \w+ly)?(?: be able to)?"
)
_LACK = (
    r"do(?: not|n['\u2019]?t) (?:have (?:the (?:ability|capability)|access|enough (?:information|context))"
    r"|feel comfortable)"
)
_UNABLE = rf"i(?: {_CANNOT} {_SERVE}|['\u2019]m (?:not able|unable) to {_SERVE}| {_LACK})"
_SORRY = r"(?:i(?:['\u2019]?m| am) (?:\w+ )?(?:sorry|afraid)|sorry|(?:my )?apologies|i apologi[sz]e|unfortunately)\b"
_DECLINES = re.compile(
    rf"{_SORRY}[^.!\n]{{0,60}}?\b{_UNABLE}|{_UNABLE}"
    r"|(?:lo siento|lamento)\b.{0,20}\bno puedo"  # Spanish
    r"|(?:je suis )?d\u00e9sol\u00e9e?\b.{0,20}\bje ne (?:peux|suis) pas"  # French
    r"|(?:es )?tut mir (?:sehr )?leid\b.{0,20}\bich kann"  # German
    r"|(?:desculpe|lamento|sinto muito)\b.{0,20}\bn\u00e3o posso"  # Portuguese
    r"|mi dispiace\b.{0,20}\bnon posso"  # Italian
    r"|(?:beklager|undskyld)\b.{0,20}\bjeg kan (?:desv\u00e6rre )?ikke"  # Danish, Norwegian
    r"|(?:\u0438\u0437\u0432\u0438\u043d\u0438\u0442\u0435|\u043f\u0440\u043e\u0441\u0442\u0438\u0442\u0435"
    r"|\u043a \u0441\u043e\u0436\u0430\u043b\u0435\u043d\u0438\u044e)\b.{0,20}"
    r"\b\u044f \u043d\u0435 \u043c\u043e\u0433\u0443"  # Russian
    r"|(?:\u975e\u5e38|\u5f88)?(?:\u62b1\u6b49|\u5bf9\u4e0d\u8d77|\u9057\u61be)[\uff0c,\u3002]?\s?(?:\u4f46)?"
    r"\u6211?(?:\u65e0\u6cd5|\u4e0d\u80fd|\u4e0d\u4f1a|\u6ca1\u6709)"  # Chinese
    r"|\u7533\u3057\u8a33(?:\u3042\u308a\u307e\u305b\u3093|\u3054\u3056\u3044\u307e\u305b\u3093)"
    r".{0,60}\u3067\u304d\u307e\u305b\u3093"  # Japanese
)
_DECLINING = frozenset("abdeijlmstu\u0438\u043a\u043f\u5bf9\u5f88\u62b1\u7533\u9057\u975e")
"""What such a refusal begins with."""
_AS_A_MODEL = re.compile(
    r"\bas an? (?:(?:ai|artificial intelligence)(?: (?:language )?(?:model|assistant|program|system|chatbot|bot))?"
    r"|(?:large )?language model)\s*,?\s+(?:i\b|my\b)"
    r"|\bi(?:['\u2019]m| am) (?:just |only )?an? (?:ai\b(?! \w+(?:er|ist)\b)|language model\b)"
    r"|\ben tant qu['\u2019](?:ia|assistant ia|intelligence artificielle)\b"
    r"|\bals (?:ki|k\u00fcnstliche intelligenz)\b"
    r"|\bcomo (?:una? )?(?:ia|inteligencia artificial|modelo de lenguaje)\b"
    r"|(?:\A|[\uff0c\u3002\uff01,.!\s])\u4f5c\u4e3a(?:\u4e00(?:\u4e2a|\u540d|\u79cd|\u6b3e))?(?:ai|\u4eba\u5de5\u667a\u80fd)"
)
_SIGNS = (" an ai", " an artificial", "language model", "tant qu", "als k", "como ", "\u4f5c\u4e3a")
_HEAD = 300  # characters within which a refusal says so


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
    if may_hold_marks(answer) and (parts := parted(answer)).marked:
        # Where the request shows such marks, answering in kind is what was asked.
        return "" if parted(exchange.request).marked or "think>" in exchange.request else _thought(parts, answer)
    # The request is put together only for the few that sound so.
    sounds = sounds_like_thinking(answer) and sounds_like_thinking(answer, exchange.request)
    return one_line(answer)[:80] if sounds else ""


def _thought(parts: Parted, answer: str) -> str:
    return one_line(parts.thinking)[:80] or one_line(answer).split(" ")[0][:80]


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
    match = _MERGED.search(answer)
    mark = match[0].strip() if match else ""
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
    for match in _LINK.finditer(answer):
        link = match[0].rstrip(".,;:!?)]*_~\u3002\uff0c\uff09\u3001")
        place = link.partition("://")[2] or link
        host = place.partition("/")[0].casefold().removeprefix("www.")
        named = "." not in host or _NO_PLACE.match(place) or host in request
        if not named and not _COMMAND.search(answer[max(0, match.start() - 40) : match.start()]):
            return link
    return ""


def unfinished(exchange: Exchange) -> str:
    r"""The answer stops before its end; lists, code, labels, titles and signatures need no full stop.

    >>> unfinished(Exchange("Tell.", "", "Paris is the capital. It lies on the river Se"))
    'It lies on the river Se'
    >>> unfinished(Exchange("Code.", "", "```python\nx = 1")), unfinished(Exchange("List.", "", "red, green,"))
    ('an open code block', 'red, green,')
    >>> unfinished(Exchange("List.", "", "- red\n- green")), unfinished(Exchange("Name it.", "", "The river Seine"))
    ('', '')
    >>> unfinished(Exchange("Quote.", "", 'She said, "Come and sit by the'))
    'She said, "Come and sit by the'
    """
    answer = (exchange.output or "").rstrip()
    if not answer:
        return ""
    if "```" in answer and answer.count("```") % 2:
        return "an open code block"
    line = answer[answer.rfind("\n") + 1 :]
    if answer[-1] in _OPENERS and not _FACE.search(answer[-4:]) and not _SIGN_OFF.search(answer):
        return line[-80:]
    torn = _left_open(line) or (answer[-1].isalnum() and _stops_short(answer, line))
    return line[_last_sentence(line) :][-80:] if torn and not any(sign in answer for sign in _CODE) else ""


def _left_open(line: str) -> bool:
    """A bracket or quotation opened in the last line and never closed."""
    opened = line.rfind("(")
    if opened > line.rfind(")") and opened >= 0 and line[opened + 1 :].strip() and not _FACE.search(line[: opened + 1]):
        return True
    # A German quotation closes with the sign that opens an English one.
    if "\u201e" not in line and line.rfind("\u201c") > line.rfind("\u201d"):
        return True
    if '"' in line and line.count('"') % 2:
        before, _, after = line.rpartition('"')
        return (not before or before[-1] in " (") and after[:1].isalnum()
    return False


def _stops_short(answer: str, line: str) -> bool:
    """The last line is prose and lacks its end, where what stands before shows that ends are written."""
    long = len(line.split()) >= _WORDS_IN_A_LINE or (not line.isascii() and _unspaced(line) >= _LETTERS_IN_A_LINE)
    if len(line.split()) >= _WORDS_BEFORE and _DANGLING.search(line):
        return True
    if _LISTED.match(line) or _TAG.search(line):
        return False
    last = _last_sentence(line)
    if last:
        rest = line[last:]
        return len(rest.split()) >= 4 or _unspaced(rest) >= 6
    before = answer[: len(answer) - len(line)].rstrip()
    return long and bool(before) and bool(_ENDED.search(before[-6:])) and not before.endswith((":", "\uff1a"))


def _last_sentence(line: str) -> int:
    """Where the last sentence of a line begins."""
    start = 0
    for end in _SENTENCE_END.finditer(line):
        start = end.end()
    return start if start < len(line) else 0


def _unspaced(text: str) -> int:
    """Letters of Han and Kana."""
    return sum("\u3040" <= char <= "\u30ff" or "\u4e00" <= char <= "\u9fff" for char in text)


def refusal(exchange: Exchange) -> str:
    """The answer begins by declining, or by speaking as a model.

    >>> refusal(Exchange("Name a river.", "", "I'm sorry, but I cannot assist with that."))
    "i'm sorry, but i cannot assist"
    >>> refusal(Exchange("Decline an invitation.", "", "I'm sorry, but I can't come to your party."))
    ''
    """
    head = (exchange.output or "")[:_HEAD].lstrip("\"'\u201c *#\n").lower()
    match = _DECLINES.match(head) if head[:1] in _DECLINING else None
    if match is None:
        for sign in _SIGNS:  # a loop: `any` takes twice as long
            if sign in head:
                match = _AS_A_MODEL.search(head)
                break
    return match[0].strip() if match else ""
