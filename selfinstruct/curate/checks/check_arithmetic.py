"""Arithmetic that a reply states (`3 * 4 = 12`, `20% of 50 is 10`) and arithmetic that an instruction asks for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from selfinstruct.curate.checks.exact_arithmetic import NotArithmetic, Value, agrees, evaluate
from selfinstruct.curate.exchanges import PASSED, CheckFinding, Reply, failed
from selfinstruct.curate.simplification.reply_blocks import without_marks
from selfinstruct.text import shown, words

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|\$\$.*?\$\$|\\\(.*?\\\)|\\\[.*?\\\]", re.DOTALL)
_RUN = re.compile(r"[\d.,+\-*/^()%\u00d7\u00f7\u2212\u00b7\u2013$\u20ac\u00a3\sx]+\Z")
_CURRENCY = re.compile(r"[$\u20ac\u00a3]")
_EQUALS = re.compile(r"(?<![=!<>:+\-*/~\u2248])=(?![=>~])")
_RESULT = re.compile(
    rf"\s*[$\u20ac\u00a3]?\s*(?P<number>[-\u2212]?(?:{_NUMBER}))(?P<percent>\s?%)?(?![\d]"
    rf"|[.,]\d)\s*(?P<after>[^\s\d]\S*)?"
)
_GOES_ON = re.compile(
    r"[-+*/^(\u00d7\u00f7\u2212\u00b7\u00b0!:_\u2248=\\<>'\u2032\"\u2033]|x\b|(?:r|rem|remainder|mod)\b|(?:and|or"
    r"|to) (?:a\b|\d)|with (?:a )?(?:rem|\d)"
    r"|(?:hundred|thousand|million|billion|trillion|dozen|pairs?|k|bn|e\d+)\b|[\u4e07\u4ebf\u5343\u767e\u4f59]",
    re.IGNORECASE,
)
_UNIT = re.compile(  # also Chinese: hours, minutes, seconds, days, weeks, months, years, kilo-, centi-, milli- ...
    r"(?:[kcm]?m|km|kg|m?g|m?l|h|hrs?|min|s|sec|hours?|minutes?|seconds?|days?|weeks?|months?|years?|decades?"
    r"|meters?|metres?|kilomet\w+|inch\w*|feet|foot|ft|yards?|miles?|grams?|kilograms?|pounds?|lbs?|ounces?|oz"
    r"|lit\w+|cups?|gallons?|cents?"
    r"|degrees?|[ap]\.?m)\b|[\u00b0\u00b2\u00b3]"
    r"|\u4e2a?\u5c0f\u65f6|\u5206\u949f|\u79d2|\u5929|\u5468|\u4e2a?\u6708|\u5e74|[\u516c\u5343\u5398\u6beb]|\u7c73"
    r"|\u514b|\u5347",
    re.IGNORECASE,
)
_LEADS_ON = re.compile(
    r"\b(?:of|root|by|times|plus|minus|over|mod|modulo|sin|cos|tan|log|ln|sqrt|(?<!, )and|or|to|half|twice|double|from"
    r"|less|more"
    r"|than|first|last|squared?|cubed?)\Z|[^\w\s,:;.(\u2022\u2013*\uff0c\uff1a\uff1b\u3002\u3001\uff08-]\Z|[=(]\Z"
    r"|(?:^|\W)[A-Za-z]\Z",
    re.IGNORECASE,
)
_UNREAL = re.compile(  # also Chinese: wrong, if, unequal, about
    r"\b(?:false|incorrect\w*|wrong\w*|not|isn't|doesn't|cannot|mistake\w*|errors?|if|suppose|assume|let|unless"
    r"|instead|base"
    r"|binary|octal|hex\w*|mod|modulo|modular|clock|xor|bitwise|approximat\w*|about"
    r"|roughly|estimat\w*"
    r"|round\w*)\b|[?\u2248\u2260]"
    r"|\u9519\u8bef|\u5982\u679c|\u4e0d\u7b49|\u7ea6",
    re.IGNORECASE,
)
_UNREAL_TASK = re.compile(
    r"\b(?:false|incorrect\w*|wrong\w*|mistakes?|errors?|puzzles?|riddles?|tricks?|patterns?|base|binary|octal|hex\w*"
    r"|mod|modulo|modular|clock|xor|bitwise|jokes?|fiction\w*|stor(?:y|ies)|poems?|complex|matri\w*"
    r"|vectors?|not true|toolformer)\b",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    rf"(?<![\w.,%/*+\-\u00d7\u00f7$])(?P<a>{_NUMBER}) (?P<sign>plus|minus|times|multiplied by"
    rf"|divided by) (?P<b>{_NUMBER})"
    r",? (?:is|equals|is equal to|makes|gives) "
    rf"(?P<c>[-\u2212]?(?:{_NUMBER}))(?P<percent>\s?%)?(?![\d]|[.,]\d)\s*(?P<after>[^\s\d]\S*)?",
    re.IGNORECASE,
)
_SIGNS = {"plus": "+", "minus": "-", "times": "*", "multiplied by": "*", "divided by": "/"}
_SHARE = re.compile(
    rf"(?<![\w.,/*+\-])(?P<a>{_NUMBER})\s?% of [$\u20ac\u00a3]?(?P<b>{_NUMBER}) (?:is|=|equals|is equal to) "
    rf"[$\u20ac\u00a3]?(?P<c>{_NUMBER})(?P<percent>\s?%)?(?![\d]|[.,]\d)\s*(?P<after>[^\s\d]\S*)?",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\A\s*(?:please |can you |could you )*(?P<verb>calculate|compute|evaluate|solve|work out|find|determine|simplify"
    r"|what is|what's|what does|how much is)\s*(?:the )?(?:value|result|answer|sum|product|difference|quotient)?"
    r"(?:\s*(?:following|given|this))?(?:\s*(?:arithmetic|math(?:s|ematical|ematics)?|numerical))?"
    r"(?:\s*(?:expression|equation|problem|calculation|sum|operation))?(?:\s*of)?\s*:?\s*"
    r"(?P<rest>.*?)\s*(?:=\s*\??|equals?)?\s*[?.]*\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
_BARE = re.compile(r"[\"'`$]*(?P<expression>[^\"'`$=]*?)\s*(?:=\s*\??)?[\"'`$.?]*\Z")
_DATE_LIKE = re.compile(r"\A\d+\s?[-/]\s?\d+(?:\s?[-/]\s?\d+)?\Z")
_UNSPACED = re.compile(r"[\u3000-\u9fff\uff00-\uffef]\Z")
_COMPACT = re.compile(r"\A\d+[-/]\d+(?:[-/]\d+)?\Z")
_WRITTEN = re.compile(
    rf"(?<![\w.])[-\u2212]?\s?(?:(?P<whole>\d+) )?(?P<top>\d+)\s?/\s?(?P<bottom>\d+)|[-\u2212]?(?:{_NUMBER})(?:\s?%)?"
)
_WORDS = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """An expression and the result that the text gives it."""

    expression: str
    value: Value
    written: str
    unit: bool
    """A unit of measure follows, which may not be the operands' own."""

    @property
    def bare(self) -> str:
        """The claim without white space, to compare claims by."""
        return re.sub(r"\s", "", f"{self.expression}={self.written}")


