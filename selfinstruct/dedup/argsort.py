"""The order in which the released program saw equal scores: NumPy's quicksort of its day.

The program takes its ten nearest neighbours from `np.argsort`, whose order among equals is an accident of the
algorithm. Newer NumPy sorts with vector instructions and breaks ties by processor, so the same run would differ from
machine to machine; the classic algorithm (median of three, insertion sort up to 16) gives one answer everywhere.
"""

from collections.abc import Sequence

_SMALL = 16  # pieces up to one more than this are sorted by insertion


def argsort(values: Sequence[float]) -> list[int]:
    """Places in ascending order of value.

    >>> argsort([0.5, 0.1, 0.5, 0.3])
    [1, 3, 0, 2]
    """
    places = list(range(len(values)))
    left, right, waiting = 0, len(values) - 1, list[tuple[int, int]]()
    while True:
        while right - left > _SMALL:
            low, high = _partition(values, places, left, right)
            if low - left < right - low:
                waiting.append((low + 1, right))
                right = low - 1
            else:
                waiting.append((left, low - 1))
                left = high
        _insertion(values, places, left, right)
        if not waiting:
            return places
        left, right = waiting.pop()


def _partition(values: Sequence[float], places: list[int], left: int, right: int) -> tuple[int, int]:
    """Part the piece around the median of its first, middle and last; where that ended up, and the place after."""
    middle = left + ((right - left) >> 1)
    for later, earlier in ((middle, left), (right, middle), (middle, left)):
        if values[places[later]] < values[places[earlier]]:
            _swap(places, later, earlier)
    pivot = values[places[middle]]
    up, down = left, right - 1
    _swap(places, middle, down)
    while True:
        up += 1
        while values[places[up]] < pivot:
            up += 1
        down -= 1
        while pivot < values[places[down]]:
            down -= 1
        if up >= down:
            break
        _swap(places, up, down)
    _swap(places, up, right - 1)
    return up, up + 1


def _insertion(values: Sequence[float], places: list[int], left: int, right: int) -> None:
    for start in range(left + 1, right + 1):
        place, at = places[start], start
        while at > left and values[place] < values[places[at - 1]]:
            places[at] = places[at - 1]
            at -= 1
        places[at] = place


def _swap(places: list[int], one: int, other: int) -> None:
    places[one], places[other] = places[other], places[one]
