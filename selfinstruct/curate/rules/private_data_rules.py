"""Rules that object to private data: private keys, access keys of known services, addresses and numbers of people.

Access keys are known by how they begin, from a table here, and by their shape or the words before them, from
detect-secrets: of 31 fabricated ones the table alone finds 15, the detectors 19, both together 31, and in 88,000 texts
of public sets neither finds one that is none. What guesses by entropy is left out, nothing is verified over the
network. On every text the detectors would cost 270 us; asked only about stretches that could be a
key, they and the table together take 11 us a text, where the table alone took 44. Of what only its name tells
(`api_key = "..."`) what chance wrote is taken; of 57,000 texts of public sets that is none.

Check digits (of cards, accounts, and numbers that states give to people) are those of python-stdnum.
"""

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Protocol

_PRIVATE = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=:,\s-]|\\[nr]){40,}")
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
    **dict.fromkeys(("discord.com/api/webhooks/", "discordapp.com/api/webhooks/"), r"\d{17,20}/[\w-]{60,}"),
    "sig=": r"[A-Za-z0-9%+/]{43,64}(?:%3[Dd]|=)",  # of an address that opens a store of Azure
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
# A stretch that could be a key; without one there is no need to look closer, and longer ones are files, not keys.
_STRETCH = re.compile(r"(?<![\w.+/=-])[\w.+/=-]{20,}", re.ASCII)
_LONGEST = 1_200
_BEFORE = 120
"""Characters: some keys are known by the words before them only."""
_DETECTORS = {
    "artifactory": "ArtifactoryDetector",
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "basic_auth": "BasicAuthDetector",
    "cloudant": "CloudantDetector",
    "discord": "DiscordBotTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "ibm_cloud_iam": "IbmCloudIamDetector",
    "ibm_cos_hmac": "IbmCosHmacDetector",
    "mailchimp": "MailchimpDetector",
    "npm": "NpmDetector",
    "pypi_token": "PypiTokenDetector",
    "slack": "SlackDetector",
    "softlayer": "SoftlayerDetector",
    "telegram_token": "TelegramBotTokenDetector",
    "twilio": "TwilioKeyDetector",
}
"""Of detect-secrets, those of a fixed shape that know a key that the table does not."""
# A name in front tells a key that looks like nothing else: in code, in settings, in a header.
_NAMED = re.compile(
    r"(?<![A-Za-z0-9])(?:api[_-]?key|secret(?:[_-]?access)?[_-]?key|client[_-]?secret|app[_-]?secret"
    r"|(?:auth|access|bot|api)[_-]?token|account[_-]?key|private[_-]?key[_-]?id)"
    r"[\"'`]?\]?[ \t]*(?:=>|:=|[=:])[ \t]*[\"'`]?(?P<key>[\w.+/=~-]{20,200})(?![\w.+/=~-]|[\[({])"
    r"|\bAuthorization[\"']?\s*[:=,]\s*[\"']?(?:Bearer|Token)\s+(?P<token>[\w.+/=~-]{20,1000})(?![\w.+/=~-]|[\[({])",
    re.IGNORECASE,
)
_NAMES = re.compile(r"(?:key|secret|token)(?:_?id)?\b|bearer", re.IGNORECASE)
_INVENTED = re.compile(r"example|your|x{4}|0{6}|1234567|abcdefg|\*{3}", re.IGNORECASE)
_EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9][\w.+%-]{0,63}@(?P<host>(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24})\b"
)
# Names that belong to nobody (RFC 2606), and hosts that people write where any host is meant.
_NOBODY = re.compile(
    r"(?:.*\.)?(?:example\.\w+|example|test|invalid|localhost|local)\Z|(?:.*your.*|.*example.*|.*sample.*|domain|company|email|website)\.\w+\Z",
    re.IGNORECASE,
)
_CARD = re.compile(r"(?<![\d.,-])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{1,7}|3\d{3}([ -]?)\d{6}\2\d{5})(?![\d-]|\.\d)")
_BRANDS = re.compile(r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12}")
# The numbers with which payment services tell people to try things out.
_TRIAL_CARDS = frozenset(
    (
        *("4111111111111111", "4242424242424242", "4012888888881881", "5555555555554444", "5105105105105100"),
        *("378282246310005", "371449635398431", "6011111111111117", "4000056655665556", "2223003122003222"),
    )
)
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])[a-z]{2}\d{2}[a-z0-9]{11,30}(?![A-Za-z0-9])"
)
_IDENTITY = {
    "br.cpf": r"\d{3}\.\d{3}\.\d{3}-\d{2}",
    "cn.ric": r"\d{6}(?:19|20)\d{9}[\dX]",
    "dk.cpr": r"\d{6}-\d{4}",
    "es.nie": r"[XYZ]-?\d{7}-?[A-HJ-NP-TV-Z]",
    "fi.hetu": r"\d{6}[-+A]\d{3}[\dA-Y]",
    "fr.nir": r"[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}",
    "in_.aadhaar": r"\d{4} \d{4} \d{4}",
    "it.codicefiscale": r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]",
    "kr.rrn": r"\d{6}-\d{7}",
    "se.personnummer": r"\d{6}[-+]\d{4}",
    "us.ssn": r"\d{3}-\d{2}-\d{4}",
}
"""By python-stdnum's name, how people write the number: those that look like nothing else. All have check digits but
the Danish, which is a date and four digits, and the American, of which groups were never given out."""
_ID = re.compile(
    rf"(?<![\w.,/-])(?:{'|'.join(_IDENTITY.values())})"
    r"(?![\w/-]|[.,] ?\d| \d{4})"
)
_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){2,7}:?(?:[0-9A-Fa-f]{1,4}:?)+(?![\w:.])")
_VERSION = re.compile(r"(?:version|release|v|ver\.|section|chapter|rule)\s*\Z", re.IGNORECASE)
_PUBLIC_SERVICES = frozenset(("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "1.2.3.4", "123.45.67.89"))
_PHONE = re.compile(
    r"(?<![\w+.])\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){1,4}(?![\w])"
    r"|(?<![\w.+-])(?:\+?1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d([.-]))[2-9]\d\d(?(1)\1|[.-])\d{4}(?![\w-]|\.\d)"
    r"|(?:(?i:\b(?:tel(?:ephone)?|phone|mobile|cell|call|fax|whatsapp)\b)|\u7535\u8bdd|\u624b\u673a)"
    r"[\w .:\uff1a#]{0,20}?(?<!\d)"
    r"(?:0\d{2,4}[ /-]?\d{3,4}[ -]?\d{3,4}|1[3-9]\d{9}|[2-9]\d{2}[ -][2-9]\d{2}[ -]\d{4})(?!\d)"
)
_LONG_NUMBER = re.compile(r"(?:\d[ ().+/-]{0,2}){7}")  # without one there is no need to look closer
_MADE_UP = re.compile(r"555|123456|(\d)\1{5}")


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
    match = _PRIVATE.search(text)
    return f"a private key (\u2026 {len(match[0].partition('KEY-----')[2].strip())} characters)" if match else ""


def access_key(text: str) -> str:
    """Holds a key or token that opens an account; those made up for show are fine.

    >>> access_key("key = ghp_" + "a1B2c3D4e5F6" * 3), access_key("AKIAIOSFODNN7EXAMPLE")
    ('gh\u2026 (40 characters)', '')
    """
    if not _STRETCH.search(text):
        return ""
    if any(sign in text for sign in _KEYS):
        for match in _KEY.finditer(text):
            key = match[0]
            if _is_token(key) if key.startswith("eyJ") else _is_real(key):
                return masked(key)
    if found := next((masked(key) for around in _surroundings(text) for key in _detected(around)), ""):
        return found
    named = (match["key"] or match["token"] for match in _NAMED.finditer(text)) if _NAMES.search(text) else ()
    return next((masked(key) for key in named if _is_drawn(key)), "")


def _is_real(key: str) -> bool:
    # the numbers in a token of Slack name a team and a robot; its last part is the secret
    secret = key.rpartition("-")[2] if key.startswith("xox") else key
    return not _INVENTED.search(secret) and len(set(key)) >= 12


def _is_drawn(key: str) -> bool:
    """Whether chance wrote it: many digits among letters, and neither a path nor a name with a number at its end."""
    digits = sum(map(str.isdigit, key))
    words = re.search(r"[a-z]{12}|[A-Z]{12}|^[A-Za-z_.]+\d*\Z|^[./]", key)
    return digits >= 3 and digits < len(key) and not words and _is_real(key)


def _surroundings(text: str) -> Iterator[str]:
    """Each stretch that could be a key, for it has letters and digits, with what stands before it."""
    for match in _STRETCH.finditer(text):
        stretch = match[0]
        if len(stretch) <= _LONGEST and any(map(str.isdigit, stretch)) and any(map(str.isalpha, stretch)):
            # what follows counts as well: a quotation mark, or the host that a password is for
            yield text[max(0, match.start() - _BEFORE) : match.end() + _BEFORE]


class _Detector(Protocol):
    def analyze_string(self, string: str) -> Iterator[str]: ...


@cache
def _detectors() -> tuple[_Detector, ...]:
    from importlib import import_module

    return tuple(getattr(import_module(f"detect_secrets.plugins.{at}"), name)() for at, name in _DETECTORS.items())


def _detected(text: str) -> Iterator[str]:
    """Keys that detect-secrets sees, unless they are part of something longer, too short, or made up for show."""
    for detector in _detectors():
        for secret in detector.analyze_string(text):
            key = secret.strip("\"'=: \t\r\n")
            alone = re.search(rf"(?<![A-Za-z0-9+/_-]){re.escape(key)}(?![A-Za-z0-9+/_-])", text)
            if len(key) >= 20 and any(map(str.isdigit, key)) and alone and _is_real(key):
                yield key


def _is_token(text: str) -> bool:
    """The first part of a JSON web token is JSON that names an algorithm."""
    head = text.partition(".")[0]
    try:
        return "alg" in json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        return False


def email_address(text: str) -> str:
    """Holds an e-mail address that may be somebody's.

    >>> email_address("Write to jane@corner.shop"), email_address("Write to jane@example.com"), email_address("@home")
    ('ja\u2026 (16 characters)', '', '')
    """
    if "@" not in text:
        return ""
    for match in _EMAIL.finditer(text):
        # `git@host` names a program's account.
        if not _NOBODY.match(match["host"]) and not match[0].startswith("git@"):
            return masked(match[0])
    return ""


def phone_number(text: str) -> str:
    """Holds a telephone number: international, North American, or after a word for one; 555 rings nowhere.

    >>> phone_number("Call +45 33 12 47 90"), phone_number("(212) 736-5000"), phone_number("212-555-0142")
    ('+4\u2026 (15 characters)', '(2\u2026 (14 characters)', '')
    >>> phone_number("2019-12-31 10:20, 3.14159265358979, 1,234,567,890")
    ''
    """
    if not _LONG_NUMBER.search(text):
        return ""
    for match in _PHONE.finditer(text):
        digits = "".join(char for char in match[0] if char.isdigit())
        if 8 <= len(digits) <= 15 and not _MADE_UP.search(digits):
            return masked(match[0].lstrip())
    return ""


def payment_card(text: str) -> str:
    """Holds a number of a payment card: right brand, right length, right check digit (Luhn); trial numbers are fine.

    >>> payment_card("4539 1488 0343 6467"), payment_card("4539 1488 0343 6468"), payment_card("4111111111111111")
    ('45\u2026 (19 characters)', '', '')
    """
    if not _LONG_NUMBER.search(text):
        return ""
    from stdnum import luhn

    for match in _CARD.finditer(text):
        digits = match[0].replace(" ", "").replace("-", "")
        if _BRANDS.fullmatch(digits) and digits not in _TRIAL_CARDS and luhn.is_valid(digits):
            return masked(match[0])
    return ""


def bank_account(text: str) -> str:
    """Holds an IBAN as its country writes it, whose check digits (ISO 13616, and those of the country) are right.

    >>> bank_account("Pay to NL91 ABNA 0417 1643 00"), bank_account("Pay to NL92 ABNA 0417 1643 00")
    ('NL\u2026 (22 characters)', '')
    >>> bank_account("Pay to nl91abna0417164300")
    'nl\u2026 (18 characters)'
    """
    matches = [*_IBAN.finditer(text)]
    if not matches:
        return ""
    from stdnum import iban

    return next((masked(match[0]) for match in matches if iban.is_valid(match[0])), "")


def identity_number(text: str) -> str:
    """Holds the number by which a state knows a person, with its right check digits or date; made up ones are fine.

    >>> identity_number("CPF 390.533.447-05"), identity_number("CPF 390.533.447-06"), identity_number("219-09-9999")
    ('39\u2026 (14 characters)', '', '')
    """
    for match in _ID.finditer(text):
        digits = "".join(filter(str.isdigit, match[0]))
        if not _MADE_UP.search(digits) and _is_given_out(match):
            return masked(match[0])
    return ""


def _is_given_out(match: re.Match[str]) -> bool:
    """By any of the states that write it like this: two Nordic ones do."""
    from importlib import import_module

    alike = (name for name, shape in _IDENTITY.items() if re.fullmatch(shape, match[0]))
    return any(import_module(f"stdnum.{name}").is_valid(match[0]) for name in alike)


def ip_address(text: str) -> str:
    """Holds an address of a machine on the open internet; private, documentation and well-known ones are fine.

    >>> ip_address("from 93.184.215.14"), ip_address("192.168.0.1, 8.8.8.8, version 93.184.215.14, a[::2]")
    ('93\u2026 (13 characters)', '')
    >>> ip_address("at 2606:2800:21f:cb07:6820:80da:af6b:8b2c"), ip_address("at fe80::1 since 10:20:30")
    ('26\u2026 (38 characters)', '')
    """
    candidates = [*_IPV4.finditer(text)] if text.count(".") >= 3 else []
    candidates += [*_IPV6.finditer(text)] if text.count(":") >= 2 else []
    for candidate in candidates:
        try:
            address = ipaddress.ip_address(candidate[0])
        except ValueError:
            continue
        before = text[max(0, candidate.start() - 12) : candidate.start()]
        if address.is_global and candidate[0] not in _PUBLIC_SERVICES and not _VERSION.search(before):
            return masked(candidate[0])
    return ""
