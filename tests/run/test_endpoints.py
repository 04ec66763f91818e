"""Runs against endpoints with the habits of real ones: `generate --model openai:m` and nothing else said."""

import json
import socket
import sqlite3
import time
from pathlib import Path

import pytest
import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Response

from selfinstruct.models.capability_probe import MOST_REQUESTS
from selfinstruct.models.hosted import HostedModel
from selfinstruct.run.endpoints import recorded
from selfinstruct.store.run_folder import RunFolder
from tests.cli.typed import Ended, command
from tests.models import habits
from tests.models.habits import Body, Endpoint, Habit, chat_only, said, without_reason

KEY = "sk-endpoints-0123456789abcdef"
MODES: dict[str, tuple[Habit, ...]] = {
    "good": (),
    "chat only": (chat_only(),),
    "no schema": (habits.no_schema,),
    "another name for the limit": (habits.other_limit,),
    "a fixed temperature": (habits.fixed_temperature,),
    "temperature or top_p": (habits.not_both,),
    "strict fields": (habits.strict_fields("model", "prompt", "messages", "max_tokens", "temperature", "top_p"),),
    "no reason given": (without_reason("presence_penalty", "stop"),),
    "a modern one": (
        chat_only(),
        habits.other_limit,
        habits.no_schema,
        habits.fixed_temperature,
        habits.no_system,
        habits.one_choice,
    ),
}


