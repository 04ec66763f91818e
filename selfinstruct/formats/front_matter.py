"""What a set's README says to machines, read as a stranger's: bounded, every scalar as text, whatever its tag."""

import re
from pathlib import Path
from typing import Any

from selfinstruct.bounded_read import read_whole
from selfinstruct.errors import BadInput
from selfinstruct.text import shown

_MOST_BYTES = 8 << 20  # cards of sets with thousands of configurations have megabytes
_MOST_STARS, _MOST_STARS_OF_A_PART = 2, 3


def front_matter(card: Path) -> dict[str, Any]:
    """The mapping between the first two lines of dashes; empty where there is none that can be read."""
    import yaml

    if not card.is_file():
        return {}
    try:
        text = read_whole(card, _MOST_BYTES, fix="is this the card of a set?").decode("utf-8")
    except UnicodeDecodeError:
        return {}
    front = re.match(r"---\r?\n(.*?)\r?\n---", text, re.DOTALL)
    if front is None:
        return {}
    try:
        found = yaml.BaseLoader(front[1]).get_single_data()  # it makes texts, lists and mappings alone
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def checked_pattern(pattern: str, place: str) -> str:
    """A pattern of files that stays in its folder and can be matched in bounded time, `**` after `**` as one.

    >>> checked_pattern("data/**/**/train-*.parquet", "README.md")
    'data/**/train-*.parquet'
    """
    if pattern.startswith("/") or ".." in Path(pattern).parts:
        raise BadInput(f"names '{shown(pattern)}', outside of the folder", place=place, fix="correct the card")
    parts: list[str] = []
    for part in pattern.split("/"):
        if part != "**" or parts[-1:] != ["**"]:
            parts.append(part)
    if parts.count("**") > _MOST_STARS or any(part.count("*") > _MOST_STARS_OF_A_PART for part in parts):
        what = f"names '{shown(pattern)}', a pattern with too many stars"
        raise BadInput(what, place=place, fix="name the files that are meant")
    return "/".join(parts)
