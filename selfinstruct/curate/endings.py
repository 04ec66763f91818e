"""The rule that sees where an answer was cut off: an open fence, bracket or quotation, half a sentence."""

import re

from selfinstruct.curate.exchange import Exchange

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
