"""The drawings of the page: each takes counts and gives an SVG, or nothing when there is nothing to draw."""

from bisect import bisect_right
from collections.abc import Sequence
from statistics import quantiles
from typing import TYPE_CHECKING

from selfinstruct.report.drawing import FAILED, FAINT, GRID, INK, KEPT, NARROW, REJECTED, SEED, draw
from selfinstruct.report.phrases import number, plural, share
from selfinstruct.report.summary import Count, RoundCount, StageCount
from selfinstruct.text import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THRESHOLDS = tuple(step / 100 for step in range(30, 100, 5))
"""0.30, 0.35 ... 0.95: where the similarity curve is read."""
_ROW, _FRAME = 24.0, 20.0  # height of one bar, and of the rest of a drawing of bars
_NAME = 26  # letters of a name that a row has room for
_AT_MOST_ROUNDS = 60  # more are drawn in equal groups: a bar thinner than that tells nothing
_BIN = 0.05


def funnel(stages: Sequence[StageCount]) -> str:
    """For each stage, what it kept, rejected and lost, on one scale."""
    widest = max((stage.received for stage in stages), default=0)
    if not widest:
        return ""

    def paint(axes: "Axes") -> None:
        for row, stage in enumerate(stages):
            left = 0
            for width, colour in ((stage.kept, KEPT), (stage.rejections, REJECTED), (stage.failed, FAILED)):
                axes.barh(row, width, left=left, height=0.62, color=colour)
                left += width
            axes.text(left + widest * 0.012, row, number(stage.kept), va="center", color=INK)
        _as_rows(axes, [stage.name for stage in stages], widest * 1.13)

    first, last = stages[0], stages[-1]
    label = f"Of {plural(first.received, 'record')} that {first.name} saw, {number(last.kept)} left {last.name}"
    return draw("funnel", label, _FRAME + 34 * len(stages), paint)


def ranking(name: str, label: str, counts: Sequence[Count], *, top: int, colour: str = KEPT) -> str:
    """The most frequent names as bars, with counts and shares of all; what is beyond `top` becomes one last bar."""
    whole = sum(count.count for count in counts)
    if not whole:
        return ""
    ranked = sorted(counts, key=lambda count: (-count.count, count.name))
    rest = ranked[top:]
    bars = ranked[:top]
    longest = bars[0].count

    def paint(axes: "Axes") -> None:
        for row, bar in enumerate(bars):
            said = f"{number(bar.count)} · {share(bar.count, whole)}"
            axes.barh(row, bar.count, height=0.66, color=colour)
            axes.text(bar.count + longest * 0.015, row, said, va="center", color=INK)
        if rest:
            others = sum(count.count for count in rest)
            said = f"{plural(len(rest), 'other')}: {number(others)} · {share(others, whole)}"
            axes.text(0, len(bars), said, va="center", color=FAINT)
        _as_rows(axes, [bar.name for bar in bars], longest * 1.32, rows=len(bars) + bool(rest))

    return draw(name, label, _FRAME + _ROW * (len(bars) + bool(rest)), paint)


def rounds(counts: Sequence[RoundCount]) -> str:
    """Candidates of every round, and which of them were kept."""
    groups = _grouped(counts)
    if not any(count.candidates for count in counts):
        return ""

    def paint(axes: "Axes") -> None:
        for group in groups:
            kept, made = sum(count.kept for count in group), sum(count.candidates for count in group)
            place, width = _middle(group), 0.8 * len(group)
            axes.bar(place, kept, width=width, color=KEPT)
            axes.bar(place, max(0, made - kept), bottom=kept, width=width, color=REJECTED, alpha=0.45)
        axes.set_xlim(counts[0].number - 0.6, counts[-1].number + 0.6)
        _upright(axes, "round", "candidates")

    kept = sum(count.kept for count in counts)
    return draw(
        "rounds", f"Kept and not kept in each of {plural(len(counts), 'round')}: {number(kept)} kept", 230, paint
    )