def arithmetic(reply: Reply) -> CheckFinding | None:
    """Fails when a stated result is wrong, or when a computation was asked for and its result is not in the reply.

    >>> arithmetic(Reply("", "Add up the prices.", "", "3 * 4 = 12, so with postage it is 12 + 5 = 18."))
    CheckFinding(verdict='failed', expected='12 + 5 = 17', found='12 + 5 = 18')
    >>> arithmetic(Reply("", "What is 15% of 80?", "", "It is 12."))
    CheckFinding(verdict='passed', expected='', found='')
    >>> arithmetic(Reply("", "Name a river.", "", "The Elbe.")) is None
    True
    """
    if _UNREAL_TASK.search(reply.request):
        return None
    echo = re.sub(r"\s", "", reply.request)
    stated = [claim for claim in claims(reply.output) if claim.bare not in echo]
    for claim in stated:
        if not agrees(claim.value, claim.written) and not (claim.unit and _converts(claim)):
            return failed(f"{claim.expression} = {_shown(claim.value)}", f"{claim.expression} = {claim.written}")
    asked = _expected_value(reply)
    if asked is None:
        return PASSED if stated else None
    given = list(_numbers(reply.output))
    if not given:
        return PASSED if stated else None
    if any(agrees(asked, number) if isinstance(number, str) else asked.exact == number for number in given):
        return PASSED
    return failed(_shown(asked), shown(reply.output, 200))


def claims(text: str) -> Iterator[Claim]:
    """Every `expression = number` and its spoken forms, outside code and outside what is said to be untrue."""
    for line in without_marks(_CODE.sub(" \n", text)).replace("\\times", "\u00d7").splitlines():
        for part in re.split(r"(?<=[.!?;])\s+(?=[A-Z])", line):
            if not _UNREAL.search(part):
                yield from _equations(part)
                yield from _sayings(part)


def _equations(line: str) -> Iterator[Claim]:
    start = 0
    for sign in _EQUALS.finditer(line):
        before, start = line[start : sign.start()], sign.end()
        result = _RESULT.match(line, sign.end())
        if not result or (result["after"] and _GOES_ON.match(line, result.start("after"))):
            continue
        after = result["after"] or ""
        # `= 3 1/2` and `= 3 4`: more digits follow.
        if not after and re.match(r"\s*\d", line[result.end() :]):
            continue
        expression = _expression(before, closed=after.startswith(")"))
        if expression:
            yield from _claim(expression, result["number"] + ("%" if result["percent"] else ""), after)


