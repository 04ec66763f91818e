"""Rules that object to secrets: private keys, and the access keys of well-known services by their fixed shapes."""

import base64
import binascii
import json
import re

_PRIVATE = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\s*[A-Za-z0-9+/=:,\s-]{40,}")
# Prefix, alphabet and length as their services write them down; a prefix must stand in `_SIGNS`.
_KEY = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"(?:AKIA|ASIA)[A-Z2-7]{16}"  # Amazon
    r"|gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"  # GitHub
    r"|glpat-[\w-]{20}"  # GitLab
    r"|AIza[\w-]{35}"  # Google
    r"|xox[abeprs]-[A-Za-z0-9-]{20,}"  # Slack
    r"|[rs]k_live_[A-Za-z0-9]{20,}"  # Stripe
    r"|sk-(?:proj-|svcacct-|ant-(?:api|admin)\d\d-)?[\w-]{32,}"  # OpenAI, Anthropic
    r"|hf_[A-Za-z0-9]{34}"  # Hugging Face
    r"|npm_[A-Za-z0-9]{36}|pypi-AgE[\w-]{50,}"  # package registries
    r"|SG\.[\w-]{22}\.[\w-]{43}"  # SendGrid
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"  # JSON web token
    r")(?![A-Za-z0-9_-])"
)
_SIGNS = ("AKIA", "ASIA", "gh", "glpat-", "AIza", "xox", "k_live_", "sk-", "hf_", "npm_", "pypi-", "SG.", "eyJ")
_INVENTED = re.compile(r"example|your|x{4}|0{6}|1234567|abcdefg|\*{3}", re.IGNORECASE)


def masked(secret: str) -> str:
    """How a find is shown: enough to look for, too little to use.

    >>> masked("jane@corner.shop")
    'ja\u2026 (16 characters)'
    """
    return f"{secret[:2]}\u2026 ({len(secret)} characters)"


def private_key(text: str) -> str:
    r"""Holds a private key in its armour.

    >>> private_key("-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEow" * 20)
    'a private key (\u2026 120 characters)'
    >>> private_key("It begins with -----BEGIN RSA PRIVATE KEY----- and then the key.")
    ''
    """
    if "PRIVATE KEY" not in text:
        return ""
    found = _PRIVATE.search(text)
    return f"a private key (\u2026 {len(found[0].partition('KEY-----')[2].strip())} characters)" if found else ""


def access_key(text: str) -> str:
    """Holds a key or token that opens an account; those made up for show are fine.

    >>> access_key("key = ghp_" + "a1B2c3D4e5F6" * 3), access_key("AKIAIOSFODNN7EXAMPLE")
    ('gh\u2026 (40 characters)', '')
    """
    if not any(sign in text for sign in _SIGNS):
        return ""
    for found in _KEY.finditer(text):
        key = found[0]
        real = _is_token(key) if key.startswith("eyJ") else not _INVENTED.search(key) and len(set(key)) >= 12
        if real:
            return masked(key)
    return ""


def _is_token(text: str) -> bool:
    """The first part of a JSON web token is JSON that names an algorithm."""
    head = text.partition(".")[0]
    try:
        return "alg" in json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        return False
