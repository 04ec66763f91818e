"""The prompt files of this room."""

import re
from importlib import resources

import pytest

from selfinstruct.prompts import prompt

NAMES = sorted(
    path.name.removesuffix(".txt") for path in resources.files("selfinstruct.curate").joinpath("prompts").iterdir()
)


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_has_a_version_line_and_no_last_line_end(name: str) -> None:
    loaded = prompt("curate", name)
    text = resources.files("selfinstruct.curate").joinpath("prompts", f"{name}.txt").read_text(encoding="utf-8")
    assert text.startswith(f"version {loaded.version}\n\n")
    assert loaded.text
    assert not loaded.text.endswith("\n")


@pytest.mark.parametrize("name", ["simplify", "expand", "entails", "answer", "verdict"])
def test_both_forms_of_a_prompt_have_the_same_slots(name: str) -> None:
    chat, completion = prompt("curate", f"{name}.chat"), prompt("curate", f"{name}.completion")
    assert set(re.findall(r"\{\w+\}", chat.text)) == set(re.findall(r"\{\w+\}", completion.text))
