"""A knob by the name that it had is refused, and the new name is told."""

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import parse_yaml

HEAD = "name: x\nmodels: {teacher: 'scripted:x.yaml', base: 'hf:BASE'}\n"


@pytest.mark.parametrize(
    ("steps", "where"),
    [
        ("rounds:\n- propose: {shape: chat}\n", "x.yaml:4"),
        ("rounds:\n- propose\n- instances: {shape: chat}\n", "x.yaml:5"),
        ("stages:\n- finetune: {format: tags}\n", "x.yaml:4"),
    ],
)
def test_the_new_name_is_told(steps: str, where: str) -> None:
    with pytest.raises(BadInput, match=r"has no knob '(shape|format)' \(it is called 'template' now\)") as error:
        resolve(parse_yaml((HEAD + steps).encode(), "x.yaml"))
    assert error.value.place.startswith(where)


def test_on_the_command_line_too() -> None:
    with pytest.raises(BadInput, match=r"it is called 'template' now"):
        resolve(parse_yaml((HEAD + "stages:\n- finetune\n").encode(), "x.yaml"), ["finetune.format=tags"])
