"""Where the recipes that come with the package are, and how a starting folder is made of them."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from selfinstruct.bounded_read import is_there
from selfinstruct.errors import BadInput
from selfinstruct.formats.seeds import builtin_seeds, read_seeds
from selfinstruct.store.atomic_writes import disk
from selfinstruct.text import shown

_INSIDE_WHEEL = Path(__file__).parents[1] / "recipes"
_IN_CHECKOUT = Path(__file__).parents[3] / "pipelines"


def builtin_recipes() -> Path:
    """The folder of recipes: `pipelines/` of a checkout, or its copy inside the wheel."""
    return _IN_CHECKOUT if (_IN_CHECKOUT / "smoke.yaml").exists() else _INSIDE_WHEEL


def find_recipe(given: Path) -> Path:
    """The file itself, or the built-in recipe of that name; BadInput lists those that exist."""
    if is_there(given):
        return given
    known = sorted(path.stem for path in builtin_recipes().glob("*.yaml"))
    if given.parent in {Path(), Path("pipelines")} and given.stem in known:
        return builtin_recipes() / f"{given.stem}.yaml"
    raise BadInput("no such file", place=shown(str(given), 200), fix="name a YAML file, or one of: " + ", ".join(known))


def start_folder(
    folder: Path,
    mine: Path | None = None,
    topic: str = "",
    *,
    beside: Mapping[str, str] = MappingProxyType({}),
    first_line: str = "",
) -> list[Path]:
    """Copy seeds and recipes into a folder that is empty or absent: `mine` in place of our seeds, and their topic.

    `beside`: names and texts of files that go beside the recipes; `first_line`: what each recipe then begins with.
    """
    given = builtin_seeds() if mine is None else mine
    read_seeds(given)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput("exists and is not an empty folder", place=str(folder), fix="choose another name")
    with disk(folder):
        (folder / "pipelines").mkdir(parents=True)
        (folder / "seeds").mkdir()
        seeds = folder / "seeds" / re.sub(r"[^\w.-]+", "_", given.name)  # a plain word in YAML
        shutil.copyfile(given, seeds)
        made = [seeds]
        for file in sorted(path for path in builtin_recipes().rglob("*") if path.is_file()):
            copy = folder / "pipelines" / file.relative_to(builtin_recipes())
            copy.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix == ".yaml":
                own = _own(file.read_text(encoding="utf-8"), f"../seeds/{seeds.name}", topic)
                copy.write_text((first_line if file.parent == builtin_recipes() else "") + own, "utf-8")
            else:
                shutil.copyfile(file, copy)
            made.append(copy)
        for name, text in beside.items():
            made.append(folder / "pipelines" / name)
            made[-1].write_text(text, "utf-8")
    return made


def _own(recipe: str, seeds: str, topic: str = "") -> str:
    r"""The recipe, comments and all, with seeds of a file in place of the built-in ones, and with their topic.

    >>> print(_own("seeds: builtin # ours\ninputs: [builtin]", "../mine.jsonl", "a boatyard: sails"))
    topic: "a boatyard: sails"
    seeds: ../mine.jsonl # ours
    inputs: [../mine.jsonl]
    """
    about = f"topic: {json.dumps(topic, ensure_ascii=False)}\n" if topic else ""
    own = re.sub(r"^seeds: builtin\b", lambda _: f"{about}seeds: {seeds}", recipe, flags=re.MULTILINE)
    return own.replace("[builtin]", f"[{seeds}]")
