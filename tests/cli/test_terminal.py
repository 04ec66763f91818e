"""What a terminal is given: nothing of a model's, a file's or an endpoint's that it would obey."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from selfinstruct.cli.main import desk, main
from selfinstruct.cli.terminal import say
from selfinstruct.errors import ProviderDown
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.stage import Kept, Outcome, Rejected
from selfinstruct.store.run_folder import RunFolder
from selfinstruct.store.stage_result import CallCounts

CLI = Path(str(sys.modules[say.__module__].__file__)).parent
HOSTILE = "\x1b]0;owned\x07\x9b31m\u202ered\r\n\x1b[2Jfake: kept"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run in which everything that may be a text is hostile."""
    made = Provenance(stage="propose", model=HOSTILE, prompt=HOSTILE, request=HOSTILE, parents=(HOSTILE,))
    task = Task(instruction=HOSTILE, instances=(Instance(HOSTILE, HOSTILE),), provenance=made)
    run = RunFolder(tmp_path)
    run.recipe.write_text("")
    outcomes: list[Outcome] = [Kept(task, {HOSTILE: HOSTILE, "b": [HOSTILE]}), Rejected(task, HOSTILE, {HOSTILE: 1})]
    run.stage("round-00001", 1, HOSTILE.replace("/", "")).write(outcomes, 2, CallCounts)
    (tmp_path / "round-00001" / f"02-{HOSTILE}").mkdir()
    run.ledger.write_text(json.dumps({"event": HOSTILE, "reason": HOSTILE}) + "\n")
    (tmp_path / "id").write_text(task.id)
    return run


@pytest.mark.parametrize("more", [(), ("--json",)])
@pytest.mark.parametrize("verb", ["show", "why"])
def test_what_a_folder_holds_is_shown_and_not_obeyed(verb: str, more: tuple[str, ...], folder: RunFolder) -> None:
    words = [verb, *([(folder.path / "id").read_text()] if verb == "why" else []), str(folder.path), *more]
    ended = CliRunner().invoke(desk, words, standalone_mode=False)
    assert ended.exception is None
    lines = ended.output.splitlines()
    assert all(line.isprintable() for line in ended.output.split("\n"))
    assert not [line for line in lines if line.startswith(("fake", "\\x1b[2Jfake"))]
    assert "owned" in ended.output
    if more:
        assert json.loads(ended.output)


def test_an_error_is_one_line_whatever_is_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise ProviderDown(f"the endpoint says {HOSTILE}\n\n  and more")

    monkeypatch.setattr(desk, "main", fail)
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr().err
    assert ended.value.code == 3
    assert printed.endswith("and more\n")
    assert printed[:-1].isprintable()


def test_line_ends_and_tabs_stay(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\tb\nc\x07")
    assert capsys.readouterr().out == "a\tb\nc\\x07\n"


def test_no_module_of_the_verbs_but_terminal_prints() -> None:
    """The rule holds for whoever writes the next verb."""
    others = [path for path in CLI.glob("*.py") if path.name != "terminal.py"]
    assert not [path.name for path in others if "click.echo" in path.read_text()]
