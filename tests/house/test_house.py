"""The rules of the house that no linter knows."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
PACKAGE = HOME / "selfinstruct"
HEAVY = (
    "numpy",
    "numba",
    "openai",
    "datasets",
    "pyarrow",
    "jinja2",
    "xllamacpp",
    "torch",
    "transformers",
    "pandas",
)


def test_asking_for_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom selfinstruct.cli.main import desk\n"
        "try: desk.main(['--help'])\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} + ('pydantic', 'yaml', 'rich') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=180)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_resolving_a_recipe_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom selfinstruct.run.recipe.resolve import resolve\n"
        "from selfinstruct.run.recipe.yaml_file import read_yaml\n"
        f"resolve(read_yaml(Path({str(HOME / 'pipelines' / 'quickstart.yaml')!r})))\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=180)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_resolving_a_recipe_loads_only_the_stages_it_names_and_writing_a_set_no_pandas(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom selfinstruct.formats.dataset import write_dataset\n"
        "from selfinstruct.run.recipe.resolve import resolve\nfrom selfinstruct.run.recipe.yaml_file import read_yaml\n"
        f"resolve(read_yaml(Path({str(HOME / 'pipelines' / 'smoke.yaml')!r})))\n"
        "print([name for name in sys.modules if name.startswith('selfinstruct.evaluate')])\n"
        f"write_dataset(Path({str(tmp_path)!r}), {{'train': [{{'id': 'a'}}]}}, ['id'], 'card', ['parquet'])\n"
        "print('pandas' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=180)
    assert ended.stdout.splitlines() == ["[]", "False"]


def test_the_import_contract_holds() -> None:
    ended = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=HOME,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("module", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_can_be_read_in_one_sitting(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 450


def test_every_stage_has_the_name_it_is_called_by_and_is_used_by_a_recipe() -> None:
    from selfinstruct.run.recipe.stage_names import STAGES

    recipes = "".join(path.read_text(encoding="utf-8") for path in (HOME / "pipelines").glob("*.yaml"))
    for name, stage in STAGES.items():
        assert stage.name == name
        assert f"- {name}" in recipes


def test_every_verb_has_help_that_fits_a_screen_and_shows_an_example() -> None:
    from click.testing import CliRunner

    from selfinstruct.cli.main import VERBS, desk

    for verb in VERBS:
        ended = CliRunner().invoke(desk, [verb, "--help"])
        assert ended.exit_code == 0
        assert "Example:" in ended.output
        assert len(ended.output.splitlines()) <= 50


def test_nothing_pickles_to_disk_trusts_remote_code_or_loads_yaml_unsafely() -> None:
    words = (
        "import pickle",
        "trust_remote_code=True",
        "yaml.load(",
        "yaml.FullLoader",
        "import diskcache",
        "import litellm",
    )
    for module in PACKAGE.rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        assert not [word for word in words if word in text], module


def test_every_door_plate_says_something_and_runs_nothing() -> None:
    for plate in PACKAGE.rglob("__init__.py"):
        assert plate.read_text(encoding="utf-8").startswith('"""'), plate


@pytest.mark.parametrize("plate", sorted(PACKAGE.glob("*/__init__.py")), ids=lambda path: path.parent.name)
def test_a_door_plate_says_what_comes_in_what_goes_out_and_which_file_to_open(plate: Path) -> None:
    text = plate.read_text(encoding="utf-8")
    assert re.search(r"^In\b", text, re.MULTILINE)
    assert re.search(r"\b[Oo]ut\b", text)
    assert re.search(r"\b[Tt]o (add or )?change\b", text)
    named = re.findall(r"\b[a-z_]+\.(?:py|css)\b", text)
    assert named
    assert [name for name in named if not list(plate.parent.rglob(name))] == []


def test_every_file_that_a_door_plate_of_an_inner_room_names_is_there() -> None:
    for plate in PACKAGE.glob("*/*/__init__.py"):
        named = re.findall(r"\b[a-z_]+\.(?:py|css)\b", plate.read_text(encoding="utf-8"))
        assert [name for name in named if not list(PACKAGE.rglob(name))] == [], plate


@pytest.mark.parametrize("page", ["README.md", *sorted(f"docs/{file.name}" for file in (HOME / "docs").glob("*.md"))])
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    text = (HOME / page).read_text(encoding="utf-8")
    folders = "selfinstruct|seeds|pipelines|benchmarks|tests|docs"
    named = re.findall(rf"`((?:{folders})/[\w./]+)`", text)
    linked = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    missing = [path for path in named if not (HOME / path).exists()]
    assert missing + [link for link in linked if not (HOME / page).parent.joinpath(link).exists()] == []


def test_the_floor_plan_names_every_recipe() -> None:
    plan = (HOME / "docs" / "house.md").read_text(encoding="utf-8").partition("pipelines/ ")[2].partition("docs/ ")[0]
    assert set(re.findall(r"\w+", plan)) - {"recipes"} == {path.stem for path in (HOME / "pipelines").glob("*.yaml")}


def test_the_front_page_is_short() -> None:
    assert len((HOME / "README.md").read_text(encoding="utf-8").split()) <= 700


_TAG = re.compile(
    r"(?<!\?P)</?(?:a|b|body|br|code|div|h[1-6]|head|html|i|img|li|ol|p|pre|script|small|span|style|svg|table|t[dhr]|title|ul)\b[^a-z]*>"
    r"|&(?:amp|gt|lt|quot);"
)


def test_no_module_writes_html() -> None:
    """Templates do, and escape what they are given; what reads pages of others knows elements by their bare names."""
    writing = {}
    for module in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in notes]
        tags = [tag for text in texts if isinstance(text, str) for tag in _TAG.findall(text)]
        name = module.relative_to(PACKAGE).as_posix()
        if tags or re.search(r"\bMarkup\b|\bmarkupsafe\b|from html import escape\b", module.read_text("utf-8")):
            writing[name] = tags
    assert writing == {}
