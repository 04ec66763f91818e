r"""What a response looks like: its list items, and how much of it is code."""

import re

_ITEM = re.compile(r"^[ \t]*(?:[-*+\u2022\u2013][ \t]+\S|\(?\d{1,3}[.)][ \t]+\S|\(?[a-z][.)][ \t]+\S)", re.MULTILINE)
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_CODE = re.compile(
    r"""^[ \t]*(?:
      (?:async[ ])?def[ ]\w+\(.*|class[ ]\w+.*[:{]|import[ ][\w.]+(?:[ ]as[ ]\w+)?|from[ ][\w.]+[ ]import[ ].+
    | (?:if|elif|while)[ ].*(?:==|!=|<|>|\(|\bnot\b|\bin\b).*:|for[ ][\w, ]+[ ]in[ ].+:|else:|try:|return\b.*;
    | (?:print|printf|puts|echo|console\.log)[ ]?\(.*|\#include\b.*|using[ ]namespace\b.*|package[ ][\w.]+;?
    | (?:public|private|protected|static)[ ].*[;{]|function[ ]?\w*\(.*|(?:var|let|const)[ ]\w+[ ]=.*|func[ ]\w+\(.*
    | (?:SELECT|INSERT[ ]INTO|UPDATE|DELETE[ ]FROM|CREATE[ ]TABLE)[ ].+|</?\w[^<>]*>.*|<!DOCTYPE\b.*
    | \#!/.*|fi|done|do|then|esac|end|.*;[ ]do|(?:if|elif|while)[ ]\[.*|echo[ ]["'$].*|\w+=\S.*|\w+[ ]::[ ].+
    | .*\w\(.*\)[ \t]*;|.*[^=]=[^=].*;|.*[{}][ \t]*;?|\}.*
    )[ \t]*$""",
    re.MULTILINE | re.VERBOSE,
)


def list_items(text: str) -> int:
    r"""Lines that begin with a bullet, a number or a letter with a point or bracket.

    >>> list_items("Three:\n- oak\n2) ash\n  * elm\n-5 degrees")
    3
    """
    return sum(1 for _ in _ITEM.finditer(text))


def code_share(text: str) -> float:
    r"""Share of the characters that stand in code, in 0..1; line ends do not count.

    Code is what stands in fences; without fences, lines that look like code and what is indented under them.

    >>> code_share("As so:\n```\nx = 12\n```"), code_share("def f(x):\n    y = x\n    return y")
    (0.6666666666666666, 1.0)
    >>> code_share("If you want to: go."), code_share("")
    (0.0, 0.0)
    """
    fenced = "```" in text or "~~~" in text
    if not fenced and not _CODE.search(text):
        return 0.0
    lines = text.splitlines()
    whole = sum(map(len, lines))
    return sum(map(len, _fenced(lines) if fenced else _looking_like_code(lines))) / whole if whole else 0.0


def _fenced(lines: list[str]) -> list[str]:
    """Every line inside a fence, and the fences; one that is never closed goes to the end."""
    found, inside = [], False
    for line in lines:
        mark = _FENCE.match(line) is not None
        if inside or mark:
            found.append(line)
        inside ^= mark
    return found


def _looking_like_code(lines: list[str]) -> list[str]:
    found, before = [], False
    for line in lines:
        code = _CODE.match(line) is not None or (before and line[:1] in {" ", "\t"})
        if code:
            found.append(line)
        before = code or (before and not line.strip())
    return found
