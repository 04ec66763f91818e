"""The charts of records: each takes counts and gives shapes, or None when there is nothing to draw."""

from bisect import bisect_right
from collections.abc import Sequence
from statistics import quantiles

from selfinstruct.report.drawing import (
    FAILED,
    FAINT,
    INK,
    KEPT,
    NARROW,
    REJECTED,
    SEED,
    WIDTH,
    Axis,
    Bar,
    Chart,
    Frame,
    Path,
    Shape,
    Word,
    framed,
    named_rows,
    row_name,
    sheet,
    stacked,
    text_width,
    through,
    ticks,
)
from selfinstruct.report.number_words import number, share
from selfinstruct.report.summary import Count, RoundCount, StageCount
from selfinstruct.text.grammar import plural

THRESHOLDS = tuple(step / 100 for step in range(30, 100, 5))
"""0.30, 0.35 ... 0.95: where the similarity curve is read."""
_AT_MOST_ROUNDS = 60  # more are drawn in equal groups: a bar thinner than that tells nothing
_BIN = 0.05


def funnel(stages: Sequence[StageCount]) -> Chart | None:
    """For each stage, what it kept, rejected and lost, on one scale."""
    widest = max((stage.received for stage in stages), default=0)
    if not widest:
        return None
    frame, shapes = named_rows([row_name(stage.name) for stage in stages], 34.0, Axis(0, widest * 1.17, ()))
    for row, stage in enumerate(stages):
        parts = ((stage.kept, KEPT), (stage.rejections, REJECTED), (stage.failed, FAILED))
        shapes += stacked(frame, row, parts, 21.0)
        end = sum(width for width, _ in parts)
        shapes.append(Word(frame.x(end) + 5, frame.y(row) + 4, number(stage.kept)))
    first, last = stages[0], stages[-1]
    label = f"Of {plural(first.received, 'record')} that {first.name} saw, {number(last.kept)} left {last.name}"
    return sheet(label, shapes, 34.0 * len(stages))


def ranking(label: str, counts: Sequence[Count], *, top: int, colour: str = KEPT) -> Chart | None:
    """The most frequent names as bars, with counts and shares of all; what is beyond `top` becomes one last line."""
    whole = sum(count.count for count in counts)
    if not whole:
        return None
    ranked = sorted(counts, key=lambda count: (-count.count, count.name))
    bars, rest = ranked[:top], ranked[top:]
    said = [f"{number(bar.count)} · {share(bar.count, whole)}" for bar in bars]
    names = [row_name(bar.name) for bar in bars] + [""] * bool(rest)
    free = WIDTH - max(map(text_width, names)) - 24
    longest = bars[0].count
    room = longest * free / max(60.0, free - max(map(text_width, said)) - 8)  # beside the longest bar stand its words
    frame, shapes = named_rows(names, 24.0, Axis(0, room, ()))
    for row, bar in enumerate(bars):
        shapes += stacked(frame, row, ((bar.count, colour),), 16.0)
        shapes.append(Word(frame.x(bar.count) + 5, frame.y(row) + 4, said[row]))
    if rest:
        others = sum(count.count for count in rest)
        last = f"{plural(len(rest), 'other')}: {number(others)} · {share(others, whole)}"
        shapes.append(Word(frame.left, frame.y(len(bars)) + 4, last, FAINT))
    return sheet(label, shapes, 24.0 * len(names))


def rounds(counts: Sequence[RoundCount]) -> Chart | None:
    """Candidates of every round, and which of them were kept."""
    if not any(count.candidates for count in counts):
        return None
    groups = [
        (_middle(group), len(group), sum(count.kept for count in group), sum(count.candidates for count in group))
        for group in _grouped(counts)
    ]
    highest = max(max(kept, made) for *_, kept, made in groups)
    frame, shapes = framed(_round_axis(counts, 0.6), _count_axis(highest))
    for middle, size, kept, made in groups:
        left, right = middle - 0.4 * size, middle + 0.4 * size
        shapes.append(_column(frame, (left, right), (0, kept), KEPT))
        if made > kept:
            shapes.append(_column(frame, (left, right), (kept, made), REJECTED, 0.45))
    kept = sum(count.kept for count in counts)
    return sheet(f"Kept and not kept in each of {plural(len(counts), 'round')}: {number(kept)} kept", shapes, 230)


def nearest(kept: Sequence[float], rejected: Sequence[float], threshold: float | None) -> Chart | None:
    """How near the nearest neighbours are: candidates by ROUGE-L, in steps of 0.05."""
    if not (kept or rejected):
        return None
    edges = [step * _BIN for step in range(21)]
    passed, stopped = _histogram(kept, edges), _histogram(rejected, edges)
    highest = max(map(sum, zip(passed, stopped, strict=True)))
    frame, shapes = framed(Axis(0, 1, ticks(0, 1), "ROUGE-L with the nearest neighbour"), _count_axis(highest))
    for edge, low, high in zip(edges, passed, stopped, strict=False):
        sides = (edge + _BIN * 0.06, edge + _BIN * 0.94)
        shapes += [_column(frame, sides, (0, low), KEPT)] if low else []
        shapes += [_column(frame, sides, (low, low + high), REJECTED)] if high else []
    shapes += _threshold(frame, threshold)
    label = (
        f"ROUGE-L of the nearest neighbour of {number(len(kept))} kept and {number(len(rejected))} rejected candidates"
    )
    return sheet(label, shapes, 230)


