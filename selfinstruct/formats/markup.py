"""Text of strangers inside Markdown and YAML: it stays text, whatever is in it."""

import json
import re


def fenced(text: str, language: str) -> list[str]:
    r"""Lines of a block of code, in a fence longer than any run of backticks inside.

    >>> fenced("```\n# headline", "sh")
    ['````sh', '```\n# headline', '````']
    """
    fence = "`" * max(3, _longest_run(text) + 1)
    return [f"{fence}{language}", visible(text), fence]


def code(text: str) -> str:
    """A span of code: it needs no escapes, only fences that are long enough.

    >>> code("openai:some_model"), code("a`b")
    ('`openai:some_model`', '`` a`b ``')
    """
    line = visible(" ".join(text.split()))
    if "`" not in line:
        return f"`{line}`" if line else ""
    fence = "`" * (_longest_run(line) + 1)
    return f"{fence} {line} {fence}"


def cell(text: str) -> str:
    """A span of code inside a table, where a bar ends the cell even there."""
    return code(text).replace("|", "\\|")


def plain(text: str) -> str:
    r"""One line that stays text, also inside a table.

    >>> print(plain("too_similar | [x](y)"))
    too_similar \| \[x\](y)
    """
    line = visible(" ".join(text.split()))
    return re.sub(r"([\\`*\[\]<>|#~&]|(?<!\w)_|_(?!\w))", r"\\\1", line)


def visible(text: str) -> str:
    """Control characters and their like as JSON escapes: printed, it steers no terminal and hides nothing."""
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def quoted(text: str) -> str:
    r"""A YAML string in double quotes; JSON's pairs of escapes would be two half characters there.

    >>> print(quoted('a: "b" # 🎉'))
    "a: \"b\" # 🎉"
    """
    return '"' + "".join(map(_quoted_char, text)) + '"'


def _quoted_char(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    number = ord(char)
    if 0xD800 <= number <= 0xDFFF:  # half of a character
        return "\ufffd"
    return f"\\x{number:02x}" if number <= 0xFF else f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
