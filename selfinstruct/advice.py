"""Advice in the words of whoever asks: written as one types it at the command line, put here for a caller in Python."""

import json
import re

_ARGUMENTS = {
    "against": "against",
    "against-columns": "columns",
    "arms": "arms",
    "backend": "backend",
    "base": "base",
    "beside": "beside",
    "columns": "columns",
    "data": "data",
    "filled": "filled",
    "from": "layout",
    "judge-model": "judge",
    "max-cost": "max_cost",
    "max-total-tokens": "max_total_tokens",
    "memory": "memory",
    "model": "model",
    "n": "n",
    "of": "of",
    "output": "folder",
    "prices": "prices",
    "prompts": "prompts",
    "push": "push",
    "read": "read",
    "responses": "responses",
    "set": "changes",
    "stop": "stop",
    "student": "student",
    "suite": "suite",
    "task-files": "task_files",
    "tasks": "tasks",
    "template": "template",
    "to": "format",
    "topic": "topic",
    "tuned": "tuned",
    "wrapper": "wrapper",
}
"""Options that take a value, and the argument, the knob or the key that takes it in Python."""
_SWITCHES = {
    "first-turn": "first_turn",
    "fresh": "fresh",
    "gguf": "gguf",
    "lora-proxy": "lora_proxy",
    "merge": "merge",
    "retry-failed": "retry_failed",
    "run-model-code": "run_model_code",
    "strict": "strict",
}
"""Those that take none, and what is True instead."""

_COMMAND = r"`[a-z][^`]* [^`]*`|\b(?:selfinstruct|pip|accelerate|lm-eval) [a-z-]+ [^;,()]*"
_FOLDER = r" with -o\b| \(-o\)|(?P<folder>(?<![\w-])-o\b)"
_VALUE = r"=(?P<value>[^\s,;`)]+)| (?P<shown>[^\s;`)]*[=:/.][^\s;`)]*(?:\w|]|\.\.\.)|[A-Z]+\b)"
_OPTION = rf"(?<![\w-])--(?P<option>[a-z][a-z-]*[a-z]|n)(?:{_VALUE})?"
_ADVICE = re.compile(rf"(?P<command>{_COMMAND})|{_FOLDER}|{_OPTION}|(?P<again>\bthe same command\b)")


def in_python(text: str) -> str:
    """The text with arguments in place of options; a whole command, and an option that is not ours, stay as they are.

    >>> in_python("choose another folder with -o, or --fresh to make it again")
    'choose another folder, or fresh=True to make it again'
    >>> in_python("say which: --columns instruction=...,output=...")
    'say which: columns={"instruction": "...", "output": "..."}'
    >>> in_python("run `selfinstruct score MODEL -o FOLDER` first")
    'run `selfinstruct score MODEL -o FOLDER` first'
    """
    return _ADVICE.sub(_put, text)


def _put(match: re.Match[str]) -> str:
    if match["command"]:
        return match[0]
    if match["again"]:
        return "the same call"
    if match["option"] is None:
        return "folder" if match["folder"] else ""
    return _argument(match["option"], match["value"] or match["shown"] or "") or match[0]


def _argument(option: str, value: str) -> str:
    """Empty for an option that is not ours."""
    if option in _SWITCHES:
        return f"{_SWITCHES[option]}=True{f' {value}' if value else ''}"
    name = _ARGUMENTS.get(option, "")
    if not name or not value:
        return name
    if name == "columns":
        pairs = value.replace("[", "").replace("]", "").split(",")  # brackets: of what may be left away
        return f"{name}={json.dumps(dict(pair.partition('=')[::2] for pair in pairs), ensure_ascii=False)}"
    written = value if value.isupper() and value.isalpha() else f'"{value}"'
    return f"{name}=[{written}]" if name == "changes" else f"{name}={written}"