@pytest.fixture
def there(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    endpoint = Endpoint(httpserver)
    for name in ("OPENAI_API_KEY", "SELFINSTRUCT_OPENAI_API"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
    return endpoint


def generate(folder: Path, *words: str, model: str = "openai:m") -> Ended:
    return command("generate", "--model", model, "--count", "4", "-o", folder, *words)


@pytest.mark.parametrize("mode", MODES)
def test_a_set_is_made_whatever_the_habits(mode: str, there: Endpoint, tmp_path: Path) -> None:
    there.habits = MODES[mode]
    ended = generate(tmp_path / "out", "--until", "instructions")
    assert ended.returncode == 0, ended.stderr
    assert "4 of 4 tasks kept" in ended.stderr
    assert there.refused <= len(there.habits) + 5
    bodies = [json.dumps(body, sort_keys=True) for path, body in there.bodies if _refused(there.habits, path, body)]
    assert len(bodies) == len(set(bodies)), "retried unchanged"


def _refused(kept: tuple[Habit, ...], path: str, body: Body) -> bool:
    return any(habit(path, body) is not None for habit in kept)


def test_what_was_learned_is_told_kept_and_read_again(there: Endpoint, tmp_path: Path) -> None:
    there.habits = MODES["a modern one"]
    folder = tmp_path / "out"
    first = generate(folder)
    assert first.returncode == 0, first.stderr
    assert "openai:m can do: chat, no JSON schema, max_completion_tokens for max_tokens" in first.stderr
    assert first.stderr.count("without temperature") == 1
    kept = json.loads((folder / "endpoints.json").read_text())["openai:m"]
    assert kept["base_url"] == there.url
    assert kept["capabilities"]["turns"]["left_out"] == ["max_tokens", "response_format", "temperature"]
    with sqlite3.connect(folder / "journal.sqlite") as db:
        rows = db.execute("SELECT scope, request, sent FROM answers ORDER BY scope").fetchall()
    assert [scope for scope, _, _ in rows].count("capabilities") == 1
    for _, request, sent in rows:
        assert "max_tokens" in json.loads(request)  # as the stage asked
        body = json.loads(sent)["body"]
        assert "max_completion_tokens" in body
        assert "max_tokens" not in body
    there.bodies.clear()
    again = generate(folder)
    assert again.returncode == 0, again.stderr
    assert there.bodies == []
    # More of it, in a process that knows nothing but the folder: nothing is asked that was refused, nothing is learned.
    refused = there.refused
    more = command("generate", "--model", "openai:m", "--count", "20", "-o", folder)
    assert more.returncode == 0, more.stderr
    assert there.bodies
    assert there.refused == refused
    assert "Name two tasks of a gardener" not in json.dumps(there.bodies)


def test_the_small_requests_are_few_and_quick(there: Endpoint, tmp_path: Path) -> None:
    there.habits = (chat_only(), habits.other_limit, habits.no_schema, habits.no_system)
    asked: list[float] = []

    def clocked(_: str, __: Body) -> Response | None:
        asked.append(time.monotonic())
        return None

    there.habits = (clocked, *there.habits)
    assert generate(tmp_path / "out", "--until", "instructions").returncode == 0
    small = [
        at
        for at, (_, body) in enumerate(there.bodies)
        if "gardener" in json.dumps(body) or "shopping" in json.dumps(body)
    ]
    assert len(small) <= MOST_REQUESTS
    assert asked[small[-1]] - asked[small[0]] < 2.0


def test_recipe_card_and_report_tell_the_address_and_never_the_key(
    there: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    folder = tmp_path / "out"
    assert generate(folder).returncode == 0
    recipe = yaml.safe_load((folder / "recipe.yaml").read_text())
    assert recipe["models"]["teacher"] == {"openai": "m", "base_url": there.url, "api_key_env": "OPENAI_API_KEY"}
    assert there.url in (folder / "dataset" / "README.md").read_text()
    assert f"Asked: openai:m at <code>{there.url}</code>" in (folder / "report.html").read_text()
    assert not [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    page = (folder / "report.html").read_bytes()
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert command("report", folder).returncode == 0
    assert (folder / "report.html").read_bytes() == page
    assert command("run", folder / "recipe.yaml", "-o", folder).returncode == 0  # the recipe says where it is
    assert command("reconsider", folder, "--set", "novelty.rouge_l_below=0.6").returncode == 0


def test_a_mistyped_model_or_a_port_with_nobody_behind_it_leaves_the_folder_free(
    there: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.habits = (
        lambda _path, body: (
            said({"error": {"message": "no such model", "code": "model_not_found"}}, 404)
            if body["model"] == "typo"
            else None
        ),
    )
    folder = tmp_path / "out"
    for model, says in (("openai:typo", "no such model"), ("opnai:m", "did you mean 'openai'"), ("openai:", "colon")):
        ended = generate(folder, model=model)
        assert ended.returncode in (2, 3), ended.stderr
        assert says in ended.stderr
        assert not folder.exists()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{free.getsockname()[1]}/v1")
    began = time.monotonic()
    ended = generate(folder)
    assert time.monotonic() - began < 5.0
    assert ended.returncode == 3
    assert "nobody answers" in ended.stderr
    assert "cannot connect" in ended.stderr
    assert not folder.exists()
    monkeypatch.setenv("OPENAI_BASE_URL", there.url)
    assert generate(folder, "--until", "instructions").returncode == 0


def test_a_changed_address_is_said(there: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "out"
    assert generate(folder, "--until", "instructions").returncode == 0
    other = there.url.replace("localhost", "127.0.0.1")
    monkeypatch.setenv("OPENAI_BASE_URL", other)
    ended = generate(folder, "--until", "instructions")
    assert ended.returncode == 0, ended.stderr
    assert f"was at {there.url}" in ended.stderr
    assert f"is at {other} now" in ended.stderr
    assert json.loads((folder / "endpoints.json").read_text())["openai:m"]["base_url"] == other


def test_a_dry_run_sends_nothing(there: Endpoint, tmp_path: Path) -> None:
    assert generate(tmp_path / "out", "--dry-run").returncode == 0
    assert there.bodies == []


def test_small_requests_are_in_the_totals(there: Endpoint, tmp_path: Path) -> None:
    there.habits = (chat_only(),)
    folder = tmp_path / "out"
    assert generate(folder, "--max-total-tokens", "100").returncode == 3  # not even room for the first
    assert there.sent("/chat/completions") == []
    assert not folder.exists()
    assert generate(folder, "--until", "instructions", "--max-total-tokens", "999999").returncode == 0
    spent = [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()][-1]["tokens"]
    assert spent == 11 * len(there.sent("/chat/completions"))


def test_several_endpoints_in_one_run_with_a_model_of_one_name(
    there: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    other = there.url.replace("localhost", "127.0.0.1")
    recipe = tmp_path / "two.yaml"
    second = {
        "openai": "m",
        "base_url": other,
        "api_key_env": "MY_KEY",
        "capabilities": {"completions": False, "chat": True, "schema": False},
    }
    models = {"teacher": "openai:m", "sorter": second}
    rounds = ["propose", "novelty", {"classify": {"model": "sorter"}}]
    recipe.write_text(yaml.safe_dump({"name": "two", "models": models, "count": 4, "rounds": rounds}), encoding="utf-8")
    ended = command("run", recipe, "-o", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    assert there.sent("/completions")
    assert there.sent("/chat/completions")
    known = json.loads((tmp_path / "out" / "endpoints.json").read_text())
    assert {name: endpoint["base_url"] for name, endpoint in known.items()} == {
        "openai:m (teacher)": there.url,
        "openai:m (sorter)": other,
    }
    card = (tmp_path / "out" / "dataset" / "README.md").read_text()
    assert there.url in card
    assert other in card
    changed = command("run", recipe, "-o", tmp_path / "out", "--set", "models.sorter.limits={in_flight: 2}")
    assert changed.returncode == 0, changed.stderr  # speed is no part of what a run is


@pytest.mark.parametrize(
    ("models", "says", "line"),
    [
        ("{teacher: 'opnai:m'}", "model 'teacher': no model kind 'opnai'", 2),
        ("{teacher: {openai: m, url: x}}", "no key 'url'", 2),
        ("{teacher: {hf: m}}", "write one of openai", 2),
        ("{teacher: [openai, m]}", "teacher", 2),
        ("{teacher: 7}", "teacher", 2),
        ("{teacher: 'vllm:'}", "nothing after the colon", 2),
    ],
)
def test_check_refuses_models_that_do_not_exist(models: str, says: str, line: int, tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text(f"name: a\nmodels: {models}\nrounds: [propose]\n", encoding="utf-8")
    ended = command("check", recipe)
    assert ended.returncode == 2
    assert says in ended.stderr
    assert f"r.yaml:{line}" in ended.stderr


@pytest.mark.usefixtures("there")
def test_a_damaged_memory_of_endpoints_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert generate(folder, "--until", "instructions").returncode == 0
    for text in ("[1]", "{", '{"openai:m": 7}', '{"openai:m": {"base_url": 1, "capabilities": {}, "taken": {}}}'):
        (folder / "endpoints.json").write_text(text)
        ended = generate(folder, "--until", "instructions")
        assert ended.returncode == 2, ended.stderr
        assert "delete it" in ended.stderr
    (folder / "endpoints.json").unlink()
    assert generate(folder, "--until", "instructions").returncode == 0


def test_what_a_run_knew_is_looked_up_without_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    model = HostedModel(kind="openai", model="m", base_url="http://127.0.0.1:9/v1", api_key_env="MY_KEY")
    assert recorded({"teacher": model}, RunFolder(tmp_path))["teacher"][0] == "openai:m"
