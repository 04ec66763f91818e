"""The prompt files."""

from importlib import resources

import pytest

from selfinstruct.prompts import prompt

NAMES = sorted(
    path.name.removesuffix(".txt") for path in resources.files("selfinstruct.generate").joinpath("prompts").iterdir()
)


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_has_a_version_line_and_no_last_line_end(name: str) -> None:
    read = prompt("generate", name)
    text = resources.files("selfinstruct.generate").joinpath("prompts", f"{name}.txt").read_text(encoding="utf-8")
    assert text.startswith(f"version {read.version}\n\n")
    assert read.text
    assert not read.text.startswith(("version", "\n"))
    assert not read.text.endswith("\n")
