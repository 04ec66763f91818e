"""Code that parses: Python by its own parser; what is in other languages is counted as unchecked."""

import ast
import re
import textwrap
import warnings

from selfinstruct.curate.checks.finding import PASSED, UNCHECKED, Finding, failed
from selfinstruct.curate.replies import Reply
from selfinstruct.text import shown

_FENCE = re.compile(
    r"```[ \t]*(?P<language>[\w+#.-]*)[^\n]*\n(?P<body>.*?)(?P<end>^\s*```|\Z)", re.DOTALL | re.MULTILINE
)
_PYTHON = re.compile(r"\bpython(?!\s*2)\d?\b", re.IGNORECASE)
_OLD_PYTHON = re.compile(r"\bpython\s*2", re.IGNORECASE)
_OTHER = re.compile(
    r"\b(?:java|javascript|js|typescript|node(?:\.js)?|react|c|c\+\+|c#|html|css|sql|mysql|bash|shell|php|ruby|rust"
    r"|golang|go|swift"
    r"|kotlin|scala|perl|matlab|haskell|powershell|vba|xml|yaml|json|regex|pseudocode|lua|julia|dart|r|jinja|template"
    r"|jupyter|ipython|cython|error|errors|bug|bugs|incorrect|invalid|fix|snippet|fragment|complete|missing"
    r"|fill)(?!\w|\+|#)",
    re.IGNORECASE,
)
_CODE_ASKED = re.compile(
    r"\b(?:code|program|script|function|class|method|query|snippet|algorithm|loop)\b", re.IGNORECASE
)
_STARTS = re.compile(
    r"(?:def \w+\(|class \w+|import \w|from [\w.]+ import |for \w[\w, ]* in .+:|while .+:|if .+:|try:|with .+:"
    r"|print\(|@\w"
    r"|#|[A-Za-z_]\w* = \S|\"\"\"|async def )"
)
_CODE_LIKE = re.compile(
    r"(?m)[;{}]\s*$|^\s*(?:def|class|import|from|return|print|public|function|const|let|var"
    r"|SELECT|CREATE|INSERT|#include|<\w+)\b|^\s*\w+ = "
)
# A line of plain words inside what should be code: someone wrote a note there.
_PROSE = re.compile(
    r"\s*(?:[A-Z][a-z']*|I)(?: [A-Za-z',\d-]+){2,}.*|\s*(?:Output|Example|Note|Explanation|Input|Usage|Result)s?\b.*"
)
_NEWER = re.compile(r"^\s*type \w+.*=|^\s*(?:def|class) \w+\[|f[\"']", re.MULTILINE)
_SHELL = re.compile(r"^\s*(?:[%!$]|pip |python3? |>>> |\.\.\. |In \[)", re.MULTILINE)
_LONGEST = 50_000  # characters that are parsed


def code_parses(reply: Reply) -> Finding | None:
    r"""Fails when Python code in the reply, fenced or asked for, does not parse.

    >>> code_parses(Reply("", "Write a Python function that doubles.", "", "def f(x):\n    return 2 * x")).verdict
    'passed'
    >>> code_parses(Reply("", "Double it.", "", "```python\ndef f(x) return 2 * x\n```")).found
    "line 1: expected ':': def f(x) return 2 * x"
    >>> code_parses(Reply("", "Double it.", "", "```rust\nfn f() {}\n```")).verdict
    'unchecked'
    """
    pieces = _python(reply)
    if pieces is None:
        return None
    checked = [_parsed(piece) for piece in pieces]
    wrong = next((found for found in checked if found.verdict == "failed"), None)
    if wrong:
        return wrong
    return PASSED if PASSED in checked else UNCHECKED


def _python(reply: Reply) -> list[str] | None:
    """The Python of the reply; nothing when its code is in another language, None when it has none."""
    fences = list(_FENCE.finditer(reply.output))
    if fences:
        old = _OLD_PYTHON.search(reply.asked)
        # A fence that stays open was cut short, which another rule sees.
        return [
            found["body"]
            for found in fences
            if found["language"].lower() in ("python", "py", "python3") and found["end"].strip() and not old
        ]
    if "```" in reply.output or not _CODE_ASKED.search(reply.instruction) or not _CODE_LIKE.search(reply.output):
        return None
    named = _PYTHON.search(reply.instruction) and not _OLD_PYTHON.search(reply.asked)
    if not named or _OTHER.search(reply.instruction):
        return []
    lines = reply.output.strip().splitlines()
    plain = [line for line in lines if _PROSE.fullmatch(line) and not line.lstrip().startswith("#")]
    # Words above or below the code: where it begins and ends is a guess.
    return [reply.output.strip()] if lines and _STARTS.match(lines[0]) and not plain else []


def _parsed(text: str) -> Finding:
    source = textwrap.dedent(text.expandtabs()).strip("\n")
    if len(source) > _LONGEST or "\0" in source or _SHELL.search(source):
        return UNCHECKED
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a string is no error
            ast.parse(source)
    except SyntaxError as error:
        return _objection(source, error)
    except (ValueError, RecursionError, MemoryError):
        return UNCHECKED
    return PASSED


def _objection(source: str, error: SyntaxError) -> Finding:
    lines = source.splitlines()
    line = lines[error.lineno - 1] if error.lineno and error.lineno <= len(lines) else ""
    # Newer Python than this one may know the form; the old print statement, an elision or a note is no slip.
    old = re.match(r"\s*print\s+[^\s(=]", line)
    if (
        old
        or _NEWER.search(line)
        or "f-string" in str(error.msg)
        or _PROSE.fullmatch(line)
        or re.search(r"\.\.\.|\u2026|<\w[\w ]*>", line)
    ):
        return UNCHECKED
    return failed("Python that parses", f"line {error.lineno}: {error.msg}: {shown(line, 120)}")
