"""Did a record teach a span? Students are tuned anew, each without half of the suspects, and asked how likely it is.

All copies of a record are one group and are dropped together; a neutral record as long takes the place of each, so that
steps and order stay. Each span's log-probability is regressed on which of its suspects were in; p values are by
permutation of the retunings, and the share of false discoveries is held (Benjamini and Hochberg 1995).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from selfinstruct.audit.trace_index import group_of
from selfinstruct.errors import BadInput
from selfinstruct.records import Json, Task
from selfinstruct.stats import Estimate, correlation
from selfinstruct.text import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PERMUTATIONS = 2_000
FALSE = 0.1
"""Of what is called taught, the share that may be false."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one suspect does to one span."""

    span: int
    group: str
    nats: float
    """By so much the span is likelier where the group is in."""
    p: float
    """One-sided: that chance alone does as much."""
    taught: bool
    """Called so, with the share of false calls held."""

    def as_json(self) -> dict[str, Json]:
        """As a line of the file."""
        return {
            "span": self.span,
            "group": self.group,
            "nats": round(self.nats, 6),
            "p": round(self.p, 6),
            "taught": self.taught,
        }


def plan(groups: Sequence[str], retunings: int, seed: int) -> "NDArray[np.bool_]":
    """Which groups are in, shape [retunings, groups]: half of them each time, and each in half of the retunings.

    Retunings come in pairs, of which one drops what the other has.
    """
    import numpy as np

    if retunings < 4:
        raise BadInput(f"{retunings} retunings tell nothing", place="retunings", fix="take 40")
    rows = list[list[bool]]()
    for pair in range((retunings + 1) // 2):
        order = list(range(len(groups)))
        Random(f"{seed}/retunings/{pair}").shuffle(order)  # noqa: S311 - not for secrets
        dropped = set(order[: (len(groups) + pair % 2) // 2])
        half = [at not in dropped for at in range(len(groups))]
        rows += [half, [not is_in for is_in in half]]
    return np.array(rows[:retunings], bool).reshape(retunings, len(groups))


def without(tasks: Sequence[Task], dropped: set[str], suspects: set[str], seed: int) -> list[Task]:
    """The set with a neutral record of like length in the place of each that is dropped.

    A neutral record is of no group that is suspected; each stands in once before one does twice.

    Raises:
        BadInput: every record is a suspect.
    """
    marks = [group_of(task) for task in tasks]
    neutral = [at for at, mark in enumerate(marks) if mark not in suspects]
    if not neutral:
        what = "every record is a suspect: none is left to take their places"
        raise BadInput(what, place="stage trace", fix="mark fewer spans, or name the whole training set")
    size = [_length(task) for task in tasks]
    Random(f"{seed}/neutral").shuffle(neutral)  # noqa: S311 - not for secrets
    used = dict.fromkeys(neutral, 0)
    made = list[Task]()
    for at, task in enumerate(tasks):
        if marks[at] not in dropped:
            made.append(task)
            continue
        best = min(neutral, key=lambda place: (used[place], abs(size[place] - size[at])))
        used[best] += 1
        made.append(replace(tasks[best], ordinal=1000 * used[best] + at))
    return made


def effects(
    inside: "NDArray[np.bool_]",
    groups: Sequence[str],
    measured: "NDArray[np.float64]",
    suspects: Mapping[int, Sequence[str]],
    *,
    seed: int,
    false: float = FALSE,
) -> list[Effect]:
    """Of each span and each of its suspects.

    Args:
        inside: which groups were in, shape [retunings, groups].
        groups: their names, in the order of the columns.
        measured: log-probabilities, shape [retunings, spans].
        suspects: of each span the groups that may have taught it.
        seed: of the permutations.
        false: of what is called taught, the share that may be false.
    """
    import numpy as np

    column = {group: at for at, group in enumerate(groups)}
    draw = np.random.Generator(np.random.PCG64(seed))
    orders = np.stack([draw.permutation(len(inside)) for _ in range(PERMUTATIONS)])
    rows = list[Effect]()
    for span, named in suspects.items():
        table = np.column_stack([np.ones(len(inside)), inside[:, [column[group] for group in named]].astype(float)])
        solve = np.linalg.pinv(table)[
            1:
        ]  # coefficients are linear in what was found: one matrix serves all permutations
        values = measured[:, span]
        here = solve @ values
        chance = values[orders] @ solve.T
        beyond = (chance >= here - 1e-12).sum(0)
        for at, group in enumerate(named):
            p = float(1 + beyond[at]) / (1 + PERMUTATIONS)
            rows.append(Effect(span, group, float(here[at]), p, taught=False))
    called = discoveries([effect.p for effect in rows], false)
    return [replace(effect, taught=yes) for effect, yes in zip(rows, called, strict=True)]


def agreement(first: "NDArray[np.float64]", second: "NDArray[np.float64]") -> Estimate | None:
    """How far two ways of tuning agree on what sets do to spans: correlation of log-probabilities, around their means.

    Args:
        first: by one way, shape [retunings, spans].
        second: by the other, of the same sets.

    >>> import numpy as np
    >>> first = np.array([[0.0, 5.0], [1.0, 4.0], [0.0, 5.5], [1.0, 4.5]])
    >>> round(agreement(first, 2 * first + 1).value, 6)
    1.0
    """
    return correlation((first - first.mean(0)).ravel(), (second - second.mean(0)).ravel())


def discoveries(p: Sequence[float], false: float) -> list[bool]:
    """Which are called, so that of those no more than this share is false on average.

    >>> discoveries([0.001, 0.04, 0.03, 0.9], 0.1)
    [True, True, True, False]
    """
    order = sorted(range(len(p)), key=lambda at: p[at])
    last = max((rank for rank, at in enumerate(order, 1) if p[at] <= false * rank / len(p)), default=0)
    called = set(order[:last])
    return [at in called for at in range(len(p))]


def _length(task: Task) -> int:
    return len(words(task.instruction)) + sum(
        len(words(pair.input)) + len(words(pair.output)) for pair in task.instances
    )
