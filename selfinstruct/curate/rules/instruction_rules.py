"""Rules on an instruction: each returns what it objects to, or an empty string; its name is the reason.

To add one, write the function with its doctest and put it into the tables at the foot. The rules of the released
programs, exactly as those decide, stand after ours.
"""

import re
import string
from collections import Counter
from collections.abc import Callable

from selfinstruct.text import words

Rule = Callable[[str], str]
_SEEN = r"(?:images?|pictures?|photos?|photographs?|videos?|screenshots?|audio|recordings?|podcasts?)"
_NEEDS_MEDIA = re.compile(
    rf"\b(?:(?:this|these|that|those|following|given|attached|provided|below|above)\s+(?:\w+\s+)?{_SEEN}"
    rf"|in the {_SEEN}|(?:draw|sketch|paint|photograph|film)\s+(?:me\s+)?(?:an?|the|your|some)\b"
    rf"|(?:watch|listen to|look at|upload|take|record|play)\s+(?:an?|the|this|your)\s+(?:\w+\s+)?{_SEEN})\b",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"<\|[^|>\n]*\|?>?|\|>|</?s>|\[/?INST\]|<<?/?SYS>?>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_turn>|#{3,}"
    r"|^\s*(?:Task|Instruction|Input|Output|Example|Question|Answer|Response|User|Human|Assistant|System)"
    r"\s*\d*\s*:|\bTask \d+\s*:|\b(?:Input|Output)\s*\d*\s*:\s*$|^\s*[QA]\s*\d*\s*:",
    re.IGNORECASE | re.MULTILINE,
)
_META = re.compile(
    r"^(?:sure|certainly|of course|absolutely)\s*[,!.]|^(?:here|these|below|the following)\s*(?:'s|\u2019s|is|are)\b"
    r".*\b(?:tasks?|lists?|instructions?|examples?|questions?|ideas)\b|\bas an ai\b|\b(?:ai )?language model,? i\b"
    r"|\b(?:let me know if|i hope (?:this|that|these) helps?|feel free to (?:ask|reach))\b"
    r"|^(?:this|the|each) task (?:is|requires|involves|asks|will|should|can)\b|\bis a (?:great |good |new )*task\b"
    r"|\b(?:new|different|more|other) tasks\b|\b(?:list|series|set) of \w*\s*tasks\b|\btask (?:number )?\d+\b"
    r"|^(?:the )?(?:above|previous|next) (?:task|instruction)s?\b",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"(?<![\"'\u201c\u2018`])\[(?:insert|your|name|topic|subject|text|input|instruction|task|date|company|city|place|product)\b[^\]\n]*\]"
    r"|<(?:insert|your|name|topic|subject|text|input|instruction|task|noinput)\b[^>\n]*>"
    r"|\{(?:name|topic|subject|text|input|instruction|task)\}|\blorem ipsum\b",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"^(?:[-*+\u2022\u2013\u2014>|=~_]+\s|[,.;:!)\]}%&/\\]|\d+[.)]\s)")
