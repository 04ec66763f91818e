"""What a model's files tell unread; nothing here needs torch."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

import selfinstruct as si
from selfinstruct.errors import BadInput
from selfinstruct.models import weights
from selfinstruct.models.model_files import Facts, adapter_base, check_on_hub, content_mark, facts, find_weights, reach
from selfinstruct.models.transformers_weights import facts_on_hub, load_weights


def on_hub(_name: str) -> Facts:
    return Facts(parameters=7_000_000_000, chat=True)


def never_asked(name: str) -> Facts:
    raise AssertionError(f"asked the Hub about {name}")


def tensors(path: Path, shapes: Sequence[Sequence[int]], fill: bytes = b"\0") -> None:
    """A safetensors file, written by the format's definition."""
    header, at = {}, 0
    for number, shape in enumerate(shapes):
        size = 4
        for side in shape:
            size *= side
        header[f"t{number}"] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    head = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + fill * at)


def model(folder: Path, *, chat: bool = False, fill: bytes = b"\0") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ x }}"} if chat else {}))
    tensors(folder / "model-00001.safetensors", [(3, 5), (7,)], fill)
    tensors(folder / "model-00002.safetensors", [(), (2, 2, 2)], fill)
    return folder


def adapter(folder: Path, base: object) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    tensors(folder / "adapter_model.safetensors", [(99, 99)])
    return folder


def test_parameters_are_counted_from_headers_alone(tmp_path: Path) -> None:
    assert facts(model(tmp_path / "m"), never_asked) == Facts(parameters=15 + 7 + 1 + 8, chat=False)


@pytest.mark.parametrize("where", ["tokenizer_config.json", "chat_template.jinja"])
def test_a_chat_template_is_found_wherever_it_may_lie(where: str, tmp_path: Path) -> None:
    folder = model(tmp_path / "m", chat=where == "tokenizer_config.json")
    if where == "chat_template.jinja":
        (folder / where).write_text("{{ x }}")
    assert facts(folder, never_asked).chat


def test_an_adapter_is_as_large_as_its_base_and_talks_if_either_does(tmp_path: Path) -> None:
    model(tmp_path / "base", chat=True)
    by_path = adapter(tmp_path / "one", str(tmp_path / "base"))
    beside = adapter(tmp_path / "two", "../base")
    assert facts(by_path, never_asked) == facts(beside, never_asked) == Facts(parameters=31, chat=True)
    assert facts(adapter(tmp_path / "three", "org/large"), on_hub) == on_hub("org/large")


def test_an_adapter_that_names_no_base_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"adapter_config.json: does not name its base"):
        adapter_base(adapter(tmp_path / "a", None))


def test_a_gguf_file_tells_its_template_and_about_how_large_it_is(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF" + b"tokenizer.chat_template" + bytes(1000))
    read = facts(path, never_asked)
    assert read.chat
    assert 1000 < read.parameters < 4000


def test_names_are_told_from_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model(tmp_path / "m")
    file = tmp_path / "w.gguf"
    file.write_bytes(b"GGUF")
    monkeypatch.setenv(weights.OWN_FILE, str(file))
    assert [find_weights(name) for name in ("org/name", "gpt2", str(folder), f"hf:{folder}")] == [
        None,
        None,
        folder,
        folder,
    ]
    assert [find_weights(name) for name in ("embedded", str(file), f"gguf:{file}")] == [file, file, file]


@pytest.mark.parametrize("name", ["/no/such/place", "./nowhere", "weights.gguf", "a/b/c", "-x/y z", ""])
def test_what_can_be_neither_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match=r"no such file or folder|cannot be loaded"):
        find_weights(name)


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        ((), "config.json"),
        (("config.json",), r"\*\.safetensors"),
        (("config.json", "pytorch_model.bin"), r"\*\.safetensors"),
        (("adapter_config.json", "adapter_model.bin"), "adapter_model.safetensors"),
    ],
)
def test_a_folder_without_safe_weights_is_refused_at_once(files: Sequence[str], missing: str, tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).write_text("{}")
    with pytest.raises(BadInput, match=f"no {missing} in it"):
        find_weights(str(tmp_path))


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"\x80\x04 a pickle")
    with pytest.raises(BadInput, match="neither a folder nor a GGUF file"):
        find_weights(str(tmp_path / "w.bin"))


