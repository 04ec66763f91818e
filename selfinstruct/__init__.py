"""From a few seed tasks and any language model to an instruction set in which every record is accounted for."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfinstruct.evaluate.ifs import Scored

__version__ = "0.1.0"


def ifs(responses: "Iterable[tuple[str, str] | Mapping[str, object]]", *, judge: str = "", seed: int = 0) -> "Scored":
    """The Instruction Following Score of responses, as pairs (prompt, response) or as mappings with these keys.

    A mapping may also say `finish_reason`, `whole` and `source` (responses of one source are resampled together).
    `judge`: `ifs-v2`, `ifs-v2-linear`, `ifs-v1` or a folder of `train-judge`; by default `ifs-v2` where the extra
    `train` and the embedded model are here, and `ifs-v2-linear` elsewhere. The result names it (`setting.judge`), for
    numbers of two judges do not compare. It has `ifs`, `ifs_partial`, `ifs_full`, `gap`, `ifs_clean` ..., each a share
    with its 95 % interval. BadInput for no responses.

    Source: Becoming self-instruct (arXiv 2307.03692).

    >>> from selfinstruct import ifs
    >>> said = [("Name a river in Spain.", "The Ebro is a river in Spain."), ("Name a river in", " Spain or Portugal.")]
    >>> ifs(said, judge="ifs-v2-linear").ifs.value
    0.5
    """
    from selfinstruct.run.scoring import ifs_of  # nothing is loaded before it is used

    return ifs_of(responses, judge, seed)