def lengths(what: str, machine: Sequence[int], human: Sequence[int]) -> Chart | None:
    """Words per text, as shares, machine against seeds; the longest one in fifty share the last bar."""
    if not (machine or human):
        return None
    edges = _word_edges([*machine, *human])
    step = edges[1] - edges[0]
    drawn = [(_shares(texts, edges), colour) for texts, colour in ((machine, KEPT), (human, SEED)) if texts]
    highest = max(max(heights) for heights, _ in drawn)
    every = max(1, len(edges) // 5)
    kept = [tick for tick in edges[::every] if tick <= edges[-1] - every * step * 0.8]
    named = [*((float(tick), number(tick)) for tick in kept), (float(edges[-1]), f"{number(edges[-1])}+")]
    across = Axis(edges[0], edges[-1] + step, named, f"words in the {what}")
    frame, shapes = framed(across, Axis(0, highest * 1.06, ticks(0, highest), "% of texts"), 190, NARROW)
    for heights, colour in drawn:
        if colour == KEPT:
            sides = [(edge + step * 0.06, edge + step * 0.94) for edge in edges]
            shapes += [
                _column(frame, side, (0, height), KEPT) for side, height in zip(sides, heights, strict=True) if height
            ]
        else:
            corners = [
                (frame.x(at), frame.y(height))
                for edge, height in zip(edges, heights, strict=True)
                for at in (edge, edge + step)
            ]
            shapes.append(Path(corners, SEED))
    said = " and ".join(
        f"{sum(texts) / len(texts):.0f} in {whose}"
        for texts, whose in ((machine, "the published set"), (human, "the seeds"))
        if texts
    )
    return sheet(f"Words in the {what}: on average {said}", shapes, 190, NARROW)


def novelty_by_round(counts: Sequence[RoundCount], threshold: float | None) -> Chart | None:
    """Median and middle half of the nearest neighbour's ROUGE-L among what novelty let pass, round after round."""
    points = []
    for group in _grouped(counts):
        near = [value for count in group for value in count.nearest_kept]
        if near:
            low, middle, high = quantiles(near, n=4, method="inclusive") if len(near) > 1 else near * 3
            points.append((_middle(group), low, middle, high))
    if not points:
        return None
    across = _round_axis(counts, 0.5)
    frame, shapes = framed(across, Axis(0, 1, ticks(0, 1), "ROUGE-L, nearest"))
    upper = [(frame.x(at), frame.y(high)) for at, _, _, high in points]
    lower = [(frame.x(at), frame.y(low)) for at, low, _, _ in points]
    shapes.append(Path([*upper, *reversed(lower)], KEPT, filled=True, opacity=0.18))
    middles = [(frame.x(at), frame.y(middle)) for at, _, middle, _ in points]
    shapes += through(middles, KEPT, dots=len(points) < 30)
    if threshold is not None:
        y = frame.y(threshold)
        shapes.append(Path(((frame.left, y), (frame.right, y)), INK, 1.5, dashed=True))
        shapes.append(Word(frame.left + 4, y - 5, f"{threshold:g}"))
    label = f"Median ROUGE-L of the nearest neighbour: {points[0][2]:.2f} at first, {points[-1][2]:.2f} at last"
    return sheet(label, shapes, 230)


def similarity_curve(ranked: Sequence[float], threshold: float | None) -> Chart | None:
    """Share of candidates, ranked by ROUGE-L, whose nearest neighbour lies above each possible threshold."""
    if not ranked:
        return None
    shares = [100 * above(ranked, at) / len(ranked) for at in THRESHOLDS]
    named = [(at / 10, f"0.{at}") for at in range(3, 10)]
    highest = max(*shares, 1.0)
    frame, shapes = framed(
        Axis(THRESHOLDS[0], THRESHOLDS[-1], named, "ROUGE-L threshold"),
        Axis(0, highest * 1.12, ticks(0, highest), "% of candidates above"),
    )
    points = [(frame.x(at), frame.y(height)) for at, height in zip(THRESHOLDS, shares, strict=True)]
    below = [(frame.right, frame.bottom), (frame.left, frame.bottom)]
    shapes += [Path([*points, *below], REJECTED, filled=True, opacity=0.15), *through(points, REJECTED, dots=False)]
    shapes += _threshold(frame, threshold)
    label = f"Share of candidates above a threshold: {shares[0]:.0f} % at 0.30, {shares[-1]:.0f} % at 0.95"
    return sheet(label, shapes, 230)


def above(ranked: Sequence[float], threshold: float) -> int:
    """How many nearest neighbours, ranked from the lowest, lie above a threshold, as the strict rule compares.

    >>> above([0.2, 0.7, 0.71], 0.7)
    1
    """
    return len(ranked) - bisect_right(ranked, threshold)


def _column(
    frame: Frame, sides: tuple[float, float], ends: tuple[float, float], colour: str, opacity: float = 1.0
) -> Bar:
    left, right = map(frame.x, sides)
    bottom, top = map(frame.y, ends)
    return Bar(left, top, right - left, bottom - top, colour, opacity)


def _threshold(frame: Frame, threshold: float | None) -> list[Shape]:
    if threshold is None:
        return []
    return [frame.upright(threshold), Word(frame.x(threshold) + 4, frame.top + 9, f"{threshold:g}")]


def _round_axis(counts: Sequence[RoundCount], margin: float) -> Axis:
    first, last = counts[0].number, counts[-1].number
    return Axis(first - margin, last + margin, ticks(first, last, whole=True), "round")


def _count_axis(highest: int) -> Axis:
    return Axis(0, max(1, highest) * 1.05, ticks(0, max(1, highest), whole=True), "candidates")


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
