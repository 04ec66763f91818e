"""Rules that object to secrets: private keys, and the access keys of well-known services by their fixed shapes."""

import base64
import binascii
import json
import re

_PRIVATE = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\s*[A-Za-z0-9+/=:,\s-]{40,}")
# How a key begins, and the alphabet and length of the rest, as services and scanners of secrets write them down.
_KEYS = {
    # code and packages
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"[A-Za-z0-9]{36,255}"),
    "github_pat_": r"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
    **dict.fromkeys(
        ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-", "gloas-"),
        r"[\w-]{20,}(?:\.[0-9a-z]{2}\.[0-9a-z]{9})?",
    ),
    "ATATT3": r"[\w=-]{100,}",
    "npm_": r"[A-Za-z0-9]{36}",
    "pypi-AgE": r"[\w-]{50,}",
    "rubygems_": r"[0-9a-f]{48}",
    "dckr_pat_": r"[\w-]{27}",
    "dckr_oat_": r"[\w-]{32}",
    # clouds and hosts
    **dict.fromkeys(("AKIA", "ASIA", "ABIA", "ACCA"), r"[A-Z2-7]{16}"),
    "AIza": r"[\w-]{35}",
    "GOCSPX-": r"[\w-]{28}",
    "ya29.": r"[\w-]{60,}",
    **dict.fromkeys(("dop_v1_", "doo_v1_", "dor_v1_"), r"[0-9a-f]{64}"),
    **dict.fromkeys(("hvs.", "hvb."), r"[\w-]{24,}"),
    "dapi": r"[0-9a-f]{32}(?:-\d)?",
    "sbp_": r"[0-9a-f]{40}",
    "pul-": r"[0-9a-f]{40}",
    "pscale_tkn_": r"[\w.-]{32,}",
    "glsa_": r"[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}",
    "NRAK-": r"[A-Z0-9]{27}",
    "sntrys_": r"eyJ[\w=+/-]{40,}",
    "sntryu_": r"[0-9a-f]{64}",
    "dp.pt.": r"[A-Za-z0-9]{43}",
    "AGE-SECRET-KEY-1": r"[A-Z0-9]{58}",
    "ops_eyJ": r"[\w+/=-]{250,}",
    # models
    "sk-": r"(?:proj-|svcacct-|admin-|or-v1-|ant-(?:api|admin)\d\d-)?[\w-]{32,}",
    "hf_": r"[A-Za-z0-9]{34}",
    "api_org_": r"[A-Za-z0-9]{34}",
    "gsk_": r"[A-Za-z0-9]{52}",
    "pplx-": r"[A-Za-z0-9]{48}",
    "r8_": r"[A-Za-z0-9]{37}",
    "xai-": r"[A-Za-z0-9]{80}",
    # messages, shops, the rest
    **dict.fromkeys(("xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-"), r"[A-Za-z0-9-]{20,}"),
    "xapp-": r"\d-[A-Za-z0-9-]{20,}",
    **dict.fromkeys(("sk_live_", "rk_live_"), r"[A-Za-z0-9]{20,}"),
    "whsec_": r"[A-Za-z0-9+/]{32,}=*",
    **dict.fromkeys(("shpat_", "shpca_", "shppa_", "shpss_"), r"[0-9A-Fa-f]{32}"),
    "sq0atp-": r"[\w-]{22}",
    "sq0csp-": r"[\w-]{43}",
    "SG.": r"[\w-]{22}\.[\w-]{43}",
    "PMAK-": r"[0-9a-f]{24}-[0-9a-f]{34}",
    "lin_api_": r"[A-Za-z0-9]{40}",
    "ntn_": r"[A-Za-z0-9]{43,}",
    "figd_": r"[\w-]{40,}",
    "eyJ": r"[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",  # JSON web token
}
_KEY = re.compile(
    rf"(?<![A-Za-z0-9_-])(?:{'|'.join(re.escape(sign) + rest for sign, rest in _KEYS.items())})(?![A-Za-z0-9_-])"
)
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
    if not any(sign in text for sign in _KEYS):
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
