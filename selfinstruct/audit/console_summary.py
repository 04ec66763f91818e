"""What an audit found, in a few lines for whoever ran it; the files and the page have all of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

JsonObject: TypeAlias = Mapping[str, Any]


def shift_lines(results: JsonObject) -> Iterator[str]:
    """Shares of tokens, the divergence of openings and rest, and the floor of each."""
    of = f"{results['positions']:,} tokens of {results['responses']} responses, template {results['template']}"
    yield f"{results['tuned']} beside {results['base']}: {of}"
    for figures in (results["shift"], *results["floors"]):
        whole = figures["all"]
        kinds = ", ".join(f"{name} {_share(whole[name])}" for name in ("unshifted", "marginal", "shifted"))
        first, rest = (_number(figures[name]["kl_base_tuned"]) for name in ("first_of_sentence", "rest_of_sentence"))
        yield f"  {figures['about']}: {kinds}; KL(base || tuned) {first} at the first 5 % of sentences, {rest} after"


def knowledge_lines(results: JsonObject) -> Iterator[str]:
    """What each model knows, and what each lost beside the base."""
    yield f"{results['statements']} facts in two phrasings; guessing gets {100 * results['guessing']:.0f} %"
    for model in results["models"]:
        loss = f", held-out loss {_number(model['held_out_loss'])}" if model["held_out_loss"] else ""
        yield f"  {model['name']}: right {_share(model['right'])}, prose perplexity {model['prose_perplexity']}{loss}"
    for change in results["differences"]:
        equal = f"; held-out loss: {change['equal_loss']}" if change["equal_loss"] else ""
        lost = _points(change["known_facts"])
        yield f"  {change['of']} above {change['above']}, of {change['known']} facts that the base knows: {lost}{equal}"


def trace_lines(results: JsonObject) -> Iterator[str]:
    """How many spans stand in the training set, and in what company."""
    by = ", ".join(f"{count} {how}" for how, count in results["by"].items() if count)
    of = f"{results['responses']} responses, looked up in {results['records']:,} records"
    yield f"{results['spans']} spans ({by}) of {of}"
    if judged := results.get("judged"):
        yield f"  {judged['model']} calls {judged['false']} of {judged['sentences']} sentences false"
    yield f"  word for word {_share(results['exact'])}, something like it {_share(results['found'])}"
    yield f"  word for word in a record about the same: {_share(results['borrowed'])}"
    size = results["copying"]["characters"]
    yield f"  characters of answers: {_plain(size['taught'])} taught, {_plain(size['said'])} said"


def _plain(estimate: JsonObject | None) -> str:
    return "-" if estimate is None else f"{estimate['value']:.0f}"


def _points(estimate: JsonObject | None) -> str:
    return "-" if estimate is None else f"{100 * estimate['value']:+.1f} points{_ends(estimate, 100, 1)}"


def _share(estimate: JsonObject | None) -> str:
    return "-" if estimate is None else f"{100 * estimate['value']:.1f} %{_ends(estimate, 100, 1)}"


def _number(estimate: JsonObject | None) -> str:
    return "-" if estimate is None else f"{estimate['value']:.3f}{_ends(estimate, 1, 3)}"


def _ends(estimate: JsonObject, times: float, digits: int) -> str:
    if estimate.get("low") is None:
        return ""
    return f" ({times * estimate['low']:.{digits}f} to {times * estimate['high']:.{digits}f})"


LINES: Mapping[str, Callable[[JsonObject], Iterator[str]]] = {
    "shift": shift_lines,
    "knowledge": knowledge_lines,
    "trace": trace_lines,
}
"""By stage."""
