"""Reads an instruction set of any layout and packing: tasks, and what cannot be used with its place and reason."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from selfinstruct import plugins
from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles
from selfinstruct.formats.dedup_ids import SeenIds
from selfinstruct.formats.detect import Reader, agreed, first_of, forced, named, with_answers
from selfinstruct.formats.shapes import SHAPES, shape_of
from selfinstruct.formats.sources import Source, sources
from selfinstruct.formats.unreadable import Unreadable
from selfinstruct.records import Provenance, Task
from selfinstruct.text import shown

__all__ = ["SeenIds", "Unreadable", "read_set", "shape_names"]

_CAMELS = "camels/"


def read_set(
    source: str,
    *,
    shape: str = "",
    columns: Roles | None = None,
    compat: str = "",
    answered: bool | None = None,
    seed: int = 42,
    seen: SeenIds | None = None,
    notice: Callable[[str], None] | None = None,
) -> Iterator[Task | Unreadable]:
    """The tasks of a set in their order, and what cannot be used, lazily; memory grows by hashes of ids alone.

    `source` is a file, a folder or a Hub id, with `#SPLIT` where it has several. `shape` is a name of SHAPES, or one
    of the twelve sets of the Camels paper, as `camels/NAME` where both have the name; without it the first records
    decide, and one that fits several is refused. `columns` says instead what each column is. `answered` rejects
    records without an answer; None: where any of the first records has one, for else it is a set of instructions.
    `compat` is `camels` for that paper's quirks, `seed` decides what its converters draw. `seen` is shared by the
    inputs of one run, so that no two tasks have the same id. `notice` is told what was read although it was misspelt.
    Raises BadInput for an input that cannot be used at all: torn, empty, of unknown or ambiguous layout, not there.
    """
    seen, notice = seen or SeenIds(), notice or _nothing
    seen.source()
    converter = _converter(shape, compat)
    if not converter and shape and shape_of(shape) is None:
        raise BadInput(f"no layout '{shown(shape)}'", place="--from", fix=f"take one of {', '.join(shape_names())}")
    if compat and not converter:
        raise BadInput(f"compat '{shown(compat)}' without one of its sets", place="--compat", fix="name it with --from")
    if columns and shape:
        fix = "leave one of them away"
        raise BadInput(f"both a layout ('{shown(shape)}') and columns are given", place="--columns", fix=fix)
    anything = False
    layout = Layout(shape, columns, answered)
    for part in _parts(source, converter):
        found = _converted(converter, part, compat, seed, seen) if converter else _read(part, layout, seen, notice)
        for one in found:
            anything = True
            yield one
    if not anything:
        raise BadInput("no records", place=shown(source, 400), fix="write one a line")


def shape_names(*, ours: bool = False) -> tuple[str, ...]:
    """What `--from` takes; `ours`: without what installed packages add."""
    from selfinstruct.formats.camels import CAMELS

    mine = (*SHAPES, *(f"camels/{one}" if one in SHAPES else one for one in CAMELS))
    return mine if ours else (*mine, *(one for one in plugins.names("formats") if one not in mine))


def _converter(shape: str, compat: str) -> str:
    """The name of the Camels set that is meant; empty for a plain layout."""
    from selfinstruct.formats.camels import CAMELS

    bare = shape.removeprefix(_CAMELS)
    return bare if bare in CAMELS and (compat or bare != shape or bare not in SHAPES) else ""


def _parts(source: str, converter: str) -> Iterator[Source]:
    """The collection of NatInst tasks has a folder of its own kind; all else is as it is named."""
    from selfinstruct.formats.camels import read_superni

    folder = Path(source)
    if converter == "superni" and (folder / "splits").is_dir():
        yield Source(folder.name, source, read_superni(folder))
    else:
        yield from sources(source)


def _converted(converter: str, part: Source, compat: str, seed: int, seen: SeenIds) -> Iterator[Task | Unreadable]:
    from selfinstruct.formats.camels import CAMELS

    for one in CAMELS[converter].convert(part.records, source=part.name, compat=compat, seed=seed):
        yield one if isinstance(one, Unreadable) else seen.distinct(one)


@dataclass(frozen=True, slots=True)
class Layout:
    """How records are to be read: in a layout, by columns, or as the first of them say."""

    shape: str = ""
    columns: Roles | None = None
    answered: bool | None = None


def _read(part: Source, layout: Layout, seen: SeenIds, notice: Callable[[str], None]) -> Iterator[Task | Unreadable]:
    first = first_of(part.records)
    if layout.columns:
        named(first, layout.columns)
    usual = "" if layout.columns else forced(first, layout.shape) if layout.shape else agreed(first)
    by_look = layout.answered is None and not layout.columns and with_answers(first, layout.shape)
    answered = bool(layout.columns and layout.columns.output) or by_look or bool(layout.answered)
    origin = Provenance(stage="input", source=part.name)
    reader = Reader(origin, seen, notice, layout.shape, usual, layout.columns, answered)
    for item in chain(first, part.records):
        yield reader.read(item)


def _nothing(said: str) -> None:
    del said