@pytest.mark.parametrize("content", [b"", b"12345678", b"\xff" * 99, (2).to_bytes(8, "little") + b"[]"])
def test_a_broken_safetensors_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    folder = model(tmp_path / "m")
    (folder / "model-00001.safetensors").write_bytes(content)
    with pytest.raises(BadInput, match=r"model-00001\.safetensors: not a safetensors file"):
        facts(folder, never_asked)


@pytest.mark.parametrize("content", ["{", "[]"])
def test_broken_settings_are_one_line(content: str, tmp_path: Path) -> None:
    folder = model(tmp_path / "m")
    (folder / "tokenizer_config.json").write_text(content)
    with pytest.raises(BadInput, match=r"tokenizer_config\.json: not (JSON|an object)"):
        facts(folder, never_asked)


def test_the_mark_follows_the_content_and_nothing_else(tmp_path: Path) -> None:
    first, same = model(tmp_path / "a" / "m"), model(tmp_path / "b" / "m")
    other = model(tmp_path / "c" / "m", fill=b"\1")
    assert content_mark(first) == content_mark(same) != content_mark(other)
    (same / "README.md").write_text("said later")
    assert content_mark(first) == content_mark(same)
    (same / "config.json").write_text('{"x": 1}')
    assert content_mark(first) != content_mark(same)


def test_the_mark_of_an_adapter_changes_with_its_base(tmp_path: Path) -> None:
    base = model(tmp_path / "base")
    made = adapter(tmp_path / "a", "../base")
    before = content_mark(made)
    tensors(base / "model-00002.safetensors", [(), (2, 2, 2)], b"\2")
    assert content_mark(made) != before


def test_a_large_file_is_sampled_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    folder = model(tmp_path / "m")
    large = folder / "model-00003.safetensors"
    tensors(large, [(1024, 1024)])
    before = content_mark(folder)
    with large.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\1")
    assert content_mark(folder) != before


@pytest.fixture
def silent_hub(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A Hub that has no time for anybody."""
    from huggingface_hub import constants

    httpserver.expect_request(re.compile(".*")).respond_with_data("busy", status=503)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", httpserver.url_for("").rstrip("/"))
    return httpserver


def questions(hub: HTTPServer) -> int:
    """About models; its client tells the Hub about itself, too."""
    return len([request for request, _ in hub.log if "models" in request.path])


@pytest.mark.parametrize("ask", [check_on_hub, facts_on_hub, load_weights])
def test_a_hub_that_does_not_answer_is_asked_once(ask: Callable[[str], object], silent_hub: HTTPServer) -> None:
    with pytest.raises(BadInput, match="model 'hf:nobody/nothing': is neither here nor to be had from the Hub"):
        ask("nobody/nothing")
    assert questions(silent_hub) == 1


def test_what_the_cache_has_is_taken_where_the_hub_does_not_answer(
    silent_hub: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "models--somebody--something"
    (place / "snapshots" / "0a1b").mkdir(parents=True)
    (place / "snapshots" / "0a1b" / "config.json").write_text("{}", encoding="utf-8")
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("0a1b", encoding="utf-8")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert not reach("hf:somebody/something")
    check_on_hub("hf:somebody/something")
    assert questions(silent_hub) == 1  # the second did not even ask


@pytest.mark.parametrize(
    "name", ["runs/student", "./student", "../student", "~/student", "/no/where", "a/b/c", "x.gguf"]
)
def test_a_path_that_leads_nowhere_is_no_question_for_the_hub(
    name: str, silent_hub: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=f"model 'hf:{name}': no such file or folder; .*path"):
        load_weights(f"hf:{name}")
    with pytest.raises(BadInput, match="no such file or folder"):
        si.load_model(f"hf:{name}")
    assert questions(silent_hub) == 0
