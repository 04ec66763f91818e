"""Advice names options for a person at the command line, and arguments for a caller in Python."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import Context, Group, Option

import selfinstruct as si
from selfinstruct import advice
from selfinstruct.cli.main import desk
from selfinstruct.errors import BadInput, Capped, Stopped
from tests.cli.typed import command

HOME = Path(advice.__file__).parent
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*|-o\b)")
AT_THE_SHELL = {("models/weights.py", option) for option in ("--quiet", "--no-deps", "--only-binary", "--dest")}
"""What another program is told: nobody reads of it."""


def texts() -> Iterator[tuple[str, str]]:
    """Every text in the code below the command line, and the file it stands in; what is filled in is `X`."""
    for path in sorted(HOME.rglob("*.py")):
        name = path.relative_to(HOME).as_posix()
        if name.startswith(("cli/", "report/")) or name in {"advice.py", "errors.py"}:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inner = {
            id(part)
            for node in ast.walk(tree)
            for part in ([node.value] if isinstance(node, ast.Expr) else getattr(node, "values", []))
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield name, "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
                yield name, node.value


def options_of_verbs() -> set[str]:
    options, groups, context = set[str](), list[Group]([desk]), Context(desk)
    while groups:
        group = groups.pop()
        for name in group.list_commands(context):
            verb = group.get_command(context, name)
            assert verb is not None
            if isinstance(verb, Group):
                groups.append(verb)
            options |= {word for option in verb.params if isinstance(option, Option) for word in option.opts}
    return options


def test_every_option_in_a_message_has_its_word_in_python() -> None:
    left = {
        (name, option)
        for name, text in texts()
        for option in OPTION.findall(re.sub(advice._COMMAND, "", advice.in_python(text)))
    }
    assert left == AT_THE_SHELL


def test_no_word_is_told_for_an_option_that_no_verb_has() -> None:
    assert {f"--{name}" for name in {**advice._ARGUMENTS, **advice._SWITCHES}} <= options_of_verbs()


def test_an_article_before_what_is_filled_in_is_made_to_fit() -> None:
    assert [(name, text) for name, text in texts() if re.search(r"\b[aA] X", text)] == []


@pytest.mark.parametrize(
    ("typed", "python"),
    [
        ("choose another folder with -o, or --fresh", "choose another folder, or fresh=True"),
        ("below 0.1, into another folder (-o)", "below 0.1, into another folder"),
        ("name the -o of a recipe", "name the folder of a recipe"),
        ("say which: --from=alpaca", 'say which: layout="alpaca"'),
        ("--columns question=#1,output=#2; known", 'columns={"question": "#1", "output": "#2"}; known'),
        ("--columns instruction=C[,input=C]", 'columns={"instruction": "C", "input": "C"}'),
        ("another, too: `beside`, or --beside SPEC", "another, too: `beside`, or beside=SPEC"),
        ("--task-files a/b.c: no such folder", 'task_files="a/b.c": no such folder'),
        ("--model openai:NAME with OPENAI_BASE_URL", 'model="openai:NAME" with OPENAI_BASE_URL'),
        ("--set novelty.x: no such knob", 'changes=["novelty.x"]: no such knob'),
        ("tune again (`--merge`)", "tune again (`merge=True`)"),
        ("run the same command again", "run the same call again"),
        ("a file '--strange' and --nonsense stay", "a file '--strange' and --nonsense stay"),
        ("run `selfinstruct score M -o F` first", "run `selfinstruct score M -o F` first"),
        ("not here; selfinstruct fetch gemma --accept-terms", "not here; selfinstruct fetch gemma --accept-terms"),
        ("pip install --no-deps that, or name --model X", "pip install --no-deps that, or name model=X"),
    ],
)
def test_what_is_typed_is_put_in_words_of_python(typed: str, python: str) -> None:
    assert advice.in_python(typed) == python
    for error in (BadInput("bad", fix=typed), Stopped(typed), Capped(typed)):
        assert error.typed.endswith(typed)
        assert str(error).endswith(python)


def test_a_caller_in_python_reads_arguments_and_the_shell_options(tmp_path: Path) -> None:
    rows = tmp_path / "set.jsonl"
    rows.write_text('{"instruction": "Name a river.", "output": "The Ebro."}\n', encoding="utf-8")
    si.Recipe(inputs=[rows], stages=[si.Exact()]).run(tmp_path / "run")
    with pytest.raises(BadInput, match=r"choose another folder, or fresh=True to make it again"):
        si.Recipe(inputs=[rows], stages=[si.Exact(over="record")]).run(tmp_path / "run")
    ended = command("curate", rows, "--exact", "-o", tmp_path / "run")
    assert ended.returncode == 2
    assert "choose another folder with -o, or --fresh to make it again" in ended.stderr
