"""Where requests may go, checked before anything is sent, and the API key, masked wherever it could be shown."""

import ipaddress
import re
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import Answer, CallError
from selfinstruct.text import shown

OPENAI = "https://api.openai.com/v1"
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})
_METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text) for text in ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")
)
_API_VERSION = re.compile(r"api-version=[\w.-]{1,40}")
_REAL = 16  # characters; a shorter key is a placeholder, which may be any word
_MASK = "***"
_ESCAPED = re.compile(rb"\\(?:u00|[^\"\\bfnrtu])|%[0-9A-Fa-f]{2}|&#")  # without one of these a key stands as it is
_SECRET = re.compile(r"(?=[^/]*\d)(?=[^/]*[A-Za-z])[A-Za-z0-9_.~+=-]{24,}|(?:sk|pk|key|api|token|secret)[-_][^/]{8,}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A base URL that may be used and shown."""

    path_url: str
    """Without credentials, query and fragment."""
    loopback: bool
    hosted_openai: bool
    azure: bool = False
    query: tuple[tuple[str, str], ...] = ()
    """Sent with every request: Azure's `api-version`, and nothing else."""

    @property
    def url(self) -> str:
        """As it may be shown, and written down to be read again."""
        return self.path_url + (f"?{urlencode(self.query)}" if self.query else "")

    @property
    def versioned(self) -> bool:
        """The address ends in a version, as nearly all do, or says it elsewhere."""
        return bool(self.query) or re.search(r"/v\d+\w*(/|$)", self.path_url) is not None


def endpoint(url: str, *, allow_http: bool = False, place: str = "OPENAI_BASE_URL") -> Endpoint:
    """Check a base URL; BadInput if it cannot or must not be used. `place`: where it was given.

    Plain http is for this machine only, unless allowed; link-local addresses, where clouds keep their secrets, never.

    >>> endpoint("http://127.0.0.1:8080/v1/").url
    'http://127.0.0.1:8080/v1'
    >>> endpoint("https://x.openai.azure.com/openai/deployments/m/?api-version=2024-10-21").url
    'https://x.openai.azure.com/openai/deployments/m?api-version=2024-10-21'
    >>> endpoint("http://169.254.169.254/latest")
    Traceback (most recent call last):
    selfinstruct.errors.BadInput: OPENAI_BASE_URL: '169.254.169.254' is a link-local or metadata address; ...
    """
    parts = _parts(url, place)
    host = (parts.hostname or "").rstrip(".").lower()
    address = _address(host)
    loopback = host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)
    if _forbidden(host, address):
        raise BadInput(
            f"'{shown(host)}' is a link-local or metadata address", place=place, fix="name the model's own server"
        )
    if parts.scheme == "http" and not (loopback or allow_http):
        fix = "use https, or allow plain http if you trust the network (allow_http, SELFINSTRUCT_ALLOW_HTTP=1)"
        raise BadInput(f"'{shown(host)}' is not this machine, and http is not encrypted", place=place, fix=fix)
    port = f":{parts.port}" if parts.port is not None else ""
    name = f"[{host}]" if ":" in host else host
    clean = urlunsplit((parts.scheme, name + port, parts.path.rstrip("/"), "", ""))
    return Endpoint(
        clean,
        loopback,
        hosted_openai=host == "api.openai.com" or host.endswith(".api.openai.com"),
        azure=host.endswith(".azure.com"),
        query=tuple(parse_qsl(parts.query)),
    )


def _parts(url: str, place: str) -> SplitResult:
    fix = "write it as https://HOST/v1"
    try:
        parts = urlsplit(url.strip())
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError as fault:
        raise BadInput("not a URL", place=place, fix=fix) from fault
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise BadInput("expected a URL that starts with https:// or http://", place=place, fix=fix)
    if parts.username is not None or parts.password is not None:
        raise BadInput("holds a user name or password", place=place, fix="put the key into a variable of its own")
    if parts.fragment or (parts.query and not _API_VERSION.fullmatch(parts.query)):
        raise BadInput("has a query other than api-version, or a fragment", place=place, fix=fix)
    return parts


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address a host is written as, also in the odd forms (0x7f000001, 2852039166) that resolvers accept."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return _odd_address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _odd_address(host: str) -> ipaddress.IPv4Address | None:
    import socket

    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _forbidden(host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    if address is None:
        return host in _METADATA_NAMES
    return address.is_link_local or address in _METADATA_ADDRESSES or address.is_multicast or address.is_unspecified


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
