"""Code that parses."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.checks.check_code import code_parses
from selfinstruct.curate.replies import Reply

ASKED = "Write a Python function that doubles a number."
GOOD = "def double(x):\n    return 2 * x"
BAD = "def double(x)\n    return 2 * x"


def verdict(output: str, instruction: str = ASKED) -> str:
    found = code_parses(Reply("instance 0", instruction, "", output))
    return found.verdict if found else "silent"


@pytest.mark.parametrize(
    "frame", ["{}", "```python\n{}\n```", "Like this:\n\n```py\n{}\n```\nThat is it.", "```Python\n    {}\n```"]
)
def test_python_passes_or_fails_as_it_parses(frame: str) -> None:
    indent = "    " if "    {" in frame else ""
    assert verdict(frame.replace("{}", GOOD.replace("\n", "\n" + indent))) == "passed"
    assert verdict(frame.replace("{}", BAD.replace("\n", "\n" + indent))) == "failed"


@given(st.text(alphabet="abx=()[]:\n 1+'\"#", max_size=40))
def test_a_fenced_block_fails_only_when_the_parser_says_so(text: str) -> None:
    found = verdict(f"```python\n{text}\n```")
    try:
        ast.parse(text)
    except SyntaxError:
        return
    assert found in ("passed", "unchecked")


@pytest.mark.parametrize(
    "output",
    [
        "```javascript\nfunction f( {\n```",
        "```\n" + BAD + "\n```",
        "```python\n" + BAD,  # cut short
        "```python\nprint 'old'\n```",
        "```python\n>>> f(1)\n2\n```",
        "```python\n!pip install x\n```",
        "```python\ndef f(x): ...\nOutput: it is three of them\n```",
        "```python\ntype Name = list[str]\n```",
        "```python\nx = \0\n```",
    ],
)
def test_what_no_parser_here_reads_is_unchecked(output: str) -> None:
    assert verdict(output, "Write some code.") == "unchecked"


@pytest.mark.parametrize(
    ("instruction", "output"),
    [
        ("Describe a cat.", "It purrs."),
        ("Explain Python.", "A language that many people use."),
        ("Write a Python function.", "I would write a function that doubles the number, and then test it."),
    ],
)
def test_replies_without_code_are_left_alone(instruction: str, output: str) -> None:
    assert verdict(output, instruction) == "silent"


def test_code_of_another_language_asked_for_without_a_fence_is_unchecked() -> None:
    assert (
        verdict("const f = x => {\n  return 2 * x;\n};", "Translate the Python function into JavaScript.")
        == "unchecked"
    )
    assert verdict(BAD, "Write a Python 2 function.") == "unchecked"


def test_words_around_unfenced_code_make_it_a_guess() -> None:
    assert verdict(f"{BAD}\n\nThis function doubles the number.") == "unchecked"
