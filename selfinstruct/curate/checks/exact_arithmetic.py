"""Arithmetic as it is written in prose, computed exactly: fractions, no floats, and never Python's `eval`."""

import re
from dataclasses import dataclass
from fractions import Fraction

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d+(?:\.\d+)?(?![\d,.]*\d)|\.\d+)"
    r"|(?P<sign>\*\*|[-+*/()^%\u00d7\u00f7\u2212\u00b7\u2013]|(?<=[\s\d)])x(?=[\s\d(])))"
)
_SAME = {"\u00d7": "*", "\u00b7": "*", "x": "*", "\u00f7": "/", "\u2212": "-", "\u2013": "-", "**": "^"}
_LONGEST = 200  # characters of an expression
_DEEPEST = 20  # parentheses and powers inside one another
_HIGHEST = 64  # exponent
_LARGEST = 10**40


class NotArithmetic(ValueError):
    """The text is no arithmetic, is ambiguous, has no value, or is too large."""


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression comes to."""

    exact: Fraction
    operations: int
    """How many binary operators it has."""
    measured: bool
    """It multiplies or divides decimals, or divides at all: people round such results, and their operands."""


def evaluate(text: str) -> Value:
    """The value of an expression with + - * / ^ ( ) % and their typographic forms; NotArithmetic for anything else.

    >>> evaluate("2 + 3 x 4").exact, evaluate("(1 - 1/3) * 6").exact, evaluate("25% * 8").exact
    (Fraction(14, 1), Fraction(4, 1), Fraction(2, 1))
    >>> evaluate("2 + x")
    Traceback (most recent call last):
        ...
    selfinstruct.curate.checks.exact_arithmetic.NotArithmetic: 2 + x
    """
    if len(text) > _LONGEST:
        raise NotArithmetic(text)
    return _Parser(text).value()


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0
        self._operations, self._measured = 0, False
        self._tokens = self._cut()

    def value(self) -> Value:
        """Evaluate the whole expression; NotArithmetic for anything else."""
        number = self._sum()
        if self._at != len(self._tokens):
            raise NotArithmetic(self._text)
        return Value(number, self._operations, self._measured)

    def _cut(self) -> list[str]:
        tokens, place, text = [], 0, self._text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if not match:
                raise NotArithmetic(self._text)
            sign = match["sign"]
            tokens.append(_SAME.get(sign, sign) if sign else match["number"].replace(",", ""))
            place = match.end()
        return tokens

    def _next(self, *signs: str) -> str:
        """The next token, taken, if it is one of these signs."""
        if self._at < len(self._tokens) and self._tokens[self._at] in signs:
            self._at += 1
            return self._tokens[self._at - 1]
        return ""

    def _sum(self) -> Fraction:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotArithmetic(self._text)
        percents = self._tokens.count("%")
        total = self._product()
        while sign := self._next("+", "-"):
            # `100 - 20%` is 80 to some and 99.8 to others.
            if percents:
                raise NotArithmetic(self._text)
            self._operations += 1
            term = self._product()
            total = self._bounded(total + term if sign == "+" else total - term)
        self._depth -= 1
        return total

    def _product(self) -> Fraction:
        total = self._signed()
        while sign := self._next("*", "/"):
            self._operations += 1
            factor = self._signed()
            if sign == "/" and not factor:
                raise NotArithmetic(self._text)
            self._measured |= sign == "/" or total.denominator > 1 or factor.denominator > 1
            total = self._bounded(total * factor if sign == "*" else total / factor)
        return total

    def _signed(self) -> Fraction:
        if not self._next("-"):
            return self._power()
        before = self._at
        value = self._power()
        # `-3^2` is 9 to some and -9 to others.
        if "^" in self._tokens[before : self._at]:
            raise NotArithmetic(self._text)
        return -value

    def _power(self) -> Fraction:
        base = self._atom()
        if not self._next("^"):
            return base
        self._operations += 1
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotArithmetic(self._text)
        exponent = -self._power() if self._next("-") else self._power()
        self._depth -= 1
        if exponent.denominator != 1 or abs(exponent) > _HIGHEST or (not base and exponent <= 0):
            raise NotArithmetic(self._text)
        self._measured |= base.denominator > 1 or exponent < 0
        return self._bounded(base ** int(exponent))

    def _atom(self) -> Fraction:
        if self._next("("):
            value = self._sum()
            if not self._next(")"):
                raise NotArithmetic(self._text)
        elif self._at < len(self._tokens) and self._tokens[self._at][-1].isdigit():
            value = self._bounded(Fraction(self._tokens[self._at]))
            self._at += 1
        else:
            raise NotArithmetic(self._text)
        return value / 100 if self._next("%") else value

    def _bounded(self, value: Fraction) -> Fraction:
        if abs(value.numerator) > _LARGEST or value.denominator > _LARGEST:
            raise NotArithmetic(self._text)
        return value


def agrees(value: Value, written: str) -> bool:
    """Whether a number as it is written is the value, as exactly as it is written.

    Whole results must be met exactly; others may be rounded or cut off at the last decimal that is written (also up to
    the next whole number: so many buses), and where decimals are multiplied or divided, half a percent is allowed for
    operands that were rounded themselves.

    >>> third = evaluate("10 / 3")
    >>> [agrees(third, written) for written in ("3.33", "3", "3.3334", "3.4", "333%")]
    [True, True, True, False, True]
    >>> agrees(evaluate("12 * 12"), "145")
    False
    """
    percent = written.endswith("%")
    digits = written.rstrip("%").replace(",", "").replace("\u2212", "-")
    number = Fraction(digits)
    step = Fraction(1, 10 ** len(digits.partition(".")[2]))
    return _near(value, number, step) or (percent and _near(value, number / 100, step / 100))


def _near(value: Value, number: Fraction, step: Fraction) -> bool:
    off = abs(value.exact - number)
    if not off:
        return True
    if value.measured and off <= abs(value.exact) / 200 and value.exact.denominator != 1:
        return True
    # What the written decimals can hold exactly is not rounded.
    if (value.exact / step).denominator == 1:
        return False
    return off <= step / 2 or (off < step and (abs(number) < abs(value.exact) or step == 1))