def novelty_by_round(counts: Sequence[RoundCount], threshold: float | None) -> str:
    """Median and middle half of the nearest neighbour's ROUGE-L among what novelty let pass, round after round."""
    points = []
    for group in _grouped(counts):
        near = [value for count in group for value in count.nearest_kept]
        if near:
            low, middle, high = quantiles(near, n=4, method="inclusive") if len(near) > 1 else near * 3
            points.append((_middle(group), low, middle, high))
    if not points:
        return ""

    def paint(axes: "Axes") -> None:
        where, low, middle, high = zip(*points, strict=True)
        axes.fill_between(where, low, high, color=KEPT, alpha=0.18, linewidth=0)
        axes.plot(where, middle, color=KEPT, marker="o" if len(points) < 30 else "", markersize=5, markeredgewidth=0)
        axes.set_ylim(0, 1)
        _upright(axes, "round", "ROUGE-L, nearest")
        if threshold is not None:
            axes.axhline(threshold, color=INK, linewidth=1.5, linestyle=(0, (4, 3)))
            place = (points[0][0], threshold)
            axes.annotate(f"{threshold:g}", place, xytext=(0, 4), textcoords="offset points", color=INK)

    label = f"Median ROUGE-L of the nearest neighbour: {points[0][2]:.2f} at first, {points[-1][2]:.2f} at last"
    return draw("novelty-rounds", label, 230, paint)


def nearest(kept: Sequence[float], rejected: Sequence[float], threshold: float | None) -> str:
    """How near the nearest neighbours are: candidates by ROUGE-L, in steps of 0.05."""
    if not (kept or rejected):
        return ""
    edges = [step * _BIN for step in range(21)]
    passed, stopped = _histogram(kept, edges), _histogram(rejected, edges)

    def paint(axes: "Axes") -> None:
        middles = [edge + _BIN / 2 for edge in edges[:-1]]
        axes.bar(middles, passed, width=_BIN * 0.88, color=KEPT)
        axes.bar(middles, stopped, bottom=passed, width=_BIN * 0.88, color=REJECTED)
        axes.set_xlim(0, 1)
        _upright(axes, "ROUGE-L with the nearest neighbour", "candidates")
        _mark(axes, threshold)

    label = (
        f"ROUGE-L of the nearest neighbour of {number(len(kept))} kept and {number(len(rejected))} rejected candidates"
    )
    return draw("nearest", label, 230, paint)


