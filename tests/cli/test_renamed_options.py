"""An option by the name that it had is refused, and the new name is told."""

import pytest
from click.testing import CliRunner

from selfinstruct.cli.main import desk


@pytest.mark.parametrize("words", [["finetune", "set.jsonl", "--base", "hf:X"], ["audit", "ablate", "tasks.json"]])
def test_the_format_of_a_student_is_its_template(words: list[str]) -> None:
    ended = CliRunner().invoke(desk, [*words, "--format", "tags"])
    assert ended.exit_code == 2
    assert "--format is called --template now" in ended.output
    assert "--format" not in CliRunner().invoke(desk, [*words[: 1 + (words[0] == "audit")], "--help"]).output
