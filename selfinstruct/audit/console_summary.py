"""What an audit found, in a few lines for whoever ran it; the files and the page have all of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

Told: TypeAlias = Mapping[str, Any]


def shift_lines(told: Told) -> Iterator[str]:
    """Shares of tokens, the divergence of openings and rest, and the floor of each."""
    of = f"{told['positions']:,} tokens of {told['responses']} responses, template {told['template']}"
    yield f"{told['tuned']} beside {told['base']}: {of}"
    for one in (told["shift"], *told["floors"]):
        whole = one["all"]
        kinds = ", ".join(f"{name} {_share(whole[name])}" for name in ("unshifted", "marginal", "shifted"))
        first, rest = (_number(one[name]["kl_base_tuned"]) for name in ("first_of_sentence", "rest_of_sentence"))
        yield f"  {one['about']}: {kinds}; KL(base || tuned) {first} at the first 5 % of sentences, {rest} after"


def knowledge_lines(told: Told) -> Iterator[str]:
    """What each model knows, and what each lost beside the base."""
    yield f"{told['statements']} facts in two phrasings; guessing gets {100 * told['guessing']:.0f} %"
    for one in told["models"]:
        loss = f", held-out loss {_number(one['held_out_loss'])}" if one["held_out_loss"] else ""
        yield f"  {one['name']}: right {_share(one['right'])}, prose perplexity {one['prose_perplexity']}{loss}"
    for one in told["differences"]:
        equal = f"; held-out loss: {one['equal_loss']}" if one["equal_loss"] else ""
        lost = _points(one["known_facts"])
        yield f"  {one['of']} above {one['above']}, of {one['known']} facts that the base knows: {lost}{equal}"


def trace_lines(told: Told) -> Iterator[str]:
    """How many spans stand in the training set, and in what company."""
    by = ", ".join(f"{count} {how}" for how, count in told["by"].items() if count)
    yield f"{told['spans']} spans ({by}) of {told['responses']} responses, looked up in {told['records']:,} records"
    if judged := told.get("judged"):
        yield f"  {judged['model']} calls {judged['false']} of {judged['sentences']} sentences false"
    yield f"  word for word {_share(told['exact'])}, something like it {_share(told['found'])}"
    yield f"  word for word in a record about the same: {_share(told['borrowed'])}"
    size = told["copying"]["characters"]
    yield f"  characters of answers: {_plain(size['taught'])} taught, {_plain(size['said'])} said"


def _plain(told: Told | None) -> str:
    return "-" if told is None else f"{told['value']:.0f}"


def _points(told: Told | None) -> str:
    return "-" if told is None else f"{100 * told['value']:+.1f} points{_ends(told, 100, 1)}"


def _share(told: Told | None) -> str:
    return "-" if told is None else f"{100 * told['value']:.1f} %{_ends(told, 100, 1)}"


def _number(told: Told | None) -> str:
    return "-" if told is None else f"{told['value']:.3f}{_ends(told, 1, 3)}"


def _ends(told: Told, times: float, digits: int) -> str:
    if told.get("low") is None:
        return ""
    return f" ({times * told['low']:.{digits}f} to {times * told['high']:.{digits}f})"


LINES: Mapping[str, Callable[[Told], Iterator[str]]] = {
    "shift": shift_lines,
    "knowledge": knowledge_lines,
    "trace": trace_lines,
}
"""By stage."""
