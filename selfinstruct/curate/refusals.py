"""The rule that hears a refusal, in the usual phrases of ten languages."""

import re

from selfinstruct.curate.exchange import Exchange

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


def refusal(exchange: Exchange) -> str:
    """The answer begins by declining, or by speaking as a model.

    >>> refusal(Exchange("Name a river.", "", "I'm sorry, but I cannot assist with that."))
    "i'm sorry, but i cannot assist"
    >>> refusal(Exchange("Decline an invitation.", "", "I'm sorry, but I can't come to your party."))
    ''
    """
    head = (exchange.output or "")[:_HEAD].lstrip("\"'\u201c *#\n").lower()
    found = _DECLINES.match(head)
    if found is None and any(sign in head for sign in _SIGNS):
        found = _AS_A_MODEL.search(head)
    return found[0].strip() if found else ""
