"""A run folder in which a file is cut off, empty, not JSON or of other types: one clear line, never a traceback."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from selfinstruct.cli.main import desk
from selfinstruct.errors import BadInput, SelfInstructError
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.builtin_recipes import find_recipe
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import read_yaml
from selfinstruct.store.run_folder import RunFolder
from tests.faults.same import files

SMALL = ("count=3", "publish.files=[jsonl]")


def other_types(content: bytes) -> bytes:
    """Every value of every line becomes another kind of value."""
    changed = []
    for line in content.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            return b'{"received": "x", "same": 1, "requests": null, "event": {}}\n'
        kinds = {key: [item] if isinstance(item, int | str) else 7 for key, item in value.items()}
        changed.append(json.dumps(kinds).encode())
    return b"\n".join(changed) + b"\n"


def cut_off(content: bytes) -> bytes:
    """At a colon near the end: after a whole line of YAML, or a stage, what is left might be a recipe too."""
    return content[: max(content.rfind(b":", 0, len(content) * 9 // 10), len(content) // 4)]


FILES = (
    ".identity.json",
    "recipe.yaml",
    "ledger.jsonl",
    "journal.sqlite",
    "seeds.jsonl",
    "kept.jsonl",
    "rejected.jsonl",
    ".owner",
    "round-00001/plan.json",
    "round-00001/01-propose/DONE",
    "round-00001/01-propose/kept.jsonl",
    "round-00001/03-novelty/DONE",
    "round-00001/06-prepare/kept.jsonl",
)
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": cut_off,
    "empty": lambda _: b"",
    "not JSON": lambda _: b"\x00\xff{]\n",
    "a list": lambda _: b"[1, 2]\n",
    "an empty object": lambda _: b"{}\n",
    "nested without end": lambda _: b"[" * 100_000 + b"\n",
    "other types": other_types,
    "other values": lambda content: content.translate(bytes.maketrans(b"abcdeABCDE123", b"bcdeaBCDEA231")),
}
VERBS = {
    "run": ["run", "smoke", "--set", SMALL[0], "--set", SMALL[1], "-o"],
    "show": ["show"],
    "show --json": ["show", "--json"],
    "why": ["why", "ID"],
    "report": ["report"],
    "reconsider": ["reconsider", "--set", "novelty.rouge_l_below=0.5"],
    "review": ["review", "--n", "3"],
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    execute(resolve(read_yaml(find_recipe(Path("smoke"))), SMALL), Options(folder=folder))
    return folder


def tried(verb: str, folder: Path, identity: str) -> SelfInstructError | str:
    """What a verb prints, or how it refuses; anything else is a fault of ours."""
    words = [identity if word == "ID" else word for word in VERBS[verb]]
    ended = CliRunner().invoke(desk, [*words, str(folder)], standalone_mode=False)
    if isinstance(ended.exception, SelfInstructError):
        return ended.exception
    if ended.exception is not None:
        raise ended.exception
    return str(ended.output)


def damaged(whole: Path, folder: Path, name: str, damage: str) -> Path:
    shutil.copytree(whole, folder)
    content = (folder / name).read_bytes()
    assert DAMAGES[damage](content) != content
    (folder / name).write_bytes(DAMAGES[damage](content))
    return folder


def check(verbs: list[str], name: str, damage: str, whole: Path, place: Path) -> None:
    identity = str(json.loads((whole / "kept.jsonl").read_text(encoding="utf-8").splitlines()[0])["id"])
    for verb in verbs:
        folder = damaged(whole, place / verb.replace(" ", ""), name, damage)
        refused = tried(verb, folder, identity)
        if isinstance(refused, SelfInstructError):
            assert refused.exit_code in {2, 3}
            assert str(refused).isprintable()
            assert str(folder) in str(refused)
        elif verb == "run":
            assert harm(whole, folder) == []


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_one_line_or_no_harm(name: str, damage: str, whole: Path, tmp_path: Path) -> None:
    turn = (FILES.index(name) + list(DAMAGES).index(damage)) % len(VERBS)
    check([list(VERBS)[turn]], name, damage, whole, tmp_path)


@pytest.mark.faults
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_every_verb_on_every_damaged_file(name: str, damage: str, whole: Path, tmp_path: Path) -> None:
    check(list(VERBS), name, damage, whole, tmp_path)


def harm(whole: Path, folder: Path) -> list[str]:
    """Files that a run which says it is fine has left other than they were; the ledger is a diary, it may have more."""
    expected, left = files(whole), files(folder)
    return sorted(name for name in {*expected, *left} if expected.get(name) != left.get(name))


@pytest.mark.parametrize("damage", ["cut off", "empty", "not JSON", "a list", "an empty object", "other types"])
@pytest.mark.parametrize(
    ("name", "verbs"),
    [
        (".identity.json", ["run", "report"]),
        ("recipe.yaml", ["report", "reconsider"]),
        ("round-00001/plan.json", ["run", "report"]),
        ("round-00001/01-propose/DONE", ["run", "show", "why", "report", "reconsider"]),
        ("round-00001/01-propose/kept.jsonl", ["run", "why", "report", "reconsider"]),
    ],
)
def test_what_a_verb_cannot_do_without_is_named(
    name: str, verbs: list[str], damage: str, whole: Path, tmp_path: Path
) -> None:
    for verb in verbs:
        folder = damaged(whole, tmp_path / verb, name, damage)
        refused = tried(verb, folder, "abcdef")
        assert isinstance(refused, BadInput), (verb, refused)
        assert str(folder / name) in refused.place
        assert refused.fix


def test_fresh_makes_a_damaged_folder_whole_again_from_the_journal(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    for name in (".identity.json", "round-00001/plan.json", "round-00001/01-propose/DONE"):
        (folder / name).write_bytes(b"")
    ended = CliRunner().invoke(desk, [*VERBS["run"], str(folder), "--fresh"], standalone_mode=False)
    assert ended.exception is None
    assert harm(whole, folder) == []


def test_a_strange_folder_in_a_run_is_no_round(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    for name in ("round-x", "round-", "round-²", "round-00001/notes"):
        (folder / name).mkdir()
    assert RunFolder(folder).round_numbers() == RunFolder(whole).round_numbers()
    assert isinstance(tried("show", folder, ""), str)


def test_the_report_of_an_unfinished_run_refuses_and_leaves_everything_as_it_was(tmp_path: Path) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "run"
    words = ["run", "smoke", "--set", "requests_per_round=1", "-o"]
    assert CliRunner().invoke(desk, [*words, str(whole)], standalone_mode=False).exception is None
    numbers = RunFolder(whole).round_numbers()
    assert len(numbers) > 1
    shutil.copytree(whole, folder)
    for number in numbers[1:]:
        shutil.rmtree(folder / f"round-{number:05d}")
    before = files(folder)
    refused = tried("report", folder, "")
    assert isinstance(refused, BadInput)
    assert "unfinished: round-00002" in str(refused)
    assert files(folder) == before
    assert CliRunner().invoke(desk, [*words, str(folder)], standalone_mode=False).exception is None
    assert harm(whole, folder) == []