def _expression(before: str, *, closed: bool) -> str:
    """The arithmetic right before an equals sign; empty where it is part of more than that."""
    run = _RUN.search(before)
    if not run:
        return ""
    # A comma or full stop before the first figure belongs to what was said before.
    start = run.start() + len(run[0]) - len(run[0].lstrip(",."))
    left, text = before[:start], before[start:]
    # Chinese and its like put no space before figures.
    glued = bool(left) and not text[:1].isspace() and not _UNSPACED.search(left)
    if "x" in text and re.search(r"x\s*\Z|\A\s*x|\dx\d*\s*[-+]", text):
        return ""
    head = re.split(r"[.;]\s+", text)
    if len(head) > 1:
        left, text, glued = "", head[-1], False
    # `1/4=68` and `3-2=1` without spaces may be marks, scores, dates; money is none of these.
    if _COMPACT.match(text.strip()):
        return ""
    text = _CURRENCY.sub("", text).strip().lstrip(",")
    if re.search(r",\s", text) or (left.strip() and text.startswith(("-", "\u2212", "\u2013", "+", "*"))):
        return ""
    if text.startswith("(") and text.count("(") == text.count(")") + 1 and closed:
        text, left, glued = text[1:].strip(), "", False
    if (glued and not left.endswith("(")) or _LEADS_ON.search(left.rstrip()):
        return ""
    return text


def _sayings(line: str) -> Iterator[Claim]:
    for match in _SPOKEN.finditer(line):
        if not _LEADS_ON.search(line[: match.start()].rstrip()):
            yield from _said(match, f"{match['a']} {_SIGNS[match['sign'].lower()]} {match['b']}")
    for match in _SHARE.finditer(line):
        if not _LEADS_ON.search(line[: match.start()].rstrip()):
            yield from _said(match, f"{match['a']}% * {match['b']}")


def _said(match: re.Match[str], expression: str) -> Iterator[Claim]:
    after = match["after"] or ""
    if not after or not _GOES_ON.match(match.string, match.start("after")):
        yield from _claim(expression, match["c"] + ("%" if match["percent"] else ""), after)


def _claim(expression: str, written: str, after: str) -> Iterator[Claim]:
    try:
        value = evaluate(expression)
    except NotArithmetic:
        return
    if value.operations:
        yield Claim(expression, value, written, bool(_UNIT.match(after)))


def _converts(claim: Claim) -> bool:
    """Whether the result may be right in another unit: `60 + 60 = 2 hours`; few units are so close to one another."""
    number = Fraction(claim.written.rstrip("%").strip().replace(",", "").replace("\u2212", "-"))
    return not (number and Fraction(4, 5) <= claim.value.exact / number <= Fraction(5, 4))


def _expected_value(reply: Reply) -> Value | None:
    """What the one computation that is asked for comes to."""
    match = _ASKS.match(reply.instruction)
    if not match:
        return None
    text = match["rest"] if match["rest"].strip() else reply.input
    if match["rest"].strip() and reply.input.strip().strip("`") not in ("", "<noinput>"):
        return None
    bare = _BARE.match(text.strip())
    if not bare:
        return None
    expression = re.sub(
        r"%\s+of\s+(?:the number )?", "% * ", _CURRENCY.sub("", bare["expression"]), flags=re.IGNORECASE
    )
    if match["verb"].lower().startswith(("what", "find")) and _DATE_LIKE.match(expression):
        return None
    try:
        value = evaluate(expression)
    except NotArithmetic:
        return None
    return value if value.operations else None


def _numbers(text: str) -> Iterator[str | Fraction]:
    """The numbers of a reply, as written, with fractions such as `2 1/3` as what they are."""
    for match in _WRITTEN.finditer(text):
        written = re.sub(r"\s", "", match[0]).replace("\u2212", "-")
        if not match["top"]:
            yield written
        elif int(match["bottom"]):
            size = int(match["whole"] or 0) + Fraction(int(match["top"]), int(match["bottom"]))
            yield -size if written.startswith("-") else size
            yield from (match["top"], match["bottom"])
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in _WORDS:
            yield str(_WORDS.index(word))


def _shown(value: Value) -> str:
    """A whole number, a short decimal, or a fraction.

    >>> _shown(evaluate("7 / 2")), _shown(evaluate("1 / 3"))
    ('3.5', '1/3')
    """
    denominator = value.exact.denominator
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    if denominator != 1 or value.exact.denominator > 10**6:
        return str(value.exact)
    decimals = next(places for places in range(20) if (value.exact * 10**places).denominator == 1)
    return f"{value.exact.numerator / value.exact.denominator:.{decimals}f}" if decimals else str(value.exact)
