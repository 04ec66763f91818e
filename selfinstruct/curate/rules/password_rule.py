"""Passwords that stand in a text as they are: in an assignment, in an address, in a header; not what stands for one.

Nothing about a password tells that it is one, so its name or its place must, and it must look like one: letters and
digits, and not built of the words that people write where any password is meant. Of 57,000 texts of public sets, many
of them code that connects to a database, it rejects one, in which a password was drawn for somebody.
"""

import base64
import binascii
import re
from collections.abc import Iterator

from selfinstruct.curate.rules.private_data_rules import masked

# At the beginning of a word, or of a part of a name: `db_pass` and `dbPass`, and neither `bypass` nor `compass`.
_NAME = r"(?:(?<![A-Za-z0-9])|(?-i:(?<=[a-z])(?=P)))(?:pg)?pass(?:word|wd|phrase|code)?|(?<![A-Za-z0-9])pwd"
_ASSIGNED = re.compile(
    rf"(?:{_NAME})(?:[_.-][A-Za-z0-9]{{1,20}})?"
    r"(?P<close>[\"'`]?\]?)[ \t]*(?:=>|:=|[=:])[ \t]*"
    r"(?:(?P<quote>[\"'`])(?P<quoted>[^\s\"'`]{6,128})(?P=quote)"
    r"|(?P<bare>(?!\$)[^\s\"'`<>(){}\[\],;&|\\]{8,128})(?=[\s,;&\"'`]|\Z))",
    re.IGNORECASE,
)
_IN_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>]{0,64}:(?P<secret>[^\s:/@\"'<>]{6,128})@[\w\[]", re.IGNORECASE
)
_HEADER = re.compile(
    r"\bAuthorization[\"']?\s*[:=,]\s*[\"']?Basic\s+(?P<secret>[A-Za-z0-9+/]{12,400}={0,2})", re.IGNORECASE
)
# What people write where any password is meant, alone or one after the other, with digits and marks between.
_INVENTED = re.compile(
    r"(?:pass(?:word|wd|code|phrase|wort)?|pwd|secret|secure|strong|weak|hash(?:ed)?|encrypted|plain|text|safe|super|very|top"
    r"|my|your|our|his|her|their|the|a|an|is|this|that|some|any|new|old|current|confirm|temp(?:orary)?|initial|default"
    r"|user(?:s|name)?|admin|root|guest|login|account|db|database|mysql|postgres|sql|server|host|client|app|web|site|email"
    r"|example|sample|test(?:er|ing)?|demo|dummy|fake|mock|placeholder|changeme|change|me|here|enter|type|value|string"
    r"|foo|bar|baz|abc(?:d|de|def)?|xyz|qwe(?:rty)?|asdf?|letmein|welcome|hello|world|key|token|todo|none|null|true|false"
    r"|john|jane|doe|alice|bob|smith|x+|\d|[\W_])+",
)
_MARKS, _DIGITS = str.maketrans("@$", "as"), str.maketrans("01345", "oieas")
_INSIDE = re.compile(r"(?<=[a-z])[01345]+(?=[a-z])")
_SEQUENCE = re.compile(r"(.)\1{3}|^\d+$")
_CODE = re.compile(
    r"^\$\{?\w+\}?\Z|\$[{(]|^%|%[sd]|^[{<\[].*[}>\]]\Z|\{\{|^[A-Za-z_]\w*\.[A-Za-z_]|environ|getenv|\.\.\.|\*\*|\u2022|\u2026"
)


def password(text: str) -> str:
    """Holds a password as it is; a variable, a mask, a placeholder and a made-up one are fine.

    >>> password('db_password = "hunter2secret"'), password("ftp://shop:rT8jLpZ4@files.corner.shop")
    ('hu\u2026 (13 characters)', 'rT\u2026 (8 characters)')
    >>> password('password = "your_password1"; pwd: ********; passwd=os.environ["PW1"]; password: "P@ssw0rd123"')
    ''
    """
    return next((masked(found) for found in _passwords(text) if _is_real(found)), "")


def _passwords(text: str) -> Iterator[str]:
    lower = text.lower()
    if "pass" in lower or "pwd" in lower:
        for match in _ASSIGNED.finditer(text):
            yield match["quoted"] or (_whole(match["bare"]) if match["bare"] else "")
    if "://" in text and "@" in text:
        yield from (match["secret"] for match in _IN_ADDRESS.finditer(text))
    if "basic " in lower:
        for match in _HEADER.finditer(text):
            try:
                told = base64.b64decode(match["secret"], validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                continue
            yield told.partition(":")[2]


def _whole(bare: str) -> str:
    """Without the mark that ends a sentence."""
    return bare.rstrip(".!?")


def _is_real(word: str) -> bool:
    """Letters and digits, several of each kind of character, and no placeholder, variable or mask."""
    if not (any(map(str.isdigit, word)) and any(map(str.isalpha, word)) and len(set(word)) >= 5):
        return False
    lower = word.lower()
    return not (
        _CODE.search(word) or _SEQUENCE.search(word) or _INVENTED.fullmatch(lower) or _INVENTED.fullmatch(_read(lower))
    )


def _read(word: str) -> str:
    """With the letters that digits and marks stand for.

    >>> _read("p@ssw0rd123")
    'password123'
    """
    return _INSIDE.sub(lambda found: found[0].translate(_DIGITS), word.translate(_MARKS))
