"""Where requests may go: the address of an endpoint, checked before anything is sent there."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from selfinstruct.errors import BadInput
from selfinstruct.text import shown

OPENAI = "https://api.openai.com/v1"
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})
_METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text) for text in ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")
)
_API_VERSION = re.compile(r"api-version=[\w.-]{1,40}")


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
