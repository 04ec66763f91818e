"""What is not code travels with the package: seeds, recipes, prompts, scripts, the report's style, the type marker."""

import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest

from selfinstruct.formats.seeds import builtin_seeds
from selfinstruct.run.recipe.builtin_recipes import builtin_recipes, find_recipe, start_folder

HOME = Path(__file__).parents[2]
PACKAGE = HOME / "selfinstruct"


def beside_the_code() -> list[Path]:
    """Every file of the package that is not Python, as git would see it."""
    ended = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "selfinstruct"],
        cwd=HOME,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    if ended.returncode:
        pytest.skip("not a checkout")
    return [path for line in ended.stdout.splitlines() if (path := HOME / line).exists() and path.suffix != ".py"]


def names(folder: Path, pattern: str, inside: str) -> set[str]:
    return {f"{inside}/{path.relative_to(folder).as_posix()}" for path in folder.rglob(pattern) if path.is_file()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Name and content of every file in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    # The builder itself, without an environment of its own: nothing is fetched.
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    ended = subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=HOME, capture_output=True, text=True, check=False, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    [path] = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_holds_everything_that_lies_beside_the_code(wheel: dict[str, bytes]) -> None:
    assert {path.relative_to(HOME).as_posix() for path in beside_the_code()} <= set(wheel)
    assert "selfinstruct/py.typed" in wheel
    assert "selfinstruct/report/templates/style.css" in wheel
    assert "selfinstruct/models/scripts/smoke.yaml" in wheel
    assert any(name.startswith("selfinstruct/generate/prompts/") and name.endswith(".txt") for name in wheel)


def test_the_wheel_holds_seeds_and_recipes_as_they_are_in_the_checkout(wheel: dict[str, bytes]) -> None:
    recipes = names(HOME / "pipelines", "*.yaml", "selfinstruct/run/recipes")
    assert {"selfinstruct/run/recipes/smoke.yaml", "selfinstruct/formats/seeds/self_instruct.jsonl"} <= set(wheel)
    assert recipes <= set(wheel)
    assert (
        wheel["selfinstruct/formats/seeds/self_instruct.jsonl"] == (HOME / "seeds" / "self_instruct.jsonl").read_bytes()
    )
    assert wheel["selfinstruct/run/recipes/smoke.yaml"] == (HOME / "pipelines" / "smoke.yaml").read_bytes()


def test_the_wheel_holds_all_code_and_nothing_that_is_for_builders(wheel: dict[str, bytes]) -> None:
    assert names(PACKAGE, "*.py", "selfinstruct") <= set(wheel)
    assert not [name for name in wheel if name.startswith(("tests", "benchmarks")) or "__pycache__" in name]
    licences = [name for name in wheel if name.endswith("licenses/LICENSE")]
    assert len(licences) == 1


def test_a_wheel_put_anywhere_runs_the_smoke_recipe(wheel: dict[str, bytes], tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name, content in wheel.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); sys.argv = ['selfinstruct', *sys.argv[1:]]\n"
        "import selfinstruct; from selfinstruct.cli import main\n"
        f"assert selfinstruct.__file__.startswith({str(site)!r})\n"
        "main()"
    )

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    made = command("init", "mine")
    assert made.returncode == 0, made.stderr
    ended = command(
        "run", "mine/pipelines/smoke.yaml", "--set", "count=3", "--set", "publish.files=[jsonl]", "-o", "run"
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.parametrize(
    "name",
    ["py.typed", "report/templates/style.css", "models/scripts/smoke.yaml", "generate/prompts/propose.chat.txt"],
)
def test_what_lies_beside_the_code_is_found_through_the_package(name: str) -> None:
    file = files("selfinstruct").joinpath(name)
    assert file.is_file()
    assert name == "py.typed" or file.read_text(encoding="utf-8").strip()


def test_seeds_and_recipes_are_found_wherever_the_package_lies() -> None:
    assert builtin_seeds().read_text(encoding="utf-8").count("\n") >= 100
    for name in ("smoke", "quickstart", "self_instruct"):
        assert find_recipe(Path(name)) == builtin_recipes() / f"{name}.yaml"


def test_a_starting_folder_holds_the_same_recipes_with_its_own_seeds(tmp_path: Path) -> None:
    made = start_folder(tmp_path / "mine")
    assert (tmp_path / "mine" / "seeds" / "self_instruct.jsonl").read_bytes() == builtin_seeds().read_bytes()
    for recipe in builtin_recipes().glob("*.yaml"):
        copy = tmp_path / "mine" / "pipelines" / recipe.name
        assert copy in made
        ours = recipe.read_text(encoding="utf-8")
        theirs = copy.read_text(encoding="utf-8").replace("seeds: ../seeds/self_instruct.jsonl", "seeds: builtin")
        assert theirs.replace("[../seeds/self_instruct.jsonl]", "[builtin]") == ours