def similarity_curve(scored: Sequence[float], threshold: float | None) -> str:
    """Share of candidates whose nearest neighbour lies above each possible threshold."""
    if not scored:
        return ""
    shares = [100 * above(scored, at) / len(scored) for at in THRESHOLDS]

    def paint(axes: "Axes") -> None:
        axes.fill_between(THRESHOLDS, shares, color=REJECTED, alpha=0.15, linewidth=0)
        axes.plot(THRESHOLDS, shares, color=REJECTED)
        axes.set_xlim(THRESHOLDS[0], THRESHOLDS[-1])
        axes.set_ylim(0, max(*shares, 1) * 1.12)
        _upright(axes, "ROUGE-L threshold", "% of candidates above")
        axes.set_xticks([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
        _mark(axes, threshold)

    label = f"Share of candidates above a threshold: {shares[0]:.0f} % at 0.30, {shares[-1]:.0f} % at 0.95"
    return draw("curve", label, 230, paint)


def curve(name: str, label: str, points: Sequence[tuple[float, float]], *, across: str, up: str) -> str:
    """A line through points; shares on the upright axis."""
    if not points:
        return ""

    def paint(axes: "Axes") -> None:
        where, height = zip(*sorted(points), strict=True)
        axes.plot(where, height, color=KEPT, marker="o", markersize=4, markeredgewidth=0)
        axes.set_ylim(0, max(0.02, *height) * 1.1)
        _upright(axes, across, up)

    return draw(name, label, 230, paint)


def lengths(name: str, what: str, machine: Sequence[int], human: Sequence[int]) -> str:
    """Words per text, as shares, machine against seeds; the longest one in fifty share the last bar."""
    if not (machine or human):
        return ""
    edges = _word_edges([*machine, *human])
    step = edges[1] - edges[0]

    def paint(axes: "Axes") -> None:
        middles = [edge + step / 2 for edge in edges]
        if machine:
            axes.bar(middles, _shares(machine, edges), width=step * 0.88, color=KEPT)
        if human:
            heights = _shares(human, edges)
            axes.stairs(heights, [*edges, edges[-1] + step], color=SEED, linewidth=2, baseline=None)
        axes.set_xlim(edges[0], edges[-1] + step)
        _upright(axes, f"words in the {what}", "% of texts")
        every = max(1, len(edges) // 5)
        ticks = [tick for tick in edges[::every] if tick <= edges[-1] - every * step * 0.8]
        axes.set_xticks([*ticks, edges[-1]], [*(number(tick) for tick in ticks), f"{number(edges[-1])}+"])

    said = " and ".join(
        f"{_mean(texts):.0f} in {whose}"
        for texts, whose in ((machine, "the published set"), (human, "the seeds"))
        if texts
    )
    return draw(name, f"Words in the {what}: on average {said}", 190, paint, width=NARROW)


def above(scored: Sequence[float], threshold: float) -> int:
    """How many nearest neighbours lie above a threshold, as the strict rule compares.

    >>> above([0.2, 0.7, 0.71], 0.7)
    1
    """
    return sum(value > threshold for value in scored)


def _as_rows(axes: "Axes", names: Sequence[str], widest: float, rows: int | None = None) -> None:
    axes.set_yticks(range(len(names)), [shown(name, _NAME) or "(none)" for name in names])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_ylim((rows or len(names)) - 0.5, -0.5)
    axes.set_xlim(0, widest)
    axes.set_xticks([])
    axes.grid(visible=False)


def _upright(axes: "Axes", across: str, up: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlabel(across)
    axes.set_title(up, loc="left", fontsize=11, color=FAINT)
    axes.grid(visible=False, axis="x")
    axes.axhline(0, color=GRID, linewidth=1.5)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=across == "round"))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=up == "candidates"))
    if up == "candidates":
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _mark(axes: "Axes", threshold: float | None) -> None:
    if threshold is not None:
        axes.axvline(threshold, color=INK, linewidth=1.5, linestyle=(0, (4, 3)))
        axes.annotate(
            f"{threshold:g}",
            (threshold, 1),
            xycoords=("data", "axes fraction"),
            xytext=(4, -9),
            color=INK,
            textcoords="offset points",
        )


def _grouped(counts: Sequence[RoundCount]) -> list[Sequence[RoundCount]]:
    size = -(-len(counts) // _AT_MOST_ROUNDS) or 1
    return [counts[start : start + size] for start in range(0, len(counts), size)]


def _middle(group: Sequence[RoundCount]) -> float:
    return (group[0].number + group[-1].number) / 2


def _histogram(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    heights = [0] * (len(edges) - 1)
    for value in values:
        # A hair's breadth: 3 * 0.05 lies above 0.15, and 0.15 belongs to the bar that begins there.
        heights[min(max(bisect_right(edges, value + 1e-9) - 1, 0), len(heights) - 1)] += 1
    return heights


def _word_edges(values: Sequence[int]) -> list[int]:
    ranked = sorted(values)
    long = max(10, ranked[min(len(ranked) - 1, len(ranked) * 49 // 50)])
    step = next(step for power in range(9) for step in (10**power, 2 * 10**power, 5 * 10**power) if step * 22 > long)
    return list(range(0, long + step, step))


def _shares(values: Sequence[int], edges: Sequence[int]) -> list[float]:
    heights = [0] * len(edges)
    for value in values:
        heights[bisect_right(edges, value) - 1] += 1
    return [100 * height / len(values) for height in heights]


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values)