_AUXILIARY = (
    r"(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must"
    r"|is\s?n['\u2019]t)"
)
_REQUEST = re.compile(
    rf"[?\uff1f]|\bplease\b|\b(?:want|need|would like|['\u2019]d like)\b|\byou (?:must|have to|are to|could)\b|__"
    rf"|\bshould\b|\b(?:asked|assigned|required|requires you|up to you) to\b|\bmust be\b|\byour (?:task|job)\b"
    rf"|^(?:what|why|how)\b|^(?:where|when|which|whose)(?: \w+){{0,2}}? {_AUXILIARY}\b",
    re.IGNORECASE,
)
_NO_VERB = re.compile(
    r"(?:the|an?|this|that|these|those|i(?:['\u2019]\w+)?|you(?:['\u2019]\w+)?|he|she|it(?:['\u2019]s)?|we|they|there"
    r"(?:['\u2019]s)?|my|your|his|her|its|our|their|one|some|someone|somebody|many|most|everyone|every|each|no|nobody|not"
    r"|any|if|when|where|whoever|whatever|which|whose|because|since|while|although|though|after|before|in|on|at|by|for"
    r"|from|with|without|of|to|as|and|but|or|so|then|is|are|was|were|has|have|had|will|would|can|could)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"(?:[.!:;,\u2014\n]|\s-)[\"'\u201d\u2019)]*\s+")
# Categories Cc (but for tab and line ends) and Cs, and the sign for what could not be decoded.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
_TORN = re.compile(r"[,;(\[{\u3001\u060c\uff0c\uff1b-]\Z")
_MEDIA = r"images?|graphs?|pictures?|files?|maps?|draw|plot|go to"
_MEDIA_WORD = re.compile(rf"\b(?:{_MEDIA})\b", re.IGNORECASE)
_MORE_MEDIA_WORD = re.compile(rf"\b(?:{_MEDIA}|video|audio|music|flowchart|diagram)\b", re.IGNORECASE)


def empty(text: str) -> str:
    """Objects to an instruction without any text.

    >>> bool(empty(" ")), empty("x")
    (True, '')
    """
    return "" if text.strip() else "nothing but white space"


def too_short(text: str, at_least: int = 4) -> str:
    """Fewer words than `at_least`; Han, Kana, Thai and the like count a word a character.

    >>> too_short("Name a river."), too_short("Name a long river."), too_short("写一首诗")
    ('3 words', '', '')
    """
    count = len(words(text))
    return f"{count} words" if count < at_least else ""


def too_long(text: str, at_most: int = 150) -> str:
    """More words than `at_most`.

    >>> too_long("word " * 151), too_long("word " * 150)
    ('151 words', '')
    """
    count = len(words(text))
    return f"{count} words" if count > at_most else ""


def no_letters(text: str) -> str:
    """Not one letter of any script.

    >>> no_letters("12 + 7 = ?"), no_letters("ما 12 + 7")
    ('12 + 7 = ?', '')
    """
    return "" if any(char.isalpha() for char in text) else text[:80]


def control_characters(text: str) -> str:
    r"""Holds control characters, replacement characters or lone surrogates.

    >>> control_characters("Sort\x07 these"), control_characters("Sort:\n\tb a"), control_characters("👩\u200d🍳 برای")
    ('U+0007', '', '')
    """
    if text.replace("\n", "").isprintable() and "\ufffd" not in text:
        return ""  # ten times as fast as looking for each
    match = _CONTROL.search(text)
    return f"U+{ord(match[0]):04X}" if match else ""


def echoed_markup(text: str) -> str:
    """Repeats the markup of a prompt: headers, role tags, special tokens.

    >>> echoed_markup("Sort them. Task 4: Add"), echoed_markup("<|im_end|>"), echoed_markup("Name a judge's task")
    ('Task 4:', '<|im_end|>', '')
    """
    return _first_match(_MARKUP, text)


def meta_talk(text: str) -> str:
    """Talks about tasks, or to the person who asked, in place of being a task.

    >>> meta_talk("Here is the list of 8 new tasks."), meta_talk("Sure, I can help."), meta_talk("Are you sure?")
    ('Here is the list of 8 new tasks', 'Sure,', '')
    """
    return _first_match(_META, text)


def placeholder(text: str) -> str:
    """Left a gap where content belongs; a blank to be filled in, `____`, is no gap.

    >>> placeholder("Write to [Your Name] today"), placeholder("Fill in: The ____ barks"), placeholder("Sort [3, 1]")
    ('[Your Name]', '', '')
    """
    return _first_match(_PLACEHOLDER, text)


def repeats_itself(text: str) -> str:
    """Loops: the same one to six words at least four times (one word) or three times (more) in a row.

    >>> repeats_itself("Write a a a a story"), repeats_itself("go up and go up and go up and stop")
    ('a', 'go up and')
    >>> repeats_itself("Say that that word is a noun")
    ''
    """
    tokens = words(text)
    for size in range(1, 7):
        enough = (4 if size == 1 else 3) * size - size
        same = 0
        for at in range(size, len(tokens)):
            same = same + 1 if tokens[at] == tokens[at - size] else 0
            loop = tokens[at - size + 1 - same % size : at + 1 - same % size]
            if same >= enough and any(char.isalpha() for char in "".join(loop)):
                return " ".join(loop)
    triples = Counter(zip(tokens, tokens[1:], tokens[2:], strict=False))
    often = triples.most_common(1)
    if often and often[0][1] >= 4 and often[0][1] * 3 * 3 >= len(tokens):
        return " ".join(often[0][0])
    return ""


def needs_media(text: str) -> str:
    """Asks for something seen, heard or drawn; writing about pictures, files or graphs is fine.

    >>> needs_media("Describe the attached image."), needs_media("Draw a cat."), needs_media("Sort the files by name.")
    ('attached image', 'Draw a', '')
    """
    return _first_match(_NEEDS_MEDIA, text)


def starts_with_list_mark(text: str) -> str:
    """Begins with a bullet, a number or the end of something else; quotes, brackets and `¿` are fine.

    >>> starts_with_list_mark("- Sort them"), starts_with_list_mark('"Hi": answer it'), starts_with_list_mark("¿Qué?")
    ('- ', '', '')
    """
    return _first_match(_LIST_MARK, text)


def torn(text: str) -> str:
    """Ends in a comma, an opening bracket or a hyphen; a missing full stop is fine in every language.

    >>> torn("Sort the words,"), torn("Sort the words"), torn("Translate this:")
    (',', '', '')
    """
    return _first_match(_TORN, text.rstrip())


def no_request(text: str) -> str:
    """States something in English and asks for nothing: no question, and no part that could begin with an imperative.

    >>> no_request("The world is a beautiful place."), no_request("If it rains, name a game."), no_request("Dogs bark")
    ('The world is a beautiful place.', '', '')
    """
    if not text.isascii() or _REQUEST.search(text):
        return ""
    clauses = (clause.strip(" \"'([*") for clause in _CLAUSE.split(text.strip()))
    return text[:80] if all(_NO_VERB.match(clause) for clause in clauses if clause) else ""


def _first_match(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[0] if match else ""


def program_too_short(text: str) -> str:
    """Three words or fewer between spaces, as the released program counts.

    >>> program_too_short("Name a river."), program_too_short("Name a long river.")
    ('3 words', '')
    """
    count = len(text.split())
    return f"{count} words" if count <= 3 else ""


def program_too_long(text: str) -> str:
    """More than 150 words between spaces.

    >>> program_too_long("word " * 151)
    '151 words'
    """
    count = len(text.split())
    return f"{count} words" if count > 150 else ""


def asks_for_media(text: str) -> str:
    """Holds one of Self-Instruct's thirteen terms as a word.

    >>> asks_for_media("Draw a cat"), asks_for_media("Summarise the paragraph"), asks_for_media("Go to the shop")
    ('Draw', '', 'Go to')
    """
    return _first_match(_MEDIA_WORD, text)


def asks_for_more_media(text: str) -> str:
    """Holds one of Alpaca's eighteen terms as a word.

    >>> asks_for_more_media("Review the video"), asks_for_media("Review the video")
    ('video', '')
    """
    return _first_match(_MORE_MEDIA_WORD, text)


def write_a_program(text: str) -> str:
    """Starts with these words: models confuse writing one and running one (Self-Instruct, appendix A).

    >>> write_a_program("Write a program that sorts"), write_a_program("write a program")
    ('Write a program', '')
    """
    return "Write a program" if text.startswith("Write a program") else ""


def starts_with_punctuation(text: str) -> str:
    """The first character is ASCII punctuation.

    >>> starts_with_punctuation('"Hi"'), starts_with_punctuation("Hi"), starts_with_punctuation("¿Qué?")
    ('"', '', '')
    """
    return text[0] if text and text[0] in string.punctuation else ""


def starts_with_non_ascii(text: str) -> str:
    """The first character is outside ASCII.

    >>> starts_with_non_ascii("Écris un poème"), starts_with_non_ascii("Write a poème")
    ('É', '')
    """
    return text[0] if text and not text[0].isascii() else ""


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        empty,
        too_short,
        too_long,
        no_letters,
        control_characters,
        echoed_markup,
        meta_talk,
        placeholder,
        repeats_itself,
        needs_media,
        starts_with_list_mark,
        torn,
        no_request,
        program_too_short,
        program_too_long,
        asks_for_media,
        asks_for_more_media,
        write_a_program,
        starts_with_punctuation,
        starts_with_non_ascii,
    )
}
"""Every rule by its name."""
SETS: dict[str, tuple[str, ...]] = {
    "default": (
        "empty",
        "control_characters",
        "no_letters",
        "echoed_markup",
        "meta_talk",
        "too_short",
        "too_long",
        "placeholder",
        "repeats_itself",
        "needs_media",
        "starts_with_list_mark",
        "torn",
        "no_request",
    ),
    # In the order of the released programs: the first that objects is the reason.
    "reference": (
        "empty",
        "program_too_short",
        "program_too_long",
        "asks_for_media",
        "write_a_program",
        "starts_with_punctuation",
        "starts_with_non_ascii",
    ),
    "alpaca": (
        "empty",
        "program_too_short",
        "program_too_long",
        "asks_for_more_media",
        "write_a_program",
        "starts_with_punctuation",
        "starts_with_non_ascii",
    ),
}
"""Names that stand for several rules."""
