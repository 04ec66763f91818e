"""The parts of a view, and the template that draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from selfinstruct.text import shown

if TYPE_CHECKING:
    from jinja2 import Template

ROWS = 10
"""Records that a table shows."""
_CELL = 160  # characters


@dataclass(frozen=True, slots=True)
class ViewTable:
    """A table whose cells are cut; it says how many rows there are where not all are shown."""

    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    of: int = 0
    """Rows that there are in all."""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class ViewLines:
    """Text that is shown line by line, as it is."""

    lines: Sequence[str]


def view(*parts: str | ViewTable | ViewLines) -> str:
    """Parts one below the other; a text is a sentence of its own.

    >>> view("R&D", ViewTable(["a"], [["<b>"]], of=2))
    '<p>R&amp;D</p><table><tr><th>a</th></tr><tr><td>&lt;b&gt;</td></tr></table><p>1 of 2</p>'
    """
    return _template().render(parts=parts)


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # a tenth of a second, and only a notebook needs it

    environment = Environment(loader=PackageLoader("selfinstruct.notebook"), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"cell": lambda value: shown(str(value), _CELL), "grouped": "{:,}".format}
    return environment.get_template("view.html.jinja")
