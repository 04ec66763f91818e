"""Uploading: what is missing is named, what fails is one line without the token."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput, ProviderDown
from selfinstruct.formats.hub import Hub, check_push, push_to_hub

TOKEN = "hf_secret"


@dataclass
class LocalHub:
    """Takes what the real one takes."""

    token: str = ""
    fault: Exception | None = None
    done: list[tuple[str, str, str]] = field(default_factory=list)

    def connect(self, token: str) -> Hub:
        self.token = token
        return self

    def create_repo(self, repo_id: str, *, repo_type: str, private: bool, exist_ok: bool) -> object:
        assert exist_ok
        self.done.append(("create", repo_id, f"{repo_type} {'private' if private else 'public'}"))
        return repo_id

    def upload_folder(self, *, repo_id: str, repo_type: str, folder_path: str, allow_patterns: list[str]) -> object:
        if self.fault:
            raise self.fault
        names = sorted(
            str(path.relative_to(folder_path)) for glob in allow_patterns for path in Path(folder_path).glob(glob)
        )
        self.done.append(("upload", repo_id, f"{repo_type} {' '.join(names)}"))
        return f"https://there/{repo_id}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MY_TOKEN", TOKEN)
    for name in ("README.md", "data/train.parquet", "jsonl/train.jsonl", ".env", "data/.train.parquet.tmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


def test_the_set_goes_up_and_nothing_else_in_the_folder(folder: Path) -> None:
    hub = LocalHub()
    assert push_to_hub(folder, "me/set", token_env="MY_TOKEN", connect=hub.connect) == "https://there/me/set"
    assert hub.done == [
        ("create", "me/set", "dataset private"),
        ("upload", "me/set", "dataset README.md data/train.parquet jsonl/train.jsonl"),
    ]
    assert hub.token == TOKEN


def test_a_token_and_a_set_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_TOKEN", raising=False)
    with pytest.raises(BadInput, match="no published set"):
        push_to_hub(tmp_path, "me/set")
    (tmp_path / "README.md").write_text("x")
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub, "get_token", lambda: None)
    for ask in (partial(push_to_hub, tmp_path), check_push):
        with pytest.raises(BadInput, match=r"MY_TOKEN is not set, and nobody has logged in; export MY_TOKEN=.*hf auth"):
            ask("me/set", token_env="MY_TOKEN")
    monkeypatch.setattr(hub, "get_token", lambda: TOKEN)
    check_push("me/set", token_env="MY_TOKEN")
    made = LocalHub()
    push_to_hub(tmp_path, "me/set", token_env="MY_TOKEN", connect=made.connect)
    assert made.token == TOKEN


def test_what_an_upload_would_fail_with_is_said_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(BadInput, match="nothing would be uploaded"):
        check_push("me/set", published=False)
    for name in ("not a name//", "", "a/b/c"):
        with pytest.raises(BadInput, match="write it as OWNER/NAME"):
            check_push(name)


def test_a_hub_that_refuses_leaves_one_line_without_the_token(folder: Path) -> None:
    hub = LocalHub(fault=ConnectionError(f"403 for Bearer {TOKEN}\nrequest 17"))
    with pytest.raises(ProviderDown, match="the set is safe in") as raised:
        push_to_hub(folder, "me/set", token_env="MY_TOKEN", connect=hub.connect)
    assert TOKEN not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_real_client_takes_our_calls_and_refuses_a_bad_name(folder: Path) -> None:
    import inspect

    api = pytest.importorskip("huggingface_hub").HfApi
    for mine, theirs in ((Hub.create_repo, api.create_repo), (Hub.upload_folder, api.upload_folder)):
        assert set(inspect.signature(mine).parameters) <= set(inspect.signature(theirs).parameters)
    with pytest.raises(BadInput, match="OWNER/NAME"):
        push_to_hub(folder, "not a name//", token_env="MY_TOKEN")


def test_a_missing_package_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(BadInput, match=r"selfinstruct\[hub\]"):
        push_to_hub(folder, "me/set", token_env="MY_TOKEN")
