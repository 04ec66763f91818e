"""The key to an endpoint, kept out of everything that is shown or written, and never out of what a model said."""

import re
from dataclasses import replace
from urllib.parse import unquote, urlsplit, urlunsplit

from selfinstruct.models.backend import Answer, CallError

_REAL = 16  # characters; a shorter key is a placeholder, which may be any word
_MASK = "***"
_ESCAPED = re.compile(rb"\\(?:u00|[^\"\\bfnrtu])|%[0-9A-Fa-f]{2}|&#")  # without one of these a key stands as it is
_SECRET = re.compile(r"(?=[^/]*\d)(?=[^/]*[A-Za-z])[A-Za-z0-9_.~+=-]{24,}|(?:sk|pk|key|api|token|secret)[-_][^/]{8,}")


class Key:
    """A key, found again however it is spelt; an empty one is found nowhere."""

    def __init__(self, key: str) -> None:
        """`key` as it was given."""
        self.real = len(key) >= _REAL
        spelt = "".join(map(_spelling, key))
        # A placeholder, such as `x`, would tear words apart: it is masked only where it stands alone.
        bounded = spelt if self.real else rf"(?<![A-Za-z0-9]){spelt}(?![A-Za-z0-9])"
        self._plain = key.encode()
        self._spelt = re.compile(bounded.encode()) if key else None

    def masked(self, content: bytes) -> bytes:
        """Content for people, without the key."""
        if self._spelt is None or (self._plain not in content and not _ESCAPED.search(content)):
            return content
        return self._spelt.sub(_MASK.encode(), content)

    def masked_text(self, text: str) -> str:
        r"""The same of a text.

        >>> Key("sk-0123456789abcdef").masked_text("no \\u0073k-0123456789abcde%66"), Key("x").masked_text("x: next")
        ('no ***', '***: next')
        """
        if self._spelt is None:
            return text
        return self.masked(text.encode("utf-8", errors="surrogatepass")).decode("utf-8", errors="surrogatepass")

    def kept_out(self, fault: CallError) -> CallError:
        """The same fault, its message without the key."""
        fault.message = self.masked_text(fault.message)
        fault.args = (fault.message,)
        return fault

    def checked(self, answer: Answer) -> Answer:
        """The answer as it came; CallError where its text holds a real key: that is not to be stored."""
        if not self.real or self._spelt is None:
            return answer
        for choice in answer.choices:
            said = f"{choice.text}\n{choice.thinking}"
            if self.masked_text(said) != said:
                what = "the answer repeats the API key, so its text is not kept"
                raise CallError("answer_contains_key", what, retry="never", usage=answer.usage)
        return replace(answer, raw=self.masked_text(answer.raw))


def shown_address(url: str, key: Key) -> str:
    """An address for people and files: parts of its path that are, or look like, a key are masked.

    >>> shown_address("https://proxy.example/k/sk-ab12cd34ef56/v1", Key("")), shown_address("https://a.b/v1", Key("v1"))
    ('https://proxy.example/k/***/v1', 'https://a.b/v1')
    """
    parts = urlsplit(url)
    path = "/".join(_part(part, key) for part in parts.path.split("/"))
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _part(part: str, key: Key) -> str:
    plain = unquote(part)
    if _SECRET.fullmatch(plain):
        return _MASK
    return key.masked_text(plain) if key.real and key.masked_text(plain) != plain else part


def _spelling(sign: str) -> str:
    """A sign as it is, after backslashes, by its number in JSON, or as addresses and web pages write it."""
    number, code = f"{ord(sign):02x}", ord(sign)
    return rf"(?:\\{{0,4}}{re.escape(sign)}|(?i:\\{{1,4}}u00{number}|%{number}|&#{code};|&#x{number};))"
