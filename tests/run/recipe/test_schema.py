"""What a recipe may say: the schema that editors read, and the knobs as `check --explain` tells them."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from selfinstruct.cli.main import desk
from selfinstruct.run.recipe.schema import EDITOR_LINE, SCHEMA_FILE, docstrings, recipe_schema
from selfinstruct.run.recipe.stage_names import STAGES

RECIPES = sorted((Path(__file__).parents[3] / "pipelines").glob("*.yaml"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return recipe_schema()


def faults(schema: dict[str, Any], recipe: object) -> list[str]:
    return [fault.message for fault in Draft202012Validator(schema).iter_errors(recipe)]


def test_it_is_a_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_our_own_recipes_are_right_by_it(schema: dict[str, Any], recipe: Path) -> None:
    assert faults(schema, yaml.safe_load(recipe.read_text())) == []


@pytest.mark.parametrize("recipe", ["smoke", "curate", "loop", "evaluate"])
def test_a_recipe_with_every_knob_written_out_is_right_by_it(schema: dict[str, Any], recipe: str) -> None:
    ended = CliRunner().invoke(desk, ["check", recipe])
    assert ended.exit_code == 0
    assert faults(schema, yaml.safe_load(ended.stdout)) == []


RIGHT: dict[str, Any] = {"name": "a", "inputs": ["a.jsonl"], "stages": ["exact"]}


@pytest.mark.parametrize(
    ("change", "right"),
    [
        ({}, True),
        (
            {"stages": [{"near": None}, {"near": {"jaccard": 1}}, "acme.stages:Mine", {"acme.stages:Mine": {"x": 1}}]},
            True,
        ),
        ({"models": {"teacher": {"openai": "m", "base_url": "https://a.example"}}}, True),
        ({"inputs": [{"path": "a", "from": "alpaca"}], "publish": None, "limits": {"max_cost": 0.5}}, True),
        ({"stages": ["exakt"]}, False),
        ({"stages": [{"near": {"jacard": 0.8}}]}, False),
        ({"stages": [{"near": {"jaccard": "much"}}]}, False),
        ({"stages": [{"near": {}, "exact": {}}]}, False),
        ({"stages": [{"semantic": {}}]}, False),
        ({"publish": {"format": "mesages"}}, False),
        ({"publish": {"format": "acme.rows:MINE"}}, True),
        ({"models": {"teacher": {"base_url": "https://a.example"}}}, False),
        ({"limits": {"max_kost": 1}}, False),
        ({"nmae": "a"}, False),
    ],
)
def test_it_says_what_the_reader_of_recipes_would(
    schema: dict[str, Any], change: dict[str, Any], *, right: bool
) -> None:
    assert (faults(schema, {**RIGHT, **change}) == []) is right


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for owner, part in {"recipe": schema, **schema["$defs"]}.items():
        for name, key in part.get("properties", {}).items():
            yield f"{owner}.{name}", key


def test_every_key_and_every_knob_has_its_docstring(schema: dict[str, Any]) -> None:
    assert [name for name, key in properties(schema) if not key.get("description")] == []
    for name, stage in STAGES.items():
        about = docstrings(stage)
        knobs = schema["$defs"][f"stage_{name}"]["properties"]
        assert {field.name: about[field.name] for field in fields(stage)} == {  # type: ignore[arg-type]  # stages are dataclasses
            knob: facts["description"] for knob, facts in knobs.items()
        }
    near = schema["$defs"]["stage_near"]["properties"]["jaccard"]
    assert (near["type"], near["default"]) == ("number", 0.8)


def test_it_is_printed_and_lies_beside_the_recipes_of_a_new_folder(tmp_path: Path, schema: dict[str, Any]) -> None:
    assert json.loads(CliRunner().invoke(desk, ["schema"]).stdout) == schema
    assert CliRunner().invoke(desk, ["init", str(tmp_path / "mine")]).exit_code == 0
    folder = tmp_path / "mine" / "pipelines"
    assert json.loads((folder / SCHEMA_FILE).read_text()) == schema
    for recipe in folder.glob("*.yaml"):
        assert recipe.read_text().startswith(EDITOR_LINE)
        assert faults(schema, yaml.safe_load(recipe.read_text())) == []
    assert not [
        path for path in folder.rglob("*/*") if path.is_file() and path.read_bytes().startswith(EDITOR_LINE.encode())
    ]


def test_each_knob_is_told_with_its_value_its_default_and_what_it_means() -> None:
    ended = CliRunner().invoke(desk, ["check", "smoke", "--explain", "--set", "novelty.rouge_l_below=0.6"])
    assert ended.exit_code == 0
    lines = ended.stdout.splitlines()
    assert "rounds 1: propose" in lines
    place = lines.index("    rouge_l_below = 0.6  (default: 0.7)")
    assert lines[place + 1] == "        Self-Instruct's threshold."
    assert '    mode = "strict"  (default)' in lines
    said = [line.split()[0] for line in lines if line.startswith("    ") and not line.startswith("     ")]
    assert said.count("rouge_l_below") >= 1
