"""Exact arithmetic, against Python's own fractions and parser."""

import ast
import operator
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from selfinstruct.curate.checks.exact_arithmetic import NotArithmetic, agrees, evaluate

OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def oracle(node: ast.expr, source: str) -> Fraction:
    """The value by Python's grammar, with fractions made of the figures as they are written."""
    match node:
        case ast.BinOp(left, sign, right):
            return OPERATORS[type(sign)](oracle(left, source), oracle(right, source))
        case ast.UnaryOp(ast.USub(), operand):
            return -oracle(operand, source)
        case _:
            return Fraction(ast.get_source_segment(source, node) or "")


NUMBERS = st.one_of(
    st.integers(0, 999).map(str), st.decimals(0, 99, places=2, allow_nan=False, allow_infinity=False).map(str)
)
EXPRESSIONS = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" + ", "-", " * ", "/"]), inner).map("".join),
        inner.map(lambda text: f"({text})"),
        st.tuples(st.integers(1, 9).map(str), st.sampled_from(["**2", "**3", "** 0"])).map("".join),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_an_expression_has_the_value_that_python_gives_it(text: str) -> None:
    try:
        expected = oracle(ast.parse(text, mode="eval").body, text)
    except ZeroDivisionError:
        with pytest.raises(NotArithmetic):
            evaluate(text)
        return
    assume(abs(expected.numerator) < 10**30 and expected.denominator < 10**30)
    try:
        value = evaluate(text)
    except NotArithmetic:
        # Something on the way was too large.
        assume(False)
        raise
    assert value.exact == expected


@given(EXPRESSIONS)
def test_typographic_signs_mean_the_same(text: str) -> None:
    other = text.replace("**", "^").replace("*", "\u00d7").replace("/", "\u00f7").replace("-", "\u2212")
    try:
        expected = evaluate(text)
    except NotArithmetic:
        with pytest.raises(NotArithmetic):
            evaluate(other)
    else:
        assert evaluate(other) == expected


@given(st.text(alphabet="0123456789+-*/^()%x., ", max_size=40))
def test_any_text_has_a_value_or_is_unsuited(text: str) -> None:
    with suppress(NotArithmetic):
        assert isinstance(evaluate(text).exact, Fraction)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2 +",
        "(2",
        "2)",
        "2 x",
        "2(3)",
        "1 / 0",
        "-3^2",
        "100 - 20%",
        "9^9^9",
        "2^100",
        "1.2.3",
        "3 4",
        "2 ** 0.5",
        "0^0",
        "(" * 30 + "1" + ")" * 30,
        "9" * 300,
        "1+" * 150 + "1",
        "__import__('os')",
        "1,00",
    ],
)
def test_what_is_ambiguous_too_large_or_no_arithmetic_is_unsuited(text: str) -> None:
    with pytest.raises(NotArithmetic):
        evaluate(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4", 14),
        ("2^3^2", 512),
        ("1,200 + 34", 1234),
        ("8 / 2 / 2", 2),
        ("5 - -3", 8),
        ("15% * 80", 12),
        ("3 x 4", 12),
    ],
)
def test_an_expression_has_the_value_that_arithmetic_gives_it(text: str, value: int) -> None:
    assert evaluate(text).exact == value


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_a_whole_result_agrees_with_itself_and_with_no_other(left: int, right: int) -> None:
    value = evaluate(f"{left} + {right}".replace("+ -", "- "))
    assert agrees(value, str(left + right))
    assert not agrees(value, str(left + right + 1))
    assert agrees(value, f"{left + right}.00")


@given(st.integers(1, 10_000), st.integers(1, 97), st.integers(1, 5))
def test_a_quotient_agrees_with_its_rounding_to_any_number_of_decimals(top: int, bottom: int, places: int) -> None:
    value = evaluate(f"{top} / {bottom}")
    rounded = str(round(Decimal(top) / Decimal(bottom), places))
    assert agrees(value, rounded)


@pytest.mark.parametrize(
    ("text", "written"), [("10 / 4", "3.5"), ("2.5 * 4", "11"), ("7 / 3", "2.5"), ("1.50 + 2.25", "3.76")]
)
def test_what_is_off_by_more_than_rounding_does_not_agree(text: str, written: str) -> None:
    assert not agrees(evaluate(text), written)
