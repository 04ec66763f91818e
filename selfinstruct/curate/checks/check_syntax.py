"""Code and JSON that parse: Python by its own parser; JSON with the keys or the schema that are asked for."""

import ast
import json
import re
import textwrap
import warnings
from collections.abc import Iterator
from typing import Any

from selfinstruct.curate.exchanges import PASSED, UNCHECKED, CheckFinding, Reply, failed
from selfinstruct.text import shown

_CODE_FENCE = re.compile(
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
_ASKED = re.compile(
    r"\b(?:in|as|into|to|return|output|produce|using|(?:reply|respond|answer)(?: only| just)? with(?: only| just)?)\s+"
    r"(?:a |an |the )?(?:valid |single |proper "
    r"|following )*json(?: format|"
    r" object| array| string| document| notation| list)?\b"
    r"(?!\s*(?:schema|file|parser|web token|api|library))"
    r"|\b(?:write|create|generate|give(?: me)?|construct|make|design|build)\s+"
    r"(?:a |an |the )(?:valid |sample |simple |new )*json"
    r"(?: object| array| string| document)\b"
    r"|\b(?:follow|match|conform|adher|satisf|obey)\w*\s+(?:to )?(?:the |this |a )?(?:following |given )?json schema\b",
    re.IGNORECASE,
)
_NO_FORMAT = re.compile(
    r"\b(?:function|program|script|code|python|javascript|typescript|java|c#|c\+\+|php|ruby|golang|rust|swift"
    r"|kotlin|node"
    r"|react|sql|api|class|method|parse|parses|parsing|serializ\w*|serialis\w*|deseriali\w*|command|regex|library"
    r"|endpoint|request"
    r"|app|application|explain|describe|difference|compare|advantages|from json|json to)\b|\A\s*(?:how|what|why"
    r"|when|is|are)\b",
    re.IGNORECASE,
)
_KEYS = re.compile(
    r"\b(?:keys?|fields?|properties|attributes)\b(?: (?:named|called|of|are|should be|must be|for|:))?:?\s+"
    r"(?P<names>(?:[\"'`]\w+[\"'`](?:,? and |, ?| )?)+)",
    re.IGNORECASE,
)
_JSON_FENCE = re.compile(r"```[ \t]*(?P<language>\w*)[^\n]*\n(?P<body>.*?)(?:```|\Z)", re.DOTALL)
_PLACEHOLDER = re.compile(r"\.\.\.|\u2026|^\s*(?://|#|/\*)|<[\w ]+>", re.MULTILINE)
_MOST_OBJECTS = 50  # that are looked at for a schema
_TYPES = frozenset(("object", "array", "string", "number", "integer", "boolean", "null"))


def code_parses(reply: Reply) -> CheckFinding | None:
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
    wrong = next((finding for finding in checked if finding.verdict == "failed"), None)
    if wrong:
        return wrong
    return PASSED if PASSED in checked else UNCHECKED


def _python(reply: Reply) -> list[str] | None:
    """The Python of the reply; nothing when its code is in another language, None when it has none."""
    fences = list(_CODE_FENCE.finditer(reply.output))
    if fences:
        old = _OLD_PYTHON.search(reply.request)
        # A fence that stays open was cut short, which another rule sees.
        return [
            fence["body"]
            for fence in fences
            if fence["language"].lower() in ("python", "py", "python3") and fence["end"].strip() and not old
        ]
    if "```" in reply.output or not _CODE_ASKED.search(reply.instruction) or not _CODE_LIKE.search(reply.output):
        return None
    named = _PYTHON.search(reply.instruction) and not _OLD_PYTHON.search(reply.request)
    if not named or _OTHER.search(reply.instruction):
        return []
    lines = reply.output.strip().splitlines()
    plain = [line for line in lines if _PROSE.fullmatch(line) and not line.lstrip().startswith("#")]
    # Words above or below the code: where it begins and ends is a guess.
    return [reply.output.strip()] if lines and _STARTS.match(lines[0]) and not plain else []


def _parsed(text: str) -> CheckFinding:
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


def _objection(source: str, error: SyntaxError) -> CheckFinding:
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


def json_asked_for(reply: Reply) -> CheckFinding | None:
    """Fails when the reply was to be JSON and holds none, or not the keys or the shape that were asked for.

    >>> asked = 'Give the capital of France in JSON with the keys "country" and "capital".'
    >>> json_asked_for(Reply("", asked, "", '{"country": "France", "capital": "Paris"}')).verdict
    'passed'
    >>> json_asked_for(Reply("", asked, "", '{"country": "France"}')).expected
    'JSON with the key capital'
    >>> json_asked_for(Reply("", "Explain what JSON is.", "", "A format.")) is None
    True
    """
    if not _ASKED.search(reply.instruction) or _NO_FORMAT.search(reply.instruction):
        return None
    candidates = _candidates(reply.output)
    values: list[Any] = []
    fault = "no brackets"
    for text in candidates:
        try:
            values.append(json.loads(text, parse_constant=_refused))
        except (ValueError, RecursionError) as error:
            fault = f"{error}: {shown(text, 120)}"
    if not values:
        if candidates and all(_PLACEHOLDER.search(text) for text in candidates):
            return None
        # An answer that is one bare word or number may have been meant as the value itself.
        return failed("JSON", fault if candidates else shown(reply.output, 120))
    return _keyed(reply, values) or _shaped(reply, values) or PASSED


def _candidates(text: str) -> list[str]:
    """What may be meant as JSON: fenced blocks, else from the first bracket to its last partner, else nothing."""
    fenced = [
        match["body"].strip()
        for match in _JSON_FENCE.finditer(text)
        if match["language"].lower() in ("", "json", "json5")
    ]
    if fenced:
        return fenced
    if re.fullmatch(r"\s*(?:\"(?:[^\"\\]|\\.)*\"|-?\d[\d.eE+-]*|true|false|null)\s*", text):
        return [text.strip()]
    start = re.search(r"[\[{]", text)
    if not start:
        return []
    end = text.rfind("}" if start[0] == "{" else "]")
    return [text[start.start() : end + 1] if end > start.start() else text[start.start() :]]


def _keyed(reply: Reply, values: list[Any]) -> CheckFinding | None:
    """A key that was named in quotes and stands nowhere."""
    named = _KEYS.search(reply.instruction)
    if not named:
        return None
    there = {key for value in values for key in _all_keys(value)}
    missing = [name for name in re.findall(r"\w+", named["names"]) if name not in there and name not in ("and", "or")]
    return (
        failed(f"JSON with the key {missing[0]}", f"keys: {shown(', '.join(sorted(there)), 160)}") if missing else None
    )


def _all_keys(value: Any) -> list[str]:  # noqa: ANN401 - JSON as it comes
    if isinstance(value, dict):
        return [*value, *(key for inner in value.values() for key in _all_keys(inner))]
    return [key for inner in value for key in _all_keys(inner)] if isinstance(value, list) else []


def _shaped(reply: Reply, values: list[Any]) -> CheckFinding | None:
    """What a schema in the request objects to; of several pieces of JSON one must follow it."""
    schema = _schema(reply.request)
    if schema is None:
        return None
    faults = [unfit(value, schema) for value in values]
    return None if "" in faults else failed("JSON that follows the schema", faults[0])


def _schema(asked: str) -> dict[str, Any] | None:
    """The first object in a request that is a schema; others may stand around it, such as an example."""
    if "schema" not in asked.lower():
        return None
    at, tried = asked.find("{"), 0
    while at >= 0 and tried < _MOST_OBJECTS:
        tried += 1
        try:
            value, end = json.JSONDecoder().raw_decode(asked, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            if _is_schema(value):
                return dict(value)
        at = asked.find("{", end)
    return None


def _is_schema(value: dict[str, Any]) -> bool:
    """Whether an object in a request is a schema, and no data that has a `type` of its own."""
    kind = value.get("type")
    if kind is not None:
        kinds = kind if isinstance(kind, list) else [kind]
        return all(isinstance(name, str) and name in _TYPES for name in kinds)
    return not _SCHEMA_WORDS.isdisjoint(value)


def unfit(value: Any, schema: dict[str, Any]) -> str:  # noqa: ANN401 - JSON as it comes
    """What of a JSON schema (by its own `$schema`, else draft 2020-12) does not hold; empty where all does.

    A schema that is none, that refers to something outside of it, or cannot be checked in bounded time objects to
    nothing: that says nothing about the value. `format` is an annotation.

    >>> unfit({"age": "7"}, {"type": "object", "properties": {"age": {"type": "integer"}}})
    "$.age: '7' is not of type 'integer'"
    >>> unfit([1, 2], {"type": "array", "items": {"type": "number"}})
    ''
    """
    from jsonschema.validators import extend, validator_for
    from referencing import Registry

    try:
        known = validator_for(schema)
        known.check_schema(schema)
        checks = extend(known, {"pattern": _pattern, "patternProperties": None})
        faults = checks(schema, registry=Registry()).iter_errors(value)
        fault = next(faults, None)
    except Exception:  # noqa: BLE001 - a stranger's schema fails in whatever part of the library meets it first
        return ""
    return "" if fault is None else shown(f"{fault.json_path}: {fault.message}", 200)


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[Any]:  # noqa: ANN401 - the library's
    """As the library checks it, but for patterns that might take for ever: a repeated group, or many repetitions."""
    from jsonschema.exceptions import ValidationError

    del schema
    if not validator.is_type(value, "string") or len(value) > _LONGEST_MATCHED:
        return
    if _REPEATED_GROUP.search(pattern) or len(_REPETITION.findall(pattern)) > _MOST_REPETITIONS:
        return
    if not re.search(pattern, value):
        yield ValidationError(f"{shown(value, 60)!r} does not match {shown(pattern, 60)!r}")


_REPEATED_GROUP = re.compile(r"\)(?:[*+]|\{\d*,)")
_REPETITION = re.compile(r"[*+]|\{\d*,")
_MOST_REPETITIONS, _LONGEST_MATCHED = 3, 1000
_SCHEMA_WORDS = frozenset(("$schema", "$ref", "$defs", "anyOf", "oneOf", "allOf", "const", "properties"))


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
